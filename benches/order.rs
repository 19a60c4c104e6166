//! Time to compare all songs and to order them, and how the tour compares with what the hill
//! climbing of forever.fm finds: random section reversals, each judged by walking the whole tour,
//! a new random start at every summit, 100 tours looked at for each song.
//!
//! The songs imitate a library: styles with a tempo, genre and sound of their own.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use evermix::analysis::Key;
use evermix::base::{Bpm, Cancel, Draws, Lufs, Seconds, Seed, SeededDraws};
use evermix::order::{
    Comparison, CostMatrix, JoinSound, Shape, SongFacts, Weights, default_effort, find_tour,
    reverse_section, tour_length,
};

const SIZES: [usize; 2] = [100, 1_000];
/// A much longer search, for telling how near the usual one comes.
const LONG: u64 = 10;

fn normal(draws: &mut SeededDraws) -> f64 {
    (0..12).map(|_| draws.uniform()).sum::<f64>() - 6.0
}

fn sound(draws: &mut SeededDraws, centre: &[f64; 12], key: Key) -> Option<JoinSound> {
    let timbre = centre.map(|c| (0.8 * c + 0.6 * normal(draws)) as f32);
    let tonic = if draws.choice(5) == 0 { (key.tonic + 7) % 12 } else { key.tonic };
    Some(JoinSound { timbre: Some(timbre), key: Some(Key { tonic, ..key }), tempo: None })
}

fn songs(n: usize) -> Vec<SongFacts> {
    let mut draws = Seed(n as u64).stream("songs");
    let styles: Vec<(f64, [f64; 12])> = (0..12)
        .map(|_| (75.0 + 100.0 * draws.uniform(), std::array::from_fn(|_| normal(&mut draws))))
        .collect();
    let mut song = || {
        let style = draws.choice(styles.len());
        let (tempo, centre) = &styles[style];
        let key = Key { tonic: draws.choice(12), minor: draws.choice(2) == 0 };
        SongFacts {
            artist: Some(format!("artist {}", draws.choice(n / 5 + 1))),
            genre: (draws.choice(4) > 0).then(|| format!("style {}", style * 7)),
            duration: Some(Seconds(240.0 + 60.0 * normal(&mut draws))),
            tempo: Some(Bpm(tempo * (1.0 + 0.06 * normal(&mut draws)))),
            energy: Some(draws.uniform()),
            danceability: Some(draws.uniform()),
            loudness: Some(Lufs(-11.0 + 3.0 * normal(&mut draws))),
            key: Some(key),
            opening: sound(&mut draws, centre, key),
            ending: sound(&mut draws, centre, key),
            ..SongFacts::default()
        }
    };
    (0..n).map(|_| song()).collect()
}

fn matrix(songs: &[SongFacts], weights: &Weights) -> CostMatrix {
    CostMatrix::between(&Comparison::new(songs, weights)).expect("the songs are few enough")
}

fn tour(costs: &CostMatrix, effort: u64, seed: u64) -> f64 {
    let found = find_tour(costs, Shape::Closed, effort, Seed(seed), &Cancel::new());
    found.expect("nobody stops it").length
}

fn shuffled<T>(items: &mut [T], draws: &mut SeededDraws) {
    for k in (1..items.len()).rev() {
        items.swap(k, draws.choice(k + 1));
    }
}

/// The length of the best tour the original's search finds.
fn hill_climbing(costs: &CostMatrix, seed: u64) -> f64 {
    let n = costs.len();
    let mut draws = Seed(seed).stream("peer");
    let mut pairs: Vec<(usize, usize)> =
        (0..n * n).map(|k| (k / n, k % n)).filter(|(i, j)| i != j).collect();
    let mut left = n * 100;
    let mut best = f64::INFINITY;
    while left > 0 {
        let mut order: Vec<usize> = (0..n).collect();
        shuffled(&mut order, &mut draws);
        let mut length = tour_length(costs, &order, Shape::Closed);
        left -= 1;
        while left > 0
            && let Some(shorter) =
                first_shorter(costs, &mut order, length, &mut pairs, &mut left, &mut draws)
        {
            length = shorter;
        }
        best = best.min(length);
    }
    best
}

/// Goes to the first shorter tour among all reversals in random order.
fn first_shorter(
    costs: &CostMatrix,
    order: &mut Vec<usize>,
    length: f64,
    pairs: &mut [(usize, usize)],
    left: &mut usize,
    draws: &mut SeededDraws,
) -> Option<f64> {
    for k in 0..pairs.len() {
        // The pairs are shuffled as far as they are looked at.
        pairs.swap(k, k + draws.choice(pairs.len() - k));
        let (i, j) = pairs[k];
        let mut other = order.clone();
        reverse_section(&mut other, i, j);
        let found = tour_length(costs, &other, Shape::Closed);
        *left -= 1;
        if found < length {
            *order = other;
            return Some(found);
        }
        if *left == 0 {
            return None;
        }
    }
    None
}

fn compare_with_the_original(costs: &CostMatrix) {
    let n = costs.len();
    let started = Instant::now();
    let ours: Vec<f64> = (1..=3).map(|seed| tour(costs, default_effort(n), seed)).collect();
    let our_time = started.elapsed() / 3;
    let started = Instant::now();
    let theirs: Vec<f64> = (1..=3).map(|seed| hill_climbing(costs, seed)).collect();
    let their_time = started.elapsed() / 3;
    let long = tour(costs, LONG * default_effort(n), 9);
    let mean = |lengths: &[f64]| lengths.iter().sum::<f64>() / lengths.len() as f64;
    let worst = ours.iter().copied().fold(0.0, f64::max);
    println!(
        "{n} songs: tour {:.3} in {our_time:.2?}; hill climbing of the original {:.3} in \
         {their_time:.2?}: {:.2} times as long; the longest of ours is {:.2} % above a search of \
         {LONG} times the effort ({long:.3})",
        mean(&ours),
        mean(&theirs),
        mean(&theirs) / mean(&ours),
        100.0 * (worst / long - 1.0),
    );
}

fn order(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("order");
    for n in SIZES {
        let songs = songs(n);
        let weights = Weights::default();
        let costs = matrix(&songs, &weights);
        compare_with_the_original(&costs);
        group.bench_with_input(BenchmarkId::new("matrix", n), &songs, |b, songs| {
            b.iter(|| matrix(black_box(songs), &weights));
        });
        group.bench_with_input(BenchmarkId::new("tour", n), &costs, |b, costs| {
            b.iter(|| tour(black_box(costs), default_effort(n), 1));
        });
        group.bench_with_input(BenchmarkId::new("hill climbing", n), &costs, |b, costs| {
            b.iter(|| hill_climbing(black_box(costs), 1));
        });
    }
    group.finish();
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
}

criterion_group! { name = benches; config = short(); targets = order }
criterion_main!(benches);
