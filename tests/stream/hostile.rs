//! Titles that want to be more than text, through everything that tells them.

use serde_json::Value;

use evermix::stream::SongCard;

use crate::air::{OnAir, Setting};
use crate::client::{Listening, get, json};
use crate::heard::unweave;
use crate::socket::Socket;
use crate::tones::card;

/// Forty strings that broke something somewhere.
fn strings() -> Vec<String> {
    let plain = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "';StreamUrl='http://evil.example/",
        "';",
        "a';b",
        "';StreamTitle='other",
        "\r\nSet-Cookie: x=1",
        "one\r\n\r\nHTTP/1.1 200 OK",
        "data: x\n\nevent: segment\ndata: {}",
        "\n: comment",
        "\r",
        "\u{1b}[31mred\u{1b}[0m",
        "\u{1b}]0;title\u{7}",
        "\u{9b}31m",
        "\u{1b}[2J\u{1b}[H",
        "\u{7}\u{8}\u{8}\u{7f}",
        "a\0b",
        "\0",
        "\u{202e}3pm.exe",
        "\u{2066}x\u{2069}\u{200f}",
        "\u{feff}mark",
        "\u{2028}line\u{2029}",
        "#EXTINF:-1,x\nhttp://evil.example/",
        "evermix_listeners{mount=\"x\"} 9\n# HELP",
        "\u{fffd}\u{fffd}",
        "\u{ffff}\u{1f600}\u{301}",
        "&lt;b&gt;&amp;",
        "</script><script>",
        "<!--<svg/onload=alert(1)>-->",
        "javascript:alert(1)",
        "${7*7}{{7*7}}%s%n%x",
        "../../etc/passwd",
        "C:\\con\\nul",
        "\\u003cscript\\u003e\\",
        "'\"`\\",
        "{\"segment\":{}}",
        "]}\"}",
        " ",
    ];
    let mut all: Vec<String> = plain.map(String::from).to_vec();
    all.push("x".repeat(10_000));
    all.push("\u{6f22}".repeat(4_000));
    all
}

/// On the air with each of them as title, artist and all else.
fn hostile() -> OnAir {
    let hostile = |(n, text): (usize, String)| SongCard {
        artist: format!("{n}{text}"),
        album: text.clone(),
        genre: text.clone(),
        key: Some(text.clone()),
        ..card(n, &text)
    };
    let songs: Vec<SongCard> = strings().into_iter().enumerate().map(hostile).collect();
    let mut setting = Setting { songs, length: 2.0, crossing: 0.5, ..Setting::default() };
    setting.options.name = "name\r\nX-Evil: 1\n#EXT \u{1b}[31m".to_string();
    setting.options.tagline = "<script>\u{202e}".to_string();
    setting.fast()
}

/// Nothing in it could end a line or move a cursor.
fn is_one_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Nor could anything in it be taken for a tag, or turn what is read around.
fn is_plain(text: &str) -> bool {
    let turns =
        |c: char| matches!(c, '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_one_line(text) && !text.contains(['<', '>', '&']) && !text.contains(turns)
}

#[test]
fn forty_hostile_titles_are_mere_text_wherever_they_are_told() {
    let all = strings();
    assert_eq!(all.len(), 40);
    let on_air = hostile();
    let mut icy = Listening::tune(on_air.address, "/all.mp3", "Icy-MetaData: 1\r\n");
    let mut events = Listening::tune(on_air.address, "/events", "");
    let mut socket = Socket::open(on_air.address, "/info.websocket", None).unwrap();
    let whole = 2.0 * 42.0;
    let bytes = icy.bytes((whole * 16_000.0) as usize);
    let titles: Vec<String> =
        unweave(&bytes, 8_192).1.into_iter().map(|(_, title)| title).collect();
    check_icy(&titles);
    check_json(&on_air, &all);
    check_events(&mut events, &all);
    let mut told = Vec::new();
    while told.len() < 20 {
        let message = socket.text();
        assert!(is_plain(&message), "{message:?}");
        let message: Value = serde_json::from_str(&message).unwrap();
        if let Some(segment) = message.get("segment") {
            told.push(segment["tracks"][0]["metadata"]["title"].as_str().unwrap().to_string());
        }
    }
    assert!(told.iter().all(|title| all.contains(title)), "{told:?}");
    check_lines(&on_air);
    assert_eq!(get(on_air.address, "/healthz").status, 200);
}

fn check_icy(titles: &[String]) {
    assert!(titles.len() >= 39, "{}", titles.len());
    for title in titles {
        assert!(is_one_line(title) && !title.contains(['\'', ';']), "{title:?}");
        assert!(title.len() <= 4_065);
    }
    assert!(titles.iter().any(|title| title.contains("<script>alert(1)</script>")));
    assert!(titles.iter().any(|title| title.ends_with('\u{6f22}')), "cut between characters");
}

fn check_json(on_air: &OnAir, all: &[String]) {
    for path in ["/all.json", "/history.json", "/all.json?now=1", "/station.json", "/mounts.json"] {
        let answer = get(on_air.address, path);
        assert!(is_plain(&answer.text()), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        answer.json();
    }
    let history = json(on_air.address, "/history.json");
    let heard: Vec<&str> =
        history.as_array().unwrap().iter().map(|e| e["title"].as_str().unwrap()).collect();
    let missing: Vec<&String> = all.iter().filter(|text| !heard.contains(&text.as_str())).collect();
    assert!(missing.len() <= 1, "told as they are: {missing:?}");
    let segments = json(on_air.address, "/all.json");
    for track in segments.as_array().unwrap().iter().flat_map(|s| s["tracks"].as_array().unwrap()) {
        let title = track["metadata"]["title"].as_str().unwrap().to_string();
        assert!(all.contains(&title), "{title:?}");
    }
}

fn check_events(events: &mut Listening, all: &[String]) {
    let segments =
        |bytes: &[u8]| bytes.windows(14).filter(|w| w == b"event: segment").count() >= 40;
    let text = String::from_utf8(events.until(segments)).unwrap();
    let whole = &text[..text.rfind("\n\n").unwrap()];
    for line in whole.split('\n') {
        assert!(is_plain(line), "{line:?}");
        let known = ["event: segment", "event: listener_count", ":", ""];
        let Some(data) = line.strip_prefix("data: ") else {
            assert!(known.contains(&line), "{line:?}");
            continue;
        };
        let data: Value = serde_json::from_str(data).unwrap();
        let title = data["tracks"][0]["metadata"]["title"].as_str();
        assert!(title.is_none_or(|title| all.contains(&title.to_string())), "{title:?}");
    }
}

fn check_lines(on_air: &OnAir) {
    let said = on_air.said();
    assert!(said.iter().filter(|line| line.starts_with("now ")).count() >= 39, "{said:?}");
    for line in &said {
        assert!(is_one_line(line) && line.len() <= 500, "{line:?}");
        assert!(!line.contains(['\u{202e}', '\u{2066}', '\u{200f}']), "{line:?}");
    }
    let list = get(on_air.address, "/all.m3u").text();
    assert_eq!(list.lines().count(), 3, "{list:?}");
    assert!(list.lines().all(is_one_line), "{list:?}");
    for line in get(on_air.address, "/metrics").text().lines() {
        assert!(line.starts_with("evermix_") || line.starts_with("# "), "{line:?}");
        assert!(is_one_line(line) && !line.contains("mount=\"x\""), "{line:?}");
    }
    let health = get(on_air.address, "/healthz").text();
    assert!(is_one_line(&health) && !health.contains("script"), "{health}");
    let head = Listening::tune(on_air.address, "/all.mp3", "").head;
    assert!(!head.to_lowercase().contains("x-evil"), "{head}");
}
