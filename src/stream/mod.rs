//! The mix, live: packets, listeners, and what they are told.
//!
//! Sound comes from a [`Source`] in blocks; the [`Producer`] holds some of it back, which goes round
//! while there is no more, and encodes it ahead of time into the [`Mount`]s of a [`Station`]; packets are released when their time has come, and every listener
//! holds a place in the mount's one ring of packets.

mod air;
mod background;
mod board;
mod http;
mod icecast;
mod icy;
mod mount;
mod pace;
mod process;
mod producer;
mod relaying;
mod relays;
mod reserve;
mod ring;
mod source;
mod station;
mod told;
mod waveform;

pub use air::Antenna;
pub use board::Board;
pub use http::router;
pub use icecast::Icecast;
pub use icy::{IcyReader, IcyWriter};
pub use mount::{Mount, MountState};
pub use pace::{Pace, Released};
pub use producer::{Encoders, KEEP, Producer, Workshop};
pub use relaying::Origin;
pub use relays::{Relay, Relays};
pub use reserve::Rounds;
pub use ring::{Ring, Taken};
pub use source::{
    Artwork, Made, Need, News, PEAKS, Segment, SegmentTrack, SongCard, Source, SourceState, Wish,
};
pub use station::{Listener, Station, StationOptions, TICK};
