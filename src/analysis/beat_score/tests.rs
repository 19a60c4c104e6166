use super::*;

/// The lists of `scripts/reference/beat_score.py`.
fn reference() -> Vec<f64> {
    (0..120).map(|i| 5.0 + 0.5 * f64::from(i) + 0.02 * f64::from(i).sin()).collect()
}

fn wobble(beats: &[f64]) -> Vec<f64> {
    let shake = |(i, t): (usize, &f64)| t + 0.01 * (3.0 * i as f64).cos();
    beats.iter().enumerate().map(shake).collect()
}

fn case(name: &str) -> Vec<f64> {
    let truth = reference();
    let between: Vec<f64> = truth.windows(2).map(|w| 0.5 * (w[0] + w[1])).collect();
    let shifted = |beats: &[f64], by: f64| beats.iter().map(|t| t + by).collect::<Vec<_>>();
    match name {
        "the same" => truth,
        "a little late" => shifted(&wobble(&truth), 0.012),
        "off beat" => wobble(&between),
        "double tempo" => {
            let mut fast = [truth, between].concat();
            fast.sort_by(f64::total_cmp);
            wobble(&fast)
        }
        "half tempo" => wobble(&truth.into_iter().skip(1).step_by(2).collect::<Vec<_>>()),
        "a beat lost" => {
            let shaken = wobble(&truth);
            let kept = shaken.iter().enumerate().filter(|(i, _)| ![40, 41, 80].contains(i));
            kept.map(|(_, t)| *t).collect()
        }
        "a slip" => [shifted(&truth[..50], -0.01), shifted(&between[50..], 0.01)].concat(),
        "another tempo" => (0..95).map(|i| 5.1 + 0.61 * f64::from(i)).collect(),
        _ => truth[..1].to_vec(),
    }
}

#[test]
fn every_measure_has_the_value_of_mir_eval() {
    let golden = [
        ("the same", [1.000000, 1.000000, 1.000000, 1.000000, 1.000000, 1.000000]),
        ("a little late", [1.000000, 1.000000, 1.000000, 1.000000, 1.000000, 0.707479]),
        ("off beat", [0.000000, 0.000000, 0.000000, 1.000000, 1.000000, 0.790522]),
        ("double tempo", [0.668524, 0.000000, 0.000000, 1.000000, 1.000000, 0.574873]),
        ("half tempo", [0.666667, 0.000000, 0.000000, 1.000000, 1.000000, 0.712105]),
        ("a beat lost", [0.987342, 0.333333, 0.958333, 0.333333, 0.958333, 0.678642]),
        ("a slip", [0.418410, 0.416667, 0.416667, 0.571429, 0.571429, 0.706787]),
        ("another tempo", [0.232558, 0.000000, 0.000000, 0.000000, 0.000000, 0.031273]),
        ("too short", [0.016529, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000]),
    ];
    let truth = reference();
    for (name, wanted) in golden {
        let estimate = case(name);
        let c = continuity(&truth, &estimate);
        let gain = information_gain(&truth, &estimate);
        let found = [f_measure(&truth, &estimate), c.cml_c, c.cml_t, c.aml_c, c.aml_t, gain];
        let near = found.iter().zip(&wanted).all(|(a, b): (&f64, &f64)| (a - b).abs() < 1e-6);
        assert!(near, "{name}: {found:?}, mir_eval says {wanted:?}");
    }
}

#[test]
fn offsets_and_tempi_compare_the_estimate_with_the_reference() {
    let truth = reference();
    let late: Vec<f64> = truth.iter().map(|t| t + 0.012).collect();
    assert!((median_offset(&truth, &late).unwrap() - 0.012).abs() < 1e-9);
    assert!((median_offset(&late, &truth).unwrap() + 0.012).abs() < 1e-9);
    let half = case("half tempo");
    assert!((tempo_ratio(&truth, &half).unwrap() - 0.5).abs() < 0.01);
    assert_eq!(median_offset(&truth, &[]), None);
    assert_eq!(tempo_ratio(&truth, &truth[..1]), None);
}

#[test]
fn nothing_scores_nothing() {
    for (a, b) in [(&[][..], &[][..]), (&[1.0], &[]), (&[], &[1.0, 2.0])] {
        assert_eq!(f_measure(a, b), 0.0);
        assert_eq!(continuity(a, b), Continuity::default());
        assert_eq!(information_gain(a, b), 0.0);
    }
    assert_eq!(after(&[1.0, 5.0, 6.0], SETTLED), [5.0, 6.0]);
}
