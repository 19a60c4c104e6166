//! A station without music of its own: it passes on the MP3 of another, for more listeners.

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
use crate::audio::encode::live::{Format, Mp3Splitter};
use crate::base::{Result, SampleRate, Seconds};
use crate::net::{Url, request};

/// Pause before the other station is asked again.
const PAUSE: Duration = Duration::from_secs(2);
/// How often the other station is told how many listen here.
const REPORT: Duration = Duration::from_secs(10);
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

    /// The mount that is passed on.
    pub fn mount() -> Arc<Mount> {
        let format = Format::Mp3(Mp3Quality::Vbr(2));
        let rate = SampleRate::CD.as_f64();
        Arc::new(Mount::new("/all.mp3".to_string(), format, rate, Bytes::new(), KEEP))
    }

    /// Passes the stream on until `over`.
    pub fn pass_on(&self, station: &Station, over: &AtomicBool) {
        let mut segments = 0;
        while !over.load(Ordering::SeqCst) {
            let ended = self.listen(station, over, &mut segments);
            if over.load(Ordering::SeqCst) {
                return;
            }
            let why = ended.err().map_or("it ended".to_string(), |error| error.to_string());
            station.say(format!("{}: {why}; again in {} s", self.url.authority, PAUSE.as_secs()));
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

    fn listen(&self, station: &Station, over: &AtomicBool, segments: &mut u64) -> io::Result<()> {
        let mut headers = self.headers();
        headers.push(("Icy-MetaData", "1".to_string()));
        let answer = request("GET", &self.url.at("/all.mp3"), "1.0", &headers, &[])?;
        if answer.status != 200 {
            let why = match answer.status {
                401 | 403 => "it wants a token: --token".to_string(),
                status => format!("it answers {status}"),
            };
            return Err(io::Error::other(why));
        }
        let every = answer.header("icy-metaint").and_then(|text| text.parse().ok());
        let mut reader = IcyReader::new(every);
        let (mut splitter, mut buffer) = (Mp3Splitter::default(), vec![0; 16 << 10]);
        let mut body = answer.body;
        let mut reported = Instant::now();
        let mount = &station.mounts[0];
        station.say(format!("passing on {}", self.url.authority));
        while !over.load(Ordering::SeqCst) {
            let read = body.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let (sound, title) = reader.take(&buffer[..read]);
            if let Some(title) = title {
                self.told(station, &title, segments);
            }
            for packet in splitter.push(&sound) {
                mount.ring().push(packet);
            }
            station.passed_on();
            if reported.elapsed() >= REPORT {
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
