//! `analyze`: what there is to know about whole songs.

use ebur128::{EbuR128, Mode};
use serde::Serialize;

use super::beat_source::BeatSource;
use super::context::{Batch, Context, Outcome, run_batch};
use super::segment::{Blocks, listen};
use super::songs::SongInput;
use crate::analysis::{BeatFeatureExtractor, find_key};
use crate::audio::{AudioBuffer, Resampler, loudness};
use crate::base::{Error, ErrorKind, Frames, Result, SampleRate};

/// Raised whenever the same song would be heard differently.
const VERSION: u32 = 1;

/// One song as `analyze --json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct SongAnalysis {
    /// The file.
    pub path: String,
    /// Seconds.
    pub duration: f64,
    /// Median beats a minute.
    pub tempo: f64,
    /// Attack times in seconds.
    pub beats: Vec<f64>,
    /// Those of them that begin a bar.
    pub downbeats: Vec<f64>,
    /// Beats a bar.
    pub beats_per_bar: u8,
    /// How sure the beats are, 0..=1.
    pub confidence: f32,
    /// `A minor`; empty where there are no notes.
    pub key: String,
    /// `8A`
    pub camelot: String,
    /// How clear the key is, -1..=1.
    pub key_strength: f64,
    /// Integrated loudness.
    pub loudness_lufs: f64,
    /// True peak.
    pub true_peak_dbtp: f64,
    /// Version of the analysis.
    pub analysis_version: u32,
    /// What found the beats.
    pub tracker: String,
}

/// Analyses all songs, with their beats from `beats`.
///
/// # Errors
/// Fatal errors only.
pub fn analyze(
    context: &Context<'_>,
    songs: &[SongInput],
    beats: &BeatSource,
) -> Result<Batch<SongAnalysis>> {
    run_batch(context, "analyze", songs, |song| {
        let found = one_song(context, song, beats)?;
        Ok(Outcome::Made(found, String::new()))
    })
}

fn one_song(context: &Context<'_>, song: &SongInput, beats: &BeatSource) -> Result<SongAnalysis> {
    let source = beats.of_song(context, &song.name)?;
    let mut blocks = Blocks::open(context, song, None)?;
    let heard = listen(context, &song.name, &mut blocks, &source)?;
    let (chroma, peak) = second_pass(&mut blocks, heard.frames, heard.tuning)?;
    let key = find_key(&chroma);
    let times: Vec<f64> = heard.grid.beats.iter().map(|b| b.0).collect();
    let downbeats = times.iter().zip(&heard.grid.positions).filter(|(_, p)| **p == 1);
    Ok(SongAnalysis {
        path: song.source.clone(),
        duration: Frames(heard.frames).seconds(blocks.rate()).0,
        tempo: heard.grid.tempo.0,
        downbeats: downbeats.map(|(t, _)| *t).collect(),
        beats: times,
        beats_per_bar: heard.grid.beats_per_bar,
        confidence: heard.grid.confidence,
        key: key.map(|k| k.name()).unwrap_or_default(),
        camelot: key.map(|k| k.camelot()).unwrap_or_default(),
        key_strength: key.map_or(0.0, |k| k.strength),
        loudness_lufs: loudness::integrated(&heard.energies).0,
        true_peak_dbtp: peak,
        analysis_version: VERSION,
        tracker: source.label(),
    })
}

/// Mean chroma of the song and its true peak, which need the tuning and the sound once more.
fn second_pass(blocks: &mut Blocks<'_>, frames: u64, tuning: f32) -> Result<([f64; 12], f64)> {
    let (rate, channels) = (blocks.rate(), blocks.channels());
    let failed = |e: ebur128::Error| {
        Error::new(ErrorKind::Internal, "cannot measure the peak").because(e.to_string())
    };
    let mut meter = EbuR128::new(channels as u32, rate.hz(), Mode::TRUE_PEAK).map_err(failed)?;
    let length = (frames as f64 * SampleRate::ANALYSIS.as_f64() / rate.as_f64()) as u64;
    let mut extractor = BeatFeatureExtractor::new(vec![0, length.max(1)], tuning);
    let mut resampler = Resampler::new(rate, SampleRate::ANALYSIS, 1)?;
    let (mut mono, mut ready) = (AudioBuffer::new(1), AudioBuffer::new(1));
    blocks.again(|block, _| {
        meter.add_frames_planar_f32(&block[0].slices()).map_err(failed)?;
        block[0].mono_into(&mut mono.planes[0]);
        ready.clear();
        resampler.push(&mono, &mut ready)?;
        extractor.push(&ready.planes[0]);
        Ok(())
    })?;
    let features = extractor.finish();
    let chroma = features.first().map(|f| f.chroma_mean).unwrap_or_default();
    let peaks = (0..channels as u32).filter_map(|c| meter.true_peak(c).ok());
    let peak = peaks.fold(0.0, f64::max);
    Ok((chroma.map(f64::from), if peak > 0.0 { 20.0 * peak.log10() } else { -120.0 }))
}
