//! A client that sends what it is told to, and reads what comes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::air::HANGS;

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Answer> {
        let at = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, head, body: bytes[at + 4..].to_vec() })
    }

    /// A header, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// A header of a head, if it is there.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(HANGS)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends bytes and reads until the other end closes; nothing where it never says a word.
pub fn send(address: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut stream = connect(address);
    // The other end may have heard enough before all is said.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    Answer::parse(&bytes)
}

/// A request that ends with its answer; `more` are lines of its head.
pub fn request(address: SocketAddr, method: &str, path: &str, more: &str, body: &str) -> Answer {
    let length = match body.is_empty() {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{more}{length}\r\n"
    );
    send(address, [head.as_bytes(), body.as_bytes()].concat().as_slice())
        .unwrap_or_else(|| panic!("no answer to {method} {path}"))
}

pub fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, "GET", path, "", "")
}

pub fn json(address: SocketAddr, path: &str) -> Value {
    let answer = get(address, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.head);
    answer.json()
}

/// The value of a metric.
pub fn metric(address: SocketAddr, name: &str) -> f64 {
    let text = get(address, "/metrics").text();
    let line = text.lines().find(|l| l.split([' ', '{']).next() == Some(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// One who listens.
pub struct Listening {
    pub stream: TcpStream,
    pub head: String,
    early: Vec<u8>,
}

impl Listening {
    /// Tunes in; `more` are lines of the head.
    pub fn tune(address: SocketAddr, path: &str, more: &str) -> Listening {
        let mut stream = connect(address);
        let head = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n{more}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let (mut bytes, mut some) = (Vec::new(), [0; 4_096]);
        loop {
            let count = stream.read(&mut some).unwrap();
            assert!(count > 0, "closed: {}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&some[..count]);
            if let Some(Answer { head, body, status }) = Answer::parse(&bytes) {
                assert_eq!(status, 200, "{head}");
                return Listening { stream, head, early: body };
            }
        }
    }

    /// Reads what is there, waiting for at least a byte of it; nothing at the end.
    pub fn some(&mut self) -> Vec<u8> {
        if !self.early.is_empty() {
            return std::mem::take(&mut self.early);
        }
        let mut some = vec![0; 16_384];
        let count = self.stream.read(&mut some).unwrap_or(0);
        some.truncate(count);
        some
    }

    /// Reads so many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < count {
            let some = self.some();
            assert!(!some.is_empty(), "ended after {} of {count} bytes", bytes.len());
            bytes.extend(some);
        }
        self.early = bytes.split_off(count);
        bytes
    }

    /// Reads until something in it is found, and gives all up to there and beyond.
    pub fn until(&mut self, found: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let (mut bytes, since) = (Vec::new(), Instant::now());
        while !found(&bytes) {
            let some = self.some();
            assert!(!some.is_empty() && since.elapsed() < HANGS, "never found");
            bytes.extend(some);
        }
        bytes
    }

    /// Whether the other end closes within some time; what comes before is thrown away.
    pub fn closes(&mut self, within: Duration) -> bool {
        closes(&mut self.stream, within)
    }
}

/// Whether the other end closes within some time.
pub fn closes(stream: &mut TcpStream, within: Duration) -> bool {
    let since = Instant::now();
    let mut some = [0; 16_384];
    while let Some(left) = within.checked_sub(since.elapsed()) {
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1)))).unwrap();
        match stream.read(&mut some) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return false,
            Err(_) => return true,
        }
    }
    false
}

/// Goes without a word.
pub fn hang_up(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Both);
}
