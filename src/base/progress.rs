//! Progress as events. The command line draws them; nobody below it prints.

/// One thing that happened. Items are named as the user knows them (a song's file name).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// A stage begins; so many items wait, and so many seconds of audio, where known.
    StageStarted { stage: &'a str, items: usize },
    /// Work on an item begins.
    ItemStarted { item: &'a str },
    /// So much of an item is done, 0..=1.
    ItemProgress { item: &'a str, fraction: f64 },
    /// An item is finished; `note` is what came of it.
    ItemDone { item: &'a str, note: &'a str },
    /// An item was finished by an earlier run and is used as it is.
    ItemReused { item: &'a str },
    /// An item is left out; `why` says the reason in one line.
    ItemSkipped { item: &'a str, why: &'a str },
    /// Something worth a line that is no failure.
    Note { text: &'a str },
    /// The stage is over.
    StageDone { stage: &'a str },
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
