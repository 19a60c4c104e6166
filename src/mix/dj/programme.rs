//! Songs in order become a plan.

use std::borrow::Borrow;

use super::grid::Grid;
use super::transition::{Options, meet};
use crate::analysis::TrackAnalysis;
use crate::base::Seconds;
use crate::mix::ending::end_at;
use crate::mix::plan::{Override, PlanTrack, Planned};
use crate::mix::{Action, Beat, Span};

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
    let mut booth = Booth::new(options, overrides, limit);
    for song in songs {
        if !booth.play(song.analysis, song.track.clone()) {
            break;
        }
    }
    let (tracks, actions) = booth.finish();
    (actions, tracks.len())
}

/// A mix that grows song by song. Of the songs played before only the last is held.
pub struct Booth<'a, A> {
    options: &'a Options,
    overrides: &'a [Override],
    limit: f64,
    tracks: Vec<PlanTrack>,
    actions: Vec<Planned>,
    length: f64,
    playing: Option<Stay<A>>,
}

/// The song that plays: where in it the mix is, and the beats that its tempo still glides over.
struct Stay<A> {
    analysis: A,
    now: f64,
    glide: Vec<Beat>,
}

impl<'a, A: Borrow<TrackAnalysis>> Booth<'a, A> {
    /// A mix without songs; `limit` ends it at that length with a fade.
    pub fn new(options: &'a Options, overrides: &'a [Override], limit: Option<Seconds>) -> Self {
        let limit = limit.map_or(f64::MAX, |l| l.0);
        let (tracks, actions) = (Vec::new(), Vec::new());
        Booth { options, overrides, limit, tracks, actions, length: 0.0, playing: None }
    }

    /// The length of mix that is left to fill, in seconds, where there is a limit.
    pub fn room(&self) -> Option<f64> {
        (self.limit < f64::MAX).then_some((self.limit - self.length).max(0.0))
    }

    /// Goes on with a song. `false` where the one that plays fills all the room there is; the new
    /// one is left out then.
    pub fn play(&mut self, analysis: A, track: PlanTrack) -> bool {
        if self.length >= self.limit {
            return false;
        }
        let Some(mut stay) = self.playing.take() else {
            let now = analysis.borrow().edges.start.0;
            self.playing = Some(Stay { analysis, now, glide: Vec::new() });
            self.tracks.push(track);
            return true;
        };
        let (a, b) = (self.tracks.len() - 1, self.tracks.len());
        let before = &self.tracks[a];
        let wish = self.overrides.iter().find(|w| w.is_for(before, &track));
        let stems = before.stems.is_some() && track.stems.is_some();
        let glided: f64 = stay.glide.iter().map(|g| g.span.duration.0).sum();
        let leaves = Grid::new(stay.analysis.borrow(), before.gain.0);
        let comes = Grid::new(analysis.borrow(), track.gain.0);
        let meeting = meet(&leaves, &comes, stay.now + glided, self.options, wish, stems);
        let play = playback(a, stay.now, meeting.out, std::mem::take(&mut stay.glide));
        self.length += play.duration().0;
        self.actions.push(play.into());
        if self.length >= self.limit {
            self.playing = Some(stay);
            return false;
        }
        let action = renumbered(meeting.action, a, b);
        self.length += action.duration().0;
        self.actions.push(Planned { action, why: Some(meeting.why) });
        self.tracks.push(track);
        self.playing = Some(Stay { analysis, now: meeting.into, glide: meeting.glide });
        true
    }

    /// The tracks that found room, and what sounds.
    pub fn finish(mut self) -> (Vec<PlanTrack>, Vec<Planned>) {
        let Some(stay) = self.playing else { return (self.tracks, self.actions) };
        if self.length < self.limit {
            let last = stay.analysis.borrow();
            let end = last.duration.0.min(last.edges.end.0.max(stay.now) + 1.0).max(stay.now);
            let track = self.tracks.len() - 1;
            self.actions.push(playback(track, stay.now, end, stay.glide).into());
        }
        self.actions.retain(|p| p.action.duration().0 > 0.0);
        if self.actions.iter().map(|p| p.action.duration().0).sum::<f64>() > self.limit {
            end_at(&mut self.actions, self.limit, |track| self.tracks[track].duration.0);
        }
        (self.tracks, self.actions)
    }
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
