//! The live mix is the mix that would have been rendered, and what it does when songs fail it.

use std::path::Path;

use evermix::audio::{AudioBuffer, Reel};
use evermix::base::{Result, Seconds};
use evermix::forever::catalogue::{Catalogue, update};
use evermix::forever::live::{Answer, Desired, LiveMix};
use evermix::forever::{Shelf, Stems, make_plan};
use evermix::mix::{MixPlan, Part, Renderer, TrackSound};
use evermix::stream::{Made, Need, News, Source as _};

use crate::songs::{Hand, copied, decks, number, studio};

/// The plan that `forever render` would make for a mix longer than the songs last.
fn batch(minutes: f64) -> MixPlan {
    let studio = studio();
    let context = studio.context();
    let mut job = studio.options().job;
    job.length = Some(Seconds(60.0 * minutes));
    let mut catalogue = Catalogue::in_memory().unwrap();
    let inputs = studio.options().inputs;
    let library = update(&context, &mut catalogue, &inputs, &studio.beats).unwrap();
    make_plan(&context, &library, Shelf::new(&studio.beats, Stems::None), &job).unwrap().plan
}

#[test]
fn the_live_mix_is_the_rendered_mix_bit_for_bit() {
    let studio = studio();
    let context = studio.context();
    let plan = batch(4.0);
    let open = |track: usize, _: bool| -> Result<TrackSound> {
        let reel = Reel::open(Path::new(&plan.tracks[track].path), context.limits, plan.rate)?;
        Ok(TrackSound { parts: vec![(Part::All, Box::new(reel))] })
    };
    let mut renderer = Renderer::new(&plan, &open);
    studio.librarian(|librarian| {
        let (answers, answered) = std::sync::mpsc::channel::<Answer>();
        let (desire, desired) = std::sync::mpsc::channel::<Desired>();
        let first = librarian.next_deck().unwrap().map(|deck| (deck, None));
        let options = studio.options();
        let mut live = LiveMix::new(options, context.limits, first, answered, desire.clone());
        std::thread::scope(|scope| {
            scope.spawn(move || librarian.serve(&desired, &answers));
            let (mut frames, mut crossings, mut plays) = (0, 0, 0);
            let (mut ours, mut theirs) = (AudioBuffer::new(2), AudioBuffer::new(2));
            // Into the stay after the second transition.
            while plays < 3 {
                live.next_block(Need { lead: Seconds(1e6), sent: frames }, &mut ours);
                renderer.next_block(&mut theirs).unwrap();
                let seconds = frames as f64 / 44_100.0;
                assert!(ours.planes == theirs.planes, "different from {seconds:.1} s on");
                frames += ours.frames() as i64;
                for news in live.news() {
                    let News::Planned(segment) = news else { panic!("something was taken back") };
                    crossings += usize::from(segment.tracks.len() == 2);
                }
                // Plans are made when they are needed: those of two transitions are played then.
                plays = crossings;
            }
            assert!(frames > 44_100 * 60 && crossings >= 3, "{frames} frames, {crossings}");
            desire.send(Desired::Stop).unwrap();
        });
    });
}

#[test]
fn a_song_is_played_on_and_then_repeated_while_the_next_one_is_not_ready() {
    let all = decks();
    let mut hand = Hand::new(all[0].clone(), Some(60.0));
    // It begins where two thirds are left; the rest is not enough for a transition.
    let sound = hand.play(75.0);
    assert_eq!(hand.silent, Vec::<f64>::new());
    let state = hand.mix.state();
    assert_eq!((state.extended, state.late), (1, true), "{:?}", hand.told());
    assert!((70.0..90.0).contains(&state.extended_seconds), "{state:?}");
    let told = hand.told();
    assert!(told.iter().any(|line| line.starts_with("Jump")), "{told:?}");
    assert!(hand.songs().iter().all(|&song| song == number(&all[0].card.title)));
    let notes: Vec<Desired> = hand.desired.try_iter().collect();
    assert_eq!(hand.said.len(), 1, "{:?}", hand.said);
    assert!(hand.said[0].contains("not ready"), "{:?}", hand.said);
    assert_eq!(notes.iter().filter(|d| matches!(d, Desired::Next)).count(), 1, "{notes:?}");
    // The beat goes on through every repetition: half a second without a kick is a hole.
    let rms = |w: &[f32]| (w.iter().map(|x| x * x).sum::<f32>() / w.len() as f32).sqrt();
    let quiet = sound[44_100..].chunks(26_460).position(|w| w.len() == 26_460 && rms(w) < 0.01);
    assert_eq!(quiet, None);
    // Late is better than never.
    hand.give(&all[1]);
    hand.play(30.0);
    let due = [number(&all[0].card.title), number(&all[1].card.title)];
    assert_eq!(hand.songs(), due);
    let begun = hand.said.get(1).expect("that it is over is said");
    assert!(begun.contains("is ready") && begun.contains(" s longer"), "{:?}", hand.said);
    assert!(!hand.mix.state().late);
    assert_eq!(hand.silent, Vec::<f64>::new());
}

/// Plays a song whose file is damaged while it plays, with or without another one planned.
fn damaged(damage: impl Fn(&Path), next_at_hand: bool) -> Hand {
    let (all, folder) = (decks(), tempfile::tempdir().unwrap());
    let (deck, file) = copied(&all[0], folder.path());
    let mut hand = Hand::new(deck, None);
    if next_at_hand {
        hand.give(&all[1]);
    }
    hand.play(5.0);
    damage(&file);
    if !next_at_hand {
        hand.give(&all[1]);
    }
    hand.give(&all[2]);
    hand.play(40.0);
    hand
}

#[test]
fn a_song_that_is_cut_short_while_it_plays_is_followed_by_the_next_at_once() {
    let cut = |file: &Path| {
        let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
        file.set_len(44 + 20 * 4 * 44_100).unwrap();
    };
    for next_at_hand in [true, false] {
        let all = decks();
        let mut hand = damaged(cut, next_at_hand);
        let due = [number(&all[0].card.title), number(&all[1].card.title)];
        assert_eq!(hand.songs()[..2], due, "{next_at_hand}: {:?}", hand.told());
        assert_eq!(hand.silent, Vec::<f64>::new());
        let second = hand.board.iter().find(|s| number(&s.tracks[0].song.title) == due[1]).unwrap();
        let begins = second.start as f64 / 44_100.0;
        assert!((19.0..22.0).contains(&begins), "{begins}: {:?}", hand.told());
        assert_eq!(hand.afresh, [begins], "that it does not go on what was before is known");
        let noted = hand.said.iter().filter(|text| text.contains("be read"));
        assert_eq!(noted.count(), 1, "{:?}", hand.said);
        // The one after it comes as if nothing had been.
        hand.play(40.0);
        assert_eq!(hand.songs()[..3], [due[0], due[1], number(&all[2].card.title)]);
    }
}

#[test]
fn songs_that_are_gone_before_they_begin_are_passed_over() {
    let (all, folder) = (decks(), tempfile::tempdir().unwrap());
    let (gone, file) = copied(&all[1], folder.path());
    std::fs::remove_file(file).unwrap();
    let mut hand = Hand::new(all[0].clone(), None);
    hand.give(&gone);
    hand.give(&all[2]);
    hand.play(75.0);
    let heard: Vec<usize> = hand.songs();
    assert!(heard.ends_with(&[number(&all[2].card.title)]), "{heard:?}");
    assert_eq!(hand.silent, Vec::<f64>::new());
}

#[test]
fn a_mix_of_no_song_gives_nothing_and_is_ready_for_one() {
    let all = decks();
    let (answers, answered) = std::sync::mpsc::channel::<Answer>();
    let (desire, _desired) = std::sync::mpsc::channel::<Desired>();
    let studio = studio();
    let limits = evermix::base::Limits::default();
    let mut mix = LiveMix::new(studio.options(), &limits, None, answered, desire);
    let mut block = AudioBuffer::new(2);
    for _ in 0..5 {
        answers.send(Answer::Nothing).unwrap();
        let made = mix.next_block(Need { lead: Seconds(0.0), sent: 0 }, &mut block);
        assert!(made == Made::Nothing && block.is_empty());
        assert!(mix.state().silent);
    }
    answers.send(Answer::Deck(Box::new(all[0].clone()))).unwrap();
    for _ in 0..5 {
        mix.next_block(Need { lead: Seconds(0.0), sent: 0 }, &mut block);
    }
    assert!(block.planes[0].iter().any(|x| x.abs() > 0.01) && !mix.state().silent);
}
