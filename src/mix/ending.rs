//! A mix that ends before its songs do.

use super::plan::Planned;
use super::{Action, Beat, Span};
use crate::base::Seconds;

/// Length of the last fade, in seconds.
const LAST_FADE: f64 = 8.0;

/// Cuts the actions at `limit` seconds; what plays then fades away. A transition that would be
/// cut is left out, and the song before it plays on as long as it lasts.
pub fn end_at(actions: &mut Vec<Planned>, limit: f64, duration: impl Fn(usize) -> f64) {
    let mut length: f64 = actions.iter().map(|p| p.action.duration().0).sum();
    while let Some(last) = actions.pop() {
        length -= last.action.duration().0;
        let Action::Playback { track, span, beats } = last.action else { continue };
        let left = duration(track) - span.start.0;
        if let Some((play, end)) = faded(track, span.start, beats, limit - length, left) {
            actions.extend([play.into(), end.into()]);
            return;
        }
    }
}

/// A stay of `room` seconds in the mix, the last of them a fade; `left` is how long the song goes
/// on. `None` where nothing of it would be heard.
fn faded(
    track: usize,
    start: Seconds,
    mut beats: Vec<Beat>,
    room: f64,
    left: f64,
) -> Option<(Action, Action)> {
    let before = room - LAST_FADE.min(room / 2.0);
    // Beats that are not their own length come first; those that the fade reaches become it.
    let fits = |lasting: &mut f64, b: &Beat| {
        *lasting += b.length.0;
        (*lasting <= before).then_some(())
    };
    let kept = beats.iter().scan(0.0, fits).count();
    beats.truncate(kept);
    let lasting: f64 = beats.iter().map(|b| b.length.0).sum();
    let source: f64 = beats.iter().map(|b| b.span.duration.0).sum();
    let rest = (room - lasting).min(left - source);
    let fade = LAST_FADE.min(room / 2.0).min(rest);
    let play = Span { start, duration: Seconds(source + rest - fade) };
    let end = Span { start: play.end(), duration: Seconds(fade) };
    let stay = Action::Playback { track, span: play, beats };
    (fade > 0.0).then_some((stay, Action::FadeOut { track, span: end }))
}
