use super::super::fixtures::{deck, song};
use super::super::{FADE_OUT, Track};
use super::*;

/// The spans of two actions that each play one track.
fn spans(actions: &[Action]) -> Vec<(f64, f64)> {
    let span = |action: &Action| match action {
        Action::FadeIn { span, .. }
        | Action::Playback { span, .. }
        | Action::FadeOut { span, .. } => (span.start.0, span.duration.0),
        other => panic!("{other:?}"),
    };
    actions.iter().map(span).collect()
}

/// `to` with the sound of `from`, from a row of `from` on, at its own row.
fn plant(from: &Deck, from_row: usize, to: &mut Deck, to_row: usize, rows: usize) {
    let source = &from.timbre.rows[from_row..from_row + rows];
    to.timbre.rows[to_row..to_row + rows].copy_from_slice(source);
}

fn at(row: usize, deck: &Deck) -> f64 {
    deck.beats[deck.timbre.index + row].start.0
}

#[test]
fn a_mix_begins_in_the_middle_between_the_fades() {
    let mut deck = deck(0, &song(60.0, 61.0));
    // 58 beats from 1 s on; fade, stay and transition take 20 s of them, 19 s lie before.
    let actions = initialize(&mut deck, Seconds(9.0), Seconds(10.0), Seconds(1.0));
    assert_eq!(spans(&actions), [(20.0, 1.0), (21.0, 9.0)]);
    assert_eq!(deck.cursor, Cursor::Row(29));
}

#[test]
fn in_a_track_too_short_for_stay_and_fade_nothing_begins_before_its_start() {
    for (stay, fade, wanted) in
        [(50.0, 2.0, [(0.0, 2.0), (2.0, 5.0)]), (50.0, 10.0, [(0.0, 7.0), (7.0, 0.0)])]
    {
        let mut deck = deck(0, &song(60.0, 12.0));
        let actions = initialize(&mut deck, Seconds(stay), Seconds(4.0), Seconds(fade));
        assert_eq!(at(7 - 1, &deck), 7.0);
        assert_eq!((spans(&actions), deck.cursor), (wanted.to_vec(), Cursor::Row(6)));
    }
}

#[test]
fn a_track_without_beats_is_played_from_its_start_and_left_by_the_clock() {
    let hum = Track { beats: Vec::new(), ..song(60.0, 40.0) };
    let (mut from, mut to) = (deck(0, &hum), deck(1, &hum));
    let actions = initialize(&mut from, Seconds(8.0), Seconds(8.0), Seconds(0.25));
    assert_eq!(spans(&actions), [(0.0, 0.25), (0.25, 8.0)]);
    let [meet, alone] = make_transition(&from, &mut to, Seconds(8.0), Seconds(8.0));
    let Action::Crossfade { from_start, to_start, duration, curve, .. } = meet else {
        panic!("{meet:?}")
    };
    assert_eq!((from_start.0, to_start.0, duration.0), (8.25, 13.0, 3.0));
    assert_eq!(curve, Curve::Linear);
    assert_eq!(spans(&[alone]), [(16.0, 8.0)]);
    assert_eq!(spans(&[terminate(&to, Seconds(FADE_OUT))]), [(24.0, 6.0)]);
}

#[test]
fn tracks_meet_where_they_sound_alike() {
    let (mut from, mut to) = (deck(0, &song(120.0, 90.0)), deck(1, &song(110.0, 91.0)));
    from.cursor = Cursor::Row(30);
    plant(&from, 30, &mut to, 41, 16);
    let [meet, alone] = make_transition(&from, &mut to, Seconds(10.0), Seconds(8.0));
    let Action::Crossmatch { beats, curve, lanes, .. } = meet else { panic!("{meet:?}") };
    assert_eq!((beats.len(), curve, lanes.len()), (16, Curve::Power06, 0));
    assert_eq!((beats[0].from.start.0, beats[0].to.start.0), (at(30, &from), at(41, &to)));
    let [(start, length)] = spans(&[alone])[..] else { panic!() };
    assert!((start - at(57, &to)).abs() < 1e-9);
    assert!((10.0..10.6).contains(&length), "{length}");
    let Cursor::Row(row) = to.cursor else { panic!("{:?}", to.cursor) };
    assert!((at(row, &to) - start - length).abs() < 1e-9);
}

#[test]
fn a_track_at_half_the_tempo_is_met_on_halves_of_its_beats_and_left_on_a_whole_one() {
    for transition in [8.0, 2.0] {
        let (mut from, mut to) = (deck(0, &song(124.0, 90.0)), deck(1, &song(62.0, 91.0)));
        from.cursor = Cursor::Row(30);
        // From the second half of row 10 on, half by half.
        for half in 0..18usize {
            to.timbre.rows[10 + half.div_ceil(2)] = [half.div_ceil(2) as f32; 12];
            from.timbre.rows[30 + half] = [half.div_ceil(2) as f32; 12];
        }
        let [meet, _] = make_transition(&from, &mut to, Seconds(10.0), Seconds(transition));
        let Action::Crossmatch { beats, .. } = meet else { panic!("{meet:?}") };
        // In a short transition halves of beats count as wholes.
        let halves = if transition == 8.0 { 17 } else { 3 };
        assert_eq!(beats.len(), halves, "{transition} s");
        let half = 30.0 / 62.0;
        assert!((beats[0].to.start.0 - at(10, &to) - half).abs() < 1e-9, "{transition} s");
        let end = beats[halves - 1].to.end().0;
        assert!((end - at(10 + halves.div_ceil(2), &to)).abs() < 1e-9, "{transition} s");
    }
}

#[test]
fn a_short_transition_takes_its_time_and_two_beats_at_least() {
    for (transition, pairs) in [(2.0, 4), (0.1, 2), (0.0, 2)] {
        let (mut from, mut to) = (deck(0, &song(120.0, 90.0)), deck(1, &song(120.0, 91.0)));
        from.cursor = Cursor::Row(30);
        plant(&from, 30, &mut to, 41, 16);
        let [meet, _] = make_transition(&from, &mut to, Seconds(10.0), Seconds(transition));
        let Action::Crossmatch { beats, .. } = meet else { panic!("{meet:?}") };
        assert_eq!((beats.len(), beats[0].to.start.0), (pairs, at(41, &to)), "{transition} s");
    }
}

#[test]
fn where_no_room_is_left_to_match_beats_tracks_are_crossfaded() {
    let (mut from, mut to) = (deck(0, &song(120.0, 60.0)), deck(1, &song(120.0, 40.0)));
    from.cursor = Cursor::Row(30);
    let [meet, alone] = make_transition(&from, &mut to, Seconds(30.0), Seconds(8.0));
    assert_eq!(meet.name(), "Crossfade");
    // 2 s of 40 s lie before; the stay ends with a beat.
    let [(start, length)] = spans(&[alone])[..] else { panic!() };
    assert_eq!((start, length), (5.0, 31.0));
    assert_eq!(to.place().0, 36.0);
}

#[test]
fn a_crossfade_is_never_longer_than_what_is_left_of_either_track() {
    let (mut from, mut to) = (deck(0, &song(120.0, 60.0)), deck(1, &song(120.0, 2.0)));
    from.cursor = Cursor::Time(Seconds(59.0));
    let [meet, alone] = make_crossfade(&from, &mut to, Seconds(0.0));
    assert_eq!(meet.duration(), Seconds(1.0));
    assert_eq!(spans(&[alone, terminate(&to, Seconds(6.0))]), [(1.0, 0.0), (1.0, 1.0)]);
}
