//! What pages and programs are told, in the original's schema and more.

use std::io::Cursor;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::Value;

use crate::air::{OnAir, Setting};
use crate::client::{Listening, get, json, metric};
use crate::socket::Socket;

fn quick() -> OnAir {
    Setting { length: 12.0, crossing: 3.0, ..Setting::default() }.fast()
}

#[test]
fn all_segments_are_told_as_the_original_told_them() {
    let on_air = quick();
    on_air.wait("three songs", || on_air.station.now().0 > 26.0);
    let all = json(on_air.address, "/all.json");
    let all = all.as_array().unwrap();
    assert!(all.len() >= 6, "{}", all.len());
    let number = |value: &Value, name: &str| {
        value[name].as_f64().unwrap_or_else(|| panic!("{name}: {value}"))
    };
    for (segment, next) in all.iter().zip(&all[1..]) {
        let (samples, seconds) = (number(segment, "samples"), number(segment, "duration"));
        assert_eq!(seconds, samples / 44_100.0);
        assert_eq!(number(segment, "width"), (5.0 * seconds).floor());
        let due = number(segment, "time") + seconds;
        assert!((number(next, "time") - due).abs() < 1e-3, "no gap and no overlap");
        let action = segment["action"].as_str().unwrap();
        let tracks = segment["tracks"].as_array().unwrap();
        assert_eq!(tracks.len(), if action == "Playback" { 1 } else { 2 }, "{action}");
        for track in tracks {
            let lasts = number(track, "end") - number(track, "start");
            assert!((lasts - seconds).abs() < 1e-3);
            let song = &track["metadata"];
            for name in ["id", "title", "artwork_url", "genre", "duration"] {
                assert!(song.get(name).is_some(), "no {name} in {song}");
            }
            assert_eq!(song["user"]["username"], song["artist"]);
            assert_eq!(song["duration"], 60_000.0, "in milliseconds");
        }
        let picture = segment["waveform"].as_str().unwrap();
        let picture = picture.strip_prefix("data:image/png;base64,").unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture).unwrap();
        let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let (width, height) = (reader.info().width, reader.info().height);
        assert_eq!((f64::from(width), height), (number(segment, "width"), 280));
        assert!(pixels.chunks_exact(2).any(|p| p[1] == 255), "an empty picture");
    }
}

#[test]
fn the_segment_heard_now_is_told_with_the_clock_and_without_its_picture() {
    let on_air = quick();
    let now = json(on_air.address, "/all.json?now=1");
    let (begins, lasts) = (&now["frame"]["time"], &now["frame"]["duration"]);
    let into = now["now"].as_f64().unwrap() - begins.as_f64().unwrap();
    assert!((-0.6..=lasts.as_f64().unwrap() + 0.6).contains(&into), "{into} s into {now}");
    assert_eq!(now["frame"].get("waveform"), None);
    assert!(now["frame"]["tracks"][0]["metadata"]["title"].is_string());
    let time = json(on_air.address, "/timing.json")["time"].as_f64().unwrap();
    let apart = time - 1e3 * now["now"].as_f64().unwrap();
    assert!((0.0..20_000.0).contains(&apart), "{apart} ms");
    let history = json(on_air.address, "/history.json");
    assert!(history[0]["title"].is_string() && history[0]["time"].is_number(), "{history}");
    let list = get(on_air.address, "/all.m3u");
    assert_eq!(list.header("content-type"), Some("audio/x-mpegurl"));
    let due = format!("#EXTM3U\n#EXTINF:-1,Evermix\nhttp://{}/all.mp3\n", on_air.address);
    assert_eq!(list.text(), due);
}

/// The events of a stream of them, as name and data.
fn events(bytes: &[u8]) -> Vec<(String, Value)> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let whole = &text[..text.rfind("\n\n").map_or(0, |at| at + 2)];
    let event = |block: &str| {
        let field = |name: &str| block.lines().find_map(|l| l.strip_prefix(name)).map(str::trim);
        Some((field("event:")?.to_string(), serde_json::from_str(field("data:")?).unwrap()))
    };
    whole.split("\n\n").filter_map(event).collect()
}

#[test]
fn events_tell_segments_and_how_many_listen() {
    let on_air = quick();
    let mut watching = Listening::tune(on_air.address, "/events", "");
    assert!(watching.head.contains("text/event-stream"), "{}", watching.head);
    let listening = Listening::tune(on_air.address, "/all.mp3", "");
    let told = |bytes: &[u8]| {
        let all = events(bytes);
        let counted =
            all.iter().any(|(name, data)| name == "listener_count" && data["listener_count"] == 1);
        counted && all.iter().filter(|(name, _)| name == "segment").count() >= 2
    };
    let all = events(&watching.until(told));
    assert_eq!(all[0].0, "listener_count", "the count comes first");
    let segments: Vec<&Value> =
        all.iter().filter(|(name, _)| name == "segment").map(|(_, data)| data).collect();
    for segment in &segments {
        assert!(segment["tracks"][0]["peaks"].as_array().unwrap().contains(&77.into()));
        assert_eq!(segment.get("waveform"), None, "pictures are for those who ask");
    }
    let ids: Vec<u64> = segments.iter().map(|s| s["id"].as_u64().unwrap()).collect();
    assert!(ids.windows(2).all(|w| w[1] == w[0] + 1), "{ids:?}");
    drop(listening);
    let gone = |bytes: &[u8]| events(bytes).iter().any(|(_, data)| data["listener_count"] == 0);
    watching.until(gone);
}

#[test]
fn the_original_s_socket_tells_segments_and_how_many_listen() {
    let on_air = quick();
    let mut socket = Socket::open(on_air.address, "/info.websocket", None).unwrap();
    assert_eq!(socket.json(), serde_json::json!({ "listener_count": 0 }));
    let _listening = Listening::tune(on_air.address, "/all.mp3", "");
    let (mut counted, mut segments) = (false, Vec::new());
    while !counted || segments.len() < 2 {
        let message = socket.json();
        let message = message.as_object().unwrap();
        assert_eq!(message.len(), 1, "{message:?}");
        counted |= message.get("listener_count").is_some_and(|count| count == 1);
        segments.extend(message.get("segment").cloned());
    }
    for segment in segments {
        for name in ["action", "duration", "samples", "time", "width", "tracks", "beats"] {
            assert!(segment.get(name).is_some(), "no {name} in {segment}");
        }
    }
}

#[test]
fn the_monitor_is_told_twice_a_second_how_the_station_fares() {
    let on_air = Setting { formats: &["mp3", "opus"], ..Setting::default() }.live();
    let agent = "User-Agent: a \"player\"\t</script>\r\n";
    let mut listening = Listening::tune(on_air.address, "/all.mp3", agent);
    listening.bytes(30_000);
    let mut socket = Socket::open(on_air.address, "/monitor.websocket", None).unwrap();
    let since = Instant::now();
    let records: Vec<Value> = (0..5).map(|_| socket.json()).collect();
    let took = since.elapsed();
    assert!(took > Duration::from_millis(1_700) && took < Duration::from_secs(4), "{took:?}");
    for record in &records {
        for mount in ["/all.mp3", "/all.opus"] {
            assert!(record["queues"][mount]["seconds"].as_f64().unwrap() > 1.0, "{record}");
            assert!(record["encode"][mount]["bytes"].as_f64().unwrap() > 1_000.0, "{record}");
        }
        let listener = &record["listeners"][0];
        assert_eq!(listener["mount"], "/all.mp3");
        assert_eq!(listener["address"], "127.0.0.1");
        assert!(listener["bytes"].as_f64().unwrap() >= 30_000.0, "{listener}");
        for name in ["started", "samples", "duration", "width", "actions"] {
            assert!(record["info"][name].is_number(), "no {name} in {record}");
        }
        assert_eq!(record["underruns"], 0);
    }
    assert!(records[4]["uptime"].as_f64() > records[0]["uptime"].as_f64());
    assert_eq!(metric(on_air.address, "evermix_listeners"), 1.0);
    assert!(metric(on_air.address, "evermix_sent_bytes_total") >= 30_000.0);
    assert!(metric(on_air.address, "evermix_lead_seconds") > 1.0);
    assert_eq!(json(on_air.address, "/healthz")["status"], "ok");
}

#[test]
fn pages_of_others_may_not_watch() {
    let on_air = Setting::default().live();
    let own = format!("http://{}", on_air.address);
    for path in ["/info.websocket", "/monitor.websocket"] {
        for foreign in ["http://evil.example", "https://evil.example:8192", "null", "http://"] {
            let refused = Socket::open(on_air.address, path, Some(foreign)).err();
            assert_eq!(refused, Some(403), "{path} {foreign}");
        }
        assert!(Socket::open(on_air.address, path, Some(&own)).is_ok(), "{path}");
    }
}
