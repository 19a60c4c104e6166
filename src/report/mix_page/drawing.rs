//! Two songs meeting, drawn over the time of the mix.

use super::{Mix, tempo};
use crate::base::Seconds;
use crate::mix::{Action, Part, Side, VoiceSpec};
use crate::report::page::{LEFT, RIGHT, Strip, WIDTH, clock, simplified, within};
use crate::report::song::cut;
use crate::report::svg::Svg;

const HEIGHT: f64 = 318.0;
/// Top and bottom of each row.
const LEVELS: [(f64, f64); 2] = [(26.0, 80.0), (140.0, 194.0)];
const BEATS: [(f64, f64); 2] = [(88.0, 106.0), (112.0, 130.0)];
const TEMPO: (f64, f64) = (226.0, 282.0);
const CLOCK: f64 = 308.0;
/// Points of a line, and how many it is first drawn with.
const POINTS: usize = 64;
const DENSE: i64 = 512;
/// Least and most seconds shown on either side.
const BESIDE: (f64, f64) = (1.0, 6.0);
/// Width of a letter.
const LETTER: f64 = 6.6;
/// Longest name, in characters.
const NAME: usize = 60;

/// The drawing of the action `index`, meeting number `n`.
pub fn drawn(mix: &Mix<'_>, n: usize, index: usize) -> String {
    let view = View::of(mix, index);
    let (from, to) = (mix.named(view.tracks.0), mix.named(view.tracks.1));
    let title = format!("{from} goes over into {to}");
    let described = format!(
        "Levels, beats and tempo from {} to {} of the mix.",
        Seconds(view.strip.from),
        Seconds(view.strip.to)
    );
    let mut svg = Svg::inline(&format!("m{}", n + 1), WIDTH, HEIGHT, &title, &described);
    let (x, width) = view.strip.span(view.start, view.end).unwrap_or((LEFT, 0.0));
    svg.rect("meet", [x, LEVELS[0].0, width, TEMPO.1 - LEVELS[0].0]);
    view.legend(&mut svg, [&from, &to]);
    for side in [Side::From, Side::To] {
        view.levels(&mut svg, side);
        view.beats(&mut svg, side);
    }
    view.tempi(&mut svg);
    clock(&mut svg, &view.strip, CLOCK);
    svg.finish()
}

/// What a drawing shows.
struct View<'a> {
    mix: &'a Mix<'a>,
    index: usize,
    tracks: (usize, usize),
    start: f64,
    end: f64,
    strip: Strip,
    /// Voices of either side.
    voices: [Vec<&'a VoiceSpec>; 2],
}

/// Beats of one side in the mix.
#[derive(Default)]
struct Grid {
    /// Every attack, and the one after the last.
    attacks: Vec<f64>,
    /// Each stretch between attacks that are given: beats, seconds of the mix, seconds of the song.
    parts: Vec<(f64, f64, f64)>,
}

impl Grid {
    fn push(&mut self, beats: usize, length: f64, own: f64) {
        let at = self.attacks.pop().unwrap_or_default();
        let step = length / beats as f64;
        self.attacks.extend((0..=beats).map(|k| at + step * k as f64));
        self.parts.push((beats as f64, length, own));
    }
}

fn row(side: Side) -> usize {
    usize::from(side == Side::To)
}

impl<'a> View<'a> {
    fn of(mix: &'a Mix<'a>, index: usize) -> View<'a> {
        let tracks = mix.plan.actions[index].action.tracks();
        let (start, end) = (mix.times[index], mix.times[index + 1]);
        let length = end - start;
        let usual = (0.2 * length).clamp(BESIDE.0, BESIDE.1);
        let after = usual.max(glide(mix, index).min(length));
        let last = mix.times[mix.times.len() - 1];
        let strip = Strip { from: (start - usual).max(0.0), to: (end + after).min(last) };
        let frame = |seconds: f64| (seconds * mix.plan.rate.as_f64()).round() as i64;
        let (first, past) = (frame(start), frame(end));
        // A jump has one track on both sides: its older voice leaves.
        let leaves = |v: &&VoiceSpec| match tracks.0 == tracks.1 {
            true => v.start() < first || v.end() <= past,
            false => v.track == tracks.0,
        };
        let heard = mix.voices.iter().filter(|v| {
            (v.track == tracks.0 || v.track == tracks.1)
                && mix.seconds(v.start()) < strip.to
                && mix.seconds(v.end()) > strip.from
        });
        let (out, into) = heard.partition(leaves);
        View { mix, index, tracks, start, end, strip, voices: [out, into] }
    }

    /// The colour of a side: a song keeps that of its bar in the tour.
    fn colour(&self, side: Side) -> char {
        let (from, to) = self.tracks;
        let even = if side == Side::From { from % 2 == 0 } else { to % 2 == 0 };
        let both = from % 2 == to % 2;
        if even == (both && side == Side::To) { 'b' } else { 'a' }
    }

    fn legend(&self, svg: &mut Svg, names: [&str; 2]) {
        let class = |side: Side| format!("t{}", self.colour(side));
        svg.text(&class(Side::From), LEFT, LEVELS[0].0 - 10.0, &cut(names[0], NAME));
        svg.text(&class(Side::To), LEFT, LEVELS[1].1 + 17.0, &cut(names[1], NAME));
        let mut parts: Vec<Part> =
            [Side::From, Side::To].iter().flat_map(|&side| self.parts(side)).collect();
        parts.sort_unstable();
        parts.dedup();
        let mut right = RIGHT;
        for part in parts.into_iter().rev() {
            let (name, class) = match part {
                Part::All => ("all of it", "all"),
                Part::Bass => ("bass", "bass"),
                Part::Middle => ("middle", "middle"),
                Part::Drums => ("drums", "drums"),
                Part::Other => ("the rest", "other"),
            };
            let text = if part == Part::Bass { "tbass ea" } else { "note ea" };
            svg.text(text, right, LEVELS[0].0 - 10.0, name);
            let left = right - LETTER * name.len() as f64 - 6.0;
            let y = LEVELS[0].0 - 14.0;
            svg.line(&format!("key {class}"), [(left - 26.0, y), (left, y)].into_iter());
            right = left - 44.0;
        }
    }

    fn parts(&self, side: Side) -> Vec<Part> {
        let frame = |seconds: f64| (seconds * self.mix.plan.rate.as_f64()) as i64;
        let range = frame(self.strip.from)..frame(self.strip.to);
        let mut parts: Vec<Part> =
            self.voices[row(side)].iter().flat_map(|v| v.parts(&range)).collect();
        parts.sort_unstable();
        parts.dedup();
        if parts.is_empty() { vec![Part::All] } else { parts }
    }

    fn levels(&self, svg: &mut Svg, side: Side) {
        let (top, bottom) = LEVELS[row(side)];
        let number = if side == Side::From { self.tracks.0 } else { self.tracks.1 } + 1;
        svg.text("row", LEFT - 6.0, (top + bottom) / 2.0 + 4.0, &format!("level {number}"));
        for y in [top, bottom] {
            svg.line("grid", [(LEFT, y), (RIGHT, y)].into_iter());
        }
        let colour = self.colour(side);
        for part in self.parts(side) {
            let class = match part {
                Part::All => format!("l{colour}"),
                Part::Bass => "bass".to_string(),
                Part::Middle => format!("l{colour} middle"),
                Part::Drums => format!("l{colour} drums"),
                Part::Other => format!("l{colour} other"),
            };
            for voice in &self.voices[row(side)] {
                let curve = self.curve(voice, part, (top, bottom));
                svg.line(&class, simplified(&curve, POINTS).into_iter());
            }
        }
    }

    /// The gain of a part over the time shown, full level at the top of the row.
    fn curve(&self, voice: &VoiceSpec, part: Part, (top, bottom): (f64, f64)) -> Vec<(f64, f64)> {
        let rate = self.mix.plan.rate.as_f64();
        let first = voice.start().max((self.strip.from * rate) as i64);
        let last = voice.end().min((self.strip.to * rate) as i64).max(first);
        let frame = |i: i64| first + (last - first) * i / DENSE;
        // At a bar's end the gain is that of the last frame, which is nearly, but not yet, none.
        let place = |frame: i64| {
            let gain = f64::from(voice.gain(part, frame)).clamp(0.0, 1.0);
            (self.strip.x(self.mix.seconds(frame)), bottom - (bottom - top) * gain)
        };
        (0..=DENSE).map(|i| place(frame(i))).collect()
    }

    /// The beats of a side that the plan knows: those of the meeting, and those after it that
    /// are led back to their own tempo.
    fn grid(&self, side: Side) -> Grid {
        let mut grid = Grid { attacks: vec![self.start], parts: Vec::new() };
        let track = if side == Side::From { self.tracks.0 } else { self.tracks.1 };
        let own = self.mix.plan.tracks[track].tempo;
        let (Action::Crossmatch { beats, .. } | Action::Blend { beats, .. }) =
            &self.mix.plan.actions[self.index].action
        else {
            return Grid::default();
        };
        for pair in beats {
            let span = tempo::span(pair, side);
            grid.push(tempo::beats_in(span, own), pair.length.0, span.duration.0);
        }
        let next = self.mix.plan.actions.get(self.index + 1).map(|p| &p.action);
        if let Some(Action::Playback { track: next, beats, .. }) = next
            && side == Side::To
            && *next == track
        {
            for beat in beats {
                let count = tempo::beats_in(beat.span, own);
                grid.push(count, beat.length.0, beat.span.duration.0);
            }
        }
        grid
    }

    /// Beats a bar, where bars are told of and divide the meeting.
    fn per_bar(&self) -> Option<usize> {
        let planned = &self.mix.plan.actions[self.index];
        let bars = planned.why.as_ref().map_or(0, |why| why.bars);
        let (Action::Crossmatch { beats, from, .. } | Action::Blend { beats, from, .. }) =
            &planned.action
        else {
            return None;
        };
        let own = self.mix.plan.tracks[*from].tempo;
        let count: usize = beats.iter().map(|pair| tempo::beats_in(pair.from, own)).sum();
        (bars > 0 && count.is_multiple_of(bars)).then(|| count / bars)
    }

    fn beats(&self, svg: &mut Svg, side: Side) {
        let (top, bottom) = BEATS[row(side)];
        let number = if side == Side::From { self.tracks.0 } else { self.tracks.1 } + 1;
        svg.text("row", LEFT - 6.0, (top + bottom) / 2.0 + 4.0, &format!("beats {number}"));
        let grid = self.grid(side);
        if grid.attacks.is_empty() {
            let name = "not matched: each song at its own tempo";
            svg.text("note mid", (LEFT + RIGHT) / 2.0, (top + bottom) / 2.0 + 4.0, name);
            return;
        }
        let per_bar = self.per_bar().unwrap_or(usize::MAX);
        let shown = grid.attacks.iter().enumerate().filter(|(_, at)| **at <= self.strip.to);
        let (downs, others): (Vec<_>, Vec<_>) =
            shown.partition(|(i, _)| per_bar < usize::MAX && i % per_bar == 0);
        // Both rows grow from the line between them, so that beats that meet form one stroke.
        let (inner, outer) = if side == Side::From { (bottom, top) } else { (top, bottom) };
        let short = inner + (outer - inner) * 0.55;
        let colour = self.colour(side);
        let places = |marks: Vec<(usize, &f64)>, to: f64| {
            let x = marks.into_iter().map(|(_, &at)| (self.strip.x(at), inner, to));
            x.collect::<Vec<_>>()
        };
        svg.strokes(&format!("l{colour} ticks"), places(others, short).into_iter());
        svg.strokes(&format!("l{colour} downs"), places(downs, outer).into_iter());
    }

    fn tempi(&self, svg: &mut Svg) {
        svg.text("row", LEFT - 6.0, (TEMPO.0 + TEMPO.1) / 2.0 + 4.0, "BPM");
        let own = |side: Side| {
            let grid = self.grid(side);
            // As recorded, but at the time it is heard.
            let recorded: Vec<_> = grid.parts.iter().map(|p| (p.0, p.2)).collect();
            let heard: Vec<_> = grid.parts.iter().map(|p| (p.0, p.1)).collect();
            let (recorded, heard) =
                (tempo::smooth(&recorded, 0.0), tempo::smooth(&heard, self.start));
            let pair = |(h, r): (&(f64, f64), &(f64, f64))| (h.0, r.1);
            heard.iter().zip(&recorded).map(pair).collect::<Vec<_>>()
        };
        let lines: Vec<(String, Vec<(f64, f64)>)> = [Side::From, Side::To]
            .map(|side| (format!("l{} own", self.colour(side)), own(side)))
            .into_iter()
            .chain(self.mix.tempo.iter().map(|line| ("tempo".to_string(), line.clone())))
            .map(|(class, line)| (class, within(&line, self.strip.from, self.strip.to)))
            .filter(|(_, line)| line.len() > 1)
            .collect();
        let Some((low, high)) = tempo::range(lines.iter().flat_map(|(_, line)| line)) else {
            svg.text("note mid", (LEFT + RIGHT) / 2.0, TEMPO.0 + 24.0, "no steady tempo");
            return;
        };
        let y = |bpm: f64| TEMPO.1 - (TEMPO.1 - TEMPO.0) * (bpm - low) / (high - low).max(1e-9);
        for bpm in [low, high] {
            svg.line("grid", [(LEFT, y(bpm)), (RIGHT, y(bpm))].into_iter());
            svg.text("scale", LEFT - 6.0, y(bpm) + 4.0, &format!("{bpm:.0}"));
        }
        for (class, line) in lines {
            let points: Vec<_> = line.iter().map(|&(t, b)| (self.strip.x(t), y(b))).collect();
            svg.line(&class, simplified(&points, POINTS).into_iter());
        }
    }
}

/// Seconds after a meeting until the song that comes is at its own tempo.
fn glide(mix: &Mix<'_>, index: usize) -> f64 {
    match mix.plan.actions.get(index + 1).map(|p| &p.action) {
        Some(Action::Playback { beats, .. }) => beats.iter().map(|b| b.length.0).sum(),
        _ => 0.0,
    }
}
