//! Stations that pass this one's stream on, and who is sent to which of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a relay calls itself. Forever.fm's were called `foreverfm-relay`.
pub const RELAY_AGENT: &str = "evermix-relay";
/// The heaviest relay.
const MOST_WEIGHT: u32 = 1_000;

/// A station that listens to pass the stream on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// `host:port` where its listeners connect.
    pub address: String,
    /// The mount it passes on: who passes on several is there several times.
    pub mount: String,
    /// How many listeners it can take, compared with others.
    pub weight: u32,
    /// How many it said it has.
    pub listeners: u64,
    /// When it was heard of last, in seconds since 1970.
    pub seen: u64,
}

impl Relay {
    /// A relay at an address; `None` where the address is none that can be told to listeners.
    pub fn new(host: &str, port: &str, weight: &str, mount: &str, seen: f64) -> Option<Relay> {
        let decent = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        let host_ok = !host.is_empty() && host.len() < 256 && host.chars().all(decent);
        let port: u16 = port.parse().ok().filter(|&port| port > 0)?;
        let host = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]")
        } else {
            host.into()
        };
        let weight = weight.parse().unwrap_or(1).clamp(1, MOST_WEIGHT);
        host_ok.then(|| Relay {
            address: format!("{host}:{port}"),
            mount: mount.to_string(),
            weight,
            listeners: 0,
            seen: seen as u64,
        })
    }
}

/// The relays that are connected.
#[derive(Debug, Default)]
pub struct Relays {
    all: Mutex<Vec<(u64, Relay)>>,
    next: AtomicU64,
    asked: AtomicU64,
}

impl Relays {
    /// Takes a relay; it is one until [`Relays::remove`].
    pub fn add(&self, relay: Relay) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().push((number, relay));
        number
    }

    /// A relay is gone.
    pub fn remove(&self, number: u64) {
        self.lock().retain(|(known, _)| *known != number);
    }

    /// A relay tells how many listen to it.
    pub fn report(&self, address: &str, listeners: u64, now: f64) {
        for (_, relay) in self.lock().iter_mut().filter(|(_, relay)| relay.address == address) {
            relay.listeners = listeners;
            relay.seen = now as u64;
        }
    }

    /// All of them, each once.
    pub fn all(&self) -> Vec<Relay> {
        let mut all: Vec<Relay> = Vec::new();
        for (_, relay) in self.lock().iter() {
            if all.iter().all(|known| known.address != relay.address) {
                all.push(relay.clone());
            }
        }
        all
    }

    /// One of those that pass a mount on, drawn by weight; `None` where there is none.
    pub fn pick(&self, mount: &str) -> Option<String> {
        let mut relays = self.lock().clone();
        relays.retain(|(_, relay)| relay.mount == mount);
        let sum: u64 = relays.iter().map(|(_, relay)| u64::from(relay.weight)).sum();
        // Chance of this kind needs no seed: nothing that is heard depends on it.
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let drawn = blake3::hash(&asked.to_le_bytes());
        let [a, b, c, d, ..] = drawn.as_bytes();
        let mut left = u64::from(u32::from_le_bytes([*a, *b, *c, *d])).checked_rem(sum)?;
        relays.iter().find_map(|(_, relay)| {
            let weight = u64::from(relay.weight);
            if left < weight {
                return Some(relay.address.clone());
            }
            left -= weight;
            None
        })
    }

    /// A list of relays is whole whoever failed while holding it.
    fn lock(&self) -> MutexGuard<'_, Vec<(u64, Relay)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_spread_by_weight_over_the_relays_that_are_there() {
        let relays = Relays::default();
        assert_eq!(relays.pick("/all.mp3"), None);
        let relay = |host, weight, mount| Relay::new(host, "80", weight, mount, 0.0).unwrap();
        let light = relays.add(relay("a.example", "1", "/all.mp3"));
        relays.add(relay("b.example", "3", "/all.mp3"));
        relays.add(relay("b.example", "3", "/all.opus"));
        assert_eq!(relays.all().len(), 2, "each once");
        assert_eq!(relays.pick("/all.flac"), None);
        assert_eq!(relays.pick("/all.opus").unwrap(), "b.example:80");
        let pick = || relays.pick("/all.mp3").unwrap();
        let count = |address: &str| (0..4_000).filter(|_| pick() == address).count();
        let light_share = count("a.example:80");
        assert!((900..1_100).contains(&light_share), "{light_share}");
        relays.remove(light);
        assert_eq!(count("b.example:80"), 4_000);
    }

    #[test]
    fn an_address_that_is_more_than_an_address_is_refused() {
        for host in ["", "a b", "a/b", "evil@host", "a\r\nb", "a;b", "a\"b"] {
            assert_eq!(Relay::new(host, "80", "1", "/all.mp3", 0.0), None, "{host:?}");
        }
        assert_eq!(Relay::new("host", "0", "1", "/all.mp3", 0.0), None);
        assert_eq!(Relay::new("host", "x", "1", "/all.mp3", 0.0), None);
        assert_eq!(Relay::new("::1", "80", "", "/all.mp3", 0.0).unwrap().address, "[::1]:80");
        assert_eq!(
            Relay::new("host", "80", "4000000", "/all.mp3", 0.0).unwrap().weight,
            MOST_WEIGHT
        );
    }
}
