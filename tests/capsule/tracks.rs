//! Tracks nobody recorded.

use evermix::base::{Bpm, Decibels, Seconds};
use evermix::mix::Span;
use evermix::mix::capsule::{Policy, Segment, Track};
use proptest::prelude::*;

/// A track whose beats and segments follow one another without gaps.
pub fn tied(bpm: f64, seconds: f64) -> Track {
    uneven(bpm, seconds, (0.0, seconds), 0.0, 7)
}

fn uneven(bpm: f64, seconds: f64, fades: (f64, f64), swing: f64, seed: u32) -> Track {
    let mut state = seed;
    let mut chance = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    let mut spans = |mean: f64| {
        let (mut spans, mut start) = (Vec::new(), swing * chance());
        loop {
            let duration = mean * (1.0 + swing * (chance() - 0.5));
            if start + duration > seconds {
                return spans;
            }
            spans.push(Span { start: Seconds(start), duration: Seconds(duration) });
            start += duration;
        }
    };
    let (beats, segments) = (spans(60.0 / bpm), spans(37.0 / bpm));
    let mut hash = seed;
    let mut timbre = || {
        hash = hash.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (hash >> 8) as f32 / (1 << 17) as f32 - 64.0
    };
    let sound = |span| Segment { span, timbre: std::array::from_fn(|_| timbre()) };
    Track {
        duration: Seconds(seconds),
        loudness: Decibels(-8.0),
        tempo: Bpm(bpm),
        end_of_fade_in: Seconds(fades.0),
        start_of_fade_out: Seconds(fades.1),
        beats,
        segments: segments.into_iter().map(sound).collect(),
    }
}

prop_compose! {
    fn any_track()(
        bpm in 30.0f64..260.0, seconds in prop_oneof![1 => 0.5f64..40.0, 4 => 60.0..200.0],
        fade in 0.0f64..0.3, out in 0.6f64..1.01,
        swing in 0.0f64..0.5, seed: u32, beats in prop_oneof![9 => Just(usize::MAX), 1 => 0usize..6],
        segments in prop_oneof![9 => Just(usize::MAX), 1 => 0usize..4],
    ) -> Track {
        let mut track = uneven(bpm, seconds, (fade * seconds, out * seconds), swing, seed);
        track.beats.truncate(beats);
        track.segments.truncate(segments);
        track
    }
}

prop_compose! {
    /// A track whose beats and segments are any numbers at all.
    fn senseless_track()(
        track in any_track(),
        times in prop::collection::vec((prop::num::f64::ANY, prop::num::f64::ANY), 1..40),
        fades in (prop::num::f64::ANY, prop::num::f64::ANY), cut: bool,
    ) -> Track {
        let mut track = track;
        for (i, &(start, duration)) in times.iter().enumerate() {
            let span = Span { start: Seconds(start), duration: Seconds(duration) };
            if let Some(beat) = track.beats.get_mut(5 * i) {
                *beat = span;
            }
            if let Some(segment) = track.segments.get_mut(7 * i) {
                *segment = Segment { span, timbre: [duration as f32; 12] };
            }
        }
        if cut {
            (track.end_of_fade_in, track.start_of_fade_out) = (Seconds(fades.0), Seconds(fades.1));
        }
        track
    }
}

pub fn senseless_tracks() -> impl Strategy<Value = Vec<Track>> {
    prop::collection::vec(senseless_track(), 0..4)
}

pub fn any_tracks() -> impl Strategy<Value = Vec<Track>> {
    prop::collection::vec(any_track(), 0..5)
}

pub fn any_policy() -> impl Strategy<Value = Policy> {
    let transition = prop_oneof![3 => 0.0f64..12.0, 1 => 12.0..30.0];
    prop_oneof![
        (0.0f64..30.0, transition.clone()).prop_map(|(stay, transition)| Policy::Capsule {
            stay: Seconds(stay),
            transition: Seconds(transition)
        }),
        transition.prop_map(|transition| Policy::Forever { transition: Seconds(transition) }),
    ]
}
