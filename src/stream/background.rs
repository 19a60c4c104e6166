//! A source at work on a thread of its own, which may hang: nobody waits for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::source::{Made, Need, News, Source, SourceState, Wish};
use crate::audio::AudioBuffer;
use crate::base::{Error, ErrorKind, Result};

/// A source that had nothing is not asked again for this long.
const REST: Duration = Duration::from_millis(50);

/// What a source came back with.
pub struct Answer {
    /// What it made; nothing where it failed.
    pub made: Made,
    /// The sound.
    pub block: AudioBuffer,
    /// What it decided.
    pub news: Vec<News>,
    /// How it fares; not known where it failed.
    pub state: Option<SourceState>,
}

struct Question {
    need: Need,
    wishes: Vec<Wish>,
    block: AudioBuffer,
}

/// The one who asks.
pub struct Background {
    ask: Sender<Question>,
    answers: Receiver<Answer>,
    /// Whether an answer is due.
    asked: bool,
    /// Not before this is it asked again.
    rest: Option<Instant>,
    /// A block to be filled again.
    spare: AudioBuffer,
}

impl Background {
    /// Puts a source to work. Its thread ends after the one who asks is gone; one that hangs is
    /// left alone.
    ///
    /// # Errors
    /// `Internal` where there can be no thread.
    pub fn new(mut source: Box<dyn Source>) -> Result<Background> {
        let (ask, asked) = channel::<Question>();
        let (answer, answers) = channel();
        let work = move || {
            for question in asked {
                if answer.send(answered(&mut *source, question)).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("mix".into())
            .spawn(work)
            .map_err(|e| Error::new(ErrorKind::Internal, "cannot mix").because(e.to_string()))?;
        let spare = AudioBuffer::new(2);
        Ok(Background { ask, answers, asked: false, rest: None, spare })
    }

    /// Whether it can be asked.
    pub fn is_free(&self) -> bool {
        !self.asked && self.rest.is_none_or(|rest| Instant::now() >= rest)
    }

    /// Asks for a block.
    pub fn ask(&mut self, need: Need, wishes: Vec<Wish>) {
        let block = std::mem::take(&mut self.spare);
        // One that is gone does not answer either.
        self.asked = self.ask.send(Question { need, wishes, block }).is_ok();
    }

    /// Its answer, if it comes in time.
    pub fn answer(&mut self, patience: Duration) -> Option<Answer> {
        if !self.asked {
            if !patience.is_zero() {
                std::thread::sleep(patience);
            }
            return None;
        }
        let answer = self.answers.recv_timeout(patience).ok()?;
        self.asked = false;
        self.rest = (answer.made == Made::Nothing).then(|| Instant::now() + REST);
        Some(answer)
    }

    /// Takes back a block that is used up.
    pub fn recycle(&mut self, block: AudioBuffer) {
        self.spare = block;
    }
}

/// A source that fails has made nothing.
fn answered(source: &mut dyn Source, question: Question) -> Answer {
    let Question { need, wishes, mut block } = question;
    let made = catch_unwind(AssertUnwindSafe(|| {
        wishes.into_iter().for_each(|wish| source.wish(wish));
        let made = source.next_block(need, &mut block);
        (made, source.news(), source.state())
    }));
    match made {
        Ok((made, news, state)) => Answer { made, block, news, state: Some(state) },
        Err(_) => {
            let (made, block, news) = (Made::Nothing, AudioBuffer::new(2), Vec::new());
            Answer { made, block, news, state: None }
        }
    }
}
