//! A voice before it walks: what is heard of every beat, what beats sound alike, and how loud.

use super::library::Library;
use crate::base::{Lufs, Result};
use crate::corpus::{Layer, Search, Space, Table};

/// What is so much softer than its song counts as silence: a stem where its instruments rest.
const SILENT: f64 = 24.0;
/// Beats over which a voice's silence is judged: two bars.
const SILENT_BEATS: usize = 8;

/// A space to walk in and the layers heard from it.
pub struct VoiceSpace<'a> {
    /// What is heard.
    pub layers: Vec<Layer>,
    /// The features walked by.
    pub space: &'a Space,
    /// Its neighbours.
    pub search: &'a dyn Search,
    /// How loud its layers are, by row.
    pub loudness: Vec<Lufs>,
}

impl VoiceSpace<'_> {
    /// For each row how much of the two bars from it on is silence, 0 to 1.
    pub fn silence(&self, library: &Library) -> Vec<f64> {
        let songs = song_levels(library);
        let silent = |row: usize| self.loudness[row].0 < songs[library.beats[row].song] - SILENT;
        let ahead = |row: usize| {
            let rows = std::iter::successors(Some(row), |&r| library.next[r]).take(SILENT_BEATS);
            let (silent, all) =
                rows.fold((0.0, 0.0), |(s, n), r| (s + f64::from(silent(r)), n + 1.0));
            silent / all
        };
        (0..library.beats.len()).map(ahead).collect()
    }
}

/// Mean loudness of each song's beats.
fn song_levels(library: &Library) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); library.songs.len()];
    for beat in &library.beats {
        let (power, beats) = &mut sums[beat.song];
        *power += 10f64.powf(beat.loudness.0 / 10.0);
        *beats += 1.0;
    }
    sums.iter().map(|(power, beats)| 10.0 * (power / beats).log10()).collect()
}

/// How loud some layers of each row are. Of a stem only its level is known, not its loudness: it
/// is taken to have the part of the whole's loudness that it has of the power. A table without
/// levels tells the whole's alone.
///
/// # Errors
/// `Corrupt` where a column of levels holds no numbers.
pub fn loudness_of(table: &Table, library: &Library, layers: &[Layer]) -> Result<Vec<Lufs>> {
    let level = |layer: Layer| format!("{}_loudness_db", layer.name());
    let known = |layer| table.names().any(|name| name == level(layer));
    let split = match layers {
        [Layer::Drums] => Some((Layer::Drums, Layer::Other)),
        [Layer::Other] => Some((Layer::Other, Layer::Drums)),
        _ => None,
    };
    let Some((stem, rest)) = split.filter(|&(stem, rest)| known(stem) && known(rest)) else {
        return Ok(library.beats.iter().map(|beat| beat.loudness).collect());
    };
    let power = |level: &f32| 10f64.powf(f64::from(*level) / 10.0) + f64::MIN_POSITIVE;
    let powers = table.real(&level(stem))?.iter().zip(table.real(&level(rest))?);
    let parts = powers.map(|(stem, rest)| power(stem) / (power(stem) + power(rest)));
    let beats = library.beats.iter().zip(parts);
    Ok(beats.map(|(beat, part)| Lufs(beat.loudness.0 + 10.0 * part.log10())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Column;
    use crate::remix::fixtures::{Tune, library};

    fn table(drums: &[f32], other: &[f32]) -> Table {
        let mut table = Table::default();
        table.push("drums_loudness_db", Column::Real(drums.to_vec()));
        table.push("other_loudness_db", Column::Real(other.to_vec()));
        table
    }

    #[test]
    fn a_stem_is_as_loud_as_its_part_of_the_power() {
        let library = library(&[Tune { bpm: 120.0, beats: 3 }]);
        let table = table(&[-20.0, -100.0, -20.0], &[-20.0, -20.0, -30.0]);
        let of = |layers: &[Layer]| -> Vec<f64> {
            let all = loudness_of(&table, &library, layers).unwrap();
            all.iter().map(|loudness| (loudness.0 * 10.0).round() / 10.0).collect()
        };
        assert_eq!(of(&[Layer::Drums]), [-17.0, -94.0, -14.4]);
        assert_eq!(of(&[Layer::Other]), [-17.0, -14.0, -24.4]);
        assert_eq!(of(&[Layer::Drums, Layer::Other]), [-14.0; 3]);
        let bare = loudness_of(&Table::default(), &library, &[Layer::Drums]).unwrap();
        assert_eq!(bare, [Lufs(-14.0); 3], "nothing is known of the stems");
    }

    #[test]
    fn silence_is_told_two_bars_ahead() {
        let library = library(&[Tune { bpm: 120.0, beats: 20 }]);
        let space = crate::remix::fixtures::space(&vec![0.0; 20 * crate::remix::fixtures::DIMS]);
        let search = space.searcher().unwrap();
        let mut voice =
            crate::remix::fixtures::voice(&library, Layer::Drums, &space, search.as_ref());
        for loudness in &mut voice.loudness[10..] {
            *loudness = Lufs(-50.0);
        }
        let silence = voice.silence(&library);
        assert_eq!((silence[2], silence[6], silence[10], silence[19]), (0.0, 0.5, 1.0, 1.0));
    }
}
