//! Ground floor: units, errors, limits, chance, progress and cancellation.
//!
//! Nothing here touches audio, files or the terminal; every other room may use it.

mod bytes;
mod cancel;
mod clock;
mod contain;
mod error;
mod heap;
mod lanes;
mod limits;
mod progress;
mod seed;
mod units;

pub use bytes::{ByteSource, Uninterrupted};
pub use cancel::Cancel;
pub use clock::{Clock, SystemClock, VirtualClock, utc};
pub use contain::{contained, is_contained};
pub use error::{Error, ErrorKind, Result};
pub use heap::with_one_heap;
pub(crate) use lanes::wide;
pub use lanes::{all_within, largest, ln, sum_of};
pub use limits::Limits;
pub use progress::{Event, Progress, Quiet};
pub use seed::{Draws, Seed, SeededDraws};
pub use units::{Bpm, Decibels, Frames, JumpRate, Lufs, SampleRate, Seconds};
