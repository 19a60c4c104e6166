//! Many listeners, slow ones, and those who only mean to be in the way.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::air::{OnAir, Setting};
use crate::client::{Listening, closes, connect, get, hang_up, metric};
use crate::heard::{BYTES, assert_part};
use crate::socket::Socket;

/// Everything that `count` listeners hear until something is over; the first one was there first.
fn hear(on_air: &OnAir, count: usize, over: &AtomicBool, work: impl FnOnce()) -> Vec<Vec<u8>> {
    std::thread::scope(|scope| {
        let first = Listening::tune(on_air.address, "/all.mp3", "");
        let more = (1..count).map(|_| Listening::tune(on_air.address, "/all.mp3", ""));
        let all: Vec<Listening> = std::iter::once(first).chain(more).collect();
        let read = |mut listening: Listening| {
            let mut bytes = Vec::new();
            while !over.load(Ordering::SeqCst) {
                let some = listening.some();
                assert!(!some.is_empty(), "dropped after {} bytes", bytes.len());
                bytes.extend(some);
            }
            bytes
        };
        let readers: Vec<_> = all.into_iter().map(|l| scope.spawn(move || read(l))).collect();
        work();
        over.store(true, Ordering::SeqCst);
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    })
}

#[test]
fn fifty_listeners_hear_the_same_bytes_from_where_they_came_in() {
    let on_air = Setting { length: 20.0, ..Setting::default() }.fast();
    let over = AtomicBool::new(false);
    let heard = hear(&on_air, 50, &over, || {
        let until = on_air.station.now().0 + 25.0;
        on_air.wait("twenty-five seconds", || on_air.station.now().0 > until);
        assert_eq!(metric(on_air.address, "evermix_listeners"), 50.0);
    });
    for bytes in &heard[1..] {
        assert_part(bytes, &heard[0], (18.0 * BYTES) as usize);
    }
    on_air.wait("all to be gone", || on_air.station.listeners().is_empty());
    assert_eq!(metric(on_air.address, "evermix_listeners_total"), 50.0);
    assert_eq!(metric(on_air.address, "evermix_listeners_dropped_total"), 0.0);
}

/// A listener for whom the system keeps next to nothing.
fn narrow(address: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        socket.connect(address).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(true).unwrap();
    let mut writing = &stream;
    writing.write_all(b"GET /all.mp3 HTTP/1.0\r\n\r\n").unwrap();
    stream
}

/// Reads nothing, a byte now and then, at half the speed, or nothing after 100 kB, until told to
/// stop.
fn read_slowly(on_air: &OnAir, mut streams: Vec<TcpStream>, over: &AtomicBool) {
    let begun = on_air.station.now().0;
    let mut read = vec![0usize; streams.len()];
    while !over.load(Ordering::SeqCst) {
        let passed = on_air.station.now().0 - begun;
        for (i, stream) in streams.iter_mut().enumerate() {
            let most = match i % 4 {
                0 => 0,
                1 => read[i] + 1,
                2 => (0.5 * passed * BYTES) as usize,
                _ => 100_000,
            };
            let mut some = vec![0; most.saturating_sub(read[i]).min(64 << 10)];
            read[i] += stream.read(&mut some).unwrap_or(0);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn slow_readers_are_dropped_and_nobody_else_notices() {
    let mut setting = Setting { length: 20.0, ..Setting::default() };
    setting.workshop.keep = 160 << 10;
    (setting.limits.stall, setting.limits.send_buffer) = (Duration::from_millis(1_500), 8 << 10);
    let on_air = setting.fast();
    let (over, gone) = (AtomicBool::new(false), AtomicBool::new(false));
    let heard = hear(&on_air, 30, &over, || {
        let slow: Vec<TcpStream> = (0..60).map(|_| narrow(on_air.address)).collect();
        on_air.wait("all of them", || on_air.station.listeners().len() == 90);
        std::thread::scope(|scope| {
            scope.spawn(|| read_slowly(&on_air, slow, &gone));
            on_air.wait("the slow ones to be dropped", || on_air.station.listeners().len() <= 30);
            gone.store(true, Ordering::SeqCst);
        });
        assert_eq!(on_air.station.listeners().len(), 30, "nobody else was dropped");
        let until = on_air.station.now().0 + 5.0;
        on_air.wait("five seconds more", || on_air.station.now().0 > until);
    });
    for bytes in &heard[1..] {
        assert_part(bytes, &heard[0], (8.0 * BYTES) as usize);
    }
    let dropped = metric(on_air.address, "evermix_listeners_dropped_total");
    assert!(dropped >= 15.0, "{dropped}: at least those at half the speed fell behind");
    assert_eq!(metric(on_air.address, "evermix_underruns_total"), 0.0);
}

#[test]
fn sockets_that_say_nothing_of_use_are_closed_while_others_are_served() {
    let mut setting = Setting::default();
    setting.limits.idle = Duration::from_secs(1);
    let patience = setting.limits.idle + Duration::from_secs(2);
    let on_air = setting.live();
    let begun = Instant::now();
    let mut sockets: Vec<TcpStream> = (0..100).map(|_| connect(on_air.address)).collect();
    let beginnings = ["", "G", "GET / HTTP/1.1\r\nHost: here\r\nX-A: "];
    for (i, socket) in sockets.iter_mut().enumerate() {
        socket.write_all(beginnings[i % 3].as_bytes()).unwrap();
    }
    let mut soonest = Duration::MAX;
    for _ in 0..8 {
        for (i, socket) in sockets.iter_mut().enumerate().filter(|(i, _)| i % 3 > 0) {
            let _ = socket.write_all(if i % 3 == 1 { b"E" } else { b"a: b\r\nX-" });
        }
        let since = Instant::now();
        Listening::tune(on_air.address, "/all.mp3", "").bytes(1_000);
        soonest = soonest.min(since.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(soonest < Duration::from_millis(200), "a new listener waited {soonest:?}");
    for (i, socket) in sockets.iter_mut().enumerate() {
        let left = (begun + patience).saturating_duration_since(Instant::now());
        assert!(closes(socket, left.max(Duration::from_millis(5))), "socket {i} is still open");
    }
}

#[test]
fn a_connection_between_two_requests_may_rest_only_so_long() {
    let mut setting = Setting::default();
    setting.limits.idle = Duration::from_secs(1);
    let on_air = setting.live();
    let mut stream = connect(on_air.address);
    stream.write_all(b"GET /timing.json HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    assert!(closes(&mut stream, Duration::from_secs(4)));
    // One that is told nothing new but listens on is not at rest.
    let mut socket = Socket::open(on_air.address, "/monitor.websocket", None).unwrap();
    let mut listening = Listening::tune(on_air.address, "/all.mp3", "");
    assert!(!listening.closes(Duration::from_secs(3)));
    assert!((0..8).all(|_| socket.json().is_object()));
}

#[test]
fn connections_are_counted_whatever_they_became() {
    let mut setting = Setting::default();
    setting.limits.per_address = 6;
    let on_air = setting.live();
    let turned_away = || {
        let mut stream = connect(on_air.address);
        let _ = stream.write_all(b"GET /timing.json HTTP/1.0\r\n\r\n");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).is_err() || bytes.is_empty()
    };
    let open = |path| Socket::open(on_air.address, path, None).unwrap();
    let mut sockets = vec![open("/info.websocket"), open("/monitor.websocket")];
    let events = Listening::tune(on_air.address, "/events", "");
    let listening = Listening::tune(on_air.address, "/all.mp3", "");
    sockets.extend([open("/info.websocket"), open("/monitor.websocket")]);
    assert!(turned_away(), "a seventh connection was taken");
    for socket in &sockets {
        hang_up(&socket.stream);
    }
    on_air.wait("places to be free again", || !turned_away());
    drop((events, listening));
    on_air.wait("the listener to be gone", || on_air.station.listeners().is_empty());
    assert_eq!(get(on_air.address, "/timing.json").status, 200);
}

#[test]
fn whoever_says_more_than_it_asked_and_hangs_up_is_let_go_at_once() {
    let on_air = Setting::default().live();
    for path in ["/events", "/all.mp3"] {
        let mut listening = Listening::tune(on_air.address, path, "");
        listening.stream.write_all(b"GET /events HTTP/1.1\r\nHost: here\r\n\r\nand more").unwrap();
        listening.stream.shutdown(Shutdown::Write).unwrap();
        assert!(listening.closes(Duration::from_secs(3)), "{path} goes on");
        let mut stream = connect(on_air.address);
        let asked = format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\nand more");
        stream.write_all(asked.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(closes(&mut stream, Duration::from_secs(3)), "{path} goes on");
    }
    on_air.wait("all to be gone", || on_air.station.listeners().is_empty());
}

#[test]
fn a_station_that_ends_lets_everybody_go_in_time() {
    let on_air = Setting::default().live();
    let mut listening = Listening::tune(on_air.address, "/all.mp3", "");
    let mut events = Listening::tune(on_air.address, "/events", "");
    let mut socket = Socket::open(on_air.address, "/info.websocket", None).unwrap();
    let silent = connect(on_air.address);
    listening.bytes(20_000);
    let (ended, took) = on_air.end();
    assert!(ended.is_ok());
    assert!(took < Duration::from_secs(5), "{took:?}");
    for stream in [&mut listening.stream, &mut events.stream, &mut socket.stream] {
        assert!(closes(stream, Duration::from_secs(1)));
    }
    drop(silent);
}
