//! WAV and AIFF files whose headers lie, and what comes of each.

use crate::seeds::riff;
use crate::sound::*;
use evermix::base::ErrorKind;

const FRAMES: usize = 300;

/// What a file must end in.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// So many frames of the sound, from its beginning.
    Music(usize),
    /// So many frames of whatever the lie makes of the bytes.
    Noise(usize),
    Refused(ErrorKind),
}

use Outcome::{Music, Noise, Refused};
const UNUSABLE: Outcome = Refused(ErrorKind::Unusable);
const LIMIT: Outcome = Refused(ErrorKind::Limit);

fn samples() -> Vec<u8> {
    sound(FRAMES, 0).iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The fields of a format chunk.
#[derive(Clone, Copy)]
struct Fmt {
    tag: u16,
    channels: u16,
    rate: u32,
    block: u16,
    bits: u16,
}

const HONEST: Fmt = Fmt { tag: 1, channels: 1, rate: 44_100, block: 2, bits: 16 };

fn fmt(fmt: Fmt) -> Vec<u8> {
    let mut bytes = [fmt.tag.to_le_bytes(), fmt.channels.to_le_bytes()].concat();
    bytes.extend_from_slice(&fmt.rate.to_le_bytes());
    bytes.extend_from_slice(&fmt.rate.wrapping_mul(u32::from(fmt.block)).to_le_bytes());
    bytes.extend_from_slice(&[fmt.block.to_le_bytes(), fmt.bits.to_le_bytes()].concat());
    bytes
}

fn wav(header: Fmt) -> Vec<u8> {
    riff(&[(b"fmt ", &fmt(header)), (b"data", &samples())])
}

/// An honest file with four bytes written over.
fn with(at: usize, value: [u8; 4]) -> Vec<u8> {
    let mut file = wav(HONEST);
    file[at..at + 4].copy_from_slice(&value);
    file
}

const RIFF_SIZE: usize = 4;
const FMT_SIZE: usize = 16;
const DATA_SIZE: usize = 40;

fn wav_lies() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    let good = fmt(HONEST);
    let data = samples();
    let long = [&good[..], &[0; 20]].concat();
    let extended = [&good[..], &[0, 0]].concat();
    let extensible = |mask: u32, guid: u8| {
        let mut bytes = fmt(Fmt { tag: 0xfffe, ..HONEST });
        bytes.extend_from_slice(&[22, 0, 16, 0]);
        bytes.extend_from_slice(&mask.to_le_bytes());
        bytes.extend_from_slice(&[guid, 0, 0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113]);
        riff(&[(b"fmt ", &bytes), (b"data", &data)])
    };
    let rf64 = {
        let mut file = riff(&[(b"ds64", &[0; 28]), (b"fmt ", &good), (b"data", &data)]);
        file[..8].copy_from_slice(b"RF64\xff\xff\xff\xff");
        file[28..36].copy_from_slice(&600u64.to_le_bytes());
        file[76..80].fill(255);
        file
    };
    vec![
        ("honest", wav(HONEST), Music(300)),
        ("rate 0", wav(Fmt { rate: 0, ..HONEST }), LIMIT),
        ("rate 1", wav(Fmt { rate: 1, ..HONEST }), LIMIT),
        ("rate at its most", wav(Fmt { rate: u32::MAX, ..HONEST }), LIMIT),
        ("no channels", wav(Fmt { channels: 0, ..HONEST }), LIMIT),
        ("9 channels", wav(Fmt { channels: 9, block: 18, ..HONEST }), LIMIT),
        ("65535 channels", wav(Fmt { channels: 65_535, ..HONEST }), LIMIT),
        ("0 bits", wav(Fmt { bits: 0, ..HONEST }), UNUSABLE),
        ("64 bits of integers", wav(Fmt { bits: 64, block: 8, ..HONEST }), UNUSABLE),
        ("65535 bits", wav(Fmt { bits: 65_535, ..HONEST }), UNUSABLE),
        ("13 bits", wav(Fmt { bits: 13, ..HONEST }), UNUSABLE),
        ("16 bits of float", wav(Fmt { tag: 3, ..HONEST }), UNUSABLE),
        ("block of 0", wav(Fmt { block: 0, ..HONEST }), Music(300)),
        ("block of 65535", wav(Fmt { block: 65_535, ..HONEST }), Music(300)),
        ("unknown format", wav(Fmt { tag: 0x1234, ..HONEST }), UNUSABLE),
        ("size 0", with(RIFF_SIZE, [0; 4]), Music(300)),
        ("size 1", with(RIFF_SIZE, [1, 0, 0, 0]), Music(300)),
        ("size -1", with(RIFF_SIZE, [255; 4]), Music(300)),
        ("size odd", with(RIFF_SIZE, [101, 0, 0, 0]), Music(300)),
        ("data of 0", with(DATA_SIZE, [0; 4]), Music(300)),
        ("data of 1", with(DATA_SIZE, [1, 0, 0, 0]), UNUSABLE),
        ("data of -1", with(DATA_SIZE, [255; 4]), Music(300)),
        ("data odd", with(DATA_SIZE, [101, 0, 0, 0]), Music(50)),
        ("data twice as long", with(DATA_SIZE, 1_200u32.to_le_bytes()), Music(300)),
        ("data of 2 GiB", with(DATA_SIZE, [255, 255, 255, 127]), Music(300)),
        ("format too short", riff(&[(b"fmt ", &good[..14]), (b"data", &data)]), UNUSABLE),
        ("format of 0", with(FMT_SIZE, [0; 4]), UNUSABLE),
        ("format of -1", with(FMT_SIZE, [255; 4]), UNUSABLE),
        ("format too long", riff(&[(b"fmt ", &long), (b"data", &data)]), Music(300)),
        ("format extended", riff(&[(b"fmt ", &extended), (b"data", &data)]), Music(300)),
        ("no format", riff(&[(b"data", &data)]), UNUSABLE),
        ("no data", riff(&[(b"fmt ", &good)]), UNUSABLE),
        ("data before format", riff(&[(b"data", &data), (b"fmt ", &good)]), Music(300)),
        ("two formats", riff(&[(b"fmt ", &good), (b"fmt ", &long), (b"data", &data)]), Music(300)),
        ("empty chunks", riff(&[(b"junk", b""), (b"fmt ", &good), (b"data", &data)]), Music(300)),
        ("odd chunk", riff(&[(b"junk", b"x"), (b"fmt ", &good), (b"data", &data)]), Music(300)),
        ("chunk beyond the end", riff(&[(b"fmt ", &good), (b"LIST", b"INFO")]), UNUSABLE),
        (
            "fact that lies",
            riff(&[(b"fmt ", &good), (b"fact", &[255; 4]), (b"data", &data)]),
            Music(300),
        ),
        (
            "fact of 2 bytes",
            riff(&[(b"fmt ", &good), (b"fact", &[1; 2]), (b"data", &data)]),
            Music(300),
        ),
        ("extensible", extensible(4, 1), Music(300)),
        ("extensible, all speakers", extensible(u32::MAX, 1), Music(300)),
        ("extensible, no speaker", extensible(0, 1), Music(300)),
        ("extensible, unknown", extensible(4, 99), UNUSABLE),
        ("64-bit sizes", rf64, Music(300)),
        ("cut in the header", wav(HONEST)[..30].to_vec(), UNUSABLE),
        ("cut before the data", wav(HONEST)[..44].to_vec(), UNUSABLE),
        ("cut in a sample", wav(HONEST)[..44 + 101].to_vec(), Music(50)),
        ("stereo of 3 bytes", wav(Fmt { channels: 2, block: 3, ..HONEST }), Noise(150)),
    ]
}

fn outcome(bytes: Vec<u8>) -> Outcome {
    let song = match decode("lie.wav", bytes) {
        Ok(Song { error: None, planes, .. }) if planes[0].is_empty() => return UNUSABLE,
        Ok(Song { error: None, planes, .. }) => planes,
        Ok(Song { error: Some(error), .. }) | Err(error) => return Refused(error.kind()),
    };
    let is_music = song[0] == planes(song[0].len(), 1)[0];
    if is_music { Music(song[0].len()) } else { Noise(song[0].len()) }
}

fn check(table: Vec<(&str, Vec<u8>, Outcome)>) {
    let wrong: Vec<String> = table
        .into_iter()
        .map(|(name, bytes, due)| (name, outcome(bytes), due))
        .filter(|(_, got, due)| got != due)
        .map(|(name, got, due)| format!("{name}: {got:?} instead of {due:?}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn lying_wav_headers_end_as_the_table_says() {
    check(wav_lies());
}

/// An AIFF file of these chunks.
fn aiff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"AIFF".to_vec();
    for (name, bytes) in chunks {
        body.extend_from_slice(*name);
        body.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        body.extend_from_slice(bytes);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [b"FORM".as_slice(), &(body.len() as u32).to_be_bytes(), &body].concat()
}

/// 44,100 Hz as an 80-bit float.
const CD_RATE: [u8; 10] = [0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0];

fn comm(channels: u16, bits: u16, rate: [u8; 10]) -> Vec<u8> {
    let mut bytes = channels.to_be_bytes().to_vec();
    bytes.extend_from_slice(&(FRAMES as u32).to_be_bytes());
    bytes.extend_from_slice(&bits.to_be_bytes());
    bytes.extend_from_slice(&rate);
    bytes
}

fn ssnd(offset: u32) -> Vec<u8> {
    let mut bytes = [offset.to_be_bytes(), [0; 4]].concat();
    bytes.extend(sound(FRAMES, 0).iter().flat_map(|x| x.to_be_bytes()));
    bytes
}

#[test]
fn lying_aiff_headers_end_as_the_table_says() {
    let good = comm(1, 16, CD_RATE);
    let with_comm = |comm: Vec<u8>| aiff(&[(b"COMM", &comm), (b"SSND", &ssnd(0))]);
    let resized = |at: usize, value: [u8; 4]| {
        let mut file = with_comm(good.clone());
        file[at..at + 4].copy_from_slice(&value);
        file
    };
    let infinite = [0x7f, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0];
    check(vec![
        ("honest", with_comm(good.clone()), Music(300)),
        ("rate 0", with_comm(comm(1, 16, [0; 10])), UNUSABLE),
        ("rate infinite", with_comm(comm(1, 16, infinite)), UNUSABLE),
        (
            "rate negative",
            with_comm(comm(1, 16, [0xc0, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0])),
            UNUSABLE,
        ),
        ("no channels", with_comm(comm(0, 16, CD_RATE)), LIMIT),
        ("65535 channels", with_comm(comm(65_535, 16, CD_RATE)), LIMIT),
        ("0 bits", with_comm(comm(1, 0, CD_RATE)), UNUSABLE),
        ("64 bits", with_comm(comm(1, 64, CD_RATE)), UNUSABLE),
        ("common too short", with_comm(good[..10].to_vec()), UNUSABLE),
        ("size 0", resized(4, [0; 4]), Music(300)),
        ("size -1", resized(4, [255; 4]), Music(300)),
        ("sound of 0", resized(42, [0; 4]), UNUSABLE),
        ("sound of -1", resized(42, [255; 4]), Music(300)),
        ("offset beyond the sound", aiff(&[(b"COMM", &good), (b"SSND", &ssnd(9_999))]), UNUSABLE),
        ("sound before common", aiff(&[(b"SSND", &ssnd(0)), (b"COMM", &good)]), Music(300)),
        ("no sound", aiff(&[(b"COMM", &good)]), UNUSABLE),
        ("no common", aiff(&[(b"SSND", &ssnd(0))]), UNUSABLE),
        (
            "two commons",
            aiff(&[(b"COMM", &good), (b"COMM", &good), (b"SSND", &ssnd(0))]),
            Music(300),
        ),
        ("cut in a sample", with_comm(good.clone())[..54 + 101].to_vec(), Music(50)),
    ]);
}
