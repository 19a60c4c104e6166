//! `forever stream --relay-of`

use std::sync::Arc;
use std::sync::mpsc::channel;

use super::stream::{antenna, greet, station_options, token};
use crate::base::{Event, Result, SampleRate, SystemClock};
use crate::cli::exit::Exit;
use crate::cli::forever_args::StreamArgs;
use crate::cli::settings::Settings;
use crate::cli::world::World;
use crate::stream::{Board, Origin, Station, StationOptions};

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
    let station = Arc::new(Station::new(options, vec![Origin::mount()], board, clock, notes));
    greet(world, &station, antenna.address);
    antenna.pass_on(&station, origin, || {
        for text in noted.try_iter() {
            context.progress.report(Event::Note { text: &text });
        }
        context.cancel.check().is_ok()
    });
    Ok(Exit::OK)
}
