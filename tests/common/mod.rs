//! Rendered songs with known beats, and the program run as a user runs it.
#![allow(dead_code, reason = "every test binary uses a part of this")]

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Length of a tick in seconds; it is loudest in its middle.
pub const TICK: f64 = 0.008;

/// A rendered song: kick, snare, hi-hat and chords at a steady tempo.
#[derive(Clone, Copy, Debug)]
pub struct Song {
    pub bpm: f64,
    pub seconds: f64,
    /// Pitch class of the first chord.
    pub root: usize,
    pub rate: u32,
    pub channels: u16,
    /// Seconds of silence before the first beat.
    pub lead_in: f64,
    /// Pitch in Hz of a short pure tick on every beat. A song that ticks has nothing else up
    /// there, so that its beats can be told from those of another song in a mix of both.
    pub tick: Option<f64>,
}

impl Default for Song {
    fn default() -> Self {
        Song {
            bpm: 120.0,
            seconds: 12.0,
            root: 0,
            rate: 44_100,
            channels: 2,
            lead_in: 0.25,
            tick: None,
        }
    }
}

impl Song {
    pub fn at(bpm: f64, root: usize) -> Song {
        Song { bpm, root, ..Song::default() }
    }

    pub fn beats(&self) -> Vec<f64> {
        let period = 60.0 / self.bpm;
        let count = ((self.seconds - self.lead_in - 0.2) / period) as usize;
        (0..count).map(|i| self.lead_in + i as f64 * period).collect()
    }

    /// Mono samples.
    pub fn render(&self) -> Vec<f32> {
        let rate = f64::from(self.rate);
        let mut out = vec![0.0f32; (self.seconds * rate) as usize];
        let mut noise = 1u32;
        let hiss = if self.tick.is_some() { 0.0 } else { 1.0 };
        for (i, &beat) in self.beats().iter().enumerate() {
            let period = 60.0 / self.bpm;
            match i % 4 {
                0 | 2 => strike(&mut out, rate, beat, |t| {
                    0.8 * (-t * 22.0).exp()
                        * (TAU * (50.0 * t + 3.0 * (1.0 - (-t * 40.0).exp()))).sin()
                }),
                _ => strike(&mut out, rate, beat, |t| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let white = f64::from(noise >> 8) / f64::from(1u32 << 23) - 1.0;
                    0.35 * (-t * 30.0).exp() * (hiss * white + 0.5 * (TAU * 190.0 * t).sin())
                }),
            }
            let degree = [0, 5, 7, 3][i / 4 % 4];
            for third in [0, 4, 7] {
                let pitch = (self.root + degree + third) as f64;
                let hz = 220.0 * 2f64.powf(pitch / 12.0);
                strike(&mut out, rate, beat, |t| {
                    if t < period { 0.08 * (-t * 2.0).exp() * (TAU * hz * t).sin() } else { 0.0 }
                });
            }
            if let Some(hz) = self.tick {
                strike(&mut out, rate, beat, |t| {
                    let swell = (t < TICK).then(|| (TAU / 2.0 * t / TICK).sin().powi(2));
                    swell.map_or(0.0, |s| 0.3 * s * (TAU * hz * t).sin())
                });
            }
        }
        out
    }

    /// Writes the song as a 16-bit WAV.
    pub fn write(&self, path: &Path) {
        let spec = hound::WavSpec {
            channels: self.channels,
            sample_rate: self.rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, spec).unwrap();
        for x in self.render() {
            for _ in 0..self.channels {
                writer.write_sample((x.clamp(-1.0, 1.0) * 32_767.0) as i16).unwrap();
            }
        }
        writer.finalize().unwrap();
    }
}

fn strike(out: &mut [f32], rate: f64, at: f64, mut wave: impl FnMut(f64) -> f64) {
    let start = (at * rate).round() as usize;
    for (i, x) in out.iter_mut().skip(start).take((0.6 * rate) as usize).enumerate() {
        *x += wave(i as f64 / rate) as f32;
    }
}

/// A folder with songs, a project beside it, and the program at hand.
pub struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    pub fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("music")).unwrap();
        Desk { folder }
    }

    /// A desk in memory where the system offers it, for tests that write thousands of files.
    pub fn in_memory() -> Desk {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        std::fs::create_dir(folder.path().join("music")).unwrap();
        Desk { folder }
    }

    /// A desk with a few songs that go together.
    pub fn with_songs(count: usize) -> Desk {
        let desk = Desk::new();
        for i in 0..count {
            let song = Song::at(116.0 + 4.0 * i as f64, i * 5 % 12);
            song.write(&desk.path(&format!("music/song{i}.wav")));
        }
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn command(&self, words: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_remix"), words)
    }

    fn program(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        // Nothing of the machine the tests run on may decide.
        let config = self.path("config");
        command.args(words).current_dir(self.folder.path()).env("XDG_CONFIG_HOME", config);
        command.env("XDG_CACHE_HOME", self.path("cache")).env("XDG_DATA_HOME", self.path("data"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("EVERMIX_")) {
            command.env_remove(name);
        }
        command
    }

    pub fn run(&self, words: &[&str]) -> Ran {
        Ran(self.command(words).output().unwrap())
    }

    /// `forever` with these words.
    pub fn forever_command(&self, words: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_forever"), words)
    }

    /// Runs and expects success.
    pub fn ok(&self, words: &[&str]) -> Ran {
        let ran = self.run(words);
        assert_eq!(ran.code(), 0, "{words:?}\n{}", ran.err());
        ran
    }

    /// All files below a folder with their contents, by relative path.
    pub fn snapshot(&self, name: &str) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
        let root = self.path(name);
        files(&root)
            .into_iter()
            .map(|path| (path.strip_prefix(&root).unwrap().into(), std::fs::read(&path).unwrap()))
            .collect()
    }
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// What came of a run.
pub struct Ran(pub Output);

impl Ran {
    /// The exit code; 128 and the signal's number where a signal ended it.
    pub fn code(&self) -> i32 {
        use std::os::unix::process::ExitStatusExt as _;
        self.0.status.code().unwrap_or_else(|| 128 + self.0.status.signal().unwrap_or(0))
    }

    pub fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).expect("stdout is UTF-8")
    }

    pub fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).expect("stderr is UTF-8")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out()).unwrap_or_else(|e| panic!("{e}: {}", self.out()))
    }
}

/// The folder of material beside the repository, unless this machine has none.
pub fn shared(inside: &str) -> Option<PathBuf> {
    let root = std::env::var_os("EVERMIX_SHARED").map_or("../shared".into(), PathBuf::from);
    let path = root.join(inside);
    if !path.exists() {
        eprintln!("SKIPPED: no {} (set EVERMIX_SHARED)", path.display());
        return None;
    }
    Some(path)
}

/// Whole samples of a WAV, one plane a channel.
pub fn read_wav(path: &Path) -> (u32, Vec<Vec<f32>>) {
    let mut reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    let scale = 2f32.powi(1 - i32::from(spec.bits_per_sample));
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().map(Result::unwrap).collect(),
        hound::SampleFormat::Int => {
            reader.samples::<i32>().map(|s| s.unwrap() as f32 * scale).collect()
        }
    };
    let channels = usize::from(spec.channels);
    let plane = |c: usize| samples.iter().skip(c).step_by(channels).copied().collect();
    (spec.sample_rate, (0..channels).map(plane).collect())
}
