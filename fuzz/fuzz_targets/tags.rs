//! Tags in every container that has them. The first byte picks one, the rest is what the tag
//! holds; its head and length are as they should be.
#![no_main]

use evermix::audio::clean;
use evermix_fuzz::{contained, forgive_what_is_caught, listen, plain, repair};
use libfuzzer_sys::fuzz_target;

const MP3: &[u8] = include_bytes!("../../data/fixtures/low_rate.mp3");
const FLAC: &[u8] = include_bytes!("../../data/fixtures/flac.flac");

fuzz_target!(init: forgive_what_is_caught("tags"), |data: &[u8]| {
    let Some((&kind, body)) = data.split_first() else { return };
    contained(|| {
        let heard = listen("song", &song(kind, body));
        // Tags that pass over the sound are no reason to refuse it.
        assert!(heard.is_some() || !kept(kind), "a song was lost to its tag");
    });
    let text = String::from_utf8_lossy(body);
    let once = clean(&text, 64);
    plain(&once, 64);
    assert_eq!(clean(&once, 64), once, "what is clean stays as it is");
});

/// Containers whose sound must be found whatever the tag says.
fn kept(kind: u8) -> bool {
    matches!(kind % 8, 5 | 6)
}

fn song(kind: u8, body: &[u8]) -> Vec<u8> {
    match kind % 8 {
        version @ 0..3 => [&id3(2 + version, body)[..], MP3].concat(),
        3 => wave(&[(b"LIST", &[&b"INFO"[..], body].concat())]),
        4 => wave(&[(b"id3 ", &id3(4, body))]),
        5 => [MP3, b"TAG", &padded(body, 125)].concat(),
        6 => [MP3, &ape(body)].concat(),
        _ if kind & 8 == 0 => [&FLAC[..42], &[4], &be(body.len())[1..], body, &FLAC[42..]].concat(),
        _ => opus(body),
    }
}

fn be(length: usize) -> [u8; 4] {
    (length as u32).to_be_bytes()
}

fn padded(body: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = body.to_vec();
    bytes.resize(length, 0);
    bytes
}

fn id3(version: u8, body: &[u8]) -> Vec<u8> {
    let seven = |shift: usize| (body.len() >> shift) as u8 & 0x7f;
    let flags = body.first().copied().unwrap_or(0) & 0xc0;
    let head = [version, 0, flags, seven(21), seven(14), seven(7), seven(0)];
    [&b"ID3"[..], &head, body].concat()
}

fn ape(body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 32).to_le_bytes();
    let end = [&2_000u32.to_le_bytes()[..], &length, &1u32.to_le_bytes(), &[0; 12]].concat();
    [body, b"APETAGEX", &end].concat()
}

fn wave(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let format = [1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0];
    let mut bytes = b"RIFF\xff\xff\xff\xffWAVE".to_vec();
    for (name, body) in [&[(b"fmt ", &format[..])][..], chunks, &[(b"data", &[0; 64])]].concat() {
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
        bytes.extend_from_slice(body);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
    }
    bytes
}

/// An Opus file whose comments these are, with one silent packet.
fn opus(body: &[u8]) -> Vec<u8> {
    let head = b"OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0";
    let comments = [&b"OpusTags"[..], body].concat();
    let comments = &comments[..comments.len().min(255 * 254)];
    let silence = [0xf8, 0xff, 0xfe];
    let pages = [page(0, 2, 0, head), page(1, 0, 0, comments), page(2, 4, 960, &silence)];
    let mut bytes = pages.concat();
    repair(&mut bytes);
    bytes
}

fn page(number: u8, kind: u8, granule: u64, packet: &[u8]) -> Vec<u8> {
    let mut lacing = vec![255; packet.len() / 255];
    lacing.push((packet.len() % 255) as u8);
    let numbers = [7, 0, 0, 0, number, 0, 0, 0, 0, 0, 0, 0, lacing.len() as u8];
    [&b"OggS\0"[..], &[kind], &granule.to_le_bytes(), &numbers, &lacing, packet].concat()
}
