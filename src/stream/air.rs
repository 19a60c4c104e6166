//! A station on the air: its threads, from the first packet to the last.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::http::router;
use super::icecast::Icecast;
use super::producer::Producer;
use super::relaying::Origin;
use super::station::{Station, TICK};
use crate::base::{Error, ErrorKind, Result};
use crate::net::{NetLimits, bind, serve};

/// Nothing is sent before so much sound is made, in seconds: a new listener's burst, and more.
const BEFORE_FIRST: f64 = 10.0;
/// How often whoever runs the station is asked whether it shall go on.
const LOOK: Duration = Duration::from_millis(100);
/// Pause of the producer while enough sound is made.
const REST: Duration = Duration::from_millis(50);

/// A place to listen at that was taken.
pub struct Antenna {
    runtime: Runtime,
    listener: tokio::net::TcpListener,
    limits: NetLimits,
    /// Where it is.
    pub address: SocketAddr,
}

impl Antenna {
    /// Takes an address. `threads` serve the listeners.
    ///
    /// # Errors
    /// `Busy` where the address is taken, `Usage` where it cannot be had.
    pub fn raise(address: SocketAddr, limits: NetLimits, threads: usize) -> Result<Antenna> {
        let failed = |e: std::io::Error| {
            Error::new(ErrorKind::Internal, "cannot serve listeners").because(e.to_string())
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .max_blocking_threads(4)
            .enable_all()
            .build()
            .map_err(failed)?;
        let listener = {
            let _inside = runtime.enter();
            bind(address, &limits)?
        };
        let address = listener.local_addr().map_err(failed)?;
        Ok(Antenna { runtime, listener, limits, address })
    }

    /// Sends until `goes_on` says no, then lets listeners go. It is asked ten times a second. The
    /// servers of `feeds` get the stream too.
    ///
    /// # Errors
    /// `Internal` where no sound can be made any more.
    pub fn send(
        self,
        station: &Arc<Station>,
        producer: Producer,
        feeds: Vec<Icecast>,
        goes_on: impl FnMut() -> bool,
    ) -> Result<()> {
        let over = Arc::new(AtomicBool::new(false));
        for feed in feeds {
            // Not waited for at the end: the other side may be slow to let go.
            let (station, over) = (station.clone(), over.clone());
            std::thread::spawn(move || feed.feed(&station, &over));
        }
        let made = std::thread::scope(|scope| {
            let making = scope.spawn(|| {
                let _ended = Ends(&over);
                produce(station, producer, &over)
            });
            scope.spawn(|| pace(station, &over));
            self.serve(station, &over, goes_on);
            making.join()
        });
        made.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Internal, "the program failed while it made sound")
                .because("this is a defect: please report it"))
        })
    }

    /// Passes the stream of another station on until `goes_on` says no.
    pub fn pass_on(self, station: &Arc<Station>, origin: Origin, goes_on: impl FnMut() -> bool) {
        let over = Arc::new(AtomicBool::new(false));
        let (to, ended) = (station.clone(), over.clone());
        // Not waited for at the end, as above.
        std::thread::spawn(move || origin.pass_on(&to, &ended));
        self.serve(station, &over, goes_on);
    }

    /// Serves until `goes_on` says no or it is `over`, and lets listeners go.
    fn serve(self, station: &Arc<Station>, over: &AtomicBool, mut goes_on: impl FnMut() -> bool) {
        let Antenna { runtime, listener, limits, .. } = self;
        let (stop, stopped) = watch::channel(false);
        for mount in &station.mounts {
            let mount = Arc::clone(mount);
            runtime.spawn(async move { mount.wake().await });
        }
        let serving = runtime.spawn(serve(listener, router(station.clone()), limits, stopped));
        while !over.load(Ordering::SeqCst) && goes_on() {
            std::thread::sleep(LOOK);
        }
        station.drain();
        // Nobody may serve any more.
        let _ = stop.send(true);
        let _ = runtime.block_on(serving);
        over.store(true, Ordering::SeqCst);
        runtime.shutdown_timeout(LOOK);
    }
}

/// Says that it is over once it is dropped, whatever the reason.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn produce(station: &Station, mut producer: Producer, over: &AtomicBool) -> Result<()> {
    while !over.load(Ordering::SeqCst) {
        if station.lead() < station.options.lead {
            producer.step(station)?;
        } else {
            std::thread::sleep(REST);
        }
    }
    Ok(())
}

fn pace(station: &Station, over: &AtomicBool) {
    let first = BEFORE_FIRST.min(station.options.lead.0);
    while station.lead().0 < first && !over.load(Ordering::SeqCst) {
        std::thread::sleep(TICK);
    }
    while !over.load(Ordering::SeqCst) {
        station.tick();
        std::thread::sleep(TICK);
    }
}
