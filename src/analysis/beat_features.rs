//! What one beat sounds like, in numbers: harmony, timbre and dynamics of every piece of a song,
//! from a stream and in one pass.
//!
//! The filter banks are librosa's; three things differ from the original Infinite Remixer, on
//! purpose. One tuning holds for the whole song, so a chord reads the same in every beat. Chroma is
//! weighted by loudness, so a rest within a beat does not blur its chord. The floor of the MFCC is
//! absolute, so a beat's timbre does not depend on its loudest moment (nor on having heard the end
//! of the song).

mod frame;
#[cfg(test)]
mod tests;

use super::chroma::N_CHROMA;
use super::mfcc::N_MFCC;
use super::stft::{Framer, HOP, N_FFT};
use crate::base::sum_of;
use frame::{FrameAnalyser, FrameFeatures};

/// Values of [`BeatFeatures::values`].
pub const N_FEATURES: usize = 2 * N_CHROMA + 2 * N_MFCC + 4;

/// Least mean square of [`BeatFeatures::loudness_db`]: -100 dB.
const LEAST_MEAN_SQUARE: f64 = 1e-10;
/// How far from its boundary a piece's onset is looked for: 70 ms, the tolerance customary in the
/// evaluation of beat trackers (Davies et al. 2009).
const ONSET_REACH: u64 = 3 * HOP as u64;
/// The aspect of the sound a value belongs to, for weighing the aspects against one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeatureGroup {
    /// Which notes sound.
    Harmony,
    /// How they are coloured.
    Timbre,
    /// How loud they are and how sharply they begin.
    Dynamics,
}

/// Column names of [`BeatFeatures::values`], in its order. Part of the table format: names may be
/// added, none may change its meaning.
#[rustfmt::skip]
pub const FEATURE_NAMES: [&str; N_FEATURES] = [
    "chroma_mean_c", "chroma_mean_cs", "chroma_mean_d", "chroma_mean_ds",
    "chroma_mean_e", "chroma_mean_f", "chroma_mean_fs", "chroma_mean_g",
    "chroma_mean_gs", "chroma_mean_a", "chroma_mean_as", "chroma_mean_b",
    "chroma_std_c", "chroma_std_cs", "chroma_std_d", "chroma_std_ds",
    "chroma_std_e", "chroma_std_f", "chroma_std_fs", "chroma_std_g",
    "chroma_std_gs", "chroma_std_a", "chroma_std_as", "chroma_std_b",
    "mfcc_mean_0", "mfcc_mean_1", "mfcc_mean_2", "mfcc_mean_3", "mfcc_mean_4",
    "mfcc_mean_5", "mfcc_mean_6", "mfcc_mean_7", "mfcc_mean_8", "mfcc_mean_9",
    "mfcc_mean_10", "mfcc_mean_11", "mfcc_mean_12",
    "mfcc_std_0", "mfcc_std_1", "mfcc_std_2", "mfcc_std_3", "mfcc_std_4",
    "mfcc_std_5", "mfcc_std_6", "mfcc_std_7", "mfcc_std_8", "mfcc_std_9",
    "mfcc_std_10", "mfcc_std_11", "mfcc_std_12",
    "centroid_hz", "loudness_db", "flux", "onset_strength",
];

/// The group of the value at `index` of [`BeatFeatures::values`].
pub const fn feature_group(index: usize) -> FeatureGroup {
    const TIMBRE: usize = 2 * N_CHROMA;
    const DYNAMICS: usize = TIMBRE + 2 * N_MFCC + 1;
    match index {
        ..TIMBRE => FeatureGroup::Harmony,
        TIMBRE..DYNAMICS => FeatureGroup::Timbre,
        DYNAMICS.. => FeatureGroup::Dynamics,
    }
}

/// The sound of one piece of a song. Every value is finite.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BeatFeatures {
    /// Pitch classes from C, 0..=1, each analysis frame scaled to a maximum of 1 and weighted by
    /// its amplitude. All 0 in silence.
    pub chroma_mean: [f32; N_CHROMA],
    /// Weighted standard deviation of the same.
    pub chroma_std: [f32; N_CHROMA],
    /// Mean MFCC of the mel spectrum in decibels, floored at -50 dB.
    pub mfcc_mean: [f32; N_MFCC],
    /// Standard deviation (of the population) of the same.
    pub mfcc_std: [f32; N_MFCC],
    /// Centre of gravity of the magnitude spectrum in Hz, loud moments counting more; 0 in silence.
    pub centroid_hz: f32,
    /// RMS level of the piece's own samples in dB below full scale, -100 at least.
    pub loudness_db: f32,
    /// Mean rise of the mel spectrum from frame to frame in dB, falling bands counting as 0.
    pub flux: f32,
    /// Largest such rise within 70 ms of where the piece starts, in dB.
    pub onset_strength: f32,
}

impl BeatFeatures {
    /// All values in the order of [`FEATURE_NAMES`].
    pub fn values(&self) -> [f32; N_FEATURES] {
        let mut values = [0.0; N_FEATURES];
        let rest = [self.centroid_hz, self.loudness_db, self.flux, self.onset_strength];
        let all = (self.chroma_mean.iter().chain(&self.chroma_std))
            .chain(self.mfcc_mean.iter().chain(&self.mfcc_std))
            .chain(&rest);
        for (value, &feature) in values.iter_mut().zip(all) {
            *value = feature;
        }
        values
    }
}

/// Features of every piece between consecutive boundaries of a song at 22 050 Hz mono.
///
/// Analysis frames of 1024 every 512, as in librosa; one belongs to the piece its centre lies in.
/// A piece too short to hold a centre takes the frame nearest its middle. Memory is that of the
/// boundaries and results, plus a constant.
pub struct BeatFeatureExtractor {
    framer: Framer,
    pieces: Pieces,
}

impl BeatFeatureExtractor {
    /// `boundaries`: rising positions in frames at 22 050 Hz; one that falls behind its
    /// predecessor is moved up to it. `tuning`: semitones above A = 440 Hz, see
    /// [`super::TuningEstimator`].
    pub fn new(mut boundaries: Vec<u64>, tuning: f32) -> Self {
        let mut least = 0;
        for boundary in &mut boundaries {
            least = least.max(*boundary);
            *boundary = least;
        }
        let pieces = boundaries.len().saturating_sub(1);
        BeatFeatureExtractor {
            framer: Framer::new(N_FFT, HOP),
            pieces: Pieces {
                analyser: FrameAnalyser::new(tuning),
                boundaries,
                features: vec![BeatFeatures::default(); pieces],
                energy: vec![0.0; pieces],
                current: 0,
                sounding: 0,
                nearing: 0,
                sums: Sums::default(),
                previous: FrameFeatures::default(),
            },
        }
    }

    /// Takes more of the song, in blocks of any size.
    pub fn push(&mut self, mono: &[f32]) {
        let pieces = &mut self.pieces;
        self.framer.push(mono, |k, block| pieces.take(k, block));
    }

    /// Ends the song: one result for each piece, in order. A piece beyond the end of the audio
    /// gets the spectrum of the last frame and the loudness of silence.
    pub fn finish(self) -> Vec<BeatFeatures> {
        let BeatFeatureExtractor { framer, mut pieces } = self;
        framer.finish(|k, block| pieces.take(k, block));
        pieces.close()
    }
}

/// The pieces of a song and how far the analysis has come in them.
struct Pieces {
    analyser: FrameAnalyser,
    boundaries: Vec<u64>,
    features: Vec<BeatFeatures>,
    /// Sum of squared samples of each piece.
    energy: Vec<f64>,
    /// The piece frames are gathered for; all before it are complete.
    current: usize,
    /// The piece the samples last measured for loudness lie in.
    sounding: usize,
    /// The first piece whose onset may still be heard.
    nearing: usize,
    sums: Sums,
    previous: FrameFeatures,
}

impl Pieces {
    /// Takes the analysis frame around position `number * HOP`.
    fn take(&mut self, number: u64, block: &[f32]) {
        let centre = number * HOP as u64;
        let frame = self.analyser.analyse(centre, block);
        // The second half is what no earlier block has held; padding at the end is silent.
        self.measure(centre, &block[N_FFT / 2..]);
        self.mark_onsets(centre, frame.rise);
        while self.current < self.features.len() && self.boundaries[self.current + 1] <= centre {
            self.complete(&frame);
        }
        if self.current < self.features.len() && self.boundaries[self.current] <= centre {
            self.sums.add(&frame);
        }
        self.previous = frame;
    }

    /// Completes the current piece, `next` being the first frame behind it.
    fn complete(&mut self, next: &FrameFeatures) {
        if self.sums.frames == 0 {
            let (start, end) = (self.boundaries[self.current], self.boundaries[self.current + 1]);
            let middle = start + (end - start) / 2;
            let to = |frame: &FrameFeatures| frame.centre.abs_diff(middle);
            let nearest = if to(next) < to(&self.previous) { *next } else { self.previous };
            self.sums.add(&nearest);
        }
        self.sums.store(&mut self.features[self.current]);
        self.sums = Sums::default();
        self.current += 1;
    }

    /// Adds the energy of the samples at `position` to the pieces they lie in.
    fn measure(&mut self, mut position: u64, mut samples: &[f32]) {
        while self.sounding < self.energy.len() && !samples.is_empty() {
            let start = self.boundaries[self.sounding];
            let end = self.boundaries[self.sounding + 1];
            if position >= end {
                self.sounding += 1;
                continue;
            }
            let edge = if position < start { start } else { end };
            let length = (edge - position).min(samples.len() as u64) as usize;
            let (now, later) = samples.split_at(length);
            if position >= start {
                self.energy[self.sounding] += f64::from(sum_of(now, |x| x * x));
            }
            samples = later;
            position += length as u64;
        }
    }

    /// Lets the pieces that start near `centre` know how sharply the sound rises there.
    fn mark_onsets(&mut self, centre: u64, rise: f32) {
        let starts = &self.boundaries[..self.features.len()];
        let over = |start: &u64| start.saturating_add(ONSET_REACH) < centre;
        self.nearing += starts[self.nearing..].iter().take_while(|start| over(start)).count();
        let near = starts[self.nearing..]
            .iter()
            .take_while(|&&start| start <= centre + ONSET_REACH)
            .count();
        for piece in &mut self.features[self.nearing..self.nearing + near] {
            if rise > piece.onset_strength {
                piece.onset_strength = rise;
            }
        }
    }

    fn close(mut self) -> Vec<BeatFeatures> {
        let last = self.previous;
        while self.current < self.features.len() {
            self.complete(&last);
        }
        let lengths = self.boundaries.windows(2).map(|pair| pair[1] - pair[0]);
        for ((piece, energy), length) in self.features.iter_mut().zip(&self.energy).zip(lengths) {
            let mean_square = (energy / length.max(1) as f64).max(LEAST_MEAN_SQUARE);
            piece.loudness_db = (10.0 * mean_square.log10()) as f32;
        }
        self.features
    }
}

/// Sums over the frames of a piece, in double precision so that variances survive subtraction.
#[derive(Default)]
struct Sums {
    frames: u32,
    weight: f64,
    chroma: [[f64; 2]; N_CHROMA],
    mfcc: [[f64; 2]; N_MFCC],
    magnitude: f64,
    magnitude_hz: f64,
    rise: f64,
}

impl Sums {
    fn add(&mut self, frame: &FrameFeatures) {
        let weight = f64::from(frame.weight);
        self.frames += 1;
        self.weight += weight;
        for ([sum, squares], &c) in self.chroma.iter_mut().zip(&frame.chroma) {
            let c = f64::from(c);
            *sum += weight * c;
            *squares += weight * c * c;
        }
        for ([sum, squares], &c) in self.mfcc.iter_mut().zip(&frame.mfcc) {
            let c = f64::from(c);
            *sum += c;
            *squares += c * c;
        }
        self.magnitude += f64::from(frame.magnitude);
        self.magnitude_hz += f64::from(frame.magnitude_hz);
        self.rise += f64::from(frame.rise);
    }

    fn store(&self, piece: &mut BeatFeatures) {
        let frames = f64::from(self.frames);
        for (i, sums) in self.chroma.iter().enumerate() {
            (piece.chroma_mean[i], piece.chroma_std[i]) = mean_and_std(*sums, self.weight);
        }
        for (i, sums) in self.mfcc.iter().enumerate() {
            (piece.mfcc_mean[i], piece.mfcc_std[i]) = mean_and_std(*sums, frames);
        }
        piece.centroid_hz = ratio(self.magnitude_hz, self.magnitude) as f32;
        piece.flux = ratio(self.rise, frames) as f32;
    }
}

fn mean_and_std([sum, squares]: [f64; 2], weight: f64) -> (f32, f32) {
    let mean = ratio(sum, weight);
    let variance = (ratio(squares, weight) - mean * mean).max(0.0);
    (mean as f32, variance.sqrt() as f32)
}

/// `part / whole`, and 0 of nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
