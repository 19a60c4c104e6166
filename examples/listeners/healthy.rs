//! A listener that takes all it is given.

use std::time::Instant;

use tokio::io::AsyncReadExt as _;

use super::frames::Frames;
use super::{Outcome, Wish, ask};

/// What a listener heard.
#[derive(Default)]
pub struct Heard {
    pub frames: Frames,
    pub bytes: u64,
    /// When it was connected, in 0.1 ms.
    pub joined: u32,
    /// How it ended, if not by itself.
    pub failed: Option<String>,
}

/// Time in units of 0.1 ms.
pub fn stamp(wish: &Wish) -> u32 {
    (wish.begun.elapsed().as_micros() / 100) as u32
}

pub async fn listen(wish: Wish, end: Instant) -> Heard {
    let mut heard = Heard { joined: stamp(&wish), ..Heard::default() };
    let all = take(&wish, &mut heard);
    // The end of the time is the end that is meant.
    if let Ok(Err(error)) = tokio::time::timeout_at(end.into(), all).await {
        heard.failed = Some(error.to_string());
    }
    heard
}

async fn take(wish: &Wish, heard: &mut Heard) -> Outcome<()> {
    let (mut stream, first) = ask(wish, None).await?;
    heard.bytes += first.len() as u64;
    heard.frames.push(&first, stamp(wish));
    let mut piece = Vec::with_capacity(1 << 14);
    loop {
        piece.clear();
        if stream.read_buf(&mut piece).await? == 0 {
            return Err("the server closed".into());
        }
        heard.bytes += piece.len() as u64;
        heard.frames.push(&piece, stamp(wish));
    }
}
