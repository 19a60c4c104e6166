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
        let pieces = flow.next().await;
        conn.rest(false);
        let Some(pieces) = pieces else { return };
        if send(stream, conn, pieces).await.is_err() {
            return;
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
    use super::*;

    #[test]
    fn what_was_written_is_not_written_again() {
        let whole = || ["abc", "", "defg", "h"].map(Bytes::from_static);
        for written in 0..=8 {
            let mut pieces = whole();
            let over = pass(&mut pieces, written);
            assert_eq!(pieces[over..].concat(), &b"abcdefgh"[written..], "{written}");
            assert!(pieces.get(over).is_none_or(|next| !next.is_empty()));
        }
    }
}
