//! Recordings known again in other files, and told from all others.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use evermix::analysis::soundprint::{Likeness, compare};
use evermix::analysis::{OnsetAnalyzer, SoundPrint, same_sounds};
use evermix::audio::encode::{OutputTags, opus};
use evermix::audio::{AudioBuffer, Decoder, Resampler};
use evermix::base::{Limits, SampleRate};

/// A file's sound, all of it or the first seconds.
fn heard(path: &Path, seconds: f64) -> (SampleRate, AudioBuffer) {
    read(Decoder::open(path, &Limits::default()).unwrap(), seconds)
}

fn read(mut decoder: Decoder, seconds: f64) -> (SampleRate, AudioBuffer) {
    let (rate, mut all) = (decoder.rate(), AudioBuffer::new(decoder.channels()));
    let mut block = AudioBuffer::default();
    while (all.frames() as f64) < seconds * rate.as_f64() && decoder.next_block(&mut block).unwrap()
    {
        all.extend(&block);
    }
    (rate, all)
}

fn resampled(sound: &AudioBuffer, from: SampleRate, to: SampleRate) -> AudioBuffer {
    let mut out = AudioBuffer::new(sound.channels());
    let mut resampler = Resampler::new(from, to, sound.channels()).unwrap();
    resampler.push(sound, &mut out).unwrap();
    resampler.finish(&mut out).unwrap();
    out
}

fn print(rate: SampleRate, sound: &AudioBuffer) -> SoundPrint {
    let mut mono = AudioBuffer::new(1);
    sound.mono_into(&mut mono.planes[0]);
    let mono = resampled(&mono, rate, SampleRate::ANALYSIS);
    let mut analyzer = OnsetAnalyzer::new();
    analyzer.push(&mono.planes[0]);
    analyzer.finish().print().clone()
}

/// The same louder or softer by so many dB, without its first seconds.
fn cut(rate: SampleRate, sound: &AudioBuffer, seconds: f64, decibels: f64) -> AudioBuffer {
    let mut sound = sound.clone();
    sound.drop_front((seconds * rate.as_f64()) as usize);
    let gain = 10f64.powf(decibels / 20.0) as f32;
    sound.planes.iter_mut().flatten().for_each(|x| *x = (*x * gain).clamp(-1.0, 1.0));
    sound
}

/// What a constant 128 kbit/s leaves of a sound.
fn through_mp3(rate: SampleRate, sound: &AudioBuffer) -> (SampleRate, AudioBuffer) {
    use mp3lame_encoder::{Bitrate, Builder, DualPcm, FlushGap, Quality, max_required_buffer_size};
    let mut builder = Builder::new().unwrap();
    builder.set_num_channels(2).unwrap();
    builder.set_sample_rate(rate.hz()).unwrap();
    builder.set_brate(Bitrate::Kbps128).unwrap();
    builder.set_quality(Quality::Good).unwrap();
    let mut lame = builder.build().unwrap();
    let mut bytes = Vec::with_capacity(max_required_buffer_size(sound.frames()) + 7_200);
    let right = &sound.planes[sound.channels() - 1];
    lame.encode_to_vec(DualPcm { left: &sound.planes[0], right }, &mut bytes).unwrap();
    lame.flush_to_vec::<FlushGap>(&mut bytes).unwrap();
    decoded(bytes, "song.mp3")
}

/// What 64 kbit/s of Opus leave of a sound.
fn through_opus(rate: SampleRate, sound: &AudioBuffer) -> (SampleRate, AudioBuffer) {
    let shared = Shared::default();
    let tags = OutputTags::default();
    let out = Box::new(shared.clone());
    let mut encoder = opus(out, rate, sound.channels(), 64_000, &tags).unwrap();
    encoder.write(&sound.slices()).unwrap();
    encoder.finish().unwrap();
    let bytes = shared.0.lock().unwrap().get_ref().clone();
    decoded(bytes, "song.opus")
}

fn decoded(bytes: Vec<u8>, name: &str) -> (SampleRate, AudioBuffer) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    heard(&path, f64::INFINITY)
}

/// A file in memory that can still be read when its writer is gone.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Cursor<Vec<u8>>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::io::Seek for Shared {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.lock().unwrap().seek(to)
    }
}

fn songs(folder: &Path) -> Vec<PathBuf> {
    let song =
        |p: &PathBuf| p.extension().is_some_and(|e| ["ogg", "mp3", "flac"].iter().any(|x| e == *x));
    common::files(folder).into_iter().filter(song).collect()
}

/// The likeness of two recordings at the distance where they are most alike.
fn closest(a: &SoundPrint, b: &SoundPrint) -> Likeness {
    let rank = |l: &Likeness| (1.0 - 2.0 * l.errors) * l.share;
    let all = (-1_723..1_723).map(|shift| compare(a, b, shift));
    all.max_by(|x, y| rank(x).total_cmp(&rank(y))).unwrap()
}

#[test]
fn a_recording_is_known_again_in_other_encodings_rates_and_levels_and_cut_at_its_start() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/music");
    let mut prints = Vec::new();
    let songs = songs(&folder);
    for path in &songs {
        let (rate, sound) = heard(path, 75.0);
        prints.push(print(rate, &sound));
        let (mp3_rate, mp3) = through_mp3(rate, &cut(rate, &sound, 1.7, -3.0));
        prints.push(print(mp3_rate, &mp3));
        let (opus_rate, opus) = through_opus(rate, &cut(rate, &sound, 4.321, 3.0));
        prints.push(print(opus_rate, &opus));
        let low = SampleRate::new(32_000).unwrap();
        prints.push(print(low, &resampled(&cut(rate, &sound, 0.9, -12.0), rate, low)));
    }
    let (mut least, mut most): (f64, f64) = (1.0, 0.0);
    for group in prints.chunks(4) {
        for copy in &group[1..] {
            let found = closest(&group[0], copy);
            (least, most) = (least.min(found.share), most.max(found.errors));
        }
    }
    eprintln!("copies: at least {least:.2} of the marks met, at most {most:.3} of the bits wrong");
    let all: Vec<&SoundPrint> = prints.iter().collect();
    let group =
        |i: usize| (0..4).flat_map(move |a| (a + 1..4).map(move |b| (4 * i + a, 4 * i + b)));
    let due: Vec<(usize, usize)> = (0..songs.len()).flat_map(group).collect();
    assert_eq!(same_sounds(&all), due);
    assert!(least > 0.65 && most < 0.15, "{least} of the marks, {most} of the bits");
}

#[test]
fn different_songs_are_far_from_each_other_and_one_in_two_files_is_not() {
    let mut files = Vec::new();
    for folder in ["music", "beats"] {
        let Some(folder) = common::shared(folder) else { return };
        files.extend(songs(&folder));
    }
    // A song without its drums is the same recording to most ears.
    let part = |name: &str| [".drums.", ".other.", "other_stem"].iter().any(|p| name.contains(p));
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.retain(|path| !part(&name(path)));
    let prints: Vec<SoundPrint> = files
        .iter()
        .map(|path| heard(path, 150.0))
        .map(|(rate, sound)| print(rate, &sound))
        .collect();
    let all: Vec<&SoundPrint> = prints.iter().collect();
    let found = same_sounds(&all);
    let mut errors: f64 = 0.5;
    for a in 0..prints.len() {
        for b in a + 1..prints.len() {
            let likeness = closest(&prints[a], &prints[b]);
            if !found.contains(&(a, b)) && likeness.share > 0.3 {
                errors = errors.min(likeness.errors);
            }
        }
    }
    eprintln!("{} files; strangers differ in {errors:.3} of the bits at least", files.len());
    let named: Vec<_> = found.iter().map(|&(a, b)| (name(&files[a]), name(&files[b]))).collect();
    assert_eq!(named, [("drums.mp3".to_string(), "drums_stem.flac".to_string())]);
    assert!(errors > 0.3, "{errors} of the bits");
}
