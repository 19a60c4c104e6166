//! What the process uses, hour by hour.

use serde_json::{Value, json};

/// MiB of memory in use, with or without what is of files: the system takes that as it likes.
pub fn memory(of_files: bool) -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let mut fields = text.split(' ').skip(1).map(|pages| pages.parse().unwrap_or(0.0));
    let (all, files): (f64, f64) = (fields.next().unwrap_or(0.0), fields.next().unwrap_or(0.0));
    let pages = if of_files { all } else { all - files };
    pages * rustix::param::page_size() as f64 / f64::from(1 << 20)
}

fn both() -> [f64; 2] {
    [memory(true), memory(false)]
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
    first: Option<[f64; 2]>,
    last: [f64; 2],
}

impl Usage {
    pub fn new(hours: f64) -> Usage {
        Usage { hours, tenths: Vec::new(), first: None, last: [0.0; 2] }
    }

    pub fn look(&mut self, hour: f64, songs: u64) {
        // Beginning takes its time: the first minute is nobody's.
        let due = self.tenths.len() as f64 * self.hours / 10.0;
        if hour >= due.max(1.0 / 60.0).min(self.hours - 1.0 / 3_000.0) && self.tenths.len() < 11 {
            self.tenths.push((hour, songs, cpu()));
        }
        if hour >= self.hours.min(1.0) && self.first.is_none() {
            self.first = Some(both());
        }
        self.last = both();
    }

    /// MiB more at the end than after the first hour.
    pub fn growth(&self) -> f64 {
        self.last[0] - self.first.unwrap_or(self.last)[0]
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
            "memory_mib_hour_1_and_without_files": self.first,
            "memory_mib_end_and_without_files": self.last,
            "cpu_s_per_song": ten(|t| t.0),
            "cpu_s_per_hour": ten(|t| t.1),
        })
    }
}
