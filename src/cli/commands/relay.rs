//! `forever stream --relay-of`

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::on_air::{antenna, greet, station_options, token};
use crate::base::{Event, Result, SampleRate, SystemClock};
use crate::cli::exit::Exit;
use crate::cli::forever_args::StreamArgs;
use crate::cli::settings::Settings;
use crate::cli::world::World;
use crate::pipeline::Context;
use crate::stream::{Board, Mount, Origin, Station, StationOptions};

/// Pause before the other station is asked again what it has.
const PAUSE: Duration = Duration::from_secs(2);

pub fn run(
    world: &World<'_>,
    args: &StreamArgs,
    settings: &Settings,
    origin: &str,
) -> Result<Exit> {
    let context = world.context(settings);
    let antenna = antenna(world, &settings.stream, context.threads)?;
    let reached = (args.relay_address.clone(), antenna.address.port());
    let weight = args.relay_weight.unwrap_or(1);
    let origin = Origin::new(origin, reached, weight, token(&settings.stream))?;
    let (notes, noted) = channel();
    let options = StationOptions {
        origin: Some(format!("http://{}", origin.url.authority)),
        ..station_options(&settings.stream)?
    };
    let board = Board::new(SampleRate::CD.as_f64(), Vec::new());
    let clock = Arc::new(SystemClock::default());
    let mounts = mounts(&context, &origin)?;
    let station = Arc::new(Station::new(options, mounts, board, clock, notes));
    greet(world, &station, antenna.address);
    antenna.pass_on(&station, origin, || {
        for text in noted.try_iter() {
            context.progress.report(Event::Note { text: &text });
        }
        context.cancel.check().is_ok()
    });
    Ok(Exit::OK)
}

/// What there is to pass on. The other station may not be there yet.
fn mounts(context: &Context<'_>, origin: &Origin) -> Result<Vec<Arc<Mount>>> {
    let mut said = false;
    loop {
        match origin.mounts() {
            Ok(mounts) => return Ok(mounts),
            Err(error) if !said => {
                let text = format!("{}: {error}; waiting for it", origin.url.authority);
                context.progress.report(Event::Note { text: &text });
                said = true;
            }
            Err(_) => {}
        }
        context.cancel.check()?;
        std::thread::sleep(PAUSE);
    }
}
