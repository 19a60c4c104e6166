//! Progress for people and programs, on stderr.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::args::{self, Common, When};
use crate::audio::clean;
use crate::base::{Event, Progress};

/// Longest name shown, in bytes.
const NAME: usize = 60;

/// The talk of one run.
pub struct Talk {
    style: Style,
    colour: bool,
    quiet: bool,
    verbose: u8,
    bars: MultiProgress,
    state: Mutex<State>,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Bars,
    Lines,
    Json,
    None,
}

#[derive(Default)]
struct State {
    stage: Option<ProgressBar>,
    items: HashMap<String, ProgressBar>,
    /// Share done of each item at work, so that the stage's bar moves inside songs.
    shares: HashMap<String, f64>,
    finished: f64,
}

/// Steps of the stage's bar for one item.
const STEPS: f64 = 100.0;

impl Talk {
    /// Talks as the options say.
    pub fn new(common: &Common) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let style = match common.progress {
            _ if common.quiet && common.progress != args::ProgressStyle::Json => Style::None,
            args::ProgressStyle::Auto if terminal => Style::Bars,
            args::ProgressStyle::Auto | args::ProgressStyle::Lines => Style::Lines,
            args::ProgressStyle::Json => Style::Json,
            args::ProgressStyle::None => Style::None,
        };
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let colour = match common.color {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !no_color,
        };
        Talk {
            style,
            colour,
            quiet: common.quiet,
            verbose: common.verbose,
            bars: MultiProgress::new(),
            state: Mutex::default(),
        }
    }

    /// One line on stderr, above any bars. A reader that went away is no reason to stop.
    pub fn say(&self, line: &str) {
        if self.quiet {
            return;
        }
        self.line(line);
    }

    /// A line that is shown even when quiet.
    pub fn complain(&self, line: &str) {
        self.line(line);
    }

    fn line(&self, line: &str) {
        self.bars.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }

    /// A word in a colour, where colours are wanted.
    pub fn paint(&self, code: u8, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }

    fn json(&self, event: &str, item: &str, more: serde_json::Value) {
        let mut object = serde_json::json!({ "event": event, "item": item });
        if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
            object.extend(more.clone());
        }
        let _ = writeln!(std::io::stderr(), "{object}");
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Bars are only drawn: whatever state they are in is good enough.
        self.state.lock().unwrap_or_else(|p| p.into_inner())
    }

    fn show_bars(&self, event: Event<'_>) {
        let mut state = self.state();
        match event {
            Event::StageStarted { stage, items } => {
                let bar = ProgressBar::new((items as f64 * STEPS) as u64)
                    .with_style(bar_style("{prefix:>22} {wide_bar} {percent:>3}% {eta:>4} left"))
                    .with_prefix(stage.to_string());
                *state = State { stage: Some(self.bars.add(bar)), ..State::default() };
            }
            Event::ItemStarted { item } => {
                let bar = ProgressBar::new(STEPS as u64)
                    .with_style(bar_style("{prefix:>22} {bar:30} {percent:>3}% {msg}"))
                    .with_message(clean(item, NAME));
                state.items.insert(item.to_string(), self.bars.add(bar));
            }
            Event::ItemProgress { item, fraction } => {
                if let Some(bar) = state.items.get(item) {
                    bar.set_position((fraction * STEPS) as u64);
                }
                state.shares.insert(item.to_string(), fraction);
            }
            Event::ItemDone { item, .. }
            | Event::ItemReused { item }
            | Event::ItemSkipped { item, .. } => {
                if let Some(bar) = state.items.remove(item) {
                    bar.finish_and_clear();
                }
                state.shares.remove(item);
                state.finished += 1.0;
            }
            Event::StageDone { .. } => {
                state.items.drain().for_each(|(_, bar)| bar.finish_and_clear());
                if let Some(bar) = state.stage.take() {
                    bar.finish_and_clear();
                }
            }
            Event::Note { .. } => {}
        }
        let done = state.finished + state.shares.values().sum::<f64>();
        if let Some(bar) = &state.stage {
            bar.set_position((done * STEPS) as u64);
        }
    }

    fn show_line(&self, event: Event<'_>) {
        let name = |item: &str| clean(item, 2 * NAME);
        match event {
            Event::ItemDone { item, note } if !note.is_empty() => {
                self.say(&format!("  {}: {}", name(item), clean(note, 500)));
            }
            Event::ItemReused { item } if self.verbose > 0 => {
                self.say(&format!("  {}: done before", name(item)));
            }
            Event::ItemSkipped { item, why } => {
                let skipped = self.paint(33, "skipped");
                self.complain(&format!("  {}: {skipped}: {}", name(item), clean(why, 500)));
            }
            Event::Note { text } => self.say(&format!("  {}", clean(text, 500))),
            _ => {}
        }
    }
}

fn bar_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}

impl Progress for Talk {
    fn report(&self, event: Event<'_>) {
        let none = serde_json::json!({});
        match (self.style, event) {
            (Style::Json, Event::StageStarted { stage, items }) => {
                self.json("stage-started", stage, serde_json::json!({ "items": items }));
            }
            (Style::Json, Event::StageDone { stage }) => self.json("stage-done", stage, none),
            (Style::Json, Event::ItemStarted { item }) => self.json("started", item, none),
            (Style::Json, Event::ItemProgress { item, fraction }) => {
                // One line a per cent at most.
                let mut state = self.state();
                let before = state.shares.insert(item.to_string(), fraction).unwrap_or(-1.0);
                drop(state);
                if (before * 100.0) as i64 != (fraction * 100.0) as i64 {
                    self.json("progress", item, serde_json::json!({ "fraction": fraction }));
                }
            }
            (Style::Json, Event::ItemDone { item, note }) => {
                self.json("done", item, serde_json::json!({ "note": note }));
            }
            (Style::Json, Event::ItemReused { item }) => self.json("reused", item, none),
            (Style::Json, Event::ItemSkipped { item, why }) => {
                self.json("skipped", item, serde_json::json!({ "why": why }));
            }
            (Style::Json, Event::Note { text }) => self.json("note", text, none),
            (Style::Bars, event) => {
                self.show_bars(event);
                self.show_line(event);
            }
            (Style::Lines, Event::StageStarted { stage, .. }) => self.say(stage),
            (Style::Lines, event) => self.show_line(event),
            (Style::None, Event::ItemSkipped { .. }) => self.show_line(event),
            (Style::None, _) => {}
        }
    }
}
