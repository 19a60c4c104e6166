//! Songs that come, go and change while a stream runs.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use evermix::forever::live::{Answer, Deck, Desired, LiveOptions};
use evermix::stream::SourceState;

use crate::songs::{decks, studio};

/// A folder with copies of the first `count` songs.
fn library(count: usize) -> (tempfile::TempDir, LiveOptions) {
    let folder = tempfile::tempdir().unwrap();
    for (i, deck) in decks().iter().take(count).enumerate() {
        std::fs::copy(&deck.track.path, folder.path().join(format!("{i}.wav"))).unwrap();
    }
    let inputs = vec![folder.path().to_path_buf()];
    let wishes = folder.path().join("inject.txt");
    (folder, LiveOptions { inputs, wishes, look: Duration::from_millis(100), ..studio().options() })
}

/// A librarian at work, and the two ends of the talk with it.
struct Desk {
    desire: Sender<Desired>,
    answers: Receiver<Answer>,
}

impl Desk {
    /// The next answer that `wanted` takes something from.
    fn wait<T>(&self, what: &str, mut wanted: impl FnMut(Answer) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let answer = self.answers.recv_timeout(left).unwrap_or_else(|_| panic!("never {what}"));
            if let Some(found) = wanted(answer) {
                return found;
            }
        }
    }

    fn state(&self, what: &str, holds: impl Fn(&SourceState) -> bool) {
        self.wait(what, |answer| match answer {
            Answer::State(state) => holds(&state).then_some(()),
            _ => None,
        });
    }

    fn next(&self) -> Deck {
        self.desire.send(Desired::Next).unwrap();
        self.wait("a song", |answer| match answer {
            Answer::Deck(deck) => Some(*deck),
            _ => None,
        })
    }
}

fn with_librarian(options: LiveOptions, work: impl FnOnce(&Desk)) {
    studio().librarian_of(options, |librarian| {
        let ((desire, desired), (answer, answers)) = (channel(), channel());
        std::thread::scope(|scope| {
            scope.spawn(move || librarian.serve(&desired, &answer));
            let desk = Desk { desire, answers };
            work(&desk);
            desk.desire.send(Desired::Stop).unwrap();
        });
    });
}

fn hash(path: &Path) -> String {
    blake3::hash(&std::fs::read(path).unwrap()).to_hex().to_string()
}

#[test]
fn a_song_that_is_still_being_copied_when_it_is_first_looked_at_is_heard_when_it_is_whole() {
    let (folder, options) = library(1);
    let whole = std::fs::read(&decks()[1].track.path).unwrap();
    with_librarian(options, |desk| {
        let late = folder.path().join("late.wav");
        std::fs::write(&late, &whole[..40]).unwrap();
        desk.state("what there is of it is tried", |s| s.broken > 0 && s.waiting == 0);
        std::fs::write(&late, &whole).unwrap();
        desk.state("it is one of the songs", |s| s.known == 2);
    });
}

#[test]
fn a_file_that_became_another_song_is_not_played_for_the_one_it_was_and_then_for_what_it_is() {
    let (folder, options) = library(2);
    let file = folder.path().join("1.wav");
    let options = LiveOptions { look: Duration::from_secs(3_600), ..options };
    with_librarian(options, |desk| {
        desk.state("both are known", |s| s.known == 2);
        let before = hash(&file);
        // Of the same length, so that only its content tells.
        std::fs::copy(&decks()[2].track.path, &file).unwrap();
        let now = hash(&file);
        assert_ne!(before, now);
        for _ in 0..4 {
            assert_ne!(desk.next().track.hash, before, "its beats are those of another song");
        }
        desk.desire.send(Desired::Look).unwrap();
        desk.state("the new song is known", |s| s.known == 2);
        let played: Vec<String> = (0..4).map(|_| desk.next().track.hash).collect();
        assert!(played.contains(&now), "{played:?}");
    });
}

#[test]
fn songs_beyond_the_first_are_heard_while_the_stream_runs() {
    let (folder, options) = library(1);
    with_librarian(options, |desk| {
        for (i, deck) in decks().iter().enumerate().skip(1) {
            std::fs::copy(&deck.track.path, folder.path().join(format!("{i}.wav"))).unwrap();
        }
        desk.state("all are known", |s| s.known == 3 && s.waiting == 0);
        let played: Vec<String> = (0..6).map(|_| desk.next().track.hash).collect();
        let all = (0..3).map(|i| hash(&folder.path().join(format!("{i}.wav"))));
        all.for_each(|song| assert!(played.contains(&song), "{played:?}"));
    });
}

#[test]
fn a_wish_is_a_line_of_its_own_in_a_file_without_a_last_line_end() {
    let (folder, options) = library(3);
    let wishes = options.wishes.clone();
    let (first, second) = (folder.path().join("2.wav"), folder.path().join("0.wav"));
    std::fs::write(&wishes, first.to_str().unwrap()).unwrap();
    with_librarian(options, |desk| {
        let wish = second.to_str().unwrap().to_string();
        desk.desire.send(Desired::Inject(wish)).unwrap();
        let played = [desk.next().track.hash, desk.next().track.hash];
        assert_eq!(played, [hash(&first), hash(&second)]);
        assert_eq!(std::fs::read_to_string(&wishes).unwrap().trim(), "", "what came is struck out");
    });
}
