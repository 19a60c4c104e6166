use super::super::energy::agreement;
use super::super::{Shape, Weights, arrange};
use super::*;
use crate::analysis::Key;
use crate::base::{Bpm, Seed};

/// Songs of a collection: calm ones are slower, keys and artists are mixed.
fn library(count: usize) -> Vec<SongFacts> {
    let mut draws = Seed(3).stream("library");
    let song = |n: usize| {
        let energy = draws.uniform();
        SongFacts {
            artist: Some(format!("Artist {}", n % (count / 3).max(1))),
            tempo: Some(Bpm(95.0 + 30.0 * energy + 25.0 * draws.uniform())),
            key: Some(Key { tonic: draws.choice(12), minor: draws.choice(2) == 0 }),
            energy: Some(0.3 + 0.5 * energy),
            danceability: Some(draws.uniform()),
            ..SongFacts::default()
        }
    };
    (0..count).map(song).collect()
}

fn options() -> OrderOptions {
    OrderOptions {
        weights: Weights::default(),
        shape: Shape::Open { first: None },
        window: 3,
        variety: 0.1,
        seed: Seed(5),
        effort: None,
    }
}

fn asked(curve: &str, count: usize, of: usize) -> Wanted {
    let (curve, part) = (curve.parse().unwrap(), 0.0..1.0);
    // Songs of one minute to five.
    let stays = (0..of).map(|n| 60.0 + 60.0 * (n * 7 % 5) as f64).collect();
    Wanted { curve, part, count, stays, before: None, keep: Vec::new() }
}

fn followed(songs: &[SongFacts], wanted: &Wanted) -> Vec<usize> {
    follow(songs, wanted, &options(), &Cancel::new()).unwrap()
}

/// Mean cost of a transition.
fn mean(songs: &[SongFacts], order: &[usize]) -> f64 {
    let costs = Comparison::new(songs, &Weights::default());
    let sum: f64 = order.windows(2).map(|w| costs.cost(w[0], w[1])).sum();
    sum / (order.len() - 1) as f64
}

fn agrees(songs: &[SongFacts], order: &[usize], wanted: &Wanted) -> f64 {
    let places = energy_places(songs);
    let found: Vec<f64> = order.iter().map(|&i| places[i]).collect();
    agreement(&wanted.energies(order), &found).unwrap()
}

#[test]
fn every_curve_is_followed_and_transitions_cost_moderately_more() {
    let songs = library(60);
    let usual = arrange(&songs, &options(), &Cancel::new()).unwrap().order;
    for curve in ["rise", "fall", "arc", "wave", "0:0.9,0.5:0.1,1:0.9"] {
        let wanted = asked(curve, 60, 60);
        let order = followed(&songs, &wanted);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..60).collect::<Vec<_>>(), "every song once");
        let (found, without) = (agrees(&songs, &order, &wanted), agrees(&songs, &usual, &wanted));
        let (cost, least) = (mean(&songs, &order), mean(&songs, &usual));
        eprintln!(
            "{curve}: {found:.2} instead of {without:.2}, a transition {cost:.3} instead of {least:.3}"
        );
        assert!(found > 0.9 && found > without + 0.1, "{curve}: {found}, {without} without");
        assert!(cost < 1.6 * least, "{curve}: {cost} a transition, {least} without");
        let artist = |i: usize| &songs[order[i]].artist;
        let close = (0..59).filter(|&i| artist(i) == artist(i + 1)).count();
        assert_eq!(close, 0, "{curve}: artists side by side");
    }
}

#[test]
fn of_many_songs_those_that_suit_the_curve_and_each_other_are_chosen() {
    let songs = library(300);
    for curve in ["arc", "flat", "fall"] {
        let wanted = Wanted { keep: vec![7, 8], ..asked(curve, 20, 300) };
        let order = followed(&songs, &wanted);
        assert_eq!(order.len(), 20);
        assert!(order.contains(&7) && order.contains(&8), "{curve}: {order:?}");
        let places = energy_places(&songs);
        let off = |(&song, &due): (&usize, &f64)| (places[song] - due).abs();
        let mut off: Vec<f64> = order.iter().zip(&wanted.energies(&order)).map(off).collect();
        off.sort_by(f64::total_cmp);
        assert!(off[15] < 0.15, "{curve}: {off:?}");
        let usual = arrange(&songs, &options(), &Cancel::new()).unwrap().order;
        let (cost, least) = (mean(&songs, &order), mean(&songs, &usual));
        eprintln!("{curve}: 20 of 300, a transition {cost:.3} instead of {least:.3}");
        assert!(cost < 1.6 * least, "{curve}: {cost} a transition, {least} without");
    }
}

#[test]
fn the_same_seed_finds_the_same_way_and_it_does_not_begin_with_the_song_before() {
    let songs = library(40);
    let wanted = Wanted { before: Some(4), ..asked("rise", 12, 40) };
    let order = followed(&songs, &wanted);
    assert_eq!(order, followed(&songs, &wanted));
    assert!(!order.contains(&4) && order.len() == 12);
    assert_eq!(followed(&songs[..1], &asked("arc", 3, 1)), [0]);
    assert_eq!(followed(&[], &asked("arc", 3, 1)), [0; 0]);
}
