//! `analyze --compare`: how far several beat trackers agree on each song.

use serde::Serialize;

use super::analyses::Analyses;
use super::beat_source::BeatSource;
use super::context::{Batch, Context, Outcome, is_fatal, run_batch};
use super::segment::{Blocks, listen};
use super::songs::SongInput;
use crate::analysis::BeatGrid;
use crate::analysis::beat_score::{
    SETTLED, after, continuity, f_measure, median_offset, tempo_ratio,
};
use crate::base::Result;

/// What several trackers make of one song.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The file.
    pub path: String,
    /// What each tracker found.
    pub trackers: Vec<Heard>,
    /// Every two trackers that found beats.
    pub pairs: Vec<Agreement>,
}

/// What one tracker found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heard {
    /// Its name.
    pub tracker: &'static str,
    /// Number of beats; 0 where it found none.
    pub beats: usize,
    /// Median beats a minute.
    pub tempo: Option<f64>,
    /// Why there are no beats.
    pub error: Option<String>,
}

/// How far the beats of `b` are those of `a`, from the fifth second on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Name of one tracker.
    pub a: &'static str,
    /// Name of the other.
    pub b: &'static str,
    /// F-measure within 70 ms.
    pub f_measure: f64,
    /// Share of beats in a steady relation: the same pulse, half, double, or off the beat.
    pub amlt: f64,
    /// Tempo of `b` in tempi of `a`.
    pub tempo_ratio: Option<f64>,
    /// Median distance of common beats, `b` minus `a`, in milliseconds.
    pub offset_ms: Option<f64>,
}

/// Lets every tracker hear every song.
///
/// # Errors
/// Fatal errors only; a song in which nobody finds a beat is in the batch's `skipped`.
pub fn compare(
    context: &Context<'_>,
    songs: &[SongInput],
    sources: &[BeatSource],
) -> Result<Batch<Comparison>> {
    let analyses = Analyses::new(context);
    let batch = run_batch(context, "compare", songs, |song| {
        let made = one_song(context, song, sources, &analyses)?;
        Ok(Outcome::Made(made, String::new()))
    })?;
    analyses.finish();
    Ok(batch)
}

fn one_song(
    context: &Context<'_>,
    song: &SongInput,
    sources: &[BeatSource],
    analyses: &Analyses<'_>,
) -> Result<Comparison> {
    let (mut trackers, mut grids, mut first_error) = (Vec::new(), Vec::new(), None);
    for source in sources {
        match grid_of(context, song, source, analyses) {
            Ok(grid) => {
                let (beats, tempo) = (grid.beats.len(), Some(grid.tempo.0));
                trackers.push(Heard { tracker: source.name(), beats, tempo, error: None });
                let times: Vec<f64> = grid.beats.iter().map(|t| t.0).collect();
                grids.push((source.name(), times));
            }
            Err(error) if is_fatal(error.kind()) => return Err(error),
            Err(error) => {
                let why = Some(error.reason());
                trackers.push(Heard { tracker: source.name(), beats: 0, tempo: None, error: why });
                first_error = first_error.or(Some(error));
            }
        }
    }
    if let (true, Some(error)) = (grids.is_empty(), first_error) {
        return Err(error);
    }
    let pairs =
        grids.iter().enumerate().flat_map(|(i, a)| grids[i + 1..].iter().map(move |b| (a, b)));
    let pairs = pairs.map(|(a, b)| agreement(a, b)).collect();
    Ok(Comparison { path: song.source.clone(), trackers, pairs })
}

fn grid_of(
    context: &Context<'_>,
    song: &SongInput,
    source: &BeatSource,
    analyses: &Analyses<'_>,
) -> Result<BeatGrid> {
    let source = source.of_song(context, &song.name)?;
    let mut blocks = Blocks::open(context, song, None)?;
    Ok(listen(context, song, &mut blocks, &source, analyses)?.grid)
}

fn agreement(a: &(&'static str, Vec<f64>), b: &(&'static str, Vec<f64>)) -> Agreement {
    let (of_a, of_b) = (after(&a.1, SETTLED), after(&b.1, SETTLED));
    Agreement {
        a: a.0,
        b: b.0,
        f_measure: f_measure(of_a, of_b),
        amlt: continuity(of_a, of_b).aml_t,
        tempo_ratio: tempo_ratio(of_a, of_b),
        offset_ms: median_offset(of_a, of_b).map(|seconds| 1000.0 * seconds),
    }
}
