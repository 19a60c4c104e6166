//! What targets for binary files begin with, made by the program itself. Text to begin with lies in
//! `seeds/`.

use std::path::Path;
use std::str::FromStr as _;

use evermix::audio::encode::live::{Format, LiveEncoder, Packet};
use evermix::audio::wav::{SampleFormat, WavBytes};
use evermix::base::SampleRate;
use evermix::corpus::{Algorithm, Column, IndexFile, Space, SpaceColumn, Table};
use evermix::pipeline::{BeatSource, analyze, find_songs};

use crate::memory::{in_disk_context, scratch};

/// Names the folder that seeds go to.
const FOLDER: &str = "EVERMIX_FUZZ_SEEDS";

/// Begins a target: where `EVERMIX_FUZZ_SEEDS` names a folder, its seeds are written there, and
/// that is all.
pub fn begin(target: &str) {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    for (number, seed) in of(target).iter().enumerate() {
        let path = Path::new(&folder).join(format!("seed-{number}"));
        std::fs::write(&path, seed).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    std::process::exit(0);
}

fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "artwork" => vec![[&id3(b"APIC", &picture())[..], b"\xff\xfb\x90\0"].concat()],
        "decode" => streams().map(|(_, bytes)| bytes).into(),
        "icy" => streams().map(|(_, bytes)| [&[99u8, 15][..], &bytes].concat()).into(),
        "index" => vec![index()],
        "origin" => origin(),
        "records" => vec![analysis()],
        "table" => [0, 1, 60].map(table).into(),
        "tags" => tags(),
        "wav" => [SampleFormat::Int16, SampleFormat::Int24, SampleFormat::Float32].map(wav).into(),
        _ => Vec::new(),
    }
}

/// A tone that rises.
fn sound(frames: usize) -> Vec<f32> {
    (0..frames).map(|i| 0.3 * (1e-5 * (i * i) as f32).sin()).collect()
}

fn wav(format: SampleFormat) -> Vec<u8> {
    let (mut bytes, tone) = (Vec::new(), sound(50));
    let mut wav = WavBytes::begin(SampleRate::CD, 2, format, 50, &mut bytes);
    wav.append(&[&tone, &tone], &mut bytes);
    bytes
}

/// A second of a stream of each format, with its header.
fn streams() -> [(&'static str, Vec<u8>); 3] {
    ["mp3:32", "opus:16", "flac"].map(|name| {
        let format = Format::from_str(name).expect("a format");
        let mut encoder: Box<dyn LiveEncoder> =
            format.encoder(SampleRate::CD, "x").expect("an encoder");
        let (tone, mut packets): (_, Vec<Packet>) = (sound(44_100), Vec::new());
        encoder.encode(&[&tone, &tone], &mut packets).expect("sound");
        let mut bytes = encoder.header().to_vec();
        packets.iter().for_each(|packet| bytes.extend_from_slice(&packet.bytes));
        (name, bytes)
    })
}

fn origin() -> Vec<Vec<u8>> {
    let head = "HTTP/1.0 200 OK\r\nContent-Type: x\r\nicy-metaint: 999\r\n\r\n";
    let mounts = r#"[{"path": "/all.mp3", "bitrate": 128000, "rate": 44100.0},
        {"path": "/all2.opus", "bitrate": 96000}, {"path": "/all.flac", "bitrate": null}]"#;
    let mut all = vec![[head, mounts].concat().into_bytes()];
    for (_, stream) in streams() {
        let mut titles = evermix::stream::IcyWriter::new(999);
        let pieces = titles.weave(stream.into(), || "Artist - Title".to_string());
        all.push([head.as_bytes(), &pieces.concat()].concat());
    }
    all
}

fn table(rows: i64) -> Vec<u8> {
    let mut table = Table::default();
    table.push("song", Column::Text((0..rows).map(|i| format!("{i}.mp3")).collect()));
    table.push("beat", Column::Int((0..rows).collect()));
    table.push("mix_mfcc_0", Column::Real((0..rows).map(|i| i as f32 / 7.0).collect()));
    table.notes.insert("evermix_schema".to_string(), "1".to_string());
    table.to_parquet().expect("columns of one length")
}

/// An index without its checksum.
fn index() -> Vec<u8> {
    let columns = || vec![SpaceColumn::new("a", 1.0), SpaceColumn::new("b", 0.5)];
    let space = |name: &str, rows: usize| {
        let values: Vec<f32> = (0..2 * rows).map(|i| (i * i % 17) as f32).collect();
        Space::fit(name, columns(), &values, Algorithm::Auto).expect("numbers")
    };
    let spaces = vec![space("mix", 40), space("drums", 3), space("other", 0)];
    let mut bytes = Vec::new();
    IndexFile { dataset_hash: [7; 32], spaces }.write_to(&mut bytes).expect("memory");
    bytes.truncate(bytes.len() - 32);
    bytes
}

/// What is known of a few clicks.
fn analysis() -> Vec<u8> {
    let mut clicks = vec![0.0; 12 * 22_050];
    for beat in 1..24 {
        let at = beat * 11_025;
        clicks[at..at + 400].iter_mut().enumerate().for_each(|(i, x)| *x = (i as f32).sin() * 0.5);
    }
    let mut bytes = Vec::new();
    let rate = SampleRate::ANALYSIS;
    let format = SampleFormat::Int16;
    WavBytes::begin(rate, 1, format, clicks.len() as u64, &mut bytes)
        .append(&[&clicks], &mut bytes);
    let path = scratch("clicks.wav", &bytes);
    in_disk_context(|context| {
        let (songs, _) = find_songs(context, &[path]).expect("a song");
        let found = analyze(context, &songs, &BeatSource::Evermix).expect("a song");
        serde_json::to_vec(&found.done).map(|all| all[1..all.len() - 1].to_vec())
    })
    .expect("plain data")
}

/// An ID3v2.4 tag of one frame.
fn id3(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let seven = |n: usize| [0, 0, (n >> 7) as u8 & 0x7f, n as u8 & 0x7f];
    let frame = [&name[..], &seven(body.len()), &[0, 0], body].concat();
    [&b"ID3\x04\0\0"[..], &seven(frame.len()), &frame].concat()
}

/// The body of a frame with a picture of four pixels.
fn picture() -> Vec<u8> {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, 2, 2);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("memory");
    writer.write_image_data(&[200, 30, 30].repeat(4)).expect("four pixels");
    writer.finish().expect("memory");
    [&b"\0image/png\0\x03\0"[..], &png].concat()
}

/// Bodies of tags behind the byte that says what holds them.
fn tags() -> Vec<Vec<u8>> {
    let new = &id3(b"TIT2", b"\x03Title")[10..];
    let vorbis = b"\x01\0\0\0x\x02\0\0\0\x07\0\0\0TITLE=T\x08\0\0\0ARTIST=A\x01";
    let bodies: [(u8, &[u8]); 9] = [
        (0, b"TT2\0\0\x06\0Title"),
        (1, b"TPE1\0\0\0\x05\0\0\x01\xff\xfeA\0"),
        (2, new),
        (3, b"INAM\x06\0\0\0Title\0IART\x02\0\0\0A\0"),
        (4, new),
        (5, b"Title"),
        (6, b"\x05\0\0\0\0\0\0\0Title\0Title"),
        (7, vorbis),
        (15, vorbis),
    ];
    bodies.map(|(kind, body)| [&[kind][..], body].concat()).into()
}
