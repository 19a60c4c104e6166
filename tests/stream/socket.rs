//! A WebSocket, from its other end.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::client::connect;

/// A WebSocket that only listens.
pub struct Socket {
    pub stream: TcpStream,
}

impl Socket {
    /// Opens it, for a page of `origin` or for no page; the status where it is refused.
    pub fn open(address: SocketAddr, path: &str, origin: Option<&str>) -> Result<Socket, u16> {
        let mut stream = connect(address);
        let origin = origin.map_or(String::new(), |origin| format!("Origin: {origin}\r\n"));
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n{origin}\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let answer = String::from_utf8(answer).unwrap();
        let status: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
        // The answer to that key, from the standard.
        assert!(status != 101 || answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
        if status == 101 { Ok(Socket { stream }) } else { Err(status) }
    }

    /// The next message that says something.
    pub fn text(&mut self) -> String {
        loop {
            let mut head = [0; 2];
            self.stream.read_exact(&mut head).unwrap();
            let length = match head[1] {
                126 => u64::from(u16::from_be_bytes(self.exactly())),
                127 => u64::from_be_bytes(self.exactly()),
                short => u64::from(short),
            };
            let mut body = vec![0; length as usize];
            self.stream.read_exact(&mut body).unwrap();
            match head[0] {
                0x81 => return String::from_utf8(body).unwrap(),
                0x89 => {}
                other => panic!("a frame of kind {other:x}: {body:?}"),
            }
        }
    }

    pub fn json(&mut self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    fn exactly<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }
}
