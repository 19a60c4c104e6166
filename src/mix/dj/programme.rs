//! Songs in order become a plan.

use super::grid::Grid;
use super::transition::{Options, meet};
use crate::analysis::TrackAnalysis;
use crate::base::Seconds;
use crate::mix::plan::{Override, PlanTrack, Planned};
use crate::mix::{Action, Span};

/// Length of the last fade where a mix ends before its last song does, in seconds.
const LAST_FADE: f64 = 8.0;

/// One visit to a song.
#[derive(Clone, Copy)]
pub struct Playing<'a> {
    /// What was heard.
    pub analysis: &'a TrackAnalysis,
    /// How it stands in the plan.
    pub track: &'a PlanTrack,
}

/// The actions that play `songs` one after the other; `limit` ends the mix at that length with a
/// fade. Songs that no longer find room are left out: the second value counts those that did.
pub fn plan_mix(
    songs: &[Playing<'_>],
    options: &Options,
    overrides: &[Override],
    limit: Option<Seconds>,
) -> (Vec<Planned>, usize) {
    let grids: Vec<Grid<'_>> =
        songs.iter().map(|s| Grid::new(s.analysis, s.track.gain.0)).collect();
    let limit = limit.map_or(f64::MAX, |l| l.0);
    let mut actions: Vec<Planned> = Vec::new();
    let Some(first) = grids.first() else { return (actions, 0) };
    let mut now = first.track.edges.start.0;
    let mut length = 0.0;
    let mut glide = Vec::new();
    let mut used = 1;
    while used < songs.len() && length < limit {
        let (a, b) = (used - 1, used);
        let wish = overrides.iter().find(|w| w.is_for(songs[a].track, songs[b].track));
        let stems = songs[a].track.stems.is_some() && songs[b].track.stems.is_some();
        let glided: f64 = glide.iter().map(|g: &crate::mix::Beat| g.span.duration.0).sum::<f64>();
        let free = now + glided;
        let meeting = meet(&grids[a], &grids[b], free, options, wish, stems);
        let play = playback(a, now, meeting.out, std::mem::take(&mut glide));
        length += play.duration().0;
        if length >= limit {
            actions.push(play.into());
            break;
        }
        actions.push(play.into());
        let action = renumbered(meeting.action, a, b);
        length += action.duration().0;
        actions.push(Planned { action, why: Some(meeting.why) });
        (now, glide, used) = (meeting.into, meeting.glide, used + 1);
    }
    if length < limit {
        let last = &grids[used - 1].track;
        let end = last.duration.0.min(last.edges.end.0.max(now) + 1.0).max(now);
        actions.push(playback(used - 1, now, end, glide).into());
    }
    actions.retain(|p| p.action.duration().0 > 0.0);
    if actions.iter().map(|p| p.action.duration().0).sum::<f64>() > limit {
        end_at(&mut actions, limit, songs);
    }
    (actions, used)
}

fn playback(track: usize, from: f64, to: f64, beats: Vec<crate::mix::Beat>) -> Action {
    let span = Span { start: Seconds(from), duration: Seconds((to - from).max(0.0)) };
    Action::Playback { track, span, beats }
}

fn renumbered(action: Action, a: usize, b: usize) -> Action {
    match action {
        Action::Crossmatch { beats, curve, lanes, .. } => {
            Action::Crossmatch { from: a, to: b, beats, curve, lanes }
        }
        Action::Crossfade { from_start, to_start, duration, curve, .. } => {
            Action::Crossfade { from: a, to: b, from_start, to_start, duration, curve }
        }
        other => other,
    }
}

/// Cuts the actions at `limit` seconds; what plays then fades away. A transition that would be
/// cut is left out, and the song before it plays on as long as it lasts.
fn end_at(actions: &mut Vec<Planned>, limit: f64, songs: &[Playing<'_>]) {
    let mut length: f64 = actions.iter().map(|p| p.action.duration().0).sum();
    while let Some(last) = actions.pop() {
        length -= last.action.duration().0;
        let Action::Playback { track, span, beats } = last.action else { continue };
        // The beats that are not their own length come first and stay as they are.
        let stretched: f64 = beats.iter().map(|b| b.length.0 - b.span.duration.0).sum();
        let kept: f64 = beats.iter().map(|b| b.span.duration.0).sum();
        let left = songs[track].track.duration.0 - span.start.0;
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
