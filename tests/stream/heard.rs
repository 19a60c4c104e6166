//! What comes out of the loudspeaker, and which title stands above it.

use std::f64::consts::TAU;

use evermix::audio::{AudioBuffer, Decoder};
use evermix::base::Limits;
use flac_codec::decode::FlacStreamReader;

use crate::air::{OnAir, Setting};
use crate::client::{Listening, header};
use crate::tones::pitch;

/// Bytes a second of the usual MP3.
pub const BYTES: f64 = 16_000.0;

/// Takes a stream with titles apart: the sound, and each title with its place in the sound.
pub fn unweave(stream: &[u8], every: usize) -> (Vec<u8>, Vec<(usize, String)>) {
    let (mut sound, mut titles, mut at) = (Vec::new(), Vec::new(), 0);
    while at + every < stream.len() {
        sound.extend_from_slice(&stream[at..at + every]);
        at += every;
        let length = 16 * usize::from(stream[at]);
        let Some(text) = stream.get(at + 1..at + 1 + length) else { break };
        at += 1 + length;
        if length > 0 {
            let text = String::from_utf8(text.to_vec()).expect("whole characters");
            let title = text.trim_end_matches('\0').strip_prefix("StreamTitle='");
            let title = title.and_then(|t| t.strip_suffix("';")).expect("the frame of a title");
            titles.push((sound.len(), title.to_string()));
        }
    }
    (sound, titles)
}

/// The left channel of an encoded sound, decoded without any error.
pub fn decoded(bytes: &[u8], extension: &str) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("heard.{extension}"));
    std::fs::write(&path, bytes).unwrap();
    let mut decoder = Decoder::open(&path, &Limits::default()).unwrap();
    let (mut all, mut block) = (Vec::new(), AudioBuffer::new(2));
    while decoder.next_block(&mut block).unwrap() {
        all.extend_from_slice(&block.planes[0]);
    }
    all
}

/// How much of a pitch there is in a sound, 1 for a sine of full scale.
fn level(sound: &[f32], rate: f64, hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, &x) in sound.iter().enumerate() {
        let (sin, cos) = (TAU * hz * i as f64 / rate).sin_cos();
        re += f64::from(x) * cos;
        im += f64::from(x) * sin;
    }
    2.0 * (re * re + im * im).sqrt() / sound.len() as f64
}

/// The song that is heard in each tenth of a second, and its level.
pub fn songs(sound: &[f32], rate: f64) -> Vec<(usize, f64)> {
    let windows = sound.chunks_exact((rate / 10.0) as usize);
    let loudest = |window: &[f32]| {
        let levels = (0..4).map(|n| (n, level(window, rate, pitch(n))));
        levels.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
    };
    windows.map(loudest).collect()
}

/// Where a stretch of bytes goes on in others: all of it that both have must be the same.
pub fn assert_part(part: &[u8], whole: &[u8], least: usize) {
    // What a listener gets before its first packet is its own.
    let part = &part[1_000..];
    let key = &part[..200];
    let at = whole.windows(200).position(|w| w == key).expect("bytes that nobody else got");
    let both = part.len().min(whole.len() - at);
    assert!(both >= least, "only {both} bytes in common");
    let differ = (0..both).find(|&i| part[i] != whole[at + i]);
    assert_eq!(differ, None, "of {both} bytes");
}

#[test]
fn every_format_decodes_from_the_middle_on_without_a_gap() {
    let formats = &["mp3", "mp3:V4", "opus", "flac"];
    let on_air = Setting { formats, length: 60.0, ..Setting::default() }.fast();
    on_air.wait("the middle", || on_air.station.now().0 > 5.0);
    std::thread::scope(|scope| {
        for path in ["/all.mp3", "/all2.mp3", "/all.opus", "/all.flac"] {
            let on_air = &on_air;
            scope.spawn(move || {
                let mut listening = Listening::tune(on_air.address, path, "");
                let (begun, mut bytes) = (on_air.station.now().0, Vec::new());
                while on_air.station.now().0 < begun + 11.0 {
                    bytes.extend(listening.some());
                }
                let (sound, rate) = match path {
                    "/all.opus" => (opus(&bytes), 48_000.0),
                    "/all.flac" => (flac(&bytes), 44_100.0),
                    _ => (decoded(&bytes, "mp3"), 44_100.0),
                };
                let heard = songs(&sound, rate);
                assert!(heard.len() >= 100, "{path}: {} tenths of a second", heard.len());
                // A decoder that begins in the middle takes a moment to find into it.
                let wrong = heard[3..]
                    .iter()
                    .position(|(song, level)| *song != 0 || (level - 0.25).abs() > 0.02);
                assert_eq!(wrong, None, "{path}: {heard:?}");
                let gap = sound[13_000..].windows(2).position(|w| (w[1] - w[0]).abs() > 0.05);
                assert_eq!(gap, None, "{path}: a click");
            });
        }
    });
}

pub fn opus(bytes: &[u8]) -> Vec<f32> {
    // The last page is not whole.
    let end = bytes.windows(4).rposition(|w| w == b"OggS").unwrap();
    let mut reader = opus_pure::OggOpusReader::new(&bytes[..end]).unwrap();
    let mut decoder = reader.head().decoder(48_000).unwrap();
    let (mut some, mut all) = (vec![0f32; 2 * 5_760], Vec::new());
    while let Some(packet) = reader.read_packet().unwrap() {
        let frames = decoder.decode(&packet.data, 5_760, &mut some).unwrap();
        all.extend(some[..2 * frames].iter().step_by(2));
    }
    all
}

pub fn flac(bytes: &[u8]) -> Vec<f32> {
    // The mark, and the one block a stream needs.
    assert_eq!((&bytes[..4], bytes[4] & 0x7f), (&b"fLaC"[..], 0));
    let (mut reader, mut all) = (FlacStreamReader::new(&bytes[42..]), Vec::new());
    while let Ok(block) = reader.read() {
        all.extend(block.samples.iter().step_by(2).map(|&x| x as f32 / 32_768.0));
    }
    all
}

/// Listens to three songs with titles and to the same without.
fn titled(metaint: usize) -> (OnAir, Vec<u8>, Vec<u8>) {
    let mut setting = Setting { length: 10.0, crossing: 4.0, ..Setting::default() };
    setting.options.metaint = metaint;
    let on_air = setting.fast();
    let mut plain = Listening::tune(on_air.address, "/all.mp3", "");
    let mut titled = Listening::tune(on_air.address, "/all.mp3", "Icy-MetaData: 1\r\n");
    let due = metaint.to_string();
    assert_eq!(header(&titled.head, "icy-metaint"), Some(due.as_str()));
    let overhead = 1.0 + 1.0 / metaint as f64;
    let bytes = (27.0 * BYTES * overhead) as usize;
    let reader = std::thread::spawn(move || plain.bytes((26.0 * BYTES) as usize));
    let titled = titled.bytes(bytes);
    (on_air, titled, reader.join().unwrap())
}

#[test]
fn titles_change_when_the_sound_does_and_cost_no_byte_of_it() {
    for metaint in [1, 8_192, 16_000] {
        let (_on_air, stream, plain) = titled(metaint);
        let (sound, titles) = unweave(&stream, metaint);
        assert_part(&sound, &plain, (20.0 * BYTES) as usize);
        let heard = songs(&decoded(&sound, "mp3"), 44_100.0);
        // The tones are equally loud in the middle of a crossing, when the title is to change.
        let changes: Vec<usize> =
            (1..heard.len()).filter(|&i| heard[i].0 != heard[i - 1].0).collect();
        let names: Vec<&str> = titles.iter().map(|(_, title)| title.as_str()).collect();
        let first = heard[1].0;
        let due: Vec<String> = (first..first + titles.len())
            .map(|n| format!("Artist {} - Song {}", n % 4, n % 4))
            .collect();
        assert_eq!(names, due, "every {metaint} bytes");
        assert!((2..=3).contains(&changes.len()), "{heard:?}");
        for (change, (place, title)) in changes.iter().zip(&titles[1..]) {
            let (sounds, told) = (*change as f64 / 10.0, *place as f64 / BYTES);
            let late = told - sounds;
            assert!((-0.5..=1.0).contains(&late), "{title} {late} s late, every {metaint} bytes");
        }
    }
}
