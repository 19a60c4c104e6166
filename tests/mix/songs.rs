//! Songs long enough for transitions, rendered and heard once for all tests of this binary.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

use crate::common::{Desk, Ran, Song};

/// Pitches of the ticks of two songs that are mixed.
pub const LOW: f64 = 5_000.0;
pub const HIGH: f64 = 8_000.0;

/// Their files.
pub const SLOW: &str = "music/1 slow.wav";
pub const FAST: &str = "music/2 fast.wav";

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

/// Where the long songs, their analyses and a mix of them are kept while the tests run.
fn shelf() -> &'static Path {
    static SHELF: OnceLock<PathBuf> = OnceLock::new();
    SHELF.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mix");
        // What an older version of the program heard must not count.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("music")).unwrap();
        slow().write(&folder.join(SLOW));
        fast().write(&folder.join(FAST));
        let desk = Desk::new();
        let words = ["render", "music", "-o", "mix.wav", "--order", "given"];
        let mut command = desk.forever_command(&words);
        let made = command.env("XDG_CACHE_HOME", folder.join("cache")).current_dir(&folder);
        let ran = Ran(made.output().unwrap());
        assert_eq!(ran.code(), 0, "{}", ran.err());
        folder
    })
}

/// A file of the shelf as a file of a desk. It is shared, so nobody may write into it.
fn fetch(desk: &Desk, name: &str) {
    let (from, to) = (shelf().join(name), desk.path(name));
    std::fs::hard_link(&from, &to).or_else(|_| std::fs::copy(&from, &to).map(|_| ())).unwrap();
}

/// A desk with the slow and the fast song.
pub fn desk() -> Desk {
    let desk = Desk::new();
    fetch(&desk, SLOW);
    fetch(&desk, FAST);
    desk
}

/// The same with a mix of both, `mix.wav`, and its plan, `mix.plan.json`.
pub fn mixed() -> Desk {
    let desk = desk();
    fetch(&desk, "mix.wav");
    fetch(&desk, "mix.plan.json");
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

/// The level of some sound as power on average.
pub fn power(sound: &[f32]) -> f64 {
    sound.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / sound.len().max(1) as f64
}

/// The seconds of a sound from one time to another.
pub fn cut(sound: &[f32], rate: u32, from: f64, to: f64) -> &[f32] {
    let frame = |t: f64| ((t * f64::from(rate)) as usize).min(sound.len());
    &sound[frame(from)..frame(to)]
}
