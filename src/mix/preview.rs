//! The transitions of a mix alone, to be heard in minutes.

use super::plan::{MixPlan, Planned};
use super::{Action, Beat, Span};
use crate::base::Seconds;

/// Seconds of a song heard before and after each transition, and of the fades between them.
const AROUND: f64 = 6.0;
const FADE: f64 = 1.0;

/// The same mix with what lies between transitions cut out.
pub fn only_transitions(plan: &MixPlan) -> MixPlan {
    let mut actions = Vec::new();
    let count = plan.actions.len();
    for (i, planned) in plan.actions.iter().enumerate() {
        let Action::Playback { track, span, beats } = &planned.action else {
            actions.push(planned.clone());
            continue;
        };
        let meets = |j: usize| plan.actions.get(j).is_some_and(|p| changes_track(&p.action));
        let (before, after) = (i > 0 && meets(i - 1), i + 1 < count && meets(i + 1));
        actions.extend(shortened(*track, *span, beats, before, after));
    }
    MixPlan { actions, ..plan.clone() }
}

fn changes_track(action: &Action) -> bool {
    let (from, to) = action.tracks();
    from != to
}

/// The end of a stay after a transition, and its beginning before the next one.
fn shortened(track: usize, span: Span, beats: &[Beat], before: bool, after: bool) -> Vec<Planned> {
    let glide: f64 = beats.iter().map(|b| b.span.duration.0).sum();
    let head = if before { glide.max(AROUND) } else { 0.0 };
    let tail = if after { AROUND } else { 0.0 };
    if span.duration.0 <= head + tail + 2.0 * FADE {
        return vec![Action::Playback { track, span, beats: beats.to_vec() }.into()];
    }
    let part =
        |start: f64, duration: f64| Span { start: Seconds(start), duration: Seconds(duration) };
    let (start, end) = (span.start.0, span.end().0);
    let mut actions = Vec::new();
    if before {
        let beats = beats.to_vec();
        actions.push(Action::Playback { track, span: part(start, head), beats }.into());
        actions.push(Action::FadeOut { track, span: part(start + head, FADE) }.into());
    }
    if after {
        actions.push(Action::FadeIn { track, span: part(end - tail - FADE, FADE) }.into());
        let span = part(end - tail, tail);
        actions.push(Action::Playback { track, span, beats: Vec::new() }.into());
    }
    actions
}
