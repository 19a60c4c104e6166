//! What it costs to play one song after another, criterion by criterion.

use std::collections::HashMap;

use super::criteria::{Criterion, Law, Weights};
use super::likeness::Pattern;
use super::song::{JoinSound, SongFacts, folded};
use crate::analysis::Key;
use crate::base::Bpm;

/// The cost of two songs of which nothing comparable is known: neither a match nor a clash.
const UNKNOWN: f64 = 0.5;
/// Tempo ratio beyond which stretching is heard and songs cannot be played beat on beat.
const MOST_STRETCH: f64 = 1.08;
/// Tempi of the original from which on it took them for errors.
const TOO_FAST: f64 = 200.0;
/// Cost of keys that lie this many steps apart on the Camelot wheel. One step (a fifth, or the
/// relative key) is what disc jockeys call harmonic; from four steps on most notes clash.
const KEY_STEPS: [f64; 5] = [0.0, 0.15, 0.5, 0.8, 1.0];
/// Root mean square difference of timbre, in spreads, that costs 1. Strangers differ by 1.4.
const FAR_TIMBRE: f64 = 2.0;
/// A genre longer than this is a sentence; its beginning is enough.
const GENRE_LETTERS: usize = 64;

/// The part of one criterion in a cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// Which criterion.
    pub criterion: Criterion,
    /// The difference, 0 (alike) to 1; `None` where it was skipped for want of data.
    pub cost: Option<f64>,
    /// How much it counts where it is not skipped.
    pub weight: f64,
}

impl Term {
    /// Whether the criterion had no part in the sum.
    pub fn skipped(&self) -> bool {
        self.cost.is_none() || self.weight == 0.0
    }
}

/// A cost taken apart: what the table of explanations shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostBreakdown {
    /// One term for each criterion, in the order of [`Criterion::ALL`].
    pub terms: [Term; Criterion::COUNT],
    /// The weighted mean of all terms that were not skipped, 0..=1.
    pub total: f64,
}

/// The cost of playing `b` right after `a`.
pub fn compare(a: &SongFacts, b: &SongFacts, weights: &Weights) -> CostBreakdown {
    Comparison::new([a, b], weights).explain(0, 1)
}

/// Many songs made ready for being compared with each other.
pub struct Comparison {
    weights: Weights,
    traits: Vec<Traits>,
    /// Difference of each pair of distinct genres, row by row.
    genres: Vec<f64>,
    n_genres: usize,
}

/// A song in numbers: texts have become numbers that are equal where the texts are.
struct Traits {
    artist: Option<u32>,
    genre: Option<u32>,
    tags: Vec<u32>,
    metre: Option<u8>,
    length: Option<f64>,
    danceability: Option<f64>,
    energy: Option<f64>,
    loudness: Option<f64>,
    begin: Edge,
    end: Edge,
}

/// One end of a song: its own key and tempo where known, those of the song otherwise.
struct Edge {
    tempo: Option<f64>,
    key: Option<Key>,
    timbre: Option<[f32; 12]>,
}

impl Comparison {
    /// Looks up everything about `songs` that does not depend on pairs.
    pub fn new<'a>(songs: impl IntoIterator<Item = &'a SongFacts>, weights: &Weights) -> Self {
        let law = weights.law();
        let mut words = [Numbers::default(), Numbers::default(), Numbers::default()];
        let traits = songs.into_iter().map(|song| Traits::of(song, law, &mut words)).collect();
        let genres = words[1].in_order();
        Comparison {
            weights: *weights,
            traits,
            n_genres: genres.len(),
            genres: genre_differences(&genres),
        }
    }

    /// How many songs there are.
    pub fn len(&self) -> usize {
        self.traits.len()
    }

    /// Whether there is no song.
    pub fn is_empty(&self) -> bool {
        self.traits.is_empty()
    }

    /// The cost of playing song `b` right after song `a`, 0..=1.
    ///
    /// # Panics
    /// If there are no such songs.
    pub fn cost(&self, a: usize, b: usize) -> f64 {
        let terms =
            Criterion::ALL.into_iter().map(|c| (self.difference(c, a, b), self.weights.get(c)));
        mean(terms)
    }

    /// The same cost taken apart.
    ///
    /// # Panics
    /// If there are no such songs.
    pub fn explain(&self, a: usize, b: usize) -> CostBreakdown {
        let terms = Criterion::ALL.map(|criterion| Term {
            criterion,
            cost: self.difference(criterion, a, b),
            weight: self.weights.get(criterion),
        });
        CostBreakdown { terms, total: mean(terms.iter().map(|t| (t.cost, t.weight))) }
    }

    /// One criterion, 0..=1; `None` where one of the songs lacks what it needs.
    fn difference(&self, criterion: Criterion, a: usize, b: usize) -> Option<f64> {
        let (a, b) = (&self.traits[a], &self.traits[b]);
        let dj = self.weights.law() == Law::Dj;
        let found = match criterion {
            Criterion::Tag => tag_difference(&a.tags, &b.tags)?,
            Criterion::Tempo if dj && bars_differ(a.metre, b.metre) => 1.0,
            Criterion::Tempo if dj => octave_difference(a.end.tempo?, b.begin.tempo?),
            Criterion::Tempo => (a.end.tempo? - b.begin.tempo?).abs() / 100.0,
            Criterion::Length if dj => (a.length? - b.length?).abs() / 100.0,
            // The original compared milliseconds with a bound meant for seconds.
            Criterion::Length => (a.length? - b.length?).abs() * 1000.0 / 100.0,
            Criterion::Spread => f64::from(u8::from(a.artist? == b.artist?)),
            Criterion::Genre => self.genres[a.genre? as usize * self.n_genres + b.genre? as usize],
            Criterion::Danceability => (a.danceability? - b.danceability?).abs(),
            Criterion::Energy => (a.energy? - b.energy?).abs(),
            Criterion::Loudness => (a.loudness? - b.loudness?).abs() / 10.0,
            Criterion::Key if dj => KEY_STEPS[a.end.key?.steps_to(&b.begin.key?).min(4) as usize],
            Criterion::Timbre if dj => timbre_difference(&a.end.timbre?, &b.begin.timbre?),
            Criterion::Key | Criterion::Timbre => return None,
        };
        Some(found.clamp(0.0, 1.0))
    }
}

/// Weighted mean of what is known.
fn mean(terms: impl Iterator<Item = (Option<f64>, f64)>) -> f64 {
    let known = terms.filter_map(|(cost, weight)| Some((cost? * weight, weight)));
    let (sum, weights) = known.fold((0.0, 0.0), |(s, w), (cost, weight)| (s + cost, w + weight));
    if weights > 0.0 { (sum / weights).clamp(0.0, 1.0) } else { UNKNOWN }
}

/// Tags in one set only, a tenth each. Both lists are sorted.
fn tag_difference(a: &[u32], b: &[u32]) -> Option<f64> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let shared = a.iter().filter(|tag| b.binary_search(tag).is_ok()).count();
    Some((a.len() + b.len() - 2 * shared) as f64 / 10.0)
}

/// Whether bars of so many beats cannot be played together. Two and four can.
fn bars_differ(a: Option<u8>, b: Option<u8>) -> bool {
    let beats = |metre: u8| if metre == 2 { 4 } else { metre };
    a.zip(b).is_some_and(|(a, b)| beats(a) != beats(b))
}

/// Distance of two tempi on a scale where 1 is more than stretching can bridge. Twice and half
/// the tempo are the same: beats are matched two to one then.
fn octave_difference(a: f64, b: f64) -> f64 {
    let octaves = (a / b).log2();
    (octaves - octaves.round().clamp(-1.0, 1.0)).abs() / MOST_STRETCH.log2()
}

fn timbre_difference(a: &[f32; 12], b: &[f32; 12]) -> f64 {
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    (a.iter().zip(b).map(square).sum::<f64>() / 12.0).sqrt() / FAR_TIMBRE
}

/// Numbers for texts, from 0 on in the order they first come up.
#[derive(Default)]
struct Numbers(HashMap<String, u32>);

impl Numbers {
    fn of(&mut self, text: String) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(text).or_insert(next)
    }

    fn in_order(&self) -> Vec<&str> {
        let mut texts: Vec<(&str, u32)> = self.0.iter().map(|(t, &n)| (t.as_str(), n)).collect();
        texts.sort_unstable_by_key(|(_, n)| *n);
        texts.into_iter().map(|(text, _)| text).collect()
    }
}

fn genre_differences(genres: &[&str]) -> Vec<f64> {
    let letters: Vec<Vec<char>> = genres.iter().map(|g| g.chars().collect()).collect();
    let patterns: Vec<Pattern> = genres.iter().map(|g| Pattern::new(g)).collect();
    let row = |a: &Vec<char>| patterns.iter().map(|b| 1.0 - b.likeness(a)).collect::<Vec<f64>>();
    letters.iter().flat_map(row).collect()
}

impl Traits {
    fn of(song: &SongFacts, law: Law, words: &mut [Numbers; 3]) -> Traits {
        let [artists, genres, tags] = words;
        let mut tags: Vec<u32> = song.tags.iter().map(|tag| tags.of(tag.clone())).collect();
        tags.sort_unstable();
        Traits {
            artist: folded(song.artist.as_deref()).map(|a| artists.of(a)),
            genre: genre(song, law).map(|g| genres.of(g)),
            tags,
            metre: song.metre,
            length: finite(song.duration.map(|d| d.0)),
            danceability: finite(song.danceability),
            energy: finite(song.energy),
            loudness: finite(song.loudness.map(|l| l.0)),
            begin: Edge::of(song, song.opening, law),
            end: Edge::of(song, song.ending, law),
        }
    }
}

impl Edge {
    fn of(song: &SongFacts, sound: Option<JoinSound>, law: Law) -> Edge {
        let sound = if law == Law::Dj { sound.unwrap_or_default() } else { JoinSound::default() };
        let usable = |t: Option<Bpm>| {
            let bound = if law == Law::Dj { f64::INFINITY } else { TOO_FAST };
            t.map(|t| t.0).filter(|&t| t > 0.0 && t < bound)
        };
        Edge {
            tempo: usable(sound.tempo).or_else(|| usable(song.tempo)),
            key: sound.key.or(song.key),
            timbre: sound.timbre.filter(|t| t.iter().all(|x| x.is_finite())),
        }
    }
}

/// The genre for comparing. The original took an empty one for a genre of that name.
fn genre(song: &SongFacts, law: Law) -> Option<String> {
    match law {
        Law::Original => song.genre.as_ref().map(|g| g.to_lowercase()),
        Law::Dj => folded(song.genre.as_deref()).map(|g| g.chars().take(GENRE_LETTERS).collect()),
    }
}

fn finite(x: Option<f64>) -> Option<f64> {
    x.filter(|x| x.is_finite())
}

#[cfg(test)]
mod tests;
