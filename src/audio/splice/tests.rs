use proptest::prelude::*;

use super::*;

const RATE: i64 = 44_100;

/// A mono sound computed frame by frame.
struct Computed(fn(i64) -> f32);

impl Wave for Computed {
    fn read(&mut self, range: Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        out.planes = vec![range.map(self.0).collect()];
        Ok(())
    }
}

fn hash(t: i64) -> f32 {
    let x = (t as u32).wrapping_mul(2_654_435_761);
    let x = (x ^ (x >> 15)).wrapping_mul(0x2c1b_3c6d);
    (x >> 8) as f32 / (1 << 23) as f32 - 1.0
}

fn tone(t: i64) -> f32 {
    (t as f32 * 0.013).sin()
}

/// A burst on every eleventh of a second and nothing in between.
fn clicks(t: i64) -> f32 {
    let since = t.rem_euclid(RATE / 11);
    hash(t) * (-since as f32 / 60.0).exp()
}

fn nothing(_: i64) -> f32 {
    0.0
}

fn frames(ms: i64) -> i64 {
    ms * RATE / 1_000
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_next_attack_comes_within_four_milliseconds_of_when_it_is_due(
        ratio in 0.92..1.08f64, beat in 0.3..0.8f64, start in -5_000..500_000i64,
        offset in -90_000..90_000i64,
    ) {
        for sound in [hash as fn(i64) -> f32, tone, clicks, nothing] {
            let source = (beat * RATE as f64) as i64;
            let attacks = start..start + (source as f64 * ratio) as i64;
            let due = offset + source - (attacks.end - attacks.start);
            let splicer = Splicer::new(SampleRate::CD);
            let found = splicer.between(&mut Computed(sound), attacks.clone(), offset, due).unwrap();
            let reached = found.last().map_or(offset, |s| s.offset);
            prop_assert!((reached - due).abs() <= frames(4) + 2, "{} of {}", reached, due);
            let mut free = attacks.start + frames(45);
            for splice in &found {
                prop_assert!(splice.start >= free, "{:?} in {:?}", splice, attacks);
                free = splice.start + splice.fade as i64;
                prop_assert!((-1.01..=1.01).contains(&splice.correlation));
            }
            prop_assert!(found.is_empty() || free <= attacks.end - frames(30));
        }
    }
}

#[test]
fn a_tone_is_spliced_where_it_is_like_itself() {
    let splicer = Splicer::new(SampleRate::CD);
    for due in [-900, -500, 500, 900] {
        let found = splicer.between(&mut Computed(tone), 0..22_050, 0, due).unwrap();
        assert!(!found.is_empty() && found.iter().all(|s| s.correlation > 0.99), "{found:?}");
    }
}

#[test]
fn what_is_close_enough_or_has_no_room_is_left_alone() {
    let splicer = Splicer::new(SampleRate::CD);
    let count = |attacks: Range<i64>, due: i64| {
        splicer.between(&mut Computed(hash), attacks, 0, due).unwrap().len()
    };
    assert_eq!(count(0..22_050, 0), 0);
    assert_eq!(count(0..22_050, frames(2) - 2), 0);
    assert_eq!(count(0..22_050, frames(2) + 2), 1);
    assert_eq!(count(0..frames(100), frames(9)), 0);
    assert_eq!(count(0..0, frames(9)), 0);
    assert_eq!(count(0..22_050, frames(28)), 1);
    assert_eq!(count(0..22_050, frames(50)), 2, "at most 30 ms at a time");
}
