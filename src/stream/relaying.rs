//! A station without music of its own: it passes on all formats of another, for more listeners.

use std::io::{self, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::icy::IcyReader;
use super::mount::Mount;
use super::producer::KEEP;
use super::relays::RELAY_AGENT;
use super::source::{News, Segment, SegmentTrack, SongCard};
use super::station::Station;
use crate::audio::encode::Mp3Quality;
use crate::audio::encode::live::{Format, Piece, Splitter};
use crate::base::{Result, Seconds};
use crate::net::{Url, request};

/// Pause before the other station is asked again.
const PAUSE: Duration = Duration::from_secs(2);
/// How often the other station is told how many listen here.
const REPORT: Duration = Duration::from_secs(10);
/// Mounts that are passed on, at most.
const MOST_MOUNTS: usize = 16;
/// A title lasts until the next comes.
const FOR_EVER: i64 = i64::MAX / 4;

/// The station whose stream is passed on, and what it must know of this one.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Where it is.
    pub url: Url,
    /// Host and port under which listeners reach this station, as far as they differ from where
    /// it connects from.
    pub reached: (Option<String>, u16),
    /// How many listeners it can take, compared with other relays.
    pub weight: u32,
    /// What it must show.
    pub token: Option<String>,
}

impl Origin {
    /// The station at an address.
    ///
    /// # Errors
    /// `Usage` where the address makes no sense.
    pub fn new(
        url: &str,
        reached: (Option<String>, u16),
        weight: u32,
        token: Option<String>,
    ) -> Result<Origin> {
        Ok(Origin { url: url.parse()?, reached, weight, token })
    }

    /// The mounts of the other station: those of them that this one knows how to pass on.
    ///
    /// # Errors
    /// Where it does not tell.
    pub fn mounts(&self) -> io::Result<Vec<Arc<Mount>>> {
        let answer = request("GET", &self.url.at("/mounts.json"), "1.0", &[], &[])?.read()?;
        let told: serde_json::Value = serde_json::from_slice(&answer)?;
        let all = told.as_array().map(Vec::as_slice).unwrap_or_default();
        let mounts: Vec<_> = all.iter().take(MOST_MOUNTS).filter_map(mount).collect();
        match mounts.is_empty() {
            true => Err(io::Error::new(io::ErrorKind::InvalidData, "it tells of no mount")),
            false => Ok(mounts),
        }
    }

    /// Passes all mounts of a station on until `over`.
    pub fn pass_on(&self, station: &Station, over: &AtomicBool) {
        std::thread::scope(|scope| {
            for mount in &station.mounts {
                scope.spawn(|| self.pass_one(station, mount, over));
            }
        });
    }

    fn pass_one(&self, station: &Station, mount: &Mount, over: &AtomicBool) {
        let mut segments = 0;
        while !over.load(Ordering::SeqCst) {
            let ended = self.listen(station, mount, over, &mut segments);
            if over.load(Ordering::SeqCst) {
                return;
            }
            let why = ended.err().map_or("it ended".to_string(), |error| error.to_string());
            let from = format!("{}{}", self.url.authority, mount.path);
            station.say(format!("{from}: {why}; again in {} s", PAUSE.as_secs()));
            std::thread::sleep(PAUSE);
        }
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let version = env!("CARGO_PKG_VERSION");
        let mut headers = vec![
            ("User-Agent", format!("{RELAY_AGENT}/{version}")),
            ("X-Relay-Port", self.reached.1.to_string()),
            ("X-Relay-Weight", self.weight.to_string()),
        ];
        headers.extend(self.reached.0.clone().map(|host| ("X-Relay-Addr", host)));
        let bearer = |token: &String| ("Authorization", format!("Bearer {token}"));
        headers.extend(self.token.as_ref().map(bearer));
        headers
    }

    /// Passes one mount on until the other station ends it, or until `over`. `segments` counts the
    /// titles told so far.
    ///
    /// # Errors
    /// Where there is no such stream, or the connection breaks.
    pub fn listen(
        &self,
        station: &Station,
        mount: &Mount,
        over: &AtomicBool,
        segments: &mut u64,
    ) -> io::Result<()> {
        let mut headers = self.headers();
        // Titles are those of the first mount.
        let first = station.mounts.first().is_some_and(|first| first.path == mount.path);
        headers.extend(first.then(|| ("Icy-MetaData", "1".to_string())));
        let answer = request("GET", &self.url.at(&mount.path), "1.0", &headers, &[])?;
        if answer.status != 200 {
            let why = match answer.status {
                401 | 403 => "it wants a token: --token".to_string(),
                status => format!("it answers {status}"),
            };
            return Err(io::Error::other(why));
        }
        let every = answer.header("icy-metaint").and_then(|text| text.parse().ok());
        let mut reader = IcyReader::new(every);
        let (mut splitter, mut buffer) = (Splitter::new(mount.format), vec![0; 16 << 10]);
        let mut body = answer.body;
        let mut reported = Instant::now();
        station.say(format!("passing on {}{}", self.url.authority, mount.path));
        while !over.load(Ordering::SeqCst) {
            let read = body.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let (sound, title) = reader.take(&buffer[..read]);
            if let Some(title) = title {
                self.told(station, &title, segments);
            }
            for piece in splitter.push(&sound) {
                match piece {
                    Piece::Header(header) => mount.begun(header, latest(station)),
                    Piece::Packet(packet) => mount.ring().push(packet),
                }
            }
            station.passed_on();
            if first && reported.elapsed() >= REPORT {
                reported = Instant::now();
                self.report(station);
            }
        }
        Ok(())
    }

    /// A title that begins now.
    fn told(&self, station: &Station, title: &str, segments: &mut u64) {
        let made = station.mounts[0].ring().made();
        let card = SongCard {
            id: blake3::hash(title.as_bytes()).to_hex()[..32].to_string(),
            title: title.to_string(),
            ..SongCard::default()
        };
        let track = SegmentTrack {
            start: Seconds(0.0),
            end: Seconds(0.0),
            peaks: Vec::new(),
            song: Arc::new(card),
        };
        let segment = Segment {
            id: *segments,
            action: "Playback",
            start: (made.0 * station.rate()) as i64,
            frames: FOR_EVER,
            beats: Vec::new(),
            downbeats: Vec::new(),
            why: None,
            tracks: vec![track],
        };
        *segments += 1;
        station.take(vec![News::Planned(segment)]);
    }

    fn report(&self, station: &Station) {
        let listeners = station.listeners().len().to_string();
        let mut headers = self.headers();
        headers.push(("Content-Length", listeners.len().to_string()));
        headers.push(("Content-Type", "text/plain".to_string()));
        let url = self.url.at("/control/relay");
        // One report more or less does not matter.
        let _ = request("POST", &url, "1.0", &headers, listeners.as_bytes());
    }
}

/// How far the mount is that is furthest.
fn latest(station: &Station) -> Seconds {
    let made = station.mounts.iter().map(|mount| mount.ring().made().0);
    Seconds(made.fold(0.0, f64::max))
}

/// A mount as another station tells of it. Its path becomes one of ours, so it is looked at.
fn mount(told: &serde_json::Value) -> Option<Arc<Mount>> {
    let path = told["path"].as_str()?;
    let (number, ending) = path.strip_prefix("/all")?.split_once('.')?;
    let bits = told["bitrate"].as_u64().and_then(|bits| u32::try_from(bits).ok());
    let (format, rate) = match ending {
        "mp3" => match bits {
            Some(bits) => (Format::Mp3(Mp3Quality::Cbr((bits / 1_000) as u16)), 44_100.0),
            None => (Format::Mp3(Mp3Quality::Vbr(2)), 44_100.0),
        },
        "opus" => (Format::Opus(bits.unwrap_or(128_000)), 48_000.0),
        "flac" => (Format::Flac, 44_100.0),
        _ => return None,
    };
    let plain = number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit());
    let rate =
        told["rate"].as_f64().filter(|rate| (4_000.0..=384_000.0).contains(rate)).unwrap_or(rate);
    plain.then(|| Arc::new(Mount::new(path.to_string(), format, rate, Bytes::new(), KEEP)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mounts_are_taken_as_told_and_nonsense_is_not() {
        let told = json!({ "path": "/all2.opus", "bitrate": 96_000, "rate": 48_000.0 });
        let opus = mount(&told).unwrap();
        assert_eq!((opus.path.as_str(), opus.format), ("/all2.opus", Format::Opus(96_000)));
        let flac = mount(&json!({ "path": "/all.flac", "bitrate": null, "rate": 96_000 })).unwrap();
        assert_eq!(flac.ring().rate(), 96_000.0);
        for path in ["", "/", "/all.json", "/all{x}.mp3", "/all/../x.mp3", "/all123.mp3", "/x.mp3"]
        {
            assert!(mount(&json!({ "path": path })).is_none(), "{path}");
        }
        assert!(mount(&json!("all.mp3")).is_none());
    }
}
