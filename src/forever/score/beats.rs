//! Whether beats fall on beats.

use crate::analysis::{AttackFinder, TrackAnalyzer};
use crate::audio::AudioBuffer;
use crate::base::{Result, SampleRate, Seconds};
use crate::forever::render::open_track;
use crate::mix::{BeatPair, MixPlan, Renderer};
use crate::pipeline::Context;

/// An attack belongs to a beat within this distance, but never further than a quarter beat.
const REACH: f64 = 0.05;
/// Seconds of mix around a transition in which its pulse is followed.
pub const AROUND: f64 = 8.0;
/// Beats on either side that a beat is compared with.
const SPAN: usize = 4;

/// Differences in ms between the attacks of the two tracks of a transition, for every beat on
/// which both have one: each track is rendered alone, as it sounds in the mix.
pub fn alignment(
    context: &Context<'_>,
    plan: &MixPlan,
    tracks: (usize, usize),
    start: Seconds,
    beats: &[BeatPair],
) -> Result<Vec<f64>> {
    let (mut at, mut times) = (start.0, Vec::new());
    for pair in beats {
        times.push((at, pair.length.0));
        at += pair.length.0;
    }
    let from = alone(context, plan, tracks.0, start.0, at)?;
    let to = alone(context, plan, tracks.1, start.0, at)?;
    let found = |finder: &(f64, AttackFinder), time: f64, beat: f64| {
        let reach = Seconds(REACH.min(beat / 4.0));
        finder.1.near(Seconds(time - finder.0), reach).map(|t| t.0 + finder.0)
    };
    let error = |&(time, beat): &(f64, f64)| {
        let (a, b) = (found(&from, time, beat)?, found(&to, time, beat)?);
        Some((b - a) * 1_000.0)
    };
    Ok(times.iter().filter_map(error).collect())
}

/// One track of the mix on its own from `start` to `end`: when the sound begins, and its attacks.
fn alone(
    context: &Context<'_>,
    plan: &MixPlan,
    track: usize,
    start: f64,
    end: f64,
) -> Result<(f64, AttackFinder)> {
    let open = |track: usize, stems: bool| open_track(context, plan, track, stems);
    let frame = |seconds: f64| (seconds * plan.rate.as_f64()) as i64;
    let range = frame(start - 0.1)..frame(end + 0.1);
    let mut renderer = Renderer::part(plan, &open, range, |voice| voice.track == track);
    let first = renderer.position() as f64 / plan.rate.as_f64();
    let (mut block, mut mono, mut more) = (AudioBuffer::new(2), Vec::new(), Vec::new());
    loop {
        renderer.next_block(&mut block)?;
        if block.is_empty() {
            break;
        }
        block.mono_into(&mut more);
        mono.extend_from_slice(&more);
    }
    Ok((first, AttackFinder::new(&mono, plan.rate)))
}

/// How steady the pulse of a stretch of mix is: the largest deviation of a beat from those around
/// it in per cent of a beat, and the largest change of tempo from bar to bar in per cent.
pub fn pulse(sound: &AudioBuffer, rate: SampleRate) -> Result<(Option<f64>, Option<f64>)> {
    let mut analyzer = TrackAnalyzer::new(rate, 2)?;
    analyzer.push(sound)?;
    let Some(rhythm) = analyzer.finish()?.rhythm else { return Ok((None, None)) };
    let beats: Vec<f64> = rhythm.beats.iter().map(|b| b.0).collect();
    let inner = SPAN..beats.len().saturating_sub(SPAN);
    let off = |i: usize| {
        let step = (beats[i + SPAN] - beats[i - SPAN]) / (2 * SPAN) as f64;
        let middle = (beats[i + SPAN] + beats[i - SPAN]) / 2.0;
        // A tempo that changes evenly bends the middle; that is no deviation.
        let near = (beats[i + 1] + beats[i - 1]) / 2.0;
        let off = (beats[i] - near).abs().min((beats[i] - middle).abs());
        100.0 * off / step
    };
    let deviation = inner.map(off).fold(None, |m: Option<f64>, x| Some(m.map_or(x, |m| m.max(x))));
    let tempi: Vec<f64> = rhythm.tempo_curve.iter().map(|p| p.tempo.0).collect();
    let steps = tempi.windows(2).map(|w| 100.0 * (w[1] / w[0] - 1.0).abs());
    Ok((deviation, steps.fold(None, |m: Option<f64>, x| Some(m.map_or(x, |m| m.max(x))))))
}
