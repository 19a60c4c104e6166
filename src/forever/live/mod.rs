//! The mix while it is heard: songs are chosen, planned and rendered for ever.
//!
//! The [`Librarian`] looks after the songs on a thread of its own and hands them over ready to be
//! played; the [`LiveMix`] plans and renders, and never waits for anything for long.

mod artwork;
mod deck;
mod hold;
mod librarian;
mod mixer;
mod segments;
mod state;

pub use artwork::artwork;
pub use deck::Deck;
pub use librarian::{Answer, Banned, Desired, Librarian, LiveOptions};
pub use mixer::{LiveMix, OpenSong, Reader, SongWave};
pub use state::{Remembered, StateFile, remembered};
