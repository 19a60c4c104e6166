//! The sound one listener gets.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use futures_util::stream::unfold;
use tokio::sync::watch;

use super::icy::Titles;
use crate::stream::relays::Relay;
use crate::stream::ring::Taken;
use crate::stream::station::{Listener, Station};

/// A listener and its place in the ring.
pub struct Feed {
    station: Arc<Station>,
    listener: Arc<Listener>,
    number: u64,
    place: u64,
    ready: VecDeque<Bytes>,
    titles: Option<Titles>,
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
        titles: Option<Titles>,
    ) -> Feed {
        let releases = listener.mount.releases();
        let (place, opening, begun) = {
            let ring = listener.mount.ring();
            let (place, opening) = ring.join(station.options.burst);
            let first = ring.take(place);
            (place, opening, if let Taken::Packet(_, begun) = first { Some(begun) } else { None })
        };
        let (ready, relay) = (VecDeque::new(), None);
        let mut feed = Feed { station, listener, number, place, ready, titles, releases, relay };
        let begun = begun.unwrap_or(feed.station.now());
        feed.give(opening, begun);
        feed
    }

    /// Says that it feeds a relay, which others may be sent to while it lasts.
    pub fn is_relay(&mut self, relay: Option<Relay>) {
        self.relay = relay.map(|relay| self.station.relays.add(relay));
    }

    /// The feed as a body that ends with the stream or when the listener is too slow.
    pub fn body(self) -> Body {
        Body::from_stream(unfold(self, |mut feed| async move {
            let bytes = feed.next().await?;
            Some((Ok::<_, Infallible>(bytes), feed))
        }))
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                self.listener.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                self.listener.mount.count_sent(bytes.len());
                return Some(bytes);
            }
            if self.station.is_draining() {
                return None;
            }
            self.releases.mark_unchanged();
            let taken = self.listener.mount.ring().take(self.place);
            match taken {
                Taken::Packet(bytes, moment) => {
                    self.place += 1;
                    self.listener.place.store(self.place, Ordering::Relaxed);
                    self.give(bytes, moment);
                }
                Taken::Wait => self.releases.changed().await.ok()?,
                Taken::TooSlow => return None,
            }
        }
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
            None => self.ready.push_back(bytes),
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
