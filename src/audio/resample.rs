//! Streaming sample-rate conversion of exact length: through a filter of ours where the rate is
//! halved, which most songs' is for listening, and else through rubato's FFT resampler.

mod half;

use self::half::Half;
use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Indexing, Resampler as _};

use super::AudioBuffer;
use crate::base::{Error, ErrorKind, Result, SampleRate};

/// Input frames handed to the converter at a time, at least: transforms of that length pass more
/// than 0.45 of the lower rate.
const CHUNK: usize = 4_096;

/// Converts blocks of any size from one rate to another. The output has exactly
/// `round(frames * to / from)` frames and is aligned with the input.
pub struct Resampler {
    from: SampleRate,
    to: SampleRate,
    way: Way,
    taken: u64,
}

enum Way {
    /// Both rates agree: blocks pass untouched.
    Through,
    /// For each channel.
    Half(Vec<Half>),
    Fft(Box<Engine>),
}

struct Engine {
    fft: Fft<f32>,
    pending: AudioBuffer,
    scratch: AudioBuffer,
    /// Frames still to be dropped from the front: the filter's delay.
    skip: usize,
    given: u64,
}

impl Resampler {
    /// A converter for so many channels.
    ///
    /// # Errors
    /// `ErrorKind::Internal` where the library refuses the pair of rates.
    pub fn new(from: SampleRate, to: SampleRate, channels: usize) -> Result<Self> {
        let way = if from == to {
            Way::Through
        } else if from.hz() == 2 * to.hz() {
            Way::Half((0..channels).map(|_| Half::new()).collect())
        } else {
            Way::Fft(Box::new(Engine::new(from, to, channels)?))
        };
        Ok(Resampler { from, to, way, taken: 0 })
    }

    /// Takes a block and appends what is ready to `out`.
    ///
    /// # Errors
    /// `ErrorKind::Internal` where the library fails; it does not for planes of equal length.
    pub fn push(&mut self, block: &AudioBuffer, out: &mut AudioBuffer) -> Result<()> {
        self.taken += block.frames() as u64;
        match &mut self.way {
            Way::Through => out.extend(block),
            Way::Half(channels) => {
                let planes = channels.iter_mut().zip(&block.planes).zip(&mut out.planes);
                planes.for_each(|((half, from), to)| half.push(from, to));
            }
            Way::Fft(engine) => {
                engine.pending.extend(block);
                engine.run(out, u64::MAX)?;
            }
        }
        Ok(())
    }

    /// Appends the rest. The converter is spent afterwards.
    ///
    /// # Errors
    /// As `push`.
    pub fn finish(&mut self, out: &mut AudioBuffer) -> Result<()> {
        let (from, to) = (u128::from(self.from.hz()), u128::from(self.to.hz()));
        let total = ((u128::from(self.taken) * to + from / 2) / from) as u64;
        match &mut self.way {
            Way::Through => {}
            Way::Half(channels) => {
                channels.iter_mut().zip(&mut out.planes).for_each(|(half, to)| half.finish(to));
            }
            Way::Fft(engine) => {
                while engine.given < total {
                    engine.pending.extend_silence(engine.fft.input_frames_next());
                    engine.run(out, total)?;
                }
            }
        }
        Ok(())
    }
}

/// The shortest chunk that is not below [`CHUNK`] and has an even number of frames at both rates:
/// the filter's delay is half a chunk and must be a whole number of frames.
fn chunk(hz_in: usize, hz_out: usize) -> usize {
    let (mut unit, mut rest) = (hz_in, hz_out);
    while rest > 0 {
        (unit, rest) = (rest, unit % rest);
    }
    let shortest = hz_in / unit;
    shortest * CHUNK.div_ceil(shortest).next_multiple_of(2)
}

impl Engine {
    fn new(from: SampleRate, to: SampleRate, channels: usize) -> Result<Engine> {
        let (hz_in, hz_out) = (from.hz() as usize, to.hz() as usize);
        let window = rubato::WindowFunction::BlackmanHarris2;
        let fft = Fft::new_custom(
            hz_in,
            hz_out,
            chunk(hz_in, hz_out),
            1,
            channels,
            window,
            FixedSync::Both,
        )
        .map_err(|e| {
            Error::new(ErrorKind::Internal, format!("cannot convert {hz_in} Hz to {hz_out} Hz"))
                .because(e.to_string())
        })?;
        Ok(Engine {
            skip: fft.output_delay(),
            scratch: AudioBuffer::silence(channels, fft.output_frames_max()),
            pending: AudioBuffer::new(channels),
            fft,
            given: 0,
        })
    }

    /// Converts every whole chunk that is pending, giving out at most `limit` frames in all.
    fn run(&mut self, out: &mut AudioBuffer, limit: u64) -> Result<()> {
        let mut used = 0;
        while self.pending.frames() - used >= self.fft.input_frames_next() {
            used += self.convert(used)?;
            let made = self.scratch.frames();
            let skip = self.skip.min(made);
            self.skip -= skip;
            let keep = ((made - skip) as u64).min(limit - self.given) as usize;
            for (plane, from) in out.planes.iter_mut().zip(&self.scratch.planes) {
                plane.extend_from_slice(&from[skip..skip + keep]);
            }
            self.given += keep as u64;
        }
        self.pending.drop_front(used);
        Ok(())
    }

    /// Converts one chunk starting at pending frame `at` into `scratch`; returns frames used.
    fn convert(&mut self, at: usize) -> Result<usize> {
        let failed = |e: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Internal, "sample-rate conversion failed").because(e.to_string())
        };
        let (channels, frames) = (self.pending.channels(), self.pending.frames());
        let room = self.fft.output_frames_next();
        self.scratch.clear();
        self.scratch.extend_silence(room);
        let input = SequentialSliceOfVecs::new(&self.pending.planes, channels, frames)
            .map_err(|e| failed(&e))?;
        let mut output = SequentialSliceOfVecs::new_mut(&mut self.scratch.planes, channels, room)
            .map_err(|e| failed(&e))?;
        let place = Indexing::new().input_offset(at);
        let (used, made) = self
            .fft
            .process_into_buffer(&input, &mut output, Some(&place))
            .map_err(|e| failed(&e))?;
        self.scratch.truncate(made);
        Ok(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hz: f64, frames: usize) -> AudioBuffer {
        let step = std::f64::consts::TAU * hz / f64::from(rate);
        AudioBuffer { planes: vec![(0..frames).map(|i| (step * i as f64).sin() as f32).collect()] }
    }

    fn convert(input: &AudioBuffer, from: u32, to: u32, block: usize) -> AudioBuffer {
        let rate = |hz| SampleRate::new(hz).unwrap();
        let mut resampler = Resampler::new(rate(from), rate(to), 1).unwrap();
        let mut out = AudioBuffer::new(1);
        for part in input.planes[0].chunks(block) {
            resampler.push(&AudioBuffer { planes: vec![part.to_vec()] }, &mut out).unwrap();
        }
        resampler.finish(&mut out).unwrap();
        out
    }

    #[test]
    fn a_tone_stays_the_tone_in_place_and_in_length() {
        for (from, to) in [
            (44_100, 22_050),
            (48_000, 44_100),
            (48_000, 22_050),
            (96_000, 44_100),
            (22_050, 48_000),
            (8_000, 22_050),
            (4_000, 44_100),
            (44_101, 22_050),
        ] {
            let frames = from as usize * 2 + 17;
            let out = convert(&tone(from, 440.0, frames), from, to, 1_000);
            let want = (frames as f64 * f64::from(to) / f64::from(from)).round() as usize;
            assert_eq!(out.frames(), want);
            let truth = tone(to, 440.0, want);
            let inner = want / 5..want - want / 5;
            let worst =
                inner.map(|i| (out.planes[0][i] - truth.planes[0][i]).abs()).fold(0.0, f32::max);
            // A microsecond at 440 Hz makes 0.0028: half a frame would show at any rate.
            assert!(worst < 0.0014, "{from} -> {to}: {worst}");
        }
    }

    #[test]
    fn block_size_changes_nothing() {
        let input = tone(44_100, 1_000.0, 30_000);
        assert_eq!(convert(&input, 44_100, 22_050, 30_000), convert(&input, 44_100, 22_050, 311));
    }

    #[test]
    fn empty_and_tiny_inputs_have_exact_lengths() {
        for frames in [0, 1, 2, 3, 100] {
            let out = convert(&tone(44_100, 100.0, frames), 44_100, 22_050, 1);
            assert_eq!(out.frames(), (frames as f64 / 2.0).round() as usize);
        }
    }
}
