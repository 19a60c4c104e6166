use super::*;
use crate::base::{Lufs, Seconds};
use proptest::prelude::*;

fn cost_of(criterion: Criterion, a: &SongFacts, b: &SongFacts) -> Option<f64> {
    compare(a, b, &Weights::default()).terms[criterion as usize].cost
}

fn at(bpm: f64) -> SongFacts {
    SongFacts { tempo: Some(Bpm(bpm)), ..SongFacts::default() }
}

fn key(tonic: usize, minor: bool) -> Key {
    Key { tonic, minor }
}

#[test]
fn half_and_double_tempo_cost_nothing_and_what_cannot_be_stretched_costs_all() {
    let tempo = |a, b| cost_of(Criterion::Tempo, &at(a), &at(b)).unwrap();
    assert!(tempo(174.0, 87.0) < 1e-9 && tempo(70.0, 140.0) < 1e-9);
    assert!((tempo(100.0, 104.0) - 0.51).abs() < 0.01);
    assert!(tempo(100.0, 107.9) < 1.0);
    assert_eq!(tempo(100.0, 108.5), 1.0);
    assert_eq!(tempo(40.0, 160.0), 1.0, "nobody beats four to one");
}

#[test]
fn keys_lie_apart_as_on_the_camelot_wheel() {
    let all = || (0..12).flat_map(|tonic| [false, true].map(|minor| key(tonic, minor)));
    for a in all() {
        for b in all() {
            let read = |k: Key| {
                let name = k.camelot();
                let (hour, ring) = name.split_at(name.len() - 1);
                (hour.parse::<i32>().unwrap(), ring.to_string())
            };
            let ((ha, ra), (hb, rb)) = (read(a), read(b));
            let around = (ha - hb).abs().min(12 - (ha - hb).abs());
            let wanted = around as usize + usize::from(ra != rb);
            assert_eq!(a.steps_to(&b) as usize, wanted, "{a:?} {b:?}");
        }
    }
    assert_eq!(key(0, false).steps_to(&key(9, true)), 1, "C major and A minor");
    assert_eq!(key(0, false).steps_to(&key(7, false)), 1, "C and G");
    assert_eq!(key(0, false).steps_to(&key(6, false)), 6, "C and F sharp");
}

#[test]
fn the_parts_that_meet_are_compared_so_that_the_way_back_costs_another_sum() {
    let part = |level: f32, tonic, bpm| {
        let sound = JoinSound {
            timbre: Some([level; 12]),
            key: Some(key(tonic, false)),
            tempo: Some(Bpm(bpm)),
        };
        Some(sound)
    };
    let whole = SongFacts { key: Some(key(6, false)), ..at(200.0) };
    let a = SongFacts { opening: part(3.0, 6, 90.0), ending: part(0.0, 0, 120.0), ..whole.clone() };
    let b = SongFacts { opening: part(0.0, 0, 120.0), ending: part(-3.0, 0, 100.0), ..whole };
    let there = compare(&a, &b, &Weights::default());
    assert_eq!(there.total, 0.0, "{there:?}");
    let back = compare(&b, &a, &Weights::default());
    assert_eq!(back.total, 1.0, "{back:?}");
}

#[test]
fn what_is_unknown_is_skipped_and_changes_nothing() {
    let a = SongFacts { energy: Some(0.2), loudness: Some(Lufs(-10.0)), ..at(100.0) };
    let b = SongFacts { energy: Some(0.7), artist: Some("x".into()), ..at(100.0) };
    let known = compare(&a, &b, &Weights::default());
    let used: Vec<Criterion> =
        known.terms.iter().filter(|t| !t.skipped()).map(|t| t.criterion).collect();
    assert_eq!(used, [Criterion::Tempo, Criterion::Energy]);
    assert!((known.total - 0.5 * 300.0 / 1300.0).abs() < 1e-12);
    let nothing = compare(&SongFacts::default(), &b, &Weights::default());
    assert_eq!(nothing.total, UNKNOWN, "nothing known is no perfect match");
}

#[test]
fn one_artist_is_known_by_any_spelling_of_case_and_space() {
    let by = |name: &str| SongFacts { artist: Some(name.into()), ..SongFacts::default() };
    assert_eq!(cost_of(Criterion::Spread, &by("Air "), &by("AIR")), Some(1.0));
    assert_eq!(cost_of(Criterion::Spread, &by("Air"), &by("Airbag")), Some(0.0));
    assert_eq!(cost_of(Criterion::Spread, &by(" "), &by("")), None, "no name is no artist");
}

#[test]
fn length_counts_in_seconds_today_and_in_milliseconds_in_the_original() {
    let lasting = |s| SongFacts { duration: Some(Seconds(s)), ..SongFacts::default() };
    let (a, b) = (lasting(200.0), lasting(230.0));
    assert!((cost_of(Criterion::Length, &a, &b).unwrap() - 0.3).abs() < 1e-12);
    let original = compare(&a, &b, &Weights::original());
    assert_eq!(original.terms[Criterion::Length as usize].cost, Some(1.0));
}

prop_compose! {
    fn any_number()(x in prop_oneof![
        Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(0.0), -1e3..1e3f64, any::<f64>(),
    ]) -> f64 { x }
}

prop_compose! {
    fn any_sound()(
        timbre in proptest::option::of(proptest::array::uniform12(any_number())),
        tonic in proptest::option::of((0usize..30, any::<bool>())),
        tempo in proptest::option::of(any_number()),
    ) -> JoinSound {
        JoinSound {
            timbre: timbre.map(|t| t.map(|x| x as f32)),
            key: tonic.map(|(tonic, minor)| key(tonic, minor)),
            tempo: tempo.map(Bpm),
        }
    }
}

prop_compose! {
    fn any_song()(
        artist in proptest::option::of("[ a]{0,2}"), genre in proptest::option::of("[ a-c]{0,80}"),
        tags in proptest::collection::btree_set("[a-d]", 0..4),
        numbers in proptest::array::uniform5(proptest::option::of(any_number())),
        opening in proptest::option::of(any_sound()), ending in proptest::option::of(any_sound()),
    ) -> SongFacts {
        let [duration, tempo, energy, danceability, loudness] = numbers;
        SongFacts {
            metre: None,
            artist, genre, tags, energy, danceability, opening, ending,
            duration: duration.map(Seconds), tempo: tempo.map(Bpm), loudness: loudness.map(Lufs),
            key: opening.and_then(|o| o.key), ..SongFacts::default()
        }
    }
}

proptest! {
    #[test]
    fn costs_lie_between_nought_and_one_whatever_is_known(a in any_song(), b in any_song()) {
        for weights in [Weights::default(), Weights::original()] {
            let whole = compare(&a, &b, &weights);
            prop_assert!((0.0..=1.0).contains(&whole.total), "{:?}", whole);
            for term in whole.terms {
                prop_assert!(term.cost.is_none_or(|c| (0.0..=1.0).contains(&c)), "{:?}", term);
            }
            let all = Comparison::new([&b, &a], &weights);
            prop_assert_eq!(all.cost(1, 0), whole.total, "pairs do not depend on other songs");
        }
    }
}

#[test]
fn songs_in_three_and_four_cannot_be_matched_and_those_in_two_and_four_can() {
    let song =
        |metre| SongFacts { tempo: Some(Bpm(120.0)), metre: Some(metre), ..SongFacts::default() };
    let tempo = |a, b| cost_of(Criterion::Tempo, &song(a), &song(b));
    assert_eq!((tempo(3, 4), tempo(4, 3)), (Some(1.0), Some(1.0)));
    assert_eq!((tempo(2, 4), tempo(3, 3)), (Some(0.0), Some(0.0)));
}
