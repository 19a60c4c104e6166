//! Pages about mixes and remixes, as the program writes them.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use common::{Desk, Ran, Song};
use std::process::Command;

/// Runs `forever` as the desk runs `remix`.
fn forever(desk: &Desk, words: &[&str]) -> Ran {
    let remix = desk.command(words);
    let mut command = Command::new(env!("CARGO_BIN_EXE_forever"));
    command.args(words).current_dir(desk.path(""));
    for (name, value) in remix.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Ran(command.output().unwrap())
}

/// Two songs long enough to meet.
fn two_songs() -> Desk {
    let desk = Desk::new();
    for (i, bpm) in [118.0, 121.0].into_iter().enumerate() {
        let song = Song { seconds: 48.0, ..Song::at(bpm, 5 * i) };
        song.write(&desk.path(&format!("music/R&B song{i}.wav")));
    }
    desk
}

fn text(desk: &Desk, name: &str) -> String {
    String::from_utf8(desk.read(name)).unwrap()
}

#[test]
fn a_rendered_mix_is_measured_and_told_of_on_a_page() {
    let desk = two_songs();
    let words = ["render", "music", "-o", "mix.wav", "--report", "mix.html", "--json"];
    let ran = forever(&desk, &words);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    let files = ran.json()["files"].as_array().unwrap().clone();
    assert_eq!(files.last().unwrap(), "mix.html");
    let page = text(&desk, "mix.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert_eq!(page.matches("<details").count(), 1);
    assert!(page.contains("R&amp;B song0.wav") && !page.contains("R&B"));
    assert!(page.contains("How it came out") && page.contains("Clicks"));
    assert!(!page.contains("://") && !page.contains("<script"));
    // The same again from the mix and its plan alone.
    let ran = forever(&desk, &["score", "mix.wav", "--report", "again.html", "--json"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert_eq!(ran.json()["files"][0], "again.html");
    assert_eq!(text(&desk, "again.html"), page);
}

#[test]
fn a_report_is_refused_where_it_would_take_the_place_of_something_else() {
    let desk = two_songs();
    let before = desk.snapshot("music");
    for page in ["music/R&B song0.wav", "music"] {
        let ran = forever(&desk, &["render", "music", "-o", "mix.wav", "--report", page]);
        assert_eq!(ran.code(), 2, "{}", ran.err());
        assert!(ran.err().contains("--report mix.html"), "{}", ran.err());
        let ran = desk.run(&["auto", "music", "-o", "mix.wav", "--report", page]);
        assert_eq!(ran.code(), 2, "{}", ran.err());
    }
    assert!(!desk.path("mix.wav").exists() && desk.snapshot("music") == before);
}

#[test]
fn a_remix_is_told_of_on_a_page() {
    let desk = Desk::with_songs(2);
    let words = ["auto", "music", "-o", "out.wav", "--beats", "40", "--no-stems", "--report"];
    let ran = desk.ok(&[&words[..], &["out.html", "--jump-rate", "0.5", "--json"]].concat());
    assert_eq!(ran.json()["files"].as_array().unwrap().last().unwrap(), "out.html");
    let page = text(&desk, "out.html");
    let jumps = ran.json()["jumps"].as_u64().unwrap();
    assert!(jumps > 0 && page.contains(&format!("<dt>Jumps</dt><dd>{jumps}</dd>")));
    assert!(page.contains("song0.wav") && page.contains("song1.wav"));
    let words = ["generate-remix", "0.5", "40", "out2.wav", "--report", "out2.html"];
    desk.ok(&words);
    assert_eq!(text(&desk, "out2.html"), page, "the same plan, the same page");
}
