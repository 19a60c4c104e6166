//! Whole mixes: the command line of Echo Nest Remix capsule and the mixer of Forever.fm.

use super::cursor::{Cursor, Deck};
use super::order::order_tracks;
use super::track::{Track, gain_from_loudness};
use super::transition::{initialize, make_transition, terminate};
use super::{FADE_IN, FADE_OUT};
use crate::base::{Error, ErrorKind, Result, Seconds};
use crate::mix::Action;

/// First fade of Forever.fm, in seconds.
const FOREVER_FADE_IN: f64 = 10.0;

/// How long tracks stay alone and how long transitions are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Policy {
    /// The command line of capsule.
    Capsule {
        /// Time a track is alone; 8 s by default.
        stay: Seconds,
        /// Length of a transition; 8 s by default.
        transition: Seconds,
    },
    /// The mixer of Forever.fm: of a track all but three transitions is heard alone, of two that
    /// meet as much as of the shorter one.
    Forever {
        /// Length of a transition; 30 s by default.
        transition: Seconds,
    },
}

impl Policy {
    fn transition(self) -> Seconds {
        match self {
            Policy::Capsule { transition, .. } | Policy::Forever { transition } => transition,
        }
    }

    /// How long a track of this length would be alone.
    fn stay(self, duration: Seconds) -> Seconds {
        match self {
            Policy::Capsule { stay, .. } => stay,
            Policy::Forever { transition } => Seconds((duration.0 - 3.0 * transition.0).max(0.0)),
        }
    }

    fn fade_in(self) -> Seconds {
        match self {
            Policy::Capsule { .. } => Seconds(FADE_IN),
            Policy::Forever { .. } => Seconds(FOREVER_FADE_IN),
        }
    }

    /// Whether the beats of a track leave room for two transitions and the stay that is asked for.
    pub fn admits(self, track: &Track) -> bool {
        let stay = if let Policy::Capsule { stay, .. } = self { stay.0 } else { 0.0 };
        stay + 2.0 * self.transition().0 < track.span().0
    }
}

/// A mix that goes on as tracks come, one at a time; it never ends unless told.
#[derive(Clone, Debug)]
pub struct Mixer {
    policy: Policy,
    playing: Option<Deck>,
}

impl Mixer {
    /// A mix without tracks.
    pub fn new(policy: Policy) -> Mixer {
        Mixer { policy, playing: None }
    }

    /// Goes on with a track: how it comes, and how long it stays. `number` is its number in the
    /// plan.
    ///
    /// # Errors
    /// `ErrorKind::Unusable` where the track is too short; the mix can go on with another.
    pub fn add(&mut self, number: usize, track: &Track) -> Result<[Action; 2]> {
        if !self.policy.admits(track) {
            return Err(too_short(self.policy, track));
        }
        let (policy, mut deck) = (self.policy, Deck::new(number, track));
        let stay = policy.stay(deck.duration);
        let actions = match &self.playing {
            None => initialize(&mut deck, stay, policy.transition(), policy.fade_in()),
            Some(playing) => {
                let stay = Seconds(stay.0.min(policy.stay(playing.duration).0));
                make_transition(playing, &mut deck, stay, policy.transition())
            }
        };
        self.playing = Some(deck);
        Ok(actions)
    }

    /// Where the next transition starts in the track that plays.
    pub fn cursor(&self) -> Option<Cursor> {
        self.playing.as_ref().map(|deck| deck.cursor)
    }

    /// Ends the mix, if anything plays.
    pub fn finish(self) -> Option<Action> {
        self.playing.map(|deck| terminate(&deck, Seconds(FADE_OUT)))
    }
}

fn too_short(policy: Policy, track: &Track) -> Error {
    let (span, transition) = (track.span(), policy.transition());
    Error::new(ErrorKind::Unusable, "the track is too short")
        .because(format!(
            "its beats span {:.1} s, with transitions of {:.1} s",
            span.0, transition.0
        ))
        .hint("choose shorter transitions")
}

/// What is wanted of a whole mix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// Whose law.
    pub policy: Policy,
    /// Whether tracks are played in rising tempo rather than as given.
    pub order: bool,
    /// Whether loudness is equalised. Forever.fm always does.
    pub equalize: bool,
}

/// A whole mix. Tracks are named by their place in the list given.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// All tracks in the order they were tried.
    pub order: Vec<usize>,
    /// Tracks too short to be played.
    pub rejected: Vec<usize>,
    /// What sounds, one after the other.
    pub actions: Vec<Action>,
    /// Amplitude of each track given; `None` where loudness is left alone.
    pub gains: Vec<Option<f64>>,
    /// For each track played, where its transition into the next starts.
    pub cursors: Vec<Cursor>,
}

/// Plans a mix of these tracks.
///
/// # Errors
/// `ErrorKind::Unusable` where all tracks are too short.
pub fn plan(tracks: &[Track], request: Request) -> Result<Plan> {
    let order = if request.order {
        order_tracks(&tracks.iter().map(|track| track.tempo).collect::<Vec<_>>())
    } else {
        (0..tracks.len()).collect()
    };
    let equalize = request.equalize || matches!(request.policy, Policy::Forever { .. });
    let gain = |track: &Track| equalize.then(|| gain_from_loudness(track.loudness).max(0.0));
    let gains = tracks.iter().map(gain).collect();
    let (rejected, actions, cursors) = (Vec::new(), Vec::new(), Vec::new());
    let mut plan = Plan { order, rejected, actions, gains, cursors };
    let mut mixer = Mixer::new(request.policy);
    for &number in &plan.order {
        match mixer.add(number, &tracks[number]) {
            Ok(actions) => {
                plan.actions.extend(actions);
                plan.cursors.extend(mixer.cursor());
            }
            Err(_) => plan.rejected.push(number),
        }
    }
    plan.actions.extend(mixer.finish());
    if plan.actions.is_empty() {
        return Err(Error::new(ErrorKind::Unusable, "no track can be mixed")
            .because("all of them are too short for such transitions")
            .hint("choose shorter transitions"));
    }
    Ok(plan)
}

#[cfg(test)]
mod tests;
