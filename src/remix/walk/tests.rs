use super::*;
use crate::base::Seed;
use crate::corpus::Layer;
use crate::remix::fixtures::{DIMS, Tune, features, library, space, voice};

fn options(jump_rate: f64) -> WalkOptions {
    WalkOptions {
        jump_rate: JumpRate::new(jump_rate).unwrap(),
        min_run: 4,
        max_stretch: 1.08,
        costs: JumpCosts::default(),
    }
}

/// Walks alone: the tempo playing is that of the beat played last.
fn walk(library: &Library, raw: &[f32], options: WalkOptions, beats: usize) -> Vec<Step> {
    walk_where(library, raw, options, beats, |_| true)
}

/// The same where only some beats have sound.
fn walk_where(
    library: &Library,
    raw: &[f32],
    options: WalkOptions,
    beats: usize,
    sounds: impl Fn(&Beat) -> bool,
) -> Vec<Step> {
    let space = space(raw);
    let search = space.searcher().unwrap();
    let mut voice = voice(library, Layer::Mix, &space, search.as_ref());
    for (loudness, beat) in voice.loudness.iter_mut().zip(&library.beats) {
        loudness.0 -= if sounds(beat) { 0.0 } else { 60.0 };
    }
    let mut walk = Walk::new(library, &voice, options);
    let mut draws = Seed(1).stream("test");
    let mut steps = vec![walk.begin(0)];
    while steps.len() < beats {
        let period = library.beats[steps[steps.len() - 1].row].period;
        steps.push(walk.step(Pulse { period, place: None }, &mut draws));
    }
    steps
}

fn songs(library: &Library, steps: &[Step]) -> Vec<usize> {
    steps.iter().map(|s| library.beats[s.row].song).collect()
}

#[test]
fn without_jumps_songs_are_played_through_and_left_only_at_their_end() {
    let library = library(&[Tune { bpm: 120.0, beats: 40 }; 3]);
    let steps = walk(&library, &features(&library, 1), options(0.0), 100);
    for pair in steps.windows(2) {
        match pair[1].jump {
            None => assert_eq!(library.next[pair[0].row], Some(pair[1].row)),
            Some(jump) => assert!(jump.forced && library.next[pair[0].row].is_none()),
        }
    }
    assert!(steps.iter().any(|s| s.jump.is_some()), "a song of 40 beats has an end");
}

#[test]
fn the_highest_rate_stays_at_least_the_minimum_run_and_changes_the_song_each_time() {
    let library = library(&[Tune { bpm: 120.0, beats: 200 }; 5]);
    let steps = walk(&library, &features(&library, 2), options(1.0), 400);
    let songs = songs(&library, &steps);
    let jumps: Vec<usize> = (0..steps.len()).filter(|&i| steps[i].jump.is_some()).collect();
    assert!(jumps.len() > 40, "{} jumps", jumps.len());
    assert!(jumps.windows(2).all(|w| w[1] - w[0] >= 4), "{jumps:?}");
    assert!(jumps.iter().all(|&i| songs[i] != songs[i - 1]));
}

#[test]
fn a_jump_goes_to_what_the_ear_expects_next() {
    let library = library(&[Tune { bpm: 120.0, beats: 64 }; 2]);
    let mut raw = features(&library, 3);
    // Every beat of the second song sounds like one of the first, 20 beats further on.
    for i in 0..44 {
        let (from, to) = (i * DIMS, (64 + i + 20) * DIMS);
        let copy: Vec<f32> = raw[from..from + DIMS].iter().map(|x| x + 1e-3).collect();
        raw[to..to + DIMS].copy_from_slice(&copy);
    }
    let steps = walk(&library, &raw, options(1.0), 12);
    let jump = (1..12).find(|&i| steps[i].jump.is_some()).expect("a jump at the highest rate");
    let expected = library.next[steps[jump - 1].row].unwrap();
    assert_eq!(steps[jump].row, expected + 64 + 20, "its twin, in time for the next beat");
    assert!(steps[jump].jump.unwrap().distance < 0.05);
}

#[test]
fn a_song_that_goes_on_is_never_left_for_a_tempo_that_cannot_be_kept() {
    let slow = Tune { bpm: 100.0, beats: 80 };
    let fast = Tune { bpm: 140.0, beats: 80 };
    let library = library(&[slow, fast, slow, fast]);
    let mut raw = features(&library, 4);
    // Songs 0 and 1 are twins to the ear: only the tempo speaks against jumping between them.
    let (first, second) = raw.split_at_mut(80 * DIMS);
    second[..80 * DIMS].copy_from_slice(first);
    let steps = walk(&library, &raw, options(1.0), 300);
    let mut unforced = 0;
    for pair in steps.windows(2) {
        let [a, b] = [pair[0].row, pair[1].row].map(|row| library.beats[row].period);
        if pair[1].jump.is_some_and(|jump| !jump.forced) {
            unforced += 1;
            assert!((a / b).ln().abs() <= 1.08f64.ln(), "{a} to {b}");
        }
    }
    assert!(unforced > 10, "{unforced} jumps of free will");
}

#[test]
fn where_no_other_song_keeps_the_tempo_it_jumps_within_the_one_that_plays() {
    let library = library(&[80.0, 125.0, 170.0].map(|bpm| Tune { bpm, beats: 150 }));
    let steps = walk(&library, &features(&library, 9), options(1.0), 100);
    let jumps: Vec<_> = steps.windows(2).filter(|pair| pair[1].jump.is_some()).collect();
    assert!(jumps.len() > 10, "{} jumps", jumps.len());
    for pair in jumps.iter().filter(|pair| !pair[1].jump.unwrap().forced) {
        let [from, to] = [&library.beats[pair[0].row], &library.beats[pair[1].row]];
        assert_eq!(from.song, to.song);
        assert!(from.piece.abs_diff(to.piece) > 8, "{} to {}", from.piece, to.piece);
    }
}

#[test]
fn at_a_songs_end_any_tempo_is_better_than_silence() {
    let library = library(&[Tune { bpm: 80.0, beats: 12 }, Tune { bpm: 170.0, beats: 30 }]);
    let steps = walk(&library, &features(&library, 5), options(0.0), 30);
    let songs = songs(&library, &steps);
    assert!(songs.contains(&1), "{songs:?}");
    assert!(steps.iter().any(|s| s.jump.is_some_and(|jump| jump.forced)));
}

#[test]
fn two_songs_that_sound_alike_do_not_play_ping_pong() {
    let library = library(&[Tune { bpm: 120.0, beats: 200 }; 2]);
    let mut raw = features(&library, 6);
    let (first, second) = raw.split_at_mut(200 * DIMS);
    second.copy_from_slice(first);
    let steps = walk(&library, &raw, options(1.0), 150);
    for (i, step) in steps.iter().enumerate() {
        let lately = &steps[i.saturating_sub(32)..i];
        assert!(lately.iter().all(|s| s.row != step.row), "beat {i} was heard a moment ago");
    }
}

#[test]
fn bars_go_on_over_a_jump_where_the_choice_is_even() {
    let library = library(&[Tune { bpm: 120.0, beats: 200 }; 4]);
    let steps = walk(&library, &vec![0.5; library.beats.len() * DIMS], options(1.0), 200);
    for pair in steps.windows(2) {
        let [a, b] = [pair[0].row, pair[1].row].map(|row| library.beats[row].position);
        assert_eq!(b, a % 4 + 1);
    }
}

#[test]
fn one_song_alone_jumps_within_itself() {
    let library = library(&[Tune { bpm: 120.0, beats: 120 }]);
    let steps = walk(&library, &features(&library, 7), options(1.0), 200);
    assert_eq!(steps.len(), 200);
    assert!(steps.iter().filter(|s| s.jump.is_some()).count() > 10);
}

#[test]
fn a_library_of_one_beat_goes_on_for_ever() {
    let library = library(&[Tune { bpm: 120.0, beats: 1 }]);
    let steps = walk(&library, &features(&library, 8), options(0.5), 10);
    assert!(steps.iter().all(|s| s.row == 0));
    assert!(steps[1..].iter().all(|s| s.jump.is_some_and(|jump| jump.forced)), "and says so");
}

#[test]
fn a_voice_leaves_what_falls_silent_and_lands_where_something_sounds() {
    let library = library(&[Tune { bpm: 120.0, beats: 200 }; 4]);
    // Song 0 from beat 30 on, and all of songs 1 and 3.
    let sounds = |beat: &Beat| match beat.song {
        0 => beat.piece < 30,
        song => song == 2,
    };
    let steps = walk_where(&library, &features(&library, 10), options(0.0), 100, sounds);
    let silent = steps.iter().filter(|step| !sounds(&library.beats[step.row])).count();
    assert_eq!(silent, 0);
    let left = steps.iter().position(|step| step.jump.is_some()).unwrap();
    assert!((24..30).contains(&left), "{left}: it hears the end coming");

    let nothing = walk_where(&library, &features(&library, 10), options(0.0), 100, |_| false);
    assert!(nothing.iter().all(|step| step.jump.is_none()), "silence is not left for silence");
}

#[test]
fn voices_begin_where_all_of_them_sound() {
    let library = library(&[Tune { bpm: 120.0, beats: 64 }; 4]);
    let space = space(&features(&library, 11));
    let search = space.searcher().unwrap();
    let mut voices = [Layer::Drums, Layer::Other].map(|l| voice(&library, l, &space, &*search));
    for (row, beat) in library.beats.iter().enumerate() {
        voices[0].loudness[row].0 -= if beat.song < 2 { 0.0 } else { 60.0 };
        voices[1].loudness[row].0 -= if beat.song % 2 == 1 { 0.0 } else { 60.0 };
    }
    let walks = voices.map(|voice| Walk::new(&library, &voice, options(0.1)));
    for seed in 0..20 {
        let start = draw_start(&walks, &mut Seed(seed).stream("start"));
        assert_eq!((library.beats[start].song, library.beats[start].position), (1, 1));
    }
}
