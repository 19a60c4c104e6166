//! Samples: reading songs, writing files, rates, levels.
//!
//! Songs come in through [`Decoder`] as blocks of an [`AudioBuffer`]; clips and stems of ours
//! travel as WAV ([`wav`]).

mod buffer;
mod decode;
mod dither;
pub mod encode;
mod flac_frame;
mod fold;
mod front;
pub mod join;
pub mod limiter;
pub mod loudness;
mod mp4_edit;
mod mpeg_reader;
mod ogg;
mod packets;
mod reel;
mod resample;
pub mod splice;
mod tags;
mod true_peak;
pub mod wav;

pub use buffer::AudioBuffer;
pub use decode::{Damage, Decoder};
pub use reel::Reel;
pub use resample::Resampler;
pub use tags::{Tags, clean, is_direction_mark};
pub use true_peak::TruePeakMeter;
