//! What is played next: nothing twice too soon, wishes first, and the same seed the same songs.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

use std::collections::HashSet;
use std::path::Path;

use evermix::audio::Tags;
use evermix::base::{Bpm, Cancel, Event, Limits, Progress, Quiet, Seconds, Seed};
use evermix::forever::programme::{Pick, Programme, ProgrammeOptions, Why};
use evermix::forever::{Ordering, Plays, Song, SongId, Summary};
use evermix::order::CullRules;
use evermix::pipeline::Context;
use evermix::store::DiskFs;
use proptest::prelude::*;

/// A song of a library with as many artists as asked for.
fn song(n: usize, artists: usize) -> Song {
    let tags = Tags {
        title: format!("Song {n}"),
        artist: if artists == 0 { String::new() } else { format!("Artist {}", n % artists) },
        ..Tags::default()
    };
    let tempo = Some(Bpm(90.0 + (n * 37 % 60) as f64));
    let summary =
        Summary { duration: Some(Seconds(200.0 + n as f64)), tempo, ..Summary::default() };
    let id = SongId(*blake3::hash(&n.to_le_bytes()).as_bytes());
    Song { path: format!("/music/{n}.mp3").into(), id, tags, summary, plays: Plays::default() }
}

fn library(songs: std::ops::Range<usize>, artists: usize) -> Vec<Song> {
    songs.map(|n| song(n, artists)).collect()
}

fn options(seed: u64) -> ProgrammeOptions {
    ProgrammeOptions { seed: Seed(seed), effort: Some(300), ..ProgrammeOptions::default() }
}

fn with_context<T>(work: impl FnOnce(&Context<'_>) -> T) -> T {
    let (limits, cancel) = (Limits::default(), Cancel::new());
    let (fs, progress) = (&DiskFs, &Quiet);
    work(&Context { fs, limits: &limits, progress, cancel: &cancel, threads: 1, cache: None })
}

fn play(programme: &mut Programme, count: usize) -> Vec<Pick> {
    with_context(|c| (0..count).map_while(|_| programme.next_pick(c).unwrap()).collect())
}

/// The number of the song.
fn numbers(picks: &[Pick]) -> Vec<usize> {
    let number = |pick: &Pick| pick.path.file_stem()?.to_str()?.parse().ok();
    picks.iter().map(|pick| number(pick).unwrap()).collect()
}

/// The fewest steps between two plays of one song.
fn closest(played: &[usize]) -> usize {
    let mut last = std::collections::HashMap::new();
    let steps = played.iter().enumerate().filter_map(|(at, n)| Some(at - last.insert(n, at)?));
    steps.min().unwrap_or(usize::MAX)
}

#[test]
fn every_song_comes_once_before_any_comes_again_in_the_same_circle() {
    let mut programme = Programme::new(options(1), library(0..40, 20));
    let played = numbers(&play(&mut programme, 120));
    let round: HashSet<usize> = played[..40].iter().copied().collect();
    assert_eq!(round.len(), 40);
    assert_eq!(played[..40], played[40..80], "a closed tour is played round and round");
    assert_eq!(played[..40], played[80..]);
}

#[test]
fn a_large_library_is_drawn_from_until_all_of_it_was_heard() {
    let wish = ProgrammeOptions { list: 50, novelty: 60, ..options(3) };
    let mut programme = Programme::new(wish.clone(), library(0..130, 50));
    let played = numbers(&play(&mut programme, 390));
    for round in played.chunks(130) {
        assert_eq!(round.iter().collect::<HashSet<_>>().len(), 130);
    }
    assert!(closest(&played) > 60, "{}", closest(&played));
    let other = numbers(&play(
        &mut Programme::new(ProgrammeOptions { seed: Seed(4), ..wish }, library(0..130, 50)),
        50,
    ));
    assert_ne!(other.iter().collect::<HashSet<_>>(), played[..50].iter().collect(), "another draw");
}

#[test]
fn artists_keep_their_distance_across_lists_and_wishes() {
    let wish = ProgrammeOptions { list: 30, artist_gap: 4, ..options(5) };
    let mut programme = Programme::new(wish, library(0..100, 20));
    let played = numbers(&play(&mut programme, 400));
    let close = (0..played.len())
        .flat_map(|i| (1..4).map(move |d| (i, d)))
        .filter(|&(i, d)| i >= d && played[i] % 20 == played[i - d] % 20);
    assert!(close.count() <= 4, "{played:?}");
}

#[test]
fn an_artist_of_half_the_songs_comes_every_other_time_and_not_all_at_the_end() {
    let mut songs = library(0..20, 20);
    songs.iter_mut().step_by(2).for_each(|s| s.tags.artist = "Everywhere".into());
    let picks = play(&mut Programme::new(options(2), songs), 20);
    let played = numbers(&picks);
    let pairs = played.windows(2).filter(|p| p[0] % 2 == 0 && p[1] % 2 == 0).count();
    assert!(pairs <= 1, "{played:?}");
}

#[test]
fn songs_that_come_and_go_are_woven_in_without_repeating_what_was_played() {
    let mut programme = Programme::new(options(6), library(0..30, 15));
    let mut played = numbers(&play(&mut programme, 12));
    let heard: HashSet<usize> = played.iter().copied().collect();
    // Song 3 goes, whether it was played or not, and two new ones come.
    let listing: Vec<Song> = (0..32).filter(|&n| n != 3).map(|n| song(n, 15)).collect();
    programme.refresh(listing.clone());
    let left = (0..32).filter(|n| *n != 3 && !heard.contains(n)).count();
    let rest = numbers(&play(&mut programme, left));
    assert!(rest.contains(&30) && rest.contains(&31) && !rest.contains(&3));
    assert!(rest.iter().all(|n| !heard.contains(n)), "the round is played to its end");
    played.extend(rest);
    programme.refresh(listing);
    played.extend(numbers(&play(&mut programme, 90)));
    assert!(closest(&played) > 28, "{}", closest(&played));
}

#[test]
fn a_renamed_song_is_not_new() {
    let mut programme = Programme::new(options(7), library(0..10, 0));
    let before = play(&mut programme, 4);
    let mut songs = library(0..10, 0);
    songs.iter_mut().for_each(|s| s.path = Path::new("/other").join(s.path.file_name().unwrap()));
    programme.refresh(songs);
    let after = play(&mut programme, 6);
    assert!(after.iter().all(|p| p.path.starts_with("/other")));
    assert!(after.iter().all(|p| before.iter().all(|b| b.id != p.id)));
}

#[test]
fn what_was_played_before_a_restart_does_not_come_again_at_once() {
    let mut songs = library(0..40, 0);
    for (at, n) in [7, 11, 30, 2].into_iter().enumerate() {
        songs[n].plays = Plays { count: 1, last: Some(100 + at as u64) };
    }
    let wish = ProgrammeOptions { novelty: 20, ..options(8) };
    let played = numbers(&play(&mut Programme::new(wish, songs), 40));
    let first = |n: usize| played.iter().position(|&p| p == n).unwrap();
    assert!(first(2) >= 20 && first(7) >= 17, "{played:?}");
}

#[test]
fn songs_in_a_given_order_are_played_in_it_whatever_comes_and_goes() {
    let wish = ProgrammeOptions { order: Ordering::Given, ..options(9) };
    let mut programme = Programme::new(wish, library(0..6, 1));
    assert_eq!(numbers(&play(&mut programme, 8)), [0, 1, 2, 3, 4, 5, 0, 1]);
    programme.refresh(library(1..8, 1));
    assert_eq!(numbers(&play(&mut programme, 8)), [2, 3, 4, 5, 6, 7, 1, 2]);
}

#[test]
fn songs_asked_for_come_next_in_their_order_and_only_they_are_struck_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inject.txt");
    let wish = ProgrammeOptions { inject: Some(file.clone()), ..options(10) };
    let mut programme = Programme::new(wish, library(0..30, 10));
    let before = play(&mut programme, 3);
    assert!(before.iter().all(|p| p.why == Why::Tour), "no file, no wishes");
    let text = "# next\n/music/9.mp3\nnobody's song\nartist 4 - song 14\nSong 20\n";
    std::fs::write(&file, text).unwrap();
    let first = play(&mut programme, 1);
    assert_eq!((numbers(&first)[0], first[0].why), (9, Why::Injected));
    let left = std::fs::read_to_string(&file).unwrap();
    assert_eq!(left, "# next\nnobody's song\nartist 4 - song 14\nSong 20\n");
    let more = play(&mut programme, 4);
    assert_eq!(numbers(&more)[..2], [14, 20]);
    assert_eq!(more.iter().filter(|p| p.why == Why::Injected).count(), 2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "# next\nnobody's song\n");
    let rest = numbers(&play(&mut programme, 20));
    assert!([9, 14, 20].iter().all(|n| !rest.contains(n)), "they had their turn");
}

#[test]
fn a_file_of_wishes_that_cannot_be_written_is_played_once() {
    let folder = tempfile::tempdir().unwrap();
    // Its temporary name is taken by a folder, so it cannot be replaced.
    let file = folder.path().join("inject.txt");
    std::fs::create_dir(folder.path().join(".inject.txt.evermix-part")).unwrap();
    std::fs::write(&file, "Song 5\nSong 5\nSong 6\n").unwrap();
    let wish = ProgrammeOptions { inject: Some(file.clone()), ..options(11) };
    let mut programme = Programme::new(wish, library(0..9, 0));
    let picks = play(&mut programme, 9);
    let injected: Vec<Pick> = picks.into_iter().filter(|p| p.why == Why::Injected).collect();
    assert_eq!(numbers(&injected), [5, 5, 6]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "Song 5\nSong 5\nSong 6\n");
}

#[test]
fn forced_songs_are_in_every_list_whatever_the_rules_say() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mix.txt");
    std::fs::write(&file, "\u{feff}song 77\r\n/music/3.mp3\n").unwrap();
    let rules = CullRules { artists: vec!["artist 3".into()], ..CullRules::default() };
    let wish =
        ProgrammeOptions { mix: Some(file.clone()), list: 20, novelty: 5, rules, ..options(12) };
    let mut programme = Programme::new(wish, library(0..200, 10));
    let picks = play(&mut programme, 44);
    for list in picks.chunks(22) {
        let forced: Vec<&Pick> = list.iter().filter(|p| p.why == Why::Forced).collect();
        assert!(!forced.is_empty(), "{:?}", numbers(list));
    }
    let played = numbers(&picks);
    assert!(played.contains(&3) && !played.contains(&13) && played.contains(&77));
    assert!(played.iter().filter(|&&n| n == 77).count() >= 2, "in this list and in the next");
    std::fs::write(&file, "").unwrap();
    let later = numbers(&play(&mut programme, 300));
    assert!(!later[22..].contains(&3), "the file is read again for every list");
}

#[test]
fn unwanted_genres_and_folders_are_not_played() {
    let mut songs = library(0..6, 0);
    songs[1].tags.genre = "Sample Pack; Loops".into();
    songs[2].path = "/music/Live/2.mp3".into();
    let rules = CullRules { tags: vec!["loops".into(), "live".into()], ..CullRules::default() };
    let played =
        numbers(&play(&mut Programme::new(ProgrammeOptions { rules, ..options(1) }, songs), 8));
    assert_eq!(played.iter().copied().collect::<HashSet<_>>(), HashSet::from([0, 3, 4, 5]));
}

#[derive(Default)]
struct Told(std::sync::Mutex<Vec<String>>);

impl Progress for Told {
    fn report(&self, event: Event<'_>) {
        let text = match event {
            Event::Note { text } => text.to_string(),
            Event::ItemSkipped { item, why } => format!("skipped {item}: {why}"),
            _ => return,
        };
        self.0.lock().unwrap().push(text);
    }
}

#[test]
fn a_song_nobody_can_play_is_skipped_and_one_that_is_there_twice_is_told_with_the_one_kept() {
    let mut songs = library(0..5, 5);
    songs[1].summary.duration = Some(Seconds(4.0));
    songs[3].tags = songs[2].tags.clone();
    songs[3].summary.duration = Some(Seconds(203.5));
    let mut programme = Programme::new(options(1), songs);
    let (limits, cancel, told) = (Limits::default(), Cancel::new(), Told::default());
    let (fs, progress) = (&DiskFs, &told);
    let context =
        Context { fs, limits: &limits, progress, cancel: &cancel, threads: 1, cache: None };
    programme.next_pick(&context).unwrap();
    let places: Vec<usize> = programme.left_out().iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [1, 3]);
    let text = told.0.into_inner().unwrap();
    let due = [
        "skipped 1.mp3: too short: 4.0 s, must exceed 20.0 s",
        "3.mp3: left out, the same title, artist and length as 2.mp3",
    ];
    assert_eq!(text, due);
}

#[test]
fn wishes_that_are_kept_are_played_once_and_stay_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inject.txt");
    std::fs::write(&file, "Song 5\nSong 6\n").unwrap();
    let wish = ProgrammeOptions { inject: Some(file.clone()), keep_wishes: true, ..options(11) };
    let mut programme = Programme::new(wish, library(0..9, 0));
    assert_eq!(numbers(&play(&mut programme, 2)), [5, 6]);
    // A line that comes before those that had their turn does not bring them again.
    std::fs::write(&file, "Song 7\nSong 5\nSong 6\n").unwrap();
    let picks = play(&mut programme, 2);
    assert_eq!((picks[0].why, numbers(&picks)[0], picks[1].why), (Why::Injected, 7, Why::Tour));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "Song 7\nSong 5\nSong 6\n");
}

#[test]
fn without_songs_there_is_no_next_one() {
    let mut programme = Programme::new(options(0), Vec::new());
    assert_eq!(play(&mut programme, 1), []);
    programme.refresh(library(0..1, 1));
    assert_eq!(numbers(&play(&mut programme, 3)), [0, 0, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn no_song_comes_again_too_soon_whatever_comes_and_goes(
        steps in proptest::collection::vec((1usize..60, 0usize..20, 1usize..40), 1..5),
        artists in 0usize..8, novelty in 0usize..50, list in 1usize..30, seed in any::<u64>(),
        forced in proptest::collection::vec(0usize..80, 0..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mix = folder.path().join("mix.txt");
        std::fs::write(&mix, forced.iter().map(|n| format!("song {n}\n")).collect::<String>()).unwrap();
        let wish = ProgrammeOptions { novelty, list, mix: Some(mix), ..options(seed) };
        let mut programme = Programme::new(wish.clone(), Vec::new());
        let mut again = Programme::new(wish, Vec::new());
        let mut played: Vec<usize> = Vec::new();
        for (size, from, count) in steps {
            let songs = library(from..from + size, artists);
            programme.refresh(songs.clone());
            again.refresh(songs);
            let picks = play(&mut programme, count);
            prop_assert_eq!(&picks, &play(&mut again, count));
            prop_assert_eq!(picks.len(), count);
            let window = novelty.min(size - 1);
            for n in numbers(&picks) {
                prop_assert!((from..from + size).contains(&n));
                let ago = played.iter().rev().position(|&p| p == n);
                prop_assert!(ago.is_none_or(|ago| ago >= window), "{n} after {ago:?}, {window}");
                played.push(n);
            }
        }
    }

    #[test]
    fn songs_asked_for_are_played_in_their_order(
        wishes in proptest::collection::vec(0usize..15, 1..12), seed in any::<u64>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("inject.txt");
        let lines: String = wishes.iter().map(|n| format!("/music/{n}.mp3\n")).collect();
        std::fs::write(&file, lines).unwrap();
        let wish = ProgrammeOptions { inject: Some(file.clone()), ..options(seed) };
        let picks = play(&mut Programme::new(wish, library(0..15, 4)), wishes.len() + 2);
        prop_assert_eq!(&numbers(&picks)[..wishes.len()], &wishes[..]);
        prop_assert_eq!(picks[wishes.len()].why, Why::Tour);
        prop_assert_eq!(std::fs::read_to_string(&file).unwrap(), "");
    }
}
