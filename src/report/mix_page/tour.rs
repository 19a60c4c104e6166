//! The whole mix at a glance.

use super::{Mix, tempo, title};
use crate::report::page::{LEFT, Strip, WIDTH, clock, count, simplified, strips, within};
use crate::report::song::cut;
use crate::report::svg::Svg;

/// Heights within a strip.
const BARS: [f64; 2] = [10.0, 50.0];
const BAR: f64 = 36.0;
const TEMPO: (f64, f64) = (98.0, 142.0);
const CLOCK: f64 = 162.0;
const STRIP: f64 = 182.0;
/// Width of a letter, and a bar's margins.
const LETTER: f64 = 7.7;
const MARGIN: f64 = 8.0;
/// Points of a line.
const POINTS: usize = 64;

/// The tour as a picture.
pub fn drawn(mix: &Mix<'_>) -> String {
    let duration = mix.plan.duration();
    let range = tempo::range(mix.tempo.iter().flatten());
    let tempi = range.map_or(String::new(), |(low, high)| format!(", {low:.0} to {high:.0} BPM"));
    let described = format!("{} in {duration}{tempi}.", count(mix.plan.tracks.len(), "song"));
    let strips = strips(duration.0);
    let height = STRIP * strips.len() as f64;
    let mut svg = Svg::inline("tour-picture", WIDTH, height, "The mix over time", &described);
    let stays = stays(mix);
    for (i, strip) in strips.iter().enumerate() {
        let top = STRIP * i as f64;
        meetings(&mut svg, mix, strip, top);
        for stay in &stays {
            bar(&mut svg, mix, strip, top, stay);
        }
        if let Some(range) = range {
            tempi_over(&mut svg, mix, strip, top, range);
        }
        clock(&mut svg, strip, top + CLOCK);
    }
    svg.finish()
}

/// From a track's first moment in the mix to its last.
struct Stay {
    track: usize,
    from: f64,
    to: f64,
}

fn stays(mix: &Mix<'_>) -> Vec<Stay> {
    let mut stays: Vec<Option<Stay>> = mix.plan.tracks.iter().map(|_| None).collect();
    for voice in &mix.voices {
        let (from, to) = (mix.seconds(voice.start()), mix.seconds(voice.end()));
        let stay = &mut stays[voice.track];
        *stay = Some(match stay.take() {
            Some(stay) => Stay { from: stay.from.min(from), to: stay.to.max(to), ..stay },
            None => Stay { track: voice.track, from, to },
        });
    }
    stays.into_iter().flatten().collect()
}

fn meetings(svg: &mut Svg, mix: &Mix<'_>, strip: &Strip, top: f64) {
    for &i in &mix.meetings {
        if let Some((x, width)) = strip.span(mix.times[i], mix.times[i + 1]) {
            svg.rect("meet", [x, top + BARS[0] - 4.0, width, TEMPO.1 - BARS[0] + 4.0]);
        }
    }
}

fn bar(svg: &mut Svg, mix: &Mix<'_>, strip: &Strip, top: f64, stay: &Stay) {
    let Some((x, width)) = strip.span(stay.from, stay.to) else { return };
    let track = &mix.plan.tracks[stay.track];
    let (y, class) = match stay.track % 2 {
        0 => (top + BARS[0], "ra"),
        _ => (top + BARS[1], "rb"),
    };
    let name = title(track);
    let key = track.key.as_deref().unwrap_or_default();
    // The place on the wheel is enough where there is one.
    let key = cut(key.rsplit(" / ").next().unwrap_or_default(), 12);
    let tempo = track.tempo.map_or(String::new(), |t| format!("{:.0} BPM", t.0));
    let music = [key, tempo].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" · ");
    let number = stay.track + 1;
    svg.named_rect(class, [x, y, width, BAR], &format!("{number} {name}, {music}"));
    let letters = ((width - MARGIN) / LETTER).max(0.0) as usize;
    if let Some(name) = label(number, &name, letters) {
        svg.text("song", x + 4.0, y + 15.0, &name);
    }
    let key = music.split(" \u{b7} ").next().unwrap_or_default();
    if let Some(fits) = [music.as_str(), key].into_iter().find(|t| t.chars().count() <= letters) {
        svg.text("note", x + 4.0, y + 30.0, fits);
    }
}

/// A number and as much of a name as fits; never a piece of a number.
fn label(number: usize, name: &str, letters: usize) -> Option<String> {
    let digits = number.to_string();
    match letters.checked_sub(digits.len())? {
        0..3 => Some(digits),
        _ => Some(cut(&format!("{digits} {name}"), letters)),
    }
}

fn tempi_over(svg: &mut Svg, mix: &Mix<'_>, strip: &Strip, top: f64, (low, high): (f64, f64)) {
    let y = |bpm: f64| {
        let share = ((bpm - low) / (high - low).max(1e-9)).clamp(0.0, 1.0);
        top + TEMPO.1 - (TEMPO.1 - TEMPO.0) * share
    };
    for bpm in [low, high] {
        svg.line("grid", [(LEFT, y(bpm)), (strip.x(strip.to), y(bpm))].into_iter());
        svg.text("scale", LEFT - 6.0, y(bpm) + 4.0, &format!("{bpm:.0} BPM"));
    }
    for line in &mix.tempo {
        let inside = within(line, strip.from, strip.to);
        let points: Vec<_> = inside.iter().map(|&(t, bpm)| (strip.x(t), y(bpm))).collect();
        if points.len() > 1 {
            svg.line("tempo", simplified(&points, POINTS).into_iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn a_label_is_never_a_piece_of_a_number() {
        assert_eq!(label(123, "Song", 2), None);
        assert_eq!(label(123, "Song", 5).as_deref(), Some("123"));
        assert_eq!(label(123, "Song", 6).as_deref(), Some("123 S\u{2026}"));
        assert_eq!(label(123, "Song", 20).as_deref(), Some("123 Song"));
    }
}
