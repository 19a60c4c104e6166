//! The mounts.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::control::refusal;
use super::feed::Feed;
use super::{endless, text};
use crate::net::Conn;
use crate::stream::icy::IcyWriter;
use crate::stream::mount::Mount;
use crate::stream::relays::{RELAY_AGENT, Relay};
use crate::stream::station::Station;

/// `GET`: the sound, until the listener has enough.
pub async fn listen(
    State(station): State<Arc<Station>>,
    Extension(conn): Extension<Arc<Conn>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some(mount) = station.mount(uri.path()).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let relay = text(&headers, "user-agent").starts_with(RELAY_AGENT);
    if relay && let Some(refusal) = refusal(&station, &headers) {
        return refusal;
    }
    if !relay && let Some(elsewhere) = elsewhere(&station, &uri, &headers) {
        return elsewhere;
    }
    let place = (!station.is_draining())
        .then(|| station.join(&mount, conn.peer, text(&headers, "user-agent")))
        .flatten();
    let Some(place) = place else { return full() };
    // In every format: who asks for titles takes them out again, whatever they are in.
    let titled = text(&headers, "icy-metadata").trim() == "1";
    let metaint = station.options.metaint;
    let mut feed = Feed::new(station.clone(), place, titled.then(|| IcyWriter::new(metaint)));
    if relay {
        feed.is_relay(relay_of(&station, &conn, &headers, &mount.path));
    }
    let mut response = endless(&conn, feed.flow());
    describe(&station, &mount, titled, response.headers_mut());
    response
}

/// `HEAD`: what there would be.
pub async fn look(State(station): State<Arc<Station>>, uri: Uri) -> Response {
    let Some(mount) = station.mount(uri.path()).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if station.is_draining() || station.is_full() {
        return full();
    }
    let mut response = ().into_response();
    describe(&station, &mount, false, response.headers_mut());
    response
}

/// Sends a listener to one of the relays, if there are any. Who comes from this machine stays, as
/// in the original.
fn elsewhere(station: &Station, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let host = text(headers, "host");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
        return None;
    }
    let relay = station.relays.pick(uri.path())?;
    let to = format!("http://{relay}{}", uri.path());
    Some((StatusCode::FOUND, [(LOCATION, to)]).into_response())
}

/// Where a relay says it is reached: where it connects from, unless it says otherwise.
pub fn relay_of(station: &Station, conn: &Conn, headers: &HeaderMap, mount: &str) -> Option<Relay> {
    let said = text(headers, "x-relay-addr");
    let from = conn.peer.ip().to_string();
    let host = if said.is_empty() { from.as_str() } else { said };
    let (port, weight) = (text(headers, "x-relay-port"), text(headers, "x-relay-weight"));
    Relay::new(host, port, weight, mount, station.wall_now())
}

fn full() -> Response {
    let retry = [(RETRY_AFTER, "10")];
    (StatusCode::SERVICE_UNAVAILABLE, retry, "there are too many listeners: try again later\n")
        .into_response()
}

fn describe(station: &Station, mount: &Mount, titled: bool, headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(mount.format.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("none"));
    let mut icy = |name: &'static str, value: &str| {
        // A name that cannot be a header is not told.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    icy("icy-name", &station.options.name);
    icy("icy-description", &station.options.tagline);
    icy("icy-pub", "0");
    if let Some(bits) = mount.format.bitrate() {
        icy("icy-br", &(bits / 1_000).to_string());
    }
    if titled {
        icy("icy-metaint", &station.options.metaint.to_string());
    }
}
