//! The sound of a song while it is played: what cannot be read is silent, and noted.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::reader::{Far, Reader};
use crate::audio::AudioBuffer;
use crate::audio::splice::Wave;
use crate::base::{Limits, Result, SampleRate};
use crate::forever::live::Deck;
use crate::mix::{Part, TrackSound};

/// A song may be so much shorter than it was when it was heard, in seconds.
const SHORT: f64 = 0.5;

/// Where the number of a song that failed is noted.
#[derive(Clone, Debug, Default)]
pub struct Failures(Arc<Mutex<Option<usize>>>);

impl Failures {
    /// Notes one.
    pub fn note(&self, number: usize) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(number);
    }

    /// The one noted last, once.
    pub fn take(&self) -> Option<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Opens song `number` of a plan.
///
/// # Errors
/// Where it cannot be opened, which is noted.
pub fn open(
    deck: &Deck,
    stems: bool,
    reader: &Reader,
    (limits, rate): (&Limits, SampleRate),
    (failures, number): (&Failures, usize),
) -> Result<TrackSound> {
    let reel = |path: &str| -> Result<Box<dyn Wave + Send>> {
        let wave = reader.open(Path::new(path), limits, rate)?;
        let least = ((deck.track.duration.0 - SHORT) * rate.as_f64()) as i64;
        Ok(Box::new(Steady { wave, least, failures: failures.clone(), number }))
    };
    let whole = || match reel(&deck.track.path) {
        Ok(reel) => Ok(vec![(Part::All, reel)]),
        Err(error) => {
            failures.note(number);
            Err(error)
        }
    };
    let parts = match deck.track.stems.as_ref().filter(|_| stems) {
        // Stems that are gone are no reason to stop: the song is there.
        Some(files) => match (reel(&files.drums), reel(&files.other)) {
            (Ok(drums), Ok(other)) => vec![(Part::Drums, drums), (Part::Other, other)],
            _ => whole()?,
        },
        None => whole()?,
    };
    Ok(TrackSound { parts })
}

/// Sound that is silent where it cannot be read, and notes it.
struct Steady {
    wave: Far,
    /// Frames there must be: a file that was cut since ends like any other, only too early.
    least: i64,
    failures: Failures,
    number: usize,
}

impl Wave for Steady {
    fn read(&mut self, range: std::ops::Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        let frames = (range.end - range.start).max(0) as usize;
        let end = range.end;
        let read = self.wave.read(range, out);
        if self.wave.ended().is_some_and(|ended| ended < self.least.min(end)) {
            self.failures.note(self.number);
        }
        if read.is_err() {
            self.failures.note(self.number);
            *out = AudioBuffer::silence(2, frames);
        }
        Ok(())
    }
}
