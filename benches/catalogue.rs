//! Time to open the catalogue of 10,000 songs on disk and to tell which files are new, changed and
//! gone, and to find recordings that are there twice.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use evermix::analysis::soundprint::Mark;
use evermix::analysis::{SoundPrint, same_sounds};
use evermix::audio::Tags;
use evermix::base::{Bpm, Draws, Lufs, Seconds, Seed};
use evermix::forever::catalogue::{Catalogue, Heard, Listed, Record};
use evermix::forever::{Part, SongId, Summary};

const SONGS: u32 = 10_000;

fn listing() -> Vec<Listed> {
    let path = |i: u32| PathBuf::from(format!("/music/artist {}/album/song {i}.flac", i / 12));
    let file = |i| Listed { path: path(i), bytes: 30_000_000 + u64::from(i), modified: i.into() };
    (0..SONGS).map(file).collect()
}

fn records() -> impl Iterator<Item = Record> {
    let mut draws = Seed(1).stream("songs");
    (0..SONGS).map(move |i| {
        let mut part = || {
            let timbre = std::array::from_fn(|_| draws.uniform() as f32);
            Part { tempo: Some(Bpm(120.0)), timbre: Some(timbre) }
        };
        let (opening, ending) = (part(), part());
        let summary = Summary {
            duration: Some(Seconds(240.0)),
            tempo: Some(Bpm(120.0)),
            energy: Some(0.5),
            danceability: Some(0.5),
            loudness: Some(Lufs(-9.0)),
            timbre: opening.timbre,
            opening,
            ending,
            ..Summary::default()
        };
        let tags = Tags {
            title: format!("song {i}"),
            artist: format!("artist {}", i / 12),
            album: "album".into(),
            genre: "house".into(),
        };
        let id = SongId(*blake3::hash(&i.to_le_bytes()).as_bytes());
        let analysis = blake3::hash(&id.0).to_hex().to_string();
        Record { id, analysis, heard: Ok(Box::new(Heard { tags, summary })) }
    })
}

fn open_and_look(path: &Path, listing: &[Listed]) -> usize {
    let catalogue = Catalogue::open(path).expect("the catalogue is whole");
    let look = catalogue.look(listing).expect("the catalogue is whole");
    look.new.len() + look.changed.len() + look.gone.len()
}

fn catalogue(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is a place for files");
    let path = folder.path().join("catalogue.sqlite");
    let mut listing = listing();
    let started = Instant::now();
    let mut catalogue = Catalogue::open(&path).expect("a new catalogue");
    catalogue.record(listing.iter().cloned().zip(records())).expect("there is room");
    drop(catalogue);
    let bytes = std::fs::metadata(&path).map_or(0, |meta| meta.len());
    println!("{SONGS} songs written in {:.2?}: {bytes} bytes", started.elapsed());
    listing[0].modified += 1;
    listing[1].path.push("new");
    criterion.bench_function("open and look", |b| {
        b.iter(|| assert_eq!(open_and_look(black_box(&path), &listing), 3));
    });
}

/// As many marks as songs of four minutes have, one recording in a hundred there twice.
fn prints() -> Vec<SoundPrint> {
    let mut draws = Seed(2).stream("prints");
    let mut prints: Vec<SoundPrint> = Vec::new();
    for n in 0..SONGS as usize {
        if n % 100 == 99 {
            prints.push(prints[n - 50].clone());
            continue;
        }
        let mut at = 0;
        let mark = |_| {
            at += 45 + draws.choice(80) as u32;
            Mark { at, bits: draws.choice(1 << 32) as u32 }
        };
        prints.push(SoundPrint { marks: (0..280).map(mark).collect() });
    }
    prints
}

fn recordings(criterion: &mut Criterion) {
    let prints = prints();
    let prints: Vec<&SoundPrint> = prints.iter().collect();
    criterion.bench_function("same recordings", |b| {
        b.iter(|| assert_eq!(same_sounds(black_box(&prints)).len(), 100));
    });
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
}

criterion_group! { name = benches; config = short(); targets = catalogue, recordings }
criterion_main!(benches);
