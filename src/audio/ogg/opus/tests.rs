use super::*;
use crate::audio::encode::{Output, OutputTags, opus};
use crate::audio::ogg::pages::{Pages, crc};
use crate::audio::ogg::stream::{Input, find_first};
use crate::base::{Draws, Seed};
use crate::base::{Error, ErrorKind};
use std::io::{self, Cursor, Seek, SeekFrom};

struct Shared(std::sync::Arc<std::sync::Mutex<Cursor<Vec<u8>>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.lock().unwrap().seek(to)
    }
}

/// A rising tone: every place in it is unlike every other.
fn sweep(frames: usize) -> Vec<f32> {
    let phase = |t: f64| std::f64::consts::TAU * (200.0 * t + 300.0 * t * t);
    (0..frames).map(|n| (0.5 * phase(n as f64 / 48_000.0).sin()) as f32).collect()
}

fn file(samples: &[f32]) -> Vec<u8> {
    let memory = std::sync::Arc::<std::sync::Mutex<Cursor<Vec<u8>>>>::default();
    let out: Box<dyn Output> = Box::new(Shared(memory.clone()));
    let tags = OutputTags { title: "Sweep".into(), ..OutputTags::default() };
    let rate = SampleRate::new(48_000).unwrap();
    let mut encoder = opus(out, rate, 1, 96_000, &tags).unwrap();
    encoder.write(&[samples]).unwrap();
    encoder.finish().unwrap();
    memory.lock().unwrap().get_ref().clone()
}

fn open(source: Cursor<Vec<u8>>) -> Result<OpusReader> {
    let mut pages = Pages::new(Box::new(source) as Box<dyn Input>);
    let page = find_first(&mut pages, None, |head| head.starts_with(HEAD_MAGIC))?;
    let missing = || Error::new(ErrorKind::Unusable, "no Opus stream found");
    OpusReader::begin(pages, page.ok_or_else(missing)?)
}

struct Read {
    samples: Vec<f32>,
    gap: u64,
    total: Option<u64>,
}

fn read(bytes: &[u8]) -> Result<Read> {
    let mut reader = open(Cursor::new(bytes.to_vec()))?;
    let (mut samples, mut block) = (Vec::new(), Vec::new());
    while reader.next_block(&mut block)? {
        assert_eq!(block.len(), reader.channels());
        assert!(block.iter().all(|c| c.len() == block[0].len() && !c.is_empty()));
        assert!(block.iter().flatten().all(|x| x.is_finite()));
        samples.extend_from_slice(&block[0]);
    }
    assert!(block.iter().all(Vec::is_empty));
    Ok(Read { samples, gap: reader.gap_frames(), total: reader.total_frames() })
}

/// Where each page begins.
fn page_starts(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len() - 4).filter(|&at| &bytes[at..at + 4] == b"OggS").collect()
}

/// Puts the right checksum on every page again.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut starts = page_starts(&bytes);
    starts.push(bytes.len());
    for ends in starts.windows(2) {
        let page = &mut bytes[ends[0]..ends[1]];
        if page.len() >= 27 {
            page[22..26].fill(0);
            let sum = crc(0, page);
            page[22..26].copy_from_slice(&sum.to_le_bytes());
        }
    }
    bytes
}

fn error_level(a: &[f32], b: &[f32]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (sum / a.len() as f64).sqrt()
}

#[test]
fn a_whole_file_comes_back_whole() {
    let clean = sweep(100_001);
    let back = read(&file(&clean)).unwrap();
    assert_eq!((back.samples.len(), back.gap, back.total), (100_001, 0, Some(100_001)));
    assert!(error_level(&clean, &back.samples) < 0.02);
    let reader = open(Cursor::new(file(&clean))).unwrap();
    assert_eq!(reader.tags(), [("TITLE".to_owned(), "Sweep".to_owned())]);
    assert_eq!((reader.rate().hz(), reader.channels()), (48_000, 1));
}

#[test]
fn a_reader_may_change_threads() {
    let reader = open(Cursor::new(file(&sweep(500)))).unwrap();
    let total = std::thread::spawn(move || reader.total_frames()).join().unwrap();
    assert_eq!(total, Some(500));
}

#[test]
fn checksums_are_those_of_the_other_writer() {
    let bytes = file(&sweep(50_000));
    assert!(resealed(bytes.clone()) == bytes);
}

#[test]
fn a_damaged_or_lost_page_becomes_silence_and_nothing_moves() {
    let clean = sweep(200_000);
    let bytes = file(&clean);
    let pages = page_starts(&bytes);
    assert!(pages.len() > 7, "{}", pages.len());
    let damaged = |page: usize| {
        let mut bytes = bytes.clone();
        bytes[pages[page] + 500] ^= 1;
        bytes
    };
    let lost = |page: usize| [&bytes[..pages[page]], &bytes[pages[page + 1]..]].concat();
    let broken_lacing = |page: usize| {
        let mut bytes = bytes.clone();
        bytes[pages[page] + 30] = 255;
        bytes
    };
    // Page 2 is the first with audio.
    for page in [2, 4] {
        for bytes in [damaged(page), lost(page), broken_lacing(page)] {
            let back = read(&bytes).unwrap();
            assert_eq!(back.samples.len(), 200_000);
            assert_eq!(back.total, Some(200_000));
            assert!((9_000..30_000).contains(&back.gap), "{}", back.gap);
            let silent = back.samples.windows(500).filter(|w| w.iter().all(|&x| x == 0.0));
            assert!(silent.count() as u64 > back.gap - 600);
            assert!(error_level(&clean[120_000..], &back.samples[120_000..]) < 0.02);
        }
    }
}

#[test]
fn a_lost_comment_page_costs_only_the_comments() {
    let bytes = file(&sweep(50_000));
    let pages = page_starts(&bytes);
    let lost = [&bytes[..pages[1]], &bytes[pages[2]..]].concat();
    let back = read(&lost).unwrap();
    assert_eq!((back.samples.len(), back.gap), (50_000, 0));
}

#[test]
fn a_truncated_file_gives_what_is_there() {
    let bytes = file(&sweep(200_000));
    let back = read(&bytes[..bytes.len() * 6 / 10]).unwrap();
    assert!((80_000..130_000).contains(&back.samples.len()), "{}", back.samples.len());
    assert_eq!(back.total, Some(back.samples.len() as u64));
    assert_eq!(back.gap, 0);
}

#[test]
fn a_recording_joined_late_starts_with_its_first_page() {
    let mut bytes = file(&sweep(200_000));
    for start in page_starts(&bytes).into_iter().skip(2) {
        let granule = i64::from_le_bytes(bytes[start + 6..start + 14].try_into().unwrap());
        bytes[start + 6..start + 14].copy_from_slice(&(granule + (1 << 40)).to_le_bytes());
    }
    let back = read(&resealed(bytes)).unwrap();
    assert_eq!((back.samples.len(), back.gap, back.total), (200_000, 0, Some(200_000)));
}

#[test]
fn impossible_positions_do_not_make_endless_silence() {
    let bytes = file(&sweep(200_000));
    for granule in [i64::MAX, i64::MIN, -2, 0, 1 << 50] {
        for page in 2..6 {
            let mut bytes = bytes.clone();
            let start = page_starts(&bytes)[page];
            bytes[start + 6..start + 14].copy_from_slice(&granule.to_le_bytes());
            let back = read(&resealed(bytes)).unwrap();
            assert!((150_000..=201_000).contains(&back.samples.len()), "{}", back.samples.len());
        }
    }
}

#[test]
fn the_gain_in_the_header_is_applied() {
    let mut bytes = file(&sweep(50_000));
    let level = |bytes: &[u8]| error_level(&read(bytes).unwrap().samples, &[0.0; 50_000]);
    let before = level(&bytes);
    // 28 bytes of page, then the gain at 16: -6.0206 dB in steps of 1/256 dB.
    bytes[28 + 16..28 + 18].copy_from_slice(&(-1541i16).to_le_bytes());
    assert!((level(&resealed(bytes)) / before - 0.5).abs() < 1e-3);
}

#[test]
fn what_is_no_opus_file_is_refused() {
    for bytes in [&b""[..], b"OggS", b"RIFF....WAVEfmt ", &[0; 100_000]] {
        assert_eq!(read(bytes).err().unwrap().kind(), ErrorKind::Unusable);
    }
}

#[test]
fn bytes_that_only_look_like_pages_take_linear_time() {
    let header = [&b"OggS\0\0"[..], &[0; 20], &[255], &[255; 255]].concat();
    let bytes = header.repeat(4 << 20 >> 8);
    assert!(read(&bytes).is_err());
    let head = &file(&sweep(1_000))[..47];
    assert!(read(&[head, &bytes].concat()).unwrap().samples.is_empty());
}

/// Seeded garbage: some mutants with broken checksums, some with checksums put right again so
/// that the damage reaches the decoder.
#[test]
fn mutants_of_a_file_never_panic_or_run_away() {
    let original = file(&sweep(48_000));
    let mut draws = Seed(5).stream("mutants");
    let mut survivors = 0;
    for mutant in 0..4_000 {
        let mut bytes = original.clone();
        for _ in 0..1 + draws.choice(8) {
            let reach = if draws.choice(4) == 0 { bytes.len().min(200) } else { bytes.len() };
            let at = draws.choice(reach);
            match draws.choice(6) {
                0 => bytes.truncate(at.max(1)),
                1 => drop(bytes.drain(at..(at + 1 + draws.choice(400)).min(bytes.len()))),
                2 => bytes.insert(at, draws.choice(256) as u8),
                3 => bytes[at] = 255,
                _ => bytes[at] ^= 1 << draws.choice(8),
            }
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        let bytes = if mutant % 2 == 0 { bytes } else { resealed_if_possible(bytes) };
        if let Ok(back) = read(&bytes) {
            survivors += 1;
            assert!(back.samples.len() < 31_000_000, "mutant {mutant} ran away");
        }
    }
    assert!(survivors > 1_500, "{survivors}");
}

fn resealed_if_possible(bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() < 8 { bytes } else { resealed(bytes) }
}
