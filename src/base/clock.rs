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
