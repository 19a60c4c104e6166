//! The wish to stop, set by a signal handler and looked at between blocks of work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Error, ErrorKind, Result};

/// A flag shared by all workers. Zero means go on; anything else is the signal's number.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicUsize>);

impl Cancel {
    /// A flag nobody has set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The word a signal handler writes the signal's number to.
    pub fn flag(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }

    /// Asks all workers to stop as if `signal` had come.
    pub fn stop(&self, signal: i32) {
        self.0.store(signal as usize, Ordering::SeqCst);
    }

    /// `Ok` while work may go on.
    ///
    /// # Errors
    /// `ErrorKind::Interrupted` with the signal's number once someone asked to stop.
    pub fn check(&self) -> Result<()> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Error::new(ErrorKind::Interrupted(signal as i32), "stopped")
                .hint("run the same command again: it goes on where it stopped")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_flag_stops_the_work_and_names_the_signal() {
        let cancel = Cancel::new();
        assert!(cancel.check().is_ok());
        cancel.clone().stop(15);
        assert_eq!(cancel.check().unwrap_err().kind(), ErrorKind::Interrupted(15));
    }
}
