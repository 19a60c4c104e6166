//! What a station of its own and a relay have in common: how they are reached and run.

use std::net::{SocketAddr, ToSocketAddrs as _};

use crate::base::{Error, ErrorKind, Result, Seconds};
use crate::cli::settings::StreamSettings;
use crate::cli::world::World;
use crate::net::{NetLimits, raise_descriptors};
use crate::stream::{Antenna, Station, StationOptions};

/// Connections that do not listen: pages, monitors, and those that are turned away.
const OTHERS: usize = 256;
/// Takes the address listeners connect to.
pub fn antenna(world: &World<'_>, settings: &StreamSettings, threads: usize) -> Result<Antenna> {
    let address = settings.bind.to_socket_addrs().ok().and_then(|mut all| all.next());
    let address = address.ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("no address to listen at: {}", settings.bind))
            .hint("--bind 127.0.0.1:8192, or --bind 0.0.0.0:8192 for other machines")
    })?;
    let wanted = settings.listeners + OTHERS;
    let connections = raise_descriptors(wanted);
    if connections < wanted {
        world.talk.say(&format!(
            "the system allows {connections} connections, for {} listeners there should be \
             {wanted}: ulimit -n",
            settings.listeners
        ));
    }
    let limits = NetLimits {
        connections,
        per_address: settings.per_address + OTHERS / 4,
        ..NetLimits::default()
    };
    Antenna::raise(address, limits, threads.min(4))
}

/// How the station is run.
///
/// # Errors
/// `Usage` naming what is out of range.
pub fn station_options(settings: &StreamSettings) -> Result<StationOptions> {
    let within = |name: &str, value: f64, range: std::ops::RangeInclusive<f64>| {
        if range.contains(&value) {
            return Ok(value);
        }
        let (least, most) = range.into_inner();
        Err(Error::new(ErrorKind::Usage, format!("stream.{name} out of range"))
            .because(format!("{least} to {most}")))
    };
    within("metaint", settings.metaint as f64, 1.0..=1e6)?;
    within("listeners", settings.listeners as f64, 1.0..=10_000.0)?;
    Ok(StationOptions {
        name: settings.name.clone(),
        tagline: settings.tagline.clone(),
        burst: Seconds(within("burst", settings.burst, 0.0..=30.0)?),
        lead: Seconds(within("lead", settings.lead, 10.0..=600.0)?),
        listeners: settings.listeners,
        per_address: settings.per_address,
        metaint: settings.metaint,
        token: token(settings),
        origin: None,
    })
}

/// What those in charge must show, if there are any.
pub fn token(settings: &StreamSettings) -> Option<String> {
    (!settings.token.is_empty()).then(|| settings.token.clone())
}

/// Says where the stream is heard.
pub fn greet(world: &World<'_>, station: &Station, address: SocketAddr) {
    let mounts: Vec<String> =
        station.mounts.iter().map(|m| format!("http://{address}{}", m.path)).collect();
    world.talk.say(&format!("streaming: {}", mounts.join("  ")));
    crate::cli::print(&format!("http://{address}/\n"));
}
