//! The one queue of packets of a mount. Listeners hold places in it, not copies.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::audio::encode::live::{Format, Packet};
use crate::base::Seconds;

/// Packets made, released and kept.
#[derive(Debug)]
pub struct Ring {
    format: Format,
    rate: f64,
    /// Numbers of packets with which streams begin, and what comes before each.
    headers: VecDeque<(u64, Bytes)>,
    packets: VecDeque<Placed>,
    /// Number of the oldest packet that is kept.
    first: u64,
    /// Number of the first packet not yet released.
    released: u64,
    /// Frames made so far, at the encoder's rate.
    made: u64,
    /// Bytes released and kept, and the most that are.
    kept: usize,
    most: usize,
    /// Packets made, and bytes in them, since the beginning.
    all: (u64, u64),
}

#[derive(Debug)]
struct Placed {
    packet: Packet,
    /// Frame it begins with.
    start: u64,
}

/// What a listener is given next.
#[derive(Debug, PartialEq)]
pub enum Taken {
    /// A packet, and when it begins.
    Packet(Bytes, Seconds),
    /// There is none yet.
    Wait,
    /// The listener is so far behind that its packet is gone.
    TooSlow,
}

impl Ring {
    /// An empty ring that keeps `most` bytes of what was released.
    pub fn new(format: Format, rate: f64, header: Bytes, most: usize) -> Ring {
        let (packets, most) = (VecDeque::new(), most.max(1));
        Ring {
            format,
            rate,
            headers: VecDeque::from([(0, header)]),
            packets,
            first: 0,
            released: 0,
            made: 0,
            kept: 0,
            most,
            all: (0, 0),
        }
    }

    /// Takes a packet that was made.
    pub fn push(&mut self, packet: Packet) {
        let start = self.made;
        self.made += packet.frames;
        self.all = (self.all.0 + 1, self.all.1 + packet.bytes.len() as u64);
        self.packets.push_back(Placed { packet, start });
    }

    /// Begins a new stream in the middle of the old one, at a moment of the mix: for when an
    /// encoder had to be replaced. What the old one kept to itself is lost, but not the time it
    /// takes: titles, and other mounts, would be early ever after.
    pub fn restart(&mut self, header: Bytes, at: Seconds) {
        self.made = self.made.max((at.0 * self.rate).round() as u64);
        if self.all.0 == 0 {
            self.headers.clear();
        } else if !header.is_empty() {
            self.push(Packet { bytes: header.clone(), frames: 0 });
        }
        self.headers.push_back((self.all.0, header));
    }

    /// The header of the stream made now.
    pub fn header(&self) -> Bytes {
        self.headers.back().map(|(_, header)| header.clone()).unwrap_or_default()
    }

    /// Frames a second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// End of what was made.
    pub fn made(&self) -> Seconds {
        Seconds(self.made as f64 / self.rate)
    }

    /// Releases all packets that begin before `until`, and drops the oldest ones. Gives the number
    /// of the first that is not released.
    pub fn release(&mut self, until: Seconds) -> u64 {
        while let Some(placed) = self.at(self.released) {
            if placed.start as f64 / self.rate >= until.0 {
                break;
            }
            self.kept += placed.packet.bytes.len();
            self.released += 1;
        }
        while self.kept > self.most && self.first < self.released {
            let Some(gone) = self.packets.pop_front() else { break };
            self.kept -= gone.packet.bytes.len();
            self.first += 1;
        }
        while self.headers.get(1).is_some_and(|(begun, _)| *begun <= self.first) {
            self.headers.pop_front();
        }
        self.released
    }

    fn at(&self, number: u64) -> Option<&Placed> {
        let index = number.checked_sub(self.first)?;
        self.packets.get(usize::try_from(index).ok()?)
    }

    /// Where a new listener begins: so many seconds before what is released now, or where the
    /// stream that is released now began. With it comes what it gets first.
    pub fn join(&self, burst: Seconds) -> (u64, Bytes) {
        let now = match self.at(self.released) {
            Some(next) => next.start,
            None => self.made,
        };
        let from = now as f64 - burst.0 * self.rate;
        let early = |number: &u64| self.at(*number).is_some_and(|p| (p.start as f64) < from);
        let begun = self.headers.iter().rev().find(|(begun, _)| *begun <= self.released);
        let (begun, header) = begun.cloned().unwrap_or_default();
        let first = self.first.max(begun);
        let number = (first..self.released).find(|n| !early(n)).unwrap_or(self.released);
        let before = number.checked_sub(1).filter(|before| *before >= begun);
        let before = before.and_then(|n| self.at(n)).map(|p| &p.packet);
        let opening = match self.at(number) {
            Some(first) => self.format.opening(&header, before, &first.packet),
            None => header,
        };
        (number, opening)
    }

    /// The packet of this number, if it is released.
    pub fn take(&self, number: u64) -> Taken {
        if number >= self.released {
            return Taken::Wait;
        }
        match self.at(number) {
            Some(placed) => {
                Taken::Packet(placed.packet.bytes.clone(), Seconds(placed.start as f64 / self.rate))
            }
            None => Taken::TooSlow,
        }
    }

    /// Packets and sound that wait to be released.
    pub fn waiting(&self) -> (u64, Seconds) {
        let from = self.at(self.released).map_or(self.made, |next| next.start);
        let packets = self.first + self.packets.len() as u64 - self.released;
        (packets, Seconds((self.made - from) as f64 / self.rate))
    }

    /// How long ago, in the sound, the packet of this number was released.
    pub fn behind(&self, number: u64) -> Seconds {
        let start = |n: u64| self.at(n).map_or(self.made, |p| p.start);
        let place = start(number.max(self.first));
        Seconds(start(self.released).saturating_sub(place) as f64 / self.rate)
    }

    /// Bytes made since the beginning.
    pub fn bytes(&self) -> u64 {
        self.all.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(most: usize) -> Ring {
        Ring::new(Format::Flac, 100.0, Bytes::from_static(b"head"), most)
    }

    fn packet(fill: u8) -> Packet {
        Packet { bytes: Bytes::from(vec![fill; 10]), frames: 20 }
    }

    #[test]
    fn packets_come_when_their_time_has_come_and_in_order() {
        let mut ring = ring(1_000);
        (0..10).for_each(|n| ring.push(packet(n)));
        assert_eq!(ring.made(), Seconds(2.0));
        assert_eq!(ring.take(0), Taken::Wait);
        assert_eq!(ring.release(Seconds(0.0)), 0);
        assert_eq!(ring.release(Seconds(0.41)), 3);
        assert_eq!(ring.take(2), Taken::Packet(Bytes::from(vec![2; 10]), Seconds(0.4)));
        assert_eq!(ring.take(3), Taken::Wait);
        assert_eq!(ring.waiting(), (7, Seconds(1.4)));
        assert_eq!(ring.release(Seconds(9.0)), 10);
        assert_eq!(ring.waiting(), (0, Seconds(0.0)));
    }

    #[test]
    fn a_new_listener_begins_a_little_before_now_with_the_header() {
        let mut ring = ring(1_000);
        (0..10).for_each(|n| ring.push(packet(n)));
        ring.release(Seconds(1.3));
        let (at, opening) = ring.join(Seconds(0.4));
        assert_eq!((at, &opening[..]), (5, &b"head"[..]));
        assert_eq!(ring.behind(at), Seconds(0.4));
        assert_eq!(ring.join(Seconds(100.0)).0, 0);
        assert_eq!(ring.join(Seconds(0.0)).0, 7);
    }

    #[test]
    fn only_so_much_is_kept_and_whoever_wants_more_is_told() {
        let mut ring = ring(45);
        (0..10).for_each(|n| ring.push(packet(n)));
        ring.release(Seconds(1.3));
        assert_eq!(ring.take(2), Taken::TooSlow);
        assert!(matches!(ring.take(3), Taken::Packet(..)));
        // What is not released is never dropped.
        ring.release(Seconds(9.0));
        assert!(matches!(ring.take(9), Taken::Packet(..)));
        assert_eq!(ring.bytes(), 100);
    }

    #[test]
    fn a_listener_of_an_empty_ring_waits_for_the_first_packet() {
        let mut ring = ring(45);
        let (at, opening) = ring.join(Seconds(4.0));
        assert_eq!((at, &opening[..]), (0, &b"head"[..]));
        assert_eq!(ring.take(at), Taken::Wait);
        ring.push(packet(1));
        ring.release(Seconds(0.1));
        assert!(matches!(ring.take(at), Taken::Packet(..)));
    }

    #[test]
    fn a_replaced_encoder_sends_its_header_in_between() {
        let mut ring = ring(1_000);
        ring.push(packet(1));
        ring.restart(Bytes::from_static(b"anew"), Seconds(0.3));
        ring.push(packet(2));
        ring.release(Seconds(9.0));
        assert_eq!(ring.take(1), Taken::Packet(Bytes::from_static(b"anew"), Seconds(0.3)));
        assert_eq!(ring.take(2), Taken::Packet(Bytes::from(vec![2; 10]), Seconds(0.3)));
        assert_eq!(ring.join(Seconds(0.1)).1, &b"anew"[..]);
    }

    #[test]
    fn whoever_comes_around_a_new_encoder_gets_the_header_of_what_follows_and_once() {
        let mut ring = ring(1_000);
        (1..=5).for_each(|n| ring.push(packet(n)));
        ring.restart(Bytes::from_static(b"anew"), Seconds(1.0));
        (6..=9).for_each(|n| ring.push(packet(n)));
        // The new one is made and not yet sent.
        ring.release(Seconds(0.9));
        assert_eq!(ring.join(Seconds(0.4)), (3, Bytes::from_static(b"head")));
        // It is sent: what is before it is of another stream.
        ring.release(Seconds(1.3));
        assert_eq!(ring.join(Seconds(0.9)), (6, Bytes::from_static(b"anew")));
        assert_eq!(ring.take(6), Taken::Packet(Bytes::from(vec![6; 10]), Seconds(1.0)));
    }

    #[test]
    fn a_ring_without_a_packet_begins_with_the_header_it_is_given() {
        let mut ring = Ring::new(Format::Flac, 100.0, Bytes::new(), 1_000);
        ring.restart(Bytes::from_static(b"late"), Seconds(0.0));
        ring.push(packet(1));
        ring.release(Seconds(9.0));
        assert_eq!(ring.join(Seconds(4.0)), (0, Bytes::from_static(b"late")));
        assert_eq!(ring.take(0), Taken::Packet(Bytes::from(vec![1; 10]), Seconds(0.0)));
    }
}
