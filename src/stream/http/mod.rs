//! What the station answers over HTTP.

mod assets;
mod audio;
mod control;
mod feed;
mod health;
mod info;
mod live;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, Version};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream::empty;

use super::station::Station;
use super::told;
use crate::net::{Conn, Flow};

/// What pages may do: nothing that is not ours, no script that is not a file of ours.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; media-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The longest body of a request that is read.
const LONGEST_BODY: usize = 4 << 10;

/// All routes of a station.
pub fn router(station: Arc<Station>) -> Router {
    let mut router = Router::new()
        .route("/", get(assets::page))
        .route("/monitor", get(assets::monitor))
        .route("/favicon.ico", get(assets::favicon))
        .route("/static/{name}", get(assets::file))
        .route("/artwork/{id}", get(assets::artwork))
        .route("/all.m3u", get(info::playlist))
        .route("/all.json", get(info::all))
        .route("/station.json", get(info::station))
        .route("/mounts.json", get(info::mounts))
        .route("/timing.json", get(info::timing))
        .route("/history.json", get(info::history))
        .route("/events", get(live::events).head(live::look))
        .route("/info.websocket", get(live::info))
        .route("/monitor.websocket", get(live::monitor))
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(health::metrics))
        .route("/control/skip", post(control::skip))
        .route("/control/inject", post(control::inject))
        .route("/control/ban", post(control::ban))
        .route("/control/transition-bars", post(control::transition_bars))
        .route("/control/reload", post(control::reload))
        .route("/control/relay", post(control::relay));
    if station.options.origin.is_some() {
        // The page and all that is known of the mix are where the mix is.
        router = Router::new()
            .route("/healthz", get(health::healthz))
            .route("/metrics", get(health::metrics))
            .route("/mounts.json", get(info::mounts))
            .fallback(at_the_origin);
    } else {
        router = router.fallback(nothing_there);
    }
    for mount in &station.mounts {
        router = router.route(&mount.path, get(audio::listen).head(audio::look));
    }
    let decent = from_fn_with_state(station.clone(), decent);
    router.with_state(station).layer(DefaultBodyLimit::max(LONGEST_BODY)).layer(decent)
}

/// Sends whoever asks a relay for more than sound to the station it relays.
async fn at_the_origin(State(station): State<Arc<Station>>, uri: Uri) -> Response {
    let origin = station.options.origin.clone().unwrap_or_default();
    (StatusCode::FOUND, [(LOCATION, format!("{origin}{}", uri.path()))]).into_response()
}

async fn nothing_there() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here; the page is at /\n").into_response()
}

/// What every answer says for the safety of browsers, and what HTTP/1.1 asks of requests.
async fn decent(State(station): State<Arc<Station>>, request: Request, next: Next) -> Response {
    let newer = request.version() >= axum::http::Version::HTTP_11;
    if newer && !request.headers().contains_key(axum::http::header::HOST) {
        return (StatusCode::BAD_REQUEST, "HTTP/1.1 asks for a Host header\n").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy(&station));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The policy, with the relays sound may come from.
fn policy(station: &Station) -> HeaderValue {
    let relays: String =
        station.relays.all().iter().map(|relay| format!(" http://{}", relay.address)).collect();
    let policy = POLICY.replace("media-src 'self'", &format!("media-src 'self'{relays}"));
    // Addresses of relays hold nothing but letters, digits, dots and the like.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(POLICY))
}

/// The head of an answer without an end: `flow` follows it until the other end hangs up.
fn endless(conn: &Conn, flow: Flow) -> Response {
    conn.follow_with(flow);
    // An empty answer of unknown length: it ends with the connection, and the flow comes after it.
    let mut response = Response::new(Body::from_stream(empty::<Result<Bytes, Infallible>>()));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    // As every server of sound answers: players of all ages take bytes until they end, and not
    // all of them can take chunks.
    *response.version_mut() = Version::HTTP_10;
    response
}

/// A text header, empty where there is none or it is no text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// JSON that was made beforehand.
fn json(value: &serde_json::Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], told::plain(value)).into_response()
}
