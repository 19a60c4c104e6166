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
    /// The song that plays.
    playing: Option<(A, Desk)>,
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
        let Some((leaving, mut desk)) = self.playing.take() else {
            let desk = Desk::begin(analysis.borrow());
            self.playing = Some((analysis, desk));
            self.tracks.push(track);
            return true;
        };
        let (a, b) = (self.tracks.len() - 1, self.tracks.len());
        let before = &self.tracks[a];
        let leaves = Grid::new(leaving.borrow(), before.gain.0);
        let comes = Grid::new(analysis.borrow(), track.gain.0);
        let from = OnDeck { number: a, grid: &leaves, track: before };
        let to = OnDeck { number: b, grid: &comes, track: &track };
        let [stay, meeting] = desk.mix_into(from, to, self.options, self.overrides);
        self.length += stay.action.duration().0;
        self.actions.push(stay);
        if self.length >= self.limit {
            self.playing = Some((leaving, desk));
            return false;
        }
        self.length += meeting.action.duration().0;
        self.actions.push(meeting);
        self.tracks.push(track);
        self.playing = Some((analysis, desk));
        true
    }

    /// The tracks that found room, and what sounds.
    pub fn finish(mut self) -> (Vec<PlanTrack>, Vec<Planned>) {
        let Some((last, mut desk)) = self.playing else { return (self.tracks, self.actions) };
        if self.length < self.limit {
            self.actions.push(desk.to_the_end(self.tracks.len() - 1, last.borrow()));
        }
        self.actions.retain(|p| p.action.duration().0 > 0.0);
        if self.actions.iter().map(|p| p.action.duration().0).sum::<f64>() > self.limit {
            end_at(&mut self.actions, self.limit, |track| self.tracks[track].duration.0);
        }
        (self.tracks, self.actions)
    }
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
