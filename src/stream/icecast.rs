//! The stream as a source for an Icecast server, which then has the listeners.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::mount::Mount;
use super::ring::Taken;
use super::source::SongCard;
use super::station::{Station, TICK};
use crate::base::{Error, ErrorKind, Result, Seconds};
use crate::net::{Url, request};

/// Pauses between attempts: each twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An Icecast server to feed.
#[derive(Clone, Debug)]
pub struct Icecast {
    url: Url,
    mount: Arc<Mount>,
}

impl Icecast {
    /// The server at `http://source:PASSWORD@HOST:PORT/MOUNT`; the mount's ending says which
    /// format it gets.
    ///
    /// # Errors
    /// `Usage` where the address makes no sense or the format is not streamed.
    pub fn new(url: &str, mounts: &[Arc<Mount>]) -> Result<Icecast> {
        let url: Url = url.parse()?;
        let ending = url.path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let ending = if ending == "ogg" { "opus".to_string() } else { ending };
        let mount = mounts.iter().find(|mount| mount.format.extension() == ending);
        let mount = mount.cloned().ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("no format for the Icecast mount {}", url.path))
                .because("its name must end in .mp3, .opus or .flac, and that format be streamed")
                .hint("--format mp3 --icecast http://source:PASSWORD@HOST:8000/live.mp3")
        })?;
        Ok(Icecast { url, mount })
    }

    /// Feeds the server until `over`, and comes back whenever the connection breaks.
    pub fn feed(&self, station: &Station, over: &AtomicBool) {
        let mut pause = FIRST_PAUSE;
        while !over.load(Ordering::SeqCst) {
            let name = format!("{}{}", self.url.authority, self.url.path);
            match self.connect(station) {
                Ok(stream) => {
                    pause = FIRST_PAUSE;
                    station.say(format!("feeding {name}"));
                    let why = self.send(station, stream, over);
                    if !over.load(Ordering::SeqCst) {
                        station.say(format!("{name} does not take the stream any more: {why}"));
                    }
                }
                Err(why) => {
                    let again = pause.as_secs();
                    station.say(format!("{name}: {why}; again in {again} s"));
                }
            }
            rest(pause, over);
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    fn connect(&self, station: &Station) -> std::result::Result<TcpStream, String> {
        let options = &station.options;
        let mut headers = vec![
            ("User-Agent", format!("Evermix/{}", env!("CARGO_PKG_VERSION"))),
            ("Content-Type", self.mount.format.content_type().to_string()),
            ("Ice-Public", "0".to_string()),
            ("Ice-Name", options.name.clone()),
            ("Ice-Description", options.tagline.clone()),
            ("Expect", "100-continue".to_string()),
        ];
        headers
            .extend(self.mount.format.bitrate().map(|b| ("Ice-Bitrate", (b / 1_000).to_string())));
        headers.extend(self.url.basic());
        let answer = request("PUT", &self.url, "1.1", &headers, &[]);
        match answer {
            Ok(answer) if matches!(answer.status, 100 | 200) => Ok(answer.body.into_inner()),
            Ok(answer) if answer.status == 401 => Err("it wants another password".to_string()),
            Ok(answer) if matches!(answer.status, 403 | 409) => {
                Err(format!("it refuses ({}): is the mount in use?", answer.status))
            }
            Ok(answer) => Err(format!("it answers {}", answer.status)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Sends packets as they are released; gives the reason it ended.
    fn send(&self, station: &Station, mut stream: TcpStream, over: &AtomicBool) -> String {
        let (mut place, opening) = self.mount.ring().join(Seconds(0.0));
        let mut told: Option<Arc<SongCard>> = None;
        let mut sent = stream.write_all(&opening);
        while sent.is_ok() && !over.load(Ordering::SeqCst) {
            let taken = self.mount.ring().take(place);
            match taken {
                Taken::Packet(bytes, moment) => {
                    sent = stream.write_all(&bytes);
                    place += 1;
                    let song = station.board().song(moment);
                    if song.as_ref().map(|s| &s.id) != told.as_ref().map(|s| &s.id) {
                        song.iter().for_each(|song| self.title(station, song));
                        told = song;
                    }
                }
                Taken::Wait => std::thread::sleep(TICK),
                Taken::TooSlow => return "it took too long".to_string(),
            }
        }
        sent.err().map_or_else(String::new, |error| error.to_string())
    }

    /// Tells the title: inside MP3 there is no place for it. Ogg servers take it as well.
    fn title(&self, station: &Station, song: &SongCard) {
        let path = format!(
            "/admin/metadata?mode=updinfo&charset=UTF-8&mount={}&song={}",
            escaped(&self.url.path),
            escaped(&song.line())
        );
        let headers: Vec<_> = self.url.basic().into_iter().collect();
        let answer = request("GET", &self.url.at(&path), "1.0", &headers, &[]);
        if !matches!(&answer, Ok(answer) if answer.status == 200) {
            station.say(format!("{} did not take the title", self.url.authority));
        }
    }
}

fn rest(pause: Duration, over: &AtomicBool) {
    let ticks = pause.as_millis() / TICK.as_millis();
    for _ in 0..ticks {
        if over.load(Ordering::SeqCst) {
            return;
        }
        std::thread::sleep(TICK);
    }
}

/// Text inside a URL (RFC 3986, section 2.1): all but letters, digits and `-._~` in per cent.
fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_stay_inside_their_place_in_the_address() {
        assert_eq!(escaped("A & B=c/ü"), "A%20%26%20B%3Dc%2F%C3%BC");
        assert_eq!(escaped("x\r\nHost: evil"), "x%0D%0AHost%3A%20evil");
    }
}
