//! Plans from outside: read, checked, and refused with the line that is wrong.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::action::{Action, Beat, BeatPair, Lane, Span};
use super::plan::{MIX_SCHEMA, MixPlan, Override, PlanTrack, Planned, Style};
use crate::base::{Error, ErrorKind, Lufs, Result, SampleRate, Seconds, Seed};

/// A track may be read this far past its end: lengths are told in rounded seconds.
const SLACK: f64 = 0.25;
/// Beats must follow each other this closely, in seconds.
const GAP: f64 = 0.002;
/// A tempo is changed by this factor at most.
const MOST_STRETCH: f64 = 2.5;
/// Loudest amplitude of a lane, and gain of a track in dB.
const MOST_GAIN: f32 = 4.0;
const MOST_DECIBELS: f64 = 24.0;
/// Longest mix, a year: beyond it lengths are no longer honest.
const LONGEST: f64 = 366.0 * 86_400.0;

/// A plan whose tracks and actions are still text, so that each knows its line.
#[derive(Deserialize)]
struct Raw<'a> {
    schema: u32,
    #[serde(default)]
    version: String,
    #[serde(default)]
    style: Style,
    #[serde(default = "no_seed")]
    seed: Seed,
    #[serde(default = "cd")]
    rate: SampleRate,
    #[serde(default = "usual_loudness")]
    loudness: Lufs,
    #[serde(default)]
    energy: String,
    #[serde(default)]
    overrides: Vec<Override>,
    #[serde(borrow)]
    tracks: Vec<&'a RawValue>,
    #[serde(borrow)]
    actions: Vec<&'a RawValue>,
}

fn no_seed() -> Seed {
    Seed(0)
}

fn cd() -> SampleRate {
    SampleRate::CD
}

fn usual_loudness() -> Lufs {
    Lufs(-14.0)
}

/// Reads a plan, by hand or by us.
///
/// # Errors
/// `Usage` naming the line and what is wrong with it.
pub fn parse_plan(text: &str) -> Result<MixPlan> {
    let raw: Raw<'_> =
        serde_json::from_str(text).map_err(|e| wrong(e.line(), &tail_of(&e.to_string())))?;
    if raw.schema != MIX_SCHEMA {
        let why = format!("schema {} is not one this version reads ({MIX_SCHEMA})", raw.schema);
        return Err(wrong(line_of(text, "\"schema\""), &why));
    }
    let tracks = each(text, &raw.tracks, |track: &PlanTrack| check_track(track))?;
    let actions = each(text, &raw.actions, |p: &Planned| check_action(&p.action, &tracks))?;
    if actions.is_empty() {
        return Err(wrong(line_of(text, "\"actions\""), "a mix has at least one action"));
    }
    let plan = MixPlan {
        schema: raw.schema,
        version: raw.version,
        style: raw.style,
        seed: raw.seed,
        rate: raw.rate,
        loudness: raw.loudness,
        energy: raw.energy,
        overrides: raw.overrides,
        tracks,
        actions,
    };
    if plan.duration().0 > LONGEST {
        return Err(wrong(line_of(text, "\"actions\""), "longer than a year"));
    }
    Ok(plan)
}

/// Parses and checks every element, naming its line.
fn each<'a, T: Deserialize<'a>>(
    text: &str,
    raw: &[&'a RawValue],
    check: impl Fn(&T) -> std::result::Result<(), String>,
) -> Result<Vec<T>> {
    let one = |element: &&'a RawValue| {
        // The element is a slice of the text: how far in tells its line. Lines are counted for
        // what is wrong only, or a long plan would be read through once for every action.
        let refused = |why: &str| {
            let at = (element.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
            wrong(1 + text.bytes().take(at).filter(|&b| b == b'\n').count(), why)
        };
        // The parser's own line is of no use: of an action it is always the last.
        let parsed: T =
            serde_json::from_str(element.get()).map_err(|e| refused(&tail_of(&e.to_string())))?;
        check(&parsed).map_err(|why| refused(&why))?;
        Ok(parsed)
    };
    raw.iter().map(one).collect()
}

fn wrong(line: usize, why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("the plan makes no sense in line {line}"))
        .because(why.to_string())
        .hint("forever plan SONGS -o plan.json makes one to start from")
}

/// serde's message without its own idea of the line, which counts from the element.
fn tail_of(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_string()
}

fn line_of(text: &str, word: &str) -> usize {
    1 + text.find(word).map_or(0, |at| text[..at].matches('\n').count())
}

type Checked = std::result::Result<(), String>;

fn check_track(track: &PlanTrack) -> Checked {
    if track.path.is_empty() {
        return Err("a track has no path".into());
    }
    length("duration", track.duration)?;
    let gain = track.gain.0.0;
    if !gain.is_finite() || gain > MOST_DECIBELS {
        return Err(format!("gain {gain} dB is above {MOST_DECIBELS} dB"));
    }
    Ok(())
}

fn length(what: &str, seconds: Seconds) -> Checked {
    match seconds.0.is_finite() && seconds.0 >= 0.0 {
        true => Ok(()),
        false => Err(format!("{what} {} is not a length in seconds", seconds.0)),
    }
}

fn check_action(action: &Action, tracks: &[PlanTrack]) -> Checked {
    let inside = |track: usize, span: Span| {
        let Some(known) = tracks.get(track) else {
            return Err(format!("there is no track {track}, they count from 0"));
        };
        length("start", span.start)?;
        length("duration", span.duration)?;
        let (end, most) = (span.end().0, known.duration.0);
        if end > most + SLACK {
            return Err(format!("track {track} ends at {most:.3} s, not {end:.3} s"));
        }
        Ok(())
    };
    match action {
        Action::FadeIn { track, span } | Action::FadeOut { track, span } => inside(*track, *span),
        Action::Playback { track, span, beats } => {
            inside(*track, *span)?;
            check_beats(span, beats)
        }
        Action::Crossfade { from, to, from_start, to_start, duration, .. } => {
            different(*from, *to)?;
            inside(*from, Span { start: *from_start, duration: *duration })?;
            inside(*to, Span { start: *to_start, duration: *duration })
        }
        Action::Crossmatch { from, to, beats, lanes, .. } => {
            different(*from, *to)?;
            check_pairs(beats, |span| inside(*from, span), |span| inside(*to, span))?;
            lanes.iter().try_for_each(|lane| check_lane(lane, tracks, *from, *to))
        }
        Action::Blend { from, to, beats } => {
            different(*from, *to)?;
            check_pairs(beats, |span| inside(*from, span), |span| inside(*to, span))
        }
        Action::Jump { track, source, target, duration } => {
            inside(*track, Span { start: *source, duration: *duration })?;
            let start = Seconds(target.0 - duration.0);
            inside(*track, Span { start, duration: *duration })
        }
    }
}

fn different(from: usize, to: usize) -> Checked {
    match from == to {
        true => Err(format!("track {from} cannot be mixed into itself")),
        false => Ok(()),
    }
}

fn check_ratio(source: Seconds, length: Seconds) -> Checked {
    let ratio = length.0 / source.0;
    if source.0 > 0.0 && (1.0 / MOST_STRETCH..=MOST_STRETCH).contains(&ratio) {
        return Ok(());
    }
    Err(format!("a beat of {:.3} s cannot last {:.3} s", source.0, length.0))
}

fn follow(before: Span, span: Span) -> Checked {
    if (before.end().0 - span.start.0).abs() <= GAP {
        return Ok(());
    }
    let (end, start) = (before.end().0, span.start.0);
    Err(format!("a beat ends at {end:.3} s, the next begins at {start:.3} s"))
}

fn check_beats(span: &Span, beats: &[Beat]) -> Checked {
    if let Some(first) = beats.first().filter(|b| (b.span.start.0 - span.start.0).abs() > GAP) {
        let (found, due) = (first.span.start.0, span.start.0);
        return Err(format!("its first beat is at {found:.3} s, it begins at {due:.3} s"));
    }
    let covered: f64 = beats.iter().map(|b| b.span.duration.0).sum();
    if covered > span.duration.0 + GAP {
        return Err(format!("its beats last {covered:.3} s, it {:.3} s", span.duration.0));
    }
    beats.windows(2).try_for_each(|w| follow(w[0].span, w[1].span))?;
    beats.iter().try_for_each(|b| check_ratio(b.span.duration, b.length))
}

fn check_pairs(
    beats: &[BeatPair],
    from: impl Fn(Span) -> Checked,
    to: impl Fn(Span) -> Checked,
) -> Checked {
    if beats.is_empty() {
        return Err("a crossmatch has at least one beat".into());
    }
    for pair in beats {
        from(pair.from)?;
        to(pair.to)?;
        check_ratio(pair.from.duration, pair.length)?;
        check_ratio(pair.to.duration, pair.length)?;
    }
    beats.windows(2).try_for_each(|w| {
        follow(w[0].from, w[1].from)?;
        follow(w[0].to, w[1].to)
    })
}

fn check_lane(lane: &Lane, tracks: &[PlanTrack], from: usize, to: usize) -> Checked {
    use super::action::{Part, Side};
    let known = |(beat, gain): &(f64, f32)| beat.is_finite() && (0.0..=MOST_GAIN).contains(gain);
    if !lane.points.iter().all(known) {
        return Err(format!("a lane has a gain outside 0 to {MOST_GAIN}"));
    }
    if lane.points.windows(2).any(|w| w[0].0 > w[1].0) {
        return Err("the beats of a lane do not rise".into());
    }
    let track = if lane.side == Side::From { from } else { to };
    let stem = matches!(lane.part, Part::Drums | Part::Other);
    match stem && tracks[track].stems.is_none() {
        true => Err(format!("a lane moves a stem of track {track}, which has none")),
        false => Ok(()),
    }
}
