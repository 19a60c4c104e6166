//! Songs read to their end by the entry that the program uses.

use std::io::Cursor;
use std::path::Path;

use evermix::audio::{AudioBuffer, Decoder, Tags};
use evermix::base::{ErrorKind, Limits};

use crate::errors::{is_told_well, plain};

/// What a file may be refused for. It lies in memory, where nothing fails to be read.
const REFUSED: [ErrorKind; 2] = [ErrorKind::Unusable, ErrorKind::Limit];
/// No sample is louder.
const LOUDEST: f32 = 64.0;
/// Seconds read of a file.
const SECONDS: f64 = 4.0;

/// What was heard of a song.
pub struct Heard {
    /// Frames read.
    pub frames: u64,
    /// What it says about itself.
    pub tags: Tags,
}

fn limits() -> Limits {
    Limits { max_seconds: SECONDS, max_file_bytes: 1 << 20, ..Limits::default() }
}

/// Reads a song to its end and holds every block against what is promised. `None` where it was
/// refused at once.
pub fn listen(name: &str, bytes: &[u8]) -> Option<Heard> {
    let source = Box::new(Cursor::new(bytes.to_vec()));
    let mut decoder = match Decoder::from_source(source, Path::new(name), &limits()) {
        Ok(decoder) => decoder,
        Err(error) => {
            is_told_well(&error, &REFUSED);
            return None;
        }
    };
    let (rate, channels) = (decoder.rate().as_f64(), decoder.channels());
    let (mut block, mut frames) = (AudioBuffer::default(), 0);
    loop {
        match decoder.next_block(&mut block) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                is_told_well(&error, &REFUSED);
                break;
            }
        }
        frames += block.frames() as u64;
        assert_eq!(block.channels(), channels);
        assert!(block.planes.iter().all(|plane| plane.len() == block.frames()));
        assert!(block.planes.iter().flatten().all(|x| x.abs() <= LOUDEST));
        assert_eq!(decoder.position(), frames);
        assert!(frames as f64 <= SECONDS * rate, "{frames} frames");
    }
    let tags = decoder.tags().clone();
    for text in [&tags.title, &tags.artist, &tags.album, &tags.genre] {
        plain(text, limits().max_tag_field_bytes);
    }
    Some(Heard { frames, tags })
}
