//! First pass over a song: everything segmentation must know before it can cut.

use super::blocks::{Blocks, Taken};
use super::ears::Ears;
use super::hearing::no_beat;
use crate::analysis::{BeatGrid, Rhythm, TrackAnalysis, honest};
use crate::audio::AudioBuffer;
use crate::audio::loudness::LoudnessMeter;
use crate::base::{Error, ErrorKind, Frames, Result, SampleRate, Seconds, largest, sum_of};
use crate::pipeline::analyses::{Analyses, analysis_key};
use crate::pipeline::analyze::SongAnalysis;
use crate::pipeline::beat_source::SongSource;
use crate::pipeline::context::Context;
use crate::pipeline::songs::SongInput;

/// Songs shorter than this have no beats worth cutting.
const MIN_SECONDS: f64 = 3.0;
/// Peaks below this (-60 dB) are silence.
const SILENT_PEAK: f32 = 1e-3;
/// Most samples kept as mono at the analysis rate, per song in work: about three minutes.
const MOST_MONO: usize = 1 << 22;
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
    /// The song as mono at the analysis rate, where that was heard and is short enough.
    pub mono: Option<Vec<f32>>,
    /// Anything worth knowing about the input.
    pub note: String,
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

/// Listens to a whole song, whose beats come from `source`, or to as much of it as is not known
/// from before.
///
/// # Errors
/// `Unusable` where it is too short, silent or without a steady beat; as the decoder otherwise.
pub fn listen(
    context: &Context<'_>,
    song: &SongInput,
    blocks: &mut Blocks<'_>,
    source: &SongSource,
    analyses: &Analyses<'_>,
) -> Result<Listened> {
    let rate = blocks.rate();
    let key = analysis_key(song.hash, source);
    let known = analyses.find(song, &key).map(|known| known.track);
    let mut part = match known {
        Some(track) => Part::Rest(Box::new(track), Box::new(Rest::of(blocks))),
        None => Part::All(Box::new(Ears::new(blocks, source)?), Mono::of(blocks)),
    };
    let (mut levels, mut layers) = (Levels::new(rate), Vec::new());
    loop {
        context.cancel.check()?;
        let taken = blocks.next(&mut layers)?;
        part.push(blocks.unconverted(&layers))?;
        if taken == Taken::End {
            break;
        }
        levels.push(&layers);
        blocks.keep(&mut layers);
        blocks.report(context, &song.name, levels.frames, 0.0, 0.7);
    }
    levels.check(rate)?;
    let (track, energies, mono) = match part {
        Part::Rest(track, rest) => (*track, rest.meter.finish(), None),
        Part::All(ears, mut mono) => {
            let (track, energies, tail) = ears.finish(context)?;
            mono.push(&tail);
            let found = SongAnalysis::new(song, blocks, source, track);
            analyses.keep(&key, &found);
            (found.track, energies, mono.0)
        }
    };
    check_beats(track.rhythm.as_ref().map_or(0, |rhythm| rhythm.beats.len()), context)?;
    let tuning = track.tuning;
    let grid = track.rhythm.map(Rhythm::into_grid).ok_or_else(|| no_beat(source))?;
    let (frames, quiet) = (levels.frames, levels.quiet.curve);
    Ok(Listened { frames, grid, tuning, energies, quiet, mono, note: blocks.note() })
}

/// As much of a song as must be listened to.
enum Part<'a> {
    /// What is known already, and what is not kept.
    Rest(Box<TrackAnalysis>, Box<Rest>),
    /// Everything.
    All(Box<Ears<'a>>, Mono),
}

impl Part<'_> {
    fn push(&mut self, layers: &[AudioBuffer]) -> Result<()> {
        match self {
            Part::Rest(_, rest) => rest.meter.push(&honest(mixed(layers, &mut rest.mix))),
            Part::All(ears, mono) => mono.push(ears.push(layers)?),
        }
        Ok(())
    }
}

/// A song as mono at the analysis rate, where it is short enough and what is heard is what is cut.
struct Mono(Option<Vec<f32>>);

impl Mono {
    fn of(blocks: &Blocks<'_>) -> Mono {
        // All at once: room that is never written to takes no memory, and growing would take twice.
        Mono(blocks.is_plain().then(|| Vec::with_capacity(MOST_MONO)))
    }

    fn push(&mut self, samples: &[f32]) {
        self.0.take_if(|kept| kept.len() + samples.len() > MOST_MONO);
        if let Some(kept) = &mut self.0 {
            kept.extend_from_slice(samples);
        }
    }
}

/// What is not kept of a song: its loudness in fine steps.
struct Rest {
    meter: LoudnessMeter,
    mix: AudioBuffer,
}

impl Rest {
    fn of(blocks: &Blocks<'_>) -> Self {
        let meter = LoudnessMeter::new(blocks.own_rate());
        Rest { meter, mix: AudioBuffer::new(blocks.channels()) }
    }
}

/// Levels of the layers that will be cut.
struct Levels {
    frames: u64,
    quiet: QuietCurve,
    mix: AudioBuffer,
    peak: f32,
}

impl Levels {
    fn new(rate: SampleRate) -> Self {
        let quiet = QuietCurve { hop: quiet_hop(rate), filled: 0, sum: 0.0, curve: Vec::new() };
        Levels { frames: 0, quiet, mix: AudioBuffer::default(), peak: 0.0 }
    }

    fn push(&mut self, layers: &[AudioBuffer]) {
        self.frames += layers[0].frames() as u64;
        self.quiet.push(layers);
        self.mix.planes.resize(layers[0].channels(), Vec::new());
        let mix = mixed(layers, &mut self.mix);
        self.peak = mix.planes.iter().map(|plane| largest(plane)).fold(self.peak, f32::max);
    }

    fn check(&self, rate: SampleRate) -> Result<()> {
        let seconds = Frames(self.frames).seconds(rate).0;
        if seconds < MIN_SECONDS {
            return Err(Error::new(ErrorKind::Unusable, "too short")
                .because(format!("{seconds:.1} s, at least {MIN_SECONDS} s are needed")));
        }
        match self.peak < SILENT_PEAK {
            true => Err(Error::new(ErrorKind::Unusable, "silent")),
            false => Ok(()),
        }
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
    layers[1..].iter().for_each(|layer| mix.add(layer));
    mix
}

/// Mean K-weighted energy between two times, from energies of 100 ms.
pub fn mean_energy(energies: &[f32], from: Seconds, to: Seconds) -> f64 {
    let first = ((from.0 * 10.0) as usize).min(energies.len().saturating_sub(1));
    let last = ((to.0 * 10.0).ceil() as usize).clamp(first, energies.len());
    let part = &energies[first..last.max(first + 1).min(energies.len())];
    part.iter().map(|&e| f64::from(e)).sum::<f64>() / part.len().max(1) as f64
}
