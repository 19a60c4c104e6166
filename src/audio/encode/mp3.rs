//! MP3 through LAME 3.100, with an ID3v2.4 tag in front and a LAME tag for gapless players.

use std::io::{BufWriter, Seek, SeekFrom, Write};

use mp3lame_encoder::{
    Bitrate, BuildError, Builder, DualPcm, EncodeError, Encoder as Lame, FlushGap, MonoPcm,
    Quality, VbrMode, max_required_buffer_size,
};

use super::id3::id3v2;
use super::resample::RateConverter;
use super::{Encoder, Output, OutputTags, check_channels, internal, write_failed};
use crate::base::{Error, ErrorKind, Result, SampleRate};

/// The rates of MPEG-1, MPEG-2 and MPEG-2.5 layer III.
const RATES: [u32; 9] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
/// Frames handed to LAME at a time.
const BLOCK: usize = 8 * 1152;
/// LAME's own preset level (`-q 3`): noise shaping without the slow searches.
const EFFORT: Quality = Quality::VeryNice;

/// How many bits the music may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mp3Quality {
    /// Variable rate, LAME's settings `-V 0` (best, about 245 kbit/s) to `-V 9`.
    Vbr(u8),
    /// Constant rate in kbit/s, one of those that MPEG-1 layer III knows.
    Cbr(u16),
}

/// An MP3 encoder for one or two channels. Rates MP3 does not know are resampled to 44 100 or
/// 48 000 Hz, whichever is the simpler ratio.
///
/// # Errors
/// `ErrorKind::Usage` for more than two channels, `ErrorKind::Io` if the tag cannot be written.
pub fn mp3(
    out: Box<dyn Output>,
    rate: SampleRate,
    channels: usize,
    quality: Mp3Quality,
    tags: &OutputTags,
) -> Result<Box<dyn Encoder>> {
    check_channels("MP3", channels, 2)?;
    let target = output_rate(rate)?;
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let head = id3v2(tags)?;
    out.write_all(&head).map_err(write_failed)?;
    let info_at = out.stream_position().map_err(write_failed)?;
    Ok(Box::new(Mp3 {
        converter: RateConverter::new(rate, target, channels)?,
        lame: lame(target, channels, quality, true)?,
        encoded: Vec::new(),
        out,
        info_at,
    }))
}

pub(super) fn output_rate(rate: SampleRate) -> Result<SampleRate> {
    match rate.hz() {
        hz if RATES.contains(&hz) => Ok(rate),
        hz if hz.is_multiple_of(11_025) => Ok(SampleRate::CD),
        _ => SampleRate::new(48_000),
    }
}

/// LAME, which leaves room for a LAME tag in front where `tagged`.
pub(super) fn lame(
    rate: SampleRate,
    channels: usize,
    quality: Mp3Quality,
    tagged: bool,
) -> Result<Lame> {
    let setup = |e: BuildError| internal("cannot set up LAME", e);
    let mut builder = Builder::new()
        .ok_or_else(|| Error::new(ErrorKind::Internal, "no memory for the MP3 encoder"))?;
    builder.set_num_channels(channels as u8).map_err(setup)?;
    builder.set_sample_rate(rate.hz()).map_err(setup)?;
    builder.set_output_sample_rate(rate.hz().try_into().ok()).map_err(setup)?;
    builder.set_quality(EFFORT).map_err(setup)?;
    builder.set_to_write_vbr_tag(tagged).map_err(setup)?;
    match quality {
        Mp3Quality::Vbr(level) => {
            builder.set_vbr_mode(VbrMode::Mtrh).map_err(setup)?;
            builder.set_vbr_quality(vbr_level(level)?).map_err(setup)?;
        }
        Mp3Quality::Cbr(kbps) => builder.set_brate(bitrate(kbps)?).map_err(setup)?,
    }
    builder.build().map_err(setup)
}

fn vbr_level(level: u8) -> Result<Quality> {
    use Quality::{
        Best, Decent, Good, NearBest, Nice, Ok as Okay, SecondBest, SecondWorst, VeryNice, Worst,
    };
    const LEVELS: [Quality; 10] =
        [Best, SecondBest, NearBest, VeryNice, Nice, Good, Decent, Okay, SecondWorst, Worst];
    LEVELS.get(usize::from(level)).copied().ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("MP3 knows no quality V{level}"))
            .because("it takes V0 (best) to V9")
    })
}

fn bitrate(kbps: u16) -> Result<Bitrate> {
    Ok(match kbps {
        32 => Bitrate::Kbps32,
        40 => Bitrate::Kbps40,
        48 => Bitrate::Kbps48,
        64 => Bitrate::Kbps64,
        80 => Bitrate::Kbps80,
        96 => Bitrate::Kbps96,
        112 => Bitrate::Kbps112,
        128 => Bitrate::Kbps128,
        160 => Bitrate::Kbps160,
        192 => Bitrate::Kbps192,
        224 => Bitrate::Kbps224,
        256 => Bitrate::Kbps256,
        320 => Bitrate::Kbps320,
        _ => {
            return Err(Error::new(ErrorKind::Usage, format!("MP3 knows no {kbps} kbit/s"))
                .because("it takes 32, 40, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256 or 320"));
        }
    })
}

struct Mp3 {
    converter: RateConverter,
    lame: Lame,
    encoded: Vec<u8>,
    out: BufWriter<Box<dyn Output>>,
    /// Where LAME's first, empty frame begins: the place of the LAME tag.
    info_at: u64,
}

impl Encoder for Mp3 {
    fn write(&mut self, planar: &[&[f32]]) -> Result<()> {
        let ready = self.converter.push(planar)?;
        encode(&mut self.lame, ready, &mut self.encoded, &mut self.out)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let rest = self.converter.finish()?;
        encode(&mut self.lame, rest, &mut self.encoded, &mut self.out)?;
        self.encoded.clear();
        self.encoded.reserve(max_required_buffer_size(BLOCK));
        self.lame.flush_to_vec::<FlushGap>(&mut self.encoded).map_err(failed)?;
        self.out.write_all(&self.encoded).map_err(write_failed)?;
        self.write_lame_tag()?;
        self.out.flush().map_err(write_failed)
    }
}

impl Mp3 {
    /// Puts length, delay and padding (the Xing or Info header with LAME's extension) over the
    /// frame that LAME left empty for it.
    fn write_lame_tag(&mut self) -> Result<()> {
        let mut tag = Vec::with_capacity(self.lame.lame_tag_size());
        if self.lame.lame_tag_encode_to_vec(&mut tag).is_none() {
            return Ok(());
        }
        let end = self.out.stream_position().map_err(write_failed)?;
        self.out.seek(SeekFrom::Start(self.info_at)).map_err(write_failed)?;
        self.out.write_all(&tag).map_err(write_failed)?;
        self.out.seek(SeekFrom::Start(end)).map_err(write_failed)?;
        Ok(())
    }
}

/// Writes what LAME makes of some frames.
pub(super) fn encode(
    lame: &mut Lame,
    planar: &[Vec<f32>],
    encoded: &mut Vec<u8>,
    out: &mut impl Write,
) -> Result<()> {
    let frames = planar[0].len();
    for start in (0..frames).step_by(BLOCK) {
        let block = start..(start + BLOCK).min(frames);
        encoded.clear();
        encoded.reserve(max_required_buffer_size(block.len()));
        match planar {
            [left, right] => {
                let pcm = DualPcm { left: &left[block.clone()], right: &right[block] };
                lame.encode_to_vec(pcm, encoded)
            }
            _ => lame.encode_to_vec(MonoPcm(&planar[0][block]), encoded),
        }
        .map_err(failed)?;
        out.write_all(encoded).map_err(write_failed)?;
    }
    Ok(())
}

fn failed(error: EncodeError) -> Error {
    internal("cannot encode MP3", error)
}
