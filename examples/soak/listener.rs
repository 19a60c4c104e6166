//! Listeners that check every packet.

use std::path::PathBuf;
use std::sync::Arc;

use evermix::audio::encode::live::Format;
use evermix::audio::{AudioBuffer, Decoder};
use evermix::base::Limits;
use evermix::stream::{Mount, Station, Taken};
use serde_json::{Value, json};

use super::Outcome;
use super::frame::frame;

/// A new listener comes this often, in ticks, stays so long, and decodes what it got.
const EVERY: u64 = 20 * 600;
const STAYS: u64 = 20 * 20;

/// A listener's place and what it checks.
struct Listener {
    mount: Arc<Mount>,
    place: u64,
    /// Where the packet before this one began, in seconds.
    last: Option<f64>,
    page: Option<u32>,
    /// What it got, where it is to be decoded.
    kept: Option<Vec<u8>>,
}

/// One listener of each mount from the first packet to the last, and others that come and go.
pub struct Listeners {
    folder: PathBuf,
    steady: Vec<Listener>,
    guests: Vec<Listener>,
    ticks: u64,
    packets: u64,
    bytes: u64,
    gaps: u64,
    decoded: f64,
    longest: f64,
    /// Everything that was not as it must be.
    pub faults: u64,
}

fn join(mount: &Arc<Mount>, station: &Station, keep: bool) -> Listener {
    let (place, opening) = mount.ring().join(station.options.burst);
    let kept = keep.then(|| opening.to_vec());
    Listener { mount: mount.clone(), place, last: None, page: None, kept }
}

impl Listeners {
    pub fn new(station: &Station, folder: PathBuf) -> Listeners {
        let steady = station.mounts.iter().map(|mount| join(mount, station, false)).collect();
        Listeners {
            folder,
            steady,
            guests: Vec::new(),
            ticks: 0,
            packets: 0,
            bytes: 0,
            gaps: 0,
            decoded: 0.0,
            longest: 0.0,
            faults: 0,
        }
    }

    pub fn tick(&mut self, station: &Station) -> Outcome<()> {
        self.ticks += 1;
        if self.ticks.is_multiple_of(EVERY) {
            self.guests = station.mounts.iter().map(|mount| join(mount, station, true)).collect();
        }
        if self.ticks % EVERY == STAYS {
            for guest in std::mem::take(&mut self.guests) {
                self.decode(guest)?;
            }
        }
        let (mut steady, mut guests) =
            (std::mem::take(&mut self.steady), std::mem::take(&mut self.guests));
        steady.iter_mut().chain(&mut guests).for_each(|listener| self.listen(listener));
        (self.steady, self.guests) = (steady, guests);
        Ok(())
    }

    fn listen(&mut self, listener: &mut Listener) {
        loop {
            let taken = listener.mount.ring().take(listener.place);
            match taken {
                Taken::Wait => return,
                Taken::TooSlow => {
                    self.gap("a packet is gone");
                    listener.place += 1;
                }
                Taken::Packet(bytes, moment) => {
                    listener.place += 1;
                    self.packets += 1;
                    self.bytes += bytes.len() as u64;
                    self.check(listener, &bytes, moment.0);
                    if let Some(kept) = &mut listener.kept {
                        kept.extend_from_slice(&bytes);
                    }
                }
            }
        }
    }

    fn gap(&mut self, what: &str) {
        eprintln!("  FAULT: {what}");
        self.gaps += 1;
        self.faults += 1;
    }

    fn check(&mut self, listener: &mut Listener, bytes: &[u8], moment: f64) {
        let length = match listener.mount.format {
            Format::Mp3(_) => self.mp3(bytes),
            _ => self.ogg(bytes, &mut listener.page),
        };
        if let Some((last, length)) = listener.last.zip(length)
            && (moment - last - length).abs() > 2e-4
            && matches!(listener.mount.format, Format::Mp3(_))
        {
            self.gap(&format!("{last} s is followed by {moment} s"));
        }
        self.longest = self.longest.max(moment - listener.last.unwrap_or(moment));
        listener.last = Some(moment);
    }

    /// Whole frames and nothing else: gives their length in seconds.
    fn mp3(&mut self, bytes: &[u8]) -> Option<f64> {
        let (mut at, mut micros) = (0, 0);
        while at < bytes.len() {
            let Some((length, time)) = frame(&bytes[at..]) else {
                self.gap("no frame where one must be");
                return None;
            };
            at += length;
            micros += time;
        }
        if at != bytes.len() {
            self.gap("a frame is cut");
        }
        Some(f64::from(micros) / 1e6)
    }

    /// Whole pages in order.
    fn ogg(&mut self, bytes: &[u8], page: &mut Option<u32>) -> Option<f64> {
        let mut at = 0;
        while at < bytes.len() {
            let head = bytes.get(at..at + 27).filter(|head| head.starts_with(b"OggS"));
            let Some((head, number)) = head.and_then(|h| Some((h, h.get(18..22)?))) else {
                self.gap("no page where one must be");
                return None;
            };
            let number = u32::from_le_bytes(number.try_into().unwrap_or_default());
            if page.is_some_and(|last| last + 1 != number) {
                self.gap("a page is missing");
            }
            *page = Some(number);
            let laces = usize::from(head[26]);
            let sizes = bytes.get(at + 27..at + 27 + laces).unwrap_or_default();
            at += 27 + laces + sizes.iter().map(|n| usize::from(*n)).sum::<usize>();
        }
        None
    }

    /// Decodes what a guest got: all of it must be sound, and it must not be silent.
    fn decode(&mut self, guest: Listener) -> Outcome<()> {
        // What the codec of this program cannot read is for the tests to judge.
        let Some(bytes) = guest.kept.filter(|_| matches!(guest.mount.format, Format::Mp3(_)))
        else {
            return Ok(());
        };
        let path = self.folder.join("guest.mp3");
        std::fs::write(&path, bytes)?;
        let mut decoder = Decoder::open(&path, &Limits::default())?;
        let (mut block, mut frames, mut peak) = (AudioBuffer::default(), 0, 0f32);
        loop {
            match decoder.next_block(&mut block) {
                Ok(true) => {
                    frames += block.frames();
                    let all = block.planes.iter().flatten();
                    peak = all.fold(peak, |peak, x| peak.max(x.abs()));
                }
                Ok(false) => break,
                Err(error) => {
                    self.gap(&format!("it does not decode: {error}"));
                    break;
                }
            }
        }
        let seconds = frames as f64 / decoder.rate().as_f64();
        if seconds < 0.9 * (STAYS as f64 / 20.0) || peak < 0.01 {
            self.gap(&format!("{seconds} s of sound, peak {peak}"));
        }
        self.decoded += seconds;
        Ok(())
    }

    pub fn told(&self) -> Value {
        json!({
            "packets": self.packets,
            "bytes": self.bytes,
            "gaps": self.gaps,
            "faults": self.faults,
            "decoded_s": self.decoded.round(),
            "longest_packet_s": (1e4 * self.longest).round() / 1e4,
        })
    }
}
