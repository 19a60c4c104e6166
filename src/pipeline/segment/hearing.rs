//! The beats of a song in its first pass, whoever finds them.

use crate::analysis::tracker::BeatListener;
use crate::analysis::{BeatGrid, OnsetEnvelope, track_beats};
use crate::audio::AudioBuffer;
use crate::base::{Error, ErrorKind, Result, SampleRate, Seconds};
use crate::pipeline::beat_source::SongSource;
use crate::pipeline::feed::AnalysisFeed;

/// Listens for beats beside the other analysers of the first pass.
pub struct Hearing<'a> {
    source: &'a SongSource,
    listener: Option<Box<dyn BeatListener>>,
    /// Where the listener wants another rate than the analysis.
    feed: Option<AnalysisFeed>,
}

impl<'a> Hearing<'a> {
    /// Prepares to hear a song at `rate`.
    ///
    /// # Errors
    /// As the tracker.
    pub fn new(source: &'a SongSource, rate: SampleRate) -> Result<Self> {
        let listener = source.listener()?;
        let wanted = listener.as_ref().map_or(SampleRate::ANALYSIS, |l| l.rate());
        let feed = (wanted != SampleRate::ANALYSIS).then(|| AnalysisFeed::new(rate, wanted));
        Ok(Hearing { source, listener, feed: feed.transpose()? })
    }

    /// Hears a block of the mix, given also as mono at the analysis rate.
    ///
    /// # Errors
    /// As the tracker.
    pub fn push(&mut self, mix: &AudioBuffer, mono: &[f32]) -> Result<()> {
        let Some(listener) = &mut self.listener else { return Ok(()) };
        match &mut self.feed {
            Some(feed) => listener.push(feed.push(mix)?),
            None => listener.push(mono),
        }
    }

    /// The beats of a song of this length, whose last samples at the analysis rate are `tail`;
    /// `None` where there is no steady beat.
    ///
    /// # Errors
    /// `Unusable` where those of a file do not fit the song; as the tracker.
    pub fn grid(
        self,
        tail: &[f32],
        onsets: &OnsetEnvelope,
        length: Seconds,
    ) -> Result<Option<BeatGrid>> {
        if let Some(file) = self.source.file() {
            file.within(length)?;
            return Ok(file.beats.clone().grid(onsets));
        }
        let Some(mut listener) = self.listener else { return Ok(track_beats(onsets)) };
        match self.feed {
            Some(mut feed) => listener.push(feed.finish()?)?,
            None => listener.push(tail)?,
        }
        Ok(listener.finish()?.grid(onsets))
    }
}

/// Why a song whose beats were to come from `source` cannot be cut.
pub fn no_beat(source: &SongSource) -> Error {
    let error = Error::new(ErrorKind::Unusable, "no steady beat");
    match source.label().as_str() {
        "evermix" => error.because("nothing in it repeats like a pulse"),
        label => error.because(format!("{label} has fewer than four beats for it")),
    }
}
