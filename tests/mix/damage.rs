//! Songs that are broken, changed or gone, and words that make no sense.

use crate::common::Song;
use crate::songs::{FAST, SLOW, desk, forever, json, mixed, ok};

#[test]
fn a_damaged_song_among_good_ones_is_left_out_and_the_rest_is_mixed() {
    let desk = desk();
    std::fs::write(desk.path("music/0 text.mp3"), "no music at all\n").unwrap();
    std::fs::write(desk.path("music/1 torn.wav"), &desk.read(SLOW)[..40]).unwrap();
    let words = ["render", "music", "-o", "mix.wav", "--order", "given", "--only-transitions"];
    let ran = forever(&desk, &words);
    assert_eq!(ran.code(), 3, "{}", ran.err());
    assert!(ran.err().contains("0 text.mp3") && ran.err().contains("1 torn.wav"), "{}", ran.err());
    let plan = json(&desk, "mix.plan.json");
    assert_eq!(plan["tracks"].as_array().unwrap().len(), 2);
    assert!(!desk.read("mix.wav").is_empty());
    // Without a good one there is nothing to mix.
    for song in [SLOW, FAST] {
        std::fs::remove_file(desk.path(song)).unwrap();
    }
    let ran = forever(&desk, &["plan", "music", "-o", "none.json"]);
    assert_eq!(ran.code(), 4, "{}", ran.err());
    assert!(!desk.path("none.json").exists());
}

#[test]
fn a_song_whose_name_is_no_text_is_left_out_and_the_rest_is_mixed() {
    use std::os::unix::ffi::OsStrExt as _;
    let desk = desk();
    let name = desk.path("music").join(std::ffi::OsStr::from_bytes(b"0 caf\xe9.wav"));
    if std::fs::write(name, desk.read(SLOW).split_at(4_000_000).0).is_err() {
        eprintln!("SKIPPED: names must be text on this file system");
        return;
    }
    let words = ["render", "music", "-o", "mix.wav", "--only-transitions"];
    let ran = forever(&desk, &words);
    assert_eq!(ran.code(), 3, "{}", ran.err());
    assert!(ran.err().contains("the name is no text"), "{}", ran.err());
    assert_eq!(json(&desk, "mix.plan.json")["tracks"].as_array().unwrap().len(), 2);
}

#[test]
fn a_song_that_changed_after_planning_is_refused_and_nothing_is_written() {
    let desk = mixed();
    std::fs::remove_file(desk.path(FAST)).unwrap();
    Song { seconds: 60.0, ..Song::at(126.0, 6) }.write(&desk.path(FAST));
    let render = ["render", "--plan", "mix.plan.json", "-o", "new.wav"];
    let ran = forever(&desk, &render);
    assert_eq!(ran.code(), 1, "{}", ran.err());
    for words in ["not the song the plan was made for", "2 fast.wav", "try: forever plan again"] {
        assert!(ran.err().contains(words), "{}", ran.err());
    }
    std::fs::remove_file(desk.path(FAST)).unwrap();
    let ran = forever(&desk, &render);
    assert!([3, 4, 6].contains(&ran.code()), "{}: {}", ran.code(), ran.err());
    assert!(ran.err().contains("2 fast.wav"), "{}", ran.err());
    assert!(!desk.path("new.wav").exists());
}

#[test]
fn a_mix_that_does_not_belong_to_its_plan_is_not_scored() {
    let desk = mixed();
    ok(&desk, &["plan", SLOW, "-o", "other.json"]);
    let ran = forever(&desk, &["score", "mix.wav", "--plan", "other.json"]);
    assert_eq!(ran.code(), 1, "{}", ran.err());
    assert!(ran.err().contains("the mix does not belong to the plan"), "{}", ran.err());
    let ran = forever(&desk, &["score", "nowhere.wav", "--plan", "mix.plan.json"]);
    assert_ne!(ran.code(), 0);
    assert!(ran.err().contains("nowhere.wav"), "{}", ran.err());
}

#[test]
fn words_that_make_no_sense_are_said_so_before_any_work() {
    let desk = desk();
    for (words, said) in [
        (&["render", "music", "-o", "x.wav", "--minutes", "0"][..], "--minutes out of range"),
        (&["render", "music", "-o", "x.wav", "--minutes", "-3"], "-3"),
        (&["render", "music", "-o", "x.wav", "--minutes", "nan"], "--minutes out of range"),
        (&["render", "music", "-o", "x.wav", "--minutes", "1e9"], "--minutes out of range"),
        (&["render", "music", "-o", "x.wav", "--transition-bars", "0.5"], "invalid value '0.5'"),
        (&["render", "music", "-o", "x.wav", "--transition-bars", "999"], "transition-bars"),
        (&["render", "music", "-o", "x.wav", "--stay", "-1"], "-1"),
        (&["render", "music", "-o", "x.wav", "--stay=-1"], "stay out of range"),
        (&["render", "music", "-o", "x.wav", "--tracks", "0"], "--tracks out of range"),
        (&["render", "music", "-o", "x.wav", "--style", "loud"], "invalid value 'loud'"),
        (&["render", "music", "-o", "x.wav", "--order", "random"], "invalid value 'random'"),
        (&["render", "music", "-o", "x.wav", "--max-stretch", "0"], "max-stretch"),
        (&["render", "music", "-o", "x.wav", "--output-rate", "7"], "7 Hz"),
        (&["render", "music", "-o", "music"], "the output is a folder"),
        (&["render", "music", "-o", "x.xyz"], ".xyz"),
        (&["render", "music", "-o", "x"], "x"),
        (&["render", "-o", "x.wav"], "required"),
        (&["render", "music", "--plan", "p.json", "-o", "x.wav"], "cannot be used with"),
        (&["render", "--plan", "p.json", "-o", "x.wav", "--minutes", "2"], "cannot be used with"),
        (&["render", "--plan", "p.json", "-o", "x.wav", "--no-stems"], "cannot be used with"),
        (&["render", "music"], "--output"),
        (&["plan", "music"], "--output"),
        (&["plan", "music", "-o", "p.json", "--minutes", "0"], "--minutes out of range"),
        (&["plan", "music", "-o", "p.json", "--stems", "s", "--no-stems"], "cannot be used with"),
        (&["plan", "music", "-o", "p.json", "--energy", "up"], "no curve of energy"),
        (
            &["plan", "music", "-o", "p.json", "--energy", "arc", "--order", "given"],
            "a curve of energy and a given order",
        ),
        (&["render", "--plan", "p.json", "-o", "x.wav", "--energy", "arc"], "cannot be used with"),
        (&["render", "--plan", "p.json", "-o", "x.wav", "--inject", "i"], "cannot be used with"),
        (&["score"], "MIX"),
    ] {
        let ran = forever(&desk, words);
        assert_eq!(ran.code(), 2, "{words:?}: {}", ran.err());
        assert!(ran.err().contains(said), "{words:?}: {}", ran.err());
    }
    let left: Vec<_> = std::fs::read_dir(desk.path("")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
