//! The words IN... on a command line as a list of song files.

use std::fs;
use std::path::{Path, PathBuf};

use super::fs::{DiskFs, Fs as _};
use crate::base::{Error, ErrorKind, Limits, Result};

/// Extensions looked for in folders. A file named outright is tried whatever its name.
const EXTENSIONS: [&str; 12] =
    ["mp3", "m4a", "mp4", "aac", "flac", "ogg", "oga", "opus", "wav", "wave", "aif", "aiff"];

/// One song file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its file name as text.
    pub name: String,
}

/// What the inputs came to.
#[derive(Debug, Default)]
pub struct Found {
    /// Songs in a stable order: as given, folders sorted, each file once.
    pub files: Vec<InputFile>,
    /// What was named and cannot be used, with the reason.
    pub skipped: Vec<Error>,
}

/// Expands files, folders (searched recursively) and `.m3u`/`.m3u8` playlists.
///
/// Links to folders are not followed, links to files only within the folder named; pipes, devices
/// and sockets are left alone. Whatever is left out and might have been meant is in `skipped`.
///
/// # Errors
/// `Limit` where there are too many files; `NoAudio` where nothing is left.
pub fn expand_inputs(inputs: &[PathBuf], limits: &Limits) -> Result<Found> {
    let mut walk = Walk { limits, found: Found::default(), seen: Default::default() };
    for input in inputs {
        walk.add(input)?;
    }
    if walk.found.files.is_empty() {
        let error = Error::new(ErrorKind::NoAudio, "no songs found");
        let why = walk.found.skipped.first().map(|e| match e.path() {
            Some(path) => format!("{}: {}", path.display(), e.reason()),
            None => e.reason(),
        });
        let why = why.unwrap_or_else(|| "no audio files in the folders named".to_string());
        return Err(error
            .because(why)
            .hint("name a folder with mp3, m4a, flac, ogg, opus, wav or aiff files"));
    }
    Ok(walk.found)
}

struct Walk<'a> {
    limits: &'a Limits,
    found: Found,
    seen: std::collections::HashSet<PathBuf>,
}

impl Walk<'_> {
    fn add(&mut self, input: &Path) -> Result<()> {
        let meta = match fs::metadata(input) {
            Ok(meta) => meta,
            Err(e) => {
                self.found.skipped.push(Error::io("cannot open", input, e));
                return Ok(());
            }
        };
        if meta.is_dir() {
            let root = fs::canonicalize(input).unwrap_or_else(|_| input.to_path_buf());
            return self.folder(input, &root, 0);
        }
        if !meta.is_file() {
            let error = Error::new(ErrorKind::Unusable, "not a regular file").at(input);
            self.found.skipped.push(error);
            return Ok(());
        }
        match extension(input).as_str() {
            "m3u" | "m3u8" => self.playlist(input),
            _ => self.file(input),
        }
    }

    fn folder(&mut self, folder: &Path, root: &Path, depth: usize) -> Result<()> {
        if depth > self.limits.max_depth {
            let error = Error::new(ErrorKind::Limit, "folders nested too deeply").at(folder);
            self.found.skipped.push(error.hint("raise max-depth under [limits] in evermix.toml"));
            return Ok(());
        }
        let entries = fs::read_dir(folder).and_then(|list| list.map(|e| Ok(e?.path())).collect());
        let mut entries: Vec<PathBuf> = match entries {
            Ok(entries) => entries,
            Err(e) => {
                self.found.skipped.push(Error::io("cannot search", folder, e));
                return Ok(());
            }
        };
        entries.sort();
        for path in entries {
            let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            if hidden {
                continue;
            }
            if meta.is_dir() {
                self.folder(&path, root, depth + 1)?;
                continue;
            }
            let named_like_a_song = EXTENSIONS.contains(&extension(&path).as_str());
            if !named_like_a_song && !meta.is_symlink() {
                continue;
            }
            match obstacle(&path, root) {
                None if named_like_a_song => self.file(&path)?,
                Some(Obstacle::FolderElsewhere) => {
                    self.leave_out(&path, "a link to a folder, which is not followed");
                }
                Some(Obstacle::Other(why)) if named_like_a_song => self.leave_out(&path, why),
                _ => {}
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, path: &Path, why: &str) {
        self.found.skipped.push(Error::new(ErrorKind::Unusable, why).at(path));
    }

    fn playlist(&mut self, list: &Path) -> Result<()> {
        let text = match DiskFs.read(list, self.limits.max_json_bytes) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::FileTooLarge => {
                let error = Error::new(ErrorKind::Limit, "playlist too large").at(list);
                self.found.skipped.push(error);
                return Ok(());
            }
            Err(e) => {
                self.found.skipped.push(Error::io("cannot read", list, e));
                return Ok(());
            }
        };
        let base = list.parent().unwrap_or(Path::new("."));
        let text = String::from_utf8_lossy(&text);
        for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let path = base.join(line.strip_prefix("file://").unwrap_or(line));
            if path.is_file() {
                self.file(&path)?;
            } else {
                let error = Error::new(ErrorKind::Unusable, "no such file in the playlist");
                self.found.skipped.push(error.at(path));
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if !self.seen.insert(real) {
            return Ok(());
        }
        if self.found.files.len() >= self.limits.max_files {
            return Err(Error::new(ErrorKind::Limit, "too many files")
                .because(format!("the limit is {}", self.limits.max_files))
                .hint("raise max-files under [limits] in evermix.toml"));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.found.files.push(InputFile { path: path.to_path_buf(), name });
        Ok(())
    }
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// Why something in a folder is not read.
enum Obstacle {
    /// A link to a folder that is not searched anyway.
    FolderElsewhere,
    /// Anything else, in words.
    Other(&'static str),
}

/// What is against reading `path`: only regular files below `root`, after following links, are.
fn obstacle(path: &Path, root: &Path) -> Option<Obstacle> {
    let Ok(real) = fs::canonicalize(path) else {
        return Some(Obstacle::Other("a link that leads nowhere"));
    };
    match (real.starts_with(root), real.is_dir(), real.is_file()) {
        (true, _, true) => None,
        (true, true, _) => Some(Obstacle::Other("a link to a folder")),
        (false, true, _) => Some(Obstacle::FolderElsewhere),
        (false, ..) => Some(Obstacle::Other("a link that leads outside the folder")),
        _ => Some(Obstacle::Other("not a regular file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &Found) -> Vec<&str> {
        found.files.iter().map(|f| f.name.as_str()).collect()
    }

    #[test]
    fn folders_are_searched_in_order_and_each_file_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("b/c")).unwrap();
        for file in ["z.mp3", "b/a.FLAC", "b/c/x.wav", "notes.txt", ".hidden.mp3"] {
            fs::write(dir.path().join(file), "x").unwrap();
        }
        let again = dir.path().join("z.mp3");
        let found = expand_inputs(&[dir.path().to_path_buf(), again], &Limits::default()).unwrap();
        assert_eq!(names(&found), ["a.FLAC", "x.wav", "z.mp3"]);
    }

    #[test]
    fn playlists_name_files_beside_them_and_missing_ones_are_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.mp3"), "x").unwrap();
        let list = dir.path().join("l.m3u8");
        fs::write(&list, "\u{feff}#EXTM3U\r\na.mp3\r\ngone.mp3\r\n").unwrap();
        let found = expand_inputs(&[list], &Limits::default()).unwrap();
        assert_eq!(names(&found), ["a.mp3"]);
        assert_eq!(found.skipped.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_never_lead_out_of_the_folder_nor_in_circles() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("o.mp3"), "x").unwrap();
        let dir = tempfile::tempdir().unwrap();
        symlink(outside.path().join("o.mp3"), dir.path().join("link.mp3")).unwrap();
        symlink(dir.path(), dir.path().join("loop")).unwrap();
        fs::write(dir.path().join("in.mp3"), "x").unwrap();
        symlink(outside.path(), dir.path().join("more")).unwrap();
        let found = expand_inputs(&[dir.path().to_path_buf()], &Limits::default()).unwrap();
        assert_eq!(names(&found), ["in.mp3"]);
        let told: Vec<_> = found.skipped.iter().map(|e| e.path().unwrap()).collect();
        assert_eq!(told, [dir.path().join("link.mp3"), dir.path().join("more")]);
    }

    #[test]
    fn nothing_to_read_is_its_own_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = expand_inputs(&[dir.path().to_path_buf()], &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoAudio);
    }
}
