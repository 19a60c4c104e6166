//! Streams are cut anywhere and decoded by a decoder that does not know how they were made.

use flac_codec::decode::FlacStreamReader;

use super::*;
use crate::audio::{AudioBuffer, Decoder};
use crate::base::Limits;

const RATE: SampleRate = SampleRate::CD;

/// A chord that moves, so that every moment differs from every other.
fn music(frames: usize) -> Vec<Vec<f32>> {
    let sound = |f: f64| {
        let at = move |i: usize| {
            let t = i as f64 / 44_100.0;
            0.3 * (std::f64::consts::TAU * (f * t + 20.0 * t * t)).sin()
        };
        (0..frames).map(|i| at(i) as f32).collect()
    };
    vec![sound(220.0), sound(331.0)]
}

struct Stream {
    format: Format,
    encoder: Box<dyn LiveEncoder>,
    packets: Vec<Packet>,
}

fn stream(text: &str, sound: &[Vec<f32>]) -> Stream {
    let format: Format = text.parse().unwrap();
    let mut encoder = format.encoder(RATE, "test").unwrap();
    let mut packets = Vec::new();
    let mut at = 0;
    // Blocks of many lengths: packets must not care.
    for length in [1usize, 1_000, 16_384, 5_000].iter().cycle() {
        let end = (at + length).min(sound[0].len());
        let planar: Vec<&[f32]> = sound.iter().map(|c| &c[at..end]).collect();
        encoder.encode(&planar, &mut packets).unwrap();
        at = end;
        if at == sound[0].len() {
            return Stream { format, encoder, packets };
        }
    }
    unreachable!()
}

/// What a listener gets who begins with a packet.
fn sent(stream: &Stream, from: usize) -> Vec<u8> {
    let before = from.checked_sub(1).map(|i| &stream.packets[i]);
    let header = stream.encoder.header();
    let mut bytes = stream.format.opening(&header, before, &stream.packets[from]).to_vec();
    stream.packets[from..].iter().for_each(|p| bytes.extend_from_slice(&p.bytes));
    bytes
}

/// What bytes sound like.
fn decoded(bytes: &[u8], extension: &str) -> AudioBuffer {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("heard.{extension}"));
    std::fs::write(&path, bytes).unwrap();
    let mut decoder = Decoder::open(&path, &Limits::default()).unwrap();
    let (mut all, mut block) = (AudioBuffer::new(2), AudioBuffer::new(2));
    while decoder.next_block(&mut block).unwrap() {
        all.extend(&block);
    }
    all
}

#[test]
fn packets_are_a_fifth_of_a_second_and_lose_no_time() {
    let sound = music(10 * 44_100);
    for text in ["mp3", "mp3:320", "mp3:V2", "opus", "flac"] {
        let stream = stream(text, &sound);
        let rate = stream.encoder.rate().as_f64();
        let seconds = |p: &Packet| p.frames as f64 / rate;
        assert!(stream.packets.iter().all(|p| (0.05..0.45).contains(&seconds(p))), "{text}");
        let whole: f64 = stream.packets.iter().map(seconds).sum();
        assert!((9.3..=10.0).contains(&whole), "{text}: {whole}");
    }
}

/// Both sounds end at the same moment; the last `count` frames of both are the same.
fn assert_same_end(whole: &AudioBuffer, joined: &AudioBuffer, count: usize, case: &str) {
    for (whole, joined) in whole.planes.iter().zip(&joined.planes) {
        let (whole, joined) = (&whole[whole.len() - count..], &joined[joined.len() - count..]);
        let apart = whole.iter().zip(joined).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-4, "{case}: {apart}");
    }
}

#[test]
fn a_listener_may_begin_with_any_packet_and_misses_nothing_of_it() {
    let sound = music(4 * 44_100);
    for text in ["mp3:64", "mp3:128", "mp3:192", "mp3:320", "mp3:V0", "mp3:V4"] {
        let stream = stream(text, &sound);
        let extension = stream.format.extension();
        let whole = decoded(&sent(&stream, 0), extension);
        for from in [1, 2, 5, 9, 13] {
            let joined = decoded(&sent(&stream, from), extension);
            let count: u64 = stream.packets[from..].iter().map(|p| p.frames).sum();
            // The first MP3 frame overlaps with one that the listener did not get.
            let count = count as usize - 1_152 - 529;
            assert_same_end(&whole, &joined, count, &format!("{text} from {from}"));
        }
    }
}

#[test]
fn flac_packets_are_exact_and_each_stands_alone() {
    let sound = music(2 * 44_100);
    let stream = stream("flac", &sound);
    let mut at = 0;
    for packet in &stream.packets {
        let mut reader = FlacStreamReader::new(&packet.bytes[..]);
        while let Ok(block) = reader.read() {
            assert_eq!((block.sample_rate, block.bits_per_sample), (44_100, 16));
            for frame in block.samples.chunks_exact(2) {
                for (channel, step) in frame.iter().enumerate() {
                    let wrong = *step as f32 - 32_768.0 * sound[channel][at];
                    assert!(wrong.abs() < 1.6, "a dithered step is off by {wrong}");
                }
                at += 1;
            }
        }
    }
    assert_eq!(at as u64, stream.packets.iter().map(|p| p.frames).sum::<u64>());
    // The header is one that decoders take.
    let header = stream.encoder.header();
    let whole = decoded(&[&header[..], &stream.packets[0].bytes].concat(), "flac");
    assert_eq!(whole.frames() as u64, stream.packets[0].frames);
}

#[test]
fn what_an_mp3_stream_opens_with_is_silent() {
    let stream = stream("mp3:128", &music(3 * 44_100));
    let openings = (1..10).map(|from| {
        let (before, first) = (&stream.packets[from - 1], &stream.packets[from]);
        stream.format.opening(&Bytes::new(), Some(before), first)
    });
    let openings: Vec<Bytes> = openings.filter(|opening| !opening.is_empty()).collect();
    assert!(!openings.is_empty(), "no frame needed the one before");
    let silence = decoded(&openings.concat(), "mp3");
    assert_eq!(silence.frames(), openings.len() * 1_152);
    assert!(silence.planes.iter().flatten().all(|x| x.abs() < 1e-6));
}

#[test]
fn an_opus_listener_gets_the_headers_and_whole_pages() {
    let stream = stream("opus:96", &music(6 * 44_100));
    for packet in &stream.packets {
        assert_eq!(&packet.bytes[..4], b"OggS");
    }
    // Our own decoder takes what is not there for damage; this one plays what comes.
    let bytes = sent(&stream, 10);
    let mut reader = opus_pure::OggOpusReader::new(&bytes[..]).unwrap();
    let mut decoder = reader.head().decoder(48_000).unwrap();
    let (mut sound, mut peak, mut frames) = (vec![0f32; 2 * 5_760], 0f32, 0);
    while let Some(packet) = reader.read_packet().unwrap() {
        let got = decoder.decode(&packet.data, 5_760, &mut sound).unwrap();
        frames += got;
        peak = sound[..2 * got].iter().fold(peak, |peak, x| peak.max(x.abs()));
    }
    let sent: u64 = stream.packets[10..].iter().map(|p| p.frames).sum();
    assert_eq!(frames as u64, sent);
    assert!((0.2..0.5).contains(&peak), "{peak}");
}

#[test]
fn formats_are_named_shortly_and_refused_clearly() {
    assert_eq!("mp3:192".parse::<Format>().unwrap(), Format::Mp3(Mp3Quality::Cbr(192)));
    assert_eq!("mp3:v2".parse::<Format>().unwrap(), Format::Mp3(Mp3Quality::Vbr(2)));
    assert_eq!("opus:64".parse::<Format>().unwrap(), Format::Opus(64_000));
    for wrong in ["", "wav", "mp3:", "mp3:100", "mp3:V11", "opus:x", "opus:9999999", "flac:8"] {
        let error = wrong.parse::<Format>();
        assert!(error.is_err() || wrong == "mp3:", "{wrong}");
    }
}

#[test]
fn a_stream_of_others_is_split_into_the_same_packets_whatever_comes_before_it() {
    let stream = stream("mp3:128", &music(3 * 44_100));
    let mut bytes = b"\xff\xfbgarbage \xff\xff".to_vec();
    stream.packets.iter().for_each(|p| bytes.extend_from_slice(&p.bytes));
    for piece in [1, 417, 10_000] {
        let mut splitter = Mp3Splitter::default();
        let found: Vec<Packet> = bytes.chunks(piece).flat_map(|b| splitter.push(b)).collect();
        assert_eq!(found, stream.packets, "in pieces of {piece}");
        assert_eq!(splitter.rate(), Some(RATE));
    }
    let mut splitter = Mp3Splitter::default();
    assert!(splitter.push(&vec![0xffu8; 100_000]).is_empty());
    assert!(splitter.push(&vec![0u8; 100_000]).is_empty());
}

#[test]
fn streams_are_taken_apart_into_the_packets_they_were_made_of() {
    let sound = music(6 * 44_100);
    for text in ["mp3", "mp3:V4", "opus", "opus:48", "flac"] {
        let stream = stream(text, &sound);
        let mut bytes = stream.encoder.header().to_vec();
        stream.packets.iter().for_each(|packet| bytes.extend_from_slice(&packet.bytes));
        for piece in [1, 700, 16_384, usize::MAX] {
            let mut splitter = Splitter::new(stream.format);
            let pieces: Vec<Piece> =
                bytes.chunks(piece.min(bytes.len())).flat_map(|some| splitter.push(some)).collect();
            let (mut header, mut again, mut frames) = (Vec::new(), Vec::new(), 0);
            for piece in pieces {
                match piece {
                    Piece::Header(bytes) => header.push(bytes),
                    Piece::Packet(packet) => {
                        again.extend_from_slice(&packet.bytes);
                        frames += packet.frames;
                    }
                }
            }
            let due = stream.encoder.header();
            let due = if due.is_empty() { Vec::new() } else { vec![due] };
            assert_eq!(header, due, "{text}");
            // The last frames may have to wait for what follows them.
            let whole = &bytes[stream.encoder.header().len()..];
            assert!(whole.starts_with(&again), "{text}");
            assert!(again.len() + 16_000 > whole.len(), "{text}: {} bytes", again.len());
            let seconds = frames as f64 / stream.encoder.rate().as_f64();
            assert!((5.0..=6.1).contains(&seconds), "{text}: {seconds} s");
        }
    }
}

#[test]
fn a_stream_that_is_taken_apart_from_the_middle_on_has_the_same_packets() {
    let sound = music(6 * 44_100);
    for (text, together) in [("opus", 1), ("flac", 2)] {
        let stream = stream(text, &sound);
        // As a relay gets it.
        let pieces = Splitter::new(stream.format).push(&sent(&stream, 7));
        let whole = pieces.iter().map(|piece| match piece {
            Piece::Header(bytes) => bytes.clone(),
            Piece::Packet(packet) => packet.bytes.clone(),
        });
        let whole: Vec<Bytes> = whole.collect();
        assert_eq!(whole[0], stream.encoder.header(), "{text}");
        let later = [&whole[..1], &whole[1 + 4 * together..]].concat().concat();
        assert!(sent(&stream, 11).starts_with(&later), "{text}");
        assert!(pieces.len() > 10, "{text}: {}", pieces.len());
    }
}

#[test]
fn noise_is_taken_apart_into_nothing_and_does_no_harm() {
    let mut state = 1u32;
    let noise: Vec<u8> = (0..600_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    for text in ["mp3", "opus", "flac"] {
        let mut splitter = Splitter::new(text.parse().unwrap());
        let marks: [&[u8]; 3] = [b"OggS\0\x02", b"fLaC\x80\0\0\x01x\xff\xf8", b"OggS\0\0"];
        for (i, some) in noise.chunks(5_000).enumerate() {
            splitter.push(some);
            splitter.push(marks[i % 3]);
        }
    }
}

#[test]
fn a_flac_stream_that_never_goes_on_is_not_kept_for_ever() {
    // Metadata of which each block is followed by another.
    let header = [&b"fLaC"[..], &[1, 0, 0, 28]].concat();
    let endless = [&[1, 0, 0, 28][..], &[0; 28]].concat().repeat(20_000);
    // Frames of which none is the next: the same number again and again.
    let stuck = [0xff, 0xf8, 0x19, 0x18, 7, 0xf8].repeat(100_000);
    for (header, rest) in [(header, endless), (b"fLaC\x81\0\0\0".to_vec(), stuck)] {
        let mut splitter = Splitter::new(Format::Flac);
        let mut found = splitter.push(&header);
        for piece in rest.chunks(16 << 10) {
            found.extend(splitter.push(piece));
            let waiting = splitter.waiting();
            assert!(waiting <= (128 << 10) + piece.len(), "{waiting} bytes are held back");
        }
        assert!(found.iter().all(|piece| matches!(piece, Piece::Header(_))));
    }
}
