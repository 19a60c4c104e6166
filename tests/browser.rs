//! The stream's page in a real browser: `scripts/stream/browser.py` looks at it as a visitor does.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use common::{Desk, Song};

/// What the script ends with where there is no browser.
const NO_BROWSER: i32 = 77;

/// Ends a stream with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_visitor_hears_the_mix_sees_it_change_and_comes_to_no_harm() {
    let here = env!("CARGO_MANIFEST_DIR");
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no python3, so the page was not looked at in a browser");
        return;
    }
    let desk = Desk::new();
    // Names become titles: these would do harm where they are not taken for text.
    let names = ["<script>alert(1)", "\"><img src=x onerror=alert(1)>", "a&lt;b' onclick=alert(1)"];
    for (i, name) in names.iter().enumerate() {
        let song = Song { seconds: 50.0, ..Song::at(120.0 + i as f64, 3 * i) };
        song.write(&desk.path(&format!("music/{name}.wav")));
    }
    let words = ["stream", "music", "--bind", "127.0.0.1:0", "--format", "mp3", "--stay", "0.35"];
    let mut stream = desk.forever_command(&words);
    let mut running = Running(stream.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let looked = Command::new("python3")
        .arg(format!("{here}/scripts/stream/browser.py"))
        .args(["--url", line.trim(), "--patience", "90"])
        .args(["--pictures", desk.path("pictures").to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&looked.stdout);
    if looked.status.code() == Some(NO_BROWSER) {
        eprintln!("SKIPPED: {}", said.trim());
        return;
    }
    assert!(looked.status.success(), "{said}\n{}", String::from_utf8_lossy(&looked.stderr));
}
