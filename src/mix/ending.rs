//! A mix that ends before its songs do.

use super::plan::Planned;
use super::{Action, Span};
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
        // The beats that are not their own length come first and stay as they are.
        let stretched: f64 = beats.iter().map(|b| b.length.0 - b.span.duration.0).sum();
        let kept: f64 = beats.iter().map(|b| b.span.duration.0).sum();
        let left = duration(track) - span.start.0;
        let rest = (limit - length - stretched).min(left);
        let fade = LAST_FADE.min(rest / 2.0);
        if length < limit && rest - fade > kept {
            let play = Span { start: span.start, duration: Seconds(rest - fade) };
            let end = Span { start: play.end(), duration: Seconds(fade) };
            actions.push(Action::Playback { track, span: play, beats }.into());
            actions.push(Action::FadeOut { track, span: end }.into());
            return;
        }
    }
}
