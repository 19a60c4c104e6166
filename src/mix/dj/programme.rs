//! Songs in order become a plan.

use super::grid::Grid;
use super::transition::{Options, meet};
use crate::analysis::TrackAnalysis;
use crate::base::Seconds;
use crate::mix::ending::end_at;
use crate::mix::plan::{Override, PlanTrack, Planned};
use crate::mix::{Action, Span};

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
        end_at(&mut actions, limit, |track| songs[track].track.duration.0);
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
