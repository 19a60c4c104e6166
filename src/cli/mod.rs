//! Words typed and words printed.

mod args;
mod commands;
mod exit;
mod forever_args;
mod settings;
mod talk;
mod trackers;
mod world;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Command, Common};
use exit::Exit;
use forever_args::{ForeverCli, ForeverCommand};
use talk::Talk;
use world::World;

use crate::base::{Error, Result, is_contained, with_one_heap};

pub use settings::{Overrides, PROJECT_FILE, Resolved, Settings, resolve};

/// Runs `remix` with these words, the program's name first.
pub fn remix(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Cli::try_parse_from(words) {
        Ok(cli) => finish(&cli.common.clone(), |talk| dispatch(cli, talk)),
        Err(error) => usage(&error),
    }
}

/// Runs `forever` with these words, the program's name first.
pub fn forever(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    match ForeverCli::try_parse_from(words) {
        Ok(cli) => finish(&cli.common.clone(), |talk| dispatch_forever(cli, talk)),
        Err(error) => usage(&error),
    }
}

/// Runs a command and says how it ended.
fn finish(common: &Common, run: impl FnOnce(&Talk) -> Result<Exit>) -> ExitCode {
    hush_contained_panics();
    let talk = Talk::new(common);
    match run(&talk).and_then(|exit| all_printed().map(|()| exit)) {
        Ok(exit) => ExitCode::from(exit.0),
        Err(error) => {
            complain(&talk, &error, common.verbose);
            ExitCode::from(Exit::of(error.kind()).0)
        }
    }
}

/// Keeps panics that are answered with an error of our own from the terminal.
fn hush_contained_panics() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !is_contained() {
            tell(panic);
        }
    }));
}

/// Help and version go to stdout and are no failure; wrong usage is exit code 2. A closed pipe is
/// the reader's choice.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

fn complain(talk: &Talk, error: &Error, verbose: u8) {
    talk.complain(&format!("{}: {error}", talk.paint(31, "error")));
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause.filter(|_| verbose > 0) {
        talk.complain(&format!("  caused by: {inner}"));
        cause = inner.source();
    }
}

fn dispatch(cli: Cli, talk: &Talk) -> Result<Exit> {
    let Some(command) = cli.command else {
        return Ok(greet());
    };
    let common = cli.common;
    match command {
        Command::Separate(args) => commands::separate::run(&World::new(common, talk)?, &args),
        Command::Segment(args) => commands::segment::run(&World::new(common, talk)?, &args),
        Command::CreateDataset(args) => commands::dataset::run(&World::new(common, talk)?, &args),
        Command::FitNearestNeighbours(args) => {
            commands::fit::run(&World::new(common, talk)?, &args)
        }
        Command::GenerateRemix(args) => commands::generate::run(&World::new(common, talk)?, &args),
        Command::Auto(args) => commands::auto::run(&World::new(common, talk)?, &args),
        Command::Analyze(args) => commands::analyze::run(&World::new(common, talk)?, &args),
        Command::Demo(args) => commands::demo::run(&World::new(common, talk)?, &args),
        Command::Models(args) => commands::models::run(&World::new(common, talk)?, &args),
        Command::Doctor => commands::doctor::run(&World::new(common, talk)?),
        Command::Config(args) => commands::config::run(&World::new(common, talk)?, &args),
        Command::Completions { shell } => Ok(completions(shell, Cli::command())),
        Command::Man { dir } => commands::man::run(&dir),
    }
}

fn dispatch_forever(cli: ForeverCli, talk: &Talk) -> Result<Exit> {
    let Some(command) = cli.command else {
        return Ok(greet_forever());
    };
    if matches!(command, ForeverCommand::Stream(_)) {
        // Before signals are listened to: one that came in between would be lost.
        with_one_heap();
    }
    let world = World::new(cli.common, talk)?;
    match command {
        ForeverCommand::Plan(args) => commands::plan::run(&world, &args),
        ForeverCommand::Render(args) => commands::render::run(&world, &args),
        ForeverCommand::Score(args) => commands::score::run(&world, &args),
        ForeverCommand::Completions { shell } => Ok(completions(shell, ForeverCli::command())),
        ForeverCommand::Stream(args) => commands::stream::run(&world, &args),
        // What they say is said once more by the stream itself.
        ForeverCommand::Start(_) => commands::daemon::start(&world),
        ForeverCommand::Stop => commands::daemon::stop(&world),
        ForeverCommand::Restart => commands::daemon::restart(&world),
        ForeverCommand::Status => commands::daemon::status(&world),
    }
}

fn completions(shell: clap_complete::Shell, mut command: clap::Command) -> Exit {
    let (name, mut bytes) = (command.get_name().to_string(), Vec::new());
    clap_complete::generate(shell, &mut command, name, &mut bytes);
    print(&String::from_utf8_lossy(&bytes));
    Exit::OK
}

fn greet_forever() -> Exit {
    print(
        "Forever mixes a folder of songs without end, beat on beat.\n\
         It finds bars and phrases, orders the songs so that each suits the one before,\n\
         and lets them meet in whole bars, tempo gliding, bass swapped.\n\
         All commands: forever --help\n\
         Type next:    forever render YOUR_MUSIC_FOLDER -o mix.wav\n",
    );
    Exit::OK
}

fn greet() -> Exit {
    print(
        "Evermix turns a folder of songs into a remix.\n\
         It finds the beats, finds beats of other songs that sound alike, and jumps between them.\n\
         Everything runs on this machine, offline; what is done is not done again.\n\
         All commands: remix --help\n\
         Type next:    remix auto YOUR_MUSIC_FOLDER -o remix.wav\n",
    );
    Exit::OK
}

/// What went wrong when results were printed.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Results go to stdout. A reader that went away is no failure; a full disk is one in the end.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            *LOST.lock().unwrap_or_else(|p| p.into_inner()) = Some(e);
        }
        _ => {}
    }
}

fn all_printed() -> Result<()> {
    match LOST.lock().unwrap_or_else(|p| p.into_inner()).take() {
        Some(e) => Err(Error::io("cannot print the result", Path::new("standard output"), e)),
        None => Ok(()),
    }
}

/// Songs left out, for JSON output.
fn skipped_json(
    found: &[crate::pipeline::Skipped],
    skipped: &[crate::pipeline::Skipped],
) -> Vec<serde_json::Value> {
    let entry = |s: &crate::pipeline::Skipped| serde_json::json!({ "path": s.item, "error": s.error.reason() });
    found.iter().chain(skipped).map(entry).collect()
}
