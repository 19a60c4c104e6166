//! `remix config show`

use crate::base::Result;
use crate::cli::args::ConfigCommand;
use crate::cli::exit::Exit;
use crate::cli::settings::{Overrides, flatten};
use crate::cli::world::World;

pub fn run(world: &World<'_>, command: &ConfigCommand) -> Result<Exit> {
    let ConfigCommand::Show { origin } = command;
    let mut flags = Overrides::default();
    flags.set_count("threads", world.common.threads);
    let resolved = world.resolved(&flags)?;
    let lines = flatten(&resolved.settings);
    let from = |name: &str| resolved.origins.get(name).map_or("default", String::as_str);
    if world.common.json {
        let entries: Vec<_> = lines
            .iter()
            .map(|(name, value)| {
                serde_json::json!({ "name": name, "value": value, "origin": from(name) })
            })
            .collect();
        crate::cli::print(&format!(
            "{}\n",
            serde_json::json!({ "schema": 1, "settings": entries })
        ));
        return Ok(Exit::OK);
    }
    for (name, value) in &lines {
        let line = format!("{name} = {value}");
        let comment = if *origin { format!("  # {}", from(name)) } else { String::new() };
        crate::cli::print(&format!("{line:<40}{comment}\n").replace("  \n", "\n"));
    }
    Ok(Exit::OK)
}
