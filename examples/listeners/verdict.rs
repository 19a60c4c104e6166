//! What all listeners heard, held side by side.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Wish;
use super::healthy::Heard;

/// Frames that tell a place in the stream.
const WINDOW: usize = 8;
/// A listener's first frames are not counted as delayed: they come all at once. In 0.1 ms.
const BURST: u32 = 80_000;
/// Delays are counted up to here, in 0.1 ms.
const LONGEST: usize = 200_000;

pub fn judge(wish: &Wish, heard: &[Heard]) -> Value {
    // The first that heard it all is what others are held against.
    let whole = heard.iter().max_by_key(|h| (h.failed.is_none(), h.frames.all.len()));
    let Some(whole) = whole.map(|h| &h.frames.all) else { return json!({}) };
    let places = places(whole);
    let offsets: Vec<Option<usize>> = heard.iter().map(|h| offset(h, whole, &places)).collect();
    let same = heard.iter().zip(&offsets).filter(|(h, at)| agrees(h, **at, whole)).count();
    let failed: Vec<&String> = heard.iter().filter_map(|h| h.failed.as_ref()).collect();
    let rates: Vec<f64> = heard.iter().map(|h| rate(wish, h)).collect();
    let (median, earliest) = delays(heard, &offsets, whole.len());
    json!({
        "listeners": heard.len(),
        "failed": failed.len(),
        "first_failure": failed.first(),
        "same_bytes": same,
        "skipped_bytes": heard.iter().map(|h| h.frames.skipped).sum::<usize>(),
        "resyncs": heard.iter().map(|h| h.frames.lost).sum::<usize>(),
        "frames": heard.iter().map(|h| h.frames.all.len()).sum::<usize>(),
        "bytes": heard.iter().map(|h| h.bytes).sum::<u64>(),
        "speed_least": rates.iter().copied().fold(f64::INFINITY, f64::min),
        "speed_most": rates.iter().copied().fold(0.0, f64::max),
        "delay_ms_p50": percentile(&median, 0.5),
        "delay_ms_p99": percentile(&median, 0.99),
        "delay_ms_most": percentile(&median, 1.0),
        "after_first_ms_p50": percentile(&earliest, 0.5),
        "after_first_ms_p99": percentile(&earliest, 0.99),
    })
}

/// Where every run of frames that comes once is.
fn places(whole: &[(u64, u32)]) -> HashMap<Vec<u64>, Option<usize>> {
    let mut places = HashMap::new();
    for (at, window) in whole.windows(WINDOW).enumerate() {
        places.entry(key(window)).and_modify(|at| *at = None).or_insert(Some(at));
    }
    places
}

fn key(window: &[(u64, u32)]) -> Vec<u64> {
    window.iter().map(|(hash, _)| *hash).collect()
}

/// Frames of the whole before a listener's first.
fn offset(
    heard: &Heard,
    whole: &[(u64, u32)],
    places: &HashMap<Vec<u64>, Option<usize>>,
) -> Option<usize> {
    let windows = heard.frames.all.windows(WINDOW).take(whole.len()).enumerate();
    let mut found = windows.filter_map(|(i, window)| {
        places.get(&key(window)).copied().flatten().and_then(|at| at.checked_sub(i))
    });
    found.next()
}

/// Whether a listener got the bytes of all others. What comes before its first whole packet may be
/// made for it alone, and the last frames may not have reached all.
fn agrees(heard: &Heard, at: Option<usize>, whole: &[(u64, u32)]) -> bool {
    let Some(at) = at else { return false };
    let pairs = heard.frames.all.iter().zip(&whole[at..]);
    pairs.skip(4).all(|(mine, theirs)| mine.0 == theirs.0)
}

/// How fast the sound came after the burst: 1 is as fast as it is played.
fn rate(wish: &Wish, heard: &Heard) -> f64 {
    let frames = &heard.frames.all;
    let late = frames.partition_point(|(_, at)| *at < heard.joined + BURST);
    let (Some(first), Some(last)) = (frames.get(late), frames.last()) else { return 0.0 };
    let each = heard.frames.micros as f64 / frames.len() as f64 / 1e6;
    let seconds = f64::from(last.1 - first.1) / 1e4;
    let expected = wish.seconds.as_secs_f64();
    if seconds < 0.5 * expected.min(20.0) {
        return 0.0;
    }
    // What came at that first moment was played before it.
    let after = frames.len() - frames.partition_point(|(_, at)| *at <= first.1);
    (1e3 * after as f64 * each / seconds).round() / 1e3
}

/// How often each delay was seen, against the median listener and against the first.
fn delays(heard: &[Heard], offsets: &[Option<usize>], frames: usize) -> (Vec<u64>, Vec<u64>) {
    let mut counts = (vec![0; LONGEST], vec![0; LONGEST]);
    let mut times: Vec<u32> = Vec::new();
    for number in 0..frames {
        times.clear();
        for (heard, offset) in heard.iter().zip(offsets) {
            let mine = offset.and_then(|offset| number.checked_sub(offset));
            let Some((_, at)) = mine.and_then(|i| heard.frames.all.get(i)) else { continue };
            if *at > heard.joined + BURST {
                times.push(*at);
            }
        }
        times.sort_unstable();
        let (Some(first), Some(median)) = (times.first(), times.get(times.len() / 2)) else {
            continue;
        };
        for at in &times {
            counts.0[(at.saturating_sub(*median) as usize).min(LONGEST - 1)] += 1;
            counts.1[((at - first) as usize).min(LONGEST - 1)] += 1;
        }
    }
    counts
}

/// The delay in ms that a share of all stay below.
fn percentile(counts: &[u64], share: f64) -> f64 {
    let all: u64 = counts.iter().sum();
    let wanted = (share * all as f64).ceil() as u64;
    let mut sum = 0;
    let found = counts.iter().position(|count| {
        sum += count;
        sum >= wanted.max(1)
    });
    found.unwrap_or(0) as f64 / 10.0
}
