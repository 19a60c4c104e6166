//! Cue sheets, so that players show where each song begins.

use std::fmt::Write as _;

use super::tracklist::Entry;

/// Most tracks a cue sheet may name.
const MAX_TRACKS: usize = 99;
/// Frames of a compact disc in a second.
const CD_FRAMES: f64 = 75.0;

/// What a cue sheet says about the whole.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// Its title.
    pub title: &'a str,
    /// Version of the program that made it.
    pub version: &'a str,
    /// Where it comes from.
    pub comment: &'a str,
}

/// A cue sheet for a sound file. Beyond 99 stays the rest belongs to the last track.
pub fn cue_sheet(file: &str, kind: &str, entries: &[Entry], heading: &Heading<'_>) -> String {
    let mut sheet = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(sheet, "REM GENERATOR \"Evermix {}\"", quoted(heading.version));
    let _ = writeln!(sheet, "REM COMMENT \"{}\"", quoted(heading.comment));
    let _ = writeln!(sheet, "TITLE \"{}\"", quoted(heading.title));
    let _ = writeln!(sheet, "FILE \"{}\" {kind}", quoted(file));
    for (i, entry) in entries.iter().take(MAX_TRACKS).enumerate() {
        let _ = writeln!(sheet, "  TRACK {:02} AUDIO", i + 1);
        let _ = writeln!(sheet, "    TITLE \"{}\"", quoted(&entry.title));
        if !entry.artist.is_empty() {
            let _ = writeln!(sheet, "    PERFORMER \"{}\"", quoted(&entry.artist));
        }
        let frames = (entry.start.0 * CD_FRAMES).round() as u64;
        let (m, s, f) = (frames / 4_500, frames / 75 % 60, frames % 75);
        let _ = writeln!(sheet, "    INDEX 01 {m:02}:{s:02}:{f:02}");
    }
    sheet
}

/// The format has no escape for quotes; line breaks would end the command.
fn quoted(text: &str) -> String {
    text.chars().map(|c| if c == '"' { '\'' } else { c }).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_titles_cannot_add_commands() {
        assert_eq!(quoted("a\"\r\nFILE \"/etc/passwd\" WAVE"), "a'FILE '/etc/passwd' WAVE");
    }
}
