//! Files of ours that come from elsewhere and lie: refused with a typed error, soon, and nothing
//! is written outside the folders named.

use crate::common::Desk;
use crate::program::{AUTO, made, restore, run, small_desk};
use crate::stages::Files;
use evermix::base::{Cancel, Draws as _, ErrorKind, Frames, Limits, Lufs, Quiet, Result, Seed};
use evermix::corpus::{Column, SongBeats, Table};
use evermix::pipeline::{Context, DatasetManifest, TABLE, read_dataset};
use evermix::store::{DiskFs, read_json, write_json};
use serde::{Serialize, de::DeserializeOwned};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const RECORD: &str = "evermix-project/beats/songs/s0.wav.json";
const STEMS: &str = "evermix-project/stems/s0.wav/s0.wav.json";
const MANIFEST: &str = "evermix-project/dataset/manifest.json";
const GENERATE: [&str; 6] = ["generate-remix", "0.5", "40", "out.wav", "--seed", "3"];
/// Far above what it takes; a hang or a gigabyte of zeros takes longer.
const SOON: Duration = Duration::from_secs(10);

/// Runs and expects a typed error: no success, no panic, no signal, no hang.
fn refused(desk: &Desk, words: &[&str], case: &str) -> String {
    let started = Instant::now();
    let ran = run(desk, words);
    let known = [1, 3, 4, 5, 6, 7].contains(&ran.code());
    assert!(known, "{case}: {words:?} ended with {}:\n{}", ran.code(), ran.err());
    assert!(!ran.err().contains("panicked"), "{case}: {}", ran.err());
    assert!(started.elapsed() < SOON, "{case}: {:?}", started.elapsed());
    ran.err()
}

fn ready() -> (Desk, Files) {
    let desk = small_desk();
    desk.ok(&AUTO);
    let files = made(&desk);
    (desk, files)
}

fn read<T: Serialize + DeserializeOwned>(desk: &Desk, name: &str) -> T {
    read_json(&DiskFs, &desk.path(name), &Limits::default(), "").unwrap()
}

/// Changes a document of ours and makes its checksum right again.
fn forge<T: Serialize + DeserializeOwned>(desk: &Desk, name: &str, change: impl FnOnce(&mut T)) {
    let mut document: T = read(desk, name);
    change(&mut document);
    write_json(&DiskFs, &desk.path(name), &document).unwrap();
}

#[test]
fn json_of_any_depth_is_refused() {
    let (desk, good) = ready();
    let deep = "[".repeat(100_000);
    let bent = format!("{{\"checksum\":\"\",\"content\":{{\"x\":{deep}");
    let closed = format!("{{\"x\":{deep}{}}}", "]".repeat(100_000));
    for (file, words) in [
        (RECORD, &["create-dataset"][..]),
        (RECORD, &GENERATE),
        (STEMS, &["segment", "evermix-project/stems", "beats"]),
        (MANIFEST, &["fit-nearest-neighbours"]),
        (MANIFEST, &GENERATE),
    ] {
        for text in [&deep, &bent, &closed] {
            std::fs::write(desk.path(file), text).unwrap();
            let said = refused(&desk, words, "deep JSON");
            assert!(said.contains(file.rsplit('/').next().unwrap()), "{said}");
        }
        restore(&desk, &good);
    }
    // What is only a record of earlier work is made again.
    std::fs::write(desk.path(RECORD), &closed).unwrap();
    std::fs::write(desk.path("out.plan.json"), &closed).unwrap();
    assert_eq!(run(&desk, &AUTO).code(), 0);
    assert!(made(&desk) == good);
}

#[test]
fn settings_of_any_depth_are_refused() {
    let (desk, _) = ready();
    let deep = 100_000;
    for text in [
        format!("beats = {}", "[".repeat(deep)),
        format!("beats = {}{}", "[".repeat(deep), "]".repeat(deep)),
        format!("beats = {}", "{a=".repeat(deep)),
        format!("{}beats = 1", "a.".repeat(deep)),
        format!("[{}a]", "a.".repeat(deep)),
    ] {
        std::fs::write(desk.path("evermix-project/evermix.toml"), text).unwrap();
        let ran = run(&desk, &GENERATE);
        assert_eq!(ran.code(), 2, "{}", ran.err());
    }
}

type Lie<T> = (&'static str, fn(&mut T));

/// Everything that a song's record may get wrong and that a reader must not trust.
fn lies() -> Vec<Lie<SongBeats>> {
    vec![
        ("no channels", |s| s.channels = 0),
        ("many channels", |s| s.channels = 1 << 60),
        ("another number of channels", |s| s.channels = 2),
        ("a long song", |s| s.frames = Frames(1 << 60)),
        ("an endless song", |s| s.frames = Frames(u64::MAX)),
        ("a short song", |s| s.frames = Frames(3)),
        ("an empty song", |s| s.frames = Frames(0)),
        ("no pieces", |s| s.pieces.clear()),
        ("a piece less", |s| drop(s.pieces.pop())),
        ("a piece twice", |s| s.pieces.push(s.pieces[1].clone())),
        ("pieces in another order", |s| s.pieces.reverse()),
        ("a late first piece", |s| s.pieces[0].start = Frames(100)),
        ("a gap", |s| s.pieces[2].start.0 += 10),
        ("a long piece", |s| s.pieces[2].frames = Frames(1 << 60)),
        ("an endless piece", |s| s.pieces[2].frames = Frames(u64::MAX)),
        ("an empty piece", |s| s.pieces[2].frames = Frames(0)),
        ("empty pieces", |s| s.pieces.iter_mut().for_each(|p| p.frames = Frames(0))),
        ("a late attack", |s| s.pieces[2].attack = Frames(u64::MAX)),
        ("an early attack", |s| s.pieces[3].attack = Frames(0)),
        ("no layers", |s| s.layers.clear()),
        ("a layer twice", |s| s.layers = vec![s.layers[0]; 2]),
        ("many layers", |s| s.layers = vec![s.layers[0]; 1000]),
        ("no hashes", |s| s.pieces.iter_mut().for_each(|p| p.clips.clear())),
        ("no loudness", |s| s.piece_loudness.clear()),
        ("a name that climbs", |s| s.song = "../../../climbed".into()),
        ("a name that is a root", |s| s.song = "/climbed".into()),
        ("no name", |s| s.song = String::new()),
        ("another song's name", |s| s.song = "s1.wav".into()),
    ]
}

#[test]
fn records_of_songs_that_lie_are_refused() {
    let (desk, good) = ready();
    for (case, lie) in lies() {
        forge(&desk, RECORD, lie);
        refused(&desk, &["create-dataset", "evermix-project/beats", "other"], case);
        refused(&desk, &GENERATE, case);
        // A clip that seems to be another one may have been put aside; nothing else was touched.
        let plain = |path: &Path| PathBuf::from(path.to_str().unwrap().replace(".damaged", ""));
        let mut after: Vec<_> = desk.snapshot("").keys().map(|p| plain(p)).collect();
        let outside = ["other", "music", "cache"];
        after.retain(|p| !outside.iter().any(|folder| p.starts_with(folder)));
        assert!(after.iter().eq(good.keys()), "{case}: {after:?}");
        restore(&desk, &good);
    }
    for name in ["climbed.features", "songs/climbed.features"] {
        assert!(!Path::new("/").join(name).exists());
    }
    // Absurd loudness is no reason to refuse, but must not spread.
    for loudness in [-1e300, 1e300] {
        forge::<SongBeats>(&desk, RECORD, |s| s.loudness = Lufs(loudness));
        let ran = run(&desk, &GENERATE);
        assert_eq!(ran.code(), 0, "{}", ran.err());
        let (_, planes) = crate::common::read_wav(&desk.path("out.wav"));
        assert!(planes.iter().flatten().all(|x| x.is_finite() && x.abs() <= 1.0));
        restore(&desk, &good);
    }
}

/// Puts another table in place, with a manifest that goes with it.
fn put_table(desk: &Desk, table: &Table) {
    let bytes = table.to_parquet().unwrap();
    forge::<DatasetManifest>(desk, MANIFEST, |m| {
        m.table = blake3::hash(&bytes).to_hex().to_string();
    });
    std::fs::write(desk.path("evermix-project/dataset").join(TABLE), bytes).unwrap();
}

fn dataset(desk: &Desk) -> Result<Table> {
    let (limits, cancel) = (Limits::default(), Cancel::new());
    let context = Context {
        fs: &DiskFs,
        limits: &limits,
        progress: &Quiet,
        cancel: &cancel,
        cache: None,
        threads: 1,
    };
    Ok(read_dataset(&context, &desk.path("evermix-project/dataset"))?.1)
}

/// The table with some values of one column replaced.
fn with(table: &Table, name: &str, column: Column) -> Table {
    let mut other = Table::default();
    other.notes = table.notes.clone();
    for n in table.names() {
        let same = || {
            let text = table.text(n).map(|v| Column::Text(v.to_vec()));
            let int = || table.int(n).map(|v| Column::Int(v.to_vec()));
            text.or_else(|_| int()).or_else(|_| table.real(n).map(|v| Column::Real(v.to_vec())))
        };
        other.push(n, if n == name { column.clone() } else { same().unwrap() });
    }
    other
}

#[test]
fn values_that_are_no_numbers_are_refused_by_name() {
    let (desk, good) = ready();
    let table = dataset(&desk).unwrap();
    let name = table.names().last().unwrap().to_string();
    let values = table.real(&name).unwrap().to_vec();
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut bad = values.clone();
        bad[2] = odd;
        put_table(&desk, &with(&table, &name, Column::Real(bad)));
        let said = refused(&desk, &["fit-nearest-neighbours"], "a feature");
        assert!(said.contains(&name), "{odd}: {said}");
        // Made again from the beats, all is well.
        assert_eq!(run(&desk, &AUTO).code(), 0);
        assert!(made(&desk) == good, "{odd}");
    }
}

#[test]
fn labels_that_lie_do_no_harm() {
    let (desk, good) = ready();
    let table = dataset(&desk).unwrap();
    let rows = table.rows();
    for odd in [f32::NAN, f32::INFINITY, 0.0, -5.0, 1e30, 1e-30] {
        for name in ["tempo_bpm", "loudness_lufs"] {
            put_table(&desk, &with(&table, name, Column::Real(vec![odd; rows])));
            assert_eq!(run(&desk, &["fit-nearest-neighbours"]).code(), 0);
            let started = Instant::now();
            let ran = run(&desk, &["generate-remix", "0.5", "5", "out.wav"]);
            assert!([0, 1, 2, 5].contains(&ran.code()), "{name} {odd}: {}", ran.err());
            assert!(!ran.err().contains("panicked"), "{name} {odd}: {}", ran.err());
            assert!(started.elapsed() < 2 * SOON, "{name} {odd}: {:?}", started.elapsed());
            if ran.code() == 0 {
                let (_, planes) = crate::common::read_wav(&desk.path("out.wav"));
                assert!(planes.iter().flatten().all(|x| x.is_finite() && x.abs() <= 1.0));
            }
            restore(&desk, &good);
        }
    }
    for (name, odd) in [
        ("beat", i64::MAX),
        ("beat", i64::MIN),
        ("beat", 9_999),
        ("bar_position", -1),
        ("beats_per_bar", 0),
        ("beats_per_bar", i64::MAX),
    ] {
        put_table(&desk, &with(&table, name, Column::Int(vec![odd; rows])));
        assert_eq!(run(&desk, &["fit-nearest-neighbours"]).code(), 0);
        let ran = run(&desk, &GENERATE);
        assert!([0, 1].contains(&ran.code()), "{name} {odd}: {} {}", ran.code(), ran.err());
        restore(&desk, &good);
    }
    let climbing = vec!["../../../../../../etc/passwd".to_string(); rows];
    put_table(&desk, &with(&table, "song", Column::Text(climbing)));
    assert_eq!(run(&desk, &["fit-nearest-neighbours"]).code(), 0);
    refused(&desk, &GENERATE, "a song that climbs");
}

/// Bytes changed anywhere in the table, with a manifest that vouches for them.
#[test]
fn tables_with_any_bytes_changed_are_read_or_refused() {
    let (desk, _) = ready();
    let good = desk.read("evermix-project/dataset/features.parquet");
    let mut draws = Seed(1).stream("mutants");
    let mut refusals = 0;
    for _ in 0..400 {
        let mut bytes = good.clone();
        for _ in 0..=draws.choice(8) {
            // Most of the lies that matter are near the end, where the lengths are.
            let from = if draws.choice(2) == 0 { 0 } else { bytes.len().saturating_sub(9_000) };
            let at = from + draws.choice(bytes.len() - from);
            bytes[at] = [draws.choice(256) as u8, 0, 0xff, 0x7f, 0x80][draws.choice(5)];
        }
        forge::<DatasetManifest>(&desk, MANIFEST, |m| {
            m.table = blake3::hash(&bytes).to_hex().to_string();
        });
        std::fs::write(desk.path("evermix-project/dataset").join(TABLE), bytes).unwrap();
        if let Err(e) = dataset(&desk) {
            assert_eq!(e.kind(), ErrorKind::Corrupt, "{e}");
            refusals += 1;
        }
    }
    assert!(refusals > 200, "only {refusals} refused");
}

#[test]
fn an_index_of_another_size_is_refused() {
    let (desk, good) = ready();
    let big = desk.read("evermix-project/index.evx");
    let hash = big[12..44].to_vec();
    // An index of one song that claims to be that of this dataset.
    std::fs::create_dir(desk.path("one")).unwrap();
    std::fs::copy(desk.path("music/s0.wav"), desk.path("one/s0.wav")).unwrap();
    desk.ok(&["auto", "one", "-o", "one.wav", "--beats", "4", "--project", "small"]);
    let forged = |mut bytes: Vec<u8>, hash: &[u8]| {
        bytes[12..44].copy_from_slice(hash);
        let body = bytes.len() - 32;
        let sum = *blake3::hash(&bytes[..body]).as_bytes();
        bytes[body..].copy_from_slice(&sum);
        bytes
    };
    let small = desk.read("small/index.evx");
    let small_hash = small[12..44].to_vec();
    std::fs::write(desk.path("evermix-project/index.evx"), forged(small, &hash)).unwrap();
    let said = refused(&desk, &GENERATE, "a small index");
    assert!(said.contains("index.evx"), "{said}");
    std::fs::write(desk.path("small/index.evx"), forged(big, &small_hash)).unwrap();
    refused(&desk, &[&GENERATE[..], &["--project", "small"]].concat(), "a large index");
    std::fs::write(desk.path("evermix-project/index.evx"), vec![0xff; 200]).unwrap();
    refused(&desk, &GENERATE, "no index at all");
    restore(&desk, &good);
}

#[test]
fn manifests_that_lie_are_refused() {
    let (desk, good) = ready();
    for (case, lie) in [
        ("no hash", (|m| m.table = String::new()) as fn(&mut DatasetManifest)),
        ("a long hash", |m| m.table = "f".repeat(1 << 20)),
        ("beats elsewhere", |m| m.beats = "/".into()),
        ("beats nowhere", |m| m.beats = "../../nowhere".into()),
        ("a beats folder that is none", |m| m.beats = "a\0b".into()),
    ] {
        forge(&desk, MANIFEST, lie);
        refused(&desk, &GENERATE, case);
        restore(&desk, &good);
    }
    forge::<DatasetManifest>(&desk, MANIFEST, |m| m.rows = usize::MAX);
    assert_eq!(run(&desk, &GENERATE).code(), 0, "the rows are counted, not believed");
}

#[test]
fn parts_of_another_shape_are_made_again() {
    let (desk, good) = ready();
    let path = desk.path("evermix-project/dataset/songs/s0.wav.features");
    type Head = serde_json::Value;
    let read = || evermix::store::read_artifact::<Head>(&DiskFs, &path, 1 << 30, "").unwrap();
    let (head, numbers) = read();
    for shape in [0, 1, numbers.len() - 1, numbers.len() + 1, numbers.len() * 2] {
        let mut other = numbers.clone();
        other.resize(shape, f32::NAN);
        evermix::store::write_artifact(&DiskFs, &path, &head, &other).unwrap();
        // The table is looked at again too: it must not hide the damage.
        std::fs::remove_file(desk.path(MANIFEST)).unwrap();
        let ran = run(&desk, &AUTO);
        assert_eq!(ran.code(), 0, "{shape}: {}", ran.err());
        assert_eq!(read().1, numbers, "{shape}");
        restore(&desk, &good);
    }
}

#[test]
fn a_pipe_in_place_of_a_file_of_ours_is_refused_instead_of_waited_for() {
    let (desk, good) = ready();
    let clip = "evermix-project/beats/drums/s0.wav_drums.wav_3.wav";
    for (file, words) in [
        (MANIFEST, &GENERATE[..]),
        (RECORD, &GENERATE),
        ("evermix-project/index.evx", &GENERATE),
        ("evermix-project/dataset/features.parquet", &GENERATE),
        (clip, &["create-dataset", "evermix-project/beats", "other"]),
        (STEMS, &["segment", "evermix-project/stems", "b"]),
        ("evermix-project/evermix.toml", &GENERATE),
    ] {
        let _ = std::fs::remove_file(desk.path(file));
        crate::names::make_fifo(&desk.path(file));
        let said = refused(&desk, words, file);
        assert!(said.contains("not a regular file"), "{file}: {said}");
        restore(&desk, &good);
    }
}

#[test]
fn stems_that_lie_are_left_out() {
    let (desk, _) = ready();
    let folder = desk.path("foreign/s.wav");
    std::fs::create_dir_all(&folder).unwrap();
    let stem = |name: &str| folder.join(format!("s.wav_{name}.wav"));
    let good = desk.read("evermix-project/stems/s0.wav/s0.wav_drums.wav");
    let claim = |frames: u64| {
        // An RF64 header with any length in it.
        let mut bytes = good.clone();
        bytes[..4].copy_from_slice(b"RF64");
        bytes[12..16].copy_from_slice(b"ds64");
        bytes[16..20].copy_from_slice(&28u32.to_le_bytes());
        bytes[28..36].copy_from_slice(&frames.wrapping_mul(4).to_le_bytes());
        bytes
    };
    for (case, drums, other) in [
        ("2^60 frames", claim(1 << 60), claim(1 << 60)),
        ("all frames there are", claim(u64::MAX / 4), claim(u64::MAX / 4)),
        ("different lengths", good.clone(), claim(30_000)),
        ("a header only", good[..80].to_vec(), good[..80].to_vec()),
        ("half a header", good[..44].to_vec(), good[..44].to_vec()),
        ("nothing", Vec::new(), Vec::new()),
    ] {
        std::fs::write(stem("drums"), drums).unwrap();
        std::fs::write(stem("other"), other).unwrap();
        refused(&desk, &["segment", "foreign", "b"], case);
    }
}
