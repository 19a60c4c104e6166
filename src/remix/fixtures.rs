//! Small libraries with known features, for the tests of walking and planning.

use super::library::{Beat, Library};
use super::plan::{PlanSong, SongFacts};
use super::voice::VoiceSpace;
use crate::base::{Decibels, Draws, Lufs, Seed};
use crate::corpus::{Algorithm, Layer, Search, Space, SpaceColumn};

/// Numbers that describe a beat here.
pub const DIMS: usize = 6;

/// One song: tempo and number of beats.
#[derive(Clone, Copy, Debug)]
pub struct Tune {
    pub bpm: f64,
    pub beats: usize,
}

/// Beats of all songs in bars of four, all at -14 LUFS.
pub fn library(tunes: &[Tune]) -> Library {
    let mut library = Library::default();
    for (song, tune) in tunes.iter().enumerate() {
        library.songs.push(format!("song{song}"));
        library.beats.extend((0..tune.beats).map(|piece| Beat {
            song,
            piece: piece + 1,
            position: (piece % 4) as u8 + 1,
            beats_per_bar: 4,
            period: 60.0 / tune.bpm,
            loudness: Lufs(-14.0),
        }));
    }
    library.link();
    library
}

/// Random features, the same for the same seed.
pub fn features(library: &Library, seed: u64) -> Vec<f32> {
    let mut draws = Seed(seed).stream("features");
    (0..library.beats.len() * DIMS).map(|_| draws.uniform() as f32).collect()
}

pub fn space(raw: &[f32]) -> Space {
    let columns = (0..DIMS).map(|i| SpaceColumn::new(format!("x{i}"), 1.0)).collect();
    Space::fit("mix", columns, raw, Algorithm::Auto).unwrap()
}

/// A voice as loud as the whole.
pub fn voice<'a>(
    library: &Library,
    layer: Layer,
    space: &'a Space,
    search: &'a dyn Search,
) -> VoiceSpace<'a> {
    let loudness = library.beats.iter().map(|beat| beat.loudness).collect();
    VoiceSpace { layers: vec![layer], space, search, loudness }
}

pub fn facts(library: &Library) -> Vec<SongFacts> {
    let fact = |(song, name): (usize, &String)| SongFacts {
        song: PlanSong {
            name: name.clone(),
            title: name.to_uppercase(),
            artist: String::new(),
            source: format!("{name}.mp3"),
            gain: Decibels(0.0),
        },
        loudness: Lufs(-14.0 - song as f64),
        pre_roll: vec![0.02; 1 + library.beats.len()],
    };
    library.songs.iter().enumerate().map(fact).collect()
}
