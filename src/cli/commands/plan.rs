//! `forever plan`

use super::mixing::{self, Mixing};
use super::verdict;
use crate::base::Result;
use crate::cli::exit::Exit;
use crate::cli::forever_args::PlanArgs;
use crate::cli::world::World;
use crate::forever::read_plan;
use crate::store::{exists, write_atomic};

pub fn run(world: &World<'_>, args: &PlanArgs) -> Result<Exit> {
    let settings = world.settings(mixing::flags(&args.mix))?;
    let context = world.context(&settings);
    // Wishes in the plan that is there survive.
    let overrides = match exists(context.fs, &args.output)? {
        true => read_plan(&context, &args.output)?.overrides,
        false => Vec::new(),
    };
    let (settings, dry) = (&settings, false);
    let work = Mixing { world, context: &context, settings, args: &args.mix, dry };
    let planned = work.plan(&args.inputs, overrides)?;
    write_atomic(context.fs, &args.output, planned.plan.text().as_bytes())?;
    mixing::tell(world, &planned.plan, args.explain);
    if !world.common.json {
        crate::cli::print(&format!("{}\n", args.output.display()));
    }
    verdict(world, planned.songs, &planned.found, &planned.skipped)
}
