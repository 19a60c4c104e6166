use super::*;

fn pulses(hops: usize, period: impl Fn(f64) -> f64) -> Vec<f32> {
    let mut curve = vec![0.0; hops];
    let mut t = 10.0;
    while t < hops as f64 - 2.0 {
        let part = t.fract() as f32;
        curve[t as usize] = 3.0 * (1.0 - part);
        curve[t as usize + 1] = 3.0 * part;
        t += period(t);
    }
    curve
}

#[test]
fn a_steady_pulse_gives_its_own_period_or_an_octave_of_it() {
    for bpm in [70.0, 96.5, 120.0, 155.0] {
        let period = 60.0 * OnsetEnvelope::rate() / bpm;
        let path = &tempo_paths(&[&pulses(3_000, |_| period)])[0];
        for p in &path.periods {
            // Which octave is the beat is for metre to say; here it must only stay the same.
            let octaves = (f64::from(*p) / period).log2();
            assert!((octaves - octaves.round()).abs() < 0.03, "{bpm} BPM: {p} for {period}");
            assert!(octaves.abs() < 1.1 && (p / path.periods[0] - 1.0).abs() < 0.04);
        }
        assert!(path.strength > 0.5, "{}", path.strength);
    }
}

#[test]
fn a_slowing_pulse_is_followed() {
    let period = |t: f64| 40.0 + 12.0 * t / 5_000.0;
    let path = &tempo_paths(&[&pulses(5_000, period)])[0];
    for hop in (300..4_700).step_by(100) {
        let ratio = f64::from(path.period_at(hop)) / period(hop as f64);
        assert!((ratio - 1.0).abs() < 0.04, "hop {hop}: {ratio}");
    }
}

#[test]
fn no_curve_has_no_path() {
    assert!(tempo_paths(&[]).is_empty());
    assert!(tempo_paths(&[&[]]).is_empty());
    assert_eq!(tempo_paths(&[&[0.0; 3]])[0].strength, 0.0);
}

#[test]
fn of_two_pulses_at_once_both_are_offered() {
    // Three against four, at 80 and 106.7 BPM.
    let period = 60.0 * OnsetEnvelope::rate() / 80.0;
    let (slow, fast) = (pulses(4_000, |_| period), pulses(4_000, |_| 0.75 * period));
    let both: Vec<f32> = slow.iter().zip(&fast).map(|(a, b)| a + b).collect();
    let paths = tempo_paths(&[&both]);
    let near = |path: &TempoPath, wanted: f64| {
        let octaves = (f64::from(path.periods[30]) / wanted).log2();
        (octaves - octaves.round()).abs() < 0.03
    };
    let found = [period, 0.75 * period].map(|p| paths.iter().filter(|path| near(path, p)).count());
    assert_eq!(found, [1, 1], "{:?}", paths.iter().map(|p| p.periods[30]).collect::<Vec<_>>());
    assert!(paths.iter().all(|path| path.periods.len() == 4_000 / STEP + 1));
}
