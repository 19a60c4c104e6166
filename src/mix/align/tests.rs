use super::*;
use proptest::prelude::*;

const HALF: Seconds = Seconds(0.5);

fn strip<const W: usize>(rows: &[[f32; W]], beat: f64) -> Strip<'_, W> {
    Strip { rows, beat: Seconds(beat) }
}

/// Rows that all differ.
fn noise<const W: usize>(count: usize, mut state: u32) -> Vec<[f32; W]> {
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| std::array::from_fn(|_| next())).collect()
}

#[test]
fn beats_half_an_octave_apart_are_not_halved_and_beats_further_apart_are() {
    let edge = 0.5 * 2f64.sqrt();
    for (from, to, wanted) in [
        (0.5, 0.5, (1, 1)),
        (0.5, edge * 0.999, (1, 1)),
        (0.5, edge * 1.001, (1, 2)),
        (edge * 0.999, 0.5, (1, 1)),
        (edge * 1.001, 0.5, (2, 1)),
    ] {
        assert_eq!(rates(Seconds(from), Seconds(to)), wanted, "{from} s, {to} s");
    }
}

#[test]
fn of_equal_offsets_the_first_is_taken() {
    let same = [[1.0f32; 12]; 20];
    let found = align(strip(&same[..6], 0.5), strip(&same, 0.5), LastOffset::Included).unwrap();
    assert_eq!((found.offset, found.rows, found.cost), (0, 6, 0.0));
}

#[test]
fn a_halved_track_ends_with_a_whole_beat() {
    let place = noise::<12>(20, 7);
    // Three beats of `from` against halves of `to` from half a beat on.
    let halves = repeated(&place, 2);
    let found = align(strip(&halves[9..12], 0.4), strip(&place, 0.8), LastOffset::Excluded);
    let found = found.unwrap();
    assert_eq!((found.rate_from, found.rate_to, found.offset), (1, 2, 9));
    assert_eq!((found.rows, found.cost), (3, 0.0));
    let found = align(strip(&halves[9..13], 0.4), strip(&place, 0.8), LastOffset::Excluded);
    assert_eq!(found.unwrap().rows, 3, "one row is given away");
}

#[test]
fn no_offset_to_try_is_no_alignment() {
    let rows = noise::<12>(3, 1);
    for (from, to) in [(0, 3), (3, 0), (2, 1), (2, 2), (3, 2)] {
        let found = align(strip(&rows[..from], 0.5), strip(&rows[..to], 0.5), LastOffset::Excluded);
        assert_eq!(found, None, "{from} rows in {to}");
    }
    let last = align(strip(&rows[..2], 0.5), strip(&rows[..2], 0.5), LastOffset::Included);
    assert_eq!(last.unwrap().offset, 0);
}

#[test]
fn rows_that_are_no_numbers_never_win() {
    let mut place = noise::<12>(12, 3);
    let pattern = [place[7], place[8]];
    place[2][5] = f32::NAN;
    let found = align(strip(&pattern, 0.5), strip(&place, 0.5), LastOffset::Excluded).unwrap();
    assert_eq!(found.offset, 7);
    let broken = [[f32::NAN; 12]; 12];
    assert_eq!(align(strip(&pattern, 0.5), strip(&broken, 0.5), LastOffset::Included), None);
}

#[test]
fn two_songs_of_six_minutes_are_aligned_within_fifty_milliseconds() {
    let (from, to) = (noise::<24>(350, 1), noise::<24>(700, 2));
    let search = Search::new(strip(&from, 0.5), strip(&to, 0.5), LastOffset::Included);
    let timed = || {
        let begun = std::time::Instant::now();
        assert_eq!(search.distances().len(), 351);
        begun.elapsed()
    };
    // The best of a few: other work on the machine is not ours.
    let best = (0..5).map(|_| timed()).min().unwrap();
    assert!(best.as_millis() < 50, "{best:?}");
}

proptest! {
    #[test]
    fn a_planted_match_is_found_at_every_offset(
        rows in 2usize..30, spare in 4usize..30, seed: u32, place in 0usize..60,
    ) {
        let to = noise::<24>(rows + spare, seed);
        let offset = place % (spare + 1);
        let from = &to[offset..offset + rows];
        let included = align(strip(from, HALF.0), strip(&to, HALF.0), LastOffset::Included).unwrap();
        prop_assert_eq!((included.offset, included.rows, included.cost), (offset, rows, 0.0));
        let excluded = align(strip(from, HALF.0), strip(&to, HALF.0), LastOffset::Excluded).unwrap();
        prop_assert_eq!(excluded.offset == offset, offset < spare);
    }

    #[test]
    fn the_best_offset_is_the_least_of_all_distances(
        from in 1usize..60, to in 1usize..60, beat in 0.2f64..1.0, seed: u32,
    ) {
        let (from, to) = (noise::<12>(from, seed), noise::<12>(to, !seed));
        let search = Search::new(strip(&from, beat), strip(&to, 0.5), LastOffset::Excluded);
        let all = search.distances();
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        match search.best() {
            // A single half of a beat is given away.
            None => prop_assert!(all.is_empty() || search.rows() == 1),
            Some(found) => {
                prop_assert_eq!(found.cost, least);
                prop_assert_eq!(all.iter().position(|d| *d == least), Some(found.offset));
                prop_assert!(found.rows >= 1 && found.rows + 1 >= search.rows());
                prop_assert_eq!((found.offset + found.rows) % found.rate_to, 0);
            }
        }
    }
}
