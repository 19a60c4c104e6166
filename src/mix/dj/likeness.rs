//! How alike two songs sound, beat against beat, for any stretch of both at once.

use crate::analysis::SpanSound;

/// Differences that count as one, in each register of the drive and coefficient of the timbre:
/// about the spread between unrelated songs.
const DRIVE_SCALE: f32 = 0.8;
const TIMBRE_SCALE: [f32; 5] = [60.0, 40.0, 25.0, 20.0, 15.0];
/// Timbre coefficients compared: the first says how loud it is, which gains take care of.
const TIMBRE: std::ops::Range<usize> = 1..6;

/// Mean differences of two songs' beats along every diagonal.
pub struct Likeness {
    rows: usize,
    columns: usize,
    /// Sums of sound and harmony differences along diagonals, one more row and column than beats.
    sums: Vec<[f32; 2]>,
}

impl Likeness {
    /// Compares all beats of `a` with all beats of `b`.
    pub fn between(a: &[SpanSound], b: &[SpanSound]) -> Likeness {
        let (rows, columns) = (a.len(), b.len());
        let mut sums = vec![[0.0; 2]; (rows + 1) * (columns + 1)];
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                let before = sums[i * (columns + 1) + j];
                let (sound, harmony) = (sound(x, y), clash(x, y));
                sums[(i + 1) * (columns + 1) + j + 1] = [before[0] + sound, before[1] + harmony];
            }
        }
        Likeness { rows, columns, sums }
    }

    /// Mean difference in sound and in harmony of `count` beats from `i` and `j` on; 0 for alike,
    /// about 1 for strangers.
    pub fn along(&self, i: usize, j: usize, count: usize) -> (f64, f64) {
        let end = (i + count).min(self.rows).min(i + self.columns.saturating_sub(j));
        let n = end.saturating_sub(i);
        if n == 0 {
            return (1.0, 1.0);
        }
        let at = |i: usize, j: usize| self.sums[i * (self.columns + 1) + j];
        let (from, to) = (at(i, j), at(i + n, j + n));
        let mean = |k: usize| f64::from((to[k] - from[k]).max(0.0)) / n as f64;
        (mean(0), mean(1))
    }
}

fn sound(x: &SpanSound, y: &SpanSound) -> f32 {
    let drive = x.drive.iter().zip(&y.drive).map(|(a, b)| ((a - b) / DRIVE_SCALE).powi(2));
    let pairs = x.timbre[TIMBRE].iter().zip(&y.timbre[TIMBRE]).zip(&TIMBRE_SCALE);
    let timbre = pairs.map(|((a, b), scale)| ((a - b) / scale).powi(2));
    ((drive.sum::<f32>() / 4.0 + timbre.sum::<f32>() / 5.0) / 2.0).sqrt()
}

/// One minus the correlation of pitch classes, bass and melody, halved where one is silent.
fn clash(x: &SpanSound, y: &SpanSound) -> f32 {
    let dot: f32 = x.chroma.iter().zip(&y.chroma).map(|(a, b)| a * b).sum();
    1.0 - 0.5 * dot
}
