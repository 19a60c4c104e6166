//! Actions of the mix, told to those who listen.

use std::sync::Arc;

use super::deck::Deck;
use crate::base::{SampleRate, Seconds};
use crate::mix::{Action, Beat, BeatPair, Placed, Side, Span};
use crate::stream::{PEAKS, Segment, SegmentTrack};

/// An action as a segment; `deck` gives the songs of the plan by their numbers.
pub fn segment<'a>(
    placed: &Placed,
    rate: SampleRate,
    deck: impl Fn(usize) -> Option<&'a Deck>,
) -> Segment {
    let frame = |seconds: Seconds| (seconds.0 * rate.as_f64()).round() as i64;
    let action = &placed.planned.action;
    let (beats, downbeats) = beats(action, &deck);
    let tracks = parts(action).into_iter().filter_map(|part| track(&part, action, deck(part.0)?));
    Segment {
        id: placed.number,
        action: action.name(),
        start: frame(placed.at),
        frames: frame(placed.end()) - frame(placed.at),
        beats,
        downbeats,
        why: placed
            .planned
            .why
            .as_ref()
            .and_then(|why| Some(Arc::new(serde_json::to_value(why).ok()?))),
        tracks: tracks.collect(),
    }
}

/// A song of an action, what of it sounds, and whether it leaves or comes where two do.
type Heard = (usize, Span, Option<Side>);

fn parts(action: &Action) -> Vec<Heard> {
    let two = |from: usize, to: usize, a: Span, b: Span| {
        vec![(from, a, Some(Side::From)), (to, b, Some(Side::To))]
    };
    let lasting = |start: Seconds, duration: Seconds| Span { start, duration };
    match action {
        Action::FadeIn { track, span }
        | Action::FadeOut { track, span }
        | Action::Playback { track, span, .. } => vec![(*track, *span, None)],
        Action::Crossfade { from, to, from_start, to_start, duration, .. } => {
            two(*from, *to, lasting(*from_start, *duration), lasting(*to_start, *duration))
        }
        Action::Crossmatch { from, to, beats, .. } | Action::Blend { from, to, beats } => {
            two(*from, *to, whole(beats, |b| b.from), whole(beats, |b| b.to))
        }
        Action::Jump { track, source, target, duration } => {
            let before = Seconds(target.0 - duration.0);
            two(*track, *track, lasting(*source, *duration), lasting(before, *duration))
        }
    }
}

fn whole(beats: &[BeatPair], side: impl Fn(&BeatPair) -> Span) -> Span {
    let (Some(first), Some(last)) = (beats.first(), beats.last()) else {
        return Span { start: Seconds(0.0), duration: Seconds(0.0) };
    };
    let (start, end) = (side(first).start, side(last).end());
    Span { start, duration: Seconds(end.0 - start.0) }
}

fn track(part: &Heard, action: &Action, deck: &Deck) -> Option<SegmentTrack> {
    let (_, span, side) = part;
    let count = (PEAKS * action.duration().0).ceil().max(1.0) as usize;
    let peak = |i: usize| {
        let share = (i as f64 + 0.5) / count as f64;
        let at = (PEAKS * (span.start.0 + share * span.duration.0)) as usize;
        let quarter = share * std::f64::consts::FRAC_PI_2;
        let fade = match side {
            None => 1.0,
            Some(Side::From) => quarter.cos(),
            Some(Side::To) => quarter.sin(),
        };
        (fade * f64::from(deck.peaks.get(at).copied().unwrap_or(0))) as u8
    };
    Some(SegmentTrack {
        start: span.start,
        end: span.end(),
        peaks: (0..count).map(peak).collect(),
        song: deck.card.clone(),
    })
}

/// Beats of an action in seconds from its start, and those of them that begin a bar: of the song
/// that leaves, where there are two.
fn beats<'a>(action: &Action, deck: impl Fn(usize) -> Option<&'a Deck>) -> (Vec<f64>, Vec<f64>) {
    let (number, _) = action.tracks();
    let Some(rhythm) = deck(number).and_then(|deck| deck.song.track.rhythm.as_ref()) else {
        return (Vec::new(), Vec::new());
    };
    let Some((_, span, _)) = parts(action).into_iter().next() else {
        return (Vec::new(), Vec::new());
    };
    let own = rhythm.beats.iter().zip(&rhythm.positions);
    let inside = own.filter(|(beat, _)| beat.0 >= span.start.0 && beat.0 < span.end().0);
    let (mut beats, mut downbeats) = (Vec::new(), Vec::new());
    for (beat, position) in inside {
        let at = (1e3 * time(action, beat.0 - span.start.0)).round() / 1e3;
        beats.push(at);
        if *position == 1 {
            downbeats.push(at);
        }
    }
    (beats, downbeats)
}

/// When in an action its first song is so many seconds further than at the start.
fn time(action: &Action, place: f64) -> f64 {
    match action {
        Action::Playback { beats, .. } => {
            along(beats.iter().map(|b: &Beat| (b.span.duration.0, b.length.0)), place)
        }
        Action::Crossmatch { beats, .. } | Action::Blend { beats, .. } => {
            along(beats.iter().map(|b| (b.from.duration.0, b.length.0)), place)
        }
        _ => place,
    }
}

/// Follows beats of some length in the song and in the mix; beyond them both run alike.
fn along(beats: impl Iterator<Item = (f64, f64)>, place: f64) -> f64 {
    let (mut left, mut time) = (place, 0.0);
    for (source, length) in beats {
        if left < source {
            return time + length * left / source;
        }
        left -= source;
        time += length;
    }
    time + left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_that_are_stretched_are_told_where_they_are_heard() {
        let beats = [(0.5, 0.6), (0.5, 0.55)];
        assert_eq!(along(beats.into_iter(), 0.0), 0.0);
        assert!((along(beats.into_iter(), 0.75) - 0.875).abs() < 1e-12);
        assert!((along(beats.into_iter(), 3.0) - 3.15).abs() < 1e-12);
    }
}
