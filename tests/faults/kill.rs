//! The program is killed at many moments; the next run goes on as if nothing had happened.

use crate::common::Desk;
use crate::program::{
    AUTO, Running, assert_same, clear, count_lines, made, run, small_desk, temporary_files,
};
use crate::stages::tiny;
use std::time::Duration;

/// Kills `words` after so many lines of progress and a little more. True if it was still running.
fn kill_after(desk: &Desk, words: &[&str], lines: usize, more: Duration) -> bool {
    let mut running = Running::start(desk.command(words));
    running.wait_for_lines(lines);
    std::thread::sleep(more);
    running.signal("KILL");
    running.end().0.code() == 128 + 9
}

#[test]
fn a_run_killed_at_any_moment_is_finished_by_the_next_one() {
    let desk = small_desk();
    let whole = desk.ok(&AUTO);
    let wanted = made(&desk);
    let lines = count_lines(&whole);
    let kills = 16;
    let mut in_time = 0;
    for i in 0..kills {
        clear(&desk);
        let more = Duration::from_micros(i * 1_300 % 5_000);
        let lines = i as usize * lines / kills as usize;
        in_time += usize::from(kill_after(&desk, &AUTO, lines, more));
        let ran = run(&desk, &AUTO);
        assert_eq!(ran.code(), 0, "killed after {lines} lines: {}", ran.err());
        assert_same(&made(&desk), &wanted, &format!("killed after {lines} lines"));
    }
    assert!(in_time >= 10, "only {in_time} of {kills} kills came in time");
}

#[test]
fn a_run_killed_again_and_again_comes_to_its_end() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let wanted = made(&desk);
    clear(&desk);
    let mut kills = 0;
    // Each run gets a little further than the one before: finished songs are kept.
    while kill_after(&desk, &AUTO, 12 + kills, Duration::ZERO) {
        kills += 1;
        assert!(kills < 200, "it gets nowhere");
    }
    assert!(kills >= 3, "killed {kills} times only");
    desk.ok(&AUTO);
    assert_same(&made(&desk), &wanted, "after many kills");
}

#[test]
fn each_stage_killed_at_any_moment_is_finished_by_the_next_run() {
    let desk = small_desk();
    let mut in_time = 0;
    for words in [
        &["separate", "music", "stems"][..],
        &["segment", "stems", "beats"],
        &["create-dataset", "beats", "dataset"],
        &["fit-nearest-neighbours", "dataset", "index"],
        &["generate-remix", "0.5", "60", "out.wav", "--dataset", "dataset", "--index", "index"],
    ] {
        let words = [words, &["--progress", "json"]].concat();
        let before = made(&desk);
        let whole = run(&desk, &words);
        assert_eq!(whole.code(), 0, "{}", whole.err());
        let wanted = made(&desk);
        for i in 0..4u64 {
            crate::program::restore(&desk, &before);
            let lines = count_lines(&whole) * i as usize / 4;
            in_time += usize::from(kill_after(&desk, &words, lines, Duration::from_millis(2 * i)));
            let ran = run(&desk, &words);
            assert_eq!(ran.code(), 0, "{words:?}: {}", ran.err());
            assert_same(&made(&desk), &wanted, &format!("{words:?} killed after {lines} lines"));
        }
    }
    assert!(in_time >= 8, "only {in_time} kills came in time");
}

#[test]
fn what_a_killed_run_left_of_songs_that_are_gone_is_cleared_away() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let wanted = made(&desk);
    std::fs::create_dir_all(desk.path("evermix-project/beats/.0123.evermix-part/mix")).unwrap();
    std::fs::create_dir_all(desk.path("evermix-project/stems/gone.wav")).unwrap();
    for name in [
        ".index.evx.evermix-part",
        "stems/gone.wav/.gone.wav_drums.wav.evermix-part",
        "beats/.0123.evermix-part/mix/gone.wav_0.wav",
        "beats/songs/.gone.wav.json.evermix-part",
        "beats/features/.gone.wav.features.evermix-part",
        "dataset/.features.parquet.evermix-part",
        "dataset/songs/.gone.wav.features.evermix-part",
    ] {
        std::fs::write(desk.path("evermix-project").join(name), "half").unwrap();
    }
    desk.ok(&AUTO);
    assert_eq!(temporary_files(&desk), Vec::<std::path::PathBuf>::new());
    assert_same(&made(&desk), &wanted, "leftovers");
}

#[test]
fn a_song_named_like_our_temporary_files_is_kept() {
    let desk = Desk::in_memory();
    tiny(120.0, 0).write(&desk.path("music/a.evermix-part.wav"));
    desk.ok(&AUTO);
    let ran = desk.ok(&[&AUTO[..], &["-vv"]].concat());
    let again = ran.err().lines().filter(|l| l.contains("\"done\"")).count();
    // Only the remix itself is made again.
    assert_eq!(again, 1, "{}", ran.err());
}

#[test]
fn clips_that_a_killed_run_left_behind_do_not_stay_beside_those_of_a_shorter_song() {
    let desk = Desk::in_memory();
    tiny(150.0, 0).write(&desk.path("music/s.wav"));
    desk.ok(&["segment", "music", "beats"]);
    // Killed after the clips were put in place, before the record was written.
    std::fs::remove_file(desk.path("beats/songs/s.wav.json")).unwrap();
    tiny(100.0, 0).write(&desk.path("music/s.wav"));
    desk.ok(&["segment", "music", "beats"]);
    desk.ok(&["segment", "music", "fresh"]);
    assert_same(&desk.snapshot("beats"), &desk.snapshot("fresh"), "a shorter song");
}
