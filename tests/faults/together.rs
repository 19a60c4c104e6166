//! Several programs at the same files, and disks that take only a little at a time.

use crate::common::Desk;
use crate::program::{AUTO, Running, assert_same, made, small_desk};
use crate::stages::{STAGES, Way, finished, is_temporary};
use evermix::audio::encode::{Container, OutputTags};
use evermix::audio::wav::SampleFormat;
use evermix::base::{ByteSource, ErrorKind, Result, SampleRate};
use evermix::store::{DiskFs, FailingFs, FileOut, Fs, Meta, Operation, Pending};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

#[test]
fn two_remixes_to_one_name_at_a_time_never_mix() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let words = |seed, out| ["generate-remix", "0.9", "300", out, "--seed", seed];
    let wanted = ["1", "2"].map(|seed| {
        desk.ok(&words(seed, "alone.wav"));
        desk.read("alone.wav")
    });
    for _ in 0..4 {
        let both = ["1", "2"].map(|s| Running::start(desk.command(&words(s, "same.wav"))));
        let ends = both.map(|running| running.end().0);
        let codes = ends.each_ref().map(|ran| ran.code());
        assert!(codes.contains(&0) && codes.iter().all(|c| [0, 8].contains(c)), "{codes:?}");
        assert!(wanted.contains(&desk.read("same.wav")), "the bytes of both in one file");
    }
}

#[test]
fn two_runs_on_one_project_at_a_time_never_mix() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let wanted = made(&desk);
    crate::program::clear(&desk);
    let both = [(), ()].map(|()| Running::start(desk.command(&AUTO)));
    let codes = both.map(|running| running.end().0.code());
    assert!(codes.contains(&0) && codes.iter().all(|c| [0, 8].contains(c)), "{codes:?}");
    assert_same(&made(&desk), &wanted, "two at a time");
}

/// Takes and gives a few bytes at a time, and every other call is interrupted.
struct Drip;

struct DripFile<F> {
    inner: F,
    calls: usize,
}

impl<F> DripFile<F> {
    fn call(&mut self) -> io::Result<usize> {
        self.calls += 1;
        if self.calls.is_multiple_of(2) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(1 + self.calls * 7_919 % 5_000)
    }
}

impl<F: Read> Read for DripFile<F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = self.call()?.min(buf.len());
        self.inner.read(&mut buf[..most])
    }
}

impl<F: Write> Write for DripFile<F> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let most = self.call()?.min(buf.len());
        self.inner.write(&buf[..most])
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<F: Seek> Seek for DripFile<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl FileOut for DripFile<Box<dyn FileOut>> {
    fn sync(&mut self) -> io::Result<()> {
        self.inner.sync()
    }
}

impl Fs for Drip {
    fn open(&self, path: &Path) -> io::Result<Box<dyn ByteSource>> {
        Ok(Box::new(DripFile { inner: DiskFs.open(path)?, calls: 0 }))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn FileOut>> {
        Ok(Box::new(DripFile { inner: DiskFs.create(path)?, calls: 0 }))
    }
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FileOut>> {
        Ok(Box::new(DripFile { inner: DiskFs.create_new(path)?, calls: 0 }))
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        DiskFs.create_dir_all(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        DiskFs.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        DiskFs.remove_file(path)
    }
    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        DiskFs.remove_dir_all(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        DiskFs.sync_dir(path)
    }
    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        DiskFs.metadata(path)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        DiskFs.read_dir(path)
    }
}

#[test]
fn short_and_interrupted_reads_and_writes_change_no_byte() {
    let desk = finished(2);
    for stage in STAGES {
        let wanted = stage.made(&desk);
        stage.clear(&desk);
        let skipped = stage.run(&Drip, &desk, Way::One).unwrap();
        assert!(skipped.is_empty(), "{stage:?}: {skipped:?}");
        assert_same(&stage.made(&desk), &wanted, &format!("{stage:?}"));
    }
}

/// Three seconds of noise in one of the formats, as `generate` writes it.
fn encode(fs: &dyn Fs, path: &Path, container: Container) -> Result<()> {
    let pending = Pending::create(fs, path)?;
    let out = Box::new(pending.share());
    let tags = OutputTags { title: "noise".into(), ..OutputTags::default() };
    let mut encoder = container.encoder(out, SampleRate::CD, 2, &tags)?;
    let mut noise = 1u32;
    for _ in 0..30 {
        let mut plane = || -> Vec<f32> {
            let mut next = || {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 8) as f32 / (1u32 << 25) as f32
            };
            (0..4_410).map(|_| next()).collect()
        };
        let (left, right) = (plane(), plane());
        encoder.write(&[&left, &right])?;
    }
    encoder.finish()?;
    pending.commit()
}

#[test]
fn every_format_survives_a_failure_of_any_operation() {
    let desk = Desk::in_memory();
    for (name, container) in [
        ("a.wav", Container::Wav(SampleFormat::Float32)),
        ("a.flac", Container::Flac),
        ("a.mp3", Container::Mp3),
        ("a.opus", Container::Opus),
    ] {
        let path = desk.path("out").join(name);
        encode(&DiskFs, &path, container).unwrap();
        let wanted = std::fs::read(&path).unwrap();
        std::fs::write(&path, "old").unwrap();
        let mut failures = 0;
        for n in 0.. {
            let fs = FailingFs::after(n, io::ErrorKind::StorageFull);
            let came = encode(&fs, &path, container);
            let seen = std::fs::read(&path).unwrap();
            let Err(error) = came else { break };
            failures += 1;
            assert_eq!(error.kind(), ErrorKind::Io, "{name} {n}: {error}");
            assert!(error.to_string().contains("the disk is full"), "{name} {n}: {error}");
            let unnamed = fs.failed().unwrap().0 == Operation::SyncDir;
            assert!(seen == b"old" || unnamed && seen == wanted, "{name} {n} is torn");
            std::fs::write(&path, "old").unwrap();
        }
        assert!(failures > 5, "{name}: {failures}");
        assert!(std::fs::read(&path).unwrap() == wanted, "{name}");
        let left = crate::common::files(&desk.path("out"));
        assert!(!left.iter().any(|p| is_temporary(p)), "{left:?}");
        std::fs::remove_dir_all(desk.path("out")).unwrap();
    }
}
