//! Time, which tests can turn.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Time since some moment; never goes back.
    fn now(&self) -> Duration;

    /// Seconds since 1970, as people's clocks say. May be set back and forth.
    fn wall(&self) -> f64;
}

/// The clock of this machine.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn wall(&self) -> f64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
    }
}

/// A clock that moves when it is told to.
#[derive(Debug, Default)]
pub struct VirtualClock(Mutex<(Duration, f64)>);

impl VirtualClock {
    /// Lets time pass on both clocks.
    pub fn advance(&self, by: Duration) {
        let mut times = self.times();
        times.0 += by;
        times.1 += by.as_secs_f64();
    }

    /// Sets people's clock, as a user or a time server does.
    pub fn set_wall(&self, seconds: f64) {
        self.times().1 = seconds;
    }

    fn times(&self) -> std::sync::MutexGuard<'_, (Duration, f64)> {
        // Two plain numbers: whoever panicked cannot have left them half written.
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        self.times().0
    }

    fn wall(&self) -> f64 {
        self.times().1
    }
}

/// A moment in seconds since 1970 as `2026-11-25 20:58:31Z`, by the calendar of ISO 8601.
pub fn utc(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as i64;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March here, so that the leap day is the last of one. 1970-01-01 is day
    // 719,468 of the era that began on 0000-03-01; eras have 400 years.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let (year, hour, minute) = (400 * era + year + later, rest / 3_600, rest / 60 % 60);
    format!("{year:04}-{month:02}-{date:02} {hour:02}:{minute:02}:{:02}Z", rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_the_dates_of_the_calendar() {
        let known = [
            (0.0, "1970-01-01 00:00:00Z"),
            (951_782_399.9, "2000-02-28 23:59:59Z"),
            (951_782_400.0, "2000-02-29 00:00:00Z"),
            (951_868_800.0, "2000-03-01 00:00:00Z"),
            (1_735_689_599.0, "2024-12-31 23:59:59Z"),
            (1_795_640_311.0, "2026-11-25 20:58:31Z"),
            (4_107_542_400.0, "2100-03-01 00:00:00Z"),
        ];
        for (seconds, text) in known {
            assert_eq!(utc(seconds), text);
        }
    }

    #[test]
    fn a_virtual_clock_moves_when_told_and_its_wall_clock_can_be_set() {
        let clock = VirtualClock::default();
        clock.advance(Duration::from_secs(5));
        clock.set_wall(1_000.0);
        clock.advance(Duration::from_secs(5));
        assert_eq!((clock.now(), clock.wall()), (Duration::from_secs(10), 1_005.0));
    }
}
