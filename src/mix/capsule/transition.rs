//! How tracks meet: Echo Nest Remix capsule `initialize`, `make_transition`, `make_crossfade` and
//! `terminate`.

use super::crossmatch::pairs;
use super::cursor::{Cursor, Deck};
use super::{MIN_ALIGN_DURATION, MIN_MARKERS, MIN_SEARCH, X_FADE};
use crate::base::Seconds;
use crate::mix::align::{Alignment, LastOffset, align};
use crate::mix::{Action, Curve, Span};

/// Begins a mix in the middle of a track: a fade-in of `fade` and a stay, so placed that they and
/// a transition lie in the middle between the track's fades.
pub fn initialize(
    deck: &mut Deck,
    stay: Seconds,
    transition: Seconds,
    fade: Seconds,
) -> [Action; 2] {
    let begun = deck.region().and_then(|region| {
        let start = (region.0 - stay.0 - transition.0 - fade.0) / 2.0;
        let (_, row) = deck.move_cursor(Seconds(start + fade.0 + stay.0), 0, MIN_MARKERS);
        Some((row, deck.beat(row)?.start.0))
    });
    let (cursor, end) = match begun {
        Some((row, end)) => (Cursor::Row(row), end),
        None => {
            let end = (fade.0 + stay.0).min(deck.duration.0);
            (Cursor::Time(Seconds(end)), end)
        }
    };
    deck.cursor = cursor;
    begin(deck.number, end, stay.0, fade.0)
}

/// Fade-in and stay that end at `end`. In a track too short for both the original begins before
/// its start; here the stay gives way, then the fade.
fn begin(track: usize, end: f64, stay: f64, fade: f64) -> [Action; 2] {
    let stay = stay.min(end - fade).max(0.0);
    let fade = fade.min(end - stay);
    let rise = span((end - stay - fade).max(0.0), fade);
    [
        Action::FadeIn { track, span: rise },
        Action::Playback { track, span: span(end - stay, stay), beats: Vec::new() },
    ]
}

/// Goes from one track to the next and stays there: beat on beat where the beats can be aligned,
/// else by a plain crossfade.
pub fn make_transition(
    from: &Deck,
    to: &mut Deck,
    stay: Seconds,
    transition: Seconds,
) -> [Action; 2] {
    match matched(from, to, stay, transition) {
        Some(actions) => actions,
        None => make_crossfade(from, to, stay),
    }
}

/// Crossmatch and stay, if the beats can be aligned.
fn matched(from: &Deck, to: &mut Deck, stay: Seconds, transition: Seconds) -> Option<[Action; 2]> {
    if from.beats.len().min(to.beats.len()) < MIN_SEARCH {
        return None;
    }
    let window = Seconds(transition.0.max(MIN_ALIGN_DURATION));
    let (leaving, coming) = (from.rows_out(window), to.rows_in(window, stay));
    let mut found = align(from.strip(leaving), to.strip(coming), LastOffset::Excluded)?;
    if transition.0 < MIN_ALIGN_DURATION {
        found.rows = shortened(to, &found, transition);
    }
    let beats = pairs(from, to, &found);
    let start = beats.last()?.to.end();
    let row = (found.offset + beats.len()) / found.rate_to;
    let stay = room(to, row, stay, transition);
    let (stay, row) = to.move_cursor(stay, row, MIN_MARKERS);
    to.cursor = Cursor::Row(row);
    let (curve, lanes) = (Curve::Power06, Vec::new());
    let meet = Action::Crossmatch { from: from.number, to: to.number, beats, curve, lanes };
    let alone = Span { start, duration: stay };
    Some([meet, Action::Playback { track: to.number, span: alone, beats: Vec::new() }])
}

/// Rows of a transition shorter than the stretch that was aligned: two at least. Where beats are
/// halved, halves are walked as if they were whole, as in the original.
fn shortened(to: &Deck, found: &Alignment, transition: Seconds) -> usize {
    let (_, row) = to.move_cursor(transition, found.offset, MIN_MARKERS);
    row.saturating_sub(found.offset).max(MIN_MARKERS)
}

/// The stay, or what of it leaves room for the next transition. The beat compared with counts from
/// the start of the track and not from its first row, and a place is taken for a length, as in the
/// original; it shows only where transitions are very short.
fn room(to: &Deck, row: usize, stay: Seconds, transition: Seconds) -> Seconds {
    let (Some(end), Some(last)) = (to.beats.get(row), to.beats.last()) else { return stay };
    match last.start.0 < end.start.0 + stay.0 + transition.0 {
        true => Seconds((last.start.0 - transition.0).max(0.0)),
        false => stay,
    }
}

/// Goes from one track into the middle of the next by a crossfade of [`X_FADE`], and stays there
/// up to a beat.
pub fn make_crossfade(from: &Deck, to: &mut Deck, stay: Seconds) -> [Action; 2] {
    let from_start = from.place().0;
    let start = ((to.duration.0 - (stay.0 + 2.0 * X_FADE)) / 2.0).max(0.0);
    // The original takes three seconds even of what is shorter.
    let fade = X_FADE.min(from.duration.0 - from_start).min(to.duration.0 - start).max(0.0);
    let alone = start + fade;
    let (cursor, end) = after_crossfade(to, alone, stay.0);
    to.cursor = cursor;
    let meet = Action::Crossfade {
        from: from.number,
        to: to.number,
        from_start: Seconds(from_start),
        to_start: Seconds(start),
        duration: Seconds(fade),
        curve: Curve::Linear,
    };
    let alone = span(alone, end - alone);
    [meet, Action::Playback { track: to.number, span: alone, beats: Vec::new() }]
}

/// Cursor and time at the end of the stay after a crossfade that ends at `alone`.
fn after_crossfade(to: &Deck, alone: f64, stay: f64) -> (Cursor, f64) {
    if to.beats.len() >= MIN_SEARCH {
        // The time in the track is taken for a time since the first row, as the original does.
        let (_, row) = to.move_cursor(Seconds(alone + stay), 0, MIN_MARKERS);
        if let Some(beat) = to.beat(row).filter(|beat| beat.start.0 >= alone) {
            return (Cursor::Row(row), beat.start.0);
        }
    }
    let end = alone + stay.min(to.duration.0 - 2.0 * X_FADE).max(0.0);
    (Cursor::Time(Seconds(end)), end)
}

/// Ends a mix: a fade-out of `fade`, or of what is left of the track.
pub fn terminate(deck: &Deck, fade: Seconds) -> Action {
    let start = deck.place().0;
    Action::FadeOut {
        track: deck.number,
        span: span(start, fade.0.min(deck.duration.0 - start).max(0.0)),
    }
}

fn span(start: f64, duration: f64) -> Span {
    Span { start: Seconds(start), duration: Seconds(duration) }
}

#[cfg(test)]
mod tests;
