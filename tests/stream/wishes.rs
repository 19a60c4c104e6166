//! What those in charge wish while a mix runs.

use evermix::forever::live::Desired;
use evermix::stream::{Source as _, Wish};

use crate::songs::{Hand, decks, number};

/// The numbers of three songs in the order they come.
fn three() -> [usize; 3] {
    let all = decks();
    [0, 1, 2].map(|i| number(&all[i].card.title))
}

/// A mix of the first song, the second being planned and the third at hand.
fn running() -> Hand {
    let all = decks();
    let mut hand = Hand::new(all[0].clone(), None);
    hand.give(&all[1]);
    hand.give(&all[2]);
    hand.play(4.0);
    assert_eq!(hand.songs(), three()[..2]);
    hand
}

#[test]
fn skip_brings_the_transition_forward_and_loses_no_song() {
    let mut hand = running();
    let before = hand.transition().unwrap();
    hand.mix.wish(Wish::Skip);
    hand.play(1.0);
    let after = hand.transition().unwrap();
    assert!(after < before - 5.0 && after < 5.0 + 30.0, "{after} s instead of {before} s");
    hand.play(95.0);
    assert_eq!(hand.songs()[..3], three(), "{:?}", hand.told());
    assert_eq!(hand.silent, Vec::<f64>::new());
    let played = hand.desired.try_iter().filter(|d| matches!(d, Desired::Played(_))).count();
    assert_eq!(played, 3, "each song was begun once: {:?}", hand.told());
}

#[test]
fn skipping_again_and_again_does_no_harm() {
    let mut hand = running();
    for _ in 0..6 {
        hand.mix.wish(Wish::Skip);
        hand.play(0.7);
    }
    hand.play(30.0);
    assert_eq!(hand.songs()[..2], three()[..2], "{:?}", hand.told());
    assert_eq!(hand.silent, Vec::<f64>::new());
}

#[test]
fn a_song_that_was_to_come_never_comes_once_it_is_banned() {
    let all = decks();
    let mut hand = running();
    hand.mix.wish(Wish::Ban(Some(all[1].card.id.clone())));
    hand.play(1.0);
    assert_eq!(hand.songs(), [three()[0], three()[2]], "the one after it takes its place");
    // Whoever still hands it over does so in vain.
    hand.give(&all[1]);
    hand.give(&all[0]);
    hand.play(70.0);
    assert!(!hand.songs().contains(&three()[1]), "{:?}", hand.told());
    assert_eq!(hand.silent, Vec::<f64>::new());
    let told = |d: Desired| matches!(d, Desired::Ban(id) if id == all[1].card.id);
    assert_eq!(hand.desired.try_iter().filter(|d| told(d.clone())).count(), 1);
}

#[test]
fn the_song_that_plays_is_left_when_it_is_banned() {
    let all = decks();
    for named in [true, false] {
        let mut hand = running();
        let before = hand.transition().unwrap();
        let id = all[0].card.id.clone();
        hand.mix.wish(Wish::Ban(named.then_some(id.clone())));
        hand.play(1.0);
        assert!(hand.transition().unwrap() < before - 5.0, "{named}");
        let told = |d: Desired| matches!(d, Desired::Ban(banned) if banned == id);
        assert_eq!(hand.desired.try_iter().filter(|d| told(d.clone())).count(), 1, "{named}");
        assert_eq!(hand.songs()[..2], three()[..2]);
    }
}

#[test]
fn a_song_that_is_wished_for_is_next_and_the_others_follow() {
    let all = decks();
    let mut hand = running();
    hand.desired.try_iter().count();
    hand.mix.wish(Wish::Inject("the third".into()));
    let asked: Vec<Desired> = hand.desired.try_iter().collect();
    assert!(matches!(&asked[..], [Desired::Inject(song), Desired::Next] if song == "the third"));
    // What was asked for before is answered before.
    hand.give(&all[0]);
    hand.give(&all[2]);
    hand.play(1.0);
    assert_eq!(hand.songs(), [three()[0], three()[2]], "{:?}", hand.told());
    hand.play(75.0);
    assert_eq!(hand.songs()[..3], [three()[0], three()[2], three()[1]], "{:?}", hand.told());
    assert_eq!(hand.silent, Vec::<f64>::new());
}

#[test]
fn a_wish_that_is_not_answered_yet_holds_nothing_up() {
    let mut hand = running();
    hand.mix.wish(Wish::Inject("slow".into()));
    hand.play(60.0);
    assert_eq!(hand.songs()[..2], three()[..2], "{:?}", hand.told());
    assert_eq!(hand.silent, Vec::<f64>::new());
}

#[test]
fn transitions_are_as_long_as_wished_from_the_next_one_on() {
    let mut hand = running();
    hand.mix.wish(Wish::TransitionBars(Some(2)));
    hand.mix.wish(Wish::Skip);
    hand.play(1.0);
    let all: Vec<f64> = hand
        .board
        .iter()
        .filter(|s| s.tracks.len() == 2)
        .map(|s| s.frames as f64 / 44_100.0)
        .collect();
    // Two bars at 118 to 121 beats a minute are four seconds.
    assert!((3.5..4.6).contains(&all[0]), "{all:?}");
}
