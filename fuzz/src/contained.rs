//! Which panics are findings.
//!
//! libFuzzer's hook ends the process at every panic, also at one that the program catches. That is
//! too strict where the program reads with the libraries of others and catches their panics: for
//! the user such a file is one more that cannot be read. It would be too lax to forgive all that is
//! caught: then our own mistakes would hide behind the same `catch_unwind`. So of panics
//!
//! - in our own code all are findings, caught or not: the hook ends the process where they happen;
//! - in other code those are findings that reach the target: [`contained`] ends the process.
//!
//! Where a panic happened says the hook's location. Standard functions that panic on behalf of
//! their caller, such as indexing, tell the caller's. Targets whose program code catches nothing
//! keep libFuzzer's hook.

use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::seeds::begin;

/// The panic seen last, in words.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Begins a target with this hook in the place of libFuzzer's.
pub fn forgive_what_is_caught(target: &str) {
    begin(target);
    set_hook(Box::new(|panic| {
        if panic.location().is_none_or(is_ours) {
            eprintln!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
            std::process::abort();
        }
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
}

/// Whether code of this repository stands there, and not that of a library. Paths that are not
/// absolute are those of this package.
fn is_ours(place: &Location<'_>) -> bool {
    let (file, own) = (Path::new(place.file()), Path::new(env!("CARGO_MANIFEST_DIR")));
    file.is_relative() || own.parent().is_some_and(|root| file.starts_with(root))
}

/// Runs a target; a panic that comes out of it is told and ends the process.
pub fn contained(target: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(target)).is_err() {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        eprintln!("a panic that nobody caught: {last}");
        std::process::abort();
    }
}
