//! A song made ready: known by heart, read once from end to end, with all that is told about it.

use std::path::Path;
use std::sync::Arc;

use super::artwork::{artwork, hue_of, rgb};
use crate::audio::{AudioBuffer, Decoder};
use crate::base::{Error, ErrorKind, Limits, Result};
use crate::forever::plan::plan_track;
use crate::forever::shelf::Loaded;
use crate::forever::song::SongId;
use crate::mix::PlanTrack;
use crate::pipeline::{Context, SongAnalysis, SongInput, Sound};
use crate::stream::{PEAKS, SongCard};

/// A song that can be played at once.
#[derive(Clone, Debug)]
pub struct Deck {
    /// What it is.
    pub id: SongId,
    /// How it stands in a plan.
    pub track: PlanTrack,
    /// What was heard.
    pub song: Arc<SongAnalysis>,
    /// What listeners are told.
    pub card: Arc<SongCard>,
    /// Its peaks as it is played, five a second, 255 for full scale.
    pub peaks: Arc<Vec<u8>>,
}

impl Deck {
    /// Makes a song ready. It is read to its end, so that what cannot be read is known now and not
    /// in the middle of the mix.
    ///
    /// # Errors
    /// `Unusable` and the like where it cannot be read.
    pub fn prepare(
        context: &Context<'_>,
        input: &SongInput,
        loaded: &Loaded,
        loudness: crate::base::Lufs,
    ) -> Result<Deck> {
        let Sound::Song(path) = &input.sound else {
            return Err(Error::new(ErrorKind::Internal, "a stream plays songs, not stems"));
        };
        let track = plan_track(&loaded.song, input, loaded.stems.clone(), loudness);
        let peaks = peaks(path, context.limits, track.gain.0.amplitude() as f32)?;
        let id = SongId(*input.hash.as_bytes());
        let card = card(path, context.limits, &track, &loaded.song, input);
        Ok(Deck {
            id,
            track,
            song: loaded.song.clone(),
            card: Arc::new(card),
            peaks: Arc::new(peaks),
        })
    }
}

fn peaks(path: &Path, limits: &Limits, gain: f32) -> Result<Vec<u8>> {
    let mut decoder = Decoder::open(path, limits)?;
    let rate = decoder.rate().as_f64();
    let mut block = AudioBuffer::new(decoder.channels());
    let mut peaks: Vec<f32> = Vec::new();
    let mut frame = 0usize;
    while decoder.next_block(&mut block)? {
        for plane in &block.planes {
            for (i, x) in plane.iter().enumerate() {
                let at = ((frame + i) as f64 * PEAKS / rate) as usize;
                if at >= peaks.len() {
                    peaks.resize(at + 1, 0.0);
                }
                peaks[at] = peaks[at].max(x.abs());
            }
        }
        frame += block.frames();
    }
    Ok(peaks.iter().map(|peak| (255.0 * (gain * peak).min(1.0)) as u8).collect())
}

fn card(
    path: &Path,
    limits: &Limits,
    track: &PlanTrack,
    song: &SongAnalysis,
    input: &SongInput,
) -> SongCard {
    let key = song.track.key.map(|k| k.key);
    let (artwork, colour) = match artwork(path, limits) {
        Some((picture, colour)) => (Some(picture), colour),
        None => (None, rgb(hue_of(key, input.hash.as_bytes()), 0.55, 0.6)),
    };
    // A song without a title is told by its file, as people name files.
    let named = || {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        crate::audio::clean(&stem.replace('_', " "), limits.max_tag_field_bytes)
    };
    let title = &song.tags.title;
    SongCard {
        id: input.hash.to_hex()[..32].to_string(),
        title: if title.is_empty() { named() } else { title.clone() },
        artist: track.artist.clone(),
        album: song.tags.album.clone(),
        genre: song.tags.genre.clone(),
        duration: track.duration,
        tempo: track.tempo.map(|tempo| tempo.0),
        key: key.map(|key| key.name()),
        camelot: key.map(|key| key.camelot()),
        colour,
        artwork,
    }
}
