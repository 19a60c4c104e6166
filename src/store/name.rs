//! File names made from song names that may hold anything.

use std::collections::HashSet;

/// Longest part of a song's name kept; a mark and `_drums.wav_100000.wav` must fit behind it.
const MAX_BYTES: usize = 160;

/// A name that is one plain path component on every system: no separators, control characters,
/// leading dots or dashes, reserved device names; at most 160 bytes.
pub fn safe_name(raw: &str) -> String {
    let mut name: String = raw
        .chars()
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '\u{fffd}' => '_',
            c if c.is_control() || is_invisible(c) => '_',
            c => c,
        })
        .collect();
    let kept = name.trim_start_matches(['.', '-', ' ']).len();
    if kept < name.len() {
        name = format!("_{}", &name[name.len() - kept..]);
    }
    let stem = name.split('.').next().unwrap_or("").to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")));
    if device || name.is_empty() {
        name.insert(0, '_');
    }
    if name.len() > MAX_BYTES {
        let digest = blake3::hash(raw.as_bytes()).to_hex();
        let room = MAX_BYTES - 9;
        let cut = (0..=room).rev().find(|&i| name.is_char_boundary(i)).unwrap_or(0);
        name = format!("{}~{}", &name[..cut], &digest[..8]);
    }
    name.trim_end_matches(['.', ' ']).to_string()
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Distinct names for songs given as (file name, content hash), in the order given. The first of
/// several songs of one name keeps it; the others get a piece of their hash, which stays the same
/// wherever the file moves.
pub fn name_songs(songs: &[(String, blake3::Hash)]) -> Vec<String> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut name = |(raw, hash): &(String, blake3::Hash)| {
        let (plain, hash) = (safe_name(raw), hash.to_hex());
        // A piece of the hash can be guessed and given to another song as its name; longer pieces
        // end that, for no two songs share the whole.
        let longer = (8..=hash.len()).step_by(8).map(|n| marked(&plain, &hash[..n]));
        let mut names = std::iter::once(plain.clone()).chain(longer);
        names.find(|name| taken.insert(name.to_lowercase())).unwrap_or(plain)
    };
    songs.iter().map(&mut name).collect()
}

/// `song.mp3` becomes `song~1a2b3c4d.mp3`.
fn marked(name: &str, mark: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem}~{mark}.{extension}"),
        _ => format!("{name}~{mark}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Component, Path};

    #[test]
    fn hostile_names_become_one_plain_component() {
        let long = "x".repeat(300) + ".mp3";
        for raw in [
            "..",
            ".",
            "",
            "/etc/passwd",
            "a/../b",
            "a\\b",
            "a\0b",
            "a\nb",
            "-rf",
            "CON",
            "com1.mp3",
            "\u{202e}3pm.exe",
            ".hidden",
            "  x",
            &long,
            "ж\u{1F3B5}.ogg",
            "trailing. ",
        ] {
            let name = safe_name(raw);
            let parts: Vec<_> = Path::new(&name).components().collect();
            assert!(matches!(parts.as_slice(), [Component::Normal(_)]), "{raw:?} -> {name:?}");
            assert!(name.len() <= MAX_BYTES && !name.starts_with(['.', '-']), "{name:?}");
        }
        assert_eq!(safe_name("My song (live).mp3"), "My song (live).mp3");
    }

    #[test]
    fn songs_of_one_name_do_not_collide() {
        let song = |name: &str, content: &[u8]| (name.to_string(), blake3::hash(content));
        let names = name_songs(&[song("a.mp3", b"1"), song("a.mp3", b"2"), song("A.mp3", b"3")]);
        assert_eq!(names[0], "a.mp3");
        assert!(names[1].starts_with("a~") && names[1].ends_with(".mp3"));
        assert_ne!(names[1].to_lowercase(), names[2].to_lowercase());
    }

    #[test]
    fn a_song_that_bears_the_name_another_is_going_to_get_is_kept_apart() {
        let song = |name: &str, content: &[u8]| (name.to_string(), blake3::hash(content));
        let given = marked("a.mp3", &blake3::hash(b"2").to_hex()[..8]);
        for songs in [
            [song("a.mp3", b"1"), song("a.mp3", b"2"), song(&given, b"3")],
            [song(&given, b"3"), song("a.mp3", b"1"), song("a.mp3", b"2")],
        ] {
            let names: HashSet<String> = name_songs(&songs).into_iter().collect();
            assert_eq!(names.len(), 3, "{names:?}");
        }
    }
}
