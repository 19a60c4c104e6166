//! The two files of wishes: songs for every list, and songs to be played next.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::super::song::Song;
use super::tell;
use crate::base::{Error, Result};
use crate::pipeline::Context;
use crate::store::{means_absent, write_atomic};

/// Largest file of wishes read, in bytes.
const LARGEST: u64 = 1 << 20;

/// Songs by what people call them.
#[derive(Debug, Default)]
pub struct Finder {
    paths: HashMap<PathBuf, usize>,
    names: HashMap<String, usize>,
}

impl Finder {
    /// Of songs of one name the first is meant.
    pub fn new(songs: &[Song]) -> Finder {
        let mut finder = Finder::default();
        for (place, song) in songs.iter().enumerate() {
            finder.paths.entry(from_root(&song.path)).or_insert(place);
            let file = song.path.file_name().unwrap_or_default().to_string_lossy();
            let title = if song.tags.title.is_empty() { &file } else { song.tags.title.as_str() };
            for name in [song.tags.display(&file), title.to_string()] {
                finder.names.entry(name.trim().to_lowercase()).or_insert(place);
            }
        }
        finder
    }

    /// The song a line of `list` means: a path, from the file's own folder or from the current
    /// one, or a title, with or without its artist.
    pub fn find(&self, line: &str, list: &Path) -> Option<usize> {
        let beside = from_root(&list.with_file_name(line));
        let path = self.paths.get(&beside).or_else(|| self.paths.get(&from_root(Path::new(line))));
        path.or_else(|| self.names.get(&line.to_lowercase())).copied()
    }
}

/// The same path whatever the current folder; where that cannot be told, as it is.
fn from_root(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The lines of a file of wishes. One that is not there holds none; one that cannot be read is told.
pub fn read_lines(context: &Context<'_>, path: &Path, told: &mut HashSet<String>) -> Vec<String> {
    match read(context, path) {
        Ok(text) => text.lines().filter_map(wish).map(str::to_string).collect(),
        Err(error) => {
            tell(context, told, format!("{}: {}", path.display(), error.reason()));
            Vec::new()
        }
    }
}

fn read(context: &Context<'_>, path: &Path) -> Result<String> {
    match context.fs.read(path, LARGEST) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            Ok(text.trim_start_matches('\u{feff}').to_string())
        }
        Err(e) if means_absent(&e) => Ok(String::new()),
        Err(e) => Err(Error::io("cannot read", path, e)),
    }
}

/// What a line wishes for; comments wish nothing.
fn wish(line: &str) -> Option<&str> {
    let line = line.trim();
    (!line.is_empty() && !line.starts_with('#')).then_some(line)
}

/// The file of songs to be played next.
#[derive(Debug)]
pub struct InjectFile {
    path: PathBuf,
    /// Whether lines stay in it.
    keep: bool,
    /// Lines that were played and are still there: they are not played again.
    stuck: HashMap<String, usize>,
}

impl InjectFile {
    pub fn new(path: PathBuf, keep: bool) -> InjectFile {
        InjectFile { path, keep, stuck: HashMap::new() }
    }

    /// The first song asked for that is there; its line is struck out. Lines that mean no song
    /// stay, for the song may come.
    pub fn next(
        &mut self,
        context: &Context<'_>,
        finder: &Finder,
        told: &mut HashSet<String>,
    ) -> Option<usize> {
        let lines = read_lines(context, &self.path, told);
        let mut stuck = std::mem::take(&mut self.stuck);
        for line in lines {
            if let Some(left) = stuck.get_mut(&line).filter(|left| **left > 0) {
                *left -= 1;
                *self.stuck.entry(line).or_default() += 1;
                continue;
            }
            let Some(place) = finder.find(&line, &self.path) else {
                tell(context, told, format!("{line}: not among the songs"));
                continue;
            };
            // Lines after this one have not had their turn in this look, but keep what they had.
            for (line, left) in stuck {
                *self.stuck.entry(line).or_default() += left;
            }
            match self.keep {
                true => *self.stuck.entry(line).or_default() += 1,
                false => self.strike_out(context, line, told),
            }
            return Some(place);
        }
        None
    }

    /// Adds a wish as the last.
    pub fn add(&self, context: &Context<'_>, line: &str) -> Result<()> {
        let mut text = read(context, &self.path)?;
        // People's editors do not always end the last line.
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text += &format!("{line}\n");
        write_atomic(context.fs, &self.path, text.as_bytes())
    }

    /// Reads once more first: somebody may have added lines.
    fn strike_out(&mut self, context: &Context<'_>, line: String, told: &mut HashSet<String>) {
        let struck = read(context, &self.path).and_then(|text| {
            let left = without(&text, &line);
            write_atomic(context.fs, &self.path, left.as_bytes())
        });
        if let Err(error) = struck {
            let text = format!("{}: {}", self.path.display(), error.reason());
            tell(context, told, text);
            *self.stuck.entry(line).or_default() += 1;
        }
    }
}

/// The text without the first line that wishes for `line`.
fn without(text: &str, line: &str) -> String {
    let mut struck = false;
    let keep = |l: &&str| wish(l) != Some(line) || std::mem::replace(&mut struck, true);
    text.split_inclusive('\n').filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_struck_out_and_all_else_stays_as_written() {
        let text = "# next\n  a.mp3 \r\nb.mp3\na.mp3\n\nlast";
        assert_eq!(without(text, "a.mp3"), "# next\nb.mp3\na.mp3\n\nlast");
        assert_eq!(without(text, "last"), "# next\n  a.mp3 \r\nb.mp3\na.mp3\n\n");
        assert_eq!(without(text, "# next"), text, "a comment is no wish");
    }
}
