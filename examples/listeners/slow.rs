//! Listeners that do not take what they are given.

use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::{Outcome, Wish, ask};

/// What the system takes for a slow listener.
const BUFFER: u32 = 8 << 10;
/// After the end it is read on for so long, to see whether the server had closed.
const AFTER: Duration = Duration::from_secs(4);

/// Four kinds in turn: reads nothing, a byte a second, half of a stream of 128 kbit/s, or nothing
/// any more after 1 MB. Gives whether the server had closed.
pub async fn listen(wish: Wish, number: usize, end: Instant) -> bool {
    let Ok((mut stream, _)) = ask(&wish, Some(BUFFER)).await else { return true };
    let dawdle = dawdle(&mut stream, number % 4);
    if let Ok(done) = tokio::time::timeout_at(end.into(), dawdle).await {
        return done.is_err();
    }
    let mut piece = Vec::with_capacity(1 << 16);
    let rest = async {
        while stream.read_buf(&mut piece).await.is_ok_and(|n| n > 0) {
            piece.clear();
        }
    };
    tokio::time::timeout(AFTER, rest).await.is_ok()
}

async fn dawdle(stream: &mut TcpStream, kind: usize) -> Outcome<()> {
    let (bytes, mut left) = match kind {
        0 => (0, 0),
        1 => (1, usize::MAX),
        2 => (8_000, usize::MAX),
        _ => (20_000, 1_000_000),
    };
    let mut piece = vec![0; bytes];
    loop {
        if left >= bytes && bytes > 0 {
            stream.read_exact(&mut piece).await?;
            left -= bytes;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
