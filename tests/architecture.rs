//! The house rules that a compiler does not hold: who may import whom, and what stays out of where.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each room and the rooms it may import from: always rooms of lower floors, so no cycles.
const MAY_IMPORT: [(&str, &[&str]); 15] = [
    ("base", &[]),
    ("store", &["base"]),
    ("audio", &["base"]),
    ("net", &["base"]),
    ("stream", &["base", "audio", "net"]),
    ("analysis", &["base", "audio"]),
    ("separation", &["base", "audio"]),
    ("corpus", &["base", "store", "audio", "analysis"]),
    ("remix", &["base", "audio", "corpus"]),
    ("mix", &["base", "audio", "analysis"]),
    ("order", &["base", "analysis"]),
    ("report", &["base", "audio", "analysis", "corpus", "remix", "mix", "order"]),
    (
        "pipeline",
        &[
            "base",
            "store",
            "audio",
            "analysis",
            "separation",
            "corpus",
            "remix",
            "mix",
            "order",
            "report",
        ],
    ),
    (
        "forever",
        &["base", "store", "audio", "stream", "analysis", "mix", "order", "report", "pipeline"],
    ),
    (
        "cli",
        &[
            "base",
            "store",
            "audio",
            "analysis",
            "separation",
            "corpus",
            "remix",
            "mix",
            "order",
            "report",
            "pipeline",
            "forever",
            "net",
            "stream",
        ],
    ),
];

/// What only the named rooms may mention.
const ONLY_IN: [(&str, &[&str]); 9] = [
    ("println!", &[]),
    ("eprintln!", &[]),
    ("indicatif", &["cli"]),
    ("clap", &["cli"]),
    ("rusqlite", &["forever"]),
    ("ureq", &["store"]),
    ("SystemTime", &["base"]),
    ("thread_rng", &[]),
    ("std::process::exit", &[]),
];

const LONGEST_FILE: usize = 400;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every file of every room with its code: comments and unit tests at the end are left out.
fn rooms() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut rooms: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    for path in sources(&src) {
        let inside = path.strip_prefix(&src).unwrap();
        let room = inside.iter().next().unwrap().to_string_lossy().into_owned();
        let test = path.file_stem().is_some_and(|s| s == "tests");
        if room.ends_with(".rs") || room == "bin" || test {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
        let code = lines.collect::<Vec<_>>().join("\n");
        rooms.entry(room).or_default().push((path, code));
    }
    rooms
}

#[test]
fn rooms_import_only_from_lower_floors() {
    let rooms = rooms();
    let known: Vec<&str> = MAY_IMPORT.iter().map(|(room, _)| *room).collect();
    assert_eq!(rooms.keys().map(String::as_str).collect::<Vec<_>>(), {
        let mut sorted = known.clone();
        sorted.sort_unstable();
        sorted
    });
    for (room, allowed) in MAY_IMPORT {
        for (path, code) in &rooms[room] {
            for other in known.iter().filter(|o| **o != room && !allowed.contains(o)) {
                let named = code.contains(&format!("crate::{other}::"));
                assert!(!named, "{} imports `{other}`, which stands above it", path.display());
            }
        }
    }
}

#[test]
fn floors_have_no_cycles() {
    for (i, (room, allowed)) in MAY_IMPORT.iter().enumerate() {
        let below: Vec<&str> = MAY_IMPORT[..i].iter().map(|(room, _)| *room).collect();
        assert!(allowed.iter().all(|a| below.contains(a)), "{room} looks upwards");
    }
}

#[test]
fn talk_and_chance_stay_in_their_rooms() {
    for (room, files) in rooms() {
        for (path, code) in files {
            for (word, at_home) in ONLY_IN {
                let stray = code.contains(word) && !at_home.contains(&room.as_str());
                assert!(!stray, "{} mentions `{word}`", path.display());
            }
        }
    }
}

#[test]
fn the_database_is_spoken_to_in_one_folder() {
    for (path, code) in rooms().into_values().flatten() {
        let at_home = path.components().any(|part| part.as_os_str() == "sql");
        assert!(at_home || !code.contains("rusqlite"), "{}", path.display());
    }
}

#[test]
fn every_file_can_be_held_in_mind() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "tests", "benches"] {
        for path in sources(&root.join(folder)) {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
        }
    }
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Spelt in pieces, so that this file does not contain them.
    let forbidden = [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"]].map(|p| p.concat());
    let folders = ["src", "tests", "benches", "scripts"].map(|f| root.join(f));
    for path in folders.iter().flat_map(|f| sources(f)) {
        let text = std::fs::read_to_string(&path).unwrap();
        let named = forbidden.iter().find(|word| text.contains(word.as_str()));
        assert_eq!(named, None, "{}", path.display());
    }
}
