//! Where two songs meet that cannot be mixed beat on beat.

use super::cost::{LEVEL_SPAN, WEIGHTS, level_cost, phrase_cost};
use super::grid::Grid;
use super::transition::{LEAST_STAY, Meeting, Options, ins, key_steps, outs};
use crate::base::Seconds;
use crate::mix::plan::{Override, Why};
use crate::mix::{Action, Curve};

/// Without bar lines, places this far apart are looked at, in seconds.
const STEP: f64 = 2.0;

/// A place to leave or to enter, and how far it is from a phrase.
type Place = (f64, f64);

/// A plain crossfade at the most musical place: on bar lines where there are any, near phrases,
/// where both songs are about as loud.
pub fn crossfade(
    a: &Grid<'_>,
    b: &Grid<'_>,
    now: f64,
    options: &Options,
    wish: Option<&Override>,
    why: &str,
) -> Meeting {
    let wanted = options.crossfade.min(a.track.duration.0 / 4.0).min(b.track.duration.0 / 4.0);
    let mut best: Option<(f64, f64, f64)> = None;
    for &(out, out_phrase) in &leaving(a, now, wanted, options, wish) {
        for &(into, into_phrase) in &entering(b, wanted, wish) {
            let before = a.loudness(out - LEVEL_SPAN, out);
            let after = b.loudness(into + wanted, into + wanted + LEVEL_SPAN);
            let unheard = (a.end() - out - wanted).max(0.0) / a.track.duration.0.max(1.0)
                + 1.5 * (into - b.start()).max(0.0) / b.track.duration.0.max(1.0);
            // Phrase, level and what is skipped weigh as in a beat-matched transition.
            let cost = WEIGHTS[0] * 0.5 * (out_phrase + into_phrase)
                + WEIGHTS[4] * level_cost(before, after)
                + WEIGHTS[6] * unheard;
            if best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, out, into));
            }
        }
    }
    let (_, out, into) = best.unwrap_or((0.0, now, 0.0));
    let room = (a.track.duration.0 - out).min(b.track.duration.0 - into);
    let duration = wanted.min(room).max(0.01);
    let action = Action::Crossfade {
        from: 0,
        to: 1,
        from_start: Seconds(out),
        to_start: Seconds(into),
        duration: Seconds(duration),
        curve: Curve::EqualPower,
    };
    let why = Why {
        reason: format!("plain crossfade: {why}"),
        key_steps: key_steps(a, b),
        ..Why::default()
    };
    Meeting { action, why, out, into: into + duration, glide: Vec::new() }
}

/// Places at which the first song may be left: its sound lasts to the end of the fade.
fn leaving(
    a: &Grid<'_>,
    now: f64,
    wanted: f64,
    options: &Options,
    wish: Option<&Override>,
) -> Vec<Place> {
    let last = (a.end() - wanted).max(now);
    if let Some(at) = wish.and_then(|w| w.from_start) {
        return vec![(at.0.clamp(now, (a.track.duration.0 - 0.01).max(now)), 0.0)];
    }
    let bars: Vec<Place> = outs(a, now, options, wish)
        .into_iter()
        .filter(|&beat| a.beats[beat] <= last)
        .map(|beat| (a.beats[beat], phrase_cost(a, beat)))
        .collect();
    if !bars.is_empty() {
        return bars;
    }
    let stay = options.max_stay.map_or(last, |stay| last.min(now + stay));
    let first = (now + LEAST_STAY).min(stay);
    // The end is as good as a phrase: nothing of the song is lost.
    let steps = ((stay - first) / STEP) as usize;
    (0..=steps).map(|i| (stay - i as f64 * STEP, 0.5)).collect()
}

/// Places at which the second song may be entered: its start, and its bar lines.
fn entering(b: &Grid<'_>, wanted: f64, wish: Option<&Override>) -> Vec<Place> {
    if let Some(at) = wish.and_then(|w| w.to_start) {
        return vec![(at.0.min((b.track.duration.0 - 0.01).max(0.0)), 0.0)];
    }
    let bars = ins(b, wish).into_iter().map(|beat| (b.beats[beat], phrase_cost(b, beat)));
    let fits = |place: &Place| place.0 + wanted + LEAST_STAY <= b.end();
    let mut places: Vec<Place> = bars.filter(fits).collect();
    places.push((b.start().max(0.0), 0.3));
    places
}
