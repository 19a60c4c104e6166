//! What mix was asked for: its length, its songs, its law; and songs that fit nowhere.

use std::path::Path;

use serde_json::Value;

use crate::common::{Desk, Song, read_wav};
use crate::songs::{
    FAST, SLOW, begins, cut, desk, forever, json, lasting, number, ok, places, power,
};

fn plan(desk: &Desk, more: &[&str]) -> Value {
    ok(desk, &[&["plan", "music", "-o", "p.json"], more].concat());
    let plan = json(desk, "p.json");
    std::fs::remove_file(desk.path("p.json")).unwrap();
    plan
}

fn titles(plan: &Value) -> Vec<String> {
    let title = |t: &Value| t["title"].as_str().unwrap().to_string();
    plan["tracks"].as_array().unwrap().iter().map(title).collect()
}

fn length(plan: &Value) -> f64 {
    begins(plan, plan["actions"].as_array().unwrap().len())
}

/// The reasons of all transitions.
fn reasons(plan: &Value) -> Vec<String> {
    let actions = plan["actions"].as_array().unwrap();
    let reason = |a: &Value| a["why"]["reason"].as_str().map(str::to_string);
    actions.iter().filter_map(reason).collect()
}

/// Writes a sound that was computed frame by frame.
fn write(path: &Path, rate: u32, channels: u16, seconds: f64, sound: impl Fn(f64) -> f64) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for i in 0..(seconds * f64::from(rate)) as u32 {
        let x = (sound(f64::from(i) / f64::from(rate)) * 32_767.0) as i16;
        (0..channels).for_each(|_| writer.write_sample(x).unwrap());
    }
    writer.finalize().unwrap();
}

fn drone(t: f64) -> f64 {
    0.2 * (std::f64::consts::TAU * 220.0 * t).sin()
}

#[test]
fn two_minutes_are_two_minutes_with_a_fade_and_songs_come_again() {
    let desk = desk();
    let words = ["render", "music", "-o", "two.wav", "--minutes", "2", "--order", "given"];
    ok(&desk, &words);
    let (rate, planes) = read_wav(&desk.path("two.wav"));
    assert_eq!((rate, planes[0].len()), (44_100, 120 * 44_100));
    let plan = json(&desk, "two.plan.json");
    let titles = titles(&plan);
    assert!(titles.len() >= 3 && titles[2] == titles[0] && titles[1] != titles[0], "{titles:?}");
    let last = plan["actions"].as_array().unwrap().last().unwrap();
    assert_eq!(last["action"], "FadeOut");
    let level = |from: f64, to: f64| power(cut(&planes[0], rate, from, to));
    let full = level(104.0, 112.0);
    assert!(level(112.0, 114.0) > 0.4 * full, "the fade begins late");
    assert!(level(115.0, 117.0) < 0.5 * full && level(118.0, 120.0) < 0.06 * full);
    assert!(planes[0][120 * 44_100 - 1].abs() < 1e-3);
}

#[test]
fn a_mix_is_as_long_as_was_asked_for_at_any_length() {
    let desk = desk();
    for minutes in ["0.05", "0.3", "0.5", "0.62", "0.7", "0.81", "0.9", "1.2", "1.37", "3", "20"] {
        let plan = plan(&desk, &["--minutes", minutes, "--order", "given"]);
        let due = 60.0 * minutes.parse::<f64>().unwrap();
        assert!((length(&plan) - due).abs() < 1e-3, "{minutes} min: {} s", length(&plan));
    }
}

#[test]
fn songs_are_as_many_as_asked_for_and_in_the_order_given() {
    let desk = desk();
    for (words, due) in [
        (&["--order", "given"][..], &["1 slow.wav", "2 fast.wav"][..]),
        (&["--order", "given", "--tracks", "1"], &["1 slow.wav"]),
        (&["--order", "given", "--tracks", "3"], &["1 slow.wav", "2 fast.wav", "1 slow.wav"]),
    ] {
        let found = plan(&desk, words);
        assert_eq!(titles(&found), due, "{words:?}");
        assert_eq!(reasons(&found).len(), due.len() - 1, "{words:?}");
    }
    ok(&desk, &["plan", FAST, SLOW, "-o", "back.json", "--order", "given"]);
    assert_eq!(titles(&json(&desk, "back.json")), ["2 fast.wav", "1 slow.wav"]);
}

#[test]
fn each_style_follows_its_own_law() {
    let desk = desk();
    let given = ["--order", "given", "--style"];
    let dj = plan(&desk, &[&given[..], &["dj"]].concat());
    assert_eq!((places(&dj, "Crossmatch").len(), places(&dj, "Crossfade").len()), (1, 0));
    let fades = plan(&desk, &[&given[..], &["crossfade", "--tracks", "4"]].concat());
    assert_eq!((places(&fades, "Crossmatch").len(), places(&fades, "Crossfade").len()), (0, 3));
    assert!(reasons(&fades).iter().all(|r| r == "plain crossfade: as asked"));
    let words = ["render", "music", "-o", "c.wav", "--stay", "0.3"];
    ok(&desk, &[&words[..], &given, &["capsule"]].concat());
    let capsule = json(&desk, "c.plan.json");
    let matched = places(&capsule, "Crossmatch");
    assert_eq!((&capsule["style"], matched.len()), (&"capsule".into(), 1));
    let transition = &capsule["actions"][matched[0]];
    assert!(transition["lanes"].is_null() && lasting(transition) > 6.0, "{transition}");
    let (rate, planes) = read_wav(&desk.path("c.wav"));
    let due = length(&capsule);
    assert!((planes[0].len() as f64 / f64::from(rate) - due).abs() < 1e-4);
    assert!((2.0 * 18.0..60.0).contains(&due), "two stays of 18 s and a transition: {due} s");
}

#[test]
fn a_stay_is_no_longer_than_asked_for() {
    let desk = desk();
    let plan = plan(&desk, &["--order", "given", "--stay", "0.4", "--tracks", "4"]);
    let stays = places(&plan, "Playback");
    for &i in &stays[1..stays.len() - 1] {
        let stay = lasting(&plan["actions"][i]);
        assert!((8.0..30.0).contains(&stay), "{stay} s");
    }
}

#[test]
fn songs_that_cannot_be_matched_are_faded_and_the_plan_says_why() {
    let desk = Desk::new();
    for (name, bpm) in [("1 slow", 100.0), ("2 fast", 140.0)] {
        let song = Song { seconds: 40.0, ..Song::at(bpm, 3) };
        song.write(&desk.path(&format!("music/{name}.wav")));
    }
    write(&desk.path("music/3 drone.wav"), 22_050, 1, 30.0, drone);
    let ran = forever(&desk, &["plan", "music", "-o", "p.json", "--order", "given", "--explain"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    let plan = json(&desk, "p.json");
    let due = ["tempi too far apart", "no steady beat in one of them"];
    assert_eq!(reasons(&plan), due.map(|why| format!("plain crossfade: {why}")));
    for &i in &places(&plan, "Crossfade") {
        assert!((4.0..=8.0).contains(&lasting(&plan["actions"][i])));
    }
    assert!(due.iter().all(|why| ran.err().contains(why)), "{}", ran.err());
    // The tempi go together where more is allowed.
    std::fs::remove_file(desk.path("music/3 drone.wav")).unwrap();
    ok(&desk, &["plan", "music", "-o", "q.json", "--order", "given", "--max-stretch", "50"]);
    assert_eq!(places(&json(&desk, "q.json"), "Crossmatch").len(), 1);
}

#[test]
fn songs_of_every_kind_make_a_mix_of_the_length_of_its_plan() {
    let desk = Desk::new();
    let song = |name: &str, song: Song| song.write(&desk.path(&format!("music/{name}.wav")));
    song("1 short", Song { seconds: 3.0, ..Song::default() });
    song("2 mono", Song { seconds: 24.0, rate: 22_050, channels: 1, ..Song::at(120.0, 2) });
    song("3 fine", Song { seconds: 24.0, rate: 48_000, ..Song::at(122.0, 9) });
    write(&desk.path("music/4 blip.wav"), 44_100, 2, 0.5, drone);
    write(&desk.path("music/5 silence.wav"), 44_100, 2, 12.0, |_| 0.0);
    write(&desk.path("music/6 drone.wav"), 8_000, 1, 11.0, drone);
    write(&desk.path("music/7 moment.wav"), 44_100, 2, 0.01, drone);
    song("8 late", Song { seconds: 24.0, lead_in: 9.0, ..Song::at(118.0, 4) });
    for (style, order) in
        [("dj", "given"), ("crossfade", "given"), ("dj", "tour"), ("capsule", "given")]
    {
        let words = ["render", "music", "-o", "all.wav", "--style", style, "--order", order];
        let ran = forever(&desk, &[&words[..], &["--stay", "0.2"]].concat());
        let said = ran.err();
        assert!([0, 3].contains(&ran.code()), "{style} {order}: {said}");
        let plan = json(&desk, "all.plan.json");
        let (rate, planes) = read_wav(&desk.path("all.wav"));
        let (found, due) = (planes[0].len() as f64 / f64::from(rate), length(&plan));
        assert!(due > 15.0 && (found - due).abs() < 1e-3, "{style} {order}: {found} s, not {due}");
        assert!(planes.iter().flatten().all(|x| x.is_finite() && x.abs() <= 0.892));
        for action in plan["actions"].as_array().unwrap() {
            assert!(lasting(action) > 0.0, "{action}");
        }
        // What was written can be read again.
        let words = ["render", "--plan", "all.plan.json", "-o", "again.wav", "--dry-run"];
        ok(&desk, &words);
        if order == "tour" {
            assert!(said.contains("1 short.wav: skipped: too short"), "{said}");
        } else if style != "capsule" {
            assert!(number(&plan["tracks"][0]["duration"]) < 3.1, "{}", plan["tracks"][0]);
        }
    }
}
