//! A mix that ends before its songs do.

use super::plan::{MixPlan, Planned};
use super::{Action, Beat, BeatPair, Span};
use crate::base::Seconds;

/// Length of the last fade, in seconds.
const LAST_FADE: f64 = 8.0;
/// Rounded times add up to no more than this, in seconds: what is further off is meant so.
const ROUNDED: f64 = 0.05;

/// Cuts the actions at `limit` seconds; what plays then fades away. A transition that would be
/// cut is left out, and the song before it plays on as long as it lasts.
pub fn end_at(actions: &mut Vec<Planned>, limit: f64, duration: impl Fn(usize) -> f64) {
    let mut length: f64 = actions.iter().map(|p| p.action.duration().0).sum();
    let mut tail = Vec::new();
    while let Some(last) = actions.pop() {
        length -= last.action.duration().0;
        match last.action {
            Action::Crossmatch { beats, .. } => tail = beats,
            Action::Playback { track, span, beats } => {
                let (room, end) = (limit - length, duration(track));
                let planned = Action::Playback { track, span, beats: beats.clone() };
                let faded = faded(track, span.start, beats, room, end - span.start.0);
                let Some((play, fade)) = faded else { continue };
                if play.duration().0 + fade.duration().0 > room - 1e-6 || tail.is_empty() {
                    actions.extend([play.into(), fade.into()]);
                } else {
                    actions.extend(outlasting(planned, track, span, &tail, room, end));
                }
                return;
            }
            _ => tail.clear(),
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

/// A stay in a song that is over before the `room` is filled, for the transition it would have
/// gone into is slower than itself: it plays as slowly as in there, with as many beats as it needs.
fn outlasting(
    planned: Action,
    track: usize,
    span: Span,
    tail: &[BeatPair],
    room: f64,
    end: f64,
) -> Vec<Planned> {
    let (room, start) = (room - planned.duration().0, span.end());
    let (mut beats, mut lasting, mut source) = (Vec::new(), 0.0, 0.0);
    for pair in tail {
        let enough = lasting >= room - LAST_FADE && room - lasting <= end - start.0 - source;
        if enough || lasting + pair.length.0 >= room {
            break;
        }
        lasting += pair.length.0;
        source += pair.from.duration.0;
        beats.push(Beat { span: pair.from, length: pair.length });
    }
    let fade = LAST_FADE.min(room - lasting);
    let plain = (room - lasting - fade).max(0.0);
    let more = Span { start, duration: Seconds(source + plain) };
    let last = Span { start: more.end(), duration: Seconds(fade) };
    let stay = Action::Playback { track, span: more, beats };
    vec![planned.into(), stay.into(), Action::FadeOut { track, span: last }.into()]
}

impl MixPlan {
    /// The same plan, ending at `length` to the frame: times are rounded, and over many actions
    /// that adds up. The last fade is that much longer or shorter. Tracks that the end has left
    /// nothing of are gone.
    pub fn ending_at(mut self, length: Seconds) -> MixPlan {
        let rounded = |seconds: f64| (seconds * 1e6).round() / 1e6;
        let off = length.0 - self.duration().0;
        if let Some(Planned { action: Action::FadeOut { span, .. }, .. }) = self.actions.last_mut()
            && off.abs() < ROUNDED
            && span.duration.0 + off > 0.0
        {
            span.duration = Seconds(rounded(span.duration.0 + off));
        }
        let heard = self.actions.iter().map(|p| p.action.tracks().1 + 1).max().unwrap_or(0);
        self.tracks.truncate(heard);
        self
    }
}
