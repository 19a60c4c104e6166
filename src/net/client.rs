//! A small client for servers of our own kind: Icecast, and other stations.
//!
//! What it asks for never ends: sound that is sent or heard for days over one socket, which must
//! move every few seconds. Clients that fetch documents have one deadline for all of an answer.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base::{Error, ErrorKind, Result};

/// The other side must move within this time.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes of an answer's head, and of an answer that is read whole.
const MOST_HEAD: u64 = 16 << 10;
const MOST_BODY: u64 = 1 << 20;

/// `http://user:password@host:port/path`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `host:port`
    pub authority: String,
    /// `/path`, with what follows.
    pub path: String,
    /// Name and password.
    pub user: Option<(String, String)>,
}

impl std::str::FromStr for Url {
    type Err = Error;

    fn from_str(text: &str) -> Result<Url> {
        let wrong = |why: &str| {
            Error::new(ErrorKind::Usage, "no address of a server")
                .because(why.to_string())
                .hint("http://HOST:PORT/PATH, or http://USER:PASSWORD@HOST:PORT/PATH")
        };
        let rest = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("icecast://"))
            .ok_or_else(|| wrong("it must begin with http:// (https is not spoken)"))?;
        if rest.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(wrong("it holds blanks"));
        }
        let (server, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let (user, server) = match server.rsplit_once('@') {
            Some((user, server)) => {
                let (name, password) = user.split_once(':').unwrap_or((user, ""));
                (Some((name.to_string(), password.to_string())), server)
            }
            None => (None, server),
        };
        if server.is_empty() {
            return Err(wrong("it names no host"));
        }
        let bare = server.rsplit(']').next().unwrap_or(server);
        let port = if bare.contains(':') { "" } else { ":80" };
        Ok(Url { authority: format!("{server}{port}"), path: path.to_string(), user })
    }
}

impl Url {
    /// The same server, another path.
    pub fn at(&self, path: &str) -> Url {
        Url { path: path.to_string(), ..self.clone() }
    }

    /// `Authorization` for its user.
    pub fn basic(&self) -> Option<(&'static str, String)> {
        let (name, password) = self.user.as_ref()?;
        let both = STANDARD.encode(format!("{name}:{password}"));
        Some(("Authorization", format!("Basic {both}")))
    }
}

/// An answer whose body can be read.
pub struct Answer {
    /// 200 and the like.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// Whether there is more to come, and the connection it comes over.
    pub body: BufReader<TcpStream>,
}

impl Answer {
    /// A header's value, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All of a short answer.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn read(self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.body.take(MOST_BODY).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Asks a server. HTTP/1.0, so that the answer ends with the connection and comes in one piece;
/// 1.1 where the other side shall say whether it wants what follows.
///
/// # Errors
/// Where no connection comes about or the answer is none.
pub fn request(
    method: &str,
    url: &Url,
    version: &str,
    headers: &[(&str, String)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = connect(&url.authority)?;
    let mut head = format!("{method} {} HTTP/{version}\r\nHost: {}\r\n", url.path, url.authority);
    for (name, value) in headers {
        // A header that would become two is none of ours.
        let value = value.replace(char::is_control, " ");
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    answer(stream)
}

fn connect(authority: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in authority.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn answer(stream: TcpStream) -> io::Result<Answer> {
    let mut body = BufReader::new(stream);
    let no_answer = || io::Error::new(io::ErrorKind::InvalidData, "no answer of a web server");
    let (mut status, mut headers) = (None, Vec::new());
    let mut left = MOST_HEAD;
    loop {
        let mut line = Vec::new();
        let read = body.by_ref().take(left).read_until(b'\n', &mut line)? as u64;
        left -= read;
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        match status {
            None => {
                let code = line.split_whitespace().nth(1).and_then(|code| code.parse().ok());
                let known = line.starts_with("HTTP/") || line.starts_with("ICY ");
                status = Some(code.filter(|_| known).ok_or_else(no_answer)?);
            }
            Some(_) if read == 0 || left == 0 => return Err(no_answer()),
            Some(status) if line.is_empty() => return Ok(Answer { status, headers, body }),
            Some(_) => {
                if let Some((name, value)) = line.split_once(':') {
                    headers.push((name.trim().to_ascii_lowercase(), value.trim().to_string()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_and_nonsense_is_refused() {
        let url: Url = "http://source:a:b@radio.example:8000/live.mp3?x=1".parse().unwrap();
        assert_eq!(url.authority, "radio.example:8000");
        assert_eq!(url.path, "/live.mp3?x=1");
        assert_eq!(url.user, Some(("source".into(), "a:b".into())));
        assert_eq!("http://host".parse::<Url>().unwrap().authority, "host:80");
        assert_eq!("http://[::1]:8000/".parse::<Url>().unwrap().authority, "[::1]:8000");
        assert_eq!("http://[::1]/".parse::<Url>().unwrap().authority, "[::1]:80");
        for wrong in ["", "https://host/", "http:///x", "host:80", "http://a b/", "http://a\r\nb/"]
        {
            assert!(wrong.parse::<Url>().is_err(), "{wrong:?}");
        }
    }
}
