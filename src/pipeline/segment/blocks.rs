//! The layers of a song in lockstep, from memory when it was heard before and is short enough.

use crate::audio::wav::WavReader;
use crate::audio::{AudioBuffer, Decoder, Resampler, Tags};
use crate::base::{ByteSource, Error, ErrorKind, Event, Result, SampleRate};
use crate::corpus::Layer;
use crate::pipeline::context::Context;
use crate::pipeline::separate::StemsRecord;
use crate::pipeline::songs::{SongInput, Sound, unusable_input};

/// Decoded sound kept between the two passes, per song in work: about three minutes of stereo at
/// 44.1 kHz. Longer songs are decoded twice, so memory does not grow with their length.
const KEEP_BYTES: usize = 60 << 20;
/// Frames taken at a time from files of ours.
const BLOCK: usize = 8_192;

/// What `next` came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// One block of every layer.
    Block,
    /// The song is over.
    End,
}

type WavTap = WavReader<std::io::BufReader<Box<dyn ByteSource>>>;

enum Tap {
    Song(Box<Decoder>),
    Wav(Box<WavTap>),
}

impl Tap {
    /// Replaces `block` by the next one; tells whether there is more.
    fn next(&mut self, channels: usize, block: &mut AudioBuffer) -> Result<bool> {
        block.planes.resize(channels, Vec::new());
        block.clear();
        match self {
            Tap::Song(decoder) => decoder.next_block(block).map_err(unusable_input),
            Tap::Wav(reader) => {
                let read = reader.read(BLOCK, block).map_err(|e| {
                    let short = e.kind() == std::io::ErrorKind::UnexpectedEof;
                    let what = if short { "a stem is cut short" } else { "cannot read a stem" };
                    Error::new(ErrorKind::Unusable, what).because(e.to_string())
                })?;
                Ok(read > 0)
            }
        }
    }
}

/// Reads all layers of a song block by block, at one rate.
pub struct Blocks<'a> {
    context: Context<'a>,
    song: &'a SongInput,
    /// The files of each layer, which are added up.
    taps: Vec<Vec<Tap>>,
    resamplers: Vec<Resampler>,
    target: Option<SampleRate>,
    rate: SampleRate,
    /// Rate of the files.
    own_rate: SampleRate,
    channels: usize,
    tags: Tags,
    claimed: Option<u64>,
    kept: Option<Vec<Vec<AudioBuffer>>>,
    kept_bytes: usize,
    /// What the layers of the last block were made from, where they were converted.
    raw: Vec<AudioBuffer>,
    /// The block of a file that is added to its layer.
    more: AudioBuffer,
    ended: bool,
}

impl<'a> Blocks<'a> {
    /// Opens a song; `target` converts it to another rate.
    ///
    /// # Errors
    /// As the decoder; `Unusable` where two stems do not match.
    pub fn open(
        context: &Context<'a>,
        song: &'a SongInput,
        target: Option<SampleRate>,
    ) -> Result<Self> {
        let mut blocks = Blocks {
            context: *context,
            song,
            taps: Vec::new(),
            resamplers: Vec::new(),
            target,
            rate: SampleRate::CD,
            own_rate: SampleRate::CD,
            channels: 2,
            tags: Tags::default(),
            claimed: None,
            kept: Some(Vec::new()),
            kept_bytes: 0,
            raw: Vec::new(),
            more: AudioBuffer::default(),
            ended: false,
        };
        blocks.connect()?;
        Ok(blocks)
    }

    /// Opens a song that will be heard only once, so nothing of it is kept.
    ///
    /// # Errors
    /// As `open`.
    pub fn once(context: &Context<'a>, song: &'a SongInput) -> Result<Self> {
        let blocks = Blocks::open(context, song, None)?;
        Ok(Blocks { kept: None, ..blocks })
    }

    fn connect(&mut self) -> Result<()> {
        let tap = |path| open_tap(&self.context, path);
        self.taps = match &self.song.sound {
            Sound::Song(path) => vec![vec![tap(path)?]],
            Sound::Stems { drums, rest, .. } => {
                vec![vec![tap(drums)?], rest.iter().map(|path| tap(path)).collect::<Result<_>>()?]
            }
        };
        let shape = |tap: &Tap| match tap {
            Tap::Song(d) => Ok((d.rate(), d.channels(), d.claimed_frames())),
            Tap::Wav(w) => {
                let info = w.info();
                Ok((SampleRate::new(info.rate)?, info.channels, Some(info.frames)))
            }
        };
        self.check_stems(|reader, record, _| {
            let info = reader.info();
            let frames = info.frames == record.frames.0;
            frames && info.rate == record.rate.hz() && info.channels == record.channels
        })?;
        let (rate, channels, claimed) = shape(&self.taps[0][0])?;
        for tap in self.taps.iter().flatten() {
            if shape(tap)?.0 != rate || shape(tap)?.1 != channels {
                return Err(unequal("rate or channels"));
            }
        }
        if let Tap::Song(decoder) = &self.taps[0][0] {
            self.tags = decoder.tags().clone();
        }
        if let Sound::Stems { record: Some(record), .. } = &self.song.sound {
            self.tags = record.tags.clone();
        }
        self.rate = self.target.unwrap_or(rate);
        self.own_rate = rate;
        (self.channels, self.claimed, self.ended) = (channels, claimed, false);
        let resampler = |_: &Vec<Tap>| Resampler::new(rate, self.rate, channels);
        self.resamplers = self.taps.iter().map(resampler).collect::<Result<_>>()?;
        Ok(())
    }

    /// Holds stems of ours against their record.
    fn check_stems(&self, same: impl Fn(&WavTap, &StemsRecord, usize) -> bool) -> Result<()> {
        let Sound::Stems { drums, rest, record: Some(record) } = &self.song.sound else {
            return Ok(());
        };
        let paths = std::iter::once(drums).chain(rest);
        for (i, (tap, path)) in self.taps.iter().flatten().zip(paths).enumerate() {
            if !matches!(tap, Tap::Wav(reader) if same(reader, record, i)) {
                let why = "it is not the stem that was made; remix separate makes it again";
                return Err(Error::corrupt(path, why, "remix separate"));
            }
        }
        Ok(())
    }

    /// The layers, drums first where there are stems.
    pub fn layers(&self) -> Vec<Layer> {
        match self.song.sound {
            Sound::Song(_) => vec![Layer::Mix],
            Sound::Stems { .. } => vec![Layer::Drums, Layer::Other],
        }
    }

    /// Rate of the blocks.
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Rate of the files, at which songs are heard: what is known of them shall not depend on how
    /// they are cut.
    pub fn own_rate(&self) -> SampleRate {
        self.own_rate
    }

    /// What `layers`, just taken, were before they were converted.
    pub fn unconverted<'b>(&'b self, layers: &'b [AudioBuffer]) -> &'b [AudioBuffer] {
        if self.target.is_some() { &self.raw } else { layers }
    }

    /// Channels of every layer.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Title, artist and the like.
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// Replaces `layers` by the next block of each; at the end they are empty.
    ///
    /// # Errors
    /// As the decoder; `Unusable` where one stem ends before the other.
    pub fn next(&mut self, layers: &mut Vec<AudioBuffer>) -> Result<Taken> {
        layers.resize(self.taps.len(), AudioBuffer::default());
        if self.target.is_some() {
            self.raw.resize(self.taps.len(), AudioBuffer::new(self.channels));
            self.raw.iter_mut().for_each(AudioBuffer::clear);
        }
        loop {
            if self.ended {
                layers.iter_mut().for_each(AudioBuffer::clear);
                self.check_stems(|reader, record, i| {
                    record.stems.get(i) == Some(&reader.digest())
                })?;
                return Ok(Taken::End);
            }
            for (i, layer) in layers.iter_mut().enumerate() {
                self.fill(i, layer)?;
            }
            let frames = layers[0].frames();
            if layers.iter().any(|l| l.frames() != frames) {
                return Err(unequal("length"));
            }
            if frames > 0 {
                return Ok(Taken::Block);
            }
        }
    }

    fn fill(&mut self, at: usize, layer: &mut AudioBuffer) -> Result<()> {
        let (first, others) = self.taps[at].split_first_mut().expect("every layer has a file");
        let more = first.next(self.channels, layer)?;
        for tap in others {
            let as_long = tap.next(self.channels, &mut self.more)? == more;
            if !as_long || self.more.frames() != layer.frames() {
                return Err(unequal("length"));
            }
            layer.add(&self.more);
        }
        self.ended = !more;
        if self.target.is_some() {
            self.raw[at].extend(layer);
            let mut converted = AudioBuffer::new(self.channels);
            self.resamplers[at].push(layer, &mut converted)?;
            if !more {
                self.resamplers[at].finish(&mut converted)?;
            }
            *layer = converted;
        }
        Ok(())
    }

    /// Whether there is one layer, and that as the file has it.
    pub fn is_plain(&self) -> bool {
        self.taps.len() == 1 && self.target.is_none()
    }

    /// Remembers a block for [`Blocks::again`], as long as there is room.
    pub fn keep(&mut self, layers: &mut Vec<AudioBuffer>) {
        let bytes: usize = layers.iter().map(|l| l.frames() * l.channels() * 4).sum();
        self.kept_bytes += bytes;
        if self.kept_bytes > KEEP_BYTES {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(std::mem::take(layers));
        }
    }

    /// Gives the whole song to `each` a second time.
    ///
    /// # Errors
    /// As `next` and as `each`.
    pub fn again(&mut self, mut each: impl FnMut(&[AudioBuffer], f64) -> Result<()>) -> Result<()> {
        if let Some(kept) = self.kept.take() {
            let count = kept.len().max(1) as f64;
            for (i, layers) in kept.into_iter().enumerate() {
                each(&layers, i as f64 / count)?;
            }
            return Ok(());
        }
        self.kept_bytes = KEEP_BYTES;
        self.connect()?;
        let (mut layers, mut done) = (Vec::new(), 0u64);
        while self.next(&mut layers)? == Taken::Block {
            done += layers[0].frames() as u64;
            let all = self.claimed_here().unwrap_or(done).max(done);
            each(&layers, done as f64 / all as f64)?;
        }
        Ok(())
    }

    fn claimed_here(&self) -> Option<u64> {
        let from = match &self.taps.first()?.first()? {
            Tap::Song(d) => d.rate(),
            Tap::Wav(w) => SampleRate::new(w.info().rate).ok()?,
        };
        self.claimed.map(|n| (n as f64 * self.rate.as_f64() / from.as_f64()) as u64)
    }

    /// Reports how far the first pass is, as a share `from..to` of the whole item.
    pub fn report(&self, context: &Context<'_>, name: &str, frames: u64, from: f64, to: f64) {
        if let Some(all) = self.claimed_here().filter(|&all| all > 0) {
            let fraction = from + (to - from) * (frames as f64 / all as f64).min(1.0);
            context.progress.report(Event::ItemProgress { item: name, fraction });
        }
    }

    /// What is worth knowing about the input once it was read.
    pub fn note(&self) -> String {
        let first = self.taps.first().and_then(|layer| layer.first());
        let Some(Tap::Song(decoder)) = first else { return String::new() };
        let damage = decoder.damage();
        let seconds = |frames: u64| frames as f64 / decoder.rate().as_f64();
        let mut notes = Vec::new();
        if damage.bad_packets > 0 || damage.gap_frames > 0 {
            notes.push(format!(
                "damaged: {} packets lost, {:.2} s of silence put in",
                damage.bad_packets,
                seconds(damage.gap_frames)
            ));
        }
        if seconds(damage.missing_frames) > 0.5 {
            notes.push(format!("cut short: {:.1} s are missing", seconds(damage.missing_frames)));
        }
        if damage.bad_samples > 0 {
            notes.push(format!("{} samples were not numbers", damage.bad_samples));
        }
        notes.join("; ")
    }
}

fn unequal(what: &str) -> Error {
    Error::new(ErrorKind::Unusable, "the stems do not match")
        .because(format!("they differ in {what}"))
}

fn open_tap(context: &Context<'_>, path: &std::path::Path) -> Result<Tap> {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    let unreadable = |e: std::io::Error| {
        Error::new(ErrorKind::Unusable, "cannot read").at(path).because(e.to_string())
    };
    let file = context.fs.open(path).map_err(unreadable)?;
    // Files of ours are read in whole blocks, and RF64 stems can be read by nobody else.
    match WavReader::new(std::io::BufReader::with_capacity(1 << 16, file)) {
        // More than two channels are for the decoder to fold.
        Ok(reader) if reader.info().channels <= 2 => {
            return Ok(Tap::Wav(Box::new(reader.hashed())));
        }
        Ok(_) => {}
        Err(e) if matches!(e.kind(), InvalidData | UnexpectedEof) => {}
        Err(e) => return Err(unreadable(e)),
    }
    let file = context.fs.open(path).map_err(unreadable)?;
    let decoder = Decoder::from_source(file, path, context.limits).map_err(unusable_input)?;
    Ok(Tap::Song(Box::new(decoder)))
}
