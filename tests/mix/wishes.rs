//! Wishes for single pairs, written into a plan by hand: kept when it is planned again, and obeyed.

use serde_json::{Value, json};

use crate::common::{Desk, Song};
use crate::songs::{desk, edit, forever, json as read, number, ok, places};

/// Plans, writes the wish into the plan, plans again over it.
fn planned_with(wish: Value) -> Value {
    let desk = desk();
    let plan = ["plan", "music", "-o", "plan.json", "--order", "given"];
    ok(&desk, &plan);
    edit(&desk, "plan.json", "plan.json", |plan| plan["overrides"] = json!([wish]));
    ok(&desk, &plan);
    let again = read(&desk, "plan.json");
    assert_eq!(again["overrides"], json!([wish]), "the wish is kept");
    again
}

fn pair(more: Value) -> Value {
    let mut wish = json!({"from": "1 slow.wav", "to": "2 fast.wav"});
    wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    wish
}

#[test]
fn a_wished_length_in_bars_is_that_many_beats() {
    for bars in [4usize, 8] {
        let plan = planned_with(pair(json!({"bars": bars})));
        let action = &plan["actions"][places(&plan, "Crossmatch")[0]];
        assert_eq!(action["why"]["bars"], bars);
        assert_eq!(action["beats"].as_array().unwrap().len() % bars, 0);
        assert!(action["beats"].as_array().unwrap().len() >= 2 * bars);
    }
}

#[test]
fn a_wished_crossfade_is_one_from_where_it_was_wished() {
    let wish = json!({"method": "crossfade", "from_start": 41.3, "to_start": 7.9});
    let plan = planned_with(pair(wish));
    assert_eq!(places(&plan, "Crossmatch").len(), 0);
    let action = &plan["actions"][places(&plan, "Crossfade")[0]];
    assert_eq!((number(&action["from_start"]), number(&action["to_start"])), (41.3, 7.9));
    assert_eq!(action["why"]["reason"], "plain crossfade: as asked");
}

#[test]
fn a_wished_place_is_the_nearest_bar_line_of_both_songs() {
    let plan = planned_with(pair(json!({"from_start": 33.0, "to_start": 9.0})));
    let action = &plan["actions"][places(&plan, "Crossmatch")[0]];
    let first = &action["beats"][0];
    // A bar lasts two seconds.
    assert!((number(&first["from"]["start"]) - 33.0).abs() <= 1.01, "{first}");
    assert!((number(&first["to"]["start"]) - 9.0).abs() <= 1.01, "{first}");
}

#[test]
fn a_wish_for_another_pair_changes_nothing() {
    let other = json!({"from": "2 fast.wav", "to": "1 slow.wav", "method": "crossfade"});
    let plan = planned_with(other);
    assert_eq!(places(&plan, "Crossmatch").len(), 1);
}

#[test]
fn a_plan_with_a_wish_that_makes_no_sense_is_not_written_over() {
    let desk = desk();
    let plan = ["plan", "music", "-o", "plan.json", "--order", "given"];
    ok(&desk, &plan);
    for wish in [
        json!({"from": "a", "to": "b", "length": 4}),
        json!({"from": "a", "to": "b", "method": "magic"}),
        json!({"from": "a"}),
        json!({"from": "a", "to": "b", "bars": -4}),
    ] {
        edit(&desk, "plan.json", "plan.json", |plan| plan["overrides"] = json!([wish]));
        let before = desk.read("plan.json");
        let ran = forever(&desk, &plan);
        assert_eq!(ran.code(), 2, "{wish}: {}", ran.err());
        assert!(ran.err().contains("the plan makes no sense in line"), "{}", ran.err());
        assert_eq!(desk.read("plan.json"), before);
    }
    // Nor is a file that is no plan at all.
    std::fs::write(desk.path("notes.txt"), "buy milk").unwrap();
    assert_eq!(forever(&desk, &["plan", "music", "-o", "notes.txt"]).code(), 2);
    assert_eq!(desk.read("notes.txt"), b"buy milk");
}

#[test]
fn the_settings_shut_songs_out_and_weigh_the_order() {
    let desk = Desk::new();
    for (folder, name, bpm) in [("loud", "a", 118.0), ("loud", "b", 121.0), ("calm", "c", 124.0)] {
        std::fs::create_dir_all(desk.path(&format!("music/{folder}"))).unwrap();
        let song = Song { seconds: 24.0, ..Song::at(bpm, 5) };
        song.write(&desk.path(&format!("music/{folder}/{name}.wav")));
    }
    std::fs::create_dir_all(desk.path("evermix-project")).unwrap();
    let settings = |text: &str| {
        std::fs::write(desk.path("evermix-project/evermix.toml"), text).unwrap();
    };
    settings("[mix]\nnever-tags = [\"Loud\"]\n");
    let ran = ok(&desk, &["plan", "music", "-o", "calm.json"]);
    assert!(ran.err().contains("a.wav: left out"), "{}", ran.err());
    assert_eq!(read(&desk, "calm.json")["tracks"].as_array().unwrap().len(), 1);
    settings("[mix.weights]\ntempo = 5\nkey = 0\n");
    ok(&desk, &["plan", "music", "-o", "all.json"]);
    assert_eq!(read(&desk, "all.json")["tracks"].as_array().unwrap().len(), 3);
    settings("[mix.weights]\ntempi = 5\n");
    let ran = forever(&desk, &["plan", "music", "-o", "none.json"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.err().contains("`tempi` is no criterion"), "{}", ran.err());
}
