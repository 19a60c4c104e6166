//! Requests of all kinds, and the one answer each has.

use std::io::{Read as _, Write as _};

use evermix::stream::{StationOptions, Wish};

use crate::air::{OnAir, Setting};
use crate::client::{Listening, connect, get, request, send};

fn with_token() -> OnAir {
    let mut setting = Setting::default();
    setting.options = StationOptions { token: Some("open sesame".into()), ..setting.options };
    setting.live()
}

/// A request line with a Host and nothing more.
fn plain(line: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").into_bytes()
}

fn with(line: &str, more: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n{more}\r\n").into_bytes()
}

#[test]
fn every_odd_request_has_its_one_answer() {
    let on_air = Setting::default().live();
    let long = format!("GET /{}", "x".repeat(9 << 10));
    let chunks = "Transfer-Encoding: chunked\r\n\r\nzz\r\nno chunk at all\r\n";
    let many: String = (0..150).map(|n| format!("X-{n}: y\r\n")).collect();
    let big = format!("X-Big: {}\r\n", "y".repeat(9 << 10));
    let body = format!("Content-Length: 9000\r\n\r\n{}", "z".repeat(9_000));
    let rows: &[(Vec<u8>, u16)] = &[
        (plain("GET /"), 200),
        (plain("GET //"), 404),
        (plain("GET /all.mp3/"), 404),
        (plain("GET //all.mp3"), 404),
        (plain("GET /..%2f..%2fetc%2fpasswd"), 404),
        (plain("GET /../../etc/passwd"), 404),
        (plain("GET /static/..%2fpage.js"), 404),
        (plain("GET /static/../page.js"), 404),
        (plain("GET /static/page.js%00"), 404),
        (plain("GET /static/%ff%fe"), 400),
        (plain("GET /artwork/%2e%2e%2f"), 404),
        (plain("GET /ALL.MP3"), 404),
        (plain("GET /all.json?now=1&now=2"), 400),
        (plain("GET /all.json?%ff"), 200),
        (plain(&long), 431),
        (with("GET /", &many), 431),
        (with("GET /", &big), 431),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), 400),
        (b"GET /timing.json HTTP/1.0\r\n\r\n".to_vec(), 200),
        (
            b"GET http://here/timing.json HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
                .to_vec(),
            200,
        ),
        (b"GET / HTTP/3.0\r\nHost: here\r\n\r\n".to_vec(), 400),
        (b"GET /\r\n\r\n".to_vec(), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), 400),
        (with("GET /", "X-Nul: a\0b\r\n"), 400),
        (with("GET /", "no colon here\r\n"), 400),
        (plain("BREW /"), 405),
        (plain("get /"), 405),
        (plain("DELETE /all.mp3"), 405),
        (plain("PUT /all.mp3"), 405),
        (plain("SOURCE /all.mp3"), 405),
        (plain("TRACE /"), 405),
        (plain("OPTIONS /"), 405),
        (plain("GET /control/skip"), 405),
        (plain("POST /all.json"), 405),
        (plain("GET /info.websocket"), 400),
        (plain("GET /monitor.websocket"), 400),
        (with("POST /control/skip", chunks), 403),
        (with("POST /control/inject", chunks), 400),
        (with("POST /control/inject", &body), 413),
        (with("POST /control/skip", "Content-Length: many\r\n"), 400),
        (plain("GET /nothing?x=<script>alert(1)</script>"), 400),
        (plain("GET /nothing?x=%3Cscript%3Ealert(1)"), 404),
    ];
    let mut wrong = Vec::new();
    for (sent, status) in rows {
        let line = String::from_utf8_lossy(&sent[..sent.len().min(80)]).into_owned();
        let answer = send(on_air.address, sent).unwrap_or_else(|| panic!("no answer to {line:?}"));
        if answer.status != *status {
            wrong.push((line.clone(), answer.status, *status));
        }
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!said.contains("<script>alert") && !said.contains("root:"), "{line:?}: {said}");
    }
    assert_eq!(wrong, [], "what was sent, its answer, and the one it should have had");
    assert_eq!(get(on_air.address, "/healthz").status, 200);
    assert!(on_air.end().0.is_ok());
}

#[test]
fn every_answer_keeps_browsers_from_running_what_is_not_ours() {
    let on_air = Setting::default().live();
    for path in ["/", "/monitor", "/all.json", "/static/page.js", "/nothing", "/metrics"] {
        let answer = get(on_air.address, path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert!(answer.header("cache-control").is_some(), "{path}");
        assert_eq!(answer.header("server"), None, "{path}");
    }
}

#[test]
fn players_of_all_ages_are_given_sound() {
    let on_air = Setting { formats: &["mp3", "opus"], ..Setting::default() }.live();
    for more in ["", "Range: bytes=0-\r\n", "Range: bytes=100-\r\n", "Icy-MetaData: 0\r\n"] {
        let mut listening = Listening::tune(on_air.address, "/all.mp3", more);
        let head = listening.head.clone();
        assert!(head.starts_with("HTTP/1.0 200 OK"), "{more:?}: {head}");
        let one = |name| crate::client::header(&head, name).map(str::to_string);
        assert_eq!(one("content-type").as_deref(), Some("audio/mpeg"));
        assert_eq!(one("icy-br").as_deref(), Some("128"));
        assert_eq!(one("icy-name").as_deref(), Some("Evermix"));
        assert_eq!(one("accept-ranges").as_deref(), Some("none"));
        assert_eq!((one("icy-metaint"), one("content-length")), (None, None), "{head}");
        let bytes = listening.bytes(20_000);
        assert_eq!((bytes[0], bytes[1] & 0xe0), (0xff, 0xe0), "no frame at the beginning");
    }
    let titled = Listening::tune(on_air.address, "/all.mp3", "Icy-MetaData: 1\r\n").head;
    assert!(titled.contains("icy-metaint: 8192"), "{titled}");
    let opus = Listening::tune(on_air.address, "/all.opus", "Icy-MetaData: 1\r\n").head;
    assert!(opus.contains("audio/ogg") && opus.contains("icy-metaint: 8192"), "{opus}");
    let opus = Listening::tune(on_air.address, "/all.opus", "").head;
    assert!(!opus.contains("metaint"), "unasked: {opus}");
    for path in ["/all.mp3", "/all.opus", "/", "/all.json", "/all.m3u", "/events"] {
        let answer = request(on_air.address, "HEAD", path, "", "");
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
    }
    // Who only looks is no listener.
    on_air.wait("all to be gone", || on_air.station.listeners().is_empty());
}

#[test]
fn requests_sent_together_are_answered_in_their_order() {
    let on_air = Setting::default().live();
    let mut stream = connect(on_air.address);
    let one = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n");
    let all = one("/timing.json") + &one("/nothing") + &one("/all.m3u");
    let last = "GET /station.json HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
    stream.write_all((all + last).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what} in {text}"));
    assert_eq!(text.matches("HTTP/1.1 ").count(), 4, "{text}");
    assert!(at("\"time\"") < at("404") && at("404") < at("#EXTM3U"), "{text}");
    assert!(at("#EXTM3U") < at("\"tagline\""), "{text}");
}

#[test]
fn what_follows_a_request_for_sound_is_never_answered() {
    let on_air = Setting::default().fast();
    let more = "Connection: keep-alive\r\n\r\nGET /timing.json HTTP/1.0\r\n";
    let mut listening = Listening::tune(on_air.address, "/all.mp3", more);
    let bytes = listening.bytes(60_000);
    assert!(!bytes.windows(5).any(|w| w == b"HTTP/"), "an answer in the middle of the sound");
}

#[test]
fn nobody_controls_a_station_without_its_token() {
    let (closed, open) = (Setting::default().live(), with_token());
    let post = |on_air: &OnAir, path: &str, token: &str, body: &str| {
        let shown = match token {
            "" => String::new(),
            token => format!("Authorization: {token}\r\n"),
        };
        request(on_air.address, "POST", &format!("/control/{path}"), &shown, body).status
    };
    for path in ["skip", "inject", "ban", "transition-bars", "reload"] {
        assert_eq!(post(&closed, path, "", "4"), 403, "{path}");
        assert_eq!(post(&closed, path, "Bearer ", "4"), 403, "{path}");
        for wrong in ["", "Bearer ", "Bearer x", "open sesame", "Basic open sesame", "bearer"] {
            assert_eq!(post(&open, path, wrong, "4"), 401, "{path} {wrong:?}");
        }
        assert_eq!(post(&open, path, "Bearer open sesame", "4"), 202, "{path}");
    }
    for (path, body) in [("inject", ""), ("inject", "\n"), ("transition-bars", "0")] {
        assert_eq!(post(&open, path, "Bearer open sesame", body), 400, "{path} {body:?}");
    }
    assert_eq!(post(&open, "transition-bars", "Bearer open sesame", "auto"), 202);
    assert_eq!(post(&open, "ban", "Bearer open sesame", ""), 202);
    let playing = open.station.board().song(open.station.now()).unwrap().id.clone();
    open.wait("the wishes", || open.knobs.wishes.lock().unwrap().len() == 7);
    let due = [
        Wish::Skip,
        Wish::Inject("4".into()),
        Wish::Ban(Some("4".into())),
        Wish::TransitionBars(Some(4)),
        Wish::Reload,
        Wish::TransitionBars(None),
        // The song that is heard, not one that is made ahead.
        Wish::Ban(Some(playing)),
    ];
    assert_eq!(*open.knobs.wishes.lock().unwrap(), due);
    assert!(closed.knobs.wishes.lock().unwrap().is_empty());
}

#[test]
fn too_many_listeners_are_told_to_come_back() {
    let mut setting = Setting::default();
    (setting.options.listeners, setting.options.per_address) = (8, 3);
    let on_air = setting.live();
    let mut here: Vec<Listening> =
        (0..3).map(|_| Listening::tune(on_air.address, "/all.mp3", "")).collect();
    let answer = get(on_air.address, "/all.mp3");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("10")));
    drop(here.pop());
    on_air.wait("one to be gone", || on_air.station.listeners().len() == 2);
    let mut again = Listening::tune(on_air.address, "/all.mp3", "");
    assert!(!again.bytes(10_000).is_empty());
}
