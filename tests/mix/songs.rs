//! Songs long enough for transitions, rendered and heard once for all tests of this binary.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

use crate::common::{Desk, Ran, Song};

/// Pitches of the ticks of two songs that are mixed.
pub const LOW: f64 = 5_000.0;
pub const HIGH: f64 = 8_000.0;

/// A minute of a song that ticks.
pub fn ticking(bpm: f64, root: usize, tick: f64) -> Song {
    Song { seconds: 60.0, tick: Some(tick), ..Song::at(bpm, root) }
}

/// The song at 120 beats a minute with the low tick, and the one at 126 with the high tick.
pub fn slow() -> Song {
    ticking(120.0, 0, LOW)
}

pub fn fast() -> Song {
    ticking(126.0, 7, HIGH)
}

/// Where the long songs and their analyses are kept while the tests run.
fn shelf() -> &'static Path {
    static SHELF: OnceLock<PathBuf> = OnceLock::new();
    SHELF.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mix");
        // What an older version of the program heard must not count.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("cache")).unwrap();
        let warm = Desk::new();
        for (name, song) in [("slow", slow()), ("fast", fast())] {
            song.write(&folder.join(format!("{name}.wav")));
        }
        let words = ["plan", ".", "-o", "plan.json"];
        let mut command = warm.forever_command(&words);
        command.env("XDG_CACHE_HOME", folder.join("cache")).current_dir(&folder);
        assert!(command.output().unwrap().status.success());
        folder
    })
}

/// A desk with the slow and the fast song, in this order.
pub fn desk() -> Desk {
    let desk = Desk::new();
    for (name, song) in [("slow", "music/1 slow.wav"), ("fast", "music/2 fast.wav")] {
        let path = shelf().join(format!("{name}.wav"));
        std::fs::hard_link(&path, desk.path(song))
            .or_else(|_| std::fs::copy(&path, desk.path(song)).map(|_| ()))
            .unwrap();
    }
    desk
}

/// Runs `forever`, with what was heard of the long songs at hand.
pub fn forever(desk: &Desk, words: &[&str]) -> Ran {
    let mut command = desk.forever_command(words);
    Ran(command.env("XDG_CACHE_HOME", shelf().join("cache")).output().unwrap())
}

/// Runs `forever` and expects success.
pub fn ok(desk: &Desk, words: &[&str]) -> Ran {
    let ran = forever(desk, words);
    assert_eq!(ran.code(), 0, "{words:?}\n{}", ran.err());
    ran
}

/// Renders the two songs in their order.
pub fn mixed(out: &str, more: &[&str]) -> Desk {
    let desk = desk();
    ok(&desk, &[&["render", "music", "-o", out, "--order", "given"], more].concat());
    desk
}

/// A JSON file of a desk.
pub fn json(desk: &Desk, name: &str) -> Value {
    serde_json::from_slice(&desk.read(name)).unwrap()
}

/// Reads a plan, changes it, writes it under another name.
pub fn edit(desk: &Desk, from: &str, to: &str, change: impl FnOnce(&mut Value)) {
    let mut plan = json(desk, from);
    change(&mut plan);
    std::fs::write(desk.path(to), serde_json::to_string_pretty(&plan).unwrap()).unwrap();
}

/// The places of a plan's actions of that name.
pub fn places(plan: &Value, name: &str) -> Vec<usize> {
    let actions = plan["actions"].as_array().unwrap();
    (0..actions.len()).filter(|&i| actions[i]["action"] == name).collect()
}

/// The length of one action in the mix.
pub fn lasting(action: &Value) -> f64 {
    let sum = |of: &dyn Fn(&Value) -> f64| -> f64 {
        action["beats"].as_array().into_iter().flatten().map(of).sum()
    };
    match action["duration"].as_f64() {
        Some(own) => own + sum(&|b| number(&b["length"]) - number(&b["duration"])),
        None => sum(&|b| number(&b["length"])),
    }
}

/// When an action begins in the mix.
pub fn begins(plan: &Value, index: usize) -> f64 {
    plan["actions"].as_array().unwrap()[..index].iter().map(lasting).sum()
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}
