//! The magnitudes of the last windows.

use realfft::num_complex::Complex32;

use super::median::mirror;

/// The root mean square of the channels' magnitudes, as many windows around one as a rule looks at.
pub struct Spectrogram {
    /// Window `w` at `w % len`.
    ring: Vec<Vec<f32>>,
    reach: usize,
    known: usize,
    ended: bool,
}

impl Spectrogram {
    /// A spectrogram that shows `reach` windows before and after any.
    pub fn new(bins: usize, reach: usize) -> Self {
        Spectrogram { ring: vec![vec![0.0; bins]; 2 * reach + 1], reach, known: 0, ended: false }
    }

    /// Adds a window.
    pub fn push(&mut self, spectra: &[Vec<Complex32>]) {
        let slot = self.known % self.ring.len();
        let magnitude = &mut self.ring[slot];
        magnitude.fill(0.0);
        for spectrum in spectra {
            for (power, bin) in magnitude.iter_mut().zip(spectrum) {
                *power += bin.norm_sqr();
            }
        }
        let share = 1.0 / spectra.len().max(1) as f32;
        for power in magnitude.iter_mut() {
            *power = (*power * share).sqrt();
        }
        self.known += 1;
    }

    /// Says that no window follows.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// True where all that will ever be around window `now` is here.
    pub fn shows(&self, now: usize) -> bool {
        self.known > now + self.reach || (self.ended && self.known > now)
    }

    /// The magnitudes of a window at most the reach away from the one being masked.
    ///
    /// Beyond both ends of the song its mirror image is seen.
    pub fn at(&self, window: isize) -> &[f32] {
        &self.ring[mirror(window, self.known) % self.ring.len()]
    }

    /// Forgets the song.
    pub fn reset(&mut self) {
        (self.known, self.ended) = (0, false);
    }
}
