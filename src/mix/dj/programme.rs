//! Songs in order become a plan.

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

/// A song in hand, at its place among the tracks of the plan.
#[derive(Clone, Copy)]
pub struct OnDeck<'a> {
    /// Its number in the plan.
    pub number: usize,
    /// Its beats.
    pub grid: &'a Grid<'a>,
    /// How it stands in the plan.
    pub track: &'a PlanTrack,
}

/// The desk songs are mixed at, one after the other: where the song that plays is, and how its
/// tempo still glides after the last transition.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    now: f64,
    glide: Vec<Beat>,
}

impl Desk {
    /// Begins with a song, where its sound begins.
    pub fn begin(song: &TrackAnalysis) -> Desk {
        Desk::at(song.edges.start)
    }

    /// Goes on with a song from a place in it.
    pub fn at(place: Seconds) -> Desk {
        Desk { now: place.0, glide: Vec::new() }
    }

    /// Where the song that plays is when its tempo is its own again: nothing may happen before.
    pub fn free(&self) -> Seconds {
        Seconds(self.now + self.glide.iter().map(|beat| beat.span.duration.0).sum::<f64>())
    }

    /// The stay with the song that plays, and its transition into the next.
    pub fn mix_into(
        &mut self,
        from: OnDeck<'_>,
        to: OnDeck<'_>,
        options: &Options,
        overrides: &[Override],
    ) -> [Planned; 2] {
        let wish = overrides.iter().find(|w| w.is_for(from.track, to.track));
        let stems = from.track.stems.is_some() && to.track.stems.is_some();
        let meeting = meet(from.grid, to.grid, self.free().0, options, wish, stems);
        let stay = self.stay(from.number, Seconds(meeting.out));
        let action = renumbered(meeting.action, from.number, to.number);
        *self = Desk { now: meeting.into, glide: meeting.glide };
        [stay, Planned { action, why: Some(meeting.why) }]
    }

    /// The song that plays, up to a place in it.
    pub fn stay(&mut self, number: usize, until: Seconds) -> Planned {
        let action = playback(number, self.now, until.0, std::mem::take(&mut self.glide));
        self.now = until.0.max(self.now);
        action.into()
    }

    /// The song that plays, up to where its sound ends.
    pub fn to_the_end(&mut self, number: usize, song: &TrackAnalysis) -> Planned {
        let end = song.duration.0.min(song.edges.end.0.max(self.now) + 1.0);
        self.stay(number, Seconds(end))
    }
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
    let Some(first) = songs.first() else { return (actions, 0) };
    let deck = |number: usize| OnDeck { number, grid: &grids[number], track: songs[number].track };
    let mut desk = Desk::begin(first.analysis);
    let mut length = 0.0;
    let mut used = 1;
    while used < songs.len() && length < limit {
        let [stay, meeting] = desk.mix_into(deck(used - 1), deck(used), options, overrides);
        length += stay.action.duration().0;
        actions.push(stay);
        if length >= limit {
            break;
        }
        length += meeting.action.duration().0;
        actions.push(meeting);
        used += 1;
    }
    if length < limit {
        actions.push(desk.to_the_end(used - 1, songs[used - 1].analysis));
    }
    actions.retain(|p| p.action.duration().0 > 0.0);
    if actions.iter().map(|p| p.action.duration().0).sum::<f64>() > limit {
        end_at(&mut actions, limit, |track| songs[track].track.duration.0);
    }
    (actions, used)
}

fn playback(track: usize, from: f64, to: f64, beats: Vec<Beat>) -> Action {
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
