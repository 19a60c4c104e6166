//! The 45 bands in which the context network sees the spectrum: narrow below, wide above.

use super::ROW;
use crate::base::sum_of;

/// Number of bands.
pub const BANDS: usize = 45;
/// How many bands are how many bins wide, from below.
const WIDTHS: [(usize, usize); 10] =
    [(10, 1), (5, 2), (4, 3), (4, 4), (4, 8), (4, 16), (6, 32), (4, 64), (3, 96), (1, 145)];

/// Bins that lie between the centres of two neighbouring bands.
struct Span {
    bins: std::ops::Range<usize>,
    below: usize,
    above: usize,
}

/// The bands of a spectrum.
pub struct Bands {
    /// First bin of each band and, last, the end.
    edges: [usize; BANDS + 1],
    spans: Vec<Span>,
    /// How far up from the centre below to the centre above each bin lies, 0..1.
    share: Vec<f32>,
}

impl Bands {
    /// The bands.
    pub fn new() -> Self {
        let widths = WIDTHS.iter().flat_map(|&(count, width)| std::iter::repeat_n(width, count));
        let mut edges = [0; BANDS + 1];
        for (band, width) in widths.enumerate() {
            edges[band + 1] = edges[band] + width;
        }
        let centre = |band: usize| (edges[band] + edges[band + 1] - 1) as f32 / 2.0;
        let (mut spans, mut share) = (Vec::new(), vec![0.0; ROW]);
        let mut start = 0;
        for below in 0..BANDS {
            let above = (below + 1).min(BANDS - 1);
            let end = if below == above { ROW } else { centre(above).ceil() as usize };
            if below != above {
                let distance = centre(above) - centre(below);
                for (i, share) in share.iter_mut().enumerate().take(end).skip(start) {
                    *share = ((i as f32 - centre(below)) / distance).max(0.0);
                }
            }
            spans.push(Span { bins: start..end, below, above });
            start = end;
        }
        Bands { edges, spans, share }
    }

    /// Hands the mean of `row` over each band to `each`.
    pub fn means(&self, row: &[f32], mut each: impl FnMut(usize, f32)) {
        for (band, edges) in self.edges.windows(2).enumerate() {
            let bins = &row[edges[0]..edges[1]];
            each(band, sum_of(bins, |x| x) / bins.len() as f32);
        }
    }

    /// Writes to each bin the value of its place between the centres of two bands; beyond the
    /// outermost centres nothing changes any more.
    pub fn spread(&self, value: impl Fn(usize) -> f32, row: &mut [f32]) {
        for span in &self.spans {
            let (below, above) = (value(span.below), value(span.above));
            let slope = above - below;
            let shares = &self.share[span.bins.clone()];
            for (x, share) in row[span.bins.clone()].iter_mut().zip(shares) {
                *x = below + slope * share;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::separation::compact::BINS;

    #[test]
    fn the_bands_cover_every_bin_once() {
        let bands = Bands::new();
        assert_eq!((bands.edges[0], bands.edges[BANDS]), (0, BINS));
        let row: Vec<f32> = (0..BINS).map(|bin| bin as f32).collect();
        let (mut total, mut means) = (0.0, Vec::new());
        bands.means(&row, |band, mean| {
            total += mean * (bands.edges[band + 1] - bands.edges[band]) as f32;
            means.push(mean);
        });
        assert_eq!(total, (BINS * (BINS - 1) / 2) as f32);
        assert_eq!((means[0], means[10], means[BANDS - 1]), (0.0, 10.5, 952.0));
    }

    #[test]
    fn values_at_the_centres_spread_in_straight_lines_and_stay_flat_outside() {
        let bands = Bands::new();
        let mut row = vec![f32::NAN; ROW];
        // The centre of a band is the mean of its bins, so the straight line comes back.
        let mut centres = [0.0; BANDS];
        let bins: Vec<f32> = (0..BINS).map(|bin| bin as f32).collect();
        bands.means(&bins, |band, mean| centres[band] = mean);
        bands.spread(|band| centres[band], &mut row);
        for (bin, x) in row.iter().enumerate() {
            let expected = (bin as f32).min(952.0);
            assert!((x - expected).abs() < 1e-3, "bin {bin}: {x}");
        }
    }
}
