//! One song at a glance: phrases, waveform, onsets, beats, tempo and loudness over time.

use super::song::{SongView, cut, tempo_range};
use super::svg::Svg;
use crate::analysis::{Rhythm, TrackAnalysis};
use crate::base::Seconds;

const WIDTH: f64 = 1_200.0;
const HEIGHT: f64 = 560.0;
/// Where time begins and ends.
const LEFT: f64 = 88.0;
const RIGHT: f64 = WIDTH - 20.0;
/// Columns and points that can be told apart.
const COLUMNS: usize = (RIGHT - LEFT) as usize;
/// Marks closer than this run into one another and are left out.
const CLOSEST: f64 = 3.0;
/// Longest title, in characters.
const TITLE: usize = 90;

/// Top and bottom of each row.
const PHRASES: (f64, f64) = (86.0, 112.0);
const WAVE: (f64, f64) = (126.0, 256.0);
const BEATS: (f64, f64) = (262.0, 278.0);
const ONSETS: (f64, f64) = (290.0, 340.0);
const TEMPO: (f64, f64) = (362.0, 422.0);
const LOUDNESS: (f64, f64) = (444.0, 514.0);
const CLOCK: f64 = 536.0;

/// Range of loudness drawn, in LU, ending at a round number above the loudest moment.
const LOUDNESS_RANGE: f64 = 30.0;
const ROUND: f64 = 5.0;

/// Colours are mixed from a few that stand apart in light and in dark, and for those who do not
/// see red and green apart (Okabe and Ito's set). Letters say the same as colours.
const STYLE: &str = "\
svg{font-family:system-ui,'DejaVu Sans',sans-serif}\
text{fill:#222}.paper{fill:#fff}text{font-size:12px}\
.title{font-size:20px;font-weight:600}.facts{font-size:14px}\
.mid{text-anchor:middle}.row,.scale{text-anchor:end}.row{font-weight:600}.scale,.clock{fill:#555}\
.clock{text-anchor:middle}\
path{fill:none;stroke-width:1}\
.wave{stroke:#8fa6c0}.level{stroke:#45607f}.onsets{stroke:#8a6d3b}.bars{stroke:#000;stroke-opacity:.16}\
.beat{stroke:#888}.downbeat{stroke:#222;stroke-width:1.4}\
.tempo{stroke:#0072b2;stroke-width:1.6}.loud{stroke:#b3522b;stroke-width:1.6}\
.mean{stroke:#b3522b;stroke-dasharray:5 4}.grid{stroke:#000;stroke-opacity:.12}\
.edge{fill:#000;fill-opacity:.10}\
.p{stroke:#fff;stroke-width:1.5;fill-opacity:.45}\
.p0{fill:#56b4e9}.p1{fill:#e69f00}.p2{fill:#009e73}.p3{fill:#cc79a7}\
.p4{fill:#f0e442}.p5{fill:#0072b2}.p6{fill:#d55e00}.p7{fill:#999}\
@media(prefers-color-scheme:dark){\
text{fill:#e8e8e8}.scale,.clock{fill:#a8a8a8}.paper{fill:#16181c}\
.wave{stroke:#4f6f96}.level{stroke:#a4c5ea}.onsets{stroke:#d0ab62}.bars{stroke:#fff;stroke-opacity:.18}\
.beat{stroke:#8a8a8a}.downbeat{stroke:#f2f2f2}\
.tempo{stroke:#5cb8f0}.loud,.mean{stroke:#f08a5d}.grid{stroke:#fff;stroke-opacity:.15}\
.edge{fill:#fff;fill-opacity:.13}.p{stroke:#16181c}}";

/// A picture of a song as SVG: everything it needs is inside.
pub fn picture(song: &SongView<'_>) -> String {
    let track = song.track;
    let title = cut(&song.tags.display(file_name(song.path)), TITLE);
    let facts = format!("{} · {} · {}", track.duration, song.tempo(), song.key());
    let described = format!("{facts}. {}. {}.", song.levels(), song.form());
    let mut svg = Svg::new(WIDTH, HEIGHT, &title, &described, STYLE);
    svg.rect("paper", [0.0, 0.0, WIDTH, HEIGHT]);
    svg.text("title", LEFT, 32.0, &title);
    svg.text("facts", LEFT, 54.0, &facts);
    svg.text("facts", LEFT, 73.0, &song.levels());
    let time = Time { seconds: track.duration.0.max(1e-3) };
    time.phrases(&mut svg, track);
    time.waveform(&mut svg, track);
    time.beats(&mut svg, track.rhythm.as_ref());
    time.onsets(&mut svg, track);
    time.tempo(&mut svg, track.rhythm.as_ref());
    time.loudness(&mut svg, track);
    time.clock(&mut svg);
    svg.finish()
}

/// The scale all rows share.
struct Time {
    seconds: f64,
}

impl Time {
    fn x(&self, time: Seconds) -> f64 {
        LEFT + (RIGHT - LEFT) * (time.0 / self.seconds).clamp(0.0, 1.0)
    }

    fn phrases(&self, svg: &mut Svg, track: &TrackAnalysis) {
        let (top, bottom) = PHRASES;
        row(svg, (top + bottom) / 2.0, "phrases");
        let Some(form) = &track.form else {
            svg.text("scale", LEFT + 60.0, (top + bottom) / 2.0 + 4.0, "no form");
            return;
        };
        for phrase in &form.phrases {
            let (from, to) = (self.x(phrase.start), self.x(phrase.end));
            let colour = phrase.label.bytes().fold(0usize, |n, b| n * 26 + usize::from(b - b'A'));
            svg.rect(&format!("p p{}", colour % 8), [from, top, to - from, bottom - top]);
            let name = match to - from {
                wide if wide > 44.0 => format!("{} · {}", phrase.label, phrase.bars),
                wide if wide > 9.0 * phrase.label.len() as f64 => phrase.label.clone(),
                _ => continue,
            };
            svg.text("mid", (from + to) / 2.0, (top + bottom) / 2.0 + 4.5, &name);
        }
    }

    /// Peaks and levels, bar lines, and shades over what is outside of the song proper.
    fn waveform(&self, svg: &mut Svg, track: &TrackAnalysis) {
        let (top, bottom) = WAVE;
        let (middle, half) = ((top + bottom) / 2.0, (bottom - top) / 2.0);
        row(svg, middle, "waveform");
        for (class, curve) in [("wave", &track.outline.peaks), ("level", &track.outline.levels)] {
            let mirrored = columns(curve).map(|(share, size)| {
                let (x, height) = (LEFT + share * (RIGHT - LEFT), (half * size).max(0.3));
                (x, middle - height, middle + height)
            });
            svg.strokes(class, mirrored);
        }
        let lines = track.rhythm.iter().flat_map(|rhythm| self.apart(rhythm.downbeats()));
        svg.strokes("bars", lines.map(|x| (x, top, bottom)));
        self.shades(svg, track);
    }

    fn shades(&self, svg: &mut Svg, track: &TrackAnalysis) {
        let (top, bottom) = WAVE;
        let (form, edges) = (track.form.as_ref(), &track.edges);
        let intro = form.and_then(|f| f.intro_end).map(|end| (Seconds(0.0), end, "intro"));
        let outro = form.and_then(|f| f.outro_start).map(|from| (from, edges.end, "outro"));
        let fade_in = edges.fade_in_end.map(|end| (edges.start, end, "fade-in"));
        let fade_out = edges.fade_out_start.map(|from| (from, edges.end, "fade-out"));
        let mut level = top + 13.0;
        for (from, to, name) in [intro, fade_in, outro, fade_out].into_iter().flatten() {
            let (from, to) = (self.x(from), self.x(to));
            svg.rect("edge", [from, top, (to - from).max(0.0), bottom - top]);
            // Near the right edge words would run out of the picture.
            let x = from.min(RIGHT - 58.0) + 4.0;
            svg.text("name", x, level, name);
            level += 14.0;
        }
    }

    fn beats(&self, svg: &mut Svg, rhythm: Option<&Rhythm>) {
        let (top, bottom) = BEATS;
        row(svg, (top + bottom) / 2.0, "beats");
        let Some(rhythm) = rhythm else {
            svg.text("scale", LEFT + 100.0, bottom - 4.0, "no steady beat");
            return;
        };
        let all = self.apart(rhythm.beats.iter().copied());
        svg.strokes("beat", all.into_iter().map(|x| (x, top + 7.0, bottom)));
        let bars = self.apart(rhythm.downbeats());
        svg.strokes("downbeat", bars.into_iter().map(|x| (x, top, bottom)));
    }

    /// Places of marks, or none where they would run into one another.
    fn apart(&self, times: impl Iterator<Item = Seconds>) -> Vec<f64> {
        let places: Vec<f64> = times.map(|time| self.x(time)).collect();
        let usual = (RIGHT - LEFT) / places.len().max(1) as f64;
        if usual < CLOSEST { Vec::new() } else { places }
    }

    fn onsets(&self, svg: &mut Svg, track: &TrackAnalysis) {
        let (top, bottom) = ONSETS;
        row(svg, (top + bottom) / 2.0, "onsets");
        svg.strokes(
            "onsets",
            columns(&track.outline.onsets).map(|(share, height)| {
                (LEFT + share * (RIGHT - LEFT), bottom, bottom - (bottom - top) * height)
            }),
        );
    }

    fn tempo(&self, svg: &mut Svg, rhythm: Option<&Rhythm>) {
        row(svg, (TEMPO.0 + TEMPO.1) / 2.0 - 8.0, "tempo");
        let curve = rhythm.map_or(&[][..], |rhythm| &rhythm.tempo_curve);
        let Some((slowest, fastest)) = tempo_range(curve) else { return };
        // At least a tenth on either side, so that a steady tempo looks steady.
        let (low, high) = ((slowest.0 * 0.95 - 2.0).floor(), (fastest.0 * 1.05 + 2.0).ceil());
        let y = |bpm: f64| level(TEMPO, (bpm - low) / (high - low));
        for bpm in [low, high] {
            scale(svg, y(bpm), &format!("{bpm:.0} BPM"));
        }
        let points = thinned(curve.len()).map(|i| (self.x(curve[i].time), y(curve[i].tempo.0)));
        svg.line("tempo", points);
    }

    fn loudness(&self, svg: &mut Svg, track: &TrackAnalysis) {
        row(svg, (LOUDNESS.0 + LOUDNESS.1) / 2.0 - 8.0, "loudness");
        let curve = &track.loudness.short_term;
        let loudest = curve.iter().copied().map(f64::from).fold(-60.0, f64::max);
        let top = ((loudest + 1.0) / ROUND).ceil() * ROUND;
        let bottom = top - LOUDNESS_RANGE;
        let y = |lufs: f64| level(LOUDNESS, (lufs - bottom) / LOUDNESS_RANGE);
        for lufs in [top, bottom] {
            scale(svg, y(lufs), &format!("{lufs:.0} LUFS"));
        }
        let points =
            thinned(curve.len()).map(|i| (self.x(Seconds(i as f64)), y(f64::from(curve[i]))));
        svg.line("loud", points);
        let whole = y(track.loudness.integrated.0);
        svg.line("mean", [(LEFT, whole), (RIGHT, whole)].into_iter());
    }

    /// Round times, about a dozen.
    fn clock(&self, svg: &mut Svg) {
        const STEPS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0, 600.0, 1_800.0];
        let step = STEPS.into_iter().find(|step| self.seconds / step <= 14.0).unwrap_or(3_600.0);
        let times = (0..=(self.seconds / step) as usize).map(|i| Seconds(i as f64 * step));
        svg.strokes("grid", times.clone().map(|t| (self.x(t), LOUDNESS.1, LOUDNESS.1 + 6.0)));
        times.for_each(|t| svg.text("clock", self.x(t), CLOCK, &t.to_string()));
    }
}

/// The last part of a path; the whole of it where it has none.
fn file_name(path: &str) -> &str {
    std::path::Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path)
}

/// The name of a row.
fn row(svg: &mut Svg, y: f64, name: &str) {
    svg.text("row", LEFT - 8.0, y + 4.0, name);
}

/// A line across with what it stands for.
fn scale(svg: &mut Svg, y: f64, value: &str) {
    svg.line("grid", [(LEFT, y), (RIGHT, y)].into_iter());
    svg.text("scale", LEFT - 8.0, y + 4.0, value);
}

/// Height of a share of a row, held inside it.
fn level((top, bottom): (f64, f64), share: f64) -> f64 {
    bottom - (bottom - top) * share.clamp(0.0, 1.0)
}

/// Values as (share of the whole time, share of 255), the largest of each column drawn.
fn columns(values: &[u8]) -> impl Iterator<Item = (f64, f64)> {
    let drawn = values.len().min(COLUMNS);
    (0..drawn).map(move |i| {
        let part = i * values.len() / drawn..(i + 1) * values.len() / drawn;
        let largest = values[part].iter().copied().max().unwrap_or(0);
        ((i as f64 + 0.5) / drawn as f64, f64::from(largest) / 255.0)
    })
}

/// At most as many indices as can be told apart.
fn thinned(length: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(length.div_ceil(COLUMNS).max(1))
}

#[cfg(test)]
mod tests;
