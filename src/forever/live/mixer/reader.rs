//! Songs are read on threads of their own: a disk that does not answer holds up nobody for long.

use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::audio::splice::Wave;
use crate::audio::{AudioBuffer, Reel};
use crate::base::{Error, ErrorKind, Limits, Result, SampleRate};

/// A disk has at least this long to answer, however little sound is left.
const PATIENCE: Duration = Duration::from_secs(15);

/// The sound of a song file.
pub trait SongWave: Wave + Send {
    /// Where the song turned out to end, once that was reached.
    fn ended(&self) -> Option<i64>;
}

impl SongWave for Reel {
    fn ended(&self) -> Option<i64> {
        Reel::ended(self)
    }
}

/// Opens a song file.
pub type OpenSong = dyn Fn(&Path, &Limits, SampleRate) -> Result<Box<dyn SongWave>> + Send + Sync;

/// Reads songs, and knows how long that may take.
#[derive(Clone)]
pub struct Reader {
    open: Arc<OpenSong>,
    least: Duration,
    until: Arc<Mutex<Instant>>,
}

impl Default for Reader {
    fn default() -> Self {
        let open = |path: &Path, limits: &Limits, rate| {
            Ok(Box::new(Reel::open(path, limits, rate)?) as Box<dyn SongWave>)
        };
        Reader::new(Arc::new(open), PATIENCE)
    }
}

impl Reader {
    /// Reads what `open` opens; one that does not answer for so long is given up at the earliest.
    pub fn new(open: Arc<OpenSong>, least: Duration) -> Reader {
        Reader { open, least, until: Arc::new(Mutex::new(Instant::now())) }
    }

    /// From now on there is so much time, or a little where that is less.
    pub fn allow(&self, time: Duration) {
        let until = Instant::now() + time.max(self.least);
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn left(&self) -> Duration {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.saturating_duration_since(Instant::now())
    }

    /// Opens a song.
    ///
    /// # Errors
    /// As its file does; `Io` where that takes too long.
    pub fn open(&self, path: &Path, limits: &Limits, rate: SampleRate) -> Result<Far> {
        let (open, limits) = (self.open.clone(), limits.clone());
        let (file, (ask, asked), (answer, answers)) = (path.to_path_buf(), channel(), channel());
        let work = move || {
            let opened = open(&file, &limits, rate);
            serve(opened, &asked, &answer);
        };
        let spawned = std::thread::Builder::new().name("song".into()).spawn(work);
        spawned.map_err(|e| Error::io("cannot read the song", path, e))?;
        let mut far = Far { reader: self.clone(), ask, answers, given_up: false, ended: None };
        far.wait(&mut AudioBuffer::default()).map_err(|error| error.at(path))?;
        Ok(far)
    }
}

type Question = (Range<i64>, AudioBuffer);
type Answer = (Result<()>, AudioBuffer, Option<i64>);

fn serve(opened: Result<Box<dyn SongWave>>, asked: &Receiver<Question>, answer: &Sender<Answer>) {
    // Whoever asked may have given up meanwhile.
    let mut wave = match opened {
        Ok(wave) => wave,
        Err(error) => return drop(answer.send((Err(error), AudioBuffer::default(), None))),
    };
    if answer.send((Ok(()), AudioBuffer::default(), None)).is_err() {
        return;
    }
    for (range, mut out) in asked {
        let read = wave.read(range, &mut out);
        if answer.send((read, out, wave.ended())).is_err() {
            return;
        }
    }
}

/// A song that is read elsewhere.
pub struct Far {
    reader: Reader,
    ask: Sender<Question>,
    answers: Receiver<Answer>,
    given_up: bool,
    ended: Option<i64>,
}

impl Far {
    /// Where the song turned out to end, once that was reached.
    pub fn ended(&self) -> Option<i64> {
        self.ended
    }

    fn wait(&mut self, out: &mut AudioBuffer) -> Result<()> {
        let too_long = || Error::new(ErrorKind::Io, "reading the song takes too long");
        match self.answers.recv_timeout(self.reader.left()) {
            Ok((read, sound, ended)) => {
                (*out, self.ended) = (sound, ended);
                read
            }
            Err(RecvTimeoutError::Timeout) => {
                self.given_up = true;
                Err(too_long())
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(Error::new(ErrorKind::Unusable, "the song cannot be read"))
            }
        }
    }
}

impl Wave for Far {
    fn read(&mut self, range: Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        // One that is gone does not answer either.
        let asked = !self.given_up && self.ask.send((range, std::mem::take(out))).is_ok();
        if !asked {
            return Err(Error::new(ErrorKind::Unusable, "the song cannot be read"));
        }
        self.wait(out)
    }
}
