//! What must hold of everything that is told to people.

use evermix::audio::is_direction_mark;
use evermix::base::{Error, ErrorKind};

/// An error about what was read: of one of these kinds, and in a few lines that do nothing to a
/// terminal.
pub fn is_told_well(error: &Error, kinds: &[ErrorKind]) {
    let text = error.to_string();
    assert!(kinds.contains(&error.kind()), "{:?} of another kind: {text}", error.kind());
    assert!((1..=3).contains(&text.lines().count()), "{text:?}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(text.len() <= 64 << 10, "{} bytes of message", text.len());
}

/// Text of one line that can be printed as it is.
pub fn one_line(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// The same, in which moreover nothing turns the direction of writing.
pub fn plain(text: &str, most: usize) {
    one_line(text);
    assert!(!text.chars().any(is_direction_mark), "{text:?}");
    assert!(text.len() <= most, "{} bytes of {most}", text.len());
}
