//! The last steps of all music we make: limiter, loudness, encoder, file.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::context::Context;
use crate::audio::AudioBuffer;
use crate::audio::encode::{Container, OutputTags};
use crate::audio::limiter::TruePeakLimiter;
use crate::audio::loudness::{LoudnessMeter, integrated};
use crate::base::{Decibels, Error, Event, Lufs, Result, SampleRate};
use crate::store::Pending;

/// True peak the output stays under, in dBTP: meters differ by a few hundredths, and none shall
/// read more than -1. Lossy encoders add a few tenths.
const CEILING: Decibels = Decibels(-1.1);
const LOSSY_CEILING: Decibels = Decibels(-1.6);
/// Blocks handed to the encoder together: threads that wake each other for every block get into
/// each other's way, which cost an hour of MP3 a tenth of its time on two cores.
const BATCH: usize = 16;
/// Batches made ahead, six seconds each: transitions are made more slowly than they are encoded,
/// and all else so much faster that the encoder need not wait for them.
const AHEAD: usize = 8;

/// A file to be made.
#[derive(Clone, Debug)]
pub struct Output {
    /// Where.
    pub path: PathBuf,
    /// What kind of file.
    pub container: Container,
    /// Frames a second.
    pub rate: SampleRate,
    /// One or two.
    pub channels: usize,
    /// What it says about itself.
    pub tags: OutputTags,
}

/// Makes a file of `total` frames out of blocks. `next` replaces its buffer by the next block, or
/// by an empty one at the end; it and the limiter run beside the encoder. The file appears when
/// it is whole. Gives its length in frames and its loudness.
///
/// # Errors
/// Those of `next`; `Io` where the file cannot be written.
pub fn write_output(
    context: &Context<'_>,
    output: &Output,
    total: u64,
    next: impl FnMut(&mut AudioBuffer) -> Result<()> + Send,
) -> Result<(u64, Lufs)> {
    let name = output.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    context.progress.report(Event::ItemStarted { item: &name });
    let pending = Pending::create(context.fs, &output.path)?;
    let (made, making) = sync_channel(AHEAD);
    let (frames, energies) = std::thread::scope(|scope| {
        let meter = scope.spawn(move || make(next, &made, output));
        // The channel is dropped at the end of this call, which frees the other if we fail.
        let frames = encode(context, output, &pending, making, &name, total)?;
        // Everything was encoded, so the meter has ended well.
        Ok::<_, Error>((frames, meter.join().unwrap_or_default()))
    })?;
    pending.commit()?;
    context.progress.report(Event::ItemDone { item: &name, note: "" });
    Ok((frames, integrated(&energies)))
}

type Batch = Result<Vec<AudioBuffer>>;

/// Sends what `next` gives, limited, an error last; and gives the energies of what it sent.
fn make(
    mut next: impl FnMut(&mut AudioBuffer) -> Result<()>,
    send: &SyncSender<Batch>,
    output: &Output,
) -> Vec<f32> {
    let ceiling = match output.container {
        Container::Wav(_) | Container::Flac => CEILING,
        Container::Mp3 | Container::Opus => LOSSY_CEILING,
    };
    let mut limiter = TruePeakLimiter::new(output.rate, output.channels, ceiling);
    let mut meter = LoudnessMeter::new(output.rate);
    let mut ended = false;
    let mut blocks = std::iter::from_fn(|| {
        if ended {
            return None;
        }
        let mut block = AudioBuffer::default();
        if let Err(error) = next(&mut block) {
            return Some(Err(error));
        }
        ended = block.is_empty();
        if ended {
            block = AudioBuffer::new(output.channels);
            limiter.finish(&mut block.planes);
        } else {
            limiter.process(&mut block.planes);
        }
        meter.push(&block);
        Some(Ok(block))
    });
    loop {
        let batch: Batch = blocks.by_ref().take(BATCH).collect();
        let last = batch.as_ref().map_or(true, |blocks| blocks.len() < BATCH);
        // Nobody listens any more where the other side failed.
        if send.send(batch).is_err() || last {
            break;
        }
    }
    meter.finish()
}

/// Encodes all blocks and gives their frames.
fn encode(
    context: &Context<'_>,
    output: &Output,
    pending: &Pending<'_>,
    batches: Receiver<Batch>,
    name: &str,
    total: u64,
) -> Result<u64> {
    let Output { path, container, rate, channels, tags } = output;
    let out = Box::new(pending.share());
    let encoder = container.encoder(out, *rate, *channels, tags);
    let mut encoder = encoder.map_err(|e| e.or_at(path))?;
    let mut done = 0u64;
    for batch in batches {
        for block in batch? {
            context.cancel.check()?;
            encoder.write(&block.slices()).map_err(|e| e.or_at(path))?;
            done += block.frames() as u64;
            let fraction = done as f64 / total.max(1) as f64;
            context.progress.report(Event::ItemProgress { item: name, fraction });
        }
    }
    encoder.finish().map_err(|e| e.or_at(path))?;
    Ok(done)
}
