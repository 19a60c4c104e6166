use super::*;
use crate::base::Draws;

fn random_costs(n: usize, seed: u64) -> CostMatrix {
    let mut draws = Seed(seed).stream("costs");
    CostMatrix::new(n, (0..n * n).map(|_| draws.uniform() as f32).collect()).unwrap()
}

fn all_orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let with_last = |order: &Vec<usize>| -> Vec<Vec<usize>> {
        let put = |at| {
            let mut order = order.clone();
            order.insert(at, n - 1);
            order
        };
        (0..n).map(put).collect()
    };
    all_orders(n - 1).iter().flat_map(with_last).collect()
}

const SHAPES: [Shape; 4] = [
    Shape::Closed,
    Shape::Open { first: None },
    Shape::Open { first: Some(0) },
    Shape::Open { first: Some(2) },
];

fn fits(order: &[usize], shape: Shape) -> bool {
    !matches!(shape, Shape::Open { first: Some(first) } if order[0] != first)
}

#[test]
fn few_songs_get_the_best_order_of_all() {
    for n in 3..=7 {
        let costs = random_costs(n, n as u64);
        for shape in SHAPES {
            let orders = all_orders(n).into_iter().filter(|order| fits(order, shape));
            let best = orders.map(|o| tour_length(&costs, &o, shape)).fold(f64::INFINITY, f64::min);
            let tour = find_tour(&costs, shape, 0, Seed(1), &Cancel::new()).unwrap();
            assert!(fits(&tour.order, shape), "{shape:?}: {:?}", tour.order);
            assert!(
                (tour.length - best).abs() < 1e-6,
                "{n} songs, {shape:?}: {} {best}",
                tour.length
            );
        }
    }
}

#[test]
fn the_search_finds_the_best_circle_where_it_can_be_computed() {
    for n in LEAST..=EXACT {
        let wheel = Wheel::new(&random_costs(n, 40 + n as u64), Shape::Closed);
        let length = |circle: &[u32]| ring::Ring::new(&wheel, circle).length();
        let best = length(&exact::best_circle(&wheel));
        let start: Vec<u32> = (0..n as u32).collect();
        let (found, spent) =
            kicks::search(&wheel, &start, 20_000, Seed(1), &Cancel::new()).unwrap();
        assert_eq!(length(&found), best, "{n} stops");
        assert!((20_000..21_000).contains(&spent), "{spent}");
    }
}

#[test]
fn no_song_one_song_and_two_songs_have_an_order() {
    for shape in [Shape::Closed, Shape::Open { first: None }] {
        for n in 0..=2 {
            let costs = CostMatrix::new(n, vec![0.25; n * n]).unwrap();
            let tour = find_tour(&costs, shape, 10, Seed(0), &Cancel::new()).unwrap();
            assert_eq!(tour.order.len(), n);
            let arcs = if shape == Shape::Closed { n } else { n.saturating_sub(1) };
            assert_eq!(tour.length, 0.25 * arcs as f64, "{n} songs, {shape:?}");
            let again = improve(&costs, &tour.order, shape, 10, Seed(0), &Cancel::new()).unwrap();
            assert_eq!(again.order, tour.order);
        }
    }
}

#[test]
fn songs_on_a_line_are_played_along_it() {
    let n = 40;
    let hidden: Vec<usize> = (0..n).map(|k| k * 17 % n).collect();
    let apart = |a: usize, b: usize| hidden[a].abs_diff(hidden[b]) as f32;
    let values = (0..n * n).map(|k| apart(k / n, k % n)).collect();
    let costs = CostMatrix::new(n, values).unwrap();
    let shape = Shape::Open { first: None };
    let tour = find_tour(&costs, shape, default_effort(n), Seed(5), &Cancel::new()).unwrap();
    assert_eq!(tour.length, (n - 1) as f64);
}

#[test]
fn a_way_against_the_stream_is_turned_into_the_way_with_it() {
    // On to the next song costs nothing, anything else 1: the reversed tour is the worst start.
    let n = 30;
    let values = (0..n * n).map(|k| f32::from(u8::from((k / n + 1) % n != k % n))).collect();
    let costs = CostMatrix::new(n, values).unwrap();
    let start: Vec<usize> = (0..n).rev().collect();
    let cancel = Cancel::new();
    let tour = improve(&costs, &start, Shape::Closed, 200_000, Seed(5), &cancel).unwrap();
    assert_eq!(tour.length, 0.0);
    assert_eq!(tour.order[0], n - 1, "a closed tour goes on beginning where it began");
}

#[test]
fn orders_that_are_none_and_first_songs_that_are_not_there_are_refused() {
    let costs = random_costs(4, 1);
    let improved = |order: &[usize], shape| {
        improve(&costs, order, shape, 10, Seed(1), &Cancel::new()).map_err(|e| e.kind())
    };
    for broken in [&[0, 1, 2][..], &[0, 1, 2, 2], &[0, 1, 2, 4], &[0, 1, 2, 3, 3]] {
        assert_eq!(improved(broken, Shape::Closed).unwrap_err(), ErrorKind::Internal);
    }
    let wrong_first = Shape::Open { first: Some(1) };
    assert_eq!(improved(&[0, 1, 2, 3], wrong_first).unwrap_err(), ErrorKind::Internal);
    let absent = Shape::Open { first: Some(4) };
    let refused = find_tour(&costs, absent, 10, Seed(1), &Cancel::new()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Usage);
}

#[test]
fn a_wish_to_stop_ends_the_search() {
    let cancel = Cancel::new();
    cancel.stop(2);
    let stopped = find_tour(&random_costs(20, 1), Shape::Closed, u64::MAX, Seed(1), &cancel);
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted(2));
}

#[test]
fn lists_are_chained_after_the_song_played_last() {
    let mut order = [4, 2, 0, 3, 1];
    assert!(rotate_after(&mut order, 0));
    assert_eq!(order, [3, 1, 4, 2, 0]);
    assert!(!rotate_after(&mut order, 9), "a song that is not there");
    assert_eq!(order, [3, 1, 4, 2, 0]);
}
