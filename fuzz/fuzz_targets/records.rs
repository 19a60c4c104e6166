//! What stages leave for each other: records of songs and stems, the manifest of a dataset,
//! analyses in the cache, what a stream remembers. As they are, and with the checksum put right,
//! for nothing that is changed gets past it.
#![no_main]

use std::path::Path;

use evermix::base::{Error, ErrorKind, Limits};
use evermix::corpus::{SongBeats, SongReader};
use evermix::forever::live::{Remembered, StateFile};
use evermix::pipeline::{DatasetManifest, SongAnalysis, StemsRecord, read_dataset};
use evermix::store::{read_artifact, read_json};
use evermix_fuzz::{MemoryFs, begin, checked, in_context, is_told_well};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

fuzz_target!(init: begin("records"), |data: &[u8]| {
    song(data);
    json::<StemsRecord>(data);
    json::<DatasetManifest>(data);
    dataset(data);
    analysis(data);
    remembered(data);
});

fn damaged(error: &Error) {
    is_told_well(error, &[ErrorKind::Corrupt]);
}

/// Reads bytes as they are; then, where they are such a document, the same with its checksum.
fn json<T: Serialize + DeserializeOwned>(data: &[u8]) -> Option<T> {
    let read = |bytes: &[u8]| {
        let fs = MemoryFs::with("a.json", bytes);
        read_json::<T>(&fs, Path::new("a.json"), &Limits::default(), "redo")
    };
    let _ = read(data).map_err(|e| damaged(&e));
    let content: T = serde_json::from_slice(data).ok()?;
    let whole = checked(&content);
    let back = read(&whole).unwrap_or_else(|e| panic!("refuses what it would write: {e}"));
    assert_eq!(checked(&back), whole, "another document came back");
    Some(back)
}

/// A record that is taken for a song's can be asked anything.
fn song(data: &[u8]) {
    let Some(record) = json::<SongBeats>(data) else { return };
    let name = record.song.clone();
    let fs = MemoryFs::with(SongBeats::path(Path::new("beats"), &name), &checked(&record));
    let song = match SongBeats::read(&fs, Path::new("beats"), &name, &Limits::default()) {
        Ok(song) => song,
        Err(error) => return is_told_well(&error, &[ErrorKind::Corrupt, ErrorKind::Io]),
    };
    assert!(song.beats() <= song.pieces.len());
    for piece in 0..song.pieces.len() {
        assert!(song.period(piece).0 >= 0.0);
    }
    for &layer in &song.layers {
        let mut reader = SongReader::new(&fs, "beats", &song, layer).expect("a layer of its own");
        let mut sound = evermix::audio::AudioBuffer::new(song.channels);
        let end = song.frames.0 as i64;
        // No clip is there: where the song has sound, none can be read.
        if let Err(error) = reader.read(end - 2..end + 2, &mut sound) {
            is_told_well(&error, &[ErrorKind::Io, ErrorKind::Corrupt]);
        }
    }
}

/// The manifest of a dataset without a table.
fn dataset(data: &[u8]) {
    let Ok(manifest) = serde_json::from_slice::<DatasetManifest>(data) else { return };
    let fs = MemoryFs::with("d/manifest.json", &checked(&manifest));
    let read = in_context(&fs, |context| read_dataset(context, Path::new("d")));
    is_told_well(&read.expect_err("there is no table"), &[ErrorKind::Io]);
}

fn analysis(data: &[u8]) {
    let read = |bytes: &[u8]| {
        let fs = MemoryFs::with("a", bytes);
        read_artifact::<SongAnalysis>(&fs, Path::new("a"), 1 << 20, "redo")
    };
    let _ = read(data).map_err(|e| damaged(&e));
    let head = (data.len() as u64).to_le_bytes();
    let mut whole = [&b"EVERMIX\x01"[..], &head, data].concat();
    whole.extend_from_slice(blake3::hash(&whole).as_bytes());
    if let Err(error) = read(&whole) {
        damaged(&error);
    }
}

/// A stream that cannot make sense of what it remembered begins anew.
fn remembered(data: &[u8]) {
    let fs = MemoryFs::with("state.json", data);
    let read =
        |fs: &MemoryFs| in_context(fs, |context| StateFile("state.json".into()).read(context));
    let found: Remembered = read(&fs).expect("a file that can be read");
    assert_eq!(found.cards().len(), found.history.len());
    let text = serde_json::to_vec(&found).expect("plain data");
    let again = read(&MemoryFs::with("state.json", &text)).expect("a file that can be read");
    assert_eq!(serde_json::to_vec(&again).expect("plain data"), text);
}
