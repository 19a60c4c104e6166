//! What this process uses, as the system tells it. 0 where it does not.

/// Bytes of memory in use.
pub fn memory() -> u64 {
    let pages = read("/proc/self/statm", 1);
    pages * rustix::param::page_size() as u64
}

/// Seconds of processors used, by all threads.
pub fn cpu() -> f64 {
    // The name in the second field may hold anything: the fields are counted after it.
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let field = |n: usize| after.split_whitespace().nth(n).and_then(|f| f.parse::<u64>().ok());
    let ticks = field(11).unwrap_or(0) + field(12).unwrap_or(0);
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

fn read(path: &str, field: usize) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().nth(field).and_then(|f| f.parse().ok()).unwrap_or(0)
}
