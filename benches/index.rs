//! Time of one exact nearest-neighbour query by each engine: what `Engine::fastest` rests on.
//!
//! The rows imitate beats: songs of 300 rows around a centre of their own, eight hidden factors,
//! noise on every column. Queries are rows of the same kind that are not in the space.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use evermix::corpus::{Algorithm, Engine, Space, SpaceColumn};

const SIZES: [(usize, usize); 5] =
    [(2_000, 25), (10_000, 12), (10_000, 61), (100_000, 25), (100_000, 61)];
const ENGINES: [(&str, Engine); 5] = [
    ("own kd-tree", Engine::FlatTree),
    ("own scan", Engine::Scan),
    ("linfa kd-tree", Engine::LinfaKdTree),
    ("linfa ball-tree", Engine::LinfaBallTree),
    ("linfa linear", Engine::LinfaLinear),
];
const QUERIES: usize = 128;
const FACTORS: usize = 8;
const K: usize = 10;

/// Sums of four uniform numbers from a fixed linear congruential sequence, roughly normal.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn normal(&mut self) -> f32 {
        (0..4).map(|_| self.uniform()).sum::<f32>() * 0.866
    }

    fn vector(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.normal()).collect()
    }
}

fn beats(rows: usize, dims: usize) -> Vec<f32> {
    let mut noise = Noise(11);
    let mixing = noise.vector(FACTORS * dims);
    let mut song = noise.vector(FACTORS);
    let mut values = Vec::with_capacity(rows * dims);
    for row in 0..rows {
        if row % 300 == 0 {
            song = noise.vector(FACTORS);
        }
        let factors: Vec<f32> = song.iter().map(|s| s + 0.6 * noise.normal()).collect();
        for column in 0..dims {
            let mixed = factors.iter().zip(&mixing[column * FACTORS..]).map(|(f, m)| f * m);
            values.push(mixed.sum::<f32>() + 0.7 * noise.normal());
        }
    }
    values
}

fn engines(group: &mut BenchmarkGroup<WallTime>, space: &Space, queries: &[f32]) {
    group.throughput(Throughput::Elements(1));
    for (name, engine) in ENGINES {
        let searcher = space.searcher_with(engine).expect("the rows are finite");
        let mut each = queries.chunks_exact(space.dims()).cycle();
        group.bench_function(name, |b| {
            b.iter(|| searcher.nearest(black_box(each.next().expect("endless")), K));
        });
    }
    group.throughput(Throughput::Elements(QUERIES as u64));
    for (name, engine) in [("own products", Engine::Products), ("own kd-tree", Engine::FlatTree)] {
        let searcher = space.searcher_with(engine).expect("ours need no building");
        let name = format!("{name}, {QUERIES} queries at once");
        group.bench_function(name, |b| b.iter(|| searcher.nearest_all(black_box(queries), K)));
    }
    let auto = space.searcher().expect("auto needs no building");
    let name = format!("auto, {QUERIES} queries at once");
    group.bench_function(name, |b| b.iter(|| auto.nearest_all(black_box(queries), K)));
    group.throughput(Throughput::Elements(1));
    let mut each = queries.chunks_exact(space.dims()).cycle();
    group.bench_function("auto", |b| {
        b.iter(|| auto.nearest(black_box(each.next().expect("endless")), K));
    });
}

fn index(criterion: &mut Criterion) {
    for (rows, dims) in SIZES {
        let mut raw = beats(rows + QUERIES, dims);
        let columns = (0..dims).map(|i| SpaceColumn::new(format!("c{i}"), 1.0)).collect();
        let strangers = raw.split_off(rows * dims);
        let space = Space::fit("mix", columns, &raw, Algorithm::Auto).expect("the rows are finite");
        let queries: Vec<f32> =
            strangers.chunks_exact(dims).flat_map(|raw| space.standardise(raw)).collect();
        let mut group = criterion.benchmark_group(format!("{rows} rows of {dims}"));
        engines(&mut group, &space, &queries);
        group.finish();
    }
}

fn short() -> Criterion {
    use std::time::Duration;
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
}

criterion_group! { name = benches; config = short(); targets = index }
criterion_main!(benches);
