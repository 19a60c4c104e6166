//! The catalogue on disk: what it tells of a library, and what becomes of it when things go wrong.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evermix::analysis::soundprint::Mark;
use evermix::analysis::{Key, SoundPrint};
use evermix::audio::Tags;
use evermix::base::{Bpm, Cancel, ErrorKind, Event, Limits, Lufs, Progress, Seconds};
use evermix::forever::catalogue::{Catalogue, Heard, Listed, Record, update};
use evermix::forever::{Part, SongId, Summary};
use evermix::pipeline::{BeatSource, Context};
use evermix::store::{Cache, DiskFs};

/// A catalogue as the first version made it.
const FIRST: &str = "
CREATE TABLE files (path BLOB NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL,
    modified INTEGER NOT NULL, content BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE songs (content BLOB NOT NULL PRIMARY KEY, analysis TEXT NOT NULL, unusable TEXT,
    title TEXT NOT NULL, artist TEXT NOT NULL, album TEXT NOT NULL, genre TEXT NOT NULL,
    duration REAL, tempo REAL, metre INTEGER, key INTEGER, key_confidence REAL,
    energy REAL, danceability REAL, loudness REAL, timbre BLOB,
    opening_tempo REAL, opening_timbre BLOB, ending_tempo REAL, ending_timbre BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE plays (content BLOB NOT NULL PRIMARY KEY, count INTEGER NOT NULL,
    last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1163283800;
PRAGMA user_version = 1;";

fn id(n: u32) -> SongId {
    SongId(*blake3::hash(&n.to_le_bytes()).as_bytes())
}

fn file(n: u32) -> Listed {
    Listed { path: format!("/music/{n}.mp3").into(), bytes: 1_000 + u64::from(n), modified: 7 }
}

fn record(n: u32) -> Record {
    let tags = Tags { title: format!("song {n}"), artist: "é\"; DROP".into(), ..Tags::default() };
    let summary = Summary {
        duration: Some(Seconds(200.5)),
        tempo: Some(Bpm(120.1)),
        metre: Some(3),
        key: Some((Key { tonic: 11, minor: true }, 0.3)),
        energy: Some(f64::from(0.7f32)),
        loudness: Some(Lufs(-9.25)),
        timbre: Some([-1.5e-7; 12]),
        opening: Part { tempo: None, timbre: Some([3.25; 12]) },
        ending: Part { tempo: Some(Bpm(99.0)), timbre: None },
        print: Arc::new(SoundPrint {
            marks: vec![Mark { at: 7, bits: !n }, Mark { at: 99, bits: n }],
        }),
        ..Summary::default()
    };
    Record { id: id(n), analysis: "a".into(), heard: Ok(Box::new(Heard { tags, summary })) }
}

fn fill(catalogue: &mut Catalogue, songs: std::ops::Range<u32>) {
    catalogue.record(songs.map(|n| (file(n), record(n)))).unwrap();
}

#[test]
fn what_was_recorded_is_read_back_to_the_last_bit() {
    let mut catalogue = Catalogue::in_memory().unwrap();
    let broken = Record { id: id(2), analysis: "b".into(), heard: Err("no beats".into()) };
    let odd = Listed { path: std::ffi::OsString::from("/x\u{1b}é\n.mp3").into(), ..file(2) };
    catalogue.record([(file(1), record(1)), (odd.clone(), broken.clone())]).unwrap();
    let look = catalogue.look(&[odd, file(1)]).unwrap();
    let known: Vec<Record> = look.known.into_iter().map(|k| k.unwrap().record).collect();
    assert_eq!(known, [broken, record(1)]);
    assert_eq!(catalogue.song(&id(1)).unwrap().unwrap().record, record(1));
    assert_eq!(catalogue.song(&id(3)).unwrap(), None);
}

#[test]
fn ten_thousand_files_are_told_apart_into_known_new_changed_and_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/catalogue.sqlite");
    let mut catalogue = Catalogue::open(&path).unwrap();
    fill(&mut catalogue, 0..10_000);
    drop(catalogue);
    let catalogue = Catalogue::open(&path).unwrap();
    let mut listing: Vec<Listed> = (0..10_000).map(file).collect();
    listing[10].bytes += 1;
    listing[20].modified += 1;
    listing[30].path = "/music/30 (new).mp3".into();
    listing.remove(40);
    let look = catalogue.look(&listing).unwrap();
    assert_eq!((look.new.as_slice(), look.changed.as_slice()), (&[30][..], &[10, 20][..]));
    assert_eq!(look.gone, ["/music/30.mp3", "/music/40.mp3"].map(PathBuf::from));
    let unknown: Vec<usize> = (0..9_999).filter(|&i| look.known[i].is_none()).collect();
    assert_eq!(unknown, [10, 20, 30]);
    assert_eq!(look.known[9_998].as_ref().unwrap().record, record(9_999));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "one file");
}

#[test]
fn plays_are_counted_by_song_and_outlive_its_file() {
    let mut catalogue = Catalogue::in_memory().unwrap();
    fill(&mut catalogue, 0..3);
    for n in [1, 0, 1] {
        catalogue.played(&id(n)).unwrap();
    }
    catalogue.forget(&[file(1).path, "/never/there".into()]).unwrap();
    assert_eq!(catalogue.files().unwrap(), [file(0).path, file(2).path]);
    let plays = |n| catalogue.song(&id(n)).unwrap().unwrap().plays;
    assert_eq!((plays(0).count, plays(0).last), (1, Some(2)));
    assert_eq!((plays(1).count, plays(1).last), (2, Some(3)));
    assert_eq!((plays(2).count, plays(2).last), (0, None));
}

/// A process that dies half way through a transaction: run by the test below.
#[test]
#[ignore = "run by another test"]
fn a_process_that_dies_while_it_writes() {
    let Some(path) = std::env::var_os("CATALOGUE_TO_DIE_ON") else { return };
    let mut catalogue = Catalogue::open(Path::new(&path)).unwrap();
    let deadly = (100..50_000).map(|n| {
        if n == 40_000 {
            std::process::abort();
        }
        (file(n), record(n))
    });
    catalogue.record(deadly).unwrap();
}

#[test]
fn a_process_killed_while_it_writes_leaves_what_was_there_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    fill(&mut Catalogue::open(&path).unwrap(), 0..100);
    let before = std::fs::metadata(&path).unwrap().len();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_process_that_dies_while_it_writes", "--ignored"]);
    let ran = child.env("CATALOGUE_TO_DIE_ON", &path).output().unwrap();
    assert!(!ran.status.success());
    assert!(std::fs::metadata(&path).unwrap().len() > before, "some pages were written already");
    assert!(folder.path().join("catalogue.sqlite-journal").exists());
    let mut catalogue = Catalogue::open(&path).unwrap();
    let mut files: Vec<PathBuf> = (0..100).map(|n| file(n).path).collect();
    files.sort();
    assert_eq!(catalogue.files().unwrap(), files);
    fill(&mut catalogue, 100..200);
    assert_eq!(catalogue.files().unwrap().len(), 200);
}

#[test]
fn who_finds_the_catalogue_being_written_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    let mut first = Catalogue::open(&path).unwrap();
    let mut second = Catalogue::open_with(&path, Duration::from_millis(20)).unwrap();
    let busy = Mutex::new(None);
    let during = (0..3).map(|n| {
        if n == 1 {
            *busy.lock().unwrap() = second.played(&id(0)).err();
        }
        (file(n), record(n))
    });
    first.record(during).unwrap();
    let error = busy.into_inner().unwrap().unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.next_step().unwrap().contains("wait"));
    second.played(&id(0)).unwrap();
    assert_eq!(first.song(&id(0)).unwrap().unwrap().plays.count, 1);
}

#[test]
fn two_processes_that_write_in_turns_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    std::thread::scope(|scope| {
        for part in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let mut catalogue = Catalogue::open(path).unwrap();
                (0..10).for_each(|n| {
                    fill(&mut catalogue, part * 100 + n * 10..part * 100 + n * 10 + 10)
                });
            });
        }
    });
    assert_eq!(Catalogue::open(&path).unwrap().files().unwrap().len(), 400);
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn report(&self, event: Event<'_>) {
        if let Event::Note { text } = event {
            self.0.lock().unwrap().push(text.into());
        }
    }
}

fn with_context<T>(
    cache: Option<&Cache>,
    work: impl FnOnce(&Context<'_>) -> T,
) -> (T, Vec<String>) {
    let (limits, cancel, notes) = (Limits::default(), Cancel::new(), Notes::default());
    let context = Context {
        fs: &DiskFs,
        limits: &limits,
        progress: &notes,
        cancel: &cancel,
        threads: 2,
        cache,
    };
    let result = work(&context);
    (result, notes.0.into_inner().unwrap())
}

#[test]
fn whatever_byte_is_damaged_the_catalogue_opens_or_says_why_and_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    fill(&mut Catalogue::open(&path).unwrap(), 0..40);
    let good = std::fs::read(&path).unwrap();
    let listing: Vec<Listed> = (0..40).map(file).collect();
    let mut refused = 0;
    let places = (0..200).chain((200..good.len()).step_by(97));
    for at in places {
        for (name, bad) in [("flip", flipped(&good, at)), ("cut", good[..at].to_vec())] {
            std::fs::write(&path, bad).unwrap();
            match Catalogue::open(&path).and_then(|mut c| c.played(&id(1)).and(c.look(&listing))) {
                Ok(look) => assert_eq!(look.known.len(), 40),
                Err(e) => {
                    let kind = e.kind();
                    let plain =
                        matches!(kind, ErrorKind::Corrupt | ErrorKind::Usage | ErrorKind::Io);
                    assert!(plain, "{name} at {at}: {e}");
                    refused += 1;
                }
            }
            let _ = std::fs::remove_file(folder.path().join("catalogue.sqlite-journal"));
        }
    }
    assert!(refused > 100, "{refused}");
}

fn flipped(good: &[u8], at: usize) -> Vec<u8> {
    let mut bad = good.to_vec();
    bad[at] ^= 0x55;
    bad
}

#[test]
fn a_damaged_catalogue_is_set_aside_and_begun_anew_and_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    std::fs::write(&path, "no database at all, but longer than its head must be".repeat(9))
        .unwrap();
    assert_eq!(Catalogue::open(&path).err().unwrap().kind(), ErrorKind::Corrupt);
    let journal = folder.path().join("catalogue.sqlite-journal");
    std::fs::write(&journal, "of yore").unwrap();
    let (opened, notes) = with_context(None, |c| Catalogue::open_or_rebuild(c, &path));
    assert_eq!(opened.unwrap().files().unwrap(), Vec::<PathBuf>::new());
    assert!(notes.len() == 1 && notes[0].contains("catalogue.sqlite.damaged"), "{notes:?}");
    let kept = std::fs::read(folder.path().join("catalogue.sqlite.damaged")).unwrap();
    assert!(kept.starts_with(b"no database"));
    assert!(!journal.exists());
}

#[test]
fn databases_of_others_and_of_the_future_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    fill(&mut Catalogue::open(&path).unwrap(), 0..1);
    let good = std::fs::read(&path).unwrap();
    // The numbers stand at fixed places of the file: version at 60, owner at 68.
    for (place, words) in [(60, "another version"), (68, "no catalogue of ours")] {
        let mut other = good.clone();
        other[place + 3] ^= 0x2a;
        std::fs::write(&path, &other).unwrap();
        let (opened, _) = with_context(None, |c| Catalogue::open_or_rebuild(c, &path));
        let error = opened.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains(words) && error.next_step().is_some(), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), other);
    }
}

#[test]
fn a_catalogue_of_the_first_version_is_brought_up_to_date_and_keeps_its_plays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    let first = rusqlite::Connection::open(&path).unwrap();
    first.execute_batch(FIRST).unwrap();
    let (content, name) = (id(0).0.to_vec(), b"/music/0.mp3".to_vec());
    first.execute("INSERT INTO files VALUES (?1, 1000, 7, ?2)", (name, &content)).unwrap();
    let song = "INSERT INTO songs (content, analysis, title, artist, album, genre)
        VALUES (?1, 'a', 'song 0', '', '', '')";
    first.execute(song, [&content]).unwrap();
    first.execute("INSERT INTO plays VALUES (?1, 2, 2)", [&content]).unwrap();
    drop(first);
    let mut catalogue = Catalogue::open(&path).unwrap();
    let old = catalogue.song(&id(0)).unwrap().unwrap();
    assert_eq!((old.plays.count, old.plays.last), (2, Some(2)));
    assert_eq!(old.record.heard.unwrap().tags.title, "song 0");
    fill(&mut catalogue, 1..3);
    drop(catalogue);
    let catalogue = Catalogue::open(&path).unwrap();
    assert_eq!(catalogue.song(&id(2)).unwrap().unwrap().record, record(2));
    assert_eq!(catalogue.files().unwrap().len(), 3);
}

#[test]
fn a_link_or_a_folder_in_its_place_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("catalogue.sqlite"), folder.path().join("other"));
    std::fs::write(&other, "").unwrap();
    std::os::unix::fs::symlink(&other, &path).unwrap();
    assert_eq!(Catalogue::open(&path).err().unwrap().kind(), ErrorKind::Io);
    assert_eq!(std::fs::read(&other).unwrap(), b"");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(Catalogue::open(&path).err().unwrap().kind(), ErrorKind::Io);
}

#[test]
fn a_library_is_heard_once_and_what_moved_or_went_is_noticed() {
    let desk = common::Desk::with_songs(3);
    let music = desk.path("music");
    std::fs::copy(music.join("song0.wav"), music.join("copy.wav")).unwrap();
    std::fs::write(music.join("broken.wav"), b"RIFF....WAVE, but nothing in it").unwrap();
    let cache = Cache::new(desk.path("cache"));
    let mut catalogue = Catalogue::open(&desk.path("p/catalogue.sqlite")).unwrap();
    let mut run = || {
        let inputs = [music.clone()];
        let made = with_context(Some(&cache), |context| {
            update(context, &mut catalogue, &inputs, &BeatSource::Evermix).unwrap()
        });
        made.0
    };
    let names = |songs: &[evermix::forever::Song]| -> Vec<String> {
        songs.iter().map(|s| s.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    let first = run();
    assert_eq!(names(&first.songs), ["copy.wav", "song1.wav", "song2.wav"], "each content once");
    assert_eq!((first.fresh, first.gone, first.told.len()), (5, 0, 1));
    let typed: Vec<PathBuf> = first.inputs.iter().map(|i| i.source.clone().into()).collect();
    assert_eq!(typed, ["copy.wav", "song1.wav", "song2.wav"].map(|name| music.join(name)));
    assert_eq!(first.copies, [music.join("song0.wav")]);
    assert!(first.songs.iter().all(|s| s.summary.tempo.is_some() && s.path.is_absolute()));
    // Without the cache nothing but the catalogue can know them.
    std::fs::remove_dir_all(desk.path("cache")).unwrap();
    let again = run();
    assert_eq!((&again.songs, again.fresh, again.told.len()), (&first.songs, 0, 0));
    assert_eq!((again.skipped[0].item.as_str(), again.skipped.len()), ("broken.wav", 1));
    std::fs::rename(music.join("song1.wav"), music.join("a.wav")).unwrap();
    std::fs::remove_file(music.join("song2.wav")).unwrap();
    let moved = run();
    assert_eq!(names(&moved.songs), ["a.wav", "copy.wav"]);
    assert_eq!((moved.fresh, moved.gone), (1, 2));
    assert_eq!(moved.songs[0].summary, first.songs[1].summary);
    assert_eq!(run().fresh, 0);
    assert!(!desk.path("cache").exists(), "nothing was heard again");
}

#[test]
fn those_who_begin_a_catalogue_at_the_same_moment_take_it_for_no_strangers_file() {
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.sqlite");
        let together = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    together.wait();
                    Catalogue::open(&path).unwrap();
                });
            }
        });
    }
}
