//! First pass over a song: everything segmentation must know before it can cut.

use super::blocks::{Blocks, Taken};
use super::hearing::Hearing;
use crate::analysis::{BeatGrid, OnsetAnalyzer, TuningEstimator, combine};
use crate::audio::loudness::LoudnessMeter;
use crate::audio::{AudioBuffer, Resampler};
use crate::base::{Error, ErrorKind, Frames, Result, SampleRate, Seconds, largest, sum_of};
use crate::corpus::Layer;
use crate::pipeline::beat_source::SongSource;
use crate::pipeline::context::Context;

/// Songs shorter than this have no beats worth cutting.
const MIN_SECONDS: f64 = 3.0;
/// Peaks below this (-60 dB) are silence.
const SILENT_PEAK: f32 = 1e-3;
/// Length of one value of the quiet curve, in seconds.
pub const QUIET_HOP: f64 = 0.002;

/// What the first pass found.
pub struct Listened {
    /// Length of the song in frames.
    pub frames: u64,
    /// The beats.
    pub grid: BeatGrid,
    /// Deviation from A = 440 Hz in semitones.
    pub tuning: f32,
    /// K-weighted energy of each 100 ms of the mix.
    pub energies: Vec<f32>,
    /// Energy of each 2 ms summed over all layers: where it is low, a cut does no harm.
    pub quiet: Vec<f32>,
    /// Anything worth knowing about the input.
    pub note: String,
}

/// Mono audio at another rate, made block by block.
pub struct AnalysisFeed {
    resampler: Resampler,
    input: AudioBuffer,
    output: AudioBuffer,
}

impl AnalysisFeed {
    /// Converts from `rate` to `target`.
    ///
    /// # Errors
    /// As the resampler.
    pub fn new(rate: SampleRate, target: SampleRate) -> Result<Self> {
        Ok(AnalysisFeed {
            resampler: Resampler::new(rate, target, 1)?,
            input: AudioBuffer::new(1),
            output: AudioBuffer::new(1),
        })
    }

    /// What this block gives.
    ///
    /// # Errors
    /// As the resampler.
    pub fn push(&mut self, block: &AudioBuffer) -> Result<&[f32]> {
        self.output.clear();
        block.mono_into(&mut self.input.planes[0]);
        self.resampler.push(&self.input, &mut self.output)?;
        Ok(&self.output.planes[0])
    }

    /// What is left at the end.
    ///
    /// # Errors
    /// As the resampler.
    pub fn finish(&mut self) -> Result<&[f32]> {
        self.output.clear();
        self.resampler.finish(&mut self.output)?;
        Ok(&self.output.planes[0])
    }
}

/// Energies of short hops, summed over layers and channels.
struct QuietCurve {
    hop: usize,
    filled: usize,
    sum: f32,
    curve: Vec<f32>,
}

impl QuietCurve {
    fn push(&mut self, layers: &[AudioBuffer]) {
        let frames = layers[0].frames();
        let mut at = 0;
        while at < frames {
            let take = (self.hop - self.filled).min(frames - at);
            for plane in layers.iter().flat_map(|layer| &layer.planes) {
                self.sum += sum_of(&plane[at..at + take], |x| x * x);
            }
            at += take;
            self.filled += take;
            if self.filled == self.hop {
                self.curve.push(self.sum);
                (self.sum, self.filled) = (0.0, 0);
            }
        }
    }
}

/// Frames of one value of the quiet curve at `rate`.
pub fn quiet_hop(rate: SampleRate) -> usize {
    ((QUIET_HOP * rate.as_f64()) as usize).max(1)
}

/// Listens to a whole song, whose beats come from `source`.
///
/// # Errors
/// `Unusable` where it is too short, silent or without a steady beat; as the decoder otherwise.
pub fn listen(
    context: &Context<'_>,
    name: &str,
    blocks: &mut Blocks<'_>,
    source: &SongSource,
) -> Result<Listened> {
    let rate = blocks.rate();
    let mut ears = Ears::new(rate, blocks, source)?;
    let mut layers = Vec::new();
    let mut frames = 0u64;
    while blocks.next(&mut layers)? == Taken::Block {
        context.cancel.check()?;
        frames += layers[0].frames() as u64;
        ears.push(&layers)?;
        blocks.keep(&mut layers);
        blocks.report(context, name, frames, 0.0, 0.7);
    }
    let seconds = frames as f64 / rate.as_f64();
    if seconds < MIN_SECONDS {
        return Err(Error::new(ErrorKind::Unusable, "too short")
            .because(format!("{seconds:.1} s, at least {MIN_SECONDS} s are needed")));
    }
    if ears.peak < SILENT_PEAK {
        return Err(Error::new(ErrorKind::Unusable, "silent"));
    }
    ears.finish(Frames(frames), blocks, context)
}

/// All streaming analysers of the first pass.
struct Ears<'a> {
    hearing: Hearing<'a>,
    feed: AnalysisFeed,
    onsets: OnsetAnalyzer,
    drums: Option<(AnalysisFeed, OnsetAnalyzer)>,
    tuning: TuningEstimator,
    loudness: LoudnessMeter,
    quiet: QuietCurve,
    mix: AudioBuffer,
    peak: f32,
}

impl<'a> Ears<'a> {
    fn new(rate: SampleRate, blocks: &Blocks<'_>, source: &'a SongSource) -> Result<Self> {
        let has_drums = blocks.layers().contains(&Layer::Drums);
        let feed = || AnalysisFeed::new(rate, SampleRate::ANALYSIS);
        let drums = has_drums.then(|| Ok((feed()?, OnsetAnalyzer::new())));
        let hop = quiet_hop(rate);
        Ok(Ears {
            hearing: Hearing::new(source, rate)?,
            feed: feed()?,
            onsets: OnsetAnalyzer::new(),
            drums: drums.transpose()?,
            tuning: TuningEstimator::new(SampleRate::ANALYSIS.as_f64()),
            loudness: LoudnessMeter::new(rate),
            quiet: QuietCurve { hop, filled: 0, sum: 0.0, curve: Vec::new() },
            mix: AudioBuffer::new(blocks.channels()),
            peak: 0.0,
        })
    }

    fn push(&mut self, layers: &[AudioBuffer]) -> Result<()> {
        let mix = mixed(layers, &mut self.mix);
        self.peak = mix.planes.iter().map(|plane| largest(plane)).fold(self.peak, f32::max);
        self.loudness.push(mix);
        self.quiet.push(layers);
        let mono = self.feed.push(mix)?;
        self.onsets.push(mono);
        self.tuning.push(mono);
        self.hearing.push(mix, mono)?;
        if let Some((feed, onsets)) = &mut self.drums {
            onsets.push(feed.push(&layers[0])?);
        }
        Ok(())
    }

    fn finish(
        mut self,
        frames: Frames,
        blocks: &Blocks<'_>,
        context: &Context<'_>,
    ) -> Result<Listened> {
        let mono = self.feed.finish()?;
        self.onsets.push(mono);
        self.tuning.push(mono);
        let mut curve = self.onsets.finish();
        if let Some((mut feed, mut onsets)) = self.drums {
            onsets.push(feed.finish()?);
            curve = combine(&onsets.finish(), &curve);
        }
        context.cancel.check()?;
        let grid = self.hearing.finish(mono, &curve, frames.seconds(blocks.rate()))?;
        check_beats(grid.beats.len(), context)?;
        Ok(Listened {
            frames: frames.0,
            grid,
            tuning: self.tuning.finish(),
            energies: self.loudness.finish(),
            quiet: self.quiet.curve,
            note: blocks.note(),
        })
    }
}

/// Holds the limit on beats.
///
/// # Errors
/// `Limit` naming the setting.
pub fn check_beats(beats: usize, context: &Context<'_>) -> Result<()> {
    if beats <= context.limits.max_beats {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Limit, "too many beats")
        .because(format!("{beats} beats"))
        .hint("raise max-beats under [limits] in evermix.toml"))
}

/// The sum of all layers: the only one there is, or `mix` after adding up.
pub fn mixed<'b>(layers: &'b [AudioBuffer], mix: &'b mut AudioBuffer) -> &'b AudioBuffer {
    if let [only] = layers {
        return only;
    }
    mix.clear();
    mix.extend(&layers[0]);
    for layer in &layers[1..] {
        for (plane, more) in mix.planes.iter_mut().zip(&layer.planes) {
            plane.iter_mut().zip(more).for_each(|(x, y)| *x += y);
        }
    }
    mix
}

/// Mean K-weighted energy between two times, from energies of 100 ms.
pub fn mean_energy(energies: &[f32], from: Seconds, to: Seconds) -> f64 {
    let first = ((from.0 * 10.0) as usize).min(energies.len().saturating_sub(1));
    let last = ((to.0 * 10.0).ceil() as usize).clamp(first, energies.len());
    let part = &energies[first..last.max(first + 1).min(energies.len())];
    part.iter().map(|&e| f64::from(e)).sum::<f64>() / part.len().max(1) as f64
}
