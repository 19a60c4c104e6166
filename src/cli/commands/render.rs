//! `forever render`

use std::path::Path;

use super::mixing::{self, Mixing};
use super::{check_page, verdict};
use crate::audio::encode::Container;
use crate::base::{Error, ErrorKind, Result};
use crate::cli::exit::Exit;
use crate::cli::forever_args::RenderArgs;
use crate::cli::settings::Settings;
use crate::cli::world::World;
use crate::forever::{MixFile, Rendered, read_plan, render_mix, score_mix, write_companions};
use crate::mix::{MixPlan, only_transitions};
use crate::pipeline::Context;
use crate::report::mix_page;
use crate::store::write_atomic;

pub fn run(world: &World<'_>, args: &RenderArgs) -> Result<Exit> {
    let mut flags = mixing::flags(&args.mix);
    flags.set("output-format", args.output_format.clone());
    let settings = world.settings(flags)?;
    let file = file(args, &settings)?;
    check_page(args.report.as_deref(), &file.path)?;
    let context = world.context(&settings);
    if let Some(path) = &args.plan {
        let plan = read_plan(&context, path)?;
        render(world, &context, args, &plan, &file)?;
        return Ok(Exit::OK);
    }
    let (settings, dry) = (&settings, args.dry.dry_run);
    let work = Mixing { world, context: &context, settings, args: &args.mix, dry };
    let planned = work.plan(&args.inputs, Vec::new())?;
    render(world, &context, args, &planned.plan, &file)?;
    verdict(world, planned.songs, &planned.found, &planned.skipped)
}

fn file(args: &RenderArgs, settings: &Settings) -> Result<MixFile> {
    let path = args.output.clone();
    if path.is_dir() {
        return Err(Error::new(ErrorKind::Usage, "the output is a folder")
            .hint(format!("name a file in it: {}", path.join("mix.wav").display()))
            .at(path)
            .because("a mix is one file"));
    }
    Ok(MixFile { container: Container::of(&path, settings.output_format)?, path })
}

fn render(
    world: &World<'_>,
    context: &Context<'_>,
    args: &RenderArgs,
    plan: &MixPlan,
    file: &MixFile,
) -> Result<()> {
    mixing::tell(world, plan, args.explain);
    let preview = args.only_transitions.then(|| transitions_of(plan)).transpose()?;
    let plan = preview.as_ref().unwrap_or(plan);
    if args.dry.dry_run {
        return Ok(());
    }
    let made = render_mix(context, plan, file)?;
    let mut files = vec![file.path.clone()];
    files.extend(write_companions(context, plan, &file.path, file.container)?);
    if let Some(page) = &args.report {
        write_page(context, plan, file, page)?;
        files.push(page.clone());
    }
    report(world, plan, &made, &files);
    Ok(())
}

/// Measures what was rendered and writes the page about it.
fn write_page(context: &Context<'_>, plan: &MixPlan, file: &MixFile, page: &Path) -> Result<()> {
    let score = score_mix(context, plan, &file.path)?;
    write_atomic(context.fs, page, mix_page(plan, Some(&score)).as_bytes())
}

fn transitions_of(plan: &MixPlan) -> Result<MixPlan> {
    let preview = only_transitions(plan);
    if preview.actions.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "there is no transition in this mix")
            .because("--only-transitions leaves everything else out")
            .hint("mix two songs or more, or leave --only-transitions out"));
    }
    Ok(preview)
}

fn report(world: &World<'_>, plan: &MixPlan, made: &Rendered, files: &[std::path::PathBuf]) {
    if world.common.json {
        crate::cli::print(&format!(
            "{}\n",
            serde_json::json!({
                "schema": 1, "files": files, "seconds": made.duration.0,
                "tracks": plan.tracks.len(), "seed": plan.seed.0,
                "loudness_lufs": made.loudness.0,
            })
        ));
        return;
    }
    world.talk.say(&format!(
        "{} of {} songs, {:.1} LUFS, seed {}",
        made.duration,
        plan.tracks.len(),
        made.loudness.0,
        plan.seed.0
    ));
    if let Some(out) = files.first() {
        crate::cli::print(&format!("{}\n", out.display()));
    }
}
