//! Memory of the analysis on long input. A binary of its own: peak memory is the process's.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

#[path = "common/score.rs"]
mod score;

use evermix::analysis::{TrackAnalysis, TrackAnalyzer};
use evermix::audio::AudioBuffer;
use evermix::base::SampleRate;
use score::{BRIDGE, VERSE, perform};

/// Analyses a minute and a bit of music over and over, as a stream.
fn stream(hours: f64) -> TrackAnalysis {
    let part = AudioBuffer { planes: vec![perform(120.0, &[VERSE, VERSE, BRIDGE, VERSE])] };
    let repeats = (hours * 3_600.0 * score::RATE / part.frames() as f64).round() as usize;
    let mut analyzer = TrackAnalyzer::new(SampleRate::ANALYSIS, 1).unwrap();
    for _ in 0..repeats {
        analyzer.push(&part).unwrap();
    }
    analyzer.finish().unwrap()
}

/// Peak resident memory of this process in MiB, where the system tells.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

fn check(hours: f64, most_mib: f64) {
    let track = stream(hours);
    assert!((track.duration.0 / 3_600.0 - hours).abs() < 0.02);
    let rhythm = track.rhythm.unwrap();
    assert!((rhythm.tempo.0 - 120.0).abs() < 1.0);
    assert!((rhythm.beats.len() as f64 / (hours * 7_200.0) - 1.0).abs() < 0.02);
    let Some(peak) = peak_mib() else {
        eprintln!("SKIPPED: this system does not tell peak memory");
        return;
    };
    eprintln!("{hours} h: {peak:.0} MiB");
    assert!(peak < most_mib, "{peak} MiB");
}

#[test]
fn a_quarter_of_an_hour_takes_few_megabytes() {
    check(0.25, 80.0);
}

#[test]
#[ignore = "takes a minute: cargo test --test long -- --ignored"]
fn two_hours_take_memory_for_curves_only() {
    check(2.0, 150.0);
}
