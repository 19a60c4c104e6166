//! Source separation: splitting a mix into its drums, or more sources, and everything else.
//!
//! Every separator sits behind [`Separator`]: [`Compact`] is a small network whose weights are in
//! the program, [`Hpss`] needs no weights. Both mask a short-time spectrum and share the streaming
//! machinery of `masking`; they differ only in their mask rule. [`Htdemucs`] is a large network
//! whose weights the user brings. [`Resampled`] lets a separator made for one rate take songs at
//! any.

mod compact;
mod hpss;
mod htdemucs;
mod masking;
mod median;
mod resampled;
mod safetensors;
mod spectrogram;
mod stft;
mod windows;

pub use compact::Compact;
pub use hpss::Hpss;
pub use htdemucs::{
    Htdemucs, HtdemucsSeparator, OVERLAP as HTDEMUCS_OVERLAP, Open as OpenWeights, SOURCES,
};
pub use resampled::Resampled;

use crate::base::Result;

/// Finds drums, or more sources, in a mix; the caller forms the rest, `mix - drums`, so that all
/// add up to the mix whatever the separator does.
///
/// Audio is planar `f32`, one slice a channel, full scale ±1.
pub trait Separator: Send {
    /// Name and version as written in manifests, such as `hpss-1`. It changes whenever the same
    /// mix would give other drums.
    fn id(&self) -> &str;

    /// True where the whole song must be heard once before it is separated.
    fn hears_first(&self) -> bool {
        false
    }

    /// The share of the work that hearing the song takes, for the progress shown.
    fn hearing(&self) -> f64 {
        0.2
    }

    /// Hears a block of the mix, cut as for [`Separator::process`], before the first is processed.
    ///
    /// # Errors
    /// As `process`.
    fn hear(&mut self, _mix: &[&[f32]]) -> Result<()> {
        Ok(())
    }

    /// Feeds a block of the mix and appends the drums that are ready to `drums`.
    ///
    /// `mix` has one slice a channel, all of one length, which may be any; `drums` has one `Vec`
    /// a channel, and as many again for every further source. Frame `n` given out belongs to frame `n` fed: the drums lag by a bounded time
    /// but are not shifted. How the mix is cut into blocks does not change what comes out.
    ///
    /// # Errors
    /// `ErrorKind::Internal` where the separator fails.
    fn process(&mut self, mix: &[&[f32]], drums: &mut [Vec<f32>]) -> Result<()>;

    /// Gives out what is left: afterwards as many frames have come out as were fed, and the
    /// separator is ready for the next song.
    ///
    /// # Errors
    /// As `process`.
    fn finish(&mut self, drums: &mut [Vec<f32>]) -> Result<()>;
}
