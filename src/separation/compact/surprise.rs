//! What a steady tone does not explain: hits and other beginnings, and endings.
//!
//! Each partial of a steady tone keeps its magnitude and turns by the same angle from window to
//! window (J. P. Bello, C. Duxbury, M. Davies, M. Sandler, "On the use of phase and energy for
//! musical onset detection in the complex domain", IEEE Signal Processing Letters, 2004).

use realfft::num_complex::Complex32;

use super::level::powers_to_loudness;
use super::tape::Tape;
use super::{BINS, HOP};

/// Keeps nothing divided by nothing finite.
const TINY: f32 = 1e-15 * (HOP * HOP) as f32;

type Spectra = Vec<Vec<Complex32>>;

/// Foretells each window from the two before it and from the two after it.
pub struct Surprise {
    /// The window before and the one before that.
    past: [Spectra; 2],
    /// How loud what the two windows before, and the two after, did not foretell is.
    new: Tape,
    ending: Tape,
    seen: usize,
}

impl Surprise {
    /// Before a song of so many channels there is silence.
    pub fn new(channels: usize) -> Self {
        let silence = vec![vec![Complex32::default(); BINS]; channels];
        Surprise {
            past: [silence.clone(), silence],
            new: Tape::new(BINS),
            ending: Tape::new(BINS),
            seen: 0,
        }
    }

    /// Sees the next window.
    pub fn see(&mut self, spectra: &[Vec<Complex32>]) {
        let [before, earlier] = &self.past;
        unforetold(spectra, before, earlier, self.new.push());
        self.go_on(spectra);
    }

    /// Learns that silence follows.
    pub fn end(&mut self) {
        let silence = vec![vec![Complex32::default(); BINS]; self.past[0].len()];
        (0..2).for_each(|_| self.go_on(&silence));
    }

    /// What the windows before did not foretell.
    pub fn new_at(&self, window: usize) -> &[f32] {
        self.new.at(window)
    }

    /// What the windows after did not foretell; known two windows late.
    pub fn ending_at(&self, window: usize) -> &[f32] {
        self.ending.at(window)
    }

    /// Forgets the windows before this one.
    pub fn forget_before(&mut self, window: usize) {
        self.new.forget_before(window);
        self.ending.forget_before(window);
    }

    fn go_on(&mut self, spectra: &[Vec<Complex32>]) {
        let [before, earlier] = &mut self.past;
        if self.seen >= 2 {
            unforetold(earlier, before, spectra, self.ending.push());
        }
        std::mem::swap(before, earlier);
        for (before, spectrum) in before.iter_mut().zip(spectra) {
            before.copy_from_slice(spectrum);
        }
        self.seen += 1;
    }
}

/// Writes how loud that part of a window is which steady tones through its near and far neighbour,
/// both before it or both after it, do not explain.
fn unforetold(
    now: &[Vec<Complex32>],
    near: &[Vec<Complex32>],
    far: &[Vec<Complex32>],
    out: &mut [f32],
) {
    out.fill(0.0);
    for ((now, near), far) in now.iter().zip(near).zip(far) {
        for (out, ((x, near), far)) in out.iter_mut().zip(now.iter().zip(near).zip(far)) {
            let turn = near * far.conj();
            let turn = turn * (1.0 / (turn.norm_sqr().sqrt() + TINY));
            *out += (x - near * turn).norm_sqr();
        }
    }
    powers_to_loudness(now.len(), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two rows of each window of a song of one channel.
    fn surprise(song: &[Vec<Complex32>]) -> Vec<[Vec<f32>; 2]> {
        let mut surprise = Surprise::new(1);
        song.iter().for_each(|spectrum| surprise.see(std::slice::from_ref(spectrum)));
        surprise.end();
        let rows = |window| [surprise.new_at(window).to_vec(), surprise.ending_at(window).to_vec()];
        (0..song.len()).map(rows).collect()
    }

    fn tone(windows: std::ops::Range<usize>, count: usize) -> Vec<Vec<Complex32>> {
        let bin = |window, bin: usize| match windows.contains(&window) {
            true => Complex32::from_polar(HOP as f32, (window * bin) as f32 * 0.37),
            false => Complex32::default(),
        };
        (0..count).map(|window| (0..BINS).map(|i| bin(window, i)).collect()).collect()
    }

    #[test]
    fn a_tone_surprises_while_it_begins_and_backwards_while_it_ends() {
        let rows = surprise(&tone(3..9, 12));
        for (window, [new, ending]) in rows.iter().enumerate() {
            // The second window of a tone cannot tell how it turns; silence after is foretold as
            // the tone that goes on.
            let expected = [[3, 4, 9].contains(&window), [8, 7, 2].contains(&window)];
            for (row, loud) in [new, ending].into_iter().zip(expected) {
                for x in row.iter().skip(1) {
                    assert!(if loud { *x > 0.5 } else { *x < 0.1 }, "window {window}: {x}");
                }
            }
        }
    }

    #[test]
    fn the_shortest_songs_surprise_throughout() {
        assert!(surprise(&[]).is_empty());
        for windows in [1, 2] {
            for row in surprise(&tone(0..windows, windows)).iter().flatten() {
                assert!(row.iter().all(|x| (x - 1.0).abs() < 1e-3), "{windows} windows");
            }
        }
    }

    #[test]
    fn the_surprise_is_the_mean_of_the_channels() {
        let song = tone(0..1, 1);
        let (mut one, mut two) = (Surprise::new(1), Surprise::new(2));
        one.see(&song);
        two.see(&[song[0].clone(), vec![Complex32::default(); BINS]]);
        for (one, two) in one.new_at(0).iter().zip(two.new_at(0)) {
            assert!((one * 0.5f32.powf(0.15) - two).abs() < 1e-5, "{two} for {one}");
        }
    }
}
