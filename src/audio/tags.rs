//! Title, artist and the like, cleaned: tags are hostile text written by strangers.

use serde::{Deserialize, Serialize};
use symphonia::core::meta::{MetadataRevision, StandardTag};

/// The words a song says about itself. Empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tags {
    /// Name of the piece.
    pub title: String,
    /// Who plays it.
    pub artist: String,
    /// The release it is from.
    pub album: String,
    /// Its genre, as tagged.
    pub genre: String,
}

impl Tags {
    /// Takes over the fields of a tag block that are not set yet.
    pub(super) fn absorb(&mut self, revision: &MetadataRevision, max_bytes: usize) {
        for tag in &revision.media.tags {
            let (field, text) = match &tag.std {
                Some(StandardTag::TrackTitle(text)) => (&mut self.title, text),
                Some(StandardTag::Artist(text)) => (&mut self.artist, text),
                Some(StandardTag::Album(text)) => (&mut self.album, text),
                Some(StandardTag::Genre(text)) => (&mut self.genre, text),
                _ => continue,
            };
            if field.is_empty() {
                *field = clean(text, max_bytes);
            }
        }
    }

    /// Takes over one named field, as Vorbis comments give them.
    pub(super) fn set(&mut self, key: &str, text: &str, max_bytes: usize) {
        let field = match key.to_ascii_lowercase().as_str() {
            "title" => &mut self.title,
            "artist" => &mut self.artist,
            "album" => &mut self.album,
            "genre" => &mut self.genre,
            _ => return,
        };
        if field.is_empty() {
            *field = clean(text, max_bytes);
        }
    }

    /// `artist - title`, or what there is of it, or `fallback`.
    pub fn display(&self, fallback: &str) -> String {
        match (self.artist.is_empty(), self.title.is_empty()) {
            (false, false) => format!("{} - {}", self.artist, self.title),
            (true, false) => self.title.clone(),
            _ => fallback.to_string(),
        }
    }
}

/// One line of printable text of at most `max_bytes`, cut between characters: no control
/// characters, no marks that turn the writing direction, single spaces.
pub fn clean(text: &str, max_bytes: usize) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let visible = printable.filter(|&c| !is_direction_mark(c) && c != '\u{feff}');
    let words: String = visible.collect();
    let mut out = String::new();
    for word in words.split_whitespace() {
        let space = usize::from(!out.is_empty());
        if out.len() + space + word.len() > max_bytes {
            let room = max_bytes.saturating_sub(out.len() + space);
            let cut = (0..=room).rev().find(|&i| word.is_char_boundary(i)).unwrap_or(0);
            if cut > 0 {
                out.extend((space == 1).then_some(' '));
                out.push_str(&word[..cut]);
            }
            break;
        }
        out.extend((space == 1).then_some(' '));
        out.push_str(word);
    }
    out
}

/// Unicode bidirectional controls (UAX #9), which can make a name read as another.
pub fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_one_harmless_line() {
        assert_eq!(clean("a\r\n\x1b[31m b\0c", 512), "a [31m b c");
        assert_eq!(clean("evil\u{202e}3pm.exe", 512), "evil3pm.exe");
        assert_eq!(clean("  ", 512), "");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let long = "é".repeat(1_000);
        let cut = clean(&long, 511);
        assert_eq!(cut.len(), 510);
        assert!(clean(&"word ".repeat(500), 512).len() <= 512);
    }

    #[test]
    fn display_uses_what_there_is() {
        let mut tags = Tags::default();
        assert_eq!(tags.display("x.mp3"), "x.mp3");
        tags.set("TITLE", "T", 512);
        assert_eq!(tags.display("x.mp3"), "T");
        tags.set("Artist", "A", 512);
        assert_eq!(tags.display("x.mp3"), "A - T");
    }
}
