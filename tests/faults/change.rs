//! A changed setting or song makes again what depends on it, and nothing else.

use crate::common::{Desk, files};
use crate::program::{AUTO, assert_same, made, run, small_desk};
use crate::stages::{Files, tiny};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// Which file it is and when it was written: another one after any writing.
fn identities(desk: &Desk) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let root = desk.path("");
    let identity = |path: PathBuf| {
        let meta = path.metadata().unwrap();
        let id = (meta.ino(), meta.mtime(), meta.mtime_nsec());
        (path.strip_prefix(&root).unwrap().to_path_buf(), id)
    };
    files(&root).into_iter().map(identity).collect()
}

/// The parts of a project, each made by one stage, told apart by song.
fn part(path: &std::path::Path) -> String {
    let text = path.to_string_lossy();
    let song = if text.contains("s0.wav") { " s0" } else { "" };
    let song = if text.contains("s1.wav") { " s1" } else { song };
    let stage = ["stems", "beats", "dataset", "index"].into_iter().find(|s| text.contains(s));
    format!("{}{song}", stage.unwrap_or("out"))
}

/// Runs with more words; returns the parts of which any file was written.
fn written(desk: &Desk, more: &[&str]) -> BTreeSet<String> {
    let before = identities(desk);
    let ran = run(desk, &[&AUTO[..], more].concat());
    assert_eq!(ran.code(), 0, "{more:?}: {}", ran.err());
    let mut after = identities(desk);
    after.retain(|path, id| before.get(path) != Some(id) && !path.ends_with(".lock"));
    after.keys().map(|path| part(path)).collect()
}

/// What a run with these words makes where nothing was before.
fn fresh(desk: &Desk, more: &[&str]) -> Files {
    let elsewhere = Desk::in_memory();
    for song in files(&desk.path("music")) {
        std::fs::copy(&song, elsewhere.path("music").join(song.file_name().unwrap())).unwrap();
    }
    elsewhere.ok(&[&AUTO[..], more].concat());
    made(&elsewhere)
}

fn set(parts: &[&str]) -> BTreeSet<String> {
    parts.iter().map(|p| (*p).to_string()).collect()
}

#[test]
fn a_changed_setting_makes_again_exactly_what_depends_on_it() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let all_beats = ["beats s0", "beats s1", "dataset", "dataset s0", "dataset s1", "index", "out"];
    for (more, parts) in [
        (&["--jump-rate", "1"][..], &["out"][..]),
        (&["--seed", "7"], &["out"]),
        (&["--layer", "both"], &["out"]),
        (&["--output-format", "int16"], &["out"]),
        (&["--algorithm", "brute"], &["index", "out"]),
        (&["--weights", "harmony=3"], &["index", "out"]),
        (&["--features", "original"], &["dataset", "dataset s0", "dataset s1", "index", "out"]),
        (&["--sample-format", "int16"], &all_beats),
        (&["--sample-rate", "6000"], &all_beats),
    ] {
        // Back to the usual settings first.
        written(&desk, &[]);
        assert_eq!(written(&desk, &[]), set(&["out"]), "nothing changed");
        assert_eq!(written(&desk, more), set(parts), "{more:?}");
        assert_same(&made(&desk), &fresh(&desk, more), &format!("{more:?}"));
    }
}

#[test]
fn a_changed_song_makes_again_what_depends_on_it() {
    let desk = small_desk();
    desk.ok(&AUTO);
    tiny(104.0, 9).write(&desk.path("music/s1.wav"));
    let parts = ["stems s1", "beats s1", "dataset s1", "dataset", "index", "out"];
    assert_eq!(written(&desk, &[]), set(&parts));
    assert_same(&made(&desk), &fresh(&desk, &[]), "a changed song");
}

#[test]
fn a_song_more_or_less_leaves_the_others_alone() {
    let desk = small_desk();
    let second = desk.read("music/s1.wav");
    std::fs::remove_file(desk.path("music/s1.wav")).unwrap();
    desk.ok(&AUTO);
    let alone = made(&desk);
    std::fs::write(desk.path("music/s1.wav"), &second).unwrap();
    let parts = ["stems s1", "beats s1", "dataset s1", "dataset", "index", "out"];
    assert_eq!(written(&desk, &[]), set(&parts), "a song more");
    assert_same(&made(&desk), &fresh(&desk, &[]), "a song more");
    std::fs::remove_file(desk.path("music/s1.wav")).unwrap();
    assert_eq!(written(&desk, &[]), set(&["dataset", "index", "out"]), "a song less");
    // What was worked out for the song that is gone is kept in case it returns.
    let mut left = made(&desk);
    left.retain(|path, _| !path.to_string_lossy().contains("s1.wav"));
    assert_same(&left, &alone, "a song less");
}

#[test]
fn a_moved_song_is_known_by_its_content() {
    let desk = small_desk();
    desk.ok(&AUTO);
    std::fs::create_dir(desk.path("music/deeper")).unwrap();
    std::fs::rename(desk.path("music/s0.wav"), desk.path("music/deeper/s0.wav")).unwrap();
    let parts = written(&desk, &[]);
    assert!(!parts.iter().any(|p| p.starts_with("stems") || p.starts_with("beats")), "{parts:?}");
}
