//! What must be survived: failing disks, kills, signals, damage, odd names, hostile files.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod common;

#[path = "faults/change.rs"]
mod change;
#[path = "faults/damage.rs"]
mod damage;
#[path = "faults/full.rs"]
mod full;
#[path = "faults/hostile.rs"]
mod hostile;
#[path = "faults/kill.rs"]
mod kill;
#[path = "faults/names.rs"]
mod names;
#[path = "faults/operations.rs"]
mod operations;
#[path = "faults/program.rs"]
mod program;
#[path = "faults/signals.rs"]
mod signals;
#[path = "faults/stages.rs"]
mod stages;
#[path = "faults/together.rs"]
mod together;
