//! Sockets that never finish a request, and listeners that come meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Outcome, Wish, ask, connect};

/// How long the sockets are held if the server holds them.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two new listeners.
const PAUSE: Duration = Duration::from_millis(100);

pub async fn storm(wish: &Wish) -> Outcome<Value> {
    let open = Arc::new(AtomicUsize::new(wish.loris));
    let begun = Instant::now();
    let sockets: Vec<_> =
        (0..wish.loris).map(|n| tokio::spawn(hang(wish.clone(), n, open.clone()))).collect();
    let mut served: Vec<f64> = Vec::new();
    let mut refused = 0;
    while open.load(Ordering::SeqCst) > 0 && begun.elapsed() < PATIENCE {
        match first_sound(wish).await {
            Ok(time) => served.push(1e3 * time.as_secs_f64()),
            Err(_) => refused += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
    let mut ends: Vec<Option<f64>> = Vec::new();
    for socket in sockets {
        ends.push(socket.await?);
    }
    served.sort_by(f64::total_cmp);
    let closed: Vec<f64> = ends.iter().flatten().copied().collect();
    Ok(json!({
        "loris": wish.loris,
        "closed": closed.len(),
        "closed_after_s_most": closed.iter().copied().fold(0.0, f64::max),
        "new_listeners": served.len(),
        "refused": refused,
        "served_ms_p50": served.get(served.len() / 2),
        "served_ms_most": served.last(),
    }))
}

/// How long a new listener waits for its first sound.
async fn first_sound(wish: &Wish) -> Outcome<Duration> {
    let begun = Instant::now();
    let (mut stream, mut first) = ask(wish, None).await?;
    while first.is_empty() {
        if stream.read_buf(&mut first).await? == 0 {
            return Err("the server closed".into());
        }
    }
    Ok(begun.elapsed())
}

/// Three kinds in turn: says nothing, a byte every five seconds, or a head without end. Gives
/// after how many seconds the server closed.
async fn hang(wish: Wish, number: usize, open: Arc<AtomicUsize>) -> Option<f64> {
    let begun = Instant::now();
    let closed = match connect(&wish.host, None).await {
        Ok(stream) => tokio::time::timeout(PATIENCE, trickle(stream, number)).await.is_ok(),
        Err(_) => true,
    };
    open.fetch_sub(1, Ordering::SeqCst);
    closed.then(|| begun.elapsed().as_secs_f64())
}

async fn trickle(stream: TcpStream, number: usize) {
    let (mut read, mut write) = stream.into_split();
    let (first, more, pause) = match number % 3 {
        0 => ("", "", 60_000),
        1 => ("G", "E", 5_000),
        _ => ("GET / HTTP/1.1\r\n", "X-More: more\r\n", 500),
    };
    let talk = async {
        let mut text = first;
        while write.write_all(text.as_bytes()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            text = more;
        }
    };
    let listen = async {
        let mut answer = [0; 256];
        while read.read(&mut answer).await.is_ok_and(|n| n > 0) {}
    };
    tokio::select! {
        () = talk => {}
        () = listen => {}
    }
}
