//! Gains of a voice over time, exact to the frame and the same however time is cut into blocks.

use std::ops::Range;

use super::action::{Curve, Lane, Part, Side};
use super::curve;

/// A shape over a range of frames of the mix.
#[derive(Clone, Debug, PartialEq)]
pub struct Shaped {
    /// Where.
    pub range: Range<i64>,
    /// What.
    pub shape: Shape,
}

/// How the gain of a voice moves.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Not at all.
    Flat,
    /// A straight line up from nothing.
    FadeIn,
    /// A straight line down to nothing.
    FadeOut,
    /// One side of a crossfade.
    Cross {
        /// Which law.
        curve: Curve,
        /// Which side.
        side: Side,
    },
    /// Parts, each along its own points: frame of the mix and amplitude.
    Lanes(Vec<(Part, Vec<(i64, f32)>)>),
}

impl Shape {
    /// The shape of `lanes` whose beats lie at the frames `marks`.
    pub fn lanes(lanes: &[&Lane], marks: &[i64]) -> Shape {
        let place = |beat: f64| {
            let last = marks.len().saturating_sub(1);
            let beat = beat.clamp(0.0, last as f64);
            let whole = (beat as usize).min(last.saturating_sub(1));
            let share = beat - whole as f64;
            let (a, b) = (marks[whole], marks[(whole + 1).min(last)]);
            a + ((b - a) as f64 * share).round() as i64
        };
        let points =
            |lane: &Lane| lane.points.iter().map(|&(beat, gain)| (place(beat), gain)).collect();
        Shape::Lanes(lanes.iter().map(|lane| (lane.part, points(lane))).collect())
    }

    /// The parts it moves on their own; none where it leaves all alone.
    pub fn parts(&self) -> Vec<Part> {
        match self {
            Shape::Flat => Vec::new(),
            Shape::Lanes(lanes) => lanes.iter().map(|(part, _)| *part).collect(),
            Shape::FadeIn | Shape::FadeOut | Shape::Cross { .. } => vec![Part::All],
        }
    }

    /// Whether it moves the stems of a track on their own.
    pub fn wants_stems(&self) -> bool {
        let stem = |part: Part| matches!(part, Part::Drums | Part::Other);
        matches!(self, Shape::Lanes(lanes) if lanes.iter().any(|(part, _)| stem(*part)))
    }

    /// Whether it moves a part on its own.
    pub fn moves(&self, wanted: Part) -> bool {
        matches!(self, Shape::Lanes(lanes) if lanes.iter().any(|(part, _)| *part == wanted))
    }
}

impl Shaped {
    /// The gain of a part at a frame within the range. Where a part has no lane it follows `All`.
    pub fn gain(&self, part: Part, frame: i64) -> f32 {
        let i = (frame - self.range.start).max(0) as u64;
        let n = (self.range.end - self.range.start).max(1) as u64;
        match &self.shape {
            Shape::Flat => 1.0,
            Shape::FadeIn => curve::fade_in(i, n),
            Shape::FadeOut => curve::fade_out(i, n),
            Shape::Cross { curve, side } => {
                let (out, into) = curve.gains(i, n);
                if *side == Side::From { out } else { into }
            }
            Shape::Lanes(lanes) => {
                let of = |wanted: Part| lanes.iter().find(|(part, _)| *part == wanted);
                let lane = of(part).or_else(|| of(Part::All));
                lane.map_or(1.0, |(_, points)| curve::along(points, |at| (frame - at) as f64))
            }
        }
    }
}
