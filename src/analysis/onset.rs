//! Onset curves: where sounds begin, how strongly, in which register.
//!
//! [`OnsetAnalyzer`] listens to 22 050 Hz mono in blocks of any size and keeps only curves, about
//! twenty floats for every 11.6 ms. The broadband curve is the log-spectral flux with a maximum
//! filter over neighbouring bands that keeps vibrato from looking like onsets (SuperFlux: Böck and
//! Widmer, DAFx 2013). Beside it stands a complex-domain curve, which also hears notes that change
//! pitch and not level. A second, slower and finer spectrum of the decimated signal yields chroma
//! for bass and melody, from which chord changes are read.

mod columns;
mod complex;

use std::ops::Range;

use self::columns::ChromaAnalyzer;
use self::complex::ComplexDomain;
use super::mfcc::N_MFCC;
use super::real_fft::RealFft;
use super::soundprint::{PrintAnalyzer, SoundPrint};
use super::stft::hann;
use super::timbre::TimbreAnalyzer;
use crate::base::{SampleRate, Seconds, ln, sum_of, wide};

/// Samples between two values of a curve: 11.6 ms at 22 050 Hz.
pub const HOP: usize = 256;
/// Hops between two chroma columns.
pub const CHROMA_HOPS: usize = DECIMATION;
/// Values of the attack curve a hop: one every 2.9 ms.
pub const PARTS: usize = 4;
/// Values of one chroma column: 12 pitch classes of the bass, then 12 of the melody.
pub const CHROMA_WIDTH: usize = 24;

const FFT: usize = 1024;
const DECIMATION: usize = 4;
/// Hops between the spectra that the flux compares: half a window, as SuperFlux recommends.
const LAG: usize = 2;
/// Number of registers, each with a flux curve of its own.
pub const REGISTERS: usize = 4;
/// Upper edges of the registers in bins of 21.5 Hz: 150 Hz (kick drum, bass), 800 Hz, 2.5 kHz,
/// 10 kHz. Without the split, a bass note with its many harmonics outweighs a snare drum.
const REGISTER_EDGES: [usize; REGISTERS] = [7, 37, 116, FFT / 2];
/// Magnitudes (full-scale sine = 1) well above 1 / `COMPRESSION` count by their ratio.
const COMPRESSION: f32 = 1000.0;
/// Samples beyond any sensible level are clipped so that no sum overflows.
const LOUDEST: f32 = 16.0;
/// Bin of 10 kHz, above which lossy files and old recordings have nothing.
const HIGHEST: usize = FFT * 10_000 / 22_050;

/// Curves of one recording, one value for each hop of [`HOP`] samples; value `n` describes the
/// sound around sample `n * HOP`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OnsetEnvelope {
    pub(super) flux: Vec<[f32; REGISTERS]>,
    pub(super) complex: Vec<f32>,
    pub(super) level: Vec<f32>,
    pub(super) attack: Vec<[f32; PARTS]>,
    pub(super) chroma: Vec<[f32; CHROMA_WIDTH]>,
    pub(super) timbre: Vec<[f32; N_MFCC]>,
    pub(super) print: SoundPrint,
}

impl OnsetEnvelope {
    /// Hops a second (86.13).
    pub fn rate() -> f64 {
        SampleRate::ANALYSIS.as_f64() / HOP as f64
    }

    /// Number of hops.
    pub fn len(&self) -> usize {
        self.flux.len()
    }

    /// Whether no audio was pushed at all.
    pub fn is_empty(&self) -> bool {
        self.flux.is_empty()
    }

    /// Length of the recording, to the hop.
    pub fn duration(&self) -> Seconds {
        Seconds(self.len() as f64 / Self::rate())
    }

    /// Mean rise of the log spectrum in each register, low to high, in nepers; never negative.
    pub fn flux(&self) -> &[[f32; REGISTERS]] {
        &self.flux
    }

    /// The rectified complex-domain function (Dixon 2006): what steady partials of the hops before do
    /// not explain, over all bins that grow.
    pub fn complex(&self) -> &[f32] {
        &self.complex
    }

    /// Root mean square of each hop's 256 samples.
    pub fn level(&self) -> &[f32] {
        &self.level
    }

    /// Root mean square of the sample-to-sample difference in each quarter of each hop: the
    /// finest picture of attacks, with bass held back.
    pub fn attack(&self) -> &[[f32; PARTS]] {
        &self.attack
    }

    /// What the recording can be known by.
    pub fn print(&self) -> &SoundPrint {
        &self.print
    }

    /// Chroma columns, one every [`CHROMA_HOPS`] hops: energy-like, not normalised.
    pub fn chroma(&self) -> &[[f32; CHROMA_WIDTH]] {
        &self.chroma
    }

    /// Columns of MFCC, one every [`CHROMA_HOPS`] hops.
    pub fn timbre(&self) -> &[[f32; N_MFCC]] {
        &self.timbre
    }
}

/// Accumulates an [`OnsetEnvelope`] from a stream of audio.
pub struct OnsetAnalyzer {
    window: Spectrum,
    bands: Vec<Range<usize>>,
    history: History,
    complex: ComplexDomain,
    chroma: ChromaAnalyzer,
    timbre: TimbreAnalyzer,
    print: PrintAnalyzer,
    pending: Vec<f32>,
    heard: usize,
    envelope: OnsetEnvelope,
}

impl Default for OnsetAnalyzer {
    fn default() -> Self {
        Self::new()
    }
}

impl OnsetAnalyzer {
    /// An analyzer that has heard nothing yet.
    pub fn new() -> Self {
        let bands = band_edges();
        OnsetAnalyzer {
            window: Spectrum::new(),
            history: History::new(&bands),
            complex: ComplexDomain::new(),
            bands,
            chroma: ChromaAnalyzer::new(),
            timbre: TimbreAnalyzer::new(),
            print: PrintAnalyzer::new(),
            // Half a window of silence before the start centres frame n on sample n * HOP.
            pending: vec![0.0; FFT / 2],
            heard: 0,
            envelope: OnsetEnvelope::default(),
        }
    }

    /// Adds mono samples at 22 050 Hz. Values that are not finite count as silence. The result
    /// does not depend on how the stream is cut into blocks.
    pub fn push(&mut self, mono: &[f32]) {
        for block in mono.chunks(16 * FFT) {
            self.heard += block.len();
            self.pending.extend(block.iter().map(|&x| sane(x)));
            self.drain();
        }
    }

    /// Ends the stream and hands over the curves.
    pub fn finish(mut self) -> OnsetEnvelope {
        let frames = self.heard.div_ceil(HOP);
        while self.envelope.len() < frames {
            self.pending.extend([0.0; HOP]);
            self.drain();
        }
        self.chroma.finish(&mut self.envelope.chroma, frames.div_ceil(CHROMA_HOPS));
        self.envelope.print = self.print.finish();
        self.envelope
    }

    fn drain(&mut self) {
        let mut start = 0;
        while start + FFT <= self.pending.len() {
            self.frame(start);
            start += HOP;
        }
        self.pending.drain(..start);
    }

    fn frame(&mut self, start: usize) {
        let frame = &self.pending[start..start + FFT];
        let hop = &frame[FFT / 2..FFT / 2 + HOP];
        let energy = sum_of(hop, |x| x * x);
        self.chroma.push(hop, &mut self.envelope.chroma);
        let bins = self.window.of(frame);
        self.print.push(bins.magnitudes);
        if self.envelope.len().is_multiple_of(CHROMA_HOPS) {
            self.envelope.timbre.push(self.timbre.column(bins.magnitudes));
        }
        self.envelope.flux.push(self.history.advance(bins.magnitudes, &self.bands));
        self.envelope.complex.push(self.complex.advance(bins.re, bins.im));
        self.envelope.level.push((energy / HOP as f32).sqrt());
        self.envelope.attack.push(roughness(&frame[FFT / 2 - 1..FFT / 2 + HOP]));
    }
}

fn sane(x: f32) -> f32 {
    if x.is_finite() { x.clamp(-LOUDEST, LOUDEST) } else { 0.0 }
}

/// Root mean square of the differences in each part of a hop that follows one older sample.
fn roughness(samples: &[f32]) -> [f32; PARTS] {
    const PART: usize = HOP / PARTS;
    let mut steps = [0.0; HOP];
    for ((step, before), x) in steps.iter_mut().zip(samples).zip(&samples[1..]) {
        *step = x - before;
    }
    let (parts, _) = steps.as_chunks::<PART>();
    std::array::from_fn(|p| (sum_of(&parts[p], |step| step * step) / PART as f32).sqrt())
}

/// Bands a semitone wide, and one bin wide where a semitone is narrower, from 21 Hz to 10 kHz.
fn band_edges() -> Vec<Range<usize>> {
    let mut bands = Vec::new();
    let mut start = 1usize;
    while start < HIGHEST {
        let end = ((start as f64 * 2f64.powf(1.0 / 12.0)).round() as usize).max(start + 1);
        bands.push(start..end);
        start = end;
    }
    bands
}

/// A windowed spectrum of [`FFT`] samples, scaled so that a full-scale sine reads 1.
struct Spectrum {
    fft: RealFft,
    magnitudes: Vec<f32>,
}

/// One spectrum: the parts and the magnitude of each bin.
#[derive(Clone, Copy)]
struct Bins<'a> {
    re: &'a [f32],
    im: &'a [f32],
    magnitudes: &'a [f32],
}

impl Spectrum {
    fn new() -> Self {
        let window = hann(FFT).iter().map(|w| w * 4.0 / FFT as f32).collect();
        Spectrum { fft: RealFft::new(window), magnitudes: vec![0.0; FFT / 2 + 1] }
    }

    fn of(&mut self, frame: &[f32]) -> Bins<'_> {
        let (re, im) = self.fft.of(frame);
        let magnitudes = &mut self.magnitudes;
        wide!({
            for ((magnitude, re), im) in magnitudes.iter_mut().zip(re).zip(im) {
                *magnitude = (re * re + im * im).sqrt();
            }
        });
        Bins { re, im, magnitudes: &self.magnitudes }
    }
}

/// The last [`LAG`] log spectra, in a ring.
struct History {
    logs: Vec<f32>,
    ring: Vec<Vec<f32>>,
    turn: usize,
    /// First band of each register, then the number of bands.
    edges: [usize; REGISTERS + 1],
}

impl History {
    fn new(bands: &[Range<usize>]) -> Self {
        let mut edges = [0; REGISTERS + 1];
        for (edge, bin) in edges[1..].iter_mut().zip(REGISTER_EDGES) {
            *edge = bands.iter().filter(|band| band.start < bin).count();
        }
        let n = bands.len();
        History { logs: vec![0.0; n], ring: vec![vec![0.0; n]; LAG], turn: 0, edges }
    }

    /// Takes the next spectrum; returns the flux of each register against `LAG` frames ago.
    fn advance(&mut self, magnitudes: &[f32], bands: &[Range<usize>]) -> [f32; REGISTERS] {
        for (log, band) in self.logs.iter_mut().zip(bands) {
            *log = magnitudes[band.clone()].iter().sum();
        }
        let logs = &mut self.logs;
        wide!(logs.iter_mut().for_each(|log| *log = ln(1.0 + COMPRESSION * *log)));
        let past = &mut self.ring[self.turn];
        let mut flux = [0.0; REGISTERS];
        for (r, flux) in flux.iter_mut().enumerate() {
            let (from, to) = (self.edges[r], self.edges[r + 1]);
            // In the lowest register a neighbouring bass note must not hide a kick.
            let reach = usize::from(r > 0);
            let rise: f32 = (from..to).map(|b| rise(&self.logs, past, b, reach)).sum();
            *flux = rise / (to - from) as f32;
        }
        past.copy_from_slice(&self.logs);
        self.turn = (self.turn + 1) % LAG;
        flux
    }
}

/// How far band `b` rises above the highest of the past bands within `reach` of it, or 0.
fn rise(now: &[f32], past: &[f32], b: usize, reach: usize) -> f32 {
    let mut highest = past[b];
    for &p in &past[b - reach..(b + reach + 1).min(past.len())] {
        highest = if p > highest { p } else { highest };
    }
    let d = now[b] - highest;
    if d > 0.0 { d } else { 0.0 }
}

#[cfg(test)]
mod tests;
