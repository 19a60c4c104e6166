//! Sounds in memory and random plans of them.

use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;

use crate::audio::AudioBuffer;
use crate::audio::splice::Wave;
use crate::base::{Lufs, Result, SampleRate, Seconds, Seed};
use crate::mix::{
    Action, Beat, BeatPair, Curve, Lane, MIX_SCHEMA, MixPlan, Part, PlanTrack, Planned, Renderer,
    Side, Span, Style, TrackSound,
};

/// Length of the tracks of random plans, in seconds.
pub const LONG: f64 = 12.0;

/// A sound that lies in memory.
pub struct Sound(pub Arc<AudioBuffer>);

impl Wave for Sound {
    fn read(&mut self, range: Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        let frame = |plane: &[f32], t: i64| {
            usize::try_from(t).ok().and_then(|t| plane.get(t).copied()).unwrap_or(0.0)
        };
        let plane = |plane: &Vec<f32>| range.clone().map(|t| frame(plane, t)).collect();
        out.planes = self.0.planes.iter().map(plane).collect();
        Ok(())
    }
}

/// Two channels of noise that nothing else is like.
pub fn noise(seed: u32, frames: usize) -> AudioBuffer {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0.3 * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
    };
    AudioBuffer { planes: (0..2).map(|_| (0..frames).map(|_| next()).collect()).collect() }
}

/// Renders a plan whose tracks sound so: one sound each, or drums and the rest.
pub fn render(plan: &MixPlan, tracks: &[Vec<AudioBuffer>]) -> AudioBuffer {
    part_of(plan, tracks, 0..i64::MAX).1
}

/// What opens these tracks: one sound each, or drums and the rest.
pub fn sounds(tracks: &[Vec<AudioBuffer>]) -> impl Fn(usize) -> TrackSound + use<> {
    let tracks: Vec<Vec<Arc<AudioBuffer>>> =
        tracks.iter().map(|t| t.iter().cloned().map(Arc::new).collect()).collect();
    move |track: usize| {
        let names: &[Part] =
            if tracks[track].len() == 1 { &[Part::All] } else { &[Part::Drums, Part::Other] };
        let boxed = |(name, sound): (&Part, &Arc<AudioBuffer>)| {
            (*name, Box::new(Sound(sound.clone())) as Box<dyn Wave + Send>)
        };
        TrackSound { parts: names.iter().zip(&tracks[track]).map(boxed).collect() }
    }
}

/// The same for some frames of the mix; gives the first frame as well.
pub fn part_of(
    plan: &MixPlan,
    tracks: &[Vec<AudioBuffer>],
    frames: Range<i64>,
) -> (i64, AudioBuffer) {
    let sound = sounds(tracks);
    let open = move |track: usize, _: bool| Ok(sound(track));
    let mut renderer = Renderer::part(plan, &open, frames, |_| true);
    let first = renderer.position();
    let (mut whole, mut block) = (AudioBuffer::new(2), AudioBuffer::default());
    loop {
        renderer.next_block(&mut block).unwrap();
        if block.is_empty() {
            return (first, whole);
        }
        whole.extend(&block);
    }
}

pub fn span(start: f64, duration: f64) -> Span {
    Span { start: Seconds(start), duration: Seconds(duration) }
}

pub fn playback(track: usize, start: f64, duration: f64) -> Action {
    Action::Playback { track, span: span(start, duration), beats: Vec::new() }
}

pub fn track(name: &str, seconds: f64) -> PlanTrack {
    PlanTrack { path: name.into(), duration: Seconds(seconds), ..PlanTrack::default() }
}

/// A plan of tracks of `seconds`.
pub fn plan(rate: u32, tracks: usize, seconds: f64, actions: Vec<Action>) -> MixPlan {
    MixPlan {
        schema: MIX_SCHEMA,
        version: "test".into(),
        style: Style::Dj,
        seed: Seed(5),
        rate: SampleRate::new(rate).unwrap(),
        loudness: Lufs(-14.0),
        energy: String::new(),
        overrides: Vec::new(),
        tracks: (0..tracks).map(|i| track(&format!("{i}.wav"), seconds)).collect(),
        actions: actions.into_iter().map(Planned::from).collect(),
    }
}

/// Beats of `from` and `to` seconds that last `length` seconds, from `starts` on.
pub fn pairs(count: usize, starts: (f64, f64), from: f64, to: f64, length: f64) -> Vec<BeatPair> {
    let pair = |k: usize| BeatPair {
        from: span(starts.0 + k as f64 * from, from),
        to: span(starts.1 + k as f64 * to, to),
        length: Seconds(length),
    };
    (0..count).map(pair).collect()
}

/// What random plans are made of: a kind of action and three shares between 0 and 1.
pub type Step = (u8, f64, f64, f64);

/// Plans of three tracks of [`LONG`] seconds, each action beginning where the one before left off
/// or somewhere else.
pub fn any_plan() -> impl Strategy<Value = MixPlan> {
    let step = (0u8..9, 0.0..1.0f64, 0.0..1.0f64, 0.0..1.0f64);
    let style = prop_oneof![Just(Style::Dj), Just(Style::Capsule), Just(Style::Crossfade)];
    (proptest::collection::vec(step, 1..9), style).prop_map(|(steps, style)| {
        let (mut track, mut place) = (0, 0.0);
        let actions = steps.iter().map(|step| action(step, &mut track, &mut place)).collect();
        MixPlan { style, ..plan(8_000, 3, LONG, actions) }
    })
}

fn action(step: &Step, track: &mut usize, place: &mut f64) -> Action {
    let &(kind, x, y, z) = step;
    let (seconds, count, beat) = (0.02 + 2.5 * x, 1 + (6.0 * x) as usize, 0.25 + 0.2 * y);
    let most = seconds.max(count as f64 * 0.5);
    if kind == 8 || *place + most > LONG {
        *place = y * (LONG - most);
    }
    let (from, start, other) = (*track, *place, (*track + 1 + (2.0 * z) as usize % 2) % 3);
    let entry = z * (LONG - most);
    // Two tracks at once go over into the second.
    let mut over = |length: f64| (*track, *place) = (other, entry + length);
    let theirs = beat * (0.9 + 0.2 * z);
    let beats = || pairs(count, (start, entry), beat, theirs, 0.5 * (beat + theirs));
    match kind {
        2 | 3 => {
            over(seconds);
            let curves = [Curve::Linear, Curve::Power06, Curve::EqualPower];
            Action::Crossfade {
                from,
                to: other,
                from_start: Seconds(start),
                to_start: Seconds(entry),
                duration: Seconds(seconds),
                curve: curves[(3.0 * y) as usize % 3],
            }
        }
        4 => {
            over(count as f64 * theirs);
            let curve = Curve::EqualPower;
            Action::Crossmatch { from, to: other, beats: beats(), curve, lanes: lanes(count, x, z) }
        }
        5 => {
            over(count as f64 * theirs);
            Action::Blend { from, to: other, beats: beats() }
        }
        6 => {
            let target = Seconds(seconds + y * (LONG - seconds));
            *place = target.0;
            let (source, duration) = (Seconds(start), Seconds(seconds));
            Action::Jump { track: from, source, target, duration }
        }
        7 => {
            *place += seconds;
            let (track, span) = (from, span(start, seconds));
            if z < 0.5 { Action::FadeIn { track, span } } else { Action::FadeOut { track, span } }
        }
        1 => {
            *place += count as f64 * beat;
            let own = |p: BeatPair| Beat { span: p.from, length: p.length };
            let beats: Vec<Beat> = beats().into_iter().map(own).collect();
            Action::Playback { track: from, span: span(start, count as f64 * beat), beats }
        }
        _ => {
            *place += seconds;
            playback(from, start, seconds)
        }
    }
}

fn lanes(count: usize, x: f64, z: f64) -> Vec<Lane> {
    let points = |a: f64, b: f64| vec![(x * count as f64, a as f32), (count as f64, b as f32)];
    let lane = |side, part, points| Lane { side, part, points };
    vec![
        lane(Side::From, Part::All, points(1.0, 0.0)),
        lane(Side::To, Part::Bass, points(0.0, 1.3 * z)),
        lane(Side::From, Part::Middle, points(0.3, z)),
        lane(Side::To, Part::All, points(z, 1.0)),
    ][..(5.0 * z) as usize % 5]
        .to_vec()
}
