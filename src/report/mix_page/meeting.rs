//! What there is to say of one place where songs meet.

use std::fmt::Write as _;

use super::{Mix, NAME, drawing};
use crate::audio::clean;
use crate::base::Seconds;
use crate::mix::{Action, TransitionScore, Why};
use crate::report::page::{badge, count, facts, figure, signed};
use crate::report::svg::escaped;

/// A cost from which a place is bad.
const BAD: f64 = 1.0;
/// Bars of a chart end here.
const MOST: f64 = 2.0;
/// Measured and planned times differ by rounding alone.
const SAME: f64 = 0.005;

/// The section of the action `index`, meeting number `n`.
pub fn section(mix: &Mix<'_>, n: usize, index: usize, open: bool) -> String {
    let (from, to) = mix.plan.actions[index].action.tracks();
    let at = Seconds(mix.times[index]);
    let heading = escaped(&format!("{at} \u{b7} {} \u{2192} {}", mix.named(from), mix.named(to)));
    let mut out = format!(
        "<details id=\"t{}\"{}>\n<summary><h3>{heading}</h3>{}{}</summary>\n<div>\n",
        n + 1,
        if open { " open" } else { "" },
        badge(&short(&mix.plan.actions[index].action, mix.plan.actions[index].why.as_ref())),
        mix.scored(index).map_or(String::new(), |score| badge(&measured(score))),
    );
    out += &mix.told(index);
    out += &figure(&format!("Drawing of transition {}", n + 1), &drawing::drawn(mix, n, index));
    if let Some(why) = mix.plan.actions[index].why.as_ref().filter(|why| !why.costs.is_empty()) {
        out += &costs(why);
    }
    out + "</div>\n</details>\n"
}

/// A row for a meeting that is not drawn.
pub fn row(mix: &Mix<'_>, index: usize) -> Vec<String> {
    let planned = &mix.plan.actions[index];
    let (from, to) = planned.action.tracks();
    vec![
        Seconds(mix.times[index]).to_string(),
        format!("{} \u{2192} {}", mix.named(from), mix.named(to)),
        short(&planned.action, planned.why.as_ref()),
        mix.scored(index).map_or(String::new(), measured),
    ]
}

/// `4 bars beat on beat`.
fn short(action: &Action, why: Option<&Why>) -> String {
    let bars = why.map_or(0, |why| why.bars);
    match action {
        Action::Crossmatch { .. } | Action::Blend { .. } if bars > 0 => {
            format!("{} beat on beat", count(bars, "bar"))
        }
        Action::Crossmatch { beats, .. } | Action::Blend { beats, .. } => {
            format!("{} beat on beat", count(beats.len(), "beat"))
        }
        Action::Jump { .. } => "jump within the song".to_string(),
        other => format!("crossfade, {:.1} s", other.duration().0),
    }
}

/// `beats 3.0 ms apart, level +0.9 LU`.
fn measured(score: &TransitionScore) -> String {
    let beats = score.alignment_median_ms.map(|ms| format!("beats {ms:.1} ms apart"));
    let level = format!("level {} LU", signed(score.loudness_step));
    [beats, Some(level)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

impl Mix<'_> {
    /// What was measured there.
    fn scored(&self, index: usize) -> Option<&TransitionScore> {
        let here = |one: &&TransitionScore| {
            (one.start - self.times[index]).abs() < SAME
                && one.method == self.plan.actions[index].action.name()
        };
        self.score?.transitions.iter().find(here)
    }

    fn told(&self, index: usize) -> String {
        let planned = &self.plan.actions[index];
        let (start, end) = (Seconds(self.times[index]), Seconds(self.times[index + 1]));
        let why = planned.why.as_ref();
        facts(&[
            ("Time", format!("{start} to {end}, {:.1} s", end.0 - start.0)),
            ("Method", method(&planned.action, why)),
            ("Tempo", self.tempi(index)),
            ("Key", self.keys(index)),
            ("Why", why.map_or(String::new(), |why| clean(&why.reason, 400))),
            ("Measured", self.scored(index).map_or(String::new(), in_full)),
        ])
    }

    fn tempi(&self, index: usize) -> String {
        let planned = &self.plan.actions[index];
        let (from, to) = planned.action.tracks();
        let tempo = |track: usize| self.plan.tracks[track].tempo;
        let (Some(a), Some(b)) = (tempo(from), tempo(to)) else { return String::new() };
        let change = planned.why.as_ref().and_then(|why| why.tempo_change);
        let change = change.map_or(String::new(), |c| format!("; {} % where they meet", signed(c)));
        format!("{:.1} \u{2192} {:.1} BPM{change}", a.0, b.0)
    }

    fn keys(&self, index: usize) -> String {
        let planned = &self.plan.actions[index];
        let (from, to) = planned.action.tracks();
        let key = |track: usize| {
            let key = self.plan.tracks[track].key.as_ref();
            key.map_or("unknown".to_string(), |key| clean(key, NAME))
        };
        let steps = match planned.why.as_ref().and_then(|why| why.key_steps) {
            None => String::new(),
            Some(0) => ", the same place on the wheel".to_string(),
            Some(n) => format!(", {} on the wheel", count(n as usize, "step")),
        };
        format!("{} \u{2192} {}{steps}", key(from), key(to))
    }
}

fn method(action: &Action, why: Option<&Why>) -> String {
    let beats = match action {
        Action::Crossmatch { beats, .. } | Action::Blend { beats, .. } => {
            let bars = why.map_or(0, |why| why.bars);
            let bars = if bars > 0 { count(bars, "bar") + ", " } else { String::new() };
            format!(", {bars}{}", count(beats.len(), "beat"))
        }
        _ => String::new(),
    };
    let words = match action {
        Action::Crossmatch { .. } => "beat on beat, the tempo gliding",
        Action::Blend { .. } => "beat on beat at the middle tempo",
        Action::Jump { .. } => "the song goes on at another place",
        _ => "faded into each other, each at its own tempo",
    };
    format!("{} ({words}){beats}", action.name())
}

/// Everything measured at a meeting.
fn in_full(score: &TransitionScore) -> String {
    let beats = match (score.alignment_median_ms, score.alignment_p95_ms) {
        (Some(median), Some(most)) => {
            Some(format!("beats {median:.1} ms apart (95 % within {most:.1} ms)"))
        }
        _ => None,
    };
    let told = [
        beats,
        score
            .pulse_deviation
            .map(|x| format!("no beat more than {x:.1} % of a beat off its place")),
        score.tempo_step.map(|x| format!("tempo changes by {x:.1} % from bar to bar at most")),
        Some(format!("level {} LU", signed(score.loudness_step))),
    ];
    told.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What the place cost, criterion by criterion, as bars with numbers.
fn costs(why: &Why) -> String {
    let mut out = String::from(
        "<table class=\"costs\">\n<caption>What the place cost: 0 is perfect, 1 is bad</caption>\n\
         <thead><tr><th scope=\"col\">Criterion</th><th scope=\"col\" class=\"n\">Cost</th>\
         <th scope=\"col\"><span aria-hidden=\"true\">0 to 2</span></th></tr></thead>\n<tbody>\n",
    );
    for (name, cost) in why.costs.iter().take(32) {
        let width = (100.0 * cost / MOST).clamp(0.0, 100.0);
        let class = if *cost >= BAD { "bar bad" } else { "bar" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{cost:.2}</td><td>\
             <span class=\"{class}\" style=\"width:{width:.0}%\"></span></td></tr>",
            escaped(&clean(name, NAME))
        );
    }
    out + "</tbody>\n</table>\n"
}
