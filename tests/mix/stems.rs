//! Transitions stem by stem.

use serde_json::Value;

use crate::common::read_wav;
use crate::songs::{begins, cut, desk, edit, forever, json, ok, places, power};

#[test]
fn songs_in_stems_meet_stem_by_stem_without_clicks_or_a_hole() {
    let desk = desk();
    let ran = desk.ok(&["separate", "--model", "hpss", "music", "stems"]);
    assert!(desk.path("stems/1 slow.wav").is_dir(), "{}", ran.err());
    ok(&desk, &["plan", "music", "-o", "plan.json", "--order", "given", "--stems", "stems"]);
    let plan = json(&desk, "plan.json");
    let i = places(&plan, "Crossmatch")[0];
    let action = &plan["actions"][i];
    let reason = action["why"]["reason"].as_str().unwrap();
    assert!(reason.contains("stem by stem") && !reason.contains("bass"), "{reason}");
    let lanes = action["lanes"].as_array().unwrap();
    for side in ["from", "to"] {
        for part in ["drums", "other", "bass"] {
            let there = |l: &&Value| l["side"] == side && l["part"] == part;
            assert_eq!(lanes.iter().filter(there).count(), 1, "{side} {part}");
        }
    }
    ok(&desk, &["render", "--plan", "plan.json", "-o", "stems.wav"]);
    let score = ok(&desk, &["score", "stems.wav", "--json"]).json()["score"].clone();
    assert_eq!(score["clicks"], serde_json::json!([]));
    let (rate, planes) = read_wav(&desk.path("stems.wav"));
    let (from, to) = (begins(&plan, i), begins(&plan, i + 1));
    let level = |a: f64, b: f64| 10.0 * power(cut(&planes[0], rate, a, b)).log10();
    let (before, after) = (level(from - 8.0, from), level(to, to + 8.0));
    for k in 0..4 {
        let step = (to - from) / 4.0;
        let part = level(from + f64::from(k) * step, from + f64::from(k + 1) * step);
        for around in [before, after] {
            assert!((part - around).abs() < 3.0, "quarter {k}: {part} dB, not {around} dB");
        }
    }
    // An older program told no hash of stems: its plans are rendered as they stand.
    edit(&desk, "plan.json", "older.json", |plan| {
        for track in plan["tracks"].as_array_mut().unwrap() {
            assert!(track["stems"].as_object_mut().unwrap().remove("hash").is_some());
        }
    });
    // A stem that changed is not the one the plan was made for.
    let stem = desk.path("stems/2 fast.wav/2 fast.wav_other.wav");
    let mut bytes = std::fs::read(&stem).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&stem, bytes).unwrap();
    let ran = forever(&desk, &["render", "--plan", "plan.json", "-o", "changed.wav"]);
    assert_eq!(ran.code(), 1, "{}", ran.err());
    assert!(ran.err().contains("not the stems the plan was made for"), "{}", ran.err());
    assert!(!desk.path("changed.wav").exists());
    ok(&desk, &["render", "--plan", "older.json", "-o", "older.wav"]);
    // Stems that are not wanted are left alone.
    let words = ["plan", "music", "-o", "whole.json", "--order", "given", "--no-stems"];
    ok(&desk, &words);
    let whole = json(&desk, "whole.json");
    assert!(whole["tracks"][0]["stems"].is_null());
}

#[test]
fn four_stems_are_refused_with_what_to_do() {
    let desk = desk();
    let song = desk.path("music/1 slow.wav");
    std::fs::create_dir_all(desk.path("four/slow")).unwrap();
    for part in ["drums", "bass", "vocals", "other"] {
        std::fs::copy(&song, desk.path(&format!("four/slow/slow_{part}.wav"))).unwrap();
    }
    let ran = forever(&desk, &["plan", "music", "-o", "plan.json", "--stems", "four"]);
    assert_eq!(ran.code(), 3, "{}", ran.err());
    assert!(ran.err().contains("more stems than two"), "{}", ran.err());
    assert!(ran.err().contains("--stems 2"), "{}", ran.err());
    assert!(!desk.path("plan.json").exists());
}
