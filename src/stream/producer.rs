//! Sound becomes packets, well before it is sent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::mount::Mount;
use super::source::{Need, Source};
use super::station::Station;
use crate::audio::AudioBuffer;
use crate::audio::encode::live::{Format, LiveEncoder, Packet};
use crate::audio::limiter::TruePeakLimiter;
use crate::base::{Decibels, Result, SampleRate};

/// True peak the sound stays under: encoders with loss add a few tenths of a dB.
const CEILING: Decibels = Decibels(-1.6);
/// Sound kept of what was sent, in bytes: who falls further behind is dropped.
pub const KEEP: usize = 512 << 10;

/// Makes the packets of all mounts of a station.
pub struct Producer {
    source: Box<dyn Source>,
    limiter: TruePeakLimiter,
    encoders: Vec<(Arc<Mount>, Box<dyn LiveEncoder>)>,
    name: String,
    block: AudioBuffer,
    packets: Vec<Packet>,
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
        let rate = source.rate();
        let mut encoders: Vec<(Arc<Mount>, Box<dyn LiveEncoder>)> = Vec::new();
        for &format in formats {
            let encoder = format.encoder(rate, name)?;
            let same = |e: &&(Arc<Mount>, _)| e.0.format.extension() == format.extension();
            let path = match encoders.iter().filter(same).count() {
                0 => format!("/all.{}", format.extension()),
                more => format!("/all{}.{}", more + 1, format.extension()),
            };
            let hz = encoder.rate().as_f64();
            let mount = Mount::new(path, format, hz, encoder.header(), KEEP);
            encoders.push((Arc::new(mount), encoder));
        }
        let mounts = encoders.iter().map(|(mount, _)| mount.clone()).collect();
        let producer = Producer {
            limiter: TruePeakLimiter::new(rate, 2, CEILING),
            source,
            encoders,
            name: name.to_string(),
            block: AudioBuffer::new(2),
            packets: Vec::new(),
        };
        Ok((producer, mounts))
    }

    /// Makes one block more.
    ///
    /// # Errors
    /// `Internal` where an encoder failed and no other can be had.
    pub fn step(&mut self, station: &Station) -> Result<()> {
        for wish in station.take_wishes() {
            self.source.wish(wish);
        }
        let rate = self.source.rate();
        let sent = (station.now().0 * rate.as_f64()) as i64;
        self.source.next_block(Need { lead: station.lead(), sent }, &mut self.block);
        station.take(self.source.news());
        station.set_source(self.source.state());
        self.limiter.process(&mut self.block.planes);
        let planar = self.block.slices();
        for (mount, encoder) in &mut self.encoders {
            let begun = Instant::now();
            self.packets.clear();
            let encode = || encoder.encode(&planar, &mut self.packets);
            // A panic in an encoder costs that encoder and nothing else.
            let made = catch_unwind(AssertUnwindSafe(encode));
            if !matches!(made, Ok(Ok(()))) {
                station.say(format!("the encoder of {} failed and is replaced", mount.path));
                *encoder = replaced(mount, rate, &self.name)?;
            }
            mount.count_encoding(begun.elapsed());
            let mut ring = mount.ring();
            self.packets.drain(..).for_each(|packet| ring.push(packet));
        }
        Ok(())
    }
}

fn replaced(mount: &Mount, rate: SampleRate, name: &str) -> Result<Box<dyn LiveEncoder>> {
    let encoder = mount.format.encoder(rate, name)?;
    mount.replaced(encoder.header());
    Ok(encoder)
}
