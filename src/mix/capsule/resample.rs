//! One timbre a beat: Echo Nest Remix capsule `get_central`, `get_mean_offset`,
//! `resample_features` and `timbre_whiten`.

use std::ops::Range;

use super::track::{Segment, TIMBRE, Track};
use crate::base::Seconds;
use crate::mix::Span;

/// An onset this near to a beat, in seconds, belongs to it.
const FUSION_INTERVAL: f64 = 0.06;
/// Where no onset is near any beat: how far onsets are taken to be from beats, in seconds.
const AVG_PEAK_OFFSET: f64 = 0.025;

/// How the beats between the fades of a track sound.
#[derive(Clone, Debug, PartialEq)]
pub struct BeatTimbre {
    /// The beat of the track that the first row describes.
    pub index: usize,
    /// One row a beat. The last beat between the fades has none: it is where the others end. One
    /// row of zeros where there is too little to describe.
    pub rows: Vec<[f32; TIMBRE]>,
}

/// Which items lie between the fades of a track.
pub fn central<T>(items: &[T], track: &Track, span: impl Fn(&T) -> Span) -> Range<usize> {
    let inside = |item: &T| {
        let span = span(item);
        track.end_of_fade_in.0 <= span.start.0 && span.end().0 < track.start_of_fade_out.0
    };
    let first = items.iter().position(&inside).unwrap_or(0);
    let end = items.iter().rposition(&inside).map_or(0, |last| last + 1);
    first..end
}

/// How far onsets lie from the beats they belong to, on average.
pub fn mean_offset(segments: &[Segment], beats: &[Span]) -> Seconds {
    let mut waiting = segments.iter().map(|s| s.span.start.0).peekable();
    let mut offsets = Vec::new();
    for beat in beats {
        while let Some(onset) = waiting.next_if(|onset| *onset < beat.start.0 + FUSION_INTERVAL) {
            offsets.push((beat.start.0 - onset).abs());
        }
    }
    offsets.retain(|offset| *offset < FUSION_INTERVAL);
    let mean = offsets.iter().sum::<f64>() / offsets.len() as f64;
    Seconds(if offsets.is_empty() { AVG_PEAK_OFFSET } else { mean })
}

/// The timbre of each beat between the fades: the mean of the segments in it, by their share of
/// the beat. Beats are looked for earlier by the mean offset of onsets.
///
/// Where segments begin only after a beat the original counts them with negative shares; here
/// they count nothing.
pub fn resample_features(track: &Track) -> BeatTimbre {
    let beats = central(&track.beats, track, |beat| *beat);
    let segments = &track.segments[central(&track.segments, track, |s| s.span)];
    let (index, beats) = (beats.start, &track.beats[beats]);
    if beats.len() < 2 || segments.len() < 2 {
        return BeatTimbre { index, rows: vec![[0.0; TIMBRE]] };
    }
    let offset = mean_offset(segments, beats).0;
    let earlier = |beat: &Span| Span { start: Seconds((beat.start.0 - offset).max(0.0)), ..*beat };
    let beats: Vec<Span> = beats.iter().map(earlier).collect();
    BeatTimbre { index, rows: rows(segments, &beats) }
}

/// A row for each beat but the last.
fn rows(segments: &[Segment], beats: &[Span]) -> Vec<[f32; TIMBRE]> {
    let begun = segments.iter().position(|s| beats[0].start.0 < s.span.end().0);
    let mut left = &segments[begun.unwrap_or(segments.len())..];
    let described = &beats[..beats.len() - 1];
    described.iter().map(|beat| row(&mut left, *beat)).collect()
}

/// The mean of the segments in a beat; `left` goes on to the segment in which the beat ends.
fn row(left: &mut &[Segment], beat: Span) -> [f32; TIMBRE] {
    let (start, end) = (beat.start.0, beat.end().0);
    let mut row = [0.0; TIMBRE];
    let mut add = |segment: &Segment, inside: f64| {
        let share = if beat.duration.0 > 0.0 { inside / beat.duration.0 } else { 0.0 };
        for (sum, timbre) in row.iter_mut().zip(segment.timbre) {
            *sum += (share.clamp(0.0, 1.0) * f64::from(timbre)) as f32;
        }
    };
    while let [segment, rest @ ..] = *left {
        let over = segment.span.end().0 >= end;
        if over {
            add(segment, end - segment.span.start.0);
            break;
        }
        add(segment, segment.span.duration.0 - (start - segment.span.start.0).max(0.0));
        *left = rest;
    }
    row
}

/// Brings the first column to mean 0 and deviation 1, and the other eleven together: their
/// proportions stay. Fewer than two rows are left alone; what never changes becomes 0, where the
/// original divides by zero.
pub fn whiten(rows: &mut [[f32; TIMBRE]]) {
    if rows.len() < 2 {
        return;
    }
    for columns in [0..1, 1..TIMBRE] {
        let values = || rows.iter().flat_map(|row| &row[columns.clone()]).map(|&x| f64::from(x));
        let count = (rows.len() * columns.len()) as f64;
        let mean = values().sum::<f64>() / count;
        let deviation = (values().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
        // Of equal values the rounded mean can differ from them.
        let scale = if deviation > 1e-9 * mean.abs() { 1.0 / deviation } else { 0.0 };
        for x in rows.iter_mut().flat_map(|row| &mut row[columns.clone()]) {
            *x = ((f64::from(*x) - mean) * scale) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Bpm, Decibels};

    fn span(start: f64, duration: f64) -> Span {
        Span { start: Seconds(start), duration: Seconds(duration) }
    }

    fn segment(start: f64, duration: f64, value: f32) -> Segment {
        Segment { span: span(start, duration), timbre: [value; TIMBRE] }
    }

    fn track(beats: Vec<Span>, segments: Vec<Segment>) -> Track {
        Track {
            duration: Seconds(10.0),
            loudness: Decibels(-8.0),
            tempo: Bpm(120.0),
            end_of_fade_in: Seconds(1.0),
            start_of_fade_out: Seconds(9.0),
            beats,
            segments,
        }
    }

    #[test]
    fn the_fades_take_their_beats_away() {
        let beats: Vec<Span> = (0..10).map(|i| span(f64::from(i), 1.0)).collect();
        let song = track(beats, Vec::new());
        // The beat that begins with the fade's end counts, the one that ends with the fade's start
        // does not.
        assert_eq!(central(&song.beats, &song, |beat| *beat), 1..8);
        assert_eq!(central(&song.beats[..1], &song, |beat| *beat), 0..0);
    }

    #[test]
    fn an_onset_belongs_to_a_beat_less_than_sixty_milliseconds_away() {
        let onsets = [0.96, 1.01, 1.5, 2.05, 2.07].map(|start| segment(start, 0.1, 1.0));
        let beats = [span(1.0, 1.0), span(2.0, 1.0)];
        assert!((mean_offset(&onsets, &beats).0 - (0.04 + 0.01 + 0.05) / 3.0).abs() < 1e-12);
        assert_eq!(mean_offset(&onsets[2..3], &beats), Seconds(0.025));
    }

    #[test]
    fn a_beat_sounds_like_its_segments_by_their_share() {
        let beats: Vec<Span> = (1..9).map(|i| span(f64::from(i), 1.0)).collect();
        let segments = vec![segment(1.5, 1.725, 4.0), segment(3.225, 3.0, 8.0)];
        let heard = resample_features(&track(beats, segments));
        assert_eq!((heard.index, heard.rows.len()), (1 - 1, 6));
        // No onset is near a beat: all beats are 0.025 s earlier.
        let firsts: Vec<f32> = heard.rows.iter().map(|row| row[0]).collect();
        assert_eq!(firsts.len(), 6);
        for (found, wanted) in firsts.iter().zip([4.0 * 0.475, 4.0, 4.0 * 0.25 + 8.0 * 0.75, 8.0]) {
            assert!((found - wanted).abs() < 1e-5, "{firsts:?}");
        }
    }

    #[test]
    fn segments_that_begin_after_a_beat_count_nothing_in_it() {
        let beats: Vec<Span> = (1..9).map(|i| span(f64::from(i), 1.0)).collect();
        let heard =
            resample_features(&track(beats, vec![segment(4.5, 1.0, 4.0), segment(5.5, 1.0, 4.0)]));
        assert_eq!(heard.rows[0], [0.0; TIMBRE]);
        assert!(heard.rows[3][0] > 0.0);
    }

    #[test]
    fn too_little_to_hear_is_one_row_of_silence() {
        let heard = resample_features(&track(vec![span(2.0, 1.0)], Vec::new()));
        assert_eq!(heard, BeatTimbre { index: 0, rows: vec![[0.0; TIMBRE]] });
    }

    #[test]
    fn whitening_keeps_the_proportions_of_the_shapes_and_survives_what_never_changes() {
        let mut rows: Vec<[f32; TIMBRE]> = vec![[0.1; TIMBRE]; 3];
        whiten(&mut rows);
        assert!(rows.iter().flatten().all(|x| *x == 0.0), "{rows:?}");
        let mut rows = vec![[5.0; TIMBRE], [7.0; TIMBRE]];
        (rows[0][1], rows[1][1]) = (16.0, 18.0);
        whiten(&mut rows);
        assert_eq!((rows[0][0], rows[1][0]), (-1.0, 1.0));
        let (one, two) = (rows[1][1] - rows[0][1], rows[1][2] - rows[0][2]);
        assert!((one - two).abs() < 1e-6 && one < 1.0, "{rows:?}");
    }
}
