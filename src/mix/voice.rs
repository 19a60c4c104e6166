//! One voice becomes sound: its track read, stretched, shaped.

use std::collections::VecDeque;
use std::ops::Range;

use super::action::Part;
use super::bands::Bands;
use super::shape::Shaped;
use super::timeline::VoiceSpec;
use crate::audio::AudioBuffer;
use crate::audio::join::gains;
use crate::audio::splice::{Splice, Splicer, Wave};
use crate::base::{Result, SampleRate};

/// Gains are worked out at every so many frames of the mix and drawn straight in between.
const STEP: i64 = 32;
/// A voice that begins or ends in the middle of sound is faded over this long, so that no edit
/// makes a click.
const EDGE: f64 = 0.003;

/// The sound of a track, or of its stems, which add up to it.
pub struct TrackSound {
    /// `All` alone, or `Drums` and `Other`. All are stereo at the rate of the mix.
    pub parts: Vec<(Part, Box<dyn Wave + Send>)>,
}

impl Wave for TrackSound {
    fn read(&mut self, range: Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        let mut more = AudioBuffer::default();
        for (i, (_, part)) in self.parts.iter_mut().enumerate() {
            if i == 0 {
                part.read(range.clone(), out)?;
                continue;
            }
            part.read(range.clone(), &mut more)?;
            for (sum, plane) in out.planes.iter_mut().zip(&more.planes) {
                sum.iter_mut().zip(plane).for_each(|(s, x)| *s += x);
            }
        }
        Ok(())
    }
}

/// Plays one voice, block after block.
pub struct Voice {
    spec: VoiceSpec,
    sound: TrackSound,
    gain: f32,
    rate: SampleRate,
    /// Splices not over yet; the first may have begun long ago.
    splices: VecDeque<Splice>,
    /// Knots up to which splices are known.
    known: usize,
    bands: Option<Bands>,
    block: usize,
}

impl Voice {
    /// A voice at its beginning, for blocks of at most `block` frames. `gain` is its amplitude
    /// throughout.
    pub fn new(
        spec: VoiceSpec,
        sound: TrackSound,
        gain: f32,
        rate: SampleRate,
        block: usize,
    ) -> Self {
        let first = spec.knots.first().map_or(0, |k| k.source - k.at);
        let start = Splice { start: spec.start(), fade: 0, correlation: 0.0, offset: first };
        let splices = VecDeque::from([start]);
        Voice { spec, sound, gain, rate, splices, known: 1, bands: None, block }
    }

    /// What it plays.
    pub fn spec(&self) -> &VoiceSpec {
        &self.spec
    }

    /// Takes the same stretch of the track again, now that more of it is known: what was played of
    /// it is as it was.
    pub fn revise(&mut self, spec: VoiceSpec) {
        self.spec = spec;
    }

    /// Finds the splices that begin before `frame`.
    fn prepare(&mut self, frame: i64) -> Result<()> {
        let splicer = Splicer::new(self.rate);
        while let Some(&knot) = self.spec.knots.get(self.known) {
            let before = self.spec.knots[self.known - 1];
            if before.at >= frame {
                break;
            }
            // A splice always exists: the voice's own beginning.
            let offset = self.splices.back().map_or(0, |s| s.offset);
            let due = knot.source - knot.at;
            let found = splicer.between(&mut self.sound, before.at..knot.at, offset, due)?;
            self.splices.extend(found);
            self.known += 1;
        }
        Ok(())
    }

    /// Adds the frames `range` of the mix to `out`, which is as long.
    ///
    /// # Errors
    /// Where the track cannot be read.
    pub fn add(&mut self, range: Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        let own = range.start.max(self.spec.start())..range.end.min(self.spec.end());
        if own.is_empty() {
            return Ok(());
        }
        let bands = self.bands_moved(&own);
        let half = if bands.is_empty() { 0 } else { self.bands().half() as i64 };
        self.prepare(own.end + half)?;
        let skip = (own.start - range.start) as usize;
        for part in 0..self.sound.parts.len() {
            let sound = self.stretched(part, own.start - half..own.end + half)?;
            let name = self.sound.parts[part].0;
            let whole = self.curve(name, &own);
            // Drums have no bass line and no voice to be kept apart.
            let bands = if name == Part::Drums { &[][..] } else { &bands };
            let curves: Vec<Vec<f32>> = bands.iter().map(|b| self.curve(*b, &own)).collect();
            for (plane, out) in sound.planes.iter().zip(&mut out.planes) {
                let out = &mut out[skip..skip + whole.len()];
                let middle = &plane[half as usize..];
                for ((out, x), gain) in out.iter_mut().zip(middle).zip(&whole) {
                    *out += gain * x;
                }
                let Some(split) = self.bands.as_mut().filter(|_| !bands.is_empty()) else {
                    continue;
                };
                split.load(plane);
                for (band, curve) in bands.iter().zip(&curves) {
                    let sound = split.band(usize::from(*band == Part::Middle), whole.len());
                    let gains = curve.iter().zip(&whole);
                    for ((out, x), (gain, whole)) in out.iter_mut().zip(sound).zip(gains) {
                        *out += (gain - whole) * x;
                    }
                }
            }
        }
        let passed = own.start - self.rate.hz() as i64 / 4;
        while self.splices.get(1).is_some_and(|next| next.start + (next.fade as i64) < passed) {
            self.splices.pop_front();
        }
        Ok(())
    }

    /// The bands with gains of their own somewhere in a range.
    fn bands_moved(&self, range: &Range<i64>) -> Vec<Part> {
        let near = |s: &&Shaped| s.range.start < range.end && range.start < s.range.end;
        let shapes: Vec<&Shaped> = self.spec.shapes.iter().filter(near).collect();
        let moved = |part: &Part| shapes.iter().any(|s| s.shape.moves(*part));
        [Part::Bass, Part::Middle].into_iter().filter(moved).collect()
    }

    fn bands(&mut self) -> &Bands {
        let (rate, block) = (self.rate, self.block);
        self.bands.get_or_insert_with(|| Bands::new(rate, block))
    }

    /// Frames `range` of the mix of one part, stretched and not shaped.
    fn stretched(&mut self, part: usize, range: Range<i64>) -> Result<AudioBuffer> {
        let mut out = AudioBuffer::silence(2, (range.end - range.start) as usize);
        let mut sound = AudioBuffer::default();
        for i in 0..self.splices.len() {
            let splice = self.splices[i];
            let next = self.splices.get(i + 1).copied();
            let end = next.map_or(i64::MAX, |n| n.start + n.fade as i64).min(range.end);
            let begin = if i == 0 { range.start } else { splice.start.max(range.start) };
            if begin >= end {
                continue;
            }
            let source = begin + splice.offset..end + splice.offset;
            self.sound.parts[part].1.read(source, &mut sound)?;
            for (plane, from) in out.planes.iter_mut().zip(&sound.planes) {
                let target = &mut plane[(begin - range.start) as usize..];
                overlap(&splice, next.as_ref(), begin, from, target);
            }
        }
        Ok(out)
    }

    /// The gain of a part over a range of frames, the voice's own gain included.
    fn curve(&self, part: Part, range: &Range<i64>) -> Vec<f32> {
        let mut curve = Vec::with_capacity((range.end - range.start) as usize);
        let mut from = range.start.div_euclid(STEP) * STEP;
        let mut left = self.gain_at(part, from);
        while from < range.end {
            let right = self.gain_at(part, from + STEP);
            for frame in from.max(range.start)..(from + STEP).min(range.end) {
                curve.push(left + (right - left) * (frame - from) as f32 / STEP as f32);
            }
            (from, left) = (from + STEP, right);
        }
        curve
    }

    fn gain_at(&self, part: Part, frame: i64) -> f32 {
        let frame = frame.clamp(self.spec.start(), self.spec.end() - 1);
        self.gain * self.edge(frame) * self.spec.gain(part, frame)
    }

    fn edge(&self, frame: i64) -> f32 {
        let length = (EDGE * self.rate.as_f64()) as f32;
        let from_file_start = self.spec.knots.first().is_some_and(|k| k.source <= 0);
        let since = if from_file_start { length } else { (frame - self.spec.start()) as f32 };
        let left = (self.spec.end() - 1 - frame) as f32;
        let share = (since.min(left) / length).clamp(0.0, 1.0);
        0.5 - 0.5 * (std::f32::consts::PI * share).cos()
    }
}

/// Adds a splice's sound, faded in from the one before and out to the one after.
fn overlap(splice: &Splice, next: Option<&Splice>, begin: i64, sound: &[f32], out: &mut [f32]) {
    let share = |at: i64, fade: usize| (at as f32 + 0.5) / fade.max(1) as f32;
    for (i, (out, x)) in out.iter_mut().zip(sound).enumerate() {
        let t = begin + i as i64;
        let mut gain = 1.0;
        if t - splice.start < splice.fade as i64 {
            gain = gains(share(t - splice.start, splice.fade).max(0.0), splice.correlation).1;
        }
        if let Some(next) = next.filter(|next| t >= next.start) {
            gain *= gains(share(t - next.start, next.fade).min(1.0), next.correlation).0;
        }
        *out += gain * x;
    }
}
