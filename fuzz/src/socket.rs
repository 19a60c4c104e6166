//! Bytes over real sockets, for what is read from them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(8);
/// Most bytes read of an answer.
const MOST: u64 = 1 << 20;

/// Says `bytes` to a server, hangs up, and gives what it answered.
pub fn ask(server: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).expect("the server takes connections");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time that is no zero");
    // The server need not take all of it.
    let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    match stream.take(MOST).read_to_end(&mut answer) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            panic!("the connection is still open though the other end hung up")
        }
        _ => answer,
    }
}

/// Starts a server that reads the head of one request a connection and answers what lies in
/// `answer` then, whatever was asked.
pub fn serve_answers(answer: Arc<Mutex<Vec<u8>>>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut said, mut some) = (Vec::new(), [0; 1_024]);
            while !said.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut some) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => said.extend_from_slice(&some[..count]),
                }
            }
            let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // Whoever asked may have heard enough.
            let _ = stream.write_all(&answer);
        }
    });
    address
}
