//! `remix fit-nearest-neighbours`

use super::count;
use crate::base::{Error, ErrorKind, Result};
use crate::cli::args::{FitArgs, IndexArgs};
use crate::cli::exit::Exit;
use crate::cli::settings::Overrides;
use crate::cli::world::World;
use crate::pipeline::fit;

/// Name of the index in a project.
pub const INDEX: &str = "index.evx";

pub fn run(world: &World<'_>, args: &FitArgs) -> Result<Exit> {
    let mut flags = Overrides::default();
    index_flags(&args.index_args, &mut flags)?;
    let settings = world.settings(flags)?;
    let context = world.context(&settings);
    let dataset = world.path_or(args.dataset.as_ref(), "dataset");
    let index = world.path_or(args.index.as_ref(), INDEX);
    let fitted = fit(&context, &dataset, &index, settings.algorithm, &settings.weights)?;
    if world.common.json {
        let object = serde_json::json!({
            "schema": 1, "index": index, "rows": fitted.rows, "reused": fitted.reused,
        });
        crate::cli::print(&format!("{object}\n"));
    } else {
        let again = if fitted.reused { " (unchanged)" } else { "" };
        let beats = count(fitted.rows, "beat");
        world.talk.say(&format!("{beats} in the index{again}: {}", index.display()));
    }
    Ok(Exit::OK)
}

/// The flags of an index; `harmony=2,timbre=1` becomes one setting each.
pub fn index_flags(args: &IndexArgs, flags: &mut Overrides) -> Result<()> {
    flags.set("algorithm", args.algorithm.clone());
    for part in args.weights.iter().flat_map(|w| w.split(',')) {
        let bad = || {
            Error::new(ErrorKind::Usage, format!("cannot read the weight `{part}`"))
                .hint("--weights harmony=2,timbre=1,dynamics=0.5")
        };
        let (name, value) = part.split_once('=').ok_or_else(bad)?;
        let value: f64 = value.trim().parse().map_err(|_| bad())?;
        flags.set(&format!("weights.{}", name.trim()), Some(value));
    }
    Ok(())
}
