//! What happens to songs while they are played.

use std::path::{Path, PathBuf};

use evermix::base::{Draws as _, Seed, SeededDraws};
use evermix::stream::Station;
use serde_json::{Value, json};

use super::Outcome;

/// A song vanishes this often, and one is damaged this often, in seconds.
const VANISH: f64 = 3_600.0;
const DAMAGE: f64 = 2_700.0;
/// Songs are away, or damaged, for so many turns.
const AWAY: usize = 3;

/// A folder of songs that does not stay as it is.
pub struct Mischief {
    originals: Vec<PathBuf>,
    folder: PathBuf,
    draws: SeededDraws,
    vanish: f64,
    damage: f64,
    /// Songs that are away, and that are damaged, the oldest first.
    away: Vec<usize>,
    damaged: Vec<usize>,
    vanished: u64,
    appeared: u64,
    spoilt: u64,
    spoilt_playing: u64,
}

impl Mischief {
    /// Copies the songs of a folder, and adds some that are broken from the first.
    pub fn new(songs: &Path, folder: &Path) -> Outcome<Mischief> {
        std::fs::create_dir_all(folder)?;
        let mut originals: Vec<PathBuf> = std::fs::read_dir(songs)?
            .filter_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_file()))
            .collect();
        originals.sort();
        let mut mischief = Mischief {
            folder: folder.to_path_buf(),
            draws: Seed(24).stream("soak"),
            vanish: 0.5 * VANISH,
            damage: DAMAGE,
            away: Vec::new(),
            damaged: Vec::new(),
            vanished: 0,
            appeared: 0,
            spoilt: 0,
            spoilt_playing: 0,
            originals,
        };
        for number in 0..mischief.originals.len() {
            std::fs::copy(&mischief.originals[number], mischief.place(number))?;
        }
        std::fs::write(folder.join("garbage.mp3"), mischief.noise(200_000))?;
        let mut song = std::fs::read(&mischief.originals[0])?;
        song.truncate(song.len() / 3);
        let half = song.len() / 2;
        let noise = mischief.noise(half);
        song[half..half + noise.len()].copy_from_slice(&noise);
        std::fs::write(folder.join("damaged.ogg"), song)?;
        Ok(mischief)
    }

    fn noise(&mut self, bytes: usize) -> Vec<u8> {
        (0..bytes).map(|_| (256.0 * self.draws.uniform()) as u8).collect()
    }

    fn place(&self, number: usize) -> PathBuf {
        self.folder.join(self.originals[number].file_name().unwrap_or_default())
    }

    /// What is due; whether anything was.
    pub fn at(&mut self, now: f64, station: &Station) -> bool {
        let mut done = false;
        if now >= self.vanish {
            self.vanish += VANISH;
            self.vanish_one();
            done = true;
        }
        if now >= self.damage {
            self.damage += DAMAGE;
            self.damage_one(station);
            done = true;
        }
        done
    }

    fn free(&mut self) -> Option<usize> {
        let free: Vec<usize> = (0..self.originals.len())
            .filter(|n| !self.away.contains(n) && !self.damaged.contains(n))
            .collect();
        free.get((free.len() as f64 * self.draws.uniform()) as usize).copied()
    }

    fn vanish_one(&mut self) {
        let Some(number) = self.free() else { return };
        if std::fs::remove_file(self.place(number)).is_ok() {
            self.vanished += 1;
            self.away.push(number);
        }
        if self.away.len() > AWAY {
            let number = self.away.remove(0);
            self.appear(number);
        }
    }

    /// A song comes that nobody heard before: a tag more makes another file of it.
    fn appear(&mut self, number: usize) {
        let Ok(mut song) = std::fs::read(&self.originals[number]) else { return };
        let mut tag = format!("TAGcome again {}", self.appeared).into_bytes();
        tag.resize(128, 0);
        if self.place(number).extension().is_some_and(|e| e == "mp3") {
            song.extend(tag);
        }
        if std::fs::write(self.place(number), song).is_ok() {
            self.appeared += 1;
        }
    }

    /// Writes noise into a song that was heard: in turn the one that plays, and another. Its
    /// length stays, so that nobody sees it who does not read.
    fn damage_one(&mut self, station: &Station) {
        if self.damaged.len() >= AWAY {
            let number = self.damaged.remove(0);
            self.appear(number);
        }
        let other = self.free();
        let number =
            if self.spoilt.is_multiple_of(2) { self.playing(station).or(other) } else { other };
        let Some(number) = number else { return };
        let path = self.place(number);
        let Ok(mut song) = std::fs::read(&path) else { return };
        let from = song.len() / 10;
        let noise = self.noise(song.len() - from);
        song[from..].copy_from_slice(&noise);
        // In its place: whoever has it open reads the noise.
        let file = std::fs::OpenOptions::new().write(true).open(&path);
        if file.and_then(|mut file| std::io::Write::write_all(&mut file, &song)).is_ok() {
            eprintln!("    damaged: {}", path.display());
            self.spoilt += 1;
            self.damaged.push(number);
        }
    }

    /// The song that plays, as its file name tells.
    fn playing(&mut self, station: &Station) -> Option<usize> {
        let title = station.board().song(station.now())?.title.clone();
        let named = |path: &PathBuf| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().replace('_', " ");
            stem == title || title.is_empty()
        };
        let number = self.originals.iter().position(named)?;
        let free = !self.away.contains(&number) && !self.damaged.contains(&number);
        free.then(|| self.spoilt_playing += 1)?;
        Some(number)
    }

    pub fn told(&self) -> Value {
        json!({
            "broken_from_the_first": 2,
            "vanished": self.vanished,
            "appeared": self.appeared,
            "damaged": self.spoilt,
            "damaged_while_they_played": self.spoilt_playing,
        })
    }
}
