use std::path::PathBuf;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

const ENGINES: [Engine; 6] = [
    Engine::FlatTree,
    Engine::Scan,
    Engine::Products,
    Engine::LinfaKdTree,
    Engine::LinfaBallTree,
    Engine::LinfaLinear,
];

fn columns(dims: usize) -> Vec<Column> {
    (0..dims).map(|i| Column::new(format!("c{i}"), 1.0)).collect()
}

/// Numbers in -1..1 that differ with the seed and nothing else.
fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Rows around a few centres, ten times tighter than the centres are apart.
fn clustered(seed: u64, rows: usize, dims: usize) -> Vec<f32> {
    let centres = noise(seed ^ 1, 8 * dims);
    let spread = noise(seed, rows * dims);
    (0..rows * dims)
        .map(|i| centres[(i / dims * 5 % 8) * dims + i % dims] + 0.1 * spread[i])
        .collect()
}

/// Rows of small whole numbers: many equal rows, many equal distances.
fn ties(seed: u64, rows: usize, dims: usize) -> Vec<f32> {
    noise(seed, rows * dims).iter().map(|v| (v * 1.5).round()).collect()
}

/// Sorts all rows by the direct formula in `f64`.
fn sorted(space: &Space, query: &[f32], k: usize) -> Vec<Neighbour> {
    let distance = |row: usize| {
        let row = space.row(row).unwrap();
        let squares = row.iter().zip(query).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
        squares.fold(0.0, |sum, square| sum + square)
    };
    let mut all: Vec<(f64, u32)> = (0..space.len()).map(|i| (distance(i), i as u32)).collect();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all.truncate(k);
    all.iter().map(|&(squared, row)| Neighbour { row, distance: squared.sqrt() as f32 }).collect()
}

fn assert_all_engines_agree(space: &Space, queries: &[f32], k: usize) {
    let dims = space.dims();
    let truth: Vec<_> = queries.chunks(dims).map(|query| sorted(space, query, k)).collect();
    for engine in ENGINES {
        let searcher = space.searcher_with(engine).unwrap();
        for (query, truth) in queries.chunks(dims).zip(&truth) {
            assert_eq!(&searcher.nearest(query, k), truth, "{engine:?}, k {k}");
        }
        assert_eq!(searcher.nearest_all(queries, k), truth, "{engine:?}, k {k}, all at once");
    }
}

fn fit(raw: &[f32], dims: usize) -> Space {
    Space::fit("mix", columns(dims), raw, Algorithm::Auto).unwrap()
}

/// Some rows of the space and as many strangers.
fn queries(space: &Space, count: usize) -> Vec<f32> {
    let rows = (0..count).filter_map(|i| space.row(i * 7)).flatten();
    rows.chain(noise(99, count * space.dims()).iter().map(|v| v * 2.0)).collect()
}

#[test]
fn every_engine_gives_the_order_of_the_direct_formula() {
    for rows in [0, 1, 2, 41, 1000] {
        for dims in [1, 2, 12, 25] {
            for make in [|s, r, d| noise(s, r * d), clustered, ties] {
                let space = fit(&make(rows as u64 + 3, rows, dims), dims);
                for k in [0, 1, 10, 500] {
                    assert_all_engines_agree(&space, &queries(&space, 4), k);
                }
            }
        }
    }
}

#[test]
fn more_neighbours_than_rows_is_all_rows() {
    let space = fit(&noise(1, 41 * 25), 25);
    for engine in ENGINES {
        let searcher = space.searcher_with(engine).unwrap();
        let all = searcher.nearest(&space.row(3).unwrap(), usize::MAX);
        assert_eq!(all.len(), 41, "{engine:?}");
        assert_eq!(all[0], Neighbour { row: 3, distance: 0.0 });
    }
}

#[test]
fn a_thousand_equal_rows_come_in_row_order() {
    let raw: Vec<f32> = noise(5, 6).into_iter().chain([0.25; 3000]).collect();
    let space = fit(&raw, 3);
    for engine in ENGINES {
        let searcher = space.searcher_with(engine).unwrap();
        let found = searcher.nearest(&space.row(500).unwrap(), 20);
        let rows: Vec<u32> = found.iter().map(|n| n.row).collect();
        assert_eq!(rows, (2..22).collect::<Vec<u32>>(), "{engine:?}");
    }
}

#[test]
fn far_outliers_and_far_queries_do_not_fool_the_screens() {
    let dims = 12;
    let mut raw = clustered(8, 400, dims);
    raw[5 * dims..6 * dims].fill(1e7);
    raw[77 * dims] = -3e9;
    let space = fit(&raw, dims);
    let far: Vec<f32> = noise(2, dims).iter().map(|v| v * 1e6).collect();
    let mut all = queries(&space, 20);
    all.extend(far);
    assert_all_engines_agree(&space, &all, 10);
}

#[test]
fn a_query_that_cannot_be_placed_has_no_neighbours() {
    let space = fit(&noise(1, 100 * 4), 4);
    for engine in ENGINES {
        let searcher = space.searcher_with(engine).unwrap();
        for query in [
            &[0.0; 3][..],
            &[0.0; 5],
            &[f32::NAN, 0.0, 0.0, 0.0],
            &[0.0, f32::INFINITY, 0.0, 0.0],
            &[f32::MAX; 4],
        ] {
            assert_eq!(searcher.nearest(query, 5), [], "{engine:?}");
        }
        let mixed = [0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0, 0.0, 0.0];
        let found = searcher.nearest_all(&mixed, 5);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [0, 5], "{engine:?}");
        assert!(searcher.nearest_all(&[], 5).is_empty());
    }
}

#[test]
fn columns_are_standardised_and_weighted() {
    let raw = [1.0, 100.0, 3.0, 300.0, 5.0, 800.0];
    let columns = vec![Column::new("a", 1.0), Column::new("b", 0.5)];
    let space = Space::fit("mix", columns, &raw, Algorithm::Auto).unwrap();
    let [a, b] = space.columns() else { panic!("two columns") };
    assert_eq!((a.mean, b.mean), (3.0, 400.0));
    assert!((a.std - (8.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    let z = |row: usize, column: usize| space.row(row).unwrap()[column];
    assert!((z(0, 0) + 2.0 / (8.0_f32 / 3.0).sqrt()).abs() < 1e-6);
    let variance: f32 = (0..3).map(|row| z(row, 1).powi(2)).sum::<f32>() / 3.0;
    assert!((variance - 0.25).abs() < 1e-6, "weight 0.5 halves the deviation");
    assert_eq!(space.standardise(&raw[2..4]), space.row(1).unwrap());
    assert!(space.row(3).is_none());
}

#[test]
fn a_column_that_is_constant_up_to_rounding_is_ignored() {
    let above = f32::from_bits(0.1_f32.to_bits() + 1);
    let raw = [1.0, 0.1, 7.5, 2.0, above, 7.5, 3.0, 0.1, 7.5];
    let space = fit(&raw, 3);
    assert!(space.columns()[0].std > 0.0);
    assert_eq!((space.columns()[1].std, space.columns()[2].std), (0.0, 0.0));
    assert_eq!(space.columns()[2].mean, 7.5);
    assert_eq!(space.standardise(&[2.0, 5e9, -3.0]), [0.0, 0.0, 0.0]);
}

#[test]
fn a_weight_of_zero_hides_a_column() {
    let raw: Vec<f32> = (0..50).flat_map(|i| [(i * 17 % 50) as f32, i as f32]).collect();
    let columns = vec![Column::new("hidden", 0.0), Column::new("seen", 1.0)];
    let space = Space::fit("mix", columns, &raw, Algorithm::Auto).unwrap();
    let mut rows: Vec<u32> =
        space.nearest(&space.row(20).unwrap(), 3).iter().map(|n| n.row).collect();
    rows.sort_unstable();
    assert_eq!(rows, [19, 20, 21]);
}

#[test]
fn rows_that_cannot_be_fitted_are_named() {
    let message = |columns: Vec<Column>, raw: &[f32]| {
        Space::fit("drums", columns, raw, Algorithm::Auto).unwrap_err().to_string()
    };
    let text = message(columns(2), &[0.0, 1.0, 2.0, f32::NAN]);
    assert!(text.contains("row 1") && text.contains("'c1'") && text.contains("'drums'"), "{text}");
    assert!(message(columns(2), &[1.0]).contains("rows of 2"));
    assert!(message(columns(0), &[]).contains("0 columns"));
    assert!(message(vec![Column::new("a", f64::NAN)], &[1.0]).contains("weight of 'a'"));
    assert!(message(vec![Column::new("a", 1e30)], &[1.0, 2.0]).contains("row 0"));
}

#[test]
fn named_algorithms_are_spelt_with_hyphens() {
    let spelt = |a: Algorithm| serde_json::to_string(&a).unwrap();
    assert_eq!(spelt(Algorithm::Auto), "\"auto\"");
    assert_eq!(spelt(Algorithm::KdTree), "\"kd-tree\"");
    assert_eq!(spelt(Algorithm::BallTree), "\"ball-tree\"");
    assert_eq!(spelt(Algorithm::Brute), "\"brute\"");
}

#[test]
fn every_algorithm_searches_after_fitting() {
    let raw = clustered(4, 300, 6);
    let query = noise(6, 6);
    let nearest = |algorithm| {
        let space = Space::fit("mix", columns(6), &raw, algorithm).unwrap();
        space.searcher().unwrap().nearest(&query, 7)
    };
    let auto = nearest(Algorithm::Auto);
    assert_eq!(auto.len(), 7);
    for algorithm in [Algorithm::KdTree, Algorithm::BallTree, Algorithm::Brute] {
        assert_eq!(nearest(algorithm), auto);
    }
}

#[test]
fn auto_uses_what_is_fastest_for_the_size_and_gives_the_same_rows() {
    assert_eq!(Engine::fastest(2_000, 25, 128), Engine::FlatTree);
    assert_eq!(Engine::fastest(100_000, 12, 128), Engine::FlatTree);
    assert_eq!(Engine::fastest(100_000, 25, 1), Engine::FlatTree);
    assert_eq!(Engine::fastest(100_000, 61, 1), Engine::FlatTree);
    assert_eq!(Engine::fastest(10_000, 61, 64), Engine::Products);
    assert_eq!(Engine::fastest(usize::MAX, 61, 64), Engine::Products);

    let space = fit(&clustered(12, 10_000, 20), 20);
    let queries = queries(&space, 24);
    let at_once = space.searcher().unwrap().nearest_all(&queries, 10);
    let singly: Vec<_> = queries.chunks(20).map(|query| space.nearest(query, 10)).collect();
    assert_eq!(at_once, singly);
    assert_eq!(at_once[1], sorted(&space, &queries[20..40], 10));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn engines_agree_on_anything(
        dims in 1_usize..20,
        cells in prop::collection::vec(prop_oneof![-2.0_f32..2.0, Just(0.0), Just(1.0), -1e6_f32..1e6], 0..1200),
        k in 0_usize..40,
    ) {
        let whole = cells.len() / dims * dims;
        let space = fit(&cells[..whole], dims);
        assert_all_engines_agree(&space, &queries(&space, 3), k);
    }
}

#[derive(Deserialize)]
struct Recorded {
    cases: Vec<Case>,
}

/// Neighbours found by scikit-learn on raw (not standardised) rows.
#[derive(Deserialize)]
struct Case {
    name: String,
    dataset: Vec<Vec<f64>>,
    queries: Vec<Vec<f64>>,
    k: usize,
    indices: Vec<Vec<u32>>,
    distances: Vec<Vec<f64>>,
    note: String,
}

/// A space that keeps its rows as they are.
fn unscaled(rows: &[f32], dims: usize) -> Space {
    let tree = FlatTree::build(rows, dims);
    Space::from_parts("raw".into(), columns(dims), Algorithm::Auto, tree)
}

#[test]
fn neighbours_are_those_scikit_learn_finds() {
    let shared = std::env::var_os("EVERMIX_SHARED").map_or("../shared".into(), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(shared.join("vectors/ir_nn.json")) else {
        eprintln!("skipped: no vectors/ir_nn.json under {}", shared.display());
        return;
    };
    let recorded: Recorded = serde_json::from_str(&text).unwrap();
    assert!(!recorded.cases.is_empty());
    for case in recorded.cases {
        let flat =
            |rows: &[Vec<f64>]| rows.iter().flatten().map(|&v| v as f32).collect::<Vec<f32>>();
        let space = unscaled(&flat(&case.dataset), case.dataset[0].len());
        for engine in ENGINES {
            let found =
                space.searcher_with(engine).unwrap().nearest_all(&flat(&case.queries), case.k);
            assert_eq!(found.len(), case.indices.len());
            for ((found, indices), distances) in
                found.iter().zip(&case.indices).zip(&case.distances)
            {
                let rows: Vec<u32> = found.iter().map(|n| n.row).collect();
                if !case.note.contains("compare distances only") {
                    assert_eq!(&rows, indices, "{} by {engine:?}", case.name);
                }
                for (neighbour, &distance) in found.iter().zip(distances) {
                    assert!(
                        (f64::from(neighbour.distance) - distance).abs() < 1e-4,
                        "{}",
                        case.name
                    );
                }
            }
        }
    }
}
