use std::io::{Cursor, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex};

use lofty::file::TaggedFileExt;
use lofty::probe::Probe;
use lofty::tag::ItemKey;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::TrackType;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;

use super::*;
use crate::audio::{AudioBuffer, Decoder};
use crate::base::{Draws, Limits, SampleRate, Seed};

/// A file in memory that can still be read after the encoder has eaten its half.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Cursor<Vec<u8>>>>);

impl Memory {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().get_ref().clone()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Memory {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.lock().unwrap().seek(to)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Flac(BitDepth),
    Mp3(Mp3Quality),
    Opus(u32),
}

const FORMATS: [Format; 6] = [
    Format::Flac(BitDepth::TwentyFour),
    Format::Flac(BitDepth::Sixteen),
    Format::Mp3(Mp3Quality::Vbr(0)),
    Format::Mp3(Mp3Quality::Cbr(320)),
    Format::Mp3(Mp3Quality::Cbr(192)),
    Format::Opus(128_000),
];

fn tags() -> OutputTags {
    OutputTags {
        title: "Ein Stück".into(),
        artist: "Evermix".into(),
        album: "Test".into(),
        comment: "seed 7, version 0.1.0, plan 0123".into(),
        encoder: "evermix 0.1.0".into(),
    }
}

fn encoder(format: Format, out: Box<dyn Output>, rate: u32, channels: usize) -> Box<dyn Encoder> {
    let rate = SampleRate::new(rate).unwrap();
    match format {
        Format::Flac(bits) => flac(out, rate, channels, bits, &tags()),
        Format::Mp3(quality) => mp3(out, rate, channels, quality, &tags()),
        Format::Opus(bitrate) => opus(out, rate, channels, bitrate, &tags()),
    }
    .unwrap()
}

fn encoded(format: Format, rate: u32, planar: &[Vec<f32>], block: usize) -> Vec<u8> {
    let memory = Memory::default();
    let mut encoder = encoder(format, Box::new(memory.clone()), rate, planar.len());
    for start in (0..planar[0].len()).step_by(block) {
        let end = (start + block).min(planar[0].len());
        let block: Vec<&[f32]> = planar.iter().map(|c| &c[start..end]).collect();
        encoder.write(&block).unwrap();
    }
    encoder.finish().unwrap();
    memory.bytes()
}

/// Chords that decay, a bass and soft noise: music enough for a psychoacoustic model.
fn music(frames: usize, rate: u32, channels: usize) -> Vec<Vec<f32>> {
    let mut draws = Seed(11).stream("music");
    let mut planar = vec![vec![0.0f32; frames]; channels];
    for n in 0..frames {
        let t = n as f64 / f64::from(rate);
        let decay = (-3.0 * (t % 0.5)).exp();
        let tone = |hz: f64| (std::f64::consts::TAU * hz * t).sin();
        let chord = decay * (tone(220.0) + tone(277.2) + tone(329.6) + 0.5 * tone(1760.0));
        for (c, channel) in planar.iter_mut().enumerate() {
            let side = if c == 0 { tone(880.0) } else { tone(660.0) };
            let noise = 0.02 * (draws.uniform() - 0.5);
            channel[n] = (0.15 * chord + 0.2 * tone(55.0) + 0.05 * side + noise) as f32;
        }
    }
    planar
}

/// Decodes FLAC and MP3 with symphonia, Opus with our reader.
fn decoded(format: Format, bytes: &[u8]) -> Vec<Vec<f32>> {
    if matches!(format, Format::Opus(_)) {
        return decoded_opus(bytes);
    }
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes.to_vec())), Default::default());
    let mut reader = symphonia::default::get_probe()
        .probe(&Hint::new(), source, Default::default(), Default::default())
        .unwrap_or_else(|e| panic!("{format:?}: {e}"));
    let track = reader.default_track(TrackType::Audio).unwrap();
    let params = track.codec_params.as_ref().unwrap().audio().unwrap().clone();
    let channels = params.channels.as_ref().unwrap().count();
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(&params, &AudioDecoderOptions::default())
        .unwrap();
    let (mut planar, mut samples) = (vec![Vec::new(); channels], Vec::<f32>::new());
    while let Some(packet) = reader.next_packet().unwrap() {
        let buffer = decoder.decode(&packet).unwrap();
        samples.resize(buffer.samples_interleaved(), 0.0);
        buffer.copy_to_slice_interleaved(&mut samples);
        for frame in samples.chunks_exact(channels) {
            planar.iter_mut().zip(frame).for_each(|(c, &x)| c.push(x));
        }
    }
    planar
}

fn decoded_opus(bytes: &[u8]) -> Vec<Vec<f32>> {
    let source = Box::new(Cursor::new(bytes.to_vec()));
    let (path, limits) = (std::path::Path::new("x.opus"), Limits::default());
    let mut reader = Decoder::from_source(source, path, &limits).unwrap();
    let (mut all, mut block) = (AudioBuffer::new(reader.channels()), AudioBuffer::default());
    while reader.next_block(&mut block).unwrap() {
        all.extend(&block);
    }
    assert!(!reader.damage().any(), "{:?}", reader.damage());
    assert_eq!(reader.claimed_frames(), Some(all.frames() as u64));
    all.planes
}

/// Signal to noise in dB.
fn snr(clean: &[f32], coded: &[f32]) -> f64 {
    let power = |x: f32| f64::from(x) * f64::from(x);
    let signal: f64 = clean.iter().map(|&x| power(x)).sum();
    let noise: f64 = clean.iter().zip(coded).map(|(&a, &b)| power(a - b)).sum();
    10.0 * (signal / noise).log10()
}

/// The shift of `coded` against `clean` with the highest correlation.
fn shift(clean: &[f32], coded: &[f32]) -> i64 {
    let correlation = |lag: i64| -> f64 {
        let range = 2_000..clean.len() - 2_000;
        range.map(|n| f64::from(clean[n]) * f64::from(coded[(n as i64 + lag) as usize])).sum()
    };
    (-1_500..=1_500).max_by(|&a, &b| correlation(a).total_cmp(&correlation(b))).unwrap()
}

#[test]
fn every_format_gives_back_every_length() {
    for format in FORMATS {
        let rate = if matches!(format, Format::Opus(_)) { 48_000 } else { 44_100 };
        for frames in [0, 1, 1_000, 44_101] {
            let planar = music(frames, rate, 2);
            let bytes = encoded(format, rate, &planar, 777);
            if frames == 0 && matches!(format, Format::Flac(_)) {
                // Symphonia asks for a first frame; the headers alone are what RFC 9639 wants.
                assert!(flac_codec::decode::verify_reader(Cursor::new(&bytes)).is_ok());
                continue;
            }
            let back = decoded(format, &bytes);
            assert_eq!(back[0].len(), frames, "{format:?}");
            assert_eq!(back.len(), 2, "{format:?}");
        }
    }
}

#[test]
fn flac_is_exact_on_its_grid_and_dithered_off_it() {
    let on_grid = |x: &f32| (x * 8_388_608.0).round() / 8_388_608.0;
    let mut planar = music(50_000, 44_100, 2);
    planar.iter_mut().flatten().for_each(|x| *x = on_grid(x));
    planar[0][10] = -1.0;
    planar[0][11] = 8_388_607.0 / 8_388_608.0;
    let format = Format::Flac(BitDepth::TwentyFour);
    assert!(decoded(format, &encoded(format, 44_100, &planar, 1_000)) == planar);

    let format = Format::Flac(BitDepth::Sixteen);
    let back = decoded(format, &encoded(format, 44_100, &planar, 1_000));
    let step = 1.0 / 32_768.0;
    let error = |n: usize| f64::from(back[1][n] - planar[1][n]) / step;
    let power = (0..50_000).map(|n| error(n).powi(2)).sum::<f64>() / 50_000.0;
    // Rounding gives 1/12 of a squared step, triangular dither 2/12 more.
    assert!((power - 0.25).abs() < 0.01, "{power}");
    // Dither unties the error from the signal.
    let tied: f64 = (0..50_000).map(|n| error(n) * f64::from(planar[1][n])).sum();
    assert!(tied.abs() / 50_000.0 < 2e-3, "{tied}");
}

#[test]
fn flac_headers_know_length_and_checksum() {
    let planar = music(50_000, 48_000, 1);
    let bytes = encoded(Format::Flac(BitDepth::TwentyFour), 48_000, &planar, 4_000);
    let verified = flac_codec::decode::verify_reader(Cursor::new(&bytes)).unwrap();
    assert!(matches!(verified, flac_codec::decode::Verified::MD5Match), "{verified:?}");
    let total = u64::from_be_bytes(bytes[18..26].try_into().unwrap()) & ((1 << 36) - 1);
    assert_eq!(total, 50_000);
}

#[test]
fn lossy_formats_sound_alike_and_start_on_time() {
    for (format, rate, least) in [
        (Format::Mp3(Mp3Quality::Vbr(0)), 44_100, 20.0),
        (Format::Mp3(Mp3Quality::Cbr(320)), 48_000, 20.0),
        (Format::Mp3(Mp3Quality::Cbr(192)), 22_050, 20.0),
        (Format::Opus(128_000), 48_000, 15.0),
        (Format::Opus(192_000), 48_000, 15.0),
    ] {
        for channels in [1, 2] {
            let planar = music(60_000, rate, channels);
            let back = decoded(format, &encoded(format, rate, &planar, 1_000));
            let quality = snr(&planar[0], &back[0]);
            eprintln!("{format:?} {rate} Hz, {channels} channels: {quality:.1} dB");
            assert!(quality > least, "{format:?}: {quality} dB");
            assert_eq!(shift(&planar[0], &back[0]), 0, "{format:?}");
        }
    }
}

#[test]
fn other_rates_are_resampled_to_the_right_length_and_place() {
    for (format, rate, target) in [
        (Format::Opus(160_000), 44_100u32, 48_000u32),
        (Format::Opus(160_000), 22_050, 48_000),
        (Format::Opus(160_000), 96_000, 48_000),
        (Format::Opus(160_000), 44_101, 48_000),
        (Format::Mp3(Mp3Quality::Vbr(0)), 96_000, 48_000),
        (Format::Mp3(Mp3Quality::Vbr(0)), 88_200, 44_100),
    ] {
        for seconds in [0.0, 0.0001, 1.3] {
            let frames = (seconds * f64::from(rate)) as usize;
            let back = decoded(format, &encoded(format, rate, &music(frames, rate, 2), 500));
            let exact = (frames as f64 * f64::from(target) / f64::from(rate)).round() as usize;
            assert_eq!(back[0].len(), exact, "{format:?} from {rate}");
            if seconds > 1.0 {
                // The same music, rendered at the rate of the file.
                let wanted = music(exact, target, 2);
                assert!(shift(&wanted[0], &back[0]).abs() <= 1, "{format:?} from {rate}");
                let quality = snr(&wanted[0], &back[0]);
                eprintln!("{format:?} from {rate}: {quality:.1} dB");
                assert!(quality > 15.0, "{format:?} from {rate}: {quality} dB");
            }
        }
    }
}

#[test]
fn tags_can_be_read_by_others() {
    for format in FORMATS {
        let bytes = encoded(format, 48_000, &music(20_000, 48_000, 2), 4_000);
        let file = Probe::new(Cursor::new(bytes)).guess_file_type().unwrap().read().unwrap();
        let tag = file.primary_tag().unwrap();
        // ID3 has one frame for software and settings.
        let software = match format {
            Format::Mp3(_) => ItemKey::EncoderSettings,
            _ => ItemKey::EncoderSoftware,
        };
        let text = |key| tag.get_string(key).unwrap_or_default().to_owned();
        let found = OutputTags {
            title: text(ItemKey::TrackTitle),
            artist: text(ItemKey::TrackArtist),
            album: text(ItemKey::AlbumTitle),
            comment: text(ItemKey::Comment),
            encoder: text(software),
        };
        assert_eq!(found, tags(), "{format:?}");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_however_it_is_cut() {
    for format in FORMATS {
        let planar = music(30_000, 44_100, 2);
        let bytes = encoded(format, 44_100, &planar, 1_000);
        assert!(encoded(format, 44_100, &planar, 1_000) == bytes, "{format:?}");
        assert!(encoded(format, 44_100, &planar, 30_000) == bytes, "{format:?} in one block");
    }
}

#[test]
fn broken_samples_are_tamed() {
    let mut planar = music(5_000, 44_100, 1);
    planar[0][100] = f32::NAN;
    planar[0][200] = f32::INFINITY;
    planar[0][300] = -1e30;
    for format in FORMATS {
        let back = decoded(format, &encoded(format, 44_100, &planar, 600));
        assert!(back[0].iter().all(|x| x.abs() < 2.0), "{format:?}");
    }
    let format = Format::Flac(BitDepth::TwentyFour);
    let back = decoded(format, &encoded(format, 44_100, &planar, 600));
    assert_eq!((back[0][100], back[0][300]), (0.0, -1.0));
    assert!(back[0][200] > 0.999_999);
}

#[test]
fn blocks_of_the_wrong_shape_and_impossible_formats_are_refused() {
    let out = || Box::new(Memory::default()) as Box<dyn Output>;
    let mut flac = encoder(FORMATS[0], out(), 44_100, 2);
    assert!(flac.write(&[&[0.0]]).is_err());
    assert!(flac.write(&[&[0.0], &[0.0, 0.0]]).is_err());
    assert!(mp3(out(), SampleRate::CD, 3, Mp3Quality::Vbr(0), &tags()).is_err());
    assert!(opus(out(), SampleRate::CD, 0, 128_000, &tags()).is_err());
    assert!(opus(out(), SampleRate::CD, 2, 1_000, &tags()).is_err());
}

/// A disk that is full after so many bytes.
struct Full(Memory, usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.1 = self.1.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        self.0.write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Full {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_full_disk_is_noticed_even_at_the_last_flush() {
    for format in FORMATS {
        let planar = music(3_000, 44_100, 2);
        let needed = encoded(format, 44_100, &planar, 3_000).len();
        let out = Box::new(Full(Memory::default(), needed * 3 / 4));
        let mut encoder = encoder(format, out, 44_100, 2);
        let outcome = encoder.write(&[&planar[0], &planar[1]]).and_then(|()| encoder.finish());
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Io, "{format:?}");
    }
}
