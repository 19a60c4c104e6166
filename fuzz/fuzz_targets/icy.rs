//! Streams as a relay reads them, and titles as listeners are told them. The first two bytes say
//! how the rest comes in pieces: what is read must not depend on that, nor grow without end.
#![no_main]

use bytes::Bytes;
use evermix::audio::encode::Mp3Quality;
use evermix::audio::encode::live::{Format, Piece, Splitter};
use evermix::stream::{IcyReader, IcyWriter};
use evermix_fuzz::{begin, one_line};
use libfuzzer_sys::fuzz_target;

/// Most bytes a splitter may hold back, beside what it was just given.
const MOST_WAITING: usize = 128 << 10;
/// The longest title there is a place for.
const LONGEST: usize = 4_065;
const FORMATS: [Format; 3] = [Format::Mp3(Mp3Quality::Cbr(128)), Format::Opus(1), Format::Flac];

fuzz_target!(init: begin("icy"), |data: &[u8]| {
    let [every, length, rest @ ..] = data else { return };
    let (every, length) = (1 + usize::from(*every), 1 + usize::from(*length));
    titles_are_read(rest, every, length);
    titles_are_told(rest, every, length);
    for format in FORMATS {
        sound_is_split(format, rest, length);
        // As if it went on like that: only of long ones, or it would take too long.
        if rest.len() > 2_000 && length.is_multiple_of(16) {
            sound_goes_on(format, rest);
        }
    }
});

fn titles_are_read(stream: &[u8], every: usize, length: usize) {
    let (whole, last) = IcyReader::new(Some(every)).take(stream);
    let mut reader = IcyReader::new(Some(every));
    let (mut sound, mut title) = (Vec::new(), None);
    for piece in stream.chunks(length) {
        let (more, told) = reader.take(piece);
        sound.extend(more);
        title = told.or(title);
    }
    assert!(sound == whole && title == last, "read otherwise in pieces");
    assert!(sound.len() <= stream.len());
}

fn titles_are_told(data: &[u8], every: usize, length: usize) {
    let title = String::from_utf8_lossy(data);
    let (mut writer, mut reader) = (IcyWriter::new(every), IcyReader::new(Some(every)));
    let (mut heard, mut told) = (Vec::new(), None);
    for piece in data.chunks(length) {
        for bytes in writer.weave(Bytes::copy_from_slice(piece), || title.to_string()) {
            let (sound, title) = reader.take(&bytes);
            heard.extend(sound);
            told = title.or(told);
        }
    }
    assert!(heard == data, "the sound is not what it was");
    assert_eq!(told.is_some(), data.len() >= every);
    if let Some(told) = told {
        one_line(&told);
        assert!(told.len() <= LONGEST && !told.contains(['\'', ';']), "{told:?}");
        assert!(told.chars().count() == title.chars().count() || told.len() > LONGEST - 4);
    }
}

fn sound_is_split(format: Format, stream: &[u8], length: usize) {
    let whole = Splitter::new(format).push(stream);
    let mut splitter = Splitter::new(format);
    let pieces: Vec<Piece> = stream.chunks(length).flat_map(|part| splitter.push(part)).collect();
    assert!(pieces == whole, "split otherwise in pieces");
    let bytes: usize = pieces.iter().map(|piece| part(piece).0).sum();
    assert!(bytes + splitter.waiting() <= stream.len(), "more bytes than there were");
    for (bytes, frames) in pieces.iter().map(part) {
        // Silence takes few bytes, but not none.
        assert!(frames <= 70_000 * bytes as u64, "{frames} frames in {bytes} bytes");
    }
}

fn part(piece: &Piece) -> (usize, u64) {
    match piece {
        Piece::Header(bytes) => (bytes.len(), 0),
        Piece::Packet(packet) => (packet.bytes.len(), packet.frames),
    }
}

fn sound_goes_on(format: Format, stream: &[u8]) {
    let mut splitter = Splitter::new(format);
    for _ in 0..(3 * MOST_WAITING).div_ceil(stream.len()) {
        splitter.push(stream);
        let waiting = splitter.waiting();
        assert!(waiting <= MOST_WAITING + stream.len(), "{waiting} bytes are held back");
    }
}
