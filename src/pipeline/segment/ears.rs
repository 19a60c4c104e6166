//! All that is heard of a song in one pass, whoever finds its beats.

use super::blocks::Blocks;
use super::hearing::Hearing;
use super::listen::{check_beats, mixed};
use crate::analysis::{OnsetAnalyzer, TrackAnalysis, TrackAnalyzer, combine};
use crate::audio::AudioBuffer;
use crate::base::{Result, SampleRate};
use crate::corpus::Layer;
use crate::pipeline::beat_source::SongSource;
use crate::pipeline::context::Context;
use crate::pipeline::feed::AnalysisFeed;

/// Listens to the layers of a song at their own rate; where there are drums, they lead.
pub struct Ears<'a> {
    analyzer: TrackAnalyzer,
    hearing: Hearing<'a>,
    drums: Option<(AnalysisFeed, OnsetAnalyzer)>,
    mix: AudioBuffer,
}

impl<'a> Ears<'a> {
    /// Ears for a song whose beats come from `source`.
    ///
    /// # Errors
    /// As the tracker.
    pub fn new(blocks: &Blocks<'_>, source: &'a SongSource) -> Result<Self> {
        let (rate, channels) = (blocks.own_rate(), blocks.channels());
        let feed = || AnalysisFeed::new(rate, SampleRate::ANALYSIS);
        let has_drums = blocks.layers().contains(&Layer::Drums);
        let drums = has_drums.then(|| Ok((feed()?, OnsetAnalyzer::new())));
        Ok(Ears {
            analyzer: TrackAnalyzer::new(rate, channels)?,
            hearing: Hearing::new(source, rate)?,
            drums: drums.transpose()?,
            mix: AudioBuffer::new(channels),
        })
    }

    /// Hears a block of every layer, as the file has it, and gives back the mix as mono at the
    /// analysis rate.
    ///
    /// # Errors
    /// As the tracker.
    pub fn push(&mut self, layers: &[AudioBuffer]) -> Result<&[f32]> {
        let mix = mixed(layers, &mut self.mix);
        let mono = self.analyzer.push(mix)?;
        self.hearing.push(mix, mono)?;
        if let Some((feed, onsets)) = &mut self.drums {
            onsets.push(feed.push(&layers[0])?);
        }
        Ok(mono)
    }

    /// What was heard, the K-weighted energy of each 100 ms of the mix, and the last of its mono
    /// samples.
    ///
    /// # Errors
    /// `Limit` where there are too many beats; as the tracker.
    pub fn finish(self, context: &Context<'_>) -> Result<(TrackAnalysis, Vec<f32>, Vec<f32>)> {
        let Ears { analyzer, hearing, drums, .. } = self;
        let (mut energies, mut tail) = (Vec::new(), Vec::new());
        let track = analyzer.finish_with(|heard| {
            context.cancel.check()?;
            (energies, tail) = (heard.energies.to_vec(), heard.tail.to_vec());
            let Some((mut feed, mut onsets)) = drums else {
                return hearing.grid(heard.tail, heard.onsets, heard.length);
            };
            onsets.push(feed.finish()?);
            hearing.grid(heard.tail, &combine(&onsets.finish(), heard.onsets), heard.length)
        })?;
        check_beats(track.rhythm.as_ref().map_or(0, |rhythm| rhythm.beats.len()), context)?;
        Ok((track, energies, tail))
    }
}
