//! `remix analyze --compare`

use super::verdict;
use crate::base::Result;
use crate::cli::args::AnalyzeArgs;
use crate::cli::exit::Exit;
use crate::cli::settings::Overrides;
use crate::cli::trackers::present_sources;
use crate::cli::world::World;
use crate::pipeline::{Agreement, Comparison, compare, find_songs};

pub fn run(world: &World<'_>, args: &AnalyzeArgs) -> Result<Exit> {
    let settings = world.settings(Overrides::default())?;
    let context = world.context(&settings);
    let sources = present_sources(&context, &args.trackers)?;
    let (songs, found) = find_songs(&context, &args.inputs)?;
    let batch = compare(&context, &songs, &sources)?;
    if world.common.json {
        let object = serde_json::json!({
            "schema": 1, "tracks": batch.done,
            "errors": crate::cli::skipped_json(&found, &batch.skipped),
        });
        crate::cli::print(&format!("{object}\n"));
    } else {
        batch.done.iter().for_each(print_song);
        print_means(&batch.done);
    }
    verdict(world, batch.done.len(), &found, &batch.skipped)
}

fn print_song(song: &Comparison) {
    let mut text = song.path.clone();
    for heard in &song.trackers {
        let found = match (heard.tempo, &heard.error) {
            (Some(tempo), _) => format!("{tempo:.1} BPM, {} beats", heard.beats),
            (None, why) => why.clone().unwrap_or_default(),
        };
        text += &format!("\n  {:<10} {found}", heard.tracker);
    }
    let mut text = text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}");
    for pair in &song.pairs {
        text += &format!("\n  {}", line(pair));
    }
    crate::cli::print(&format!("{text}\n"));
}

fn line(pair: &Agreement) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_string());
    format!(
        "{:<22} F {:.3}   AMLt {:.3}   tempo x {:<5}  offset {} ms",
        format!("{} / {}", pair.a, pair.b),
        pair.f_measure,
        pair.amlt,
        or_none(pair.tempo_ratio.map(|r| format!("{r:.2}"))),
        or_none(pair.offset_ms.map(|ms| format!("{ms:+.1}"))),
    )
}

/// The means over all songs, pair by pair.
fn print_means(songs: &[Comparison]) {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for pair in songs.iter().flat_map(|song| &song.pairs) {
        if !names.contains(&(pair.a, pair.b)) {
            names.push((pair.a, pair.b));
        }
    }
    for (a, b) in names.into_iter().filter(|_| songs.len() > 1) {
        let pairs = || songs.iter().flat_map(|song| &song.pairs).filter(|p| (p.a, p.b) == (a, b));
        let count = pairs().count() as f64;
        let mean = |value: fn(&Agreement) -> f64| pairs().map(value).sum::<f64>() / count;
        crate::cli::print(&format!(
            "mean of {count:<3} {:<22} F {:.3}   AMLt {:.3}\n",
            format!("{a} / {b}"),
            mean(|p| p.f_measure),
            mean(|p| p.amlt),
        ));
    }
}
