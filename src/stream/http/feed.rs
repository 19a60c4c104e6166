//! The sound one listener gets.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use futures_util::stream::unfold;
use tokio::sync::watch;

use crate::net::Flow;
use crate::stream::icy::IcyWriter;
use crate::stream::relays::Relay;
use crate::stream::ring::Taken;
use crate::stream::station::{Listener, Station};

/// Bytes handed over at a time: the sound of a burst comes in a few pieces.
const TOGETHER: usize = 32 << 10;

/// A listener and its place in the ring.
pub struct Feed {
    station: Arc<Station>,
    listener: Arc<Listener>,
    number: u64,
    place: u64,
    ready: Vec<Bytes>,
    titles: Option<IcyWriter>,
    releases: watch::Receiver<u64>,
    /// Its number among the relays, if it is one.
    relay: Option<u64>,
}

/// Who goes while so much sound was kept for it beyond the burst took too little of it.
const LATE: f64 = 5.0;

impl Feed {
    /// A feed that begins a moment before now, with titles where they are wanted.
    pub fn new(
        station: Arc<Station>,
        (number, listener): (u64, Arc<Listener>),
        titles: Option<IcyWriter>,
    ) -> Feed {
        let releases = listener.mount.releases();
        let (place, opening, begun) = {
            let ring = listener.mount.ring();
            let (place, opening) = ring.join(station.options.burst);
            let first = ring.take(place);
            (place, opening, if let Taken::Packet(_, begun) = first { Some(begun) } else { None })
        };
        let (ready, relay) = (Vec::new(), None);
        let mut feed = Feed { station, listener, number, place, ready, titles, releases, relay };
        let begun = begun.unwrap_or(feed.station.now());
        feed.give(opening, begun);
        feed
    }

    /// Says that it feeds a relay, which others may be sent to while it lasts.
    pub fn is_relay(&mut self, relay: Option<Relay>) {
        self.relay = relay.map(|relay| self.station.relays.add(relay));
    }

    /// The feed as a flow that ends with the stream or when the listener is too slow.
    pub fn flow(self) -> Flow {
        Box::pin(unfold(self, |mut feed| async move {
            let pieces = feed.next().await?;
            Some((pieces, feed))
        }))
    }

    async fn next(&mut self) -> Option<Vec<Bytes>> {
        loop {
            if self.station.is_draining() {
                return None;
            }
            self.releases.mark_unchanged();
            let slow = self.take();
            let bytes: usize = self.ready.iter().map(Bytes::len).sum();
            if bytes > 0 {
                self.listener.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                self.listener.mount.count_sent(bytes);
                return Some(std::mem::take(&mut self.ready));
            }
            if slow {
                return None;
            }
            self.releases.changed().await.ok()?;
        }
    }

    /// Takes the packets that are there. Tells whether the next one is there no more.
    fn take(&mut self) -> bool {
        let mut bytes = 0;
        while bytes < TOGETHER {
            let taken = self.listener.mount.ring().take(self.place);
            match taken {
                Taken::Packet(packet, moment) => {
                    bytes += packet.len();
                    self.place += 1;
                    self.give(packet, moment);
                }
                Taken::Wait => break,
                Taken::TooSlow => return true,
            }
        }
        self.listener.place.store(self.place, Ordering::Relaxed);
        false
    }

    fn give(&mut self, bytes: Bytes, moment: crate::base::Seconds) {
        match &mut self.titles {
            Some(titles) => {
                let station = &self.station;
                let title =
                    || station.board().song(moment).map(|song| song.line()).unwrap_or_default();
                self.ready.extend(titles.weave(bytes, title));
            }
            None if bytes.is_empty() => {}
            None => self.ready.push(bytes),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let behind = self.listener.mount.ring().behind(self.place).0;
        let late = behind > self.station.options.burst.0 + LATE;
        if late || matches!(self.listener.mount.ring().take(self.place), Taken::TooSlow) {
            self.station.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.station.leave(self.number);
        if let Some(relay) = self.relay {
            self.station.relays.remove(relay);
        }
    }
}
