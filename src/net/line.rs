//! A socket that two can hold: the talk of requests and answers, and what follows it.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::conn::Conn;

/// Pieces written by one call of the system at most.
const TOGETHER: usize = 16;

/// Pieces that are sent one after the other until there are no more.
pub type Flow = Pin<Box<dyn Stream<Item = Vec<Bytes>> + Send>>;

/// One holder's end of a socket. It closes when the last lets go.
pub struct Line(pub Arc<TcpStream>);

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(context))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(|bytes| buffer.advance(bytes))),
            }
        }
    }
}

impl Line {
    fn poll_some(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(context))?;
            match write(&self.0) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_some(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_some(context, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Sends a flow to its end, or until the other end is gone.
pub async fn follow(stream: &TcpStream, conn: &Conn, mut flow: Flow) {
    loop {
        // That there is nothing to send is not the other end's fault.
        conn.rest(true);
        let pieces = tokio::select! {
            pieces = flow.next() => pieces,
            () = gone(stream) => return,
        };
        conn.rest(false);
        let Some(pieces) = pieces else { return };
        if send(stream, conn, pieces).await.is_err() {
            return;
        }
    }
}

/// Ends when the other end has hung up. What it says meanwhile is of no interest.
async fn gone(stream: &TcpStream) {
    let mut said = [0; 256];
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut said) {
            Ok(0) => return,
            Err(error) if error.kind() != ErrorKind::WouldBlock => return,
            Ok(_) | Err(_) => {}
        }
    }
}

async fn send(stream: &TcpStream, conn: &Conn, mut pieces: Vec<Bytes>) -> io::Result<()> {
    let mut at = 0;
    while at < pieces.len() {
        let mut slices = [IoSlice::new(&[]); TOGETHER];
        let count = pieces.len().min(at + TOGETHER) - at;
        for (slice, piece) in slices.iter_mut().zip(&pieces[at..at + count]) {
            *slice = IoSlice::new(piece);
        }
        match stream.try_write_vectored(&slices[..count]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                conn.touch();
                at += pass(&mut pieces[at..], written);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes what was written off the pieces; gives how many of them are over.
fn pass(pieces: &mut [Bytes], mut written: usize) -> usize {
    let mut over = 0;
    for piece in pieces {
        let part = written.min(piece.len());
        piece.advance(part);
        written -= part;
        if !piece.is_empty() {
            break;
        }
        over += 1;
    }
    over
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::{Extension, Router};
    use futures_util::stream;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::watch;

    use super::*;
    use crate::net::{NetLimits, bind, serve};

    /// A server whose answers are `flow`, and a client that asked for one.
    async fn asked(flow: fn() -> Flow) -> (TcpStream, watch::Sender<bool>) {
        let (idle, stall) = (Duration::from_millis(300), Duration::from_millis(900));
        let limits = NetLimits { idle, stall, send_buffer: 4_096, ..NetLimits::default() };
        let listener = bind(([127, 0, 0, 1], 0).into(), &limits).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let answer = move |Extension(conn): Extension<Arc<Conn>>| async move {
            conn.follow_with(flow());
            let nothing = stream::empty::<io::Result<Bytes>>();
            let mut answer = axum::http::Response::new(Body::from_stream(nothing));
            *answer.version_mut() = axum::http::Version::HTTP_10;
            answer
        };
        let router = Router::new().route("/", axum::routing::get(answer));
        tokio::spawn(serve(listener, router, limits, stopped));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        (client, stop)
    }

    #[tokio::test]
    async fn the_flow_follows_the_head_whole_however_long_it_is_waited_for() {
        let flow = || -> Flow {
            Box::pin(stream::unfold(0u8, |n| async move {
                // Twice as long as anybody may stand still.
                let pause = if n == 1 { 1_800 } else { 0 };
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let pieces = (0..40).map(|_| Bytes::from(vec![n; 999])).collect();
                (n < 3).then_some((pieces, n + 1))
            }))
        };
        let (mut client, _stop) = asked(flow).await;
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        let end = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
        assert!(head.starts_with("http/1.0 200") && !head.contains("content-length"), "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
        let expected: Vec<u8> = (0..3).flat_map(|n| vec![n; 40 * 999]).collect();
        assert!(all[end..] == expected);
    }

    #[tokio::test]
    async fn whoever_hangs_up_is_missed_at_once() {
        static LEFT: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        struct Leaving;
        impl Drop for Leaving {
            fn drop(&mut self) {
                LEFT.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let flow = || -> Flow {
            Box::pin(stream::unfold(Leaving, |leaving| async move {
                // Nothing is ever sent: no write can tell that nobody is there.
                std::future::pending::<()>().await;
                Some((Vec::new(), leaving))
            }))
        };
        let (mut client, _stop) = asked(flow).await;
        let mut head = [0; 16];
        client.read_exact(&mut head).await.unwrap();
        drop(client);
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if LEFT.load(std::sync::atomic::Ordering::SeqCst) {
                return;
            }
        }
        panic!("it is still waited for");
    }

    #[tokio::test]
    async fn whoever_does_not_take_the_flow_is_closed() {
        let flow = || -> Flow {
            let piece = Bytes::from_static(&[7; 1 << 16]);
            Box::pin(stream::repeat_with(move || vec![piece.clone(); 4]))
        };
        let (mut client, _stop) = asked(flow).await;
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let rest = async {
            let mut piece = vec![0; 1 << 16];
            while client.read(&mut piece).await.is_ok_and(|n| n > 0) {}
        };
        tokio::time::timeout(Duration::from_secs(20), rest).await.expect("it goes on");
    }

    #[test]
    fn what_was_written_is_not_written_again() {
        let whole = || [&b"abc"[..], b"", b"defg", b"h"].map(Bytes::from_static);
        for written in 0..=8 {
            let mut pieces = whole();
            let over = pass(&mut pieces, written);
            assert_eq!(pieces[over..].concat(), &b"abcdefgh"[written..], "{written}");
            assert!(pieces.get(over).is_none_or(|next| !next.is_empty()));
        }
    }
}
