//! A remix on one page: which song sounds when, and what every jump cost.

use super::page::{
    Column, LEFT, Strip, WIDTH, clock, count, facts, figure, page, signed, strips, table, words,
};
use super::song::cut;
use super::svg::Svg;
use super::tracklist::tracklist;
use crate::audio::clean;
use crate::base::Seconds;
use crate::remix::{Law, RemixPlan, Voice};

/// Longest name of a song, in bytes.
const NAME: usize = 120;
/// Rows of a table; nobody reads more.
const ROWS: usize = 3_000;

/// Heights within a voice's part of a strip.
const BAR: f64 = 30.0;
const COSTS: (f64, f64) = (36.0, 76.0);
const VOICE: f64 = 88.0;
/// Room above the voices and below them.
const ABOVE: f64 = 8.0;
const BELOW: f64 = 36.0;
/// Width of a letter.
const LETTER: f64 = 7.7;
/// Jumps at least this dear reach the top.
const DEAR: f64 = 2.0;

/// A page about a remix. It needs nothing but itself.
pub fn remix_page(plan: &RemixPlan) -> String {
    let title = format!("Remix of {}", count(plan.songs.len(), "song"));
    let body = [
        format!("<h1>{title}</h1>\n"),
        head(plan),
        "<h2>Over time</h2>\n".to_string(),
        words(
            "Every bar is a stay with a song. The strokes below are jumps, the higher the \
             dearer: 0 sounds exactly like what the ear expects, 1 like a beat taken at random.",
        ),
        figure("The remix over time, a wide picture", &drawn(plan)),
        "<h2>Tracklist</h2>\n".to_string(),
        figure("Tracklist, a wide table", &tracks(plan)),
        "<h2>Jumps</h2>\n".to_string(),
        figure("Jumps, a wide table", &jumps(plan)),
    ];
    page(&title, &body.concat())
}

/// When a beat sounds.
fn at(plan: &RemixPlan, beat: usize) -> f64 {
    plan.attacks.get(beat).map_or(0.0, |attack| attack.seconds(plan.rate).0)
}

fn length(plan: &RemixPlan) -> f64 {
    at(plan, plan.attacks.len().saturating_sub(1))
}

fn named(plan: &RemixPlan, song: usize) -> String {
    format!("{}\u{a0}{}", song + 1, clean(&plan.songs[song].title, NAME))
}

/// What is heard of a voice.
fn layers(voice: &Voice) -> String {
    voice.layers.iter().map(|layer| layer.name()).collect::<Vec<_>>().join(" + ")
}

fn head(plan: &RemixPlan) -> String {
    let options = &plan.options;
    let jumps = plan.voices.iter().flat_map(|v| &v.beats).filter(|b| b.jump.is_some()).count();
    facts(&[
        ("Length", Seconds(length(plan)).to_string()),
        ("Songs", plan.songs.len().to_string()),
        ("Beats", options.beats.to_string()),
        ("Jumps", jumps.to_string()),
        ("Jump rate", options.jump_rate.get().to_string()),
        ("Law", if options.law == Law::Original { "original" } else { "evermix" }.to_string()),
        ("Heard", plan.voices.iter().map(layers).collect::<Vec<_>>().join("; ")),
        ("Seed", options.seed.0.to_string()),
        ("Loudness", format!("{:.1} LUFS aimed at", options.loudness.0)),
        ("Version", clean(&plan.version, NAME)),
    ])
}

fn drawn(plan: &RemixPlan) -> String {
    let strips = strips(4.0 * length(plan));
    let strips: Vec<Strip> =
        strips.iter().map(|s| Strip { from: s.from / 4.0, to: s.to / 4.0 }).collect();
    let strip_height = ABOVE + VOICE * plan.voices.len() as f64 + BELOW;
    let described = format!(
        "{} in {}, with all jumps.",
        count(plan.songs.len(), "song"),
        Seconds(length(plan))
    );
    let height = strip_height * strips.len() as f64;
    let mut svg = Svg::inline("remix-picture", WIDTH, height, "The remix over time", &described);
    for (i, strip) in strips.iter().enumerate() {
        let top = strip_height * i as f64 + ABOVE;
        for (v, voice) in plan.voices.iter().enumerate() {
            let top = top + VOICE * v as f64;
            svg.text("row", LEFT - 6.0, top + 19.0, &cut(&layers(voice), 11));
            stays(&mut svg, plan, voice, strip, top);
            costs(&mut svg, plan, voice, strip, top);
        }
        clock(&mut svg, strip, top + strip_height - ABOVE - 10.0);
    }
    svg.finish()
}

fn stays(svg: &mut Svg, plan: &RemixPlan, voice: &Voice, strip: &Strip, top: f64) {
    let mut beat = 0;
    for stay in voice.beats.chunk_by(|a, b| a.song == b.song) {
        let (from, to) = (at(plan, beat), at(plan, beat + stay.len()));
        beat += stay.len();
        let Some((x, width)) = strip.span(from, to) else { continue };
        let song = stay[0].song;
        let name = named(plan, song);
        svg.named_rect(&format!("p p{}", song % 8), [x, top, width, BAR], &name);
        let letters = ((width - 8.0) / LETTER).max(0.0) as usize;
        if letters >= (song + 1).to_string().len() {
            svg.text("song", x + 4.0, top + 19.0, &cut(&name, letters.max(1)));
        }
    }
}

fn costs(svg: &mut Svg, plan: &RemixPlan, voice: &Voice, strip: &Strip, top: f64) {
    let (high, low) = (top + COSTS.0, top + COSTS.1);
    for (y, cost) in [(high, DEAR), ((high + low) / 2.0, DEAR / 2.0), (low, 0.0)] {
        svg.line("grid", [(LEFT, y), (strip.x(strip.to), y)].into_iter());
        svg.text("scale", LEFT - 6.0, y + 4.0, &format!("{cost:.0}"));
    }
    let strokes = voice.beats.iter().enumerate().filter_map(|(i, beat)| {
        let (time, cost) = (at(plan, i), f64::from(beat.jump?.cost));
        let share = (cost / DEAR).clamp(0.03, 1.0);
        let inside = time >= strip.from && time < strip.to;
        inside.then(|| (strip.x(time), low, low - (low - high) * share))
    });
    svg.strokes("jump", strokes);
}

fn tracks(plan: &RemixPlan) -> String {
    let columns = [Column::Number("Time"), Column::Words("Artist"), Column::Words("Title")];
    let entries = tracklist(plan);
    let rows = entries
        .iter()
        .take(ROWS)
        .map(|entry| vec![entry.start.to_string(), entry.artist.clone(), entry.title.clone()]);
    table("Every stay with a song", &columns, rows) + &left_out(entries.len())
}

fn jumps(plan: &RemixPlan) -> String {
    let columns = [
        Column::Number("Time"),
        Column::Words("From"),
        Column::Words("To"),
        Column::Number("Cost"),
        Column::Number("Distance"),
        Column::Number("Tempo %"),
        Column::Words("Why"),
    ];
    let mut rows: Vec<(usize, Vec<String>)> = Vec::new();
    for voice in &plan.voices {
        for (i, pair) in voice.beats.windows(2).enumerate() {
            let Some(jump) = pair[1].jump else { continue };
            let place = |b: &crate::remix::VoiceBeat| {
                format!("{}, beat {}", named(plan, b.song), b.piece + 1)
            };
            let why = if jump.forced { "the song was over" } else { "chance" };
            let row = vec![
                Seconds(at(plan, i + 1)).to_string(),
                place(&pair[0]),
                place(&pair[1]),
                format!("{:.2}", jump.cost),
                format!("{:.2}", jump.distance),
                signed(100.0 * (1.0 / pair[1].stretch.max(1e-6) - 1.0)),
                why.to_string(),
            ];
            rows.push((i + 1, row));
        }
    }
    rows.sort_by_key(|(beat, _)| *beat);
    let (all, caption) =
        (rows.len(), "Every jump, and by how much the beat it leads to is sped up");
    table(caption, &columns, rows.into_iter().take(ROWS).map(|(_, row)| row)) + &left_out(all)
}

fn left_out(rows: usize) -> String {
    match rows.checked_sub(ROWS) {
        Some(more @ 1..) => words(&format!("{more} more stand in the plan.")),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
