//! Beat on beat: Echo Nest Remix capsule `make_crossmatch` and the lengths of `Crossmatch`.

use super::cursor::{Cursor, Deck};
use crate::base::{Frames, SampleRate, Seconds};
use crate::mix::align::Alignment;
use crate::mix::{BeatPair, Side, Span};

/// Pairs beats and lets their common length glide from one tempo to the other: pair k of n weighs
/// the beat that leaves by 1 - k/(n+1). As many pairs as the shorter list has.
pub fn glide(from: &[Span], to: &[Span]) -> Vec<BeatPair> {
    let pairs = from.len().min(to.len());
    let pair = |(i, (&from, &to)): (usize, (&Span, &Span))| {
        let leaving = 1.0 - (i + 1) as f64 / (pairs + 1) as f64;
        let length = leaving * from.duration.0 + (1.0 - leaving) * to.duration.0;
        BeatPair { from, to, length: Seconds(length) }
    };
    from.iter().zip(to).enumerate().map(pair).collect()
}

/// The pairs of an alignment at the cursor of `from`. Where the beats of `to` are halved they end
/// with a whole beat.
pub(super) fn pairs(from: &Deck, to: &Deck, found: &Alignment) -> Vec<BeatPair> {
    let Cursor::Row(row) = from.cursor else { return Vec::new() };
    let (rate_from, rate_to) = (found.rate_from, found.rate_to);
    let leaving = parts(&from.beats, rate_from, rate_from * (from.timbre.index + row));
    let coming = parts(&to.beats, rate_to, rate_to * to.timbre.index + found.offset);
    let (leaving, coming): (Vec<Span>, Vec<Span>) = leaving.zip(coming).take(found.rows).unzip();
    let whole = leaving.len().saturating_sub((found.offset + leaving.len()) % rate_to);
    glide(&leaving[..whole], &coming[..whole])
}

/// Beats cut into `rate` equal parts each, from part `first` on.
fn parts(beats: &[Span], rate: usize, first: usize) -> impl Iterator<Item = Span> {
    (first..beats.len() * rate).map(move |part| {
        let (beat, duration) = (beats[part / rate], beats[part / rate].duration.0 / rate as f64);
        let start = beat.start.0 + duration * (part % rate) as f64;
        Span { start: Seconds(start), duration: Seconds(duration) }
    })
}

/// Output frames of each beat of one track, as the original renders them: beats are cut at whole
/// frames of the track, and each piece is stretched to a whole number of frames.
pub fn piece_lengths(pairs: &[BeatPair], side: Side, rate: SampleRate) -> Vec<u64> {
    let beat = |pair: &BeatPair| if side == Side::From { pair.from } else { pair.to };
    let frame = |time: f64| (time * rate.as_f64()) as u64;
    let start = pairs.first().map_or(0.0, |pair| beat(pair).start.0);
    let last = pairs.last().map(|pair| frame(beat(pair).end().0 - start));
    let begins = pairs.iter().map(|pair| frame(beat(pair).start.0).saturating_sub(frame(start)));
    let bounds: Vec<u64> = begins.chain(last).collect();
    let stretched = |(pair, ends): (&BeatPair, &[u64])| {
        let ratio = pair.length.0 / beat(pair).duration.0;
        (ends[1].saturating_sub(ends[0]) as f64 * ratio) as u64
    };
    pairs.iter().zip(bounds.windows(2)).map(stretched).collect()
}

/// Length of a Crossmatch as the original renders it: that of the shorter of its two tracks. It
/// misses the sum of the lengths by less than a frame a beat.
pub fn crossmatch_frames(pairs: &[BeatPair], rate: SampleRate) -> Frames {
    let side = |side| piece_lengths(pairs, side, rate).into_iter().fold(0, u64::saturating_add);
    Frames(u64::min(side(Side::From), side(Side::To)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{deck, song};
    use super::*;

    fn beats(start: f64, period: f64, count: usize) -> Vec<Span> {
        let at = |i| Span { start: Seconds(start + i as f64 * period), duration: Seconds(period) };
        (0..count).map(at).collect()
    }

    #[test]
    fn the_tempo_glides_from_the_old_one_to_the_new_one() {
        let pairs = glide(&beats(8.0, 0.5, 3), &beats(2.0, 0.6, 3));
        for (pair, wanted) in pairs.iter().zip([0.525, 0.55, 0.575]) {
            assert!((pair.length.0 - wanted).abs() < 1e-12, "{pair:?}");
        }
        let single = glide(&beats(8.0, 0.5, 1), &beats(2.0, 0.6, 4));
        assert_eq!(single.len(), 1);
        assert!((single[0].length.0 - 0.55).abs() < 1e-12);
    }

    #[test]
    fn frames_are_cut_off_at_each_beat_and_the_shorter_track_decides() {
        let pairs = glide(&beats(0.0, 0.5, 2), &beats(0.0, 0.6, 2));
        let rate = SampleRate::new(8_000).unwrap();
        let (from, to) =
            (piece_lengths(&pairs, Side::From, rate), piece_lengths(&pairs, Side::To, rate));
        // 4 000 and 4 800 frames to 8 000 * (0.5333.., 0.5666..): halves are dropped.
        assert_eq!((from, to), (vec![4_266, 4_533], vec![4_266, 4_533]));
        assert_eq!(crossmatch_frames(&pairs, rate), Frames(8_799));
        assert_eq!(crossmatch_frames(&[], rate), Frames(0));
    }

    #[test]
    fn halved_beats_are_paired_up_to_a_whole_beat_and_never_past_the_end() {
        let (mut from, to) = (deck(0, &song(120.0, 30.0)), deck(1, &song(60.0, 30.0)));
        from.cursor = Cursor::Row(4);
        let found = Alignment { offset: 3, rows: 6, rate_from: 1, rate_to: 2, cost: 0.0 };
        let paired = pairs(&from, &to, &found);
        assert_eq!(paired.len(), 5);
        assert_eq!(paired[0].from, from.beats[from.timbre.index + 4]);
        assert_eq!(paired[0].to.start.0, to.beats[to.timbre.index + 1].start.0 + 0.5);
        assert_eq!(paired[4].to.end(), to.beats[to.timbre.index + 4].start);
        from.cursor = Cursor::Row(from.beats.len() - from.timbre.index - 2);
        assert_eq!(pairs(&from, &to, &found).len(), 1);
    }
}
