//! Many listeners of one MP3 stream at once, each of which checks what it gets. Works with every
//! server of such streams, so that servers can be compared.
//!
//! ```sh
//! cargo run --release --example listeners -- http://127.0.0.1:8192/all.mp3 \
//!     --listeners 1000 --seconds 300 --slow 200
//! cargo run --release --example listeners -- http://127.0.0.1:8192/all.mp3 --loris 500
//! ```
//!
//! Prints one line of JSON. With `--loris`: sockets that never finish a request, and new listeners
//! meanwhile.

mod frame;
mod frames;
mod healthy;
mod loris;
mod slow;
mod verdict;

use std::error::Error;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// What came of it.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// `HOST:PORT`
    pub host: String,
    /// Path of the stream.
    pub path: String,
    /// Those that take all they are given.
    pub listeners: usize,
    /// Those that do not.
    pub slow: usize,
    /// Sockets that never finish a request.
    pub loris: usize,
    /// How long it is listened once all are there.
    pub seconds: Duration,
    /// Time over which listeners arrive.
    pub ramp: Duration,
    /// When it began: all times are told from here.
    pub begun: Instant,
}

fn wish() -> Outcome<Wish> {
    let mut words = std::env::args().skip(1);
    let usage = "usage: listeners http://HOST:PORT/PATH [--listeners N] [--seconds S] [--slow N] \
                 [--ramp S] [--loris N]";
    let url = words.next().ok_or(usage)?;
    let rest = url.strip_prefix("http://").ok_or(usage)?;
    let (host, path) = rest.split_once('/').ok_or(usage)?;
    let mut wish = Wish {
        host: host.to_string(),
        path: format!("/{path}"),
        listeners: 1_000,
        slow: 0,
        loris: 0,
        seconds: Duration::from_secs(60),
        ramp: Duration::from_secs(10),
        begun: Instant::now(),
    };
    while let Some(flag) = words.next() {
        let value: f64 = words.next().ok_or(usage)?.parse()?;
        match flag.as_str() {
            "--listeners" => wish.listeners = value as usize,
            "--slow" => wish.slow = value as usize,
            "--loris" => wish.loris = value as usize,
            "--seconds" => wish.seconds = Duration::from_secs_f64(value),
            "--ramp" => wish.ramp = Duration::from_secs_f64(value),
            _ => return Err(usage.into()),
        }
    }
    Ok(wish)
}

/// Connects; `buffer` bounds what the system takes for us before we read it.
pub async fn connect(host: &str, buffer: Option<u32>) -> Outcome<TcpStream> {
    let address = tokio::net::lookup_host(host).await?.next().ok_or("no such host")?;
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(bytes) = buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    Ok(socket.connect(address).await?)
}

/// Connects, asks for the stream, and reads to the end of the head: gives what came after it.
pub async fn ask(wish: &Wish, buffer: Option<u32>) -> Outcome<(TcpStream, Vec<u8>)> {
    let mut stream = connect(&wish.host, buffer).await?;
    let (path, host) = (&wish.path, &wish.host);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: load\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    loop {
        if let Some(end) = head.windows(4).position(|w| w == b"\r\n\r\n") {
            let status = head.split(|b| *b == b' ').nth(1).unwrap_or_default();
            if status != b"200" {
                return Err(format!("status {}", String::from_utf8_lossy(status)).into());
            }
            return Ok((stream, head.split_off(end + 4)));
        }
        if head.len() > 1 << 14 || stream.read_buf(&mut head).await? == 0 {
            return Err("no head".into());
        }
    }
}

fn main() -> Outcome<()> {
    let wish = wish()?;
    let wanted = wish.listeners + wish.slow + wish.loris + 64;
    if evermix::net::raise_descriptors(wanted) < wanted {
        return Err("this user may not open so many sockets: see ulimit -n".into());
    }
    // One thread: the server needs the others.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let told = runtime.block_on(async {
        match wish.loris {
            0 => crowd(&wish).await,
            _ => loris::storm(&wish).await,
        }
    })?;
    println!("{told}");
    Ok(())
}

async fn crowd(wish: &Wish) -> Outcome<serde_json::Value> {
    let end = wish.begun + wish.ramp + wish.seconds;
    let mut healthy = Vec::new();
    let mut slow = Vec::new();
    for number in 0..wish.listeners.max(wish.slow) {
        if number < wish.listeners {
            healthy.push(tokio::spawn(healthy::listen(wish.clone(), end)));
        }
        if number < wish.slow {
            slow.push(tokio::spawn(slow::listen(wish.clone(), number, end)));
        }
        let share = (number + 1) as f64 / wish.listeners.max(wish.slow) as f64;
        tokio::time::sleep_until((wish.begun + wish.ramp.mul_f64(share)).into()).await;
    }
    let mut heard = Vec::new();
    for listener in healthy {
        heard.push(listener.await?);
    }
    let mut ends = Vec::new();
    for listener in slow {
        ends.push(listener.await?);
    }
    let mut told = verdict::judge(wish, &heard);
    told["slow"] = wish.slow.into();
    told["slow_closed"] = ends.iter().filter(|closed| **closed).count().into();
    Ok(told)
}
