//! `remix models`

use std::path::Path;

use crate::base::{Error, ErrorKind, Result};
use crate::cli::args::ModelsCommand;
use crate::cli::exit::Exit;
use crate::cli::print;
use crate::cli::settings::{Overrides, Settings};
use crate::cli::trackers::models_dir;
use crate::cli::world::World;
use crate::pipeline::models::{Added, Known, Registry, State, add, fetch, first_notice, state};
use crate::store::DiskFs;

pub fn run(world: &World<'_>, command: &ModelsCommand) -> Result<Exit> {
    let settings = world.settings(Overrides::default())?;
    let work = Work {
        world,
        settings: &settings,
        registry: Registry::read(&DiskFs)?,
        folder: models_dir(),
    };
    match command {
        ModelsCommand::List => work.list(),
        ModelsCommand::Fetch { name } => work.fetch(name),
        ModelsCommand::Add { file } => work.add(file),
        ModelsCommand::Verify => work.verify(),
    }
}

struct Work<'a> {
    world: &'a World<'a>,
    settings: &'a Settings,
    registry: Registry,
    folder: std::path::PathBuf,
}

impl Work<'_> {
    /// All models with what they are and whether they are here.
    fn list(&self) -> Result<Exit> {
        let found = self.states()?;
        if self.world.common.json {
            let list: Vec<_> = found.iter().map(|(model, state)| json(model, state)).collect();
            let object = serde_json::json!({ "schema": 1, "folder": self.folder, "models": list });
            print(&format!("{object}\n"));
            return Ok(Exit::OK);
        }
        for (model, state) in &found {
            print(&format!("{:<12} {}: {}\n", model.name, word(state), model.what));
            print(&format!("{:<12} licence: {}\n", "", model.licence));
            if let (State::Absent, Some(file), Some(url)) = (state, &model.file, &model.url) {
                let bytes = model.bytes.map_or("?".into(), |n| format!("{:.1} MB", n as f64 / 1e6));
                print(&format!("{:<12} {file}, {bytes}, from {url}\n", ""));
            }
        }
        print(&format!("weights lie in {} (EVERMIX_MODELS)\n", self.folder.display()));
        Ok(Exit::OK)
    }

    fn fetch(&self, name: &str) -> Result<Exit> {
        let known = self.registry.named(name)?;
        if known.file.is_some() {
            self.notice();
        }
        let context = self.world.context(self.settings);
        let added = fetch(&context, &self.registry, &self.folder, known)?;
        self.tell(&added);
        Ok(Exit::OK)
    }

    fn add(&self, file: &Path) -> Result<Exit> {
        let context = self.world.context(self.settings);
        let added = add(&context, &self.registry, &self.folder, file)?;
        self.notice();
        self.tell(&added);
        if !added.known {
            self.world.talk.say("its hash is not one this program knows: it is taken on your word");
        }
        Ok(Exit::OK)
    }

    /// Checks what is here; anything that is not what it should be makes the command fail.
    fn verify(&self) -> Result<Exit> {
        let found = self.states()?;
        let bad = found.iter().find(|(_, state)| matches!(state, State::Other(..)));
        if self.world.common.json {
            let list: Vec<_> = found.iter().map(|(model, state)| json(model, state)).collect();
            print(&format!("{}\n", serde_json::json!({ "schema": 1, "models": list })));
        } else {
            for (model, state) in &found {
                print(&format!("{:<12} {}\n", model.name, word(state)));
            }
        }
        let Some((model, State::Other(path, bytes, hash))) = bad else { return Ok(Exit::OK) };
        Err(Error::new(ErrorKind::Corrupt, format!("this is not {}", model.name))
            .at(path)
            .because(format!(
                "{bytes} bytes, sha256 {hash}, instead of {}",
                model.sha256.as_deref().unwrap_or("the one it had when it came here")
            ))
            .hint(format!("delete it and: remix models fetch {}", model.name)))
    }

    fn states(&self) -> Result<Vec<(&Known, State)>> {
        let context = self.world.context(self.settings);
        let models = self.registry.models.iter();
        models.map(|model| Ok((model, state(&context, &self.folder, model)?))).collect()
    }

    /// What is to be known about the licence, once.
    fn notice(&self) {
        if let Some(notice) = first_notice(&DiskFs, &self.folder, &self.registry) {
            self.world.talk.say(notice);
        }
    }

    fn tell(&self, added: &Added) {
        if self.world.common.json {
            let object = serde_json::json!({
                "schema": 1, "model": added.name, "path": added.path, "sha256": added.sha256,
                "known": added.known,
            });
            print(&format!("{object}\n"));
        } else {
            let (name, path) = (&added.name, added.path.display());
            print(&format!("{name}: {path}\nsha256 {}\n", added.sha256));
        }
    }
}

fn word(state: &State) -> String {
    match state {
        State::BuiltIn => "part of the program".to_string(),
        State::Absent => "not here".to_string(),
        State::Whole(..) => "here and whole".to_string(),
        State::Unknown(_, _, hash) => format!("here, its hash unknown: {hash}"),
        State::Other(..) => "NOT what it should be".to_string(),
    }
}

fn json(model: &Known, state: &State) -> serde_json::Value {
    let (name, place) = match state {
        State::BuiltIn => ("built-in", None),
        State::Absent => ("absent", None),
        State::Whole(path, bytes, hash) => ("whole", Some((path, bytes, hash))),
        State::Unknown(path, bytes, hash) => ("unknown", Some((path, bytes, hash))),
        State::Other(path, bytes, hash) => ("other", Some((path, bytes, hash))),
    };
    serde_json::json!({
        "name": model.name, "what": model.what, "licence": model.licence, "url": model.url,
        "state": name, "path": place.map(|p| p.0), "bytes": place.map(|p| p.1),
        "sha256": place.map(|p| p.2),
    })
}
