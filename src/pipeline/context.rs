//! What every stage is given, and how a stage works through its songs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::base::{Cancel, Error, ErrorKind, Event, Limits, Progress, Result};
use crate::store::{Cache, Fs};

/// The world a stage runs in.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where files go.
    pub fs: &'a dyn Fs,
    /// Bounds on untrusted input.
    pub limits: &'a Limits,
    /// Who is told how far we are.
    pub progress: &'a dyn Progress,
    /// The wish to stop.
    pub cancel: &'a Cancel,
    /// Songs worked on at the same time.
    pub threads: usize,
    /// Where results are kept between runs, unless the user wants none.
    pub cache: Option<&'a Cache>,
}

/// What came of one song.
pub enum Outcome<T> {
    /// Made now; the text says what, for the progress line.
    Made(T, String),
    /// Found finished.
    Reused(T),
}

/// A song left out, and why.
#[derive(Debug)]
pub struct Skipped {
    /// The song as the user knows it.
    pub item: String,
    /// The reason.
    pub error: Error,
}

/// What came of a stage.
#[derive(Debug)]
pub struct Batch<T> {
    /// Results in the order of the songs.
    pub done: Vec<T>,
    /// How many were made now.
    pub made: usize,
    /// How many were found finished.
    pub reused: usize,
    /// Songs left out.
    pub skipped: Vec<Skipped>,
}

/// One song as a stage's item: its name for progress, its size for fair sharing of the work.
pub trait Item: Sync {
    /// Name shown to the user.
    fn name(&self) -> &str;
    /// Rough amount of work, in any unit.
    fn size(&self) -> u64;
}

/// True for failures that end the whole run: the next song would fail the same way.
pub fn is_fatal(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Unusable | ErrorKind::Limit | ErrorKind::Corrupt | ErrorKind::Internal
    )
}

/// Works through all items on `threads` threads, largest first. A song that cannot be used is
/// skipped; anything worse ends the run after the songs in hand.
///
/// # Errors
/// The first fatal error in the order of the items.
pub fn run_batch<I: Item, T: Send>(
    context: &Context<'_>,
    stage: &str,
    items: &[I],
    work: impl Fn(&I) -> Result<Outcome<T>> + Sync,
) -> Result<Batch<T>> {
    context.progress.report(Event::StageStarted { stage, items: items.len() });
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(items[i].size()));
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let results: Mutex<Vec<Option<Result<Outcome<T>>>>> =
        Mutex::new(items.iter().map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..context.threads.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let Some(&index) = order.get(next.fetch_add(1, Ordering::SeqCst)) else {
                        break;
                    };
                    let result = one(context, &items[index], &work);
                    if matches!(&result, Err(e) if is_fatal(e.kind())) {
                        stop.store(true, Ordering::SeqCst);
                    }
                    // A poisoned lock still holds whole results: a push cannot be half done.
                    results.lock().unwrap_or_else(|p| p.into_inner())[index] = Some(result);
                }
            });
        }
    });
    context.progress.report(Event::StageDone { stage });
    collect(items, results.into_inner().unwrap_or_else(|p| p.into_inner()))
}

fn one<I: Item, T>(
    context: &Context<'_>,
    item: &I,
    work: &(impl Fn(&I) -> Result<Outcome<T>> + Sync),
) -> Result<Outcome<T>> {
    let name = item.name();
    context.progress.report(Event::ItemStarted { item: name });
    let result = catch_unwind(AssertUnwindSafe(|| {
        context.cancel.check()?;
        work(item)
    }))
    .unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Internal, "the program failed on this song")
            .because("this is a defect: please report it with the file"))
    });
    match &result {
        Ok(Outcome::Made(_, note)) => {
            context.progress.report(Event::ItemDone { item: name, note });
        }
        Ok(Outcome::Reused(_)) => context.progress.report(Event::ItemReused { item: name }),
        Err(e) if is_fatal(e.kind()) => {}
        Err(e) => context.progress.report(Event::ItemSkipped { item: name, why: &e.reason() }),
    }
    result
}

fn collect<I: Item, T>(items: &[I], results: Vec<Option<Result<Outcome<T>>>>) -> Result<Batch<T>> {
    let mut batch = Batch { done: Vec::new(), made: 0, reused: 0, skipped: Vec::new() };
    for (item, result) in items.iter().zip(results) {
        match result {
            // Never reached because another song ended the run; its error is returned below.
            None => {}
            Some(Ok(Outcome::Made(value, _))) => {
                batch.made += 1;
                batch.done.push(value);
            }
            Some(Ok(Outcome::Reused(value))) => {
                batch.reused += 1;
                batch.done.push(value);
            }
            Some(Err(error)) if is_fatal(error.kind()) => return Err(error),
            Some(Err(error)) => {
                batch.skipped.push(Skipped { item: item.name().to_string(), error });
            }
        }
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Quiet;
    use crate::store::DiskFs;

    struct Song(usize);
    impl Item for Song {
        fn name(&self) -> &str {
            "song"
        }
        fn size(&self) -> u64 {
            self.0 as u64
        }
    }

    fn run(
        threads: usize,
        work: impl Fn(&Song) -> Result<Outcome<usize>> + Sync,
    ) -> Result<Batch<usize>> {
        let (limits, cancel) = (Limits::default(), Cancel::new());
        let context = Context {
            fs: &DiskFs,
            limits: &limits,
            progress: &Quiet,
            cancel: &cancel,
            threads,
            cache: None,
        };
        let songs: Vec<Song> = (0..20).map(Song).collect();
        run_batch(&context, "test", &songs, work)
    }

    #[test]
    fn results_keep_the_order_of_the_songs_and_bad_ones_do_not_stop_the_rest() {
        for threads in [1, 2, 8] {
            let batch = run(threads, |song| match song.0 % 5 {
                0 => Err(Error::new(ErrorKind::Unusable, "bad")),
                1 => panic!("a defect"),
                _ => Ok(Outcome::Made(song.0, String::new())),
            })
            .unwrap();
            assert_eq!(batch.done, [2, 3, 4, 7, 8, 9, 12, 13, 14, 17, 18, 19]);
            assert_eq!(batch.skipped.len(), 8);
        }
    }

    #[test]
    fn a_full_disk_ends_the_run() {
        let error = run(2, |song| match song.0 {
            7 => Err(Error::new(ErrorKind::Io, "disk full")),
            _ => Ok(Outcome::Reused(song.0)),
        })
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
    }
}
