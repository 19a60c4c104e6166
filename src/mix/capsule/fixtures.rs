//! Tracks for tests.

use super::{Deck, Segment, TIMBRE, Track};
use crate::base::{Bpm, Decibels, Seconds};
use crate::mix::Span;

/// A track with steady beats from the start on, fades of a second, and two segments a beat that
/// all sound different.
pub fn song(bpm: f64, seconds: f64) -> Track {
    let period = 60.0 / bpm;
    let spans = |length: f64| {
        let count = (seconds / length) as usize;
        let at = move |i| Span { start: Seconds(i as f64 * length), duration: Seconds(length) };
        (0..count).map(at)
    };
    let mut state = seconds as u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 17) as f32 - 64.0
    };
    let sound = |span| Segment { span, timbre: std::array::from_fn::<_, TIMBRE, _>(|_| noise()) };
    Track {
        duration: Seconds(seconds),
        loudness: Decibels(-8.0),
        tempo: Bpm(bpm),
        end_of_fade_in: Seconds(1.0),
        start_of_fade_out: Seconds(seconds - 1.0),
        beats: spans(period).collect(),
        segments: spans(period / 2.0).map(sound).collect(),
    }
}

/// The track on a deck.
pub fn deck(number: usize, track: &Track) -> Deck {
    Deck::new(number, track)
}
