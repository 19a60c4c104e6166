//! What those in charge may do. Without a token nobody is.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::audio::relay_of;
use super::text;
use crate::net::Conn;
use crate::stream::source::Wish;
use crate::stream::station::Station;

/// Leaves the song that plays.
pub async fn skip(State(station): State<Arc<Station>>, headers: HeaderMap) -> Response {
    wish(&station, &headers, || Ok(Wish::Skip))
}

/// Plays a song next: its path, title or number is the body.
pub async fn inject(
    State(station): State<Arc<Station>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    wish(&station, &headers, || match line(&body) {
        Some(song) => Ok(Wish::Inject(song)),
        None => Err("the body names a song: its path, title or number"),
    })
}

/// Never plays a song again: its number is the body; the song that plays, without.
pub async fn ban(
    State(station): State<Arc<Station>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    // The song that plays is the one that is heard, not the one that is made ahead.
    let heard = || station.board().song(station.now()).map(|song| song.id.clone());
    wish(&station, &headers, || Ok(Wish::Ban(line(&body).or_else(heard))))
}

/// Sets the length of transitions in bars; `auto` for as it suits each pair.
pub async fn transition_bars(
    State(station): State<Arc<Station>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    wish(&station, &headers, || match (body.trim(), body.trim().parse::<usize>()) {
        ("auto", _) => Ok(Wish::TransitionBars(None)),
        (_, Ok(bars)) if (1..=256).contains(&bars) => Ok(Wish::TransitionBars(Some(bars))),
        _ => Err("the body is a number of bars from 1 to 256, or auto"),
    })
}

/// Looks at the folders and the settings again.
pub async fn reload(State(station): State<Arc<Station>>, headers: HeaderMap) -> Response {
    wish(&station, &headers, || Ok(Wish::Reload))
}

fn line(body: &str) -> Option<String> {
    let line = body.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_string())
}

/// A relay tells how many listen to it.
pub async fn relay(
    State(station): State<Arc<Station>>,
    Extension(conn): Extension<Arc<Conn>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if let Some(refusal) = refusal(&station, &headers) {
        return refusal;
    }
    let relay = relay_of(&station, &conn, &headers, "");
    let count = body.trim().parse::<u64>();
    match (relay, count) {
        (Some(relay), Ok(count)) => {
            station.relays.report(&relay.address, count, station.wall_now());
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn wish(
    station: &Station,
    headers: &HeaderMap,
    wish: impl FnOnce() -> Result<Wish, &'static str>,
) -> Response {
    if let Some(refusal) = refusal(station, headers) {
        return refusal;
    }
    match wish() {
        Ok(wish) => {
            station.wish(wish);
            (StatusCode::ACCEPTED, "it will be done\n").into_response()
        }
        Err(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    }
}

/// The answer to a request that does not show the token; `None` for one that does.
pub fn refusal(station: &Station, headers: &HeaderMap) -> Option<Response> {
    let Some(token) = &station.options.token else {
        let text = "control is off: start the stream with a token\n";
        return Some((StatusCode::FORBIDDEN, text).into_response());
    };
    let shown = text(headers, AUTHORIZATION.as_str());
    if same(shown.strip_prefix("Bearer ").unwrap_or_default(), token) {
        return None;
    }
    let ask = [(WWW_AUTHENTICATE, "Bearer")];
    Some((StatusCode::UNAUTHORIZED, ask, "wrong token\n").into_response())
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
fn same(shown: &str, token: &str) -> bool {
    blake3::hash(shown.as_bytes()) == blake3::hash(token.as_bytes())
}
