//! Time from left to right, in as many strips below each other as it needs.

use crate::base::Seconds;
use crate::report::svg::Svg;

/// Width of a picture.
pub const WIDTH: f64 = 1_000.0;
/// Where time begins and ends.
pub const LEFT: f64 = 84.0;
/// See [`LEFT`].
pub const RIGHT: f64 = WIDTH - 16.0;

/// Seconds of a strip, as long as there are few.
const USUAL: f64 = 1_200.0;
const MOST: f64 = 12.0;
/// Round times lie at least this far apart.
const APART: f64 = 64.0;

/// A stretch of time across a picture.
#[derive(Clone, Copy, Debug)]
pub struct Strip {
    /// Its first moment.
    pub from: f64,
    /// Its last.
    pub to: f64,
}

/// The strips of so many seconds, all of one length.
pub fn strips(seconds: f64) -> Vec<Strip> {
    let count = (seconds / USUAL).ceil().clamp(1.0, MOST);
    let each = seconds.max(1e-3) / count;
    let strip = |i: usize| Strip { from: each * i as f64, to: each * (i + 1) as f64 };
    (0..count as usize).map(strip).collect()
}

impl Strip {
    /// Where a moment lies; moments outside lie at the nearer end.
    pub fn x(&self, time: f64) -> f64 {
        let share = (time - self.from) / (self.to - self.from).max(1e-9);
        LEFT + (RIGHT - LEFT) * share.clamp(0.0, 1.0)
    }

    /// Left edge and width of a stretch of time; `None` where nothing of it is in the strip.
    pub fn span(&self, from: f64, to: f64) -> Option<(f64, f64)> {
        let (left, right) = (self.x(from), self.x(to));
        (from < self.to && to > self.from).then_some((left, right - left))
    }
}

/// Round times below a strip, each with a mark.
pub fn clock(svg: &mut Svg, strip: &Strip, y: f64) {
    const STEPS: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0];
    let a_second = (RIGHT - LEFT) / (strip.to - strip.from).max(1e-9);
    let step = STEPS.into_iter().find(|step| step * a_second >= APART).unwrap_or(3_600.0);
    let (first, last) = ((strip.from / step).ceil() as i64, (strip.to / step).floor() as i64);
    let times: Vec<f64> = (first..=last).map(|i| i as f64 * step).collect();
    svg.strokes("grid", times.iter().map(|&t| (strip.x(t), y - 16.0, y - 11.0)));
    for t in times {
        svg.text("clock", strip.x(t), y, &Seconds(t).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_share_the_time_evenly_and_are_at_most_a_dozen() {
        assert_eq!(strips(700.0).len(), 1);
        assert_eq!(strips(3_600.0).len(), 3);
        let many = strips(360_000.0);
        assert_eq!(many.len(), 12);
        assert_eq!((many[0].to, many[11].to), (30_000.0, 360_000.0));
        assert_eq!(strips(0.0).len(), 1);
    }

    #[test]
    fn what_is_outside_a_strip_is_not_in_it() {
        let strip = Strip { from: 100.0, to: 200.0 };
        assert_eq!(strip.span(200.0, 300.0), None);
        assert_eq!(strip.span(50.0, 300.0), Some((LEFT, RIGHT - LEFT)));
    }
}
