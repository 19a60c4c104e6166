use super::*;
use crate::analysis::mfcc::N_MFCC;
use crate::analysis::onset::CHROMA_WIDTH;

/// A bar on a chord (three pitch classes in bass and melody), with drums or without.
fn bar(root: usize, drums: bool, level: f32) -> SpanSound {
    let mut chroma = [-0.13f32; CHROMA_WIDTH];
    for half in [0, CHROMA_WIDTH / 2] {
        for third in [0, 4, 7] {
            chroma[half + (root + third) % 12] = 0.4;
        }
    }
    for half in chroma.chunks_mut(CHROMA_WIDTH / 2) {
        let length = half.iter().map(|x| x * x).sum::<f32>().sqrt();
        half.iter_mut().for_each(|x| *x /= length);
    }
    let mut timbre = [0.0; N_MFCC];
    timbre[1] = if drums { 20.0 } else { 60.0 };
    let drive = if drums { [-2.0; 4] } else { [-3.2; 4] };
    SpanSound { chroma, timbre, drive, loudness_db: level }
}

/// Sections as chord progressions of four bars, repeated for eight.
const VERSE: [usize; 4] = [0, 9, 5, 7];
const BRIDGE: [usize; 4] = [2, 11, 4, 4];

fn section(chords: [usize; 4], bars: usize, drums: bool) -> Vec<SpanSound> {
    (0..bars).map(|i| bar(chords[i % 4], drums, -15.0)).collect()
}

fn form(bars: &[SpanSound], edges: &Edges) -> Form {
    let lines: Vec<Seconds> = (0..=bars.len()).map(|i| Seconds(1.0 + 2.0 * i as f64)).collect();
    let form = find_form(bars, &lines, edges).unwrap();
    assert_eq!(form.phrases[0].start, lines[0]);
    assert_eq!(form.phrases[form.phrases.len() - 1].end, lines[bars.len()]);
    assert!(form.phrases.windows(2).all(|pair| pair[0].end == pair[1].start));
    form
}

#[test]
fn a_song_form_is_named_by_what_returns() {
    let (a, b) = (section(VERSE, 8, true), section(BRIDGE, 8, true));
    let song = [&a[..], &a, &b, &a].concat();
    let found = form(&song, &Edges::default());
    assert_eq!(found.summary(), "A8 A8 B8 A8");
    assert_eq!((found.intro_end, found.outro_start), (None, None));
}

#[test]
fn verse_chorus_and_break_get_letters_in_the_order_they_are_heard() {
    let (a, b) = (section(VERSE, 8, true), section(BRIDGE, 8, true));
    let c = section([8, 8, 10, 10], 4, false);
    let song = [&a[..], &b, &a, &b, &c, &b].concat();
    assert_eq!(form(&song, &Edges::default()).summary(), "A8 B8 A8 B8 C4 B8");
}

#[test]
fn phrases_without_drums_at_either_end_are_intro_and_outro() {
    let (a, b) = (section(VERSE, 8, true), section(BRIDGE, 8, true));
    let song = [section(VERSE, 4, false), a.clone(), b.clone(), a, section(VERSE, 4, false)];
    let found = form(&song.concat(), &Edges::default());
    assert_eq!(found.summary(), "A4 B8 C8 B8 A4");
    assert_eq!(found.intro_end, Some(Seconds(1.0 + 8.0)));
    assert_eq!(found.outro_start, Some(Seconds(1.0 + 2.0 * 28.0)));
}

#[test]
fn a_break_in_the_middle_is_neither_intro_nor_outro() {
    let a = section(VERSE, 8, true);
    let song = [a.clone(), section(VERSE, 8, false), a].concat();
    let found = form(&song, &Edges::default());
    assert_eq!(found.summary(), "A8 B8 A8");
    assert_eq!((found.intro_end, found.outro_start), (None, None));
}

#[test]
fn a_fade_changes_no_letter() {
    let (a, b) = (section(VERSE, 8, true), section(BRIDGE, 8, true));
    let mut song = [&a[..], &b, &a, &a].concat();
    let fade = song.len() - 8;
    for (i, bar) in song[fade..].iter_mut().enumerate() {
        bar.loudness_db -= 4.0 * i as f32;
        bar.timbre[1] -= 10.0 * i as f32;
        bar.drive.iter_mut().for_each(|d| *d -= 0.3 * i as f32);
    }
    let start = Seconds(1.0 + 2.0 * fade as f64);
    let edges = Edges { fade_out_start: Some(start), ..Edges::default() };
    let found = form(&song, &edges);
    assert_eq!(found.summary(), "A8 B8 A8 A8");
    assert_eq!(found.outro_start, None);
    assert_ne!(form(&song, &Edges::default()).summary(), "A8 B8 A8 A8");
}

#[test]
fn a_song_that_never_changes_is_all_one_letter() {
    let song = section(VERSE, 40, true);
    let found = form(&song, &Edges::default());
    assert!(found.phrases.iter().all(|p| p.label == "A" && p.bars % 8 == 0), "{found:?}");
}

#[test]
fn a_bar_too_many_does_not_shift_what_follows() {
    let (a, b) = (section(VERSE, 8, true), section(BRIDGE, 8, false));
    let song = [&a[..], &b, &b[..1], &a, &b].concat();
    let found = form(&song, &Edges::default());
    let starts: Vec<f64> = found.phrases.iter().map(|p| (p.start.0 - 1.0) / 2.0).collect();
    assert!(starts.contains(&17.0) && starts.contains(&25.0), "{starts:?}");
}

#[test]
fn too_few_and_far_too_many_bars_have_no_form() {
    let lines = |n: usize| (0..=n).map(|i| Seconds(i as f64)).collect::<Vec<_>>();
    for n in [0, 3, 1_501] {
        let bars = vec![bar(0, true, -15.0); n];
        assert_eq!(find_form(&bars, &lines(n), &Edges::default()), None);
    }
    assert!(
        find_form(&vec![bar(0, true, -15.0); 1_500], &lines(1_500), &Edges::default()).is_some()
    );
}

#[test]
fn letters_go_on_after_z() {
    assert_eq!([0, 25, 26, 27, 52].map(letter), ["A", "Z", "AA", "AB", "BA"]);
}
