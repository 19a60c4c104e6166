//! One heap for all threads, for programs that run for days.

/// Begins this program anew, as the same process, with one heap for all its threads; returns where
/// it has that already, where its user has set the heaps, or where it cannot be.
///
/// glibc gives up to eight heaps a processor to threads, and none of them ever takes what another
/// has freed: where every song is read on a thread of its own, memory in use grew by half within
/// a day of them. How many there are is read once, when a program begins (`MALLOC_ARENA_MAX` in
/// mallopt(3)). To be called before anything else is done.
pub fn with_one_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    begin_anew();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn begin_anew() {
    use std::os::unix::process::CommandExt as _;

    const HEAPS: &str = "MALLOC_ARENA_MAX";
    // The variable is also what keeps this from being done for ever.
    if [HEAPS, "GLIBC_TUNABLES"].iter().any(|name| std::env::var_os(name).is_some()) {
        return;
    }
    let mut words = std::env::args_os();
    if let (Some(name), Ok(program)) = (words.next(), std::env::current_exe()) {
        // Returns only where it fails: then there are more heaps, and nothing else is lost.
        let _ = std::process::Command::new(program).arg0(name).args(words).env(HEAPS, "1").exec();
    }
}
