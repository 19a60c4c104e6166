//! What is known of the stream, as JSON.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{json as answer, text};
use crate::stream::station::Station;
use crate::stream::told::{self, Detail, action};

/// What may follow `/all.json`.
#[derive(Deserialize)]
pub struct Which {
    now: Option<String>,
}

/// All segments on the board, or the one that is heard now.
pub async fn all(State(station): State<Arc<Station>>, Query(which): Query<Which>) -> Response {
    if which.now.is_some() {
        return answer(&now(&station));
    }
    // Drawing the pictures takes a while: nothing waits for it.
    let segments: Vec<_> = station.board().segments().cloned().collect();
    let drawn = tokio::task::spawn_blocking(move || {
        let all = segments.iter().map(|segment| action(&station, segment, Detail::Picture));
        all.collect::<Value>()
    });
    answer(&drawn.await.unwrap_or(Value::Null))
}

fn now(station: &Station) -> Value {
    let segment = station.board().segment(station.now()).cloned();
    match segment {
        Some(segment) => json!({
            "frame": action(station, &segment, Detail::Plain),
            "now": station.wall_now(),
        }),
        None => json!([]),
    }
}

/// The songs heard, the last first.
pub async fn history(State(station): State<Arc<Station>>) -> Response {
    answer(&told::history(&station))
}

/// The clock, and how much sound a new listener gets at once.
pub async fn timing(State(station): State<Arc<Station>>) -> Response {
    let time = (1e3 * station.wall_now()).round();
    answer(&json!({ "time": time, "burst": station.options.burst.0 }))
}

/// What the station is called.
pub async fn station(State(station): State<Arc<Station>>) -> Response {
    answer(&json!({
        "name": station.options.name,
        "tagline": station.options.tagline,
        "since": station.uptime().1,
    }))
}

/// The formats.
pub async fn mounts(State(station): State<Arc<Station>>) -> Response {
    let listeners = station.listeners();
    let mounts = station.mounts.iter().map(|mount| {
        let here = listeners.iter().filter(|l| l.mount.path == mount.path).count();
        json!({
            "path": mount.path,
            "type": mount.format.content_type(),
            "bitrate": mount.format.bitrate(),
            "rate": mount.ring().rate(),
            "listeners": here,
        })
    });
    answer(&mounts.collect())
}

/// A playlist of the mounts for players.
pub async fn playlist(State(station): State<Arc<Station>>, headers: HeaderMap) -> Response {
    let host = text(&headers, "host");
    // What is not a host name has no place in a playlist.
    let decent = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let host = if !host.is_empty() && host.chars().all(decent) { host } else { "localhost" };
    let mut lines = String::from("#EXTM3U\n");
    for mount in &station.mounts {
        let name = station.options.name.replace(char::is_control, " ");
        lines += &format!("#EXTINF:-1,{name}\nhttp://{host}{}\n", mount.path);
    }
    ([(CONTENT_TYPE, "audio/x-mpegurl")], lines).into_response()
}
