//! Time of separating music, by each model: how many times faster than it plays, on one core.
//!
//! The first seconds of up to three songs in ${EVERMIX_SHARED:-../shared}/music are used; without
//! them, a second of noise and a tone.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evermix::audio::{AudioBuffer, Decoder};
use evermix::base::{Limits, SampleRate};
use evermix::separation::{Compact, Hpss, Separator};

const SONGS: usize = 3;
const SECONDS: usize = 20;

/// Songs at 44.1 kHz in stereo, cut to `SECONDS`.
fn songs() -> Vec<(String, AudioBuffer)> {
    let shared = std::env::var_os("EVERMIX_SHARED").map_or("../shared".into(), PathBuf::from);
    let folder = shared.join("music");
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_file()).collect();
    paths.sort();
    let songs: Vec<_> = paths.iter().filter_map(|path| song(path)).take(SONGS).collect();
    if songs.is_empty() {
        eprintln!("no songs in {} (set EVERMIX_SHARED): noise and a tone", folder.display());
        return vec![("noise and a tone".into(), noise())];
    }
    songs
}

fn song(path: &Path) -> Option<(String, AudioBuffer)> {
    let mut decoder = Decoder::open(path, &Limits::default()).ok()?;
    if decoder.rate() != SampleRate::CD || decoder.channels() != 2 {
        return None;
    }
    let (mut song, mut block) = (AudioBuffer::new(2), AudioBuffer::default());
    let wanted = SECONDS * SampleRate::CD.hz() as usize;
    while song.frames() < wanted && decoder.next_block(&mut block).ok()? {
        song.extend(&block);
    }
    song.truncate(wanted);
    Some((path.file_name()?.to_string_lossy().into_owned(), song))
}

fn noise() -> AudioBuffer {
    let mut state = 1u32;
    let plane = (0..SampleRate::CD.hz()).map(|i| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 + 0.2 * (i as f32 * 0.03).sin()
    });
    let plane: Vec<f32> = plane.collect();
    AudioBuffer { planes: vec![plane.clone(), plane] }
}

fn separate(separator: &mut dyn Separator, song: &AudioBuffer) -> AudioBuffer {
    let mut drums = AudioBuffer::new(2);
    let views = song.slices();
    if separator.hears_first() {
        separator.hear(&views).expect("the separator works");
    }
    separator.process(&views, &mut drums.planes).expect("the separator works");
    separator.finish(&mut drums.planes).expect("the separator works");
    drums
}

fn separation(criterion: &mut Criterion) {
    let mut compact = Compact::new(2).expect("the weights are whole");
    let mut hpss = Hpss::new(SampleRate::CD, 2);
    for (name, song) in songs() {
        let mut group = criterion.benchmark_group(name);
        // Elements are milliseconds of sound: thousands of them a second are times real time.
        group.throughput(Throughput::Elements(song.frames() as u64 * 10 / 441));
        group.bench_function("hpss", |b| b.iter(|| separate(&mut hpss, black_box(&song))));
        group.bench_function("compact", |b| b.iter(|| separate(&mut compact, black_box(&song))));
        group.finish();
    }
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
}

criterion_group! { name = benches; config = short(); targets = separation }
criterion_main!(benches);
