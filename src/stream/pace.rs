//! When what is sent: sound leaves as fast as it is played, by a clock that never goes back.

use std::time::Duration;

use crate::base::Seconds;

/// Being late by more than this is made up for at once and told, as the original did.
const DRIFT: f64 = 0.1;
/// Being late by more than this (a machine that slept) is not made up for: listeners would be
/// sent minutes at once.
const MOST_CAUGHT_UP: f64 = 2.0;

/// The pace of a stream.
#[derive(Debug, Default)]
pub struct Pace {
    /// What the clock said when the stream's first frame was due; moved by pauses.
    start: Option<f64>,
    last: f64,
}

/// What the pace says now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Released {
    /// Sound up to here is due.
    pub until: Seconds,
    /// By how much the sending is late, where that is worth a word.
    pub drift: Option<Seconds>,
    /// By how much there was too little sound.
    pub missing: Option<Seconds>,
}

impl Pace {
    /// What is due at `now`, of the sound made up to `made`. Time stands still while there is too
    /// little of it.
    pub fn due(&mut self, now: Duration, made: Seconds) -> Released {
        let now = now.as_secs_f64();
        let start = *self.start.get_or_insert(now);
        let mut until = now - start;
        let late = until - self.last;
        let mut drift = None;
        if late > DRIFT + super::station::TICK.as_secs_f64() {
            drift = Some(Seconds(late));
        }
        if late > MOST_CAUGHT_UP {
            until = self.last + DRIFT;
            self.start = Some(now - until);
        }
        let missing = (until > made.0).then_some(Seconds(until - made.0));
        if missing.is_some() {
            until = made.0.max(self.last);
            self.start = Some(now - until);
        }
        self.last = until;
        Released { until: Seconds(until), drift, missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn sound_is_due_as_fast_as_it_is_played() {
        let mut pace = Pace::default();
        for tick in 0..1_000 {
            let due = pace.due(at(100.0 + 0.05 * f64::from(tick)), Seconds(1e9));
            assert!((due.until.0 - 0.05 * f64::from(tick)).abs() < 1e-9);
            assert_eq!((due.drift, due.missing), (None, None));
        }
    }

    #[test]
    fn a_late_tick_is_caught_up_with_and_told() {
        let mut pace = Pace::default();
        pace.due(at(0.0), Seconds(1e9));
        let due = pace.due(at(1.5), Seconds(1e9));
        assert_eq!((due.until, due.drift), (Seconds(1.5), Some(Seconds(1.5))));
    }

    #[test]
    fn after_a_sleep_of_ten_minutes_listeners_are_not_sent_ten_minutes() {
        let mut pace = Pace::default();
        pace.due(at(0.0), Seconds(1e9));
        pace.due(at(0.05), Seconds(1e9));
        let due = pace.due(at(600.0), Seconds(1e9));
        assert!(due.until.0 < 0.2 && due.drift.is_some());
        let next = pace.due(at(600.05), Seconds(1e9));
        assert!((next.until.0 - due.until.0 - 0.05).abs() < 1e-9);
    }

    #[test]
    fn time_stands_still_while_there_is_too_little_sound() {
        let mut pace = Pace::default();
        pace.due(at(0.0), Seconds(1.0));
        let due = pace.due(at(1.5), Seconds(1.0));
        assert_eq!((due.until, due.missing), (Seconds(1.0), Some(Seconds(0.5))));
        let due = pace.due(at(1.55), Seconds(30.0));
        assert!((due.until.0 - 1.05).abs() < 1e-9, "it goes on where it stopped: {due:?}");
    }
}
