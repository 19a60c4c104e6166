//! What is played while the next song is not ready: more of this one, and then its last bars
//! again.

use crate::analysis::TrackAnalysis;
use crate::base::Seconds;
use crate::mix::dj::Desk;
use crate::mix::{Action, Planned};

/// Sound added at a time, in seconds.
const PIECE: f64 = 8.0;
/// A song is played on up to so many seconds before its end: a transition needs that much of it.
const RESERVE: f64 = 40.0;
/// Bars that are repeated, and seconds where there are no bars.
const BARS: usize = 8;
const NO_BARS: f64 = 20.0;
/// Length of the crossing from the end of the loop to its beginning where no bar line is left, and
/// where there is no beat that it could break, in seconds.
const CROSSING: f64 = 0.5;
const LOOSE_CROSSING: f64 = 4.0;

/// More of the song that plays; `true` if it had to be repeated.
pub fn hold(desk: &mut Desk, number: usize, song: &TrackAnalysis) -> (Vec<Planned>, bool) {
    let free = desk.free().0;
    let end = song.edges.end.0.min(song.duration.0);
    if free + PIECE + RESERVE < end {
        return (vec![desk.stay(number, Seconds(free + PIECE))], false);
    }
    let around = loop_of(song, free);
    let stay = desk.stay(number, Seconds(around.source));
    let jump = Action::Jump {
        track: number,
        source: Seconds(around.source),
        target: Seconds(around.target),
        duration: Seconds(around.crossing),
    };
    *desk = Desk::at(Seconds(around.target));
    (vec![stay, jump.into()], true)
}

/// Where a loop is left and where it is entered again.
struct Loop {
    source: f64,
    target: f64,
    crossing: f64,
}

/// The bars around a place: left at the next bar line, entered eight bars before.
fn loop_of(song: &TrackAnalysis, free: f64) -> Loop {
    let bars: Vec<f64> = song.rhythm.as_ref().map_or_else(Vec::new, |rhythm| {
        let both = rhythm.beats.iter().zip(&rhythm.positions);
        both.filter(|(_, position)| **position == 1).map(|(beat, _)| beat.0).collect()
    });
    let beat = song.rhythm.as_ref().map_or(CROSSING, |rhythm| 60.0 / rhythm.tempo.0.max(20.0));
    let end = song.duration.0 - beat;
    if let Some(at) = bars.iter().position(|&bar| bar >= free && bar <= end)
        && at >= 2
    {
        let back = bars[at.saturating_sub(BARS)];
        return Loop { source: bars[at], target: back + beat, crossing: beat };
    }
    // No bar line is left: from here back over whole bars, or over some seconds.
    let (bar, crossing) = match (bars.first(), bars.last()) {
        (Some(first), Some(last)) if bars.len() > 2 => {
            ((last - first) / (bars.len() - 1) as f64 * BARS as f64, CROSSING)
        }
        _ => (NO_BARS, LOOSE_CROSSING.min(song.duration.0 - free).max(CROSSING)),
    };
    let source = free.min(song.duration.0 - crossing).max(0.0);
    let back = (source - bar).max(song.edges.start.0.min(source));
    Loop { source, target: back + crossing, crossing }
}
