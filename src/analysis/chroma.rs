//! Chroma: the energy of a spectrum folded onto the twelve pitch classes, with the filter bank of
//! Ellis (2007, `chroma_feature_analysis`) as librosa builds it.

use crate::base::wide;

/// Pitch classes, C first.
pub const N_CHROMA: usize = 12;

/// Octave (A0 = 27.5 Hz counting as 0) that the bank favours, and the width of that preference.
const CENTRE_OCTAVE: f64 = 5.0;
const OCTAVE_WIDTH: f64 = 2.0;
/// Hz of the lowest A of a piano, from which octaves are counted.
const LOWEST_A: f64 = 27.5;
/// Bin 0 has no pitch; it is put this many octaves below bin 1, where it weighs next to nothing.
const BELOW_BIN_ONE: f64 = 1.5;

/// Maps a power spectrum to twelve pitch classes.
pub struct ChromaBank {
    /// `[bin][pitch class]`, so that the inner loop runs over independent sums.
    weights: Vec<[f32; N_CHROMA]>,
}

impl ChromaBank {
    /// The bank for power spectra of `n_fft / 2 + 1` bins at `sample_rate` Hz.
    ///
    /// `tuning` is how far the music lies above A = 440 Hz, in semitones; what is not a finite
    /// number counts as 0.
    pub fn new(sample_rate: f64, n_fft: usize, tuning: f32) -> Self {
        let tuning = if tuning.is_finite() { tuning } else { 0.0 };
        let octave = |bin: usize| {
            (bin as f64 * sample_rate / n_fft as f64 / LOWEST_A).log2() - f64::from(tuning) / 12.0
        };
        let position = |bin: usize| match bin {
            0 => octave(1) - BELOW_BIN_ONE,
            _ => octave(bin),
        };
        let column = |bin| column(position(bin), position(bin + 1) - position(bin));
        ChromaBank { weights: (0..=n_fft / 2).map(column).collect() }
    }

    /// Energy of each pitch class, unscaled. Bins beyond the bank are left out.
    pub fn apply(&self, power: &[f32]) -> [f32; N_CHROMA] {
        // Two sets of sums: one alone would wait for its own previous addition at every bin.
        wide!({
            let mut sums = [[0.0f32; N_CHROMA]; 2];
            for (pair, powers) in self.weights.chunks(2).zip(power.chunks(2)) {
                for ((sum, row), &p) in sums.iter_mut().zip(pair).zip(powers) {
                    for (s, w) in sum.iter_mut().zip(row) {
                        *s += w * p;
                    }
                }
            }
            let [mut sum, second] = sums;
            sum.iter_mut().zip(second).for_each(|(a, b)| *a += b);
            sum
        })
    }
}

/// Weights of one bin that lies `octave` octaves above the lowest A, `width` octaves from the next:
/// a Gaussian on the circle of pitch classes, of unit length, scaled by the octave preference.
fn column(octave: f64, width: f64) -> [f32; N_CHROMA] {
    let classes = N_CHROMA as f64;
    let width = (width * classes).max(1.0);
    let bump: [f64; N_CHROMA] = std::array::from_fn(|c| {
        // Octaves count from A, the classes from C three semitones above.
        let from_a = (c as f64 + 3.0) % classes;
        let distance = (octave * classes - from_a + classes / 2.0).rem_euclid(classes);
        let distance = distance - classes / 2.0;
        (-0.5 * (2.0 * distance / width).powi(2)).exp()
    });
    let length = bump.iter().map(|w| w * w).sum::<f64>().sqrt();
    let preference = (-0.5 * ((octave - CENTRE_OCTAVE) / OCTAVE_WIDTH).powi(2)).exp();
    bump.map(|w| (w / length * preference) as f32)
}

/// Divides by the largest value and returns it; silence is left as it is, as librosa does.
pub fn normalise_by_max(chroma: &mut [f32; N_CHROMA]) -> f32 {
    let largest = chroma.iter().fold(0.0, |max, &c| if c > max { c } else { max });
    if largest >= f32::MIN_POSITIVE {
        for c in chroma {
            *c /= largest;
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::super::stft::{N_FFT, PowerSpectrum};
    use super::*;

    const RATE: f64 = 22_050.0;
    const A: usize = 9;

    fn chroma_of(hz: f64, tuning: f32) -> [f32; N_CHROMA] {
        let tone: Vec<f32> = (0..N_FFT)
            .map(|n| (std::f64::consts::TAU * hz * n as f64 / RATE).sin() as f32)
            .collect();
        let mut spectrum = PowerSpectrum::new(N_FFT);
        let mut chroma = ChromaBank::new(RATE, N_FFT, tuning).apply(spectrum.of(&tone));
        normalise_by_max(&mut chroma);
        chroma
    }

    fn peak(chroma: &[f32; N_CHROMA]) -> usize {
        (0..N_CHROMA).max_by(|&a, &b| chroma[a].total_cmp(&chroma[b])).unwrap()
    }

    #[test]
    fn each_semitone_peaks_at_its_own_class() {
        for semitone in 0..24 {
            let hz = 440.0 * 2f64.powf(semitone as f64 / 12.0);
            let chroma = chroma_of(hz, 0.0);
            assert_eq!(peak(&chroma), (A + semitone) % 12, "{hz} Hz");
            assert_eq!(chroma[peak(&chroma)], 1.0);
        }
    }

    #[test]
    fn tuning_moves_the_classes_with_the_music() {
        let half_sharp = 1760.0 * 2f64.powf(0.4 / 12.0);
        let blurred = chroma_of(half_sharp, 0.0);
        let clear = chroma_of(half_sharp, 0.4);
        assert_eq!(peak(&clear), A);
        assert!(clear[A + 1] < 0.7 * blurred[A + 1]);
    }

    #[test]
    fn silence_stays_zero_and_nonsense_tuning_is_none() {
        let mut chroma = [0.0; N_CHROMA];
        assert_eq!(normalise_by_max(&mut chroma), 0.0);
        assert_eq!(chroma, [0.0; N_CHROMA]);
        assert_eq!(chroma_of(440.0, f32::NAN), chroma_of(440.0, 0.0));
        assert_eq!(ChromaBank::new(RATE, N_FFT, 0.0).apply(&[]), [0.0; N_CHROMA]);
    }
}
