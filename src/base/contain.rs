//! Panics in other people's code that are answered, not passed on.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Runs a library on untrusted bytes; `None` where it panicked. What `work` had in hand must not be
/// used after that: it may be half changed.
pub fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    DEPTH.set(DEPTH.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    result.ok()
}

/// Whether a panic on this thread would be answered by [`contained`]: then nobody needs to read of
/// it, for the caller's error says what was wrong with the input.
pub fn is_contained() -> bool {
    DEPTH.get() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_answered_and_leaves_nothing_behind() {
        assert!(!is_contained());
        assert_eq!(contained(|| contained(is_contained)), Some(Some(true)));
        assert_eq!(contained(|| [1, 2][std::hint::black_box(2)]), None);
        assert!(!is_contained());
    }
}
