//! What the order needs to know of one song.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::analysis::{Key, SoundPrint};
use crate::base::{Bpm, Lufs, Seconds};

/// One song as the order sees it. What is unknown is `None` and never counts for or against it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SongFacts {
    /// Title, for telling duplicates.
    pub title: Option<String>,
    /// Who plays; the album artist where there is one, so that guests do not hide a band.
    pub artist: Option<String>,
    /// Genre as tagged.
    pub genre: Option<String>,
    /// Lower-case words; an empty set means that nothing is known.
    pub tags: BTreeSet<String>,
    /// How long the song lasts.
    pub duration: Option<Seconds>,
    /// Tempo of the whole song.
    pub tempo: Option<Bpm>,
    /// Beats a bar.
    pub metre: Option<u8>,
    /// How loud, dense and lively it is, 0..=1.
    pub energy: Option<f64>,
    /// How well one can dance to it, 0..=1.
    pub danceability: Option<f64>,
    /// Integrated loudness.
    pub loudness: Option<Lufs>,
    /// Key of the whole song, where it is sure enough to be acted on.
    pub key: Option<Key>,
    /// Digest of the sound: songs with the same one are the same.
    pub content: Option<[u8; 32]>,
    /// The first part that may be played.
    pub opening: Option<JoinSound>,
    /// The last part that may be played.
    pub ending: Option<JoinSound>,
    /// What tells its recording from others; empty where that is unknown.
    pub print: Arc<SoundPrint>,
}

/// What the first or the last playable part of a song sounds like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JoinSound {
    /// Timbre, each value in units of its spread over the library.
    pub timbre: Option<[f32; 12]>,
    /// Key of this part; where it is unknown that of the song counts.
    pub key: Option<Key>,
    /// Tempo of this part; where it is unknown that of the song counts.
    pub tempo: Option<Bpm>,
}

/// A text for comparing: without space around it, in lower case; `None` where nothing is left.
pub(super) fn folded(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    (!text.is_empty()).then(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_outer_space_do_not_tell_texts_apart() {
        assert_eq!(folded(Some("  ÀIR ")), Some("àir".to_string()));
        assert_eq!(folded(Some(" \t")), None);
        assert_eq!(folded(None), None);
    }
}
