use super::*;

/// Marks drawn by chance, one a second or so.
fn drawn(seed: u32, count: usize) -> SoundPrint {
    let (mut state, mut at) = (seed.wrapping_mul(2_654_435_761) | 1, 0);
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let marks = (0..count).map(|_| {
        at += 45 + draw() % 80;
        Mark { at, bits: draw() }
    });
    SoundPrint { marks: marks.collect() }
}

/// The same recording, cut at its start, with bits flipped here and there and marks lost.
fn worn(print: &SoundPrint, cut: u32) -> SoundPrint {
    let kept = print.marks.iter().enumerate().filter(|(i, m)| m.at >= cut && i % 6 != 0);
    let mark = |(i, m): (usize, &Mark)| {
        let flips = if i % 4 == 0 { 0 } else { 1 << (i % 32) | 1 << (i * 7 % 32) };
        Mark { at: m.at - cut + (i % 3) as u32, bits: m.bits ^ flips }
    };
    SoundPrint { marks: kept.map(mark).collect() }
}

#[test]
fn a_worn_copy_is_found_and_strangers_are_not() {
    let mut prints: Vec<SoundPrint> = (0..60).map(|seed| drawn(seed, 240)).collect();
    prints.push(worn(&prints[7], 146));
    prints.push(worn(&prints[7], 0));
    let all: Vec<&SoundPrint> = prints.iter().collect();
    assert_eq!(same_sounds(&all), [(7, 60), (7, 61), (60, 61)]);
    let close = compare(&prints[7], &prints[60], -145);
    assert!(close.is_same() && close.share > 0.7 && close.errors < 0.1, "{close:?}");
}

#[test]
fn a_loop_that_two_songs_share_does_not_make_them_one() {
    let (mut a, b) = (drawn(1, 240), drawn(2, 240));
    a.marks.splice(100..160, b.marks[100..160].iter().copied());
    let found = compare(&a, &b, 0);
    assert!(found.met >= 60 && !found.is_same(), "{found:?}");
    assert_eq!(same_sounds(&[&a, &b]), []);
    // Nor does an extract make a song: the longer one has more to it.
    let part = SoundPrint { marks: b.marks[..60].to_vec() };
    assert_eq!(same_sounds(&[&part, &b]), []);
}

#[test]
fn bits_that_everybody_has_are_not_looked_at() {
    let tone = SoundPrint { marks: (1..40).map(|i| Mark { at: 100 * i, bits: 5 }).collect() };
    let many = vec![&tone; 50];
    assert_eq!(same_sounds(&many), []);
}

#[test]
fn silence_and_steady_sound_have_no_marks() {
    let mut analyzer = PrintAnalyzer::new();
    for hop in 0..600 {
        let level = if hop < 300 { 0.0 } else { 1e-7 };
        analyzer.push(&[level; 513]);
    }
    assert_eq!(analyzer.finish(), SoundPrint::default());
}
