//! All that is known of a song, found in one pass over its sound.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::bars::{SpanSound, beat_sounds, span_sounds};
use super::beats::{BeatGrid, track_beats};
use super::character::{danceability, energy};
use super::chroma::N_CHROMA;
use super::edges::{Edges, find_edges};
use super::form::{Form, find_form};
use super::key::{KeyEstimate, find_key};
use super::onset::{OnsetAnalyzer, OnsetEnvelope};
use super::outline::{Outline, PeakColumns};
use super::pitch::PitchAnalyzer;
use super::rhythm::Rhythm;
use super::soundprint::SoundPrint;
use super::tuning::TuningEstimator;
use crate::audio::loudness::{LoudnessMeter, integrated, range, short_term};
use crate::audio::{AudioBuffer, Resampler, TruePeakMeter};
use crate::base::{Frames, Lufs, Result, SampleRate, Seconds};

/// Raised whenever the same song would be heard differently or told differently.
pub const ANALYSIS_VERSION: u32 = 9;

/// What is known of a song.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackAnalysis {
    /// [`ANALYSIS_VERSION`] of the program that listened.
    pub version: u32,
    /// Length.
    pub duration: Seconds,
    /// Beats, bars and tempo; `None` where nothing repeats like a pulse.
    pub rhythm: Option<Rhythm>,
    /// What each beat sounds like; as long as the beats, or empty with fewer than two.
    pub beat_sounds: Vec<SpanSound>,
    /// Semitones above A = 440 Hz, -0.5..0.5.
    pub tuning: f32,
    /// Share of each pitch class from C, the largest being 1.
    pub pitch_classes: [f32; N_CHROMA],
    /// The key; `None` where no pitch class stands out.
    pub key: Option<KeyEstimate>,
    /// How loud it is.
    pub loudness: Loudness,
    /// How loud, dense and lively it is, 0..=1: see [`super::character`].
    pub energy: f32,
    /// How well one can dance to it, 0..=1: see [`super::character`].
    pub danceability: f32,
    /// Where its sound begins and ends, and its fades.
    pub edges: Edges,
    /// Phrases; `None` without bars, or with too few or too many.
    pub form: Option<Form>,
    /// What a picture of it draws.
    pub outline: Outline,
    /// What it can be known by in another file.
    pub print: SoundPrint,
}

/// Loudness after ITU-R BS.1770-5 and EBU R 128.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loudness {
    /// Of the whole song, gated; -120 for silence.
    pub integrated: Lufs,
    /// Loudness range in LU (EBU Tech 3342).
    pub range: f64,
    /// True peak in dB of full scale; -120 for silence.
    pub true_peak: f64,
    /// Loudness of the 3 s around every whole second, in LUFS.
    pub short_term: Vec<f32>,
}

/// Listens to a song block by block and keeps only curves: about 25 MB for an hour.
pub struct TrackAnalyzer {
    rate: SampleRate,
    frames: u64,
    resampler: Resampler,
    mono: AudioBuffer,
    ready: AudioBuffer,
    ears: Ears,
    loudness: LoudnessMeter,
    peak: TruePeakMeter,
    outline: PeakColumns,
}

/// What a beat tracker is told when a song is over.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// The last mono samples at the analysis rate.
    pub tail: &'a [f32],
    /// The onset curves.
    pub onsets: &'a OnsetEnvelope,
    /// K-weighted energy of each 100 ms.
    pub energies: &'a [f32],
    /// Length of the song.
    pub length: Seconds,
}

/// The block without samples that are no numbers, or 36 dB over full scale.
pub fn honest(block: &AudioBuffer) -> Cow<'_, AudioBuffer> {
    if block.is_honest() {
        return Cow::Borrowed(block);
    }
    let mut clean = block.clone();
    clean.make_honest();
    Cow::Owned(clean)
}

/// What listens to mono at the analysis rate.
struct Ears {
    onsets: OnsetAnalyzer,
    pitches: PitchAnalyzer,
    tuning: TuningEstimator,
}

impl Ears {
    fn new() -> Self {
        let rate = SampleRate::ANALYSIS.as_f64();
        Ears {
            onsets: OnsetAnalyzer::new(),
            pitches: PitchAnalyzer::new(rate),
            tuning: TuningEstimator::new(rate),
        }
    }

    fn push(&mut self, mono: &[f32]) {
        self.onsets.push(mono);
        self.pitches.push(mono);
        self.tuning.push(mono);
    }
}

impl TrackAnalyzer {
    /// An analyzer for mono or stereo at `rate`.
    ///
    /// # Errors
    /// `Internal` where the rate cannot be converted.
    pub fn new(rate: SampleRate, channels: usize) -> Result<Self> {
        Ok(TrackAnalyzer {
            rate,
            frames: 0,
            resampler: Resampler::new(rate, SampleRate::ANALYSIS, 1)?,
            mono: AudioBuffer::new(1),
            ready: AudioBuffer::new(1),
            ears: Ears::new(),
            loudness: LoudnessMeter::new(rate),
            peak: TruePeakMeter::new(rate, channels),
            outline: PeakColumns::new(rate),
        })
    }

    /// Takes the next frames, in blocks of any size, and gives them back as mono at the analysis
    /// rate, for other ears. Samples that are no numbers, or 36 dB over full scale, count as
    /// silence: one of them would spread through every filter.
    ///
    /// # Errors
    /// `Internal` where the rate cannot be converted.
    pub fn push(&mut self, block: &AudioBuffer) -> Result<&[f32]> {
        self.hear(&honest(block))
    }

    fn hear(&mut self, block: &AudioBuffer) -> Result<&[f32]> {
        self.frames += block.frames() as u64;
        self.loudness.push(block);
        self.peak.push(block);
        self.outline.push(block);
        block.mono_into(&mut self.mono.planes[0]);
        self.ready.clear();
        self.resampler.push(&self.mono, &mut self.ready)?;
        self.ears.push(&self.ready.planes[0]);
        Ok(&self.ready.planes[0])
    }

    /// Ends the song and tells all that is known of it, with the beats of our own tracker.
    ///
    /// # Errors
    /// As `push`.
    pub fn finish(self) -> Result<TrackAnalysis> {
        self.finish_with(|heard| Ok(track_beats(heard.onsets)))
    }

    /// Ends the song with beats that somebody else finds.
    ///
    /// # Errors
    /// As `push` and `find_beats`.
    pub fn finish_with(
        mut self,
        find_beats: impl FnOnce(Heard<'_>) -> Result<Option<BeatGrid>>,
    ) -> Result<TrackAnalysis> {
        self.ready.clear();
        self.resampler.finish(&mut self.ready)?;
        self.ears.push(&self.ready.planes[0]);
        let Ears { onsets, pitches, tuning } = self.ears;
        let (onsets, tuning) = (onsets.finish(), tuning.finish());
        let energies = self.loudness.finish();
        let loudness = integrated(&energies);
        let edges = find_edges(&energies);
        let duration = Frames(self.frames).seconds(self.rate);
        let tail = &self.ready.planes[0];
        let grid =
            find_beats(Heard { tail, onsets: &onsets, energies: &energies, length: duration })?;
        let rhythm = grid.map(|grid| Rhythm::new(&grid, &onsets));
        let form = rhythm.as_ref().and_then(|rhythm| {
            let boundaries = bar_lines(rhythm, &edges, duration);
            find_form(&span_sounds(&onsets, &boundaries), &boundaries, &edges)
        });
        let pitch_classes = pitches.finish(tuning);
        Ok(TrackAnalysis {
            version: ANALYSIS_VERSION,
            duration,
            energy: energy(&onsets, loudness),
            danceability: rhythm.as_ref().map_or(0.0, |rhythm| danceability(&onsets, rhythm)),
            form,
            beat_sounds: rhythm
                .as_ref()
                .map_or_else(Vec::new, |rhythm| beat_sounds(&onsets, &rhythm.beats)),
            rhythm,
            tuning,
            key: find_key(&pitch_classes),
            pitch_classes,
            loudness: Loudness {
                integrated: loudness,
                range: range(&energies),
                true_peak: self.peak.finish(),
                short_term: short_term(&energies),
            },
            edges,
            outline: self.outline.finish(&onsets),
            print: onsets.print,
        })
    }
}

/// The downbeats, with the bar before the first and the bar after the last where there is at
/// least half of one.
fn bar_lines(rhythm: &Rhythm, edges: &Edges, duration: Seconds) -> Vec<Seconds> {
    let mut lines: Vec<Seconds> = rhythm.downbeats().collect();
    let [first, second, .., before, last] = lines[..] else { return lines };
    let (head, tail) = (second.0 - first.0, last.0 - before.0);
    let end = (last.0 + tail).min(duration.0);
    if end - last.0 > 0.5 * tail {
        lines.push(Seconds(end));
    }
    let start = (first.0 - head).max(edges.start.0.min(first.0));
    if first.0 - start > 0.5 * head {
        lines.insert(0, Seconds(start));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Bpm;

    fn lines(first: f64, bars: usize, start: f64, duration: f64) -> Vec<f64> {
        let beats: Vec<Seconds> = (0..bars * 4).map(|i| Seconds(first + 0.5 * i as f64)).collect();
        let rhythm = Rhythm {
            positions: (0..beats.len()).map(|i| (i % 4) as u8 + 1).collect(),
            beat_confidence: vec![1.0; beats.len()],
            beats,
            beats_per_bar: 4,
            tempo: Bpm(120.0),
            confidence: 1.0,
            tempo_curve: Vec::new(),
        };
        let edges = Edges { start: Seconds(start), ..Edges::default() };
        bar_lines(&rhythm, &edges, Seconds(duration)).iter().map(|t| t.0).collect()
    }

    #[test]
    fn bars_cut_by_the_ends_count_from_half_a_bar_on() {
        // Downbeats at 1.5, 3.5, 5.5, 7.5 of a song that sounds from the start.
        assert_eq!(lines(1.5, 4, 0.0, 12.0), [0.0, 1.5, 3.5, 5.5, 7.5, 9.5]);
        assert_eq!(lines(1.5, 4, 0.8, 8.4), [1.5, 3.5, 5.5, 7.5]);
        assert_eq!(lines(0.5, 4, 0.0, 8.6), [0.5, 2.5, 4.5, 6.5, 8.5]);
        // Never more than a bar before the first.
        assert_eq!(lines(5.0, 4, 0.0, 11.5), [3.0, 5.0, 7.0, 9.0, 11.0]);
        assert_eq!(lines(0.0, 1, 0.0, 2.0), [0.0]);
    }
}
