//! Bits flip on disks: whatever file of ours is hit, it is noticed or made again.

use crate::common::{Desk, files};
use crate::program::{AUTO, assert_same, made, restore, run, small_desk};
use crate::stages::{STAGES, Stage, Way, finished};
use evermix::base::{Cancel, ErrorKind, Limits, Quiet, Result};
use evermix::corpus::{IndexFile, SONG_SCHEMA, SongBeats};
use evermix::pipeline::{Context, DatasetManifest, StemsRecord, read_dataset};
use evermix::remix::RemixPlan;
use evermix::store::{DiskFs, read_json};
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;

fn flip(path: &Path, bit: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let bit = bit % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    std::fs::write(path, bytes).unwrap();
}

/// A bit somewhere in a file of any length, another one for each `i`.
fn somewhere(i: usize) -> usize {
    (i * 2_654_435_761 + 12_345) % (1 << 40)
}

#[test]
fn records_tables_and_results_with_a_flipped_bit_are_made_again() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let wanted = made(&desk);
    for (i, file) in [
        "evermix-project/stems/s0.wav/s0.wav.json",
        "evermix-project/beats/songs/s1.wav.json",
        "evermix-project/dataset/songs/s0.wav.features",
        "evermix-project/dataset/manifest.json",
        "evermix-project/dataset/features.parquet",
        "evermix-project/index.evx",
        "out.plan.json",
        "out.wav",
    ]
    .into_iter()
    .enumerate()
    {
        for k in 0..3 {
            flip(&desk.path(file), somewhere(3 * i + k));
            let ran = run(&desk, &AUTO);
            assert_eq!(ran.code(), 0, "{file}: {}", ran.err());
            assert_same(&made(&desk), &wanted, file);
        }
    }
}

#[test]
fn damaged_measures_are_taken_from_the_clips_again() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let table = |desk: &Desk| desk.read("evermix-project/dataset/features.parquet");
    let wanted = table(&desk);
    let measures = desk.path("evermix-project/beats/features/s0.wav.features");
    let good = std::fs::read(&measures).unwrap();
    for i in 0..4 {
        match i {
            3 => std::fs::write(&measures, &good[..good.len() / 2]).unwrap(),
            _ => flip(&measures, somewhere(i)),
        }
        std::fs::remove_dir_all(desk.path("evermix-project/dataset")).unwrap();
        desk.ok(&AUTO);
        assert!(table(&desk) == wanted, "damage {i}");
        std::fs::write(&measures, &good).unwrap();
    }
}

#[test]
fn a_clip_with_a_flipped_bit_is_named_and_cut_again_by_the_next_run() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let wanted = made(&desk);
    let clips: Vec<_> = ["drums", "other"]
        .iter()
        .flat_map(|layer| files(&desk.path(&format!("evermix-project/beats/{layer}"))))
        .collect();
    for i in 0..4 {
        let clip = &clips[(i * clips.len()) / 4];
        flip(clip, somewhere(i));
        let ran = run(&desk, &["create-dataset", "evermix-project/beats", "other"]);
        assert_eq!(ran.code(), 1, "{}", ran.err());
        let name = clip.file_name().unwrap().to_str().unwrap();
        assert!(ran.err().contains(name) && ran.err().contains("segment"), "{}", ran.err());
        std::fs::remove_dir_all(desk.path("other")).unwrap();
        let ran = run(&desk, &AUTO);
        assert_eq!(ran.code(), 0, "{}", ran.err());
        assert_same(&made(&desk), &wanted, name);
    }
}

#[test]
fn a_damaged_clip_met_while_rendering_is_cut_again_by_the_next_run() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let wanted = made(&desk);
    let heard: RemixPlan = read(&desk.path("out.plan.json")).unwrap();
    let beat = &heard.voices[0].beats[3];
    let name = format!("{}_drums.wav_{}.wav", heard.songs[beat.song].name, beat.piece);
    flip(&desk.path("evermix-project/beats/drums").join(&name), somewhere(7));
    let ran = run(&desk, &AUTO);
    assert_eq!(ran.code(), 1, "{}", ran.err());
    assert!(ran.err().contains(&name), "{}", ran.err());
    let ran = run(&desk, &AUTO);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert_same(&made(&desk), &wanted, &name);
}

#[test]
fn a_stem_with_a_flipped_bit_is_not_cut_and_made_again_by_the_next_run() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let wanted = made(&desk);
    for i in 0..4 {
        restore(&desk, &wanted);
        std::fs::remove_dir_all(desk.path("evermix-project/beats")).unwrap();
        let stem = if i % 2 == 0 { "s0.wav_drums.wav" } else { "s0.wav_other.wav" };
        flip(&desk.path("evermix-project/stems/s0.wav").join(stem), somewhere(i));
        let ran = run(&desk, &AUTO);
        assert_eq!(ran.code(), 3, "{}", ran.err());
        assert!(ran.err().contains("s0.wav") && ran.err().contains("separate"), "{}", ran.err());
        let ran = run(&desk, &AUTO);
        assert_eq!(ran.code(), 0, "{}", ran.err());
        assert_same(&made(&desk), &wanted, stem);
    }
}

fn read<T: Serialize + DeserializeOwned>(path: &Path) -> Result<T> {
    read_json(&DiskFs, path, &Limits::default(), "remix STAGE")
}

/// Flips bits of one file and looks at what reading says each time.
fn flips<T: PartialEq>(path: &Path, count: usize, look: impl Fn() -> Result<T>) {
    let good = std::fs::read(path).unwrap();
    let wanted = look().unwrap();
    for i in 0..count {
        flip(path, somewhere(i));
        match look() {
            // White space between values may be anything.
            Ok(seen) => assert!(seen == wanted, "{}: flip {i} went unseen", path.display()),
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Corrupt, "{e}");
                assert!(e.path().is_some() && e.to_string().contains("try: "), "{e}");
            }
        }
        std::fs::write(path, &good).unwrap();
    }
}

#[test]
fn two_thousand_flipped_bits_are_all_found_on_reading() {
    let desk = finished(1);
    let work = |name: &str| desk.path("work").join(name);
    flips(&work("stems/s0.wav/s0.wav.json"), 400, || {
        read::<StemsRecord>(&work("stems/s0.wav/s0.wav.json"))
    });
    flips(&work("beats/songs/s0.wav.json"), 400, || {
        read::<SongBeats>(&work("beats/songs/s0.wav.json"))
    });
    flips(&work("dataset/manifest.json"), 300, || {
        read::<DatasetManifest>(&work("dataset/manifest.json"))
    });
    flips(&work("out/mix.plan.json"), 300, || read::<RemixPlan>(&work("out/mix.plan.json")));
    flips(&work("index.evx"), 400, || {
        let bytes = std::fs::read(work("index.evx")).unwrap();
        IndexFile::from_bytes(&bytes, &work("index.evx")).map(|index| index.dataset_hash)
    });
    let (limits, cancel) = (Limits::default(), Cancel::new());
    let context = Context {
        fs: &DiskFs,
        limits: &limits,
        progress: &Quiet,
        cancel: &cancel,
        cache: None,
        threads: 1,
    };
    flips(&work("dataset/features.parquet"), 200, || {
        read_dataset(&context, &work("dataset")).map(|found| found.1)
    });
}

#[test]
fn files_cut_short_are_made_again() {
    let desk = finished(1);
    let wanted = desk.snapshot("work");
    // Nobody needs measures again whose rows are in the table: the test of them is another one.
    let made = |p: &&std::path::PathBuf| !p.starts_with("out") && !p.starts_with("beats/features");
    let cut: Vec<_> = wanted.keys().filter(made).cloned().collect();
    // Every seventh file, which includes each kind: records, stems, clips, part, table, index.
    let kinds = ["stems", "songs", "drums", "other", "dataset", "index.evx"];
    for (i, file) in cut.iter().enumerate() {
        let rare = !file.starts_with("beats/drums") && !file.starts_with("beats/other");
        if !rare && i % 7 != 0 {
            continue;
        }
        assert!(file.iter().any(|part| kinds.iter().any(|k| part == *k)), "{file:?}");
        let bytes = &wanted[file];
        std::fs::write(desk.path("work").join(file), &bytes[..bytes.len() * (i % 5) / 5]).unwrap();
        for stage in STAGES {
            stage.run(&DiskFs, &desk, Way::One).unwrap_or_else(|e| panic!("{file:?}: {e}"));
        }
        assert_same(&desk.snapshot("work"), &wanted, &format!("{file:?} cut short"));
    }
    Stage::Generate.clear(&desk);
}

/// A record of another version with a right checksum.
fn with_schema(desk: &Desk, schema: u32) {
    let path = desk.path("evermix-project/beats/songs/s0.wav.json");
    let mut song: SongBeats = read(&path).unwrap();
    song.schema = schema;
    evermix::store::write_json(&DiskFs, &path, &song).unwrap();
}

#[test]
fn records_of_another_version_are_not_mixed_in() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let wanted = made(&desk);
    for schema in [0, SONG_SCHEMA + 1, 99] {
        with_schema(&desk, schema);
        for words in [&["create-dataset"][..], &["generate-remix", "0.5", "8", "out.wav"]] {
            let ran = run(&desk, words);
            assert_eq!(ran.code(), 1, "{words:?}: {}", ran.err());
            assert!(
                ran.err().contains("version") && ran.err().contains("segment"),
                "{}",
                ran.err()
            );
        }
        let ran = run(&desk, &AUTO);
        assert_eq!(ran.code(), 0, "{}", ran.err());
        assert_same(&made(&desk), &wanted, "another version");
    }
}
