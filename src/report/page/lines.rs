//! Lines through many points, drawn with few.

/// Straying by this much of a pixel is not seen.
const UNSEEN: f64 = 0.15;

/// At most `most` of the points, chosen so that the line through them strays little from the line
/// through all (Ramer, Douglas and Peucker).
pub fn simplified(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    let mut stray = UNSEEN;
    loop {
        let kept = kept(points, stray);
        if kept.len() <= most.max(2) {
            return kept;
        }
        stray *= 1.5;
    }
}

fn kept(points: &[(f64, f64)], stray: f64) -> Vec<(f64, f64)> {
    let Some(last) = points.len().checked_sub(1) else { return Vec::new() };
    let mut keep = vec![false; points.len()];
    (keep[0], keep[last]) = (true, true);
    let mut open = vec![(0, last)];
    while let Some((a, b)) = open.pop() {
        let off = |i: usize| distance(points[i], points[a], points[b]);
        let far = (a + 1..b).max_by(|&i, &j| off(i).total_cmp(&off(j)));
        if let Some(i) = far.filter(|&i| off(i) > stray) {
            keep[i] = true;
            open.extend([(a, i), (i, b)]);
        }
    }
    points.iter().zip(keep).filter(|(_, keep)| *keep).map(|(point, _)| *point).collect()
}

/// Distance of a point from the stretch between two others.
fn distance(p: (f64, f64), a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    (p.0 - a.0 - along * dx).hypot(p.1 - a.1 - along * dy)
}

/// What of a line through points of rising time lies between two times, cut there.
pub fn within(line: &[(f64, f64)], from: f64, to: f64) -> Vec<(f64, f64)> {
    let cut = |(a, b): ((f64, f64), (f64, f64)), at: f64| {
        (at, a.1 + (b.1 - a.1) * ((at - a.0) / (b.0 - a.0).max(f64::MIN_POSITIVE)))
    };
    let mut out = Vec::new();
    for pair in line.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        if b.0 < from || a.0 > to {
            continue;
        }
        if out.is_empty() {
            out.push(if a.0 < from { cut((a, b), from) } else { a });
        }
        out.push(if b.0 > to { cut((a, b), to) } else { b });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_needs_two_points_and_a_corner_is_kept() {
        let straight: Vec<_> = (0..100).map(|i| (f64::from(i), 2.0 * f64::from(i))).collect();
        assert_eq!(simplified(&straight, 64), [(0.0, 0.0), (99.0, 198.0)]);
        let bent: Vec<_> = (0..100).map(|i| (f64::from(i), f64::from(i.max(40)))).collect();
        assert_eq!(simplified(&bent, 64), [(0.0, 40.0), (40.0, 40.0), (99.0, 99.0)]);
        assert!(simplified(&[], 64).is_empty());
    }

    #[test]
    fn the_wildest_line_keeps_no_more_points_than_allowed() {
        let wild: Vec<_> = (0..1_000).map(|i| (f64::from(i), f64::from(i * i % 97))).collect();
        let kept = simplified(&wild, 64);
        assert!(kept.len() <= 64 && kept.len() > 8, "{}", kept.len());
        assert_eq!((kept[0], kept[kept.len() - 1]), (wild[0], wild[999]));
    }

    #[test]
    fn a_line_is_cut_where_time_ends() {
        let line = [(0.0, 0.0), (10.0, 10.0), (20.0, 10.0)];
        assert_eq!(within(&line, 5.0, 12.0), [(5.0, 5.0), (10.0, 10.0), (12.0, 10.0)]);
        assert_eq!(within(&line, -5.0, 30.0), line);
        assert!(within(&line, 21.0, 30.0).is_empty());
    }
}
