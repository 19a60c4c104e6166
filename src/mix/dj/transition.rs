//! Where two songs meet, and the action that comes of it.

use super::cost::{Costs, cost};
use super::crossfade::crossfade;
use super::grid::Grid;
use super::lanes;
use super::likeness::Likeness;
use crate::analysis::SpanSound;
use crate::base::Seconds;
use crate::mix::plan::{Method, Override, Style, Why};
use crate::mix::{Action, BeatPair, Curve, Span};

/// What a mix should be like.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose law.
    pub style: Style,
    /// Length of transitions in bars; chosen pair by pair where not given.
    pub bars: Option<usize>,
    /// Most a tempo is changed, as a factor above 1.
    pub max_stretch: f64,
    /// Longest stay with a song, in seconds.
    pub max_stay: Option<f64>,
    /// Length of a plain crossfade, in seconds.
    pub crossfade: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options { style: Style::Dj, bars: None, max_stretch: 1.08, max_stay: None, crossfade: 8.0 }
    }
}

/// Lengths of transitions looked at, in bars.
const LENGTHS: [usize; 4] = [4, 8, 16, 32];
/// Shortest stay with a song between two transitions, in seconds.
pub const LEAST_STAY: f64 = 12.0;
/// A song is entered within this share of it, and left after that one.
const ENTER_BY: f64 = 0.45;
const LEAVE_FROM: f64 = 0.5;
/// From this cost of harmony on, songs in distant keys are not laid over each other.
const CLASH: f64 = 0.7;
/// Single beats may deviate from the tempo by this factor on top of the stretch.
const JITTER: f64 = 1.10;
/// The tempo changes by this much a bar at most; what is left glides on after the transition.
const PER_BAR: f64 = 0.006;

/// One place where two songs could meet.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// First beat of the transition in the song that leaves, and how many of its beats.
    pub a: usize,
    /// Its beats.
    pub a_beats: usize,
    /// First beat in the song that comes.
    pub b: usize,
    /// Its beats.
    pub b_beats: usize,
    /// Pairs a beat of each: one of them is 1, the other 1 or 2.
    pub rates: (usize, usize),
    /// Beat length of the one that leaves over that of the one that comes, octaves taken out.
    pub ratio: f64,
}

/// A transition that was chosen.
pub struct Meeting {
    /// What sounds.
    pub action: Action,
    /// Why.
    pub why: Why,
    /// Where the song that leaves was when it began.
    pub out: f64,
    /// Where the song that comes is when it is over.
    pub into: f64,
    /// Beat of that, where it is one, and beats from there on with their lengths in the mix.
    pub glide: Vec<crate::mix::Beat>,
}

/// How two songs are moved into each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Desk {
    Stems,
    Blend,
    Percussive,
}

impl Desk {
    /// Stems where there are any; whole songs over each other only where they agree.
    fn choose(stems: bool, key_steps: Option<u32>, costs: &Costs) -> Desk {
        let related = key_steps.is_some_and(|steps| steps <= 1);
        match (stems, related || costs.harmony() < CLASH) {
            (true, _) => Desk::Stems,
            (false, true) => Desk::Blend,
            (false, false) => Desk::Percussive,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Desk::Stems => "stem by stem",
            Desk::Blend => "bass swapped in the middle",
            Desk::Percussive => "bass and chords swapped in the middle, for they would clash",
        }
    }
}

/// The best place for two songs to meet, the first being at `now` seconds.
pub fn meet(
    a: &Grid<'_>,
    b: &Grid<'_>,
    now: f64,
    options: &Options,
    wish: Option<&Override>,
    stems: bool,
) -> Meeting {
    let plain = options.style == Style::Crossfade
        || wish.is_some_and(|w| w.method == Some(Method::Crossfade));
    if plain {
        return crossfade(a, b, now, options, wish, "as asked");
    }
    match best(a, b, now, options, wish) {
        Ok((candidate, costs)) => crossmatch(a, b, &candidate, &costs, options, stems),
        Err(why) => crossfade(a, b, now, options, wish, why),
    }
}

/// The beats of two songs at a common rate.
fn common_rate(a: &Grid<'_>, b: &Grid<'_>) -> (usize, usize) {
    let (last_a, last_b) = (a.beats.len() - 1, b.beats.len() - 1);
    let ratio = (a.beat_length(0, last_a) / b.beat_length(0, last_b)).log2();
    match ratio {
        r if r > 0.5 => (2, 1),
        r if r < -0.5 => (1, 2),
        _ => (1, 1),
    }
}

fn doubled(sounds: &[SpanSound], rate: usize) -> Vec<SpanSound> {
    sounds.iter().flat_map(|s| std::iter::repeat_n(s.clone(), rate)).collect()
}

type Best = std::result::Result<(Candidate, Costs), &'static str>;

fn best(a: &Grid<'_>, b: &Grid<'_>, now: f64, options: &Options, wish: Option<&Override>) -> Best {
    if !a.is_steady() || !b.is_steady() {
        return Err("no steady beat in one of them");
    }
    let rates = common_rate(a, b);
    if a.per_bar != b.per_bar {
        return Err("different metres");
    }
    let likeness = Likeness::between(&doubled(a.sounds(), rates.0), &doubled(b.sounds(), rates.1));
    let lengths: Vec<usize> = match wish.and_then(|w| w.bars).or(options.bars) {
        Some(bars) => vec![bars.max(1)],
        None => LENGTHS.to_vec(),
    };
    let mut found: Option<(f64, Candidate, Costs)> = None;
    let mut too_far = false;
    for &out in outs(a, now, options, wish).iter() {
        for &into in ins(b, wish).iter() {
            for &bars in &lengths {
                let Some(candidate) = candidate(a, b, out, into, bars, rates) else { continue };
                let pairs = candidate.a_beats * rates.0;
                let likeness = likeness.along(out * rates.0, into * rates.1, pairs);
                let costs = cost(a, b, &candidate, likeness, options);
                let total = costs.total();
                if found.as_ref().is_some_and(|(least, ..)| total >= *least) {
                    continue;
                }
                if fits(a, b, &candidate, options) {
                    found = Some((total, candidate, costs));
                } else {
                    too_far = true;
                }
            }
        }
    }
    match found {
        Some((_, candidate, costs)) => Ok((candidate, costs)),
        None if too_far => Err("tempi too far apart"),
        None => Err("too little room for a beat-matched transition"),
    }
}

/// Bar lines at which the first song may be left.
pub fn outs(a: &Grid<'_>, now: f64, options: &Options, wish: Option<&Override>) -> Vec<usize> {
    if let Some(at) = wish.and_then(|w| w.from_start) {
        return nearest(a, at.0).into_iter().collect();
    }
    let earliest = now + LEAST_STAY;
    let latest = options.max_stay.map_or(f64::MAX, |stay| now + stay.max(LEAST_STAY + 8.0));
    // A long stay is not wanted where a limit is set: then the song may be left early.
    let from = match options.max_stay {
        Some(stay) => (now + 0.7 * stay).min(LEAVE_FROM * a.track.duration.0),
        None => LEAVE_FROM * a.track.duration.0,
    };
    let allowed = |&&d: &&usize| {
        let t = a.beats[d];
        t >= earliest && t >= from.max(now) && t <= latest
    };
    a.downbeats.iter().filter(allowed).copied().collect()
}

/// Bar lines at which the second song may be entered.
pub fn ins(b: &Grid<'_>, wish: Option<&Override>) -> Vec<usize> {
    if let Some(at) = wish.and_then(|w| w.to_start) {
        return nearest(b, at.0).into_iter().collect();
    }
    let latest = ENTER_BY * b.track.duration.0;
    b.downbeats.iter().filter(|&&d| b.beats[d] <= latest).copied().collect()
}

fn nearest(grid: &Grid<'_>, at: f64) -> Option<usize> {
    let far = |d: &usize| (grid.beats[*d] - at).abs();
    grid.downbeats.iter().copied().min_by(|x, y| far(x).total_cmp(&far(y)))
}

fn candidate(
    a: &Grid<'_>,
    b: &Grid<'_>,
    out: usize,
    into: usize,
    bars: usize,
    rates: (usize, usize),
) -> Option<Candidate> {
    let a_beats = bars * a.per_bar;
    let b_beats = a_beats * rates.0 / rates.1;
    let (a_end, b_end) = (out + a_beats, into + b_beats);
    // All the beats must be there, and whole: two beats of the faster song for one of the slower.
    let whole = b_beats * rates.1 == a_beats * rates.0;
    if !whole || a_end >= a.beats.len() || b_end >= b.beats.len() {
        return None;
    }
    let stays = b.end() - b.beats[b_end] >= LEAST_STAY;
    let sounds = a.beats[a_end] <= a.end() + 0.5;
    let early = b.beats[b_end] <= 0.6 * b.track.duration.0;
    let length = |grid: &Grid<'_>, from, to, rate: usize| grid.beat_length(from, to) / rate as f64;
    let ratio = length(a, out, a_end, rates.0) / length(b, into, b_end, rates.1);
    let candidate = Candidate { a: out, a_beats, b: into, b_beats, rates, ratio };
    (stays && sounds && early).then_some(candidate)
}

/// Whether the tempi can be brought together, beat for beat.
fn fits(a: &Grid<'_>, b: &Grid<'_>, c: &Candidate, options: &Options) -> bool {
    let most = options.max_stretch;
    if c.ratio > most || c.ratio < 1.0 / most {
        return false;
    }
    let limit = (most * JITTER).ln();
    pairs(a, b, c).iter().all(|(from, to)| {
        let ratio = (from.duration.0 / to.duration.0).ln();
        ratio.abs() <= limit
    })
}

/// The beats of both songs side by side, those of the slower split.
fn pairs(a: &Grid<'_>, b: &Grid<'_>, c: &Candidate) -> Vec<(Span, Span)> {
    let split = |grid: &Grid<'_>, from: usize, count: usize, rate: usize| -> Vec<Span> {
        let part = |span: Span, i: usize| {
            let duration = Seconds(span.duration.0 / rate as f64);
            Span { start: Seconds(span.start.0 + i as f64 * duration.0), duration }
        };
        (from..from + count)
            .flat_map(|beat| (0..rate).map(move |i| (beat, i)))
            .map(|(beat, i)| part(grid.span(beat), i))
            .collect()
    };
    let from = split(a, c.a, c.a_beats, c.rates.0);
    let to = split(b, c.b, c.b_beats, c.rates.1);
    from.into_iter().zip(to).collect()
}

fn crossmatch(
    a: &Grid<'_>,
    b: &Grid<'_>,
    c: &Candidate,
    costs: &Costs,
    options: &Options,
    stems: bool,
) -> Meeting {
    let pairs = pairs(a, b, c);
    let per_bar = a.per_bar * c.rates.0;
    let count = pairs.len();
    let change = c.ratio.ln().abs();
    let bars_needed = (change / PER_BAR).ceil() as usize;
    let after = (bars_needed * per_bar).saturating_sub(count);
    let total = (count + after + 1) as f64;
    let beats = pairs.iter().zip(1..).map(|(&(from, to), k)| {
        let w = f64::from(k) / total;
        let length = from.duration.0.powf(1.0 - w) * to.duration.0.powf(w);
        BeatPair { from, to, length: Seconds(length) }
    });
    let beats: Vec<BeatPair> = beats.collect();
    let end = c.b + c.b_beats;
    let glide = glide(b, end, after / c.rates.1, c, count, total);
    let steps = key_steps(a, b);
    let desk = Desk::choose(stems, steps, costs);
    let lanes = match desk {
        Desk::Stems => lanes::stem_swap(count, per_bar),
        Desk::Blend => lanes::bass_swap(count, per_bar),
        Desk::Percussive => lanes::percussive(count, per_bar),
    };
    let why = Why {
        reason: reason(a, b, c, desk, options),
        bars: c.a_beats / a.per_bar,
        tempo_change: Some(((c.ratio - 1.0) * 1_000.0).round() / 10.0),
        key_steps: steps,
        costs: costs.named(),
    };
    Meeting {
        action: Action::Crossmatch { from: 0, to: 1, beats, curve: Curve::EqualPower, lanes },
        why,
        out: a.beats[c.a],
        into: b.beats[end],
        glide,
    }
}

/// The beats after a transition, while the tempo goes back to the song's own.
fn glide(
    b: &Grid<'_>,
    from: usize,
    beats: usize,
    c: &Candidate,
    count: usize,
    total: f64,
) -> Vec<crate::mix::Beat> {
    let last = (from + beats).min(b.beats.len().saturating_sub(1));
    let one = |(beat, k): (usize, usize)| {
        let span = b.span(beat);
        let w = (count + (k + 1) * c.rates.1) as f64 / total;
        let length = span.duration.0 * c.ratio.powf((1.0 - w).max(0.0));
        crate::mix::Beat { span, length: Seconds(length) }
    };
    (from..last).zip(0..).map(one).collect()
}

/// Steps between the keys of two songs on the Camelot wheel.
pub fn key_steps(a: &Grid<'_>, b: &Grid<'_>) -> Option<u32> {
    let (x, y) = (a.track.key.as_ref()?, b.track.key.as_ref()?);
    Some(x.key.steps_to(&y.key))
}

fn reason(a: &Grid<'_>, b: &Grid<'_>, c: &Candidate, desk: Desk, options: &Options) -> String {
    let on_phrase = |grid: &Grid<'_>, beat: usize| {
        grid.downbeats.binary_search(&beat).is_ok_and(|i| grid.phrase_steps[i] == 0)
    };
    let mut words = vec![format!("{} bars beat on beat", c.a_beats / a.per_bar)];
    if on_phrase(a, c.a) {
        words.push("leaves at a phrase".into());
    }
    if on_phrase(b, c.b + c.b_beats) {
        words.push("lands on a phrase".into());
    }
    if c.rates != (1, 1) {
        words.push("at double time".into());
    }
    words.push(desk.words().into());
    if let Some(bars) = options.bars.filter(|&bars| bars != c.a_beats / a.per_bar) {
        words.push(format!("{bars} bars were asked for"));
    }
    words.join(", ")
}
