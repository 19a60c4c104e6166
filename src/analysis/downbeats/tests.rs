use super::*;

#[test]
fn a_missing_beat_breaks_the_bar_once_and_only_once() {
    let accents: Vec<f32> = (0..64).map(|i| if i % 4 == 1 { 8.0 } else { -2.0 }).collect();
    let whole = bars(4, &accents, None);
    assert!(whole.iter().enumerate().all(|(i, &p)| usize::from(p) == (i + 3) % 4 + 1));
    let mut cut = accents.clone();
    cut.remove(30);
    let path = bars(4, &cut, None);
    let breaks = path.windows(2).filter(|w| w[1] != w[0] % 4 + 1).count();
    assert_eq!(breaks, 1, "{path:?}");
    assert!(path[33..].iter().enumerate().all(|(i, &p)| (p == 1) == ((i + 33) % 4 == 0)));
}

#[test]
fn the_backbeat_tells_the_beat_from_a_louder_off_beat() {
    // Pulses tracked on hi-hats between the beats; on the true beats (quarter 2) a snare
    // alternates with a softer kick, and chords change on every fourth of them.
    let features: Vec<Feature> = (0..512)
        .map(|q| match q % 16 {
            0 | 4 | 8 | 12 => [0.1, 0.5, 2.0, 2.5, 0.5],
            2 => [1.0, 1.0, 1.0, 1.0, 3.0],
            10 => [1.0, 1.0, 1.0, 1.0, 0.7],
            6 | 14 => [0.2, 1.0, 3.5, 3.5, 0.7],
            _ => [0.0; REGISTERS + 1],
        })
        .collect();
    let beats = choose_beats(&features, &[0.5; 128]);
    assert!(beats.iter().all(|q| q % 4 == 2), "{beats:?}");
    assert_eq!(beats.len(), 128);
}

#[test]
fn features_of_nothing_are_no_trouble() {
    assert_eq!(positions(&[], &OnsetEnvelope::default(), &[]).0, Vec::<u8>::new());
    assert!(harmonic_change(&OnsetEnvelope::default()).is_empty());
}
