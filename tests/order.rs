//! The order of songs: numbers recorded from the original where this machine has them, and what
//! must hold for any songs.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use common::shared;
use evermix::analysis::Key;
use evermix::base::{Bpm, Cancel, Draws, Lufs, Seconds, Seed};
use evermix::order::{
    Arrangement, Comparison, Conflict, CostMatrix, Criterion, CullRules, OrderOptions, Shape,
    SongFacts, Spacing, Weights, arrange, compare, cull, default_effort, find_tour, improve,
    reverse_section, tour_length,
};
use proptest::prelude::*;
use serde_json::Value;

fn vectors(name: &str) -> Option<Value> {
    let path = shared("vectors")?.join(name);
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn places(value: &Value) -> Vec<usize> {
    list(value).iter().map(|x| x.as_u64().unwrap() as usize).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_string)
}

/// A track of the original. Its tempo is the analysed one, else the one its uploader gave.
fn track(value: &Value) -> SongFacts {
    SongFacts {
        title: text(&value["title"]),
        artist: text(&value["user"]["username"]),
        genre: text(&value["genre"]),
        tags: list(&value["tags_parsed"]).iter().filter_map(text).collect(),
        duration: value["duration"].as_f64().map(|ms| Seconds(ms / 1000.0)),
        tempo: value["tempo"].as_f64().or(value["bpm"].as_f64()).map(Bpm),
        energy: value["energy"].as_f64(),
        danceability: value["danceability"].as_f64(),
        loudness: value["loudness"].as_f64().map(Lufs),
        ..SongFacts::default()
    }
}

#[test]
fn criteria_cost_what_they_cost_in_the_original() {
    let Some(file) = vectors("brain_criteria.json") else { return };
    let tracks: Vec<SongFacts> = list(&file["tracks"]).iter().map(track).collect();
    let all = Comparison::new(&tracks, &Weights::original());
    let mut skipped = 0;
    for case in list(&file["cases"]) {
        let [a, b] = ["a", "b"].map(|k| case["input"][k].as_u64().unwrap() as usize);
        let found = compare(&tracks[a], &tracks[b], &Weights::original());
        let wanted = case["expected"]["distance_intended"].as_f64().unwrap();
        assert!((found.total - wanted).abs() < 1e-6, "{case}: {found:?}");
        assert!((all.cost(a, b) - wanted).abs() < 1e-6, "{case}: among all");
        for term in found.terms.iter().filter(|t| t.weight > 0.0) {
            let wanted = &case["expected"]["criteria"][term.criterion.name()];
            match term.cost {
                Some(cost) => {
                    assert!((cost * term.weight - wanted["cost"].as_f64().unwrap()).abs() < 1e-6);
                    assert_eq!(term.weight, wanted["weight"].as_f64().unwrap());
                }
                None => skipped += 1,
            }
        }
        assert!(found.terms[Criterion::Key as usize].skipped());
    }
    assert!(skipped > 0, "some tracks lack data");
}

#[test]
fn the_original_bounds_keep_what_the_original_kept() {
    let Some(file) = vectors("brain_criteria.json") else { return };
    let listed: Vec<&Value> = list(&file["tracks"])
        .iter()
        .filter(|t| t["streamable"] == true || t["downloadable"] == true)
        .collect();
    let songs: Vec<SongFacts> = listed.iter().map(|t| track(t)).collect();
    let rules = CullRules {
        artists: vec!["smilesxoxo2".into()],
        tags: vec!["sample pack".into(), "loops".into()],
        ..CullRules::original()
    };
    let valid = |i: &usize| listed[*i]["valid"] == true;
    let wanted: Vec<usize> = (0..songs.len()).filter(valid).collect();
    assert_eq!(cull(&songs, &rules).kept, wanted);
}

#[test]
fn sections_are_reversed_as_in_the_original() {
    let Some(file) = vectors("brain_tsp.json") else { return };
    for case in list(&file["reversed_sections"]) {
        let [n, i, j] = ["n", "i", "j"].map(|k| case[k].as_u64().unwrap() as usize);
        let mut order: Vec<usize> = (0..n).collect();
        reverse_section(&mut order, i, j);
        assert_eq!(order, places(&case["result"]), "{case}");
    }
}

#[test]
fn small_tours_are_as_short_as_tours_can_be() {
    let Some(file) = vectors("brain_tsp.json") else { return };
    for case in list(&file["cases"]) {
        let rows = list(&case["input"]["matrix"]);
        let values = rows.iter().flat_map(list).map(|x| x.as_f64().unwrap() as f32).collect();
        let costs = CostMatrix::new(rows.len(), values).unwrap();
        let given = places(&case["input"]["tour"]);
        let [length, best] =
            ["tour_length", "optimal_length"].map(|k| case["expected"][k].as_f64().unwrap());
        // Our costs have 24 bits: 1e-6 over a tour of costs below 1.
        assert!((tour_length(&costs, &given, Shape::Closed) - length).abs() < 1e-6);
        let cancel = Cancel::new();
        let exact = find_tour(&costs, Shape::Closed, 0, Seed(1), &cancel).unwrap();
        let searched = improve(&costs, &given, Shape::Closed, 20_000, Seed(1), &cancel).unwrap();
        for found in [exact, searched] {
            assert!((found.length - best).abs() < 1e-6, "{}: {found:?}", case["name"]);
        }
    }
}

/// Songs with everything known, like those of a library of a few styles.
fn library(n: usize, seed: u64) -> Vec<SongFacts> {
    let mut draws = Seed(seed).stream("library");
    let styles = ["house", "deep house", "techno", "drum & bass", "rock", "jazz"];
    let song = |_| {
        let style = draws.choice(styles.len());
        SongFacts {
            artist: Some(format!("artist {}", draws.choice(n / 4 + 1))),
            genre: Some(styles[style].into()),
            duration: Some(Seconds(150.0 + 200.0 * draws.uniform())),
            tempo: Some(Bpm(80.0 + 15.0 * style as f64 + 20.0 * draws.uniform())),
            energy: Some(draws.uniform()),
            danceability: Some(draws.uniform()),
            loudness: Some(Lufs(-14.0 + 6.0 * draws.uniform())),
            key: Some(Key { tonic: draws.choice(12), minor: draws.choice(2) == 0 }),
            ..SongFacts::default()
        }
    };
    (0..n).map(song).collect()
}

fn arranged(songs: &[SongFacts], seed: u64, shape: Shape) -> Arrangement {
    let weights = Weights::default();
    let options = OrderOptions {
        weights,
        shape,
        window: 3,
        variety: 0.0,
        seed: Seed(seed),
        effort: Some(100_000),
    };
    arrange(songs, &options, &Cancel::new()).unwrap()
}

#[test]
fn songs_are_arranged_with_artists_apart_and_a_given_beginning() {
    let songs = library(60, 3);
    for shape in [Shape::Closed, Shape::Open { first: None }, Shape::Open { first: Some(17) }] {
        let found = arranged(&songs, 1, shape);
        assert_eq!(found.conflicts, [], "{shape:?}");
        assert_eq!(Spacing::new(&songs, 3).conflicts(&found.order, shape), []);
        assert_eq!(found, arranged(&songs, 1, shape), "the same seed, the same order");
        let costs = CostMatrix::between(&Comparison::new(&songs, &Weights::default())).unwrap();
        assert!((tour_length(&costs, &found.order, shape) - found.length).abs() < 1e-9);
        let as_listed: Vec<usize> = (0..60).collect();
        assert!(found.length < 0.5 * tour_length(&costs, &as_listed, shape), "{}", found.length);
    }
    assert_eq!(arranged(&songs, 1, Shape::Open { first: Some(17) }).order[0], 17);
}

#[test]
fn a_few_seconds_of_search_come_near_what_a_long_one_finds() {
    let songs = library(150, 4);
    let costs = CostMatrix::between(&Comparison::new(&songs, &Weights::default())).unwrap();
    let find = |effort, seed| {
        find_tour(&costs, Shape::Closed, effort, Seed(seed), &Cancel::new()).unwrap().length
    };
    let long = (1..=2).map(|seed| find(10 * default_effort(150), seed)).fold(f64::MAX, f64::min);
    for seed in 3..=5 {
        let usual = find(default_effort(150), seed);
        assert!(usual < 1.03 * long, "{usual} is not within 3 % of {long}");
    }
}

fn any_shape(n: usize) -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Closed),
        Just(Shape::Open { first: None }),
        (0..n).prop_map(|first| Shape::Open { first: Some(first) }),
    ]
}

fn any_task() -> impl Strategy<Value = (usize, Vec<f32>, Shape)> {
    (1usize..40).prop_flat_map(|n| {
        let cost = prop_oneof![
            8 => 0.0..1.0f32, 1 => Just(0.5f32), 1 => -2.0..5.0f32,
            1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY)],
        ];
        (Just(n), proptest::collection::vec(cost, n * n), any_shape(n))
    })
}

proptest! {
    #[test]
    fn every_tour_holds_each_song_once_and_begins_where_it_must(
        (n, values, shape) in any_task(), seed in any::<u64>(), effort in 0u64..5_000,
    ) {
        let costs = CostMatrix::new(n, values).unwrap();
        let tour = find_tour(&costs, shape, effort, Seed(seed), &Cancel::new()).unwrap();
        let mut sorted = tour.order.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..n).collect::<Vec<_>>());
        if let Shape::Open { first: Some(first) } = shape {
            prop_assert_eq!(tour.order[0], first);
        }
        prop_assert!(tour.length.is_finite());
        let again = find_tour(&costs, shape, effort, Seed(seed), &Cancel::new()).unwrap();
        prop_assert_eq!(again, tour);
    }

    #[test]
    fn searching_on_never_makes_a_tour_longer(
        (n, values, shape) in any_task(), seed in any::<u64>(), effort in 0u64..5_000,
    ) {
        let costs = CostMatrix::new(n, values).unwrap();
        let first = if let Shape::Open { first: Some(first) } = shape { first } else { n / 2 };
        let order: Vec<usize> = (0..n).map(|k| (first + k) % n).collect();
        let tour = improve(&costs, &order, shape, effort, Seed(seed), &Cancel::new()).unwrap();
        prop_assert!(tour.length <= tour_length(&costs, &order, shape));
        prop_assert_eq!(tour.length, tour_length(&costs, &tour.order, shape));
        let free = matches!(shape, Shape::Open { first: None });
        prop_assert!(free || tour.order[0] == first);
        let mut sorted = tour.order;
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..n).collect::<Vec<_>>());
    }

    #[test]
    fn spacing_loses_no_song_and_makes_no_conflict_worse(
        artists in proptest::collection::vec(0u8..6, 1..30), window in 0usize..6, shape in any_shape(1),
    ) {
        let n = artists.len();
        let song = |a: &u8| SongFacts {
            artist: (*a > 0).then(|| a.to_string()), ..SongFacts::default()
        };
        let songs: Vec<SongFacts> = artists.iter().map(song).collect();
        let costs = CostMatrix::new(n, vec![0.5; n * n]).unwrap();
        let order: Vec<usize> = (0..n).collect();
        let spacing = Spacing::new(&songs, window);
        let repair = spacing.repair(&costs, &order, shape);
        // One pair side by side is worse than several that nearly keep the distance.
        let missing = |conflicts: &[Conflict]| -> usize {
            conflicts.iter().map(|c| (window - c.steps).pow(2)).sum()
        };
        let before = missing(&spacing.conflicts(&order, shape));
        prop_assert!(missing(&repair.left) <= before, "{:?}, was {}", repair.left, before);
        prop_assert_eq!(&repair.left, &spacing.conflicts(&repair.order, shape));
        let mut sorted = repair.order;
        sorted.sort_unstable();
        prop_assert_eq!(sorted, order);
    }
}

#[test]
fn every_seed_has_a_tour_of_its_own_where_chance_has_a_say() {
    let song = |i: u32| SongFacts {
        tempo: Some(evermix::base::Bpm(100.0 + f64::from(i * 7 % 23))),
        energy: Some(f64::from(i * 5 % 13) / 13.0),
        ..SongFacts::default()
    };
    let songs: Vec<SongFacts> = (0..30).map(song).collect();
    let order = |variety: f64, seed: u64| {
        let options = OrderOptions {
            weights: Weights::default(),
            shape: Shape::Open { first: Some(0) },
            window: 0,
            variety,
            seed: Seed(seed),
            effort: None,
        };
        arrange(&songs, &options, &Cancel::new()).unwrap()
    };
    let best = order(0.0, 1);
    let varied: Vec<_> = (1..6).map(|seed| order(0.25, seed)).collect();
    assert_eq!(varied[0].order, order(0.25, 1).order, "the same seed, the same tour");
    assert!(varied.windows(2).all(|w| w[0].order != w[1].order));
    // Chance costs little: no tour is more than a quarter of the mean cost a song dearer.
    for tour in &varied {
        assert!(tour.length < best.length + 0.25 * 30.0 * 0.5, "{} {}", tour.length, best.length);
    }
}
