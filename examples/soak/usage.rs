//! What the process uses, hour by hour.

use serde_json::{Value, json};

/// MiB of memory in use.
pub fn memory() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0.0);
    pages * rustix::param::page_size() as f64 / f64::from(1 << 20)
}

/// Seconds of processors used by all threads.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|f| f.parse::<u64>().ok()).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// Looks at the process at the ends of the tenths of the run.
pub struct Usage {
    hours: f64,
    /// Hour, songs and CPU at the beginning of each tenth, and at the end.
    tenths: Vec<(f64, u64, f64)>,
    /// Memory at the first hour, and now.
    first: Option<f64>,
    last: f64,
}

impl Usage {
    pub fn new(hours: f64) -> Usage {
        Usage { hours, tenths: Vec::new(), first: None, last: 0.0 }
    }

    pub fn look(&mut self, hour: f64, songs: u64) {
        // Beginning takes its time: the first minute is nobody's.
        let due = self.tenths.len() as f64 * self.hours / 10.0;
        if hour >= due.max(1.0 / 60.0).min(self.hours - 1.0 / 3_000.0) && self.tenths.len() < 11 {
            self.tenths.push((hour, songs, cpu()));
        }
        if hour >= self.hours.min(1.0) && self.first.is_none() {
            self.first = Some(memory());
        }
        self.last = memory();
    }

    /// MiB more at the end than after the first hour.
    pub fn growth(&self) -> f64 {
        self.last - self.first.unwrap_or(self.last)
    }

    pub fn told(&self) -> Value {
        let tenth = |n: usize| {
            let (from, to) = (self.tenths.get(n)?, self.tenths.get(n + 1)?);
            let used = to.2 - from.2;
            let songs = (to.1 - from.1).max(1) as f64;
            Some((used / songs, used / (to.0 - from.0)))
        };
        let all: Vec<_> = (0..10).map(tenth).collect();
        let ten = |pick: fn((f64, f64)) -> f64| -> Vec<Option<f64>> {
            all.iter().map(|t| t.map(|t| (100.0 * pick(t)).round() / 100.0)).collect()
        };
        json!({
            "memory_mib_hour_1": self.first,
            "memory_mib_end": self.last,
            "cpu_s_per_song": ten(|t| t.0),
            "cpu_s_per_hour": ten(|t| t.1),
        })
    }
}
