//! Where the sound of a song begins and ends, and whether it fades in or out.

use serde::{Deserialize, Serialize};

use crate::audio::loudness::{integrated, loudness_of};
use crate::base::Seconds;

/// The outer edges of a song.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Edges {
    /// When it becomes audible.
    pub start: Seconds,
    /// When it has died away.
    pub end: Seconds,
    /// End of the fade-in, if it fades in.
    pub fade_in_end: Option<Seconds>,
    /// Start of the fade-out, if it fades out.
    pub fade_out_start: Option<Seconds>,
}

impl Edges {
    /// Whether a time lies in one of the fades.
    pub fn fades_at(&self, time: Seconds) -> bool {
        self.fade_in_end.is_some_and(|end| time < end)
            || self.fade_out_start.is_some_and(|start| time >= start)
    }
}

/// Energies a second.
const RATE: f64 = 10.0;
/// Below the song's loudness by this much nothing is heard beside it, in LU.
const FAINT: f64 = -40.0;
/// Loudness is averaged over this many energies.
const SMOOTH: usize = 10;
/// A fade is at least this long, in energies.
const SHORTEST: usize = 30;
/// The loudness of the song around a fade is judged over this many energies.
const NEARBY: usize = 400;
/// Levels a fade must pass, in LU below the song, and the largest share of it spent between two.
const STEPS: [f64; 4] = [3.0, 8.0, 14.0, 20.0];
const LARGEST_SHARE: f64 = 0.7;

/// Finds the edges from K-weighted energies of 100 ms.
pub fn find_edges(energies: &[f32]) -> Edges {
    let faint = integrated(energies).0 + FAINT;
    let audible = |e: &f32| loudness_of(f64::from(*e)).0 > faint.max(-70.0);
    let first = energies.iter().position(audible);
    let (Some(first), Some(last)) = (first, energies.iter().rposition(audible)) else {
        return Edges::default();
    };
    let heard = &energies[first..=last];
    let time = |i: usize| Seconds((first + i) as f64 / RATE);
    let backwards: Vec<f32> = heard.iter().rev().copied().collect();
    Edges {
        start: time(0),
        end: time(heard.len()),
        fade_in_end: fade_start(&backwards).map(|i| time(heard.len() - i)),
        fade_out_start: fade_start(heard).map(time),
    }
}

/// Where the final fall to silence starts, if there is one that holds no level on its way: a
/// soft ending is no fade, nor is the last chord's ring.
fn fade_start(energies: &[f32]) -> Option<usize> {
    if energies.len() < 3 * SHORTEST {
        return None;
    }
    let curve = smooth(energies);
    let mut nearby = curve[curve.len().saturating_sub(NEARBY)..].to_vec();
    nearby.sort_by(f64::total_cmp);
    let body = nearby[nearby.len() * 3 / 4];
    let last_above = |down: f64| curve.iter().rposition(|&l| l >= body - down);
    let [start, a, b, end] = STEPS.map(|down| last_above(down).unwrap_or(0));
    let length = end.saturating_sub(start);
    let longest = LARGEST_SHARE * length as f64;
    let even = [start..a, a..b, b..end].iter().all(|part| part.len() as f64 <= longest);
    if length < SHORTEST
        || !even
        || end + SMOOTH >= curve.len() && curve[curve.len() - 1] > body - STEPS[3]
    {
        return None;
    }
    // The first 3 LU are not seen; they take as long as their share of the next five.
    let unseen = (a - start) as f64 * STEPS[0] / (STEPS[1] - STEPS[0]);
    Some(start.saturating_sub(unseen as usize))
}

/// Loudness over a second around each 100 ms; at the ends over what there is.
fn smooth(energies: &[f32]) -> Vec<f64> {
    let around = |i: usize| {
        let from = i.saturating_sub(SMOOTH / 2);
        let part = &energies[from..(i + SMOOTH / 2).min(energies.len())];
        let sum: f64 = part.iter().map(|&e| f64::from(e)).sum();
        loudness_of(sum / part.len().max(1) as f64).0
    };
    (0..energies.len()).map(around).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Energies of a song at -15 LUFS that pulses like music, through gains of time in dB.
    fn song(seconds: usize, gain_db: impl Fn(f64) -> f64) -> Vec<f32> {
        (0..seconds * 10)
            .map(|i| {
                let pulse = [0.0, -3.0, -6.0, -2.0, -5.0][i % 5];
                10f64.powf((-14.0 + pulse + gain_db(i as f64 / 10.0)) / 10.0) as f32
            })
            .collect()
    }

    fn near(found: Option<Seconds>, truth: f64, within: f64) -> bool {
        found.is_some_and(|t| (t.0 - truth).abs() <= within)
    }

    #[test]
    fn a_fade_out_is_found_where_it_starts() {
        // In decibels, as tape machines are turned down, and in amplitude, as programs do it.
        let decibels = find_edges(&song(60, |t| -3.5 * (t - 48.0).max(0.0)));
        assert!(near(decibels.fade_out_start, 48.0, 1.0), "{decibels:?}");
        let linear = |t: f64| 20.0 * ((60.0 - t) / 12.0).clamp(1e-3, 1.0).log10();
        let linear = find_edges(&song(60, linear));
        assert!(near(linear.fade_out_start, 48.0, 3.0), "{linear:?}");
        assert_eq!(linear.fade_in_end, None);
    }

    #[test]
    fn a_fade_in_ends_where_the_song_is_there() {
        let edges = find_edges(&song(60, |t| -4.0 * (8.0 - t).max(0.0)));
        assert!(near(edges.fade_in_end, 8.0, 1.0), "{edges:?}");
        assert_eq!(edges.fade_out_start, None);
    }

    #[test]
    fn plain_and_soft_endings_and_ringing_chords_are_no_fades() {
        let plain = find_edges(&song(40, |_| 0.0));
        let soft = find_edges(&song(60, |t| if t > 45.0 { -9.0 } else { 0.0 }));
        let ring = find_edges(&song(40, |t| -15.0 * (t - 38.0).max(0.0)));
        let short = find_edges(&song(5, |t| -4.0 * t));
        for edges in [plain, soft, ring, short] {
            assert_eq!((edges.fade_in_end, edges.fade_out_start), (None, None), "{edges:?}");
        }
    }

    #[test]
    fn silence_around_a_song_is_left_out() {
        let energies = [vec![0.0; 25], song(30, |_| 0.0), vec![0.0; 40]].concat();
        let edges = find_edges(&energies);
        assert_eq!((edges.start, edges.end), (Seconds(2.5), Seconds(32.5)));
        assert_eq!((edges.fade_in_end, edges.fade_out_start), (None, None));
        assert_eq!(find_edges(&[0.0; 100]), Edges::default());
        assert_eq!(find_edges(&[]), Edges::default());
    }
}
