//! Where to cut: from beat times to pieces.

use super::listen::quiet_hop;
use crate::analysis::BeatGrid;
use crate::base::{Frames, SampleRate, Seconds};
use crate::corpus::{Piece, PieceKind};

/// A cut lies at the quietest moment between these two times before the beat: early enough to
/// spare an attack that starts before the tracker's beat, late enough to leave the previous beat
/// whole.
const PRE_ROLL: (f64, f64) = (0.030, 0.010);
/// Beats are at least this long (600 beats a minute) and at most that long (30 a minute).
const BEAT_SECONDS: std::ops::RangeInclusive<f64> = 0.1..=2.0;

/// Pieces of a song of `frames` frames: lead-in, one piece a beat, tail. N beats give N + 1
/// pieces, and together the pieces are the song.
pub fn cut(grid: &BeatGrid, quiet: &[f32], frames: u64, rate: SampleRate) -> Vec<Piece> {
    let attacks = inside(grid, frames, rate);
    let cuts: Vec<u64> = attacks.iter().map(|&(attack, _)| quietest(attack, quiet, rate)).collect();
    let mut pieces =
        vec![piece(PieceKind::LeadIn, 0, cuts.first().copied().unwrap_or(frames), 0, 0)];
    for (i, &(attack, position)) in attacks.iter().enumerate() {
        let end = cuts.get(i + 1).copied().unwrap_or(frames);
        let kind = match attacks.get(i + 1) {
            None => PieceKind::Tail,
            Some(&(next, _)) => {
                let length = Frames(next - attack).seconds(rate).0;
                if BEAT_SECONDS.contains(&length) { PieceKind::Beat } else { PieceKind::Irregular }
            }
        };
        pieces.push(piece(kind, cuts[i], end, attack, position));
    }
    pieces
}

fn piece(kind: PieceKind, start: u64, end: u64, attack: u64, position: u8) -> Piece {
    Piece {
        kind,
        start: Frames(start),
        frames: Frames(end - start),
        attack: Frames(attack),
        position,
        clips: Vec::new(),
    }
}

/// Attack frames with bar positions, strictly rising by at least a tenth of a second, so that
/// every cut lies after the one before.
fn inside(grid: &BeatGrid, frames: u64, rate: SampleRate) -> Vec<(u64, u8)> {
    let least = Seconds(*BEAT_SECONDS.start()).frames(rate).0;
    let mut kept: Vec<(u64, u8)> = Vec::with_capacity(grid.beats.len());
    for (beat, &position) in grid.beats.iter().zip(&grid.positions) {
        let attack = beat.frames(rate).0;
        let clear = kept.last().is_none_or(|&(last, _)| attack >= last + least);
        if clear && attack < frames {
            kept.push((attack, position));
        }
    }
    kept
}

fn quietest(attack: u64, quiet: &[f32], rate: SampleRate) -> u64 {
    let hop = quiet_hop(rate) as u64;
    let before = |seconds: f64| attack.saturating_sub(Seconds(seconds).frames(rate).0);
    let (from, to) = (before(PRE_ROLL.0) / hop, before(PRE_ROLL.1) / hop);
    let candidates = (from..=to).rev().filter(|&i| (i as usize) < quiet.len());
    // Later cuts win ties, so that silence before a beat is not carried along.
    let best = candidates.min_by(|&a, &b| quiet[a as usize].total_cmp(&quiet[b as usize]));
    best.map_or_else(|| before(PRE_ROLL.1), |i| i * hop + hop / 2).min(attack)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Bpm;
    use proptest::prelude::*;

    fn grid(beats: &[f64]) -> BeatGrid {
        BeatGrid {
            beats: beats.iter().map(|&t| Seconds(t)).collect(),
            positions: (0..beats.len()).map(|i| (i % 4) as u8 + 1).collect(),
            beats_per_bar: 4,
            tempo: Bpm(120.0),
            confidence: 1.0,
        }
    }

    #[test]
    fn n_beats_give_n_plus_one_pieces_with_marked_ends() {
        let pieces = cut(&grid(&[0.5, 1.0, 1.5, 4.5]), &[1.0; 3_000], 6 * 44_100, SampleRate::CD);
        let kinds: Vec<_> = pieces.iter().map(|p| p.kind).collect();
        use PieceKind::*;
        assert_eq!(kinds, [LeadIn, Beat, Beat, Irregular, Tail]);
        assert_eq!(pieces[1].position, 1);
    }

    #[test]
    fn a_cut_goes_to_the_quietest_moment_before_the_beat() {
        let mut quiet = vec![1.0; 3_000];
        let hop = quiet_hop(SampleRate::CD);
        let hollow = 44_100 / hop - 9;
        quiet[hollow] = 0.0;
        let pieces = cut(&grid(&[1.0, 1.5]), &quiet, 3 * 44_100, SampleRate::CD);
        assert_eq!(pieces[1].start.0 as usize / hop, hollow);
        assert_eq!(pieces[1].attack.0, 44_100);
    }

    proptest! {
        #[test]
        fn pieces_join_up_to_the_song(
            gaps in prop::collection::vec(0.001f64..3.0, 0..40),
            frames in 0u64..3_000_000,
            rate in 4_000u32..200_000,
        ) {
            let mut t = 0.0;
            let beats: Vec<f64> = gaps.iter().map(|g| { t += g; t }).collect();
            let rate = SampleRate::new(rate).unwrap();
            let pieces = cut(&grid(&beats), &[0.5, 0.1, 0.7, 0.2], frames, rate);
            let mut at = 0;
            for piece in &pieces {
                prop_assert_eq!(piece.start.0, at);
                at += piece.frames.0;
                if piece.kind == PieceKind::Beat {
                    prop_assert!(piece.attack >= piece.start && piece.attack.0 < at);
                    prop_assert!(piece.frames.0 > 0);
                }
            }
            prop_assert_eq!(at, frames);
        }
    }
}
