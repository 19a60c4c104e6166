//! How unlike any two bars of a song are.

use super::super::bars::SpanSound;

/// Differences that weigh 1 each: of harmony (1 minus correlation), of colour (root mean square
/// over the MFCC, without loudness), of drive (mean over registers, in nepers) and of level (dB).
const HARMONY: f32 = 0.6;
const COLOUR: f32 = 12.0;
const DRIVE: f32 = 0.4;
const LEVEL: f32 = 4.0;
/// Shares of the four in the whole.
const SHARES: [f32; 4] = [0.35, 0.25, 0.25, 0.15];
/// No single aspect counts for more than this many of its units.
const MOST: f32 = 2.0;
/// How fast likeness falls with distance.
const FALL: f32 = 1.5;

/// Distances of all bars from one another: 0 for equal bars, about 0.3 within a section, 1 and
/// more between sections.
pub struct Distances {
    bars: usize,
    values: Vec<f32>,
}

impl Distances {
    /// Compares all bars. A bar that is `faded` is compared by its harmony alone, for a fade
    /// takes colour, drive and level away.
    pub fn between(bars: &[SpanSound], faded: &[bool]) -> Distances {
        let n = bars.len();
        let mut values = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..i {
                let d = if faded[i] || faded[j] {
                    part(harmony(&bars[i], &bars[j]), HARMONY)
                } else {
                    distance(&bars[i], &bars[j])
                };
                values[i * n + j] = d;
                values[j * n + i] = d;
            }
        }
        Distances { bars: n, values }
    }

    /// Number of bars.
    pub fn bars(&self) -> usize {
        self.bars
    }

    /// Distance of two bars.
    pub fn of(&self, i: usize, j: usize) -> f32 {
        self.values[i * self.bars + j]
    }

    /// Likeness of two bars, 0..=1.
    pub fn likeness(&self, i: usize, j: usize) -> f32 {
        let d = self.of(i, j);
        (-FALL * d * d).exp()
    }
}

fn distance(a: &SpanSound, b: &SpanSound) -> f32 {
    let squares = a.timbre[1..].iter().zip(&b.timbre[1..]).map(|(x, y)| (x - y) * (x - y));
    let colour = (squares.sum::<f32>() / (a.timbre.len() - 1) as f32).sqrt();
    let drive = a.drive.iter().zip(&b.drive).map(|(x, y)| (x - y).abs()).sum::<f32>();
    let drive = drive / a.drive.len() as f32;
    let level = (a.loudness_db - b.loudness_db).abs();
    let parts = [
        part(harmony(a, b), HARMONY),
        part(colour, COLOUR),
        part(drive, DRIVE),
        part(level, LEVEL),
    ];
    parts.iter().zip(SHARES).map(|(part, share)| share * part).sum()
}

/// One minus the mean correlation of bass and melody.
fn harmony(a: &SpanSound, b: &SpanSound) -> f32 {
    1.0 - 0.5 * a.chroma.iter().zip(&b.chroma).map(|(x, y)| x * y).sum::<f32>()
}

fn part(difference: f32, unit: f32) -> f32 {
    let units = difference / unit;
    if units < MOST { units } else { MOST }
}
