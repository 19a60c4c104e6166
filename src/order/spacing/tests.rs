use super::*;
use crate::base::{Draws, Seed};

/// One letter for each song's artist; `.` is unknown.
fn songs(artists: &str) -> Vec<SongFacts> {
    let song =
        |c: char| SongFacts { artist: (c != '.').then(|| c.to_string()), ..SongFacts::default() };
    artists.chars().map(song).collect()
}

fn costs(n: usize) -> CostMatrix {
    let mut draws = Seed(9).stream("costs");
    CostMatrix::new(n, (0..n * n).map(|_| draws.uniform() as f32).collect()).unwrap()
}

fn repaired(artists: &str, window: usize, shape: Shape) -> (String, Vec<Conflict>) {
    let songs = songs(artists);
    let order: Vec<usize> = (0..songs.len()).collect();
    let repair = Spacing::new(&songs, window).repair(&costs(songs.len()), &order, shape);
    let mut sorted = repair.order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, order, "every song once");
    assert_eq!(repair.length, tour_length(&costs(songs.len()), &repair.order, shape));
    let letters: Vec<char> = artists.chars().collect();
    (repair.order.iter().map(|&song| letters[song]).collect(), repair.left)
}

const OPEN: Shape = Shape::Open { first: None };

#[test]
fn conflicts_are_told_with_their_places_and_across_the_end_of_a_circle() {
    let order = [0, 1, 2, 3, 4];
    let spacing = Spacing::new(&songs("abA.a"), 3);
    let near = |first, second, steps| Conflict { first, second, steps };
    assert_eq!(spacing.conflicts(&order, OPEN), [near(0, 2, 2), near(2, 4, 2)]);
    let closed = spacing.conflicts(&order, Shape::Closed);
    assert_eq!(closed, [near(0, 2, 2), near(2, 4, 2), near(4, 0, 1)]);
    assert_eq!(Spacing::new(&songs("aa.."), 1).conflicts(&[0, 1, 2, 3], OPEN), []);
    assert_eq!(Spacing::new(&songs(".."), 2).conflicts(&[0, 1], Shape::Closed), []);
}

#[test]
fn artists_are_moved_apart_wherever_there_is_room() {
    for (artists, window) in
        [("aabb", 2), ("aaabbbccc", 3), ("aaaabcdefg", 3), ("aaaaabbbbbcccccddddd", 4)]
    {
        for shape in [OPEN, Shape::Closed] {
            if shape == Shape::Closed && artists.starts_with("aaaab") {
                continue; // 4 songs need 12 seats in a circle.
            }
            let (order, left) = repaired(artists, window, shape);
            assert_eq!(left, [], "{shape:?}: {order}");
        }
    }
}

#[test]
fn a_given_first_song_stays_first() {
    let (order, left) = repaired("aabbc", 2, Shape::Open { first: Some(0) });
    assert!(order.starts_with('a') && left.is_empty(), "{order}");
}

#[test]
fn what_cannot_be_kept_apart_is_spread_as_far_as_it_goes_and_told() {
    let (order, left) = repaired("aaaabcd", 4, OPEN);
    assert_eq!(order.chars().step_by(2).collect::<String>(), "aaaa", "{order}");
    assert!(left.iter().all(|c| c.steps == 2) && left.len() == 3, "{left:?}");
    let (_, left) = repaired("aaa", 2, Shape::Closed);
    assert_eq!(left.len(), 3, "one artist only");
}

#[test]
fn an_order_without_conflicts_is_left_as_it_is() {
    assert_eq!(repaired("abcabc", 3, Shape::Closed), ("abcabc".into(), Vec::new()));
}

#[test]
fn neighbours_by_one_artist_become_dearer_than_any_way_around() {
    let songs = songs("aab.");
    let mut wished = costs(4);
    let dearest = (0..4).flat_map(|a| costs(4).row(a).to_vec()).fold(0.0, f32::max);
    Spacing::new(&songs, 2).penalise(&mut wished);
    for (a, b) in [(0, 1), (1, 0)] {
        assert_eq!(wished.get(a, b), costs(4).get(a, b) + 2.0 * dearest);
    }
    assert_eq!(wished.get(1, 2), costs(4).get(1, 2));
    assert_eq!(wished.get(3, 3), costs(4).get(3, 3));
}
