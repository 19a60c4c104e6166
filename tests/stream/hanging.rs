//! Songs whose disk does not answer, and librarians that do not.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evermix::audio::splice::Wave;
use evermix::audio::{AudioBuffer, Reel};
use evermix::base::{Limits, Result, SampleRate};
use evermix::forever::live::{Deck, Reader, SongWave};

use crate::bars::Knobs;
use crate::late::Bench;
use crate::songs::{Hand, decks, number};

/// A song that is not read while a knob is set.
struct Hanging {
    reel: Reel,
    stuck: Arc<AtomicBool>,
}

impl Wave for Hanging {
    fn read(&mut self, range: Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        wait(&self.stuck);
        self.reel.read(range, out)
    }
}

impl SongWave for Hanging {
    fn ended(&self) -> Option<i64> {
        self.reel.ended()
    }
}

fn wait(stuck: &AtomicBool) {
    while stuck.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Reads songs, but not those of these decks while the knob is set, and gives them up after a time.
fn reader(hang: &[Deck], stuck: &Arc<AtomicBool>, least: Duration) -> Reader {
    let hang: Vec<String> = hang.iter().map(|deck| deck.track.path.clone()).collect();
    let stuck = stuck.clone();
    let open = move |path: &Path, limits: &Limits, rate: SampleRate| -> Result<Box<dyn SongWave>> {
        let hangs = hang.iter().any(|file| Path::new(file) == path);
        let stuck = if hangs { stuck.clone() } else { Arc::default() };
        wait(&stuck);
        Ok(Box::new(Hanging { reel: Reel::open(path, limits, rate)?, stuck }))
    };
    Reader::new(Arc::new(open), least)
}

/// Long for a disk, and not too long for a busy machine.
const SOON: Duration = Duration::from_secs(3);
const LATE: Duration = Duration::from_secs(60);

#[test]
fn a_song_whose_disk_does_not_answer_any_more_gives_way_to_the_next() {
    let (all, stuck) = (decks(), Arc::new(AtomicBool::new(false)));
    let mut hand = Hand::new(all[0].clone(), None).reading(reader(&all[..1], &stuck, SOON));
    hand.give(&all[1]);
    hand.play(5.0);
    stuck.store(true, Ordering::SeqCst);
    hand.play(20.0);
    let due = [number(&all[0].card.title), number(&all[1].card.title)];
    assert_eq!(hand.songs(), due, "{:?}", hand.told());
    assert_eq!((hand.silent.len(), hand.afresh.len()), (0, 1));
    assert!(hand.afresh[0] < 6.0, "{:?}", hand.afresh);
    assert!(hand.said.iter().any(|text| text.contains("be read")), "{:?}", hand.said);
    stuck.store(false, Ordering::SeqCst);
}

#[test]
fn a_song_that_cannot_even_be_opened_in_time_is_passed_over() {
    let (all, stuck) = (decks(), Arc::new(AtomicBool::new(true)));
    let mut hand = Hand::new(all[0].clone(), None).reading(reader(&all[1..2], &stuck, SOON));
    hand.give(&all[1]);
    hand.give(&all[2]);
    hand.play(75.0);
    assert!(hand.songs().ends_with(&[number(&all[2].card.title)]), "{:?}", hand.told());
    assert_eq!(hand.silent, Vec::<f64>::new());
    stuck.store(false, Ordering::SeqCst);
}

#[test]
fn a_disk_that_answers_late_costs_nothing() {
    let (all, stuck) = (decks(), Arc::new(AtomicBool::new(false)));
    let mut whole = Hand::new(all[0].clone(), None);
    let mut hand = Hand::new(all[0].clone(), None).reading(reader(&all[..2], &stuck, LATE));
    for hand in [&mut whole, &mut hand] {
        hand.give(&all[1]);
    }
    for _ in 0..3 {
        stuck.store(true, Ordering::SeqCst);
        let free = stuck.clone();
        let waiting = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            free.store(false, Ordering::SeqCst);
        });
        assert!(hand.play(20.0) == whole.play(20.0), "another sound");
        waiting.join().unwrap();
    }
    assert_eq!((hand.said.len(), hand.afresh.len()), (0, 0), "{:?}", hand.said);
}

#[test]
fn songs_heard_before_are_played_once_more_where_no_other_one_comes_for_long() {
    let all = decks();
    let mut hand = Hand::new(all[0].clone(), None);
    hand.give(&all[1]);
    // To the end of both songs, a minute of the last bars, and into the transition after that.
    hand.play(230.0);
    let [first, second] = [0, 1].map(|i| number(&all[i].card.title));
    assert_eq!(hand.songs()[..3], [first, second, first], "{:?}", hand.told());
    let said: Vec<&String> = hand.said.iter().filter(|text| text.contains("once more")).collect();
    assert_eq!(said.len(), 1 + usize::from(hand.songs().len() > 3), "{:?}", hand.said);
    assert_eq!(hand.silent, Vec::<f64>::new());
}

#[test]
fn a_dead_disk_costs_listeners_no_sound_and_the_mix_goes_on_when_it_is_back() {
    let (all, knobs) = (decks(), Arc::new(Knobs::default()));
    let hand = Hand::new(all[0].clone(), None).reading(reader(&all, &knobs.stuck, SOON));
    [1, 2, 0].iter().for_each(|&i| hand.give(&all[i]));
    let (mix, answers) = (hand.mix, hand.answers);
    let mut bench = Bench::with_lead(Box::new(mix), knobs, 10.0);
    bench.pass(25.0);
    bench.hang(40.0);
    let rounds = bench.station.rounds();
    assert!(rounds.now && rounds.times == 1 && rounds.seconds.0 > 15.0, "{rounds:?}");
    // All songs were given up; one comes from a librarian that can read again.
    [0, 1].iter().for_each(|&i| {
        let deck = Box::new(all[i].clone());
        answers.send(evermix::forever::live::Answer::Deck(deck)).unwrap();
    });
    bench.pass(40.0);
    let rounds = bench.station.rounds();
    assert_eq!((bench.underruns(), rounds.times, rounds.now), (0, 1, false));
    let board = bench.board();
    let at = board.iter().rposition(|s| s.0 == "Loop").unwrap();
    assert!(at + 1 < board.len(), "{board:?}");
    let heard = bench.heard.lock().unwrap().clone();
    let quiet = heard[44_100..].chunks(26_460).position(|w| crate::late::level(w) < -40.0);
    assert_eq!(quiet, None, "a hole");
}
