//! Sound becomes packets, well before it is sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::background::{Answer, Background};
use super::mount::Mount;
use super::reserve::Reserve;
use super::source::{Need, Source, SourceState};
use super::station::Station;
use crate::audio::AudioBuffer;
use crate::audio::encode::live::{Format, LiveEncoder, Packet};
use crate::audio::limiter::TruePeakLimiter;
use crate::base::{Decibels, Result, SampleRate, Seconds, contained};

/// True peak the sound stays under: encoders with loss add a few tenths of a dB.
const CEILING: Decibels = Decibels(-1.6);
/// Sound kept of what was sent, in bytes: who falls further behind is dropped.
pub const KEEP: usize = 512 << 10;
/// With less sound at hand than this, in seconds, what was played goes round until there is more.
const LOW: f64 = 8.0;
/// How long a step waits for the source.
const PATIENCE: Duration = Duration::from_millis(10);
/// How long the first sound is waited for before silence is sent.
const AT_FIRST: Duration = Duration::from_secs(10);

/// Gives an encoder of a format for sound of a rate and a stream of a name.
pub type Encoders = Box<dyn FnMut(Format, SampleRate, &str) -> Result<Box<dyn LiveEncoder>> + Send>;

/// What a producer works with.
pub struct Workshop {
    /// Where encoders come from.
    pub encoders: Encoders,
    /// Bytes of sound that each mount keeps of what was sent.
    pub keep: usize,
}

impl Default for Workshop {
    fn default() -> Self {
        let encoders = |format: Format, rate, name: &str| format.encoder(rate, name);
        Workshop { encoders: Box::new(encoders), keep: KEEP }
    }
}

/// Makes the packets of all mounts of a station.
pub struct Producer {
    rate: SampleRate,
    source: Background,
    reserve: Reserve,
    limiter: TruePeakLimiter,
    encoders: Vec<(Arc<Mount>, Box<dyn LiveEncoder>)>,
    workshop: Workshop,
    name: String,
    block: AudioBuffer,
    packets: Vec<Packet>,
    /// Frames of the mix that were encoded.
    frames: u64,
    /// Whether the source failed the last time.
    failing: bool,
    /// When it was waited for first, while it has not made anything.
    waited: Option<Instant>,
}

impl Producer {
    /// A producer of these formats; gives the mounts they are heard at.
    ///
    /// # Errors
    /// `Usage` where a format cannot be made.
    pub fn new(
        source: Box<dyn Source>,
        formats: &[Format],
        name: &str,
    ) -> Result<(Producer, Vec<Arc<Mount>>)> {
        Producer::in_workshop(source, formats, name, Workshop::default())
    }

    /// The same with what is given to work with.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn in_workshop(
        source: Box<dyn Source>,
        formats: &[Format],
        name: &str,
        mut workshop: Workshop,
    ) -> Result<(Producer, Vec<Arc<Mount>>)> {
        let rate = source.rate();
        let mut encoders: Vec<(Arc<Mount>, Box<dyn LiveEncoder>)> = Vec::new();
        for &format in formats {
            let encoder = (workshop.encoders)(format, rate, name)?;
            let same = |e: &&(Arc<Mount>, _)| e.0.format.extension() == format.extension();
            let path = match encoders.iter().filter(same).count() {
                0 => format!("/all.{}", format.extension()),
                more => format!("/all{}.{}", more + 1, format.extension()),
            };
            let hz = encoder.rate().as_f64();
            let mount = Mount::new(path, format, hz, encoder.header(), workshop.keep);
            encoders.push((Arc::new(mount), encoder));
        }
        let mounts = encoders.iter().map(|(mount, _)| mount.clone()).collect();
        let producer = Producer {
            rate,
            source: Background::new(source)?,
            reserve: Reserve::new(rate),
            limiter: TruePeakLimiter::new(rate, 2, CEILING),
            encoders,
            workshop,
            name: name.to_string(),
            block: AudioBuffer::new(2),
            packets: Vec::new(),
            frames: 0,
            failing: false,
            waited: None,
        };
        Ok((producer, mounts))
    }

    /// Makes one block more, if there is sound for one or listeners would have to wait without.
    /// Takes a moment at most, whatever the source does.
    ///
    /// # Errors
    /// `Internal` where an encoder failed and no other can be had.
    pub fn step(&mut self, station: &Station) -> Result<()> {
        let given = self.give(station);
        self.tell(station);
        if given { self.encode(station) } else { Ok(()) }
    }

    fn give(&mut self, station: &Station) -> bool {
        self.listen(station, Duration::ZERO);
        if self.reserve.give(false, &mut self.block) {
            return true;
        }
        if !self.is_short(station) {
            self.listen(station, PATIENCE);
            return self.reserve.give(false, &mut self.block);
        }
        if !self.reserve.give(true, &mut self.block) {
            self.reserve.silence(&mut self.block);
        }
        true
    }

    /// Whether listeners would soon have to wait. Before anything is sent nobody does, unless
    /// there is no song at all.
    fn is_short(&self, station: &Station) -> bool {
        if station.now().0 > 0.0 {
            return station.lead().0 < LOW.min(station.options.lead.0 / 3.0);
        }
        let patient = self.waited.is_none_or(|since| since.elapsed() < AT_FIRST);
        !patient && self.reserve.is_empty()
    }

    /// Takes what the source has made and asks it for more.
    fn listen(&mut self, station: &Station, patience: Duration) {
        if let Some(answer) = self.source.answer(patience) {
            self.take(answer, station);
        }
        if self.source.is_free() && self.reserve.wants() {
            let sent = (station.now().0 * self.rate.as_f64()) as i64;
            let need = Need { lead: station.lead(), sent: self.reserve.source(sent) };
            self.source.ask(need, station.take_wishes());
            self.waited.get_or_insert_with(Instant::now);
        }
    }

    fn take(&mut self, answer: Answer, station: &Station) {
        let Answer { made, block, news, state } = answer;
        let failed = state.is_none();
        if failed && !self.failing {
            station.say("the mix failed, which is a defect: it goes round until it finds back");
        }
        self.failing = failed;
        station.set_source(match state {
            Some(state) => state,
            None => SourceState { silent: true, ..station.source() },
        });
        self.reserve.take(made, &block, news);
        self.source.recycle(block);
    }

    /// Tells what is heard when, and how often it had to go round.
    fn tell(&mut self, station: &Station) {
        station.take(self.reserve.news());
        let (before, now) = (station.rounds(), self.reserve.rounds());
        if before != now {
            station.set_rounds(now);
        }
        let (song, lasted) = self.reserve.round();
        match (before.now, now.now) {
            (false, true) => {
                station.say(format!("the mix is late: the last bars of {song} are played again"));
            }
            (true, false) => station.say(format!(
                "the mix goes on: bars of {song} were played again for {:.1} s",
                lasted.0
            )),
            _ => {}
        }
    }

    fn encode(&mut self, station: &Station) -> Result<()> {
        self.limiter.process(&mut self.block.planes);
        let (planar, rate) = (self.block.slices(), self.rate);
        for (mount, encoder) in &mut self.encoders {
            let begun = Instant::now();
            if !encoded(encoder, &planar, &mut self.packets) {
                station.say(format!("the encoder of {} failed and is replaced", mount.path));
                *encoder = (self.workshop.encoders)(mount.format, rate, &self.name)?;
                mount.replaced(encoder.header(), Seconds(self.frames as f64 / rate.as_f64()));
                // Sound that no encoder survives is left out.
                encoded(encoder, &planar, &mut self.packets);
            }
            mount.count_encoding(begun.elapsed());
            let mut ring = mount.ring();
            self.packets.drain(..).for_each(|packet| ring.push(packet));
        }
        self.frames += self.block.frames() as u64;
        Ok(())
    }
}

/// Encodes a block. A panic in an encoder costs that encoder and nothing else.
fn encoded(
    encoder: &mut Box<dyn LiveEncoder>,
    planar: &[&[f32]],
    packets: &mut Vec<Packet>,
) -> bool {
    packets.clear();
    let made = matches!(contained(|| encoder.encode(planar, packets)), Some(Ok(())));
    if !made {
        packets.clear();
    }
    made
}
