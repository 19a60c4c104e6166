//! Harmonic-percussive separation without trained weights.

use crate::base::{Result, SampleRate};

use super::Separator;
use realfft::num_complex::Complex32;

use super::masking::{MaskRule, Masking};
use super::median::Median;
use super::spectrogram::Spectrogram;
use super::windows::Framing;

/// Window at 44.1 kHz. Twice that separates no better and smears a hit 46 ms ahead.
const N_FFT_AT_CD_RATE: f64 = 2048.0;
/// Windows in the median over time: 0.24 s.
const TIME_TAPS: usize = 21;
/// Bins in the median over frequency: 670 Hz.
const FREQUENCY_TAPS: usize = 31;
/// How many times louder than the tone a hit must be to get half of a bin.
const MARGIN: f32 = 1.5;
/// Share of the steady tone taken off a bin before the rest counts as a drum's body.
const TONE_TAKEN_OFF: f32 = 0.8;
/// Below this the median over frequency sees bass only: kick drums are what exceeds the tone.
const KICK_HZ: f64 = 120.0;
/// Below this the bodies of snares and toms may exceed the median over frequency.
const BODY_HZ: f64 = 300.0;
/// Band in which hits are told from tones: above the loudest partials of most instruments.
const ATTACK_HZ: (f64, f64) = (1500.0, 8000.0);
/// Time in which a drum's body rings down to 1/e after its attack.
const RING_SECONDS: f64 = 0.19;
/// Power far below any sound, so that nothing divided by nothing is nothing.
const TINY: f32 = 1e-20;

/// Drums by median filtering (D. Fitzgerald, "Harmonic/percussive separation using median
/// filtering", DAFx 2010).
///
/// A median over time keeps tones, one over frequency keeps hits; a Wiener mask shares each bin
/// between the two. Added here are a margin for the tones (J. Driedger, M. Müller, S. Disch,
/// "Extending harmonic-percussive separation of audio signals", ISMIR 2014), a rule for the
/// tonal bodies of drums at low frequencies, and a gate that lets drums sound only after an
/// attack at high frequencies.
///
/// All lengths are times and frequencies, the same at every sample rate. The drums lag by 0.16 s.
pub struct Hpss {
    masking: Masking<Rule>,
}

impl Hpss {
    /// A separator for songs of `channels` channels at `rate`.
    pub fn new(rate: SampleRate, channels: usize) -> Self {
        let n_fft = window_length(rate);
        Hpss { masking: Masking::new(n_fft, channels, Framing::Even, Rule::new(rate, n_fft)) }
    }
}

impl Separator for Hpss {
    fn id(&self) -> &str {
        "hpss-1"
    }

    fn process(&mut self, mix: &[&[f32]], drums: &mut [Vec<f32>]) -> Result<()> {
        self.masking.process(mix, drums);
        Ok(())
    }

    fn finish(&mut self, drums: &mut [Vec<f32>]) -> Result<()> {
        self.masking.finish(drums);
        Ok(())
    }
}

/// The window nearest in length to 46 ms of the form 2^k or 3·2^k, which transform fastest.
fn window_length(rate: SampleRate) -> usize {
    let wanted = N_FFT_AT_CD_RATE * rate.as_f64() / SampleRate::CD.as_f64();
    let below = 1 << wanted.log2().floor() as u32;
    let off = |n: &usize| (*n as f64 / wanted).ln().abs();
    [below, below / 2 * 3, below * 2]
        .into_iter()
        .min_by(|a, b| off(a).total_cmp(&off(b)))
        .unwrap_or(below)
}

/// The mask rule of [`Hpss`].
struct Rule {
    spectrogram: Spectrogram,
    /// The window that is masked next.
    now: usize,
    over_time: Median,
    over_frequency: Median,
    tone: Vec<f32>,
    hit: Vec<f32>,
    /// Bins below which the rules for kicks and for bodies hold.
    kick_bins: usize,
    body_bins: usize,
    attack_bins: std::ops::Range<usize>,
    /// What is left of an attack one window later.
    ring: f32,
    /// Magnitude below which the attack band counts as silent.
    silent: f32,
    attack: f32,
}

impl Rule {
    fn new(rate: SampleRate, n_fft: usize) -> Self {
        let bins = n_fft / 2 + 1;
        let bin = |hz: f64| ((hz * n_fft as f64 / rate.as_f64()).ceil() as usize).min(bins);
        let hop_seconds = (n_fft / super::stft::OVERLAP) as f64 / rate.as_f64();
        Rule {
            spectrogram: Spectrogram::new(bins, TIME_TAPS / 2),
            now: 0,
            over_time: Median::new(TIME_TAPS),
            over_frequency: Median::new(FREQUENCY_TAPS),
            tone: vec![0.0; bins],
            hit: vec![0.0; bins],
            kick_bins: bin(KICK_HZ),
            body_bins: bin(BODY_HZ),
            attack_bins: bin(ATTACK_HZ.0)..bin(ATTACK_HZ.1),
            ring: (-hop_seconds / RING_SECONDS).exp() as f32,
            silent: n_fft as f32 * 5e-6,
            attack: 0.0,
        }
    }

    /// Follows the attack, 0..=1: the share of the attack band that belongs to hits, ringing
    /// down after each.
    fn follow_attack(&mut self) {
        let magnitude = self.spectrogram.at(self.now as isize);
        let (mut hits, mut all) = (0.0, self.silent);
        for bin in self.attack_bins.clone() {
            hits += magnitude[bin] * wiener(self.hit[bin], self.tone[bin]);
            all += magnitude[bin];
        }
        self.attack = (hits / all).max(self.attack * self.ring);
    }
}

impl MaskRule for Rule {
    fn see(&mut self, spectra: &[Vec<Complex32>]) {
        self.spectrogram.push(spectra);
    }

    fn end(&mut self) {
        self.spectrogram.end();
    }

    fn mask(&mut self, masks: &mut [Vec<f32>]) -> bool {
        let Some(mask) = masks.first_mut().filter(|_| self.spectrogram.shows(self.now)) else {
            return false;
        };
        let (now, reach) = (self.now as isize, (TIME_TAPS / 2) as isize);
        let rows: [&[f32]; TIME_TAPS] =
            std::array::from_fn(|i| self.spectrogram.at(now - reach + i as isize));
        self.over_time.across_rows(&rows, &mut self.tone);
        self.over_frequency.along_row(self.spectrogram.at(now), &mut self.hit);
        self.follow_attack();

        let (magnitude, attack) = (self.spectrogram.at(now), self.attack);
        for (bin, mask) in mask.iter_mut().enumerate() {
            let (tone, hit) = (self.tone[bin], self.hit[bin]);
            let body = (magnitude[bin] - TONE_TAKEN_OFF * tone).max(0.0);
            *mask = attack
                * if bin < self.kick_bins {
                    wiener(body, tone)
                } else if bin < self.body_bins {
                    wiener(hit.max(attack * body), MARGIN * tone)
                } else {
                    wiener(hit, MARGIN * tone)
                };
        }
        self.now += 1;
        true
    }

    fn reset(&mut self) {
        self.spectrogram.reset();
        (self.now, self.attack) = (0, 0.0);
    }
}

/// The share of `part` in the power of both.
fn wiener(part: f32, rest: f32) -> f32 {
    let (part, rest) = (part * part, rest * rest);
    part / (part + rest + TINY)
}

#[cfg(test)]
mod tests;
