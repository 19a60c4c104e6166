//! Sound becomes packets, well before it is sent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::mount::Mount;
use super::source::{Need, Source, SourceState};
use super::station::Station;
use crate::audio::AudioBuffer;
use crate::audio::encode::live::{Format, LiveEncoder, Packet};
use crate::audio::limiter::TruePeakLimiter;
use crate::base::{Decibels, Result, SampleRate, Seconds};

/// True peak the sound stays under: encoders with loss add a few tenths of a dB.
const CEILING: Decibels = Decibels(-1.6);
/// Sound kept of what was sent, in bytes: who falls further behind is dropped.
pub const KEEP: usize = 512 << 10;
/// Frames of silence made where the mix failed.
const SILENCE: usize = 1 << 14;

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
    source: Box<dyn Source>,
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
            limiter: TruePeakLimiter::new(rate, 2, CEILING),
            source,
            encoders,
            workshop,
            name: name.to_string(),
            block: AudioBuffer::new(2),
            packets: Vec::new(),
            frames: 0,
            failing: false,
        };
        Ok((producer, mounts))
    }

    /// Makes one block more.
    ///
    /// # Errors
    /// `Internal` where an encoder failed and no other can be had.
    pub fn step(&mut self, station: &Station) -> Result<()> {
        self.mix(station);
        self.limiter.process(&mut self.block.planes);
        let (planar, rate) = (self.block.slices(), self.source.rate());
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

    /// The next block of the mix. A source that fails is a defect, and no reason to end the stream:
    /// silence goes out until it finds back.
    fn mix(&mut self, station: &Station) {
        let (source, block) = (&mut self.source, &mut self.block);
        let sent = (station.now().0 * source.rate().as_f64()) as i64;
        let need = Need { lead: station.lead(), sent };
        let mixed = catch_unwind(AssertUnwindSafe(|| {
            station.take_wishes().into_iter().for_each(|wish| source.wish(wish));
            source.next_block(need, block);
            (source.news(), source.state())
        }));
        let failed = mixed.is_err();
        let (news, state) = mixed.unwrap_or_else(|_| {
            *block = AudioBuffer::silence(2, SILENCE);
            (Vec::new(), SourceState { silent: true, ..station.source() })
        });
        if failed && !self.failing {
            station.say("the mix failed, which is a defect: silence until it finds back");
        }
        self.failing = failed;
        station.take(news);
        station.set_source(state);
    }
}

/// Encodes a block. A panic in an encoder costs that encoder and nothing else.
fn encoded(
    encoder: &mut Box<dyn LiveEncoder>,
    planar: &[&[f32]],
    packets: &mut Vec<Packet>,
) -> bool {
    packets.clear();
    let made = catch_unwind(AssertUnwindSafe(|| encoder.encode(planar, packets)));
    let made = matches!(made, Ok(Ok(())));
    if !made {
        packets.clear();
    }
    made
}
