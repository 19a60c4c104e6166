//! Source separation: splitting a mix into its drums and everything else.
//!
//! Every separator sits behind [`Separator`]. [`Hpss`] needs no trained weights and is always
//! there. Separators that mask a short-time spectrum share the streaming machinery of
//! `masking`; they differ only in their mask rule.

mod hpss;
mod masking;
mod median;
mod stft;

pub use hpss::Hpss;

/// Splits a mix into drums; the caller forms `other = mix - drums`, so that both add up to the
/// mix whatever the separator does.
///
/// Audio is planar `f32`, one slice a channel, full scale ±1.
pub trait Separator: Send {
    /// Name and version as written in manifests, such as `hpss-1`. It changes whenever the same
    /// mix would give other drums.
    fn id(&self) -> &str;

    /// Feeds a block of the mix and appends the drums that are ready to `drums`.
    ///
    /// `mix` has one slice a channel, all of one length, which may be any; `drums` has one `Vec`
    /// a channel. Frame `n` given out belongs to frame `n` fed: the drums lag by a bounded time
    /// but are not shifted. How the mix is cut into blocks does not change what comes out.
    fn process(&mut self, mix: &[&[f32]], drums: &mut [Vec<f32>]);

    /// Gives out what is left: afterwards as many frames have come out as were fed, and the
    /// separator is ready for the next song.
    fn finish(&mut self, drums: &mut [Vec<f32>]);
}
