//! Packets of one song, decoded, with the frame each begins at.

use std::path::Path;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::{Hint, Probe};
use symphonia::core::formats::well_known::{FORMAT_ID_ADTS, FORMAT_ID_ISOMP4, FORMAT_ID_MP3};
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::default::formats::{AdtsReader, MpaReader};
use symphonia::default::meta::{ApeReader, Id3v1Reader, Id3v2Reader};

use super::front::{self, Front, Spliced};
use super::mp4_edit::Edit;
use super::mpeg_reader::MpegPackets;
use super::{AudioBuffer, Tags};
use crate::base::{ByteSource, Error, ErrorKind, Limits, Result, SampleRate};

/// AAC frames an encoder puts before the music when the file does not say (FFmpeg, FDK: 1,024;
/// all MPEG-4 LC encoders delay by at least one such block).
pub(super) const AAC_DELAY: u64 = 1_024;

/// What reading one packet came to.
pub(super) enum Step {
    /// Frames were appended; they begin at this frame of the song.
    Frames(u64),
    /// A packet could not be decoded.
    Bad,
    /// A packet of another track: nothing for us.
    Other,
    /// The song is over.
    End,
}

/// Decoded packets in order, whatever reads them.
pub(super) trait Packets: Send {
    fn rate(&self) -> SampleRate;
    fn channels(&self) -> usize;
    /// The length the file claims.
    fn claimed_frames(&self) -> Option<u64>;
    fn format(&self) -> &'static str;
    fn tags(&self) -> &Tags;
    /// Frames of silence already put in for lost packets.
    fn filled_frames(&self) -> u64;
    /// Moves the origin so that the next packets follow what was given out.
    fn shift_origin(&mut self, frames: u64);
    /// Appends the frames of the next packet to `out`.
    fn next(&mut self, out: &mut AudioBuffer) -> Result<Step>;
}

/// Reads and decodes packets of the default sound track.
pub(super) struct PacketReader {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    rate: SampleRate,
    channels: usize,
    /// Frames of the song for one tick of the track's clock.
    frames_per_tick: f64,
    /// First tick of the music.
    origin: i64,
    edit: Edit,
    claimed: Option<u64>,
    is_mp4: bool,
    name: &'static str,
    tags: Tags,
    scratch: Vec<Vec<f32>>,
}

/// Opens a song of any format but Ogg.
pub(super) fn open(
    source: Box<dyn ByteSource>,
    path: &Path,
    limits: &Limits,
) -> Result<Box<dyn Packets>> {
    let Front { source, edit, claimed, known } = front::open(source, limits)?;
    let mut format = probe(source, known, path, limits)?;
    let mut tags = Tags::default();
    if let Some(revision) = format.metadata().skip_to_latest() {
        tags.absorb(revision, limits.max_tag_field_bytes);
    }
    let kind = format.format_info().format;
    if kind == FORMAT_ID_MP3 || kind == FORMAT_ID_ADTS {
        let params = audio_params(&*format)?.1.clone();
        let source = format.into_inner();
        return Ok(match kind {
            FORMAT_ID_MP3 => Box::new(MpegPackets::mp3(source, &params, tags)?),
            _ => Box::new(MpegPackets::aac(source, &params, tags)?),
        });
    }
    Ok(Box::new(PacketReader::new(format, tags, edit, claimed)?))
}

fn audio_params(format: &dyn FormatReader) -> Result<(&Track, &AudioCodecParameters)> {
    let nothing = || Error::new(ErrorKind::Unusable, "no audio in this file");
    let track = format.default_track(TrackType::Audio).ok_or_else(nothing)?;
    match &track.codec_params {
        Some(CodecParameters::Audio(params)) => Ok((track, params)),
        _ => Err(nothing()),
    }
}

impl PacketReader {
    fn new(
        format: Box<dyn FormatReader>,
        tags: Tags,
        edit: Option<Edit>,
        claimed: Option<u64>,
    ) -> Result<Self> {
        let (track, params) = audio_params(&*format)?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(params, &AudioDecoderOptions::default())
            .map_err(|e| unusable(&e))?;
        let rate = SampleRate::new(params.sample_rate.unwrap_or(0))?;
        let is_aac = params.codec == CODEC_ID_AAC;
        let frames_per_tick = track.time_base.map_or(1.0, |tb| {
            rate.as_f64() * f64::from(tb.numer.get()) / f64::from(tb.denom.get())
        });
        let is_mp4 = format.format_info().format == FORMAT_ID_ISOMP4;
        let edit = match edit {
            Some(edit) if is_aac || !is_mp4 => edit,
            _ if is_aac => Edit { delay: AAC_DELAY, ..Edit::default() },
            // Other codecs in MP4 files have no delay to cut.
            _ => Edit::default(),
        };
        // Files in fragments say 0 and mean that they do not know yet.
        let frames = track.num_frames.filter(|&n| n > 0);
        let edit = Edit { length: edit.length_in(frames), ..edit };
        let mut reader = PacketReader {
            track: track.id,
            rate,
            channels: params.channels.as_ref().map_or(0, |c| c.count()),
            frames_per_tick,
            origin: track.start_ts.get().max(0),
            edit,
            claimed: claimed.or(edit.length).or(frames.map(|n| n.saturating_sub(edit.delay))),
            is_mp4,
            name: format.format_info().short_name,
            tags,
            scratch: Vec::new(),
            format,
            decoder,
        };
        reader.learn_channels()?;
        Ok(reader)
    }

    /// Some files only tell their channels once a packet is decoded.
    fn learn_channels(&mut self) -> Result<()> {
        if self.channels == 0 {
            let params = self.decoder.codec_params();
            self.channels = params.channels.as_ref().map_or(0, |c| c.count());
        }
        if self.channels == 0 {
            return Err(Error::new(
                ErrorKind::Unusable,
                "the file does not say how many channels it has",
            ));
        }
        Ok(())
    }

    /// Cuts encoder delay and padding and says where the rest belongs.
    fn trim(&mut self, tick: i64, ticks: u64, out: &mut AudioBuffer) -> Step {
        let start = ((tick - self.origin) as f64 * self.frames_per_tick).round() as i64
            - self.edit.delay as i64;
        let frames = self.scratch.first().map_or(0, Vec::len) as i64;
        // The last packet of an MP4 track says how much of it is music.
        let frames = match self.is_mp4 {
            true => frames.min((ticks as f64 * self.frames_per_tick).round() as i64),
            false => frames,
        };
        let end = self.edit.length.map_or(i64::MAX, |n| n as i64).min(start + frames);
        let from = (-start).clamp(0, frames) as usize;
        let to = (end - start).clamp(from as i64, frames) as usize;
        for (plane, fresh) in out.planes.iter_mut().zip(&self.scratch) {
            plane.extend_from_slice(&fresh[from..to]);
        }
        Step::Frames(start.max(0) as u64)
    }
}

impl Packets for PacketReader {
    fn rate(&self) -> SampleRate {
        self.rate
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn claimed_frames(&self) -> Option<u64> {
        self.claimed
    }

    fn format(&self) -> &'static str {
        self.name
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filled_frames(&self) -> u64 {
        0
    }

    fn shift_origin(&mut self, frames: u64) {
        self.origin += (frames as f64 / self.frames_per_tick).round() as i64;
    }

    fn next(&mut self, out: &mut AudioBuffer) -> Result<Step> {
        let packet = match self.format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(Step::End),
            // A truncated file ends early; what came before is sound.
            Err(SymphoniaError::IoError(e)) if is_end(&e) => return Ok(Step::End),
            Err(SymphoniaError::IoError(e)) => return Err(read_failed(e)),
            Err(SymphoniaError::DecodeError(_)) => return Ok(Step::Bad),
            Err(SymphoniaError::ResetRequired) => return Ok(Step::End),
            Err(e) => return Err(unusable(&e)),
        };
        if packet.track_id != self.track {
            return Ok(Step::Other);
        }
        let tick = packet.pts.get().saturating_add(packet.trim_start.get() as i64);
        match self.decoder.decode(&packet) {
            Ok(decoded) if decoded.num_planes() == self.channels => {
                decoded.copy_to_vecs_planar(&mut self.scratch);
                Ok(self.trim(tick, packet.dur.get(), out))
            }
            Ok(_) | Err(_) => Ok(Step::Bad),
        }
    }
}

pub(super) fn read_failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "reading failed").because(error.to_string()).caused_by(error)
}

fn is_end(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::UnexpectedEof
}

/// Finds the reader for a file. One whose head is not known can only be a bare stream: the other
/// readers would believe whatever a head says about sizes.
fn probe(
    source: Spliced,
    known: bool,
    path: &Path,
    limits: &Limits,
) -> Result<Box<dyn FormatReader>> {
    let mut hint = Hint::new();
    if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
        hint.with_extension(extension);
    }
    let tags = MetadataOptions::default()
        .limit_tag_bytes(Limit::Maximum(limits.max_tag_bytes))
        .limit_visual_bytes(Limit::Maximum(0));
    let stream = MediaSourceStream::new(Box::new(source), Default::default());
    let mut bare = Probe::new();
    bare.register_format::<AdtsReader<'_>>();
    bare.register_format::<MpaReader<'_>>();
    bare.register_metadata::<ApeReader<'_>>();
    bare.register_metadata::<Id3v1Reader<'_>>();
    bare.register_metadata::<Id3v2Reader<'_>>();
    let probe = if known { symphonia::default::get_probe() } else { &bare };
    probe.probe(&hint, stream, FormatOptions::default(), tags).map_err(|e| unusable(&e))
}

pub(super) fn unusable(error: &SymphoniaError) -> Error {
    let error_text = error.to_string();
    let why = match error {
        SymphoniaError::Unsupported(_) => {
            "not an audio format this program reads (mp3, m4a, flac, ogg, opus, wav, aiff)"
                .to_string()
        }
        _ => error_text,
    };
    Error::new(ErrorKind::Unusable, "cannot read as audio").because(why)
}
