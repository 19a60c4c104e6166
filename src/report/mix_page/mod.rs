//! A mix on one page: what it is, how it came out, its tour, and every place where songs meet.

mod drawing;
mod meeting;
mod tempo;
mod tour;

use super::page::{Column, count, facts, figure, list, page, table, words};
use super::tracklist::{energy_words, visits};
use crate::audio::clean;
use crate::mix::{Action, MixPlan, PlanTrack, Score, Style, VoiceSpec, voices};

/// Longest name of a song, in bytes.
const NAME: usize = 120;
/// Meetings drawn; those of a day.
const DRAWN: usize = 240;
/// Meetings that stand open at once.
const OPEN: usize = 12;
/// Of more meetings, so many stand open.
const FIRST: usize = 3;
/// Rows of a table; nobody reads more.
const ROWS: usize = 3_000;

/// A page about a mix, with what was measured where it was. It needs nothing but itself.
pub fn mix_page(plan: &MixPlan, score: Option<&Score>) -> String {
    let mix = Mix::of(plan, score);
    let title = format!("Mix of {}", count(plan.tracks.len(), "song"));
    let body = [
        format!("<h1>{title}</h1>\n"),
        mix.head(),
        mix.contents(),
        "<h2 id=\"tour\">The tour</h2>\n".to_string(),
        words(TOUR),
        figure("The tour, a wide picture", &tour::drawn(&mix)),
        mix.meetings(),
        "<h2 id=\"tracks\">Tracklist</h2>\n".to_string(),
        figure("Tracklist, a wide table", &mix.tracks()),
    ];
    page(&title, &body.concat())
}

const TOUR: &str = "Every song is a bar from its first to its last moment in the mix; the shaded \
    stretches are where two songs sound at once. The line below is the tempo.";

const READING: [&str; 4] = [
    "Beats apart: how far strokes of two songs that belong together lie apart where the songs \
     meet. Up to about 10 ms they are heard as one, from about 30 ms on as two.",
    "Level steps: how much louder or softer it is after a transition than before it; about 1 LU \
     can just be noticed.",
    "True peak: how high the sound wave rises; above 0 dBTP it is distorted when played.",
    "Clicks: breaks in the sound that are not in the songs. There should be none.",
];

const MEETING: &str = "Each drawing shows the time of the mix from left to right. Outermost is how \
    loud either song is, its bass in a colour of its own, the middle of its range, where voices lie, broken; between them lie the beats of both, the \
    first of a bar longer. Below is the tempo: of the mix as a full line, of each song as it was \
    recorded as a broken one. Where the beats are not matched, none are drawn.";

/// A mix with what is worked out once.
struct Mix<'a> {
    plan: &'a MixPlan,
    score: Option<&'a Score>,
    voices: Vec<VoiceSpec>,
    /// When each action begins, and the end.
    times: Vec<f64>,
    /// Actions in which a song goes over into another or into itself.
    meetings: Vec<usize>,
    /// Beats a minute over time, a line for every stretch without a jump.
    tempo: Vec<Vec<(f64, f64)>>,
}

impl<'a> Mix<'a> {
    fn of(plan: &'a MixPlan, score: Option<&'a Score>) -> Mix<'a> {
        let meets = |action: &Action| {
            matches!(action, Action::Jump { .. }) || action.tracks().0 != action.tracks().1
        };
        let actions = plan.actions.iter().enumerate();
        Mix {
            plan,
            score,
            voices: voices(plan).0,
            times: plan.times().iter().map(|t| t.0).collect(),
            meetings: actions.filter(|(_, p)| meets(&p.action)).map(|(i, _)| i).collect(),
            tempo: tempo::lines(plan),
        }
    }

    /// A frame of the mix as a time.
    fn seconds(&self, frame: i64) -> f64 {
        frame as f64 / self.plan.rate.as_f64()
    }

    /// A song's number and title.
    fn named(&self, track: usize) -> String {
        format!("{}\u{a0}{}", track + 1, title(&self.plan.tracks[track]))
    }

    fn head(&self) -> String {
        let plan = self.plan;
        let style = match plan.style {
            Style::Dj => "dj: whole bars on phrase boundaries",
            Style::Capsule => "capsule: the law of Echo Nest Remix and Forever.fm",
            Style::Crossfade => "crossfade: songs faded into each other",
        };
        let loudness = match self.score {
            Some(score) => {
                format!("{:.1} LUFS, {:.1} were aimed at", score.loudness, plan.loudness.0)
            }
            None => format!("{:.1} LUFS aimed at", plan.loudness.0),
        };
        let known = facts(&[
            ("Length", plan.duration().to_string()),
            ("Songs", plan.tracks.len().to_string()),
            ("Style", style.to_string()),
            ("Seed", plan.seed.0.to_string()),
            ("Energy", energy_words(plan).unwrap_or_default()),
            ("Loudness", loudness),
            ("Version", clean(&plan.version, NAME)),
        ]);
        match self.score {
            Some(score) => known + "<h2 id=\"score\">How it came out</h2>\n" + &scored(score),
            None => known + &words("Nothing was measured; this page tells what was planned."),
        }
    }

    fn contents(&self) -> String {
        "<nav aria-label=\"Contents\"><ul><li><a href=\"#tour\">The tour</a></li>\
         <li><a href=\"#meetings\">Transitions</a></li>\
         <li><a href=\"#tracks\">Tracklist</a></li></ul></nav>\n"
            .to_string()
    }

    fn meetings(&self) -> String {
        let mut out = String::from("<h2 id=\"meetings\">Transitions</h2>\n");
        if self.meetings.is_empty() {
            return out + &words("There are none.");
        }
        out += &words(MEETING);
        let open = if self.meetings.len() <= OPEN { OPEN } else { FIRST };
        for (n, &action) in self.meetings.iter().enumerate().take(DRAWN) {
            out += &meeting::section(self, n, action, n < open);
        }
        if self.meetings.len() > DRAWN {
            out += &self.rest();
        }
        out
    }

    /// Meetings that are too many to be drawn.
    fn rest(&self) -> String {
        let columns = [
            Column::Words("Time"),
            Column::Words("Songs"),
            Column::Words("How"),
            Column::Words("Measured"),
        ];
        let rest = &self.meetings[DRAWN..];
        let rows = rest.iter().take(ROWS).map(|&i| meeting::row(self, i));
        let told = table("Transitions that are not drawn", &columns, rows);
        figure("More transitions, a wide table", &told) + &left_out(rest.len())
    }

    fn tracks(&self) -> String {
        let columns = [
            Column::Number("No."),
            Column::Number("Time"),
            Column::Words("Artist"),
            Column::Words("Title"),
            Column::Number("BPM"),
            Column::Words("Key"),
            Column::Number("Gain dB"),
            Column::Number("Energy"),
        ];
        // Energies are known where a curve of them was asked for.
        let energies = self.plan.tracks.iter().any(|track| track.energy.is_some());
        let columns = &columns[..columns.len() - usize::from(!energies)];
        let visits = visits(self.plan);
        let row = |&(track, at): &(usize, crate::base::Seconds)| {
            let known = &self.plan.tracks[track];
            vec![
                (track + 1).to_string(),
                at.to_string(),
                clean(&known.artist, NAME),
                title(known),
                known.tempo.map_or_else(String::new, |t| format!("{:.1}", t.0)),
                known.key.as_ref().map_or_else(String::new, |key| clean(key, NAME)),
                super::page::signed(known.gain.0.0),
                known.energy.map_or_else(String::new, |energy| format!("{energy:.2}")),
            ]
        };
        let caption = "Songs in the order they are heard, each from where it is the louder one";
        table(caption, columns, visits.iter().take(ROWS).map(row)) + &left_out(visits.len())
    }
}

/// The title of a song, or its file's name.
fn title(track: &PlanTrack) -> String {
    let title = clean(&track.title, NAME);
    match title.is_empty() {
        true => clean(track.path.rsplit('/').next().unwrap_or_default(), NAME),
        false => title,
    }
}

fn left_out(rows: usize) -> String {
    match rows.checked_sub(ROWS) {
        Some(more @ 1..) => words(&format!("{more} more stand in the plan.")),
        _ => String::new(),
    }
}

/// What was measured, and how to read it.
fn scored(score: &Score) -> String {
    let beats = match (score.alignment_median_ms, score.alignment_p95_ms) {
        (Some(median), Some(most)) => format!("{median:.1} ms (median); 95 % within {most:.1} ms"),
        _ => "no two strokes to compare".to_string(),
    };
    let steps = match (score.loudness_step_median, score.loudness_step_worst) {
        (Some(median), Some(worst)) => format!("{median:.1} LU (median), at most {worst:.1} LU"),
        _ => "no transition".to_string(),
    };
    let places: Vec<String> =
        score.clicks.iter().take(8).map(|&c| crate::base::Seconds(c).to_string()).collect();
    let clicks = match score.clicks.len() {
        0 => "none".to_string(),
        n => format!("{n}, at {}{}", places.join(", "), if n > 8 { " and later" } else { "" }),
    };
    let told = facts(&[
        ("Beats apart", beats),
        ("Level steps", steps),
        ("True peak", format!("{} dBTP", super::page::signed(score.true_peak))),
        ("Clicks", clicks),
    ]);
    told + "<h3>How to read this</h3>\n" + &list(&READING)
}

#[cfg(test)]
mod tests;
