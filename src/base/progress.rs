//! Progress as events. The command line draws them; nobody below it prints.

/// One thing that happened. Items are named as the user knows them (a song's file name).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// A stage begins.
    StageStarted {
        /// Its name, as typed on the command line.
        stage: &'a str,
        /// How many items wait.
        items: usize,
    },
    /// Work on an item begins.
    ItemStarted {
        /// The item.
        item: &'a str,
    },
    /// A part of an item is done.
    ItemProgress {
        /// The item.
        item: &'a str,
        /// How much of it is done, 0..=1.
        fraction: f64,
    },
    /// An item is finished.
    ItemDone {
        /// The item.
        item: &'a str,
        /// What came of it, in a line.
        note: &'a str,
    },
    /// An item was finished by an earlier run and is used as it is.
    ItemReused {
        /// The item.
        item: &'a str,
    },
    /// An item is left out.
    ItemSkipped {
        /// The item.
        item: &'a str,
        /// The reason, in a line.
        why: &'a str,
    },
    /// Something worth a line that is no failure.
    Note {
        /// The line.
        text: &'a str,
    },
    /// The stage is over.
    StageDone {
        /// Its name.
        stage: &'a str,
    },
}

/// Receives events from any thread.
pub trait Progress: Sync {
    /// Takes one event. Must return soon: workers wait for it.
    fn report(&self, event: Event<'_>);
}

/// Swallows every event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn report(&self, _event: Event<'_>) {}
}
