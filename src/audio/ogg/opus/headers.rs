//! The two header packets (RFC 7845 section 5) and the decoder they ask for.

use opus_pure::{ChannelLayout, MAX_PACKET_SAMPLES, OpusDecoder, OpusHead, OpusMSDecoder};

use crate::audio::ogg::pages::word;
use crate::base::{Error, ErrorKind, Result};

pub(in crate::audio::ogg) const HEAD_MAGIC: &[u8; 8] = b"OpusHead";

/// Reads the identification header, section 5.1.
pub(super) fn parse_head(packet: &[u8]) -> Result<OpusHead> {
    if packet.len() < 19 || packet[8] >> 4 != 0 {
        return Err(unusable("its header is cut short or of an unknown version"));
    }
    let (channels, family) = (packet[9], packet[18]);
    let mut head = OpusHead {
        channel_count: channels,
        pre_skip: u16::from_le_bytes([packet[10], packet[11]]),
        input_sample_rate: word(packet, 12),
        output_gain_q8: i16::from_le_bytes([packet[16], packet[17]]),
        mapping_family: family,
        stream_count: 1,
        coupled_count: channels.saturating_sub(1),
        channel_mapping: Vec::new(),
    };
    if family != 0 {
        let table = packet.get(19..21 + usize::from(channels));
        let table = table.ok_or_else(|| unusable("its channel table is cut short"))?;
        head.stream_count = table[0];
        head.coupled_count = table[1];
        head.channel_mapping = table[2..].to_vec();
    }
    Ok(head)
}

/// A decoder for mono and stereo (family 0) or for up to eight channels (family 1).
pub(super) enum Decoder {
    Plain(Box<OpusDecoder>),
    Surround(Box<OpusMSDecoder>),
}

impl Decoder {
    pub fn new(head: &OpusHead) -> Result<Self> {
        let refused = |_| unusable("its channels are laid out in a way not known here");
        if head.mapping_family == 0 {
            return Ok(Decoder::Plain(Box::new(head.decoder(48_000).map_err(refused)?)));
        }
        let channels = usize::from(head.channel_count);
        let usual = ChannelLayout::surround(channels, head.mapping_family).map_err(refused)?;
        if channels > 8
            || usual.mapping != head.channel_mapping
            || usual.nb_streams != usize::from(head.stream_count)
            || usual.nb_coupled_streams != usize::from(head.coupled_count)
        {
            return Err(unusable("its channels are laid out in a way not known here"));
        }
        let mut decoder =
            OpusMSDecoder::new(48_000, channels, head.mapping_family).map_err(refused)?;
        for stream in decoder.streams_mut() {
            stream.gain_q8 = i32::from(head.output_gain_q8);
        }
        Ok(Decoder::Surround(Box::new(decoder)))
    }

    /// Decodes a packet to interleaved frames; `None` if it cannot be.
    pub fn decode(&mut self, packet: &[u8], output: &mut [f32]) -> Option<usize> {
        match self {
            Decoder::Plain(decoder) => decoder.decode(packet, MAX_PACKET_SAMPLES, output).ok(),
            Decoder::Surround(decoder) => decoder.decode(packet, MAX_PACKET_SAMPLES, output).ok(),
        }
    }
}

fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::Unusable, "cannot decode this Opus file").because(why)
}
