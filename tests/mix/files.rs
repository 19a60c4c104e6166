//! The files a mix is made of: the same for the same words, and what lies beside them.

use evermix::audio::{AudioBuffer, Decoder};
use serde_json::Value;

use crate::common::{Desk, Song, read_wav};
use crate::songs::{FAST, HIGH, LOW, SLOW, begins, forever, json, lasting, mixed, ok, places};
use crate::ticks::{apart, between, share, ticks};

#[test]
fn the_number_of_threads_changes_no_byte_and_a_plan_renders_as_its_songs_do() {
    let desk = Desk::new();
    for (name, bpm) in [("1", 118.0), ("2", 121.0), ("3", 124.0)] {
        let song = Song { seconds: 36.0, ..Song::at(bpm, 5) };
        song.write(&desk.path(&format!("music/{name}.wav")));
    }
    let render = |out: &str, more: &[&str]| {
        let words = ["render", "music", "--seed", "7", "--no-cache", "-o", out];
        let ran = ok(&desk, &[&words[..], more].concat());
        assert_eq!(ran.out(), format!("{out}\n"), "results go to stdout, talk to stderr");
    };
    render("one.wav", &["--threads", "1"]);
    render("two.wav", &["--threads", "2"]);
    assert_eq!(desk.read("one.wav"), desk.read("two.wav"));
    assert_eq!(desk.read("one.plan.json"), desk.read("two.plan.json"));
    ok(&desk, &["render", "--plan", "one.plan.json", "-o", "three.wav"]);
    assert_eq!(desk.read("one.wav"), desk.read("three.wav"));
    assert_eq!(desk.read("one.plan.json"), desk.read("three.plan.json"));
    ok(&desk, &["plan", "music", "--seed", "7", "-o", "four.json"]);
    assert_eq!(desk.read("one.plan.json"), desk.read("four.json"));
    // Any seed gives a mix of the same songs and says which it was.
    ok(&desk, &["plan", "music", "--seed", "8", "-o", "other.json"]);
    let (seven, eight) = (json(&desk, "four.json"), json(&desk, "other.json"));
    assert_eq!((&seven["seed"], &eight["seed"]), (&7.into(), &8.into()));
    let songs = |plan: &Value| {
        let path = |t: &Value| t["path"].as_str().unwrap().to_string();
        let mut all: Vec<String> = plan["tracks"].as_array().unwrap().iter().map(path).collect();
        all.sort();
        all
    };
    assert_eq!(songs(&seven), songs(&eight));
}

#[test]
fn a_plan_tells_what_lies_beside_the_mix() {
    let desk = mixed();
    // The mix of the shelf was made with all of it; here it is made again from its plan.
    ok(&desk, &["render", "--plan", "mix.plan.json", "-o", "m.wav"]);
    assert_eq!(desk.read("m.wav"), desk.read("mix.wav"));
    assert_eq!(desk.read("m.plan.json"), desk.read("mix.plan.json"));
    let plan = json(&desk, "m.plan.json");
    let i = places(&plan, "Crossmatch")[0];
    let middle = begins(&plan, i) + lasting(&plan["actions"][i]) / 2.0;
    let text = |name: &str| String::from_utf8(desk.read(name)).unwrap();
    let list = text("m.tracklist.txt");
    let due = format!("00:00:00 1 slow.wav\n00:00:{:02} 2 fast.wav\n", middle as u64);
    assert_eq!(list, due, "{middle} s");
    let cue = text("m.cue");
    assert!(cue.contains("FILE \"m.wav\" WAVE") && cue.matches("TRACK").count() == 2, "{cue}");
    let index = (middle * 75.0).round() as u64;
    let (m, s, f) = (index / 4_500, index / 75 % 60, index % 75);
    assert!(cue.contains(&format!("INDEX 01 {m:02}:{s:02}:{f:02}")), "{cue}");
    let songs: Vec<String> =
        text("m.m3u8").lines().filter(|l| !l.starts_with('#')).map(String::from).collect();
    assert_eq!(songs, [SLOW, FAST]);
}

fn decoded(desk: &Desk, name: &str) -> f64 {
    let limits = evermix::base::Limits::default();
    let mut decoder = Decoder::open(&desk.path(name), &limits).unwrap();
    let mut block = AudioBuffer::default();
    while decoder.next_block(&mut block).unwrap() {}
    decoder.position() as f64 / decoder.rate().as_f64()
}

#[test]
fn the_transitions_alone_are_shorter_and_whole_in_every_format() {
    let desk = mixed();
    let (whole, mut bytes) = (json(&desk, "mix.plan.json"), Vec::new());
    let all = begins(&whole, whole["actions"].as_array().unwrap().len());
    for extension in ["wav", "flac", "mp3", "opus"] {
        let out = format!("joins.{extension}");
        let words = ["render", "--plan", "mix.plan.json", "--only-transitions", "-o", &out];
        ok(&desk, &words);
        let joins = json(&desk, "joins.plan.json");
        let due = begins(&joins, joins["actions"].as_array().unwrap().len());
        assert!(due < 0.6 * all, "{due} s of {all} s");
        let of = |plan: &Value| plan["actions"][places(plan, "Crossmatch")[0]].clone();
        assert_eq!(of(&joins), of(&whole));
        let there = decoded(&desk, &out);
        assert!((there - due).abs() < 0.001, "{extension}: {there} s for {due} s");
        bytes.push(desk.read(&out).len());
        let mut seconds = ok(&desk, &["score", &out, "--json"]).json()["score"].take();
        assert_eq!(seconds["clicks"].take(), serde_json::json!([]), "{extension}");
        let peak = seconds["true_peak"].as_f64().unwrap();
        assert!(peak <= -1.0, "{extension}: {peak} dBTP, as decoded");
    }
    assert!(bytes[1] < bytes[0] && bytes[2] * 3 < bytes[0] && bytes[3] * 3 < bytes[0], "{bytes:?}");
    // The beats fall on beats as they do in the whole mix.
    let joins = json(&desk, "joins.plan.json");
    let i = places(&joins, "Crossmatch")[0];
    let (from, to) = (begins(&joins, i) + 0.1, begins(&joins, i + 1) - 0.1);
    let (rate, planes) = read_wav(&desk.path("joins.wav"));
    let inside = |hz| between(&ticks(&planes[0], rate, hz), from, to);
    let apart = apart(&inside(HIGH), &inside(LOW));
    assert!(apart.len() >= 14 && share(&apart, 0.5) <= 4.0, "{apart:?}");
}

#[test]
fn a_mix_without_transitions_has_none_to_show() {
    let desk = mixed();
    ok(&desk, &["plan", SLOW, "-o", "one.json"]);
    let words = ["render", "--plan", "one.json", "--only-transitions", "-o", "none.wav"];
    let ran = forever(&desk, &words);
    assert_eq!(ran.code(), 2, "{}", ran.err());
    assert!(ran.err().contains("there is no transition in this mix"), "{}", ran.err());
    assert!(!desk.path("none.wav").exists() && !desk.path("none.cue").exists());
}

#[test]
fn a_dry_run_of_a_mix_writes_nothing() {
    let desk = mixed();
    let before = desk.snapshot("");
    let ran = ok(&desk, &["render", "music", "-o", "new.wav", "--dry-run", "--explain"]);
    assert!(ran.err().contains("1 slow.wav > 2 fast.wav") || ran.err().contains("2 fast.wav > 1"));
    assert!(ran.err().contains("transitions beat on beat"), "{}", ran.err());
    assert_eq!(before, desk.snapshot(""));
}
