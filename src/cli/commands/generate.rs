//! `remix generate-remix`

use std::num::NonZeroUsize;
use std::path::Path;

use super::fit::INDEX;
use super::{check_page, count};
use crate::audio::encode::Container;
use crate::base::{Error, ErrorKind, Result, Seconds};
use crate::cli::args::GenerateArgs;
use crate::cli::exit::Exit;
use crate::cli::settings::{Overrides, Settings};
use crate::cli::world::{World, optional_rate, remix_options, walk_flags};
use crate::pipeline::{Context, GenerateJob, Generated, generate, plan_remix};
use crate::remix::RemixPlan;
use crate::report::remix_page;
use crate::store::write_atomic;

pub fn run(world: &World<'_>, args: &GenerateArgs) -> Result<Exit> {
    let mut flags = Overrides::default();
    flags.set("jump-rate", Some(args.jump_rate));
    walk_flags(&args.walk, &mut flags);
    check_page(args.report.as_deref(), &args.out)?;
    let settings = world.settings(flags)?;
    let beats = beats_wanted(args.beats)?;
    let context = world.context(&settings);
    let dataset_dir = world.path_or(args.dataset.as_ref(), "dataset");
    let index_path = world.path_or(args.index.as_ref(), INDEX);
    let job = GenerateJob {
        dataset_dir,
        index_path,
        beats_dir: None,
        ..job(&settings, beats, &args.out)?
    };
    if args.dry.dry_run {
        let plan = plan_remix(&context, &job)?;
        return Ok(dry_run(world, &plan));
    }
    let mut made = generate(&context, &job)?;
    write_page(&context, &mut made, args.report.as_deref())?;
    report(world, &made);
    Ok(Exit::OK)
}

/// A number of beats a remix can have.
///
/// # Errors
/// `Usage` below 1.
pub fn beats_wanted(beats: i64) -> Result<NonZeroUsize> {
    usize::try_from(beats).ok().and_then(NonZeroUsize::new).ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("BEATS {beats} is below 1"))
            .because("a remix has at least one beat")
            .hint("remix generate-remix 0.1 50 out.wav")
    })
}

/// A job with the settings in force and no folders yet.
///
/// # Errors
/// `Usage` where the output cannot be, or a setting makes no sense.
pub fn job(settings: &Settings, beats: NonZeroUsize, out: &Path) -> Result<GenerateJob> {
    if out.is_dir() {
        return Err(Error::new(ErrorKind::Usage, "the output is a folder")
            .at(out)
            .because("a remix is one file")
            .hint(format!("name a file in it: {}", out.join("remix.wav").display())));
    }
    Ok(GenerateJob {
        dataset_dir: Default::default(),
        index_path: Default::default(),
        beats_dir: None,
        out: out.to_path_buf(),
        container: Container::of(out, settings.output_format)?,
        rate: optional_rate(settings.output_rate)?,
        options: remix_options(settings, beats)?,
    })
}

fn jumps(plan: &RemixPlan) -> usize {
    plan.voices.iter().flat_map(|v| &v.beats).filter(|b| b.jump.is_some()).count()
}

fn dry_run(world: &World<'_>, plan: &RemixPlan) -> Exit {
    let seconds = plan.attacks.last().map_or(Seconds(0.0), |f| f.seconds(plan.rate));
    if world.common.json {
        crate::cli::print(&format!(
            "{}\n",
            serde_json::json!({
                "schema": 1, "seconds": seconds.0, "songs": plan.songs.len(), "jumps": jumps(plan),
            })
        ));
    } else {
        let (songs, jumps) = (count(plan.songs.len(), "song"), count(jumps(plan), "jump"));
        crate::cli::print(&format!("would make {seconds} from {songs} with {jumps}\n"));
    }
    Exit::OK
}

/// Writes the page about a remix where one is wanted.
///
/// # Errors
/// `Io` naming the page.
pub fn write_page(context: &Context<'_>, made: &mut Generated, page: Option<&Path>) -> Result<()> {
    let Some(page) = page else { return Ok(()) };
    write_atomic(context.fs, page, remix_page(&made.plan).as_bytes())?;
    made.files.push(page.to_path_buf());
    Ok(())
}

/// Says what was made.
pub fn report(world: &World<'_>, made: &Generated) {
    let plan = &made.plan;
    let seconds = crate::base::Frames(made.frames).seconds(plan.rate);
    if world.common.json {
        crate::cli::print(&format!(
            "{}\n",
            serde_json::json!({
                "schema": 1, "files": made.files, "seconds": seconds.0, "songs": plan.songs.len(),
                "beats": plan.options.beats, "jumps": jumps(plan), "seed": plan.options.seed.0,
                "loudness_lufs": made.loudness.0,
            })
        ));
        return;
    }
    let (songs, jumps) = (count(plan.songs.len(), "song"), count(jumps(plan), "jump"));
    world.talk.say(&format!(
        "{seconds} from {songs}, {jumps}, {:.1} LUFS, seed {}",
        made.loudness.0, plan.options.seed.0
    ));
    if let Some(out) = made.files.first() {
        crate::cli::print(&format!("{}\n", out.display()));
    }
}
