//! Mixes that end early, and mixes of transitions alone.

use proptest::prelude::*;

use super::sounds::{pairs, plan, playback, span};
use crate::base::Seconds;
use crate::mix::{Action, Beat, Curve, MixPlan, Planned, end_at, only_transitions};

const SONG: f64 = 60.0;

/// Twenty seconds of one song, eight beats of 0.55 s to the next, whose first eight beats glide,
/// and ten seconds more of it.
fn mix() -> MixPlan {
    let curve = Curve::EqualPower;
    let beats = pairs(8, (20.0, 4.0), 0.6, 0.5, 0.55);
    let glide = |k: u32| Beat {
        span: span(8.0 + 0.5 * f64::from(k), 0.5),
        length: Seconds(0.55 - 0.005 * f64::from(k)),
    };
    let stay =
        Action::Playback { track: 1, span: span(8.0, 14.0), beats: (0..8).map(glide).collect() };
    let matched = Action::Crossmatch { from: 0, to: 1, beats, curve, lanes: Vec::new() };
    plan(8_000, 2, SONG, vec![playback(0, 0.0, 20.0), matched, stay])
}

fn ended(limit: f64) -> Vec<Planned> {
    let mut actions = mix().actions;
    end_at(&mut actions, limit, |_| SONG);
    actions
}

fn names(actions: &[Planned]) -> Vec<&'static str> {
    actions.iter().map(|p| p.action.name()).collect()
}

fn length(actions: &[Planned]) -> f64 {
    actions.iter().map(|p| p.action.duration().0).sum()
}

#[test]
fn a_mix_ends_in_a_fade_wherever_it_is_cut() {
    let matched = ["Playback", "Crossmatch", "Playback", "FadeOut"];
    for (limit, due) in [
        (0.5, &["Playback", "FadeOut"][..]),
        (12.0, &["Playback", "FadeOut"]),
        // In the transition: it is left out, and the first song goes on.
        (22.0, &["Playback", "FadeOut"]),
        (26.0, &matched),
        (36.0, &matched),
        // Longer than planned, but the last song lasts.
        (50.0, &matched),
    ] {
        let actions = ended(limit);
        assert_eq!(names(&actions), due, "{limit} s");
        assert!((length(&actions) - limit).abs() < 1e-9, "{limit} s: {}", length(&actions));
        let Action::FadeOut { track, span } = actions[actions.len() - 1].action else { panic!() };
        assert!(span.duration.0 <= 8.0 && span.duration.0 >= (limit / 4.0).min(0.5));
        let Action::Playback { span: stay, track: same, .. } = &actions[actions.len() - 2].action
        else {
            panic!()
        };
        assert_eq!((*same, stay.end()), (track, span.start));
        assert!(span.end().0 <= SONG + 1e-9);
    }
}

#[test]
fn a_song_that_is_over_ends_the_mix() {
    let actions = ended(500.0);
    assert_eq!(names(&actions).len(), 4);
    let Action::FadeOut { span, .. } = actions[3].action else { panic!() };
    assert!((span.end().0 - SONG).abs() < 1e-9);
    let mut nothing = Vec::new();
    end_at(&mut nothing, 10.0, |_| SONG);
    assert!(nothing.is_empty());
    let mut none: Vec<Planned> = mix().actions;
    end_at(&mut none, 0.0, |_| SONG);
    assert!(none.is_empty());
}

proptest! {
    #[test]
    fn a_mix_is_as_long_as_its_limit_while_its_songs_last(limit in 0.01..50.0f64) {
        let actions = ended(limit);
        prop_assert!((length(&actions) - limit).abs() < 1e-9, "{}", length(&actions));
        for planned in &actions {
            if let Action::Playback { span, beats, .. } = &planned.action {
                let beats: f64 = beats.iter().map(|b| b.span.duration.0).sum();
                prop_assert!(beats <= span.duration.0 + 1e-9);
            }
        }
    }
}

#[test]
fn only_what_surrounds_a_transition_is_kept() {
    let whole = mix();
    let joins = only_transitions(&whole);
    let due = ["FadeIn", "Playback", "Crossmatch", "Playback", "FadeOut"];
    assert_eq!(names(&joins.actions), due);
    assert_eq!(joins.actions[2], whole.actions[1]);
    assert!((joins.duration().0 - (1.0 + 6.0 + 4.4 + 6.0 + 1.0)).abs() < 0.3);
    // The place in the songs stays the same: voices go through.
    let Action::Playback { span: before, .. } = &joins.actions[1].action else { panic!() };
    let Action::Playback { span: after, beats, .. } = &joins.actions[3].action else { panic!() };
    assert_eq!((before.end(), after.start, beats.len()), (Seconds(20.0), Seconds(8.0), 8));
}

#[test]
fn short_stays_between_transitions_are_kept_whole() {
    let curve = Curve::Linear;
    let fade = |from: usize, to: usize, at: f64, into: f64| Action::Crossfade {
        from,
        to,
        from_start: Seconds(at),
        to_start: Seconds(into),
        duration: Seconds(4.0),
        curve,
    };
    let actions = vec![
        playback(0, 0.0, 5.0),
        fade(0, 1, 5.0, 1.0),
        playback(1, 5.0, 13.0),
        fade(1, 0, 18.0, 2.0),
        playback(0, 6.0, 7.9),
    ];
    let whole = plan(8_000, 2, SONG, actions);
    assert_eq!(only_transitions(&whole), whole);
    let alone = plan(8_000, 1, SONG, vec![playback(0, 0.0, 30.0)]);
    assert!(only_transitions(&alone).actions.is_empty());
}

#[test]
fn a_song_that_would_be_over_too_soon_plays_on_as_slowly_as_in_the_transition_left_out() {
    // The first song is over with the transition, which is a tenth slower than itself.
    let (end, curve) = (30.0, Curve::EqualPower);
    let beats = pairs(20, (20.0, 0.0), 0.5, 0.5, 0.55);
    let matched = Action::Crossmatch { from: 0, to: 1, beats, curve, lanes: Vec::new() };
    let whole =
        plan(8_000, 2, SONG, vec![playback(0, 0.0, 20.0), matched, playback(1, 10.0, 20.0)]);
    for limit in [22.0, 29.0, 30.2, 30.9] {
        let mut actions = whole.actions.clone();
        end_at(&mut actions, limit, |track| if track == 0 { end } else { SONG });
        let found = length(&actions);
        assert!((found - limit).abs() < 1e-6, "{limit} s: {found}, {:?}", names(&actions));
        let Action::FadeOut { track: 0, span } = actions[actions.len() - 1].action else {
            panic!()
        };
        assert!(span.end().0 <= end + 0.05, "{limit} s: {}", span.end().0);
        for pair in actions.windows(2) {
            let (a, b) = (place(&pair[0].action), place(&pair[1].action));
            assert!((a.1 - b.0).abs() < 1e-6, "{limit} s: a gap, {a:?} {b:?}");
        }
    }
}

/// Where an action begins and ends in its track.
fn place(action: &Action) -> (f64, f64) {
    match action {
        Action::Playback { span, .. } | Action::FadeOut { span, .. } => {
            (span.start.0, span.end().0)
        }
        other => panic!("{}", other.name()),
    }
}
