//! From actions to voices: one voice for every stretch of a track that is heard without a break.
//!
//! Actions that follow each other in one track become one voice, so that a single stretcher runs
//! from before a transition to after it.

use std::ops::Range;

use super::action::{Action, Beat, BeatPair, Curve, Lane, Part, Side, Span};
use super::plan::MixPlan;
use super::shape::{Shape, Shaped};
use crate::base::{SampleRate, Seconds};

/// Places of a track that lie this close together are one place, in seconds.
const SAME_PLACE: f64 = 0.002;

/// A moment of the mix and the frame of the track heard there, both at the rate of the mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knot {
    /// Frame of the mix.
    pub at: i64,
    /// Frame of the track.
    pub source: i64,
}

/// A stretch of a track that is heard without a break.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceSpec {
    /// Which of the plan's tracks.
    pub track: usize,
    /// From its first frame to its last, attacks in between where the tempo changes.
    pub knots: Vec<Knot>,
    /// Gains over time, without gaps.
    pub shapes: Vec<Shaped>,
}

impl VoiceSpec {
    /// First frame of the mix it sounds in.
    pub fn start(&self) -> i64 {
        self.knots.first().map_or(0, |k| k.at)
    }

    /// One past the last.
    pub fn end(&self) -> i64 {
        self.knots.last().map_or(0, |k| k.at)
    }

    /// The gain of a part at a frame of the mix; before it sounds that of its first frame, after
    /// it that of its last.
    pub fn gain(&self, part: Part, frame: i64) -> f32 {
        let frame = frame.clamp(self.start(), (self.end() - 1).max(self.start()));
        let at = self.shapes.partition_point(|s| s.range.end <= frame);
        let shape = self.shapes.get(at).or(self.shapes.last());
        shape.map_or(1.0, |s| s.gain(part, frame))
    }

    /// The parts that have gains of their own somewhere in a range of frames of the mix.
    pub fn parts(&self, range: &Range<i64>) -> Vec<Part> {
        let near = |s: &&Shaped| s.range.start < range.end && range.start < s.range.end;
        let mut parts: Vec<Part> =
            self.shapes.iter().filter(near).flat_map(|s| s.shape.parts()).collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    }

    /// Whether its stems are needed.
    pub fn wants_stems(&self) -> bool {
        self.shapes.iter().any(|shaped| shaped.shape.wants_stems())
    }
}

/// The voices of a plan in the order they begin, and the length of the mix in frames.
pub fn voices(plan: &MixPlan) -> (Vec<VoiceSpec>, i64) {
    let mut line = Line::at(plan.rate, 0.0);
    for planned in &plan.actions {
        line.add(&planned.action);
    }
    let end = line.end();
    let mut voices = line.take_ended();
    voices.extend(line.open());
    voices.retain(|v| v.end() > v.start());
    voices.sort_by_key(VoiceSpec::start);
    (voices, end)
}

struct Open {
    spec: VoiceSpec,
    /// Where its track is, in seconds.
    place: f64,
}

/// Actions laid end to end.
pub(super) struct Line {
    rate: SampleRate,
    /// Length so far in seconds.
    now: f64,
    open: Vec<Open>,
    ended: Vec<VoiceSpec>,
}

/// What one action lets a track play: source and mix durations beat by beat, and its gain.
struct Stretch<'a> {
    track: usize,
    start: Seconds,
    /// Length in the track and in the mix.
    beats: Vec<(f64, f64)>,
    shape: ShapeOf<'a>,
}

/// The gain over a stretch whose beats lie at these frames of the mix.
type ShapeOf<'a> = Box<dyn Fn(&[i64]) -> Shape + 'a>;

impl Line {
    /// A line whose first action begins at `now` seconds of the mix.
    pub fn at(rate: SampleRate, now: f64) -> Line {
        Line { rate, now, open: Vec::new(), ended: Vec::new() }
    }

    /// Where its last action ends, in seconds.
    pub fn now(&self) -> f64 {
        self.now
    }

    /// The frame its last action ends at.
    pub fn end(&self) -> i64 {
        self.frame(self.now)
    }

    /// Voices that the next action may let play on.
    pub fn open(&self) -> impl Iterator<Item = VoiceSpec> {
        self.open.iter().map(|open| open.spec.clone())
    }

    /// Voices that are known to their end, each once.
    pub fn take_ended(&mut self) -> Vec<VoiceSpec> {
        std::mem::take(&mut self.ended)
    }

    fn frame(&self, seconds: f64) -> i64 {
        (seconds * self.rate.as_f64()).round() as i64
    }

    /// Lets an action follow.
    pub fn add(&mut self, action: &Action) {
        let stretches = stretches(action);
        let playing: Vec<usize> = stretches.iter().map(|s| s.track).collect();
        // What no longer plays is over.
        let (open, over): (Vec<Open>, Vec<Open>) =
            self.open.drain(..).partition(|o| playing.contains(&o.spec.track));
        self.open = open;
        self.ended.extend(over.into_iter().map(|o| o.spec));
        for stretch in stretches {
            self.extend(stretch);
        }
        self.now += action.duration().0;
    }

    fn extend(&mut self, stretch: Stretch<'_>) {
        let Stretch { track, start, beats, shape } = stretch;
        let follows = self.open.iter().position(|o| {
            o.spec.track == track
                && (o.place - start.0).abs() < SAME_PLACE
                && o.spec.end() == self.frame(self.now)
        });
        let mut open = match follows {
            Some(i) => self.open.swap_remove(i),
            None => {
                if let Some(i) = self.open.iter().position(|o| o.spec.track == track) {
                    let over = self.open.swap_remove(i);
                    self.ended.push(over.spec);
                }
                let knot = Knot { at: self.frame(self.now), source: self.frame(start.0) };
                let spec = VoiceSpec { track, knots: vec![knot], shapes: Vec::new() };
                Open { spec, place: start.0 }
            }
        };
        let (mut at, first) = (self.now, open.spec.end());
        let mut marks = vec![first];
        for (source, length) in beats {
            at += length;
            open.place += source;
            let knot = Knot { at: self.frame(at), source: self.frame(open.place) };
            marks.push(knot.at);
            open.spec.knots.push(knot);
        }
        let end = open.spec.end();
        if end > first {
            open.spec.shapes.push(Shaped { range: first..end, shape: shape(&marks) });
        }
        self.open.push(open);
    }
}

fn plain<'a>(track: usize, span: Span, shape: impl Fn(&[i64]) -> Shape + 'a) -> Stretch<'a> {
    let seconds = span.duration.0;
    Stretch { track, start: span.start, beats: vec![(seconds, seconds)], shape: Box::new(shape) }
}

/// What an action lets its tracks play.
fn stretches(action: &Action) -> Vec<Stretch<'_>> {
    match action {
        Action::FadeIn { track, span } => vec![plain(*track, *span, |_| Shape::FadeIn)],
        Action::FadeOut { track, span } => vec![plain(*track, *span, |_| Shape::FadeOut)],
        Action::Playback { track, span, beats } => vec![playback(*track, *span, beats)],
        Action::Crossfade { from, to, from_start, to_start, duration, curve } => {
            let span = |start| Span { start, duration: *duration };
            let (curve, out, into) = (*curve, Side::From, Side::To);
            vec![
                plain(*from, span(*from_start), move |_| Shape::Cross { curve, side: out }),
                plain(*to, span(*to_start), move |_| Shape::Cross { curve, side: into }),
            ]
        }
        Action::Crossmatch { from, to, beats, curve, lanes } => vec![
            matched(*from, beats, Side::From, *curve, lanes),
            matched(*to, beats, Side::To, *curve, lanes),
        ],
        Action::Blend { from, to, beats } => {
            let flat = |track, side| Stretch {
                shape: Box::new(|_: &[i64]| Shape::Flat),
                ..matched(track, beats, side, Curve::EqualPower, &[])
            };
            vec![flat(*from, Side::From), flat(*to, Side::To)]
        }
        Action::Jump { track, source, target, duration } => {
            let curve = Curve::Power06;
            let cross = move |side| move |_: &[i64]| Shape::Cross { curve, side };
            let before = Seconds(target.0 - duration.0);
            vec![
                plain(*track, Span { start: *source, duration: *duration }, cross(Side::From)),
                plain(*track, Span { start: before, duration: *duration }, cross(Side::To)),
            ]
        }
    }
}

fn playback<'a>(track: usize, span: Span, beats: &'a [Beat]) -> Stretch<'a> {
    let mut parts = sources(beats.iter().map(|b| (b.span, b.length)));
    let rest = span.duration.0 - beats.iter().map(|b| b.span.duration.0).sum::<f64>();
    if rest > 0.0 {
        parts.push((rest, rest));
    }
    Stretch { track, start: span.start, beats: parts, shape: Box::new(|_| Shape::Flat) }
}

/// Lengths of beats in the track and in the mix. A beat lasts until the next one begins: the small
/// gaps that rounded times leave between beats must not add up.
fn sources(beats: impl Iterator<Item = (Span, Seconds)>) -> Vec<(f64, f64)> {
    let beats: Vec<(Span, Seconds)> = beats.collect();
    let next = |i: usize| beats.get(i + 1).map(|(span, _)| span.start.0);
    let source = |(i, (span, _)): (usize, &(Span, Seconds))| {
        next(i).map_or(span.duration.0, |next| next - span.start.0)
    };
    let lengths = beats.iter().map(|(_, length)| length.0);
    beats.iter().enumerate().map(source).zip(lengths).collect()
}

fn matched<'a>(
    track: usize,
    beats: &'a [BeatPair],
    side: Side,
    curve: Curve,
    lanes: &'a [Lane],
) -> Stretch<'a> {
    let span = move |pair: &BeatPair| if side == Side::From { pair.from } else { pair.to };
    let start = beats.first().map_or(Seconds(0.0), |pair| span(pair).start);
    let parts = sources(beats.iter().map(|pair| (span(pair), pair.length)));
    let shape = move |marks: &[i64]| {
        let own: Vec<&Lane> = lanes.iter().filter(|lane| lane.side == side).collect();
        if own.is_empty() { Shape::Cross { curve, side } } else { Shape::lanes(&own, marks) }
    };
    Stretch { track, start, beats: parts, shape: Box::new(shape) }
}
