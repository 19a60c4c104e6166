//! The n-th file operation fails, for n = 1, 2, 3, ... until nothing fails any more.

use crate::common::Desk;
use crate::stages::{Files, Stage, Way, finished, is_temporary};
use evermix::base::{Error, ErrorKind};
use evermix::pipeline::Skipped;
use evermix::store::{DiskFs, FailingFs, Operation};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// One stage, to be disturbed again and again.
struct Trial {
    desk: Desk,
    stage: Stage,
    /// What lies there before each run.
    old: Files,
    /// What an undisturbed run makes.
    wanted: Files,
}

impl Trial {
    /// `replacing`: whether results of other settings are there already.
    fn new(stage: Stage, replacing: bool) -> Trial {
        let desk = finished(1);
        let wanted = stage.made(&desk);
        assert!(!wanted.is_empty());
        stage.clear(&desk);
        let mut old = Files::new();
        if replacing {
            stage.run(&DiskFs, &desk, Way::Other).unwrap();
            old = stage.made(&desk);
            assert_ne!(old, wanted);
        }
        Trial { desk, stage, old, wanted }
    }

    fn reset(&self) {
        self.stage.clear(&self.desk);
        for (path, bytes) in &self.old {
            let path = self.desk.path("work").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    /// Which operations to fail: all that change anything, a part of the others.
    fn points(&self) -> Vec<u64> {
        self.reset();
        let fs = FailingFs::after(u64::MAX, io::ErrorKind::Other);
        self.stage.run(&fs, &self.desk, Way::One).unwrap();
        let only_looks =
            |o: &Operation| matches!(o, Operation::Open | Operation::Read | Operation::Metadata);
        let seen = fs.seen();
        let wanted = |n: &usize| *n < 12 || !only_looks(&seen[*n]) || n.is_multiple_of(11);
        (0..seen.len()).filter(wanted).map(|n| n as u64).collect()
    }

    /// Runs with a failure and again without. Says what is wrong with what came of it.
    fn disturb(&self, fs: &FailingFs, kind: io::ErrorKind) -> Wrong {
        self.reset();
        let outcome = self.stage.run(fs, &self.desk, Way::One);
        let (operation, on) = fs.failed().expect("something failed");
        let left = self.stage.made(&self.desk);
        match &outcome {
            Err(error) => self.check_error(error, kind)?,
            // A song that cannot be read is left out, with the reason.
            Ok(skipped) if !skipped.is_empty() => self.check_skipped(skipped, &on, kind)?,
            Ok(_) => ensure(left == self.wanted, || "taken for success".into())?,
        }
        for (path, bytes) in &left {
            let whole = [&self.old, &self.wanted].iter().any(|f| f.get(path) == Some(bytes));
            ensure(whole || is_temporary(path), || format!("{} is torn", path.display()))?;
        }
        // Where only one operation failed, and it was no removal, cleaning up works.
        let removing = matches!(operation, Operation::RemoveFile | Operation::RemoveDir);
        let stray = left.keys().find(|p| is_temporary(p));
        let may_stay = stray.is_none() || kind == io::ErrorKind::StorageFull || removing;
        ensure(may_stay, || format!("{stray:?} stays"))?;
        self.stage.tidy(&self.desk);
        let again = self.stage.run(&DiskFs, &self.desk, Way::One);
        ensure(again.is_ok(), || format!("then: {}", again.unwrap_err()))?;
        let now = self.stage.made(&self.desk);
        ensure(now.keys().eq(self.wanted.keys()), || {
            let missing = self.wanted.keys().filter(|p| !now.contains_key(*p)).collect::<Vec<_>>();
            let extra = now.keys().filter(|p| !self.wanted.contains_key(*p)).collect::<Vec<_>>();
            format!("in the end {missing:?} are missing and {extra:?} too many")
        })?;
        ensure(now == self.wanted, || "in the end the bytes differ".into())
    }

    fn check_error(&self, error: &Error, kind: io::ErrorKind) -> Wrong {
        ensure(error.kind() == ErrorKind::Io, || format!("{:?}: {error}", error.kind()))?;
        let inside = error.path().is_some_and(|p| p.starts_with(self.desk.path("")));
        ensure(inside, || format!("names no file: {error}"))?;
        let full = error.to_string().contains("the disk is full");
        ensure(full == (kind == io::ErrorKind::StorageFull), || error.to_string())
    }

    fn check_skipped(&self, skipped: &[Skipped], on: &Path, kind: io::ErrorKind) -> Wrong {
        let input = match self.stage {
            Stage::Separate => self.desk.path("music"),
            _ => self.desk.path("work/stems"),
        };
        // On a dead disk the input cannot be read either, whatever failed first.
        let about_input = on.starts_with(input) || kind == io::ErrorKind::StorageFull;
        let named = |s: &Skipped| s.item.contains("s0.wav") && s.error.reason().contains("read");
        ensure(about_input && skipped.iter().all(named), || format!("{skipped:?}"))
    }

    /// Fails every point; `make` says how. Returns the kinds of operation that were hit.
    fn sweep(
        &self,
        kind: io::ErrorKind,
        make: fn(u64, io::ErrorKind) -> FailingFs,
        wrong: &mut Vec<String>,
    ) -> BTreeSet<Operation> {
        let mut hit = BTreeSet::new();
        for n in self.points() {
            let fs = make(n, kind);
            let came = self.disturb(&fs, kind);
            let (operation, on) = fs.failed().expect("something failed");
            hit.insert(operation);
            if let Err(why) = came {
                wrong.push(format!("{operation:?} {n}, {}: {kind:?}: {why}", on.display()));
            }
        }
        hit
    }
}

/// What is wrong with what came of a trial, if anything.
type Wrong = Result<(), String>;

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Wrong {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// On an empty desk the disk is full from one moment on; where older results lie, one operation
/// fails and the next ones work again.
fn disturb_at_every_point(stage: Stage, kinds: &[Operation]) {
    let mut wrong = Vec::new();
    let (full, hiccup) = (io::ErrorKind::StorageFull, io::ErrorKind::TimedOut);
    let mut hit = Trial::new(stage, false).sweep(full, FailingFs::after, &mut wrong);
    hit.extend(Trial::new(stage, true).sweep(hiccup, FailingFs::once, &mut wrong));
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(hit.into_iter().collect::<Vec<_>>(), kinds);
}

use Operation::{
    Create, CreateDir, Metadata, Open, Read, ReadDir, RemoveDir, RemoveFile, Rename, Sync, SyncDir,
    Write,
};

#[test]
fn separate_survives_a_failure_of_any_operation() {
    let kinds = [Open, Read, Create, Write, Sync, CreateDir, Rename, SyncDir, Metadata];
    disturb_at_every_point(Stage::Separate, &kinds);
}

#[test]
fn segment_survives_a_failure_of_any_operation() {
    let kinds = [
        Open, Read, Create, Write, Sync, CreateDir, Rename, RemoveFile, RemoveDir, SyncDir,
        Metadata, ReadDir,
    ];
    disturb_at_every_point(Stage::Segment, &kinds);
}

#[test]
fn create_dataset_survives_a_failure_of_any_operation() {
    let kinds = [Open, Read, Create, Write, Sync, CreateDir, Rename, SyncDir, Metadata, ReadDir];
    disturb_at_every_point(Stage::CreateDataset, &kinds);
}

#[test]
fn fit_survives_a_failure_of_any_operation() {
    let kinds = [Open, Read, Create, Write, Sync, CreateDir, Rename, SyncDir, Metadata];
    disturb_at_every_point(Stage::Fit, &kinds);
}

#[test]
fn generate_survives_a_failure_of_any_operation() {
    let kinds = [Open, Read, Create, Write, Sync, CreateDir, Rename, SyncDir, Metadata];
    disturb_at_every_point(Stage::Generate, &kinds);
}
