//! What a stream costs beside the music: packets through the ring to a thousand listeners, titles
//! woven in, blocks encoded.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use evermix::audio::encode::live::{Format, Packet};
use evermix::base::{SampleRate, Seconds};
use evermix::stream::{Ring, Taken};

const LISTENERS: u64 = 1_000;
/// A packet of MP3 at 128 kbit/s.
const PACKET: usize = 3_344;
const FRAMES: u64 = 8 * 1_152;

fn ring(packets: u64) -> Ring {
    let format = Format::Mp3(evermix::audio::encode::Mp3Quality::Cbr(128));
    let mut ring = Ring::new(format, 44_100.0, Bytes::new(), 512 << 10);
    for _ in 0..packets {
        ring.push(Packet { bytes: Bytes::from(vec![0; PACKET]), frames: FRAMES });
    }
    ring
}

fn give_out(ring: &Ring, number: u64) -> usize {
    (0..LISTENERS).filter(|_| matches!(black_box(ring.take(number)), Taken::Packet(..))).count()
}

fn broadcast(c: &mut Criterion) {
    let mut group = c.benchmark_group("broadcast");
    group.throughput(Throughput::Elements(LISTENERS));
    group.bench_function("a packet to a thousand listeners", |b| {
        let setup = || {
            let mut ring = ring(150);
            ring.release(Seconds(20.0));
            ring
        };
        b.iter_batched_ref(setup, |ring| give_out(ring, 90), BatchSize::LargeInput);
    });
    group.finish();
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode a second");
    let tone = |i: usize| (i as f32 * 0.05).sin() * 0.3;
    let sound: Vec<Vec<f32>> = vec![(0..44_100).map(tone).collect(); 2];
    let planar: Vec<&[f32]> = sound.iter().map(Vec::as_slice).collect();
    for name in ["mp3:128", "opus:128", "flac"] {
        let Ok(format) = name.parse::<Format>() else { continue };
        let Ok(mut encoder) = format.encoder(SampleRate::CD, "bench") else { continue };
        let mut packets = Vec::new();
        group.bench_function(name, |b| {
            b.iter(|| {
                packets.clear();
                let _ = black_box(encoder.encode(&planar, &mut packets));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, broadcast, encode);
criterion_main!(benches);
