//! Titles inside the sound, as SHOUTcast began it: after every so many bytes of sound a byte that
//! says how long the text is in units of 16 bytes, then the text.

use bytes::{BufMut as _, Bytes, BytesMut};

/// The longest text a length byte can tell.
const LONGEST: usize = 255 * 16;
const BEFORE: &str = "StreamTitle='";
const AFTER: &str = "';";

/// Puts titles between the bytes of one listener's sound.
#[derive(Debug)]
pub struct IcyWriter {
    every: usize,
    /// Bytes of sound until the next title is due.
    left: usize,
    told: Option<String>,
}

impl IcyWriter {
    /// Titles after every `every` bytes.
    pub fn new(every: usize) -> IcyWriter {
        let every = every.max(1);
        IcyWriter { every, left: every, told: None }
    }

    /// Passes sound on in pieces, with what belongs in between. `title` gives what is heard at a
    /// byte of it.
    pub fn weave(&mut self, mut sound: Bytes, title: impl Fn() -> String) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        while sound.len() >= self.left {
            pieces.push(sound.split_to(self.left));
            self.left = self.every;
            pieces.push(self.block(title()));
        }
        self.left -= sound.len();
        if !sound.is_empty() {
            pieces.push(sound);
        }
        pieces
    }

    /// The text due now: nothing where the listener knows it.
    fn block(&mut self, title: String) -> Bytes {
        if self.told.as_ref() == Some(&title) {
            return Bytes::from_static(&[0]);
        }
        let block = block(&title);
        self.told = Some(title);
        block
    }
}

/// A title as it is sent. What would end it early is replaced: players look for `';`, and some
/// for `;`.
fn block(title: &str) -> Bytes {
    let harmless = |c: char| match c {
        '\'' => '\u{2019}',
        ';' => ',',
        c if c.is_control() => ' ',
        c => c,
    };
    let most = LONGEST - BEFORE.len() - AFTER.len();
    let mut text = String::from(BEFORE);
    for c in title.chars().map(harmless) {
        if text.len() - BEFORE.len() + c.len_utf8() > most {
            break;
        }
        text.push(c);
    }
    text.push_str(AFTER);
    let units = text.len().div_ceil(16);
    let mut bytes = BytesMut::with_capacity(1 + 16 * units);
    bytes.put_u8(units as u8);
    bytes.put_slice(text.as_bytes());
    bytes.put_bytes(0, 16 * units - text.len());
    bytes.freeze()
}

/// Reads a stream with titles in between.
#[derive(Debug)]
pub struct IcyReader {
    every: Option<usize>,
    /// Bytes of sound until the next title.
    sound: usize,
    /// A text that is being read, and how many bytes of it are still to come.
    text: Vec<u8>,
    left: usize,
}

impl IcyReader {
    /// A reader of a stream with a title after every so many bytes of sound, or without any.
    pub fn new(every: Option<usize>) -> IcyReader {
        let every = every.filter(|every| *every > 0);
        IcyReader { every, sound: every.unwrap_or(0), text: Vec::new(), left: 0 }
    }

    /// Takes some bytes; gives the sound in them and the last title that was whole.
    pub fn take(&mut self, mut bytes: &[u8]) -> (Vec<u8>, Option<String>) {
        let Some(every) = self.every else { return (bytes.to_vec(), None) };
        let (mut sound, mut title) = (Vec::with_capacity(bytes.len()), None);
        while let Some((&first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let (text, rest) = bytes.split_at(self.left.min(bytes.len()));
                self.text.extend_from_slice(text);
                self.left -= text.len();
                bytes = rest;
                if self.left == 0 {
                    title = title_of(&self.text).or(title);
                    self.text.clear();
                }
            } else if self.sound > 0 {
                let (part, rest) = bytes.split_at(self.sound.min(bytes.len()));
                sound.extend_from_slice(part);
                self.sound -= part.len();
                bytes = rest;
            } else {
                self.left = 16 * usize::from(first);
                self.sound = every;
                bytes = rest;
            }
        }
        (sound, title)
    }
}

fn title_of(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let after = text.split_once(BEFORE)?.1;
    Some(after.split_once(AFTER)?.0.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a stream apart as a player does.
    fn read(stream: &[u8], every: usize) -> (Vec<u8>, Vec<String>) {
        let (mut sound, mut titles, mut at) = (Vec::new(), Vec::new(), 0);
        while at < stream.len() {
            let end = (at + every).min(stream.len());
            sound.extend_from_slice(&stream[at..end]);
            at = end;
            if at == stream.len() {
                break;
            }
            let length = 16 * usize::from(stream[at]);
            let text = &stream[at + 1..at + 1 + length];
            at += 1 + length;
            if length > 0 {
                let text = String::from_utf8(text.to_vec()).expect("whole characters");
                let text = text.trim_end_matches('\0');
                let title = text.strip_prefix(BEFORE).and_then(|t| t.strip_suffix(AFTER));
                titles.push(title.expect("the frame of a title").to_string());
            }
        }
        (sound, titles)
    }

    fn sound(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|i| (i * 7 % 251) as u8).collect()
    }

    #[test]
    fn the_sound_comes_back_bit_for_bit_and_so_do_titles_of_every_length() {
        for every in [1, 8_192, 16_000] {
            for length in [0, 1, 2, 3, 15, 16, 17, 255, 4_000, 4_063, 4_064, 4_065, 4_066, 4_200] {
                let title = "t".repeat(length);
                let mut titles = IcyWriter::new(every);
                let all = sound(20_000);
                let mut stream = Vec::new();
                for piece in all.chunks(3_344) {
                    let piece = Bytes::copy_from_slice(piece);
                    titles.weave(piece, || title.clone()).iter().for_each(|b| stream.extend(b));
                }
                let (heard, told) = read(&stream, every);
                assert_eq!(heard, all);
                assert_eq!(told, [title[..length.min(4_065)].to_string()], "{every} {length}");
            }
        }
    }

    #[test]
    fn a_title_is_told_when_it_changes_and_only_then() {
        let mut titles = IcyWriter::new(100);
        let mut stream = Vec::new();
        for n in 0..50 {
            let piece = Bytes::from(sound(90));
            let title = format!("song {}", n / 20);
            titles.weave(piece, || title.clone()).iter().for_each(|b| stream.extend(b));
        }
        assert_eq!(read(&stream, 100).1, ["song 0", "song 1", "song 2"]);
    }

    #[test]
    fn long_titles_are_cut_between_characters() {
        for mark in ["\u{e9}", "\u{6f22}", "\u{1f600}"] {
            for shift in 0..4 {
                let title = "x".repeat(shift) + &mark.repeat(3_000);
                let mut titles = IcyWriter::new(1);
                let pieces = titles.weave(Bytes::from_static(b"s"), || title.clone());
                let told = &read(&pieces.concat(), 1).1[0];
                assert!(told.len() <= 4_065 && told.len() > 4_060 && title.starts_with(told));
            }
        }
    }

    #[test]
    fn nothing_in_a_title_ends_it_early() {
        for hostile in ["a';StreamUrl='http://evil/", "a\r\nb", "a\0b", "it's; so", "\u{1b}[31m"] {
            let pieces = IcyWriter::new(1).weave(Bytes::from_static(b"s"), || hostile.to_string());
            let told = &read(&pieces.concat(), 1).1[0];
            assert!(!told.contains(['\'', ';', '\r', '\n', '\0', '\u{1b}']), "{told:?}");
            assert_eq!(told.chars().count(), hostile.chars().count());
        }
    }

    #[test]
    fn sound_and_titles_are_told_apart_however_the_bytes_come() {
        let mut stream = vec![1u8; 100];
        stream.push(2);
        let mut text = b"StreamTitle='A - B';".to_vec();
        text.resize(32, 0);
        stream.extend(&text);
        stream.extend([3u8; 100]);
        stream.push(0);
        stream.extend([4u8; 50]);
        for piece in [1, 7, 100, 1_000] {
            let mut reader = IcyReader::new(Some(100));
            let (mut sound, mut titles) = (Vec::new(), Vec::new());
            for bytes in stream.chunks(piece) {
                let (more, title) = reader.take(bytes);
                sound.extend(more);
                titles.extend(title);
            }
            assert_eq!(sound, [vec![1u8; 100], vec![3; 100], vec![4; 50]].concat());
            assert_eq!(titles, ["A - B"]);
        }
        assert_eq!(IcyReader::new(None).take(&stream).0, stream);
    }
}
