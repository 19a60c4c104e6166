//! How well a mix came out, measured on its sound and not believed from its plan.

mod beats;
mod levels;
mod ours;

use std::path::Path;

use crate::analysis::ClickFinder;
use crate::audio::splice::Wave as _;
use crate::audio::{AudioBuffer, Decoder, Reel, TruePeakMeter};
use crate::base::{Error, ErrorKind, Event, Result, Seconds};
use crate::mix::{Action, MixPlan, Score, TransitionScore};
use crate::pipeline::Context;
use beats::{alignment, pulse};
use levels::{Levels, quantile};

/// Mix and plan may differ in length by this much: encoders pad.
const SAME_LENGTH: f64 = 0.2;

/// Measures the mix at `path` that was rendered from `plan`.
///
/// # Errors
/// `Corrupt` where the mix is not as long as its plan; `Io`; `Unusable` where it cannot be read.
pub fn score_mix(context: &Context<'_>, plan: &MixPlan, path: &Path) -> Result<Score> {
    let whole = listen(context, plan, path)?;
    let mut mix = Reel::open(path, context.limits, plan.rate)?;
    let (times, stage) = (plan.times(), "score");
    let scored: Vec<usize> =
        (0..plan.actions.len()).filter(|&i| is_transition(&plan.actions[i].action)).collect();
    context.progress.report(Event::StageStarted { stage, items: scored.len() });
    let mut transitions = Vec::new();
    for &i in &scored {
        context.cancel.check()?;
        let one = transition(context, plan, i, times[i], &mut mix, &whole.levels)?;
        context.progress.report(Event::ItemStarted { item: &one.to });
        context.progress.report(Event::ItemDone { item: &one.to, note: &summary(&one) });
        transitions.push(one);
    }
    context.progress.report(Event::StageDone { stage });
    let errors: Vec<f64> = transitions.iter().flat_map(|t| &t.errors_ms).map(|e| e.abs()).collect();
    let steps: Vec<f64> = transitions.iter().map(|t| t.loudness_step.abs()).collect();
    Ok(Score {
        alignment_median_ms: quantile(&errors, 0.5),
        alignment_p95_ms: quantile(&errors, 0.95),
        loudness_step_median: quantile(&steps, 0.5),
        loudness_step_worst: quantile(&steps, 1.0),
        transitions,
        true_peak: whole.true_peak,
        loudness: whole.levels.integrated(),
        clicks: whole.clicks,
    })
}

fn is_transition(action: &Action) -> bool {
    action.tracks().0 != action.tracks().1
}

fn summary(one: &TransitionScore) -> String {
    let beats = one.alignment_median_ms.map_or(String::new(), |ms| format!("beats {ms:.1} ms, "));
    format!("{beats}level {:+.1} LU", one.loudness_step)
}

/// What is measured on the mix as a whole.
struct Whole {
    levels: Levels,
    true_peak: f64,
    clicks: Vec<f64>,
}

fn listen(context: &Context<'_>, plan: &MixPlan, path: &Path) -> Result<Whole> {
    let mut decoder = Decoder::open(path, context.limits)?;
    let (rate, channels) = (decoder.rate(), decoder.channels());
    let mut levels = Levels::new(rate);
    let mut peak = TruePeakMeter::new(rate, channels);
    let mut clicks: Vec<ClickFinder> = (0..channels).map(|_| ClickFinder::new()).collect();
    let mut block = AudioBuffer::new(channels);
    while decoder.next_block(&mut block)? {
        context.cancel.check()?;
        levels.push(&block);
        peak.push(&block);
        clicks.iter_mut().zip(&block.planes).for_each(|(finder, plane)| finder.push(plane));
    }
    let (found, due) = (decoder.position() as f64 / rate.as_f64(), plan.duration().0);
    if (found - due).abs() > SAME_LENGTH {
        return Err(Error::new(ErrorKind::Corrupt, "the mix does not belong to the plan")
            .at(path)
            .because(format!("it lasts {found:.1} s, the plan {due:.1} s"))
            .hint("forever render --plan PLAN -o MIX.wav"));
    }
    let mut places: Vec<f64> = clicks
        .into_iter()
        .flat_map(ClickFinder::finish)
        .map(|c| c as f64 / rate.as_f64())
        .collect();
    places.sort_by(f64::total_cmp);
    places.dedup_by(|b, a| (*b - *a).abs() < 0.001);
    let clicks = ours::our_clicks(context, plan, places)?;
    Ok(Whole { levels: levels.finish(), true_peak: peak.finish(), clicks })
}

fn transition(
    context: &Context<'_>,
    plan: &MixPlan,
    index: usize,
    start: Seconds,
    mix: &mut Reel,
    levels: &Levels,
) -> Result<TransitionScore> {
    let planned = &plan.actions[index];
    let (from, to) = planned.action.tracks();
    let duration = planned.action.duration().0;
    let errors_ms = match &planned.action {
        Action::Crossmatch { beats, .. } => alignment(context, plan, (from, to), start, beats)?,
        _ => Vec::new(),
    };
    let sizes: Vec<f64> = errors_ms.iter().map(|e| e.abs()).collect();
    let mut sound = AudioBuffer::default();
    let frames = |seconds: f64| (seconds * plan.rate.as_f64()).round() as i64;
    let around =
        frames((start.0 - beats::AROUND).max(0.0))..frames(start.0 + duration + beats::AROUND);
    mix.read(around, &mut sound)?;
    let (pulse_deviation, tempo_step) = pulse(&sound, plan.rate)?;
    Ok(TransitionScore {
        start: start.0,
        duration,
        from: plan.tracks[from].title.clone(),
        to: plan.tracks[to].title.clone(),
        method: planned.action.name(),
        alignment_median_ms: quantile(&sizes, 0.5),
        alignment_p95_ms: quantile(&sizes, 0.95),
        errors_ms,
        pulse_deviation,
        tempo_step,
        loudness_step: levels.step(start.0, start.0 + duration),
        key_steps: planned.why.as_ref().and_then(|why| why.key_steps),
    })
}
