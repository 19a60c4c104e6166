//! Separation by HTDemucs, whose weights the user brings.

mod chunks;
mod config;
mod graph;
mod network;
mod onnx;
mod spectrum;
mod transformer;
mod weights;

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Separator;
use super::windows::tame;
use crate::base::{ByteSource, Cancel, Error, ErrorKind, Result};
use chunks::{Chunks, Segment};
use config::CHANNELS;
use network::Network;
use weights::Weights;

pub use chunks::OVERLAP;

/// The level of a song that was not heard first.
const TYPICAL_LEVEL: f64 = 0.1;
/// What is added to a song's spread before it is divided by.
const TINY: f64 = 1e-8;
/// The networks' sources, in their order. Networks that know more have them behind these.
pub const SOURCES: [&str; 4] = ["drums", "bass", "other", "vocals"];

/// How often the wish to stop is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Opens the user's file anew.
pub type Open = Box<dyn Fn() -> Result<Box<dyn ByteSource>> + Send + Sync>;

/// A file of weights, ready to work: what all songs of a run share.
pub struct Htdemucs {
    open: Open,
    /// For each network that is run, its tensors' prefix and the sources taken from it.
    parts: Vec<(String, Vec<usize>)>,
    threads: usize,
    /// The network in memory and its place in `parts`. There is never more than one.
    loaded: Mutex<Option<(usize, Network)>>,
    segment: usize,
    networks: usize,
    cancel: Cancel,
}

impl Htdemucs {
    /// Prepares a file for the sources wanted, in ascending order.
    ///
    /// # Errors
    /// `Missing` where it is no network of this kind, `Corrupt` where it is damaged, `Io`.
    pub fn new(open: Open, wanted: &[usize], threads: usize, cancel: &Cancel) -> Result<Arc<Self>> {
        let cancel = cancel.clone();
        let networks = weights::networks(open()?)?;
        let parts = match &networks[..] {
            [one] => vec![(one.clone(), wanted.to_vec())],
            bag => wanted.iter().map(|&s| (bag[s].clone(), vec![s])).collect(),
        };
        let networks = networks.len();
        let mut htdemucs = Htdemucs {
            open,
            parts,
            threads,
            loaded: Mutex::new(None),
            segment: 0,
            networks,
            cancel,
        };
        let first = htdemucs.load(0)?;
        htdemucs.segment = first.segment();
        htdemucs.loaded = Mutex::new(Some((0, first)));
        Ok(Arc::new(htdemucs))
    }

    /// Prepares a ready network in ONNX form. It either takes `mix` and `cac` and answers with
    /// `yf` and `yt`, as ours do, or takes the sound of a segment alone and answers with the sound
    /// of all sources.
    ///
    /// # Errors
    /// `Missing` where it is no such network.
    pub fn from_onnx(
        bytes: Vec<u8>,
        wanted: &[usize],
        threads: usize,
        cancel: &Cancel,
    ) -> Result<Arc<Self>> {
        let network = Network::from_onnx(bytes, wanted, threads)?;
        Ok(Arc::new(Htdemucs {
            open: Box::new(|| Err(Error::new(ErrorKind::Internal, "nothing to load"))),
            parts: vec![(String::new(), wanted.to_vec())],
            threads,
            segment: network.segment(),
            networks: 1,
            cancel: cancel.clone(),
            loaded: Mutex::new(Some((0, network))),
        }))
    }

    /// How many networks the file holds.
    pub fn networks(&self) -> usize {
        self.networks
    }

    fn load(&self, part: usize) -> Result<Network> {
        let (prefix, wanted) = &self.parts[part];
        let weights = Weights::open((self.open)()?, prefix)?;
        Network::load(&weights, wanted, self.threads)
    }

    /// Takes a segment apart on a thread of its own: a wish to stop is heard meanwhile.
    fn separate(self: &Arc<Self>, segment: Segment) -> Result<(Segment, Vec<Vec<f32>>)> {
        let broken =
            |why: String| Error::new(ErrorKind::Internal, "the network failed").because(why);
        let (give, take) = channel();
        let shared = Arc::clone(self);
        let work = move || {
            let found = shared.apart(segment.mix.each_ref().map(Vec::as_slice));
            // Nobody listens any more where the program is about to end.
            let _ = give.send((segment, found));
        };
        std::thread::Builder::new().spawn(work).map_err(|e| broken(e.to_string()))?;
        loop {
            match take.recv_timeout(LOOK) {
                Ok((segment, found)) => return Ok((segment, found?)),
                Err(RecvTimeoutError::Timeout) => self.cancel.check()?,
                Err(RecvTimeoutError::Disconnected) => return Err(broken("it panicked".into())),
            }
        }
    }

    /// One plane for each channel of each source wanted.
    fn apart(&self, mix: [&[f32]; CHANNELS]) -> Result<Vec<Vec<f32>>> {
        let mut loaded = self.loaded.lock().map_err(|_| {
            Error::new(ErrorKind::Internal, "the network failed").because("in another song")
        })?;
        let mut planes = Vec::new();
        for part in 0..self.parts.len() {
            if loaded.as_ref().is_none_or(|(there, _)| *there != part) {
                // The one before is let go first: two would be too much.
                *loaded = None;
                *loaded = Some((part, self.load(part)?));
            }
            if let Some((_, network)) = loaded.as_mut() {
                planes.extend(network.separate(mix)?);
            }
        }
        Ok(planes)
    }
}

/// Separates songs at 44.1 kHz with a file of weights.
///
/// The whole song is heard first: the network wants it at mean 0 and spread 1. Then memory holds
/// a segment and a half of it. What is found lags by a segment, 7.8 s.
pub struct HtdemucsSeparator {
    id: String,
    shared: Arc<Htdemucs>,
    channels: usize,
    chunks: Chunks,
    level: Level,
    /// Mean and spread of the song, once it is being separated.
    scale: Option<(f64, f64)>,
}

impl HtdemucsSeparator {
    /// A separator for songs of `channels` channels, one or two, named `id` in manifests.
    pub fn new(id: &str, shared: &Arc<Htdemucs>, channels: usize) -> Self {
        let sources: usize = shared.parts.iter().map(|(_, wanted)| wanted.len()).sum();
        HtdemucsSeparator {
            id: id.to_string(),
            shared: Arc::clone(shared),
            channels,
            chunks: Chunks::new(shared.segment, sources * CHANNELS),
            level: Level::default(),
            scale: None,
        }
    }

    fn scale(&mut self) -> (f64, f64) {
        *self.scale.get_or_insert(self.level.mean_and_spread())
    }

    /// Both channels of a block as the network wants them. Mono is heard on both sides.
    fn block(&self, mix: &[&[f32]], (mean, spread): (f64, f64)) -> [Vec<f32>; CHANNELS] {
        let frames = mix.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let side = |c: usize| match mix.get(c.min(self.channels.max(1) - 1)) {
            Some(channel) => channel[..frames]
                .iter()
                .map(|x| ((f64::from(tame(*x)) - mean) / spread) as f32)
                .collect(),
            None => vec![0.0; frames],
        };
        [side(0), side(1)]
    }

    fn work(&mut self, last: bool, found: &mut [Vec<f32>]) -> Result<()> {
        let (mean, spread) = self.scale();
        while let Some(segment) = self.chunks.next(last) {
            let (segment, planes) = self.shared.separate(segment)?;
            let mut ready = vec![Vec::new(); planes.len()];
            self.chunks.add(&segment, &planes, &mut ready);
            for (source, sides) in ready.chunks(CHANNELS).enumerate() {
                let out = &mut found[source * self.channels..][..self.channels];
                for (c, out) in out.iter_mut().enumerate() {
                    let whole = |x: f32| (f64::from(x) * spread + mean) as f32;
                    match self.channels {
                        1 => out.extend(
                            sides[0].iter().zip(&sides[1]).map(|(l, r)| whole((l + r) / 2.0)),
                        ),
                        _ => out.extend(sides[c].iter().map(|x| whole(*x))),
                    }
                }
            }
        }
        Ok(())
    }
}

impl Separator for HtdemucsSeparator {
    fn id(&self) -> &str {
        &self.id
    }

    fn hears_first(&self) -> bool {
        true
    }

    fn hearing(&self) -> f64 {
        0.01
    }

    fn hear(&mut self, mix: &[&[f32]]) -> Result<()> {
        self.level.hear(mix);
        Ok(())
    }

    fn process(&mut self, mix: &[&[f32]], found: &mut [Vec<f32>]) -> Result<()> {
        let scale = self.scale();
        let block = self.block(mix, scale);
        self.chunks.push(block.each_ref().map(Vec::as_slice));
        self.work(false, found)
    }

    fn finish(&mut self, found: &mut [Vec<f32>]) -> Result<()> {
        self.work(true, found)?;
        self.chunks.reset();
        (self.level, self.scale) = (Level::default(), None);
        Ok(())
    }
}

/// Mean and spread of the channels' mean.
#[derive(Default)]
struct Level {
    frames: f64,
    sum: f64,
    squares: f64,
}

impl Level {
    fn hear(&mut self, mix: &[&[f32]]) {
        let frames = mix.iter().map(|channel| channel.len()).min().unwrap_or(0);
        for i in 0..frames {
            let sum: f64 = mix.iter().map(|channel| f64::from(tame(channel[i]))).sum();
            let x = sum / mix.len() as f64;
            self.sum += x;
            self.squares += x * x;
        }
        self.frames += frames as f64;
    }

    fn mean_and_spread(&self) -> (f64, f64) {
        if self.frames == 0.0 {
            return (0.0, TYPICAL_LEVEL);
        }
        let mean = self.sum / self.frames;
        let squares = (self.squares - self.frames * mean * mean).max(0.0);
        (mean, (squares / (self.frames - 1.0).max(1.0)).sqrt() + TINY)
    }
}

#[cfg(test)]
mod tests;
