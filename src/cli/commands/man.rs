//! `remix man`

use std::path::Path;

use clap::CommandFactory as _;

use crate::base::{Error, Result};
use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::forever_args::ForeverCli;
use crate::store::{DiskFs, write_atomic};

pub fn run(dir: &Path) -> Result<Exit> {
    let mut pages = Vec::new();
    for (name, mut command) in [("remix", Cli::command()), ("forever", ForeverCli::command())] {
        command.build();
        pages.push((name.to_string(), command.clone()));
        for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
            let name = format!("{name}-{}", sub.get_name());
            pages.push((name.clone(), sub.clone().name(name)));
        }
    }
    for (name, command) in pages {
        let path = dir.join(format!("{name}.1"));
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .date("")
            .render(&mut page)
            .map_err(|e| Error::io("cannot write", &path, e))?;
        write_atomic(&DiskFs, &path, &page)?;
    }
    Ok(Exit::OK)
}
