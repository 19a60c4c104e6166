//! The tempo of a mix over time, as it is planned.

use crate::base::Bpm;
use crate::mix::{Action, BeatPair, MixPlan, Side, Span};

/// How much a beat and its neighbours count for the tempo there: attacks lie a few ms off their
/// beats, and long and short ones may alternate, which these weights cancel.
const WEIGHTS: [f64; 5] = [0.5, 1.0, 1.0, 1.0, 0.5];
/// Tempi this far apart are no glide but two tempi.
const GLIDES: f64 = 1.06;

/// Beats a minute over seconds, a line for every stretch without a jump.
pub fn lines(plan: &MixPlan) -> Vec<Vec<(f64, f64)>> {
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    for (planned, at) in plan.actions.iter().zip(plan.times()) {
        for piece in pieces(plan, &planned.action, at.0) {
            let Some(&(begin, first)) = piece.first() else { continue };
            let follows = lines.last().and_then(|line| line.last()).is_some_and(|&(end, last)| {
                begin - end < 2.0 && (first / last).max(last / first) < GLIDES
            });
            match lines.last_mut().filter(|_| follows) {
                Some(line) => line.extend(piece),
                None => lines.push(piece),
            }
        }
    }
    lines
}

fn pieces(plan: &MixPlan, action: &Action, at: f64) -> Vec<Vec<(f64, f64)>> {
    let tempo = |track: usize| plan.tracks[track].tempo;
    let flat = |track: usize, from: f64, to: f64| {
        tempo(track).filter(|_| to > from).map_or(Vec::new(), |t| vec![(from, t.0), (to, t.0)])
    };
    let end = at + action.duration().0;
    match action {
        Action::FadeIn { track, .. }
        | Action::FadeOut { track, .. }
        | Action::Jump { track, .. } => vec![flat(*track, at, end)],
        Action::Playback { track, beats, .. } => {
            let parts: Vec<_> = beats
                .iter()
                .map(|b| (beats_in(b.span, tempo(*track)) as f64, b.length.0))
                .collect();
            let rest = at + parts.iter().map(|p| p.1).sum::<f64>();
            // What is left of a song after a glide may be a rounding error.
            let rest = flat(*track, rest.min(end), if end - rest > 0.01 { end } else { rest });
            vec![smooth(&parts, at), rest]
        }
        Action::Crossfade { from, to, .. } => {
            let middle = (at + end) / 2.0;
            vec![flat(*from, at, middle), flat(*to, middle, end)]
        }
        Action::Crossmatch { from, to, beats, .. } | Action::Blend { from, to, beats } => {
            matched(beats, (tempo(*from), tempo(*to)), at)
        }
    }
}

/// The tempo of beats of two songs: in the pulse of the one that leaves and, from the middle on,
/// of the one that comes, which may be twice or half of it.
fn matched(beats: &[BeatPair], tempi: (Option<Bpm>, Option<Bpm>), at: f64) -> Vec<Vec<(f64, f64)>> {
    let parts = |side: Side| -> Vec<(f64, f64)> {
        let tempo = if side == Side::From { tempi.0 } else { tempi.1 };
        let one = |pair: &BeatPair| (beats_in(span(pair, side), tempo) as f64, pair.length.0);
        beats.iter().map(one).collect()
    };
    let (mut out, mut into) = (smooth(&parts(Side::From), at), smooth(&parts(Side::To), at));
    if out != into {
        let middle = beats.len() / 2;
        out.truncate(middle);
        into.drain(..middle.min(into.len()));
        return vec![out, into];
    }
    vec![out]
}

/// The beat of one of the songs.
pub fn span(pair: &BeatPair, side: Side) -> Span {
    if side == Side::From { pair.from } else { pair.to }
}

/// Beats in a stretch of a song: one, but two where songs meet at double time.
pub fn beats_in(span: Span, tempo: Option<Bpm>) -> usize {
    let beats = tempo.map_or(1.0, |tempo| span.duration.0 * tempo.0 / 60.0);
    beats.round().clamp(1.0, 8.0) as usize
}

/// Parts, each of so many beats and seconds, as tempi at their middles.
pub fn smooth(parts: &[(f64, f64)], at: f64) -> Vec<(f64, f64)> {
    let mut now = at;
    let mut tempi = Vec::with_capacity(parts.len());
    for (i, part) in parts.iter().enumerate() {
        let around = WEIGHTS.iter().enumerate().filter_map(|(k, weight)| {
            let near = parts.get((i + k).checked_sub(WEIGHTS.len() / 2)?)?;
            Some((weight * near.0, weight * near.1))
        });
        let (beats, seconds) = around.fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
        if seconds > 0.0 {
            tempi.push((now + part.1 / 2.0, 60.0 * beats / seconds));
        }
        now += part.1;
    }
    tempi
}

/// The lowest and the highest tempo of lines, with room so that a steady tempo looks steady.
pub fn range<'a>(lines: impl Iterator<Item = &'a (f64, f64)>) -> Option<(f64, f64)> {
    let tempi = lines.map(|&(_, bpm)| bpm).filter(|bpm| bpm.is_finite());
    let (low, high) =
        tempi.fold((f64::INFINITY, 0.0f64), |(low, high), bpm| (low.min(bpm), high.max(bpm)));
    (low <= high).then(|| ((low * 0.98 - 1.0).floor(), (high * 1.02 + 1.0).ceil()))
}
