//! Plans changed by hand, and plans written by hand.

use serde_json::{Value, json};

use crate::common::{Desk, read_wav};
use crate::songs::{
    FAST, HIGH, LOW, SLOW, begins, desk, edit, json as read, lasting, mixed, number, ok, places,
};
use crate::ticks::{Tick, between, period, ticks};

/// The ticks of both songs in a mix, and its length in seconds.
fn heard(desk: &Desk, mix: &str) -> (Vec<Tick>, Vec<Tick>, f64) {
    let (rate, planes) = read_wav(&desk.path(mix));
    let seconds = planes[0].len() as f64 / f64::from(rate);
    (ticks(&planes[0], rate, LOW), ticks(&planes[0], rate, HIGH), seconds)
}

/// The middle level of some ticks.
fn level(ticks: &[Tick]) -> f64 {
    let mut levels: Vec<f64> = ticks.iter().map(|t| t.level).collect();
    levels.sort_by(f64::total_cmp);
    levels[levels.len() / 2]
}

fn decibels(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

#[test]
fn a_track_turned_down_by_twenty_decibels_is_heard_so() {
    let desk = mixed();
    edit(&desk, "mix.plan.json", "soft.json", |plan| {
        let gain = number(&plan["tracks"][0]["gain"]);
        plan["tracks"][0]["gain"] = json!(gain - 20.0);
    });
    ok(&desk, &["render", "--plan", "soft.json", "-o", "soft.wav"]);
    let (before, after) = (heard(&desk, "mix.wav"), heard(&desk, "soft.wav"));
    let early = |ticks: &[Tick]| level(&between(ticks, 1.0, 15.0));
    let fallen = decibels(early(&after.0) / early(&before.0));
    assert!((fallen + 20.0).abs() < 0.5, "{fallen} dB");
    let late = |ticks: &[Tick], end: f64| level(&between(ticks, end - 15.0, end));
    let same = decibels(late(&after.1, after.2) / late(&before.1, before.2));
    assert!(same.abs() < 0.5, "the other track: {same} dB");
}

#[test]
fn a_lane_at_nothing_silences_its_track_and_no_other() {
    let desk = mixed();
    edit(&desk, "mix.plan.json", "cut.json", |plan| {
        let i = places(plan, "Crossmatch")[0];
        plan["actions"][i]["lanes"] = json!([
            {"side": "from", "part": "all", "points": [[0, 0.0]]},
            {"side": "to", "part": "all", "points": [[0, 1.0]]},
        ]);
    });
    ok(&desk, &["render", "--plan", "cut.json", "-o", "cut.wav"]);
    let plan = read(&desk, "cut.json");
    let i = places(&plan, "Crossmatch")[0];
    let (from, to) = (begins(&plan, i), begins(&plan, i + 1));
    let (low, high, _) = heard(&desk, "cut.wav");
    assert!(between(&low, from + 0.1, to).is_empty(), "{:?}", between(&low, from + 0.1, to));
    let count = plan["actions"][i]["beats"].as_array().unwrap().len();
    let inside = between(&high, from - 0.01, to - 0.01);
    assert!(inside.len().abs_diff(count) <= 1, "{} of {count} beats", inside.len());
    let full = level(&between(&high, to + 1.0, to + 10.0));
    assert!(decibels(level(&inside) / full).abs() < 0.5);
}

#[test]
fn a_crossmatch_can_be_made_a_straight_crossfade() {
    let desk = mixed();
    edit(&desk, "mix.plan.json", "fade.json", |plan| {
        let i = places(plan, "Crossmatch")[0];
        let first = plan["actions"][i]["beats"][0].clone();
        let to_start = number(&first["to"]["start"]);
        plan["actions"][i] = json!({
            "action": "Crossfade", "from": 0, "to": 1, "from_start": first["from"]["start"],
            "to_start": to_start, "duration": 6, "curve": "linear",
        });
        plan["actions"][i + 1] = json!({
            "action": "Playback", "track": 1, "start": to_start + 6.0, "duration": 10,
        });
    });
    ok(&desk, &["render", "--plan", "fade.json", "-o", "fade.wav"]);
    let plan = read(&desk, "fade.json");
    let from = begins(&plan, places(&plan, "Crossfade")[0]);
    let (low, high, seconds) = heard(&desk, "fade.wav");
    assert!((seconds - from - 16.0).abs() < 1e-4, "{seconds} s");
    // Each at its own tempo, and half as loud in the middle.
    for (ticks, own, full) in [
        (&low, 0.5, level(&between(&low, from - 10.0, from))),
        (&high, 60.0 / 126.0, level(&between(&high, from + 6.0, from + 15.0))),
    ] {
        let inside = between(ticks, from + 1.0, from + 5.0);
        assert!((period(&inside) / own - 1.0).abs() < 0.001, "{}", period(&inside));
        let middle = between(ticks, from + 2.7, from + 3.3);
        assert!((level(&middle) / full - 0.5).abs() < 0.07, "{}", level(&middle) / full);
    }
}

/// Five beats of each song, matched.
fn pairs(from: f64, to: f64, length: f64) -> Value {
    let (slow, fast) = (0.5, 60.0 / 126.0);
    let pair = |k: u32| {
        let k = f64::from(k);
        json!({
            "from": {"start": from + k * slow, "duration": slow},
            "to": {"start": to + k * fast, "duration": fast},
            "length": length,
        })
    };
    (0..5).map(pair).collect()
}

#[test]
fn every_action_can_be_written_by_hand_in_a_plan_of_the_bare_necessities() {
    let desk = desk();
    let beats = pairs(30.25, 0.25, 0.49);
    let landed = 0.25 + 5.0 * 60.0 / 126.0;
    let plan = json!({
        "schema": 1,
        "tracks": [{"path": SLOW, "duration": 60}, {"path": FAST, "duration": 60}],
        "actions": [
            {"action": "FadeIn", "track": 0, "start": 0.25, "duration": 2},
            {"action": "Playback", "track": 0, "start": 2.25, "duration": 8},
            {"action": "Jump", "track": 0, "source": 10.25, "target": 20.25, "duration": 2},
            {"action": "Playback", "track": 0, "start": 20.25, "duration": 10},
            {"action": "Blend", "from": 0, "to": 1, "beats": beats},
            {"action": "Playback", "track": 1, "start": landed, "duration": 8},
            {"action": "FadeOut", "track": 1, "start": landed + 8.0, "duration": 3},
        ],
    });
    std::fs::write(desk.path("hand.json"), plan.to_string()).unwrap();
    ok(&desk, &["render", "--plan", "hand.json", "-o", "hand.wav"]);
    let (low, high, seconds) = heard(&desk, "hand.wav");
    let due: f64 = plan["actions"].as_array().unwrap().iter().map(lasting).sum();
    assert!((seconds - due).abs() < 1e-4, "{seconds} s for {due} s");
    // The jump goes from beat to beat, so the pulse is never broken before the blend.
    let alone = between(&low, 0.5, 21.9);
    let steady = |w: &[Tick]| (w[1].time - w[0].time - 0.5).abs() < 0.003;
    assert!(alone.len() >= 42 && alone.windows(2).all(steady), "{alone:?}");
    let (blend_low, blend_high) = (between(&low, 21.9, 24.3), between(&high, 21.9, 24.3));
    assert_eq!((blend_low.len(), blend_high.len()), (5, 5));
    for (a, b) in blend_low.iter().zip(&blend_high) {
        assert!((a.time - b.time).abs() < 0.010, "{a:?}, {b:?}");
    }
    let end = between(&high, seconds - 0.8, seconds);
    let full = between(&high, 25.0, 31.0);
    assert!(end.iter().all(|t| t.level < 0.3 * level(&full)), "{end:?}");
    assert!(low.last().unwrap().time < 24.6);
}
