//! A place listeners connect to: one format of the one mix.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use super::ring::Ring;
use crate::audio::encode::live::Format;
use crate::base::Seconds;

/// One format of the mix.
#[derive(Debug)]
pub struct Mount {
    /// `/all.mp3`
    pub path: String,
    /// What it is encoded as.
    pub format: Format,
    ring: Mutex<Ring>,
    /// Number of the first packet not yet released, as the ring has it and as listeners know it.
    due: AtomicU64,
    released: watch::Sender<u64>,
    /// Says that listeners have something to know.
    news: Notify,
    sent: AtomicU64,
    /// Time spent encoding, in microseconds, and encoders that had to be replaced.
    encoding: AtomicU64,
    replaced: AtomicU64,
}

/// How a mount fares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MountState {
    /// Packets made and not yet sent.
    pub packets: u64,
    /// Sound in them.
    pub seconds: Seconds,
    /// Bytes made.
    pub made: u64,
    /// Bytes sent to listeners.
    pub sent: u64,
    /// Time spent encoding.
    pub encoding: Seconds,
    /// Encoders that failed and were replaced.
    pub replaced: u64,
}

impl Mount {
    /// A mount at `path` whose encoder makes `rate` frames a second.
    pub fn new(path: String, format: Format, rate: f64, header: Bytes, keep: usize) -> Mount {
        let ring = Mutex::new(Ring::new(format, rate, header, keep));
        let zero = || AtomicU64::new(0);
        Mount {
            path,
            format,
            ring,
            due: zero(),
            released: watch::Sender::new(0),
            news: Notify::new(),
            sent: zero(),
            encoding: zero(),
            replaced: zero(),
        }
    }

    /// The ring. Nothing that holds it fails half way.
    pub fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Releases what is due and has the listeners woken.
    pub fn release(&self, until: Seconds) {
        let number = self.ring().release(until);
        if self.due.swap(number, Ordering::AcqRel) != number {
            self.news.notify_one();
        }
    }

    /// Wakes the listeners at every release, for ever. To wake a thousand of them from a thread
    /// that is not one of those they run on would cost that many calls to the system.
    pub async fn wake(&self) {
        loop {
            self.news.notified().await;
            self.released.send_replace(self.due.load(Ordering::Acquire));
        }
    }

    /// Tells of every release.
    pub fn releases(&self) -> watch::Receiver<u64> {
        self.released.subscribe()
    }

    /// Counts bytes that went to a listener.
    pub fn count_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts time that went into encoding.
    pub fn count_encoding(&self, time: std::time::Duration) {
        self.encoding.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }

    /// Goes on with a new encoder, whose first frame is heard at `at`.
    pub fn replaced(&self, header: Bytes, at: Seconds) {
        self.replaced.fetch_add(1, Ordering::Relaxed);
        self.ring().restart(header, at);
    }

    /// A stream begins that somebody else encodes; one that goes on after a break says so again.
    pub fn begun(&self, header: Bytes, at: Seconds) {
        let mut ring = self.ring();
        if ring.header() != header {
            ring.restart(header, at);
        }
    }

    /// How it fares.
    pub fn state(&self) -> MountState {
        let ring = self.ring();
        let (packets, seconds) = ring.waiting();
        MountState {
            packets,
            seconds,
            made: ring.bytes(),
            sent: self.sent.load(Ordering::Relaxed),
            encoding: Seconds(self.encoding.load(Ordering::Relaxed) as f64 / 1e6),
            replaced: self.replaced.load(Ordering::Relaxed),
        }
    }
}
