//! `remix models`, against a server that misbehaves in every way a download meets.

#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use common::{Desk, Ran};

/// A small network that nobody trained.
const SMALL: &[u8] = include_bytes!("htdemucs/small.safetensors");
const SHA256: &str = "335490fee8ba194ec5c3c1fe9585834a4a89618b3274ffa169f88bc0c586c452";
/// Where its weights come to lie.
const WEIGHTS: &str = "data/evermix/models/htdemucs.safetensors";

/// A server of one file, which remembers what it was asked for.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &heard);
            }
        });
        Server { address, asked }
    }

    /// What was asked for since the last call: path and range.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn answer(mut stream: TcpStream, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap()?;
    let path = first.split(' ').nth(1).unwrap().to_string();
    let mut from = 0;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap();
        }
    }
    heard.lock().unwrap().push(format!("{path} {from}"));
    let all = SMALL.len();
    let head = |status: &str, more: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n")
    };
    let rest = &SMALL[from.min(all)..];
    let range = format!("content-range: bytes {from}-{}/{all}\r\n", all - 1);
    let partial =
        || head(if from > 0 { "206 Partial Content" } else { "200 OK" }, &range, rest.len());
    let (head, body) = match path.as_str() {
        "/whole" if from > all => (head("416 Range Not Satisfiable", "", 0), Vec::new()),
        "/whole" => (partial(), rest.to_vec()),
        // Breaks off after a third of what is left.
        "/broken" => (partial(), rest[..rest.len() / 3].to_vec()),
        "/deaf" => (head("200 OK", "", all), SMALL.to_vec()),
        "/wrong" => (head("200 OK", "", all), vec![b'x'; all]),
        "/endless" => (head("200 OK", "", 10 * all), vec![b'x'; 10 * all]),
        "/moved" => (head("302 Found", "location: /whole\r\n", 0), Vec::new()),
        "/loop" => (head("302 Found", "location: /loop\r\n", 0), Vec::new()),
        _ => (head("404 Not Found", "", 0), Vec::new()),
    };
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

/// A desk whose registry knows one network, at an address.
fn desk(url: &str) -> Desk {
    let desk = Desk::with_songs(1);
    write_registry(&desk, url);
    desk
}

fn write_registry(desk: &Desk, url: &str) {
    let text = format!(
        "schema = 1\nnotice = \"Mind the licence.\"\n[[model]]\nname = \"htdemucs\"\n\
         what = \"a test\"\nfile = \"htdemucs.safetensors\"\nbytes = {}\nsha256 = \"{SHA256}\"\n\
         licence = \"none\"\nurl = \"{url}\"\n[[model]]\nname = \"compact\"\nwhat = \"ours\"\n\
         licence = \"ours\"\n",
        SMALL.len()
    );
    std::fs::write(desk.path("registry.toml"), text).unwrap();
}

fn models(desk: &Desk, words: &[&str]) -> Ran {
    let mut command = desk.command(&[&["models"], words].concat());
    command.env("EVERMIX_REGISTRY", "registry.toml");
    for proxy in
        ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    {
        command.env_remove(proxy);
    }
    Ran(command.output().unwrap())
}

fn part(desk: &Desk) -> Option<usize> {
    let part = std::fs::metadata(desk.path(&format!("{WEIGHTS}.part"))).ok()?;
    Some(part.len() as usize)
}

#[test]
fn a_model_is_fetched_checked_used_and_not_fetched_again() {
    let server = Server::start();
    let desk = desk(&format!("{}/whole", server.address));
    assert_eq!(models(&desk, &["list", "--json"]).json()["models"][0]["state"], "absent");
    let first = models(&desk, &["fetch", "htdemucs"]);
    assert_eq!(first.code(), 0, "{}", first.err());
    assert!(first.out().contains(SHA256), "{}", first.out());
    assert!(first.err().contains("Mind the licence."), "{}", first.err());
    assert_eq!(desk.read(WEIGHTS), SMALL);
    assert_eq!(part(&desk), None);
    let again = models(&desk, &["fetch", "htdemucs"]);
    assert_eq!(again.code(), 0);
    assert!(!again.err().contains("licence"), "said once: {}", again.err());
    assert_eq!(server.asked(), ["/whole 0"]);
    let listed = models(&desk, &["list"]).out();
    assert!(listed.contains("here and whole") && listed.contains("licence: none"), "{listed}");
    desk.ok(&["separate", "--model", "htdemucs", "music", "stems"]);
}

#[test]
fn what_broke_off_goes_on_where_it_was() {
    let server = Server::start();
    let desk = desk(&format!("{}/broken", server.address));
    let mut have = 0;
    for _ in 0..2 {
        let ran = models(&desk, &["fetch", "htdemucs"]);
        assert_eq!(ran.code(), 7, "{}", ran.err());
        let now = part(&desk).unwrap();
        assert_eq!(now, have + (SMALL.len() - have) / 3);
        assert!(ran.err().contains(&format!("{now} bytes are kept")), "{}", ran.err());
        have = now;
    }
    assert!(!desk.path(WEIGHTS).exists());
    write_registry(&desk, &format!("{}/whole", server.address));
    assert_eq!(models(&desk, &["fetch", "htdemucs"]).code(), 0);
    let third = SMALL.len() / 3;
    assert_eq!(
        server.asked(),
        ["/broken 0", &format!("/broken {third}"), &format!("/whole {have}")]
    );
    assert_eq!(desk.read(WEIGHTS), SMALL);
}

#[test]
fn a_server_that_knows_no_parts_is_heard_from_the_start() {
    let server = Server::start();
    let desk = desk(&format!("{}/deaf", server.address));
    std::fs::create_dir_all(desk.path("data/evermix/models")).unwrap();
    std::fs::write(desk.path(&format!("{WEIGHTS}.part")), &SMALL[..1_000]).unwrap();
    assert_eq!(models(&desk, &["fetch", "htdemucs"]).code(), 0);
    assert_eq!(server.asked(), ["/deaf 1000"]);
    assert_eq!(desk.read(WEIGHTS), SMALL);
    // A part that is whole already is not asked for at all.
    std::fs::rename(desk.path(WEIGHTS), desk.path(&format!("{WEIGHTS}.part"))).unwrap();
    assert_eq!(models(&desk, &["fetch", "htdemucs"]).code(), 0);
    assert!(server.asked().is_empty());
}

#[test]
fn something_else_is_never_kept() {
    let server = Server::start();
    for path in ["wrong", "endless"] {
        let desk = desk(&format!("{}/{path}", server.address));
        let ran = models(&desk, &["fetch", "htdemucs"]);
        assert_eq!(ran.code(), 1, "{path}: {}", ran.err());
        assert!(ran.err().contains("not what was wanted") && ran.err().contains(SHA256));
        assert!(!desk.path(WEIGHTS).exists() && part(&desk).is_none(), "{path}");
    }
    // A part of another file shows when all is there.
    let desk = desk(&format!("{}/whole", server.address));
    std::fs::create_dir_all(desk.path("data/evermix/models")).unwrap();
    std::fs::write(desk.path(&format!("{WEIGHTS}.part")), vec![b'x'; 500]).unwrap();
    assert_eq!(models(&desk, &["fetch", "htdemucs"]).code(), 1);
    assert_eq!(models(&desk, &["fetch", "htdemucs"]).code(), 0);
}

#[test]
fn redirects_are_followed_but_not_for_ever_and_failures_are_named() {
    let server = Server::start();
    let moved = desk(&format!("{}/moved", server.address));
    assert_eq!(models(&moved, &["fetch", "htdemucs"]).code(), 0);
    assert_eq!(moved.read(WEIGHTS), SMALL);
    for (path, why) in [("loop", "redirect"), ("nowhere", "404")] {
        let desk = desk(&format!("{}/{path}", server.address));
        let ran = models(&desk, &["fetch", "htdemucs"]);
        assert_eq!(ran.code(), 7, "{path}: {}", ran.err());
        assert!(ran.err().contains(why), "{path}: {}", ran.err());
    }
}

#[test]
fn without_a_network_all_is_said_that_is_needed_to_get_the_file_elsewhere() {
    // A port where nobody listens: one that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/gone");
    let desk = desk(&url);
    let ran = models(&desk, &["fetch", "htdemucs"]);
    assert_eq!(ran.code(), 7, "{}", ran.err());
    let folder = desk.path("data/evermix/models");
    let bytes = format!("{} bytes", SMALL.len());
    for part in ["htdemucs.safetensors", &bytes, SHA256, &url, folder.to_str().unwrap()] {
        assert!(ran.err().contains(part), "{part}: {}", ran.err());
    }
    for next in ["remix models add htdemucs.safetensors", "--model compact"] {
        assert!(ran.err().contains(next), "{next}: {}", ran.err());
    }
}

#[test]
fn a_file_from_elsewhere_is_added_if_it_is_a_network() {
    let desk = desk("http://127.0.0.1:1/none");
    std::fs::write(desk.path("mine.safetensors"), SMALL).unwrap();
    std::fs::write(desk.path("junk.safetensors"), b"junkjunkjunk").unwrap();
    std::fs::write(desk.path("old.th"), b"PK\x03\x04").unwrap();
    for (file, code) in [("junk.safetensors", 7), ("old.th", 2), ("absent.onnx", 7)] {
        let ran = models(&desk, &["add", file]);
        assert_eq!(ran.code(), code, "{file}: {}", ran.err());
    }
    assert!(!desk.path(WEIGHTS).exists());
    let added = models(&desk, &["add", "mine.safetensors", "--json"]).json();
    assert_eq!((&added["model"], &added["known"]), (&"htdemucs".into(), &true.into()));
    assert_eq!(desk.read(WEIGHTS), SMALL);
    // What is added once more from its own place stays.
    assert_eq!(models(&desk, &["add", WEIGHTS]).code(), 0);
    assert_eq!(desk.read(WEIGHTS), SMALL);
}

#[test]
fn a_network_nobody_knows_is_taken_at_its_word_and_pinned() {
    let desk = desk("http://127.0.0.1:1/none");
    let mut other = SMALL.to_vec();
    *other.last_mut().unwrap() ^= 1;
    std::fs::write(desk.path("mine.safetensors"), &other).unwrap();
    let ran = models(&desk, &["add", "mine.safetensors"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert!(ran.err().contains("on your word"), "{}", ran.err());
    assert_eq!(models(&desk, &["verify"]).code(), 0, "it is what it was when it came");
    std::fs::write(desk.path(WEIGHTS), SMALL).unwrap();
    assert_eq!(models(&desk, &["verify"]).code(), 0, "that is the one in the registry");
    *other.last_mut().unwrap() ^= 2;
    std::fs::write(desk.path(WEIGHTS), &other).unwrap();
    let ran = models(&desk, &["verify"]);
    assert_eq!(ran.code(), 1, "{}", ran.err());
    assert!(ran.err().contains("this is not htdemucs") && ran.out().contains("NOT"));
}

#[test]
fn models_that_need_no_file_and_names_nobody_knows_are_refused() {
    let desk = desk("http://127.0.0.1:1/none");
    let ran = models(&desk, &["fetch", "compact"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.err().contains("part of this program"), "{}", ran.err());
    let ran = models(&desk, &["fetch", "htdemuks"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.err().contains("known are htdemucs, compact"), "{}", ran.err());
    std::fs::write(desk.path("registry.toml"), "schema = 2\nnotice = \"\"\nmodel = []\n").unwrap();
    assert_eq!(models(&desk, &["list"]).code(), 2);
    let hostile = "schema = 1\nnotice = \"\"\n[[model]]\nname = \"x\"\nwhat = \"\"\n\
                   file = \"../x\"\nlicence = \"\"\n";
    std::fs::write(desk.path("registry.toml"), hostile).unwrap();
    assert_eq!(models(&desk, &["list"]).code(), 2);
}

#[test]
fn the_registry_in_the_program_is_whole_and_names_every_licence() {
    let desk = Desk::new();
    let list = desk.ok(&["models", "list", "--json"]).json();
    let models = list["models"].as_array().unwrap();
    let names: Vec<_> = models.iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["htdemucs", "htdemucs_ft", "compact", "hpss"]);
    assert!(models.iter().all(|m| !m["licence"].as_str().unwrap().is_empty()));
    assert!(models[..2].iter().all(|m| m["url"].as_str().unwrap().starts_with("https://")));
    let shown = desk.ok(&["models", "list"]).out();
    assert!(shown.contains("in doubt") && shown.contains("84.0 MB"), "{shown}");
}
