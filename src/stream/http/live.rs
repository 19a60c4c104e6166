//! What is told as it happens: server-sent events and WebSockets.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{interval, timeout};

use super::{health, text};
use crate::stream::station::Station;
use crate::stream::told::Told;

/// A watcher that does not take a message in this time is let go.
const PATIENCE: Duration = Duration::from_secs(10);
/// As in the original.
const MONITORED: Duration = Duration::from_millis(500);
/// A watcher sends nothing but pings.
const LONGEST_MESSAGE: usize = 4 << 10;

/// Everything that happens, as server-sent events.
pub async fn events(State(station): State<Arc<Station>>) -> Response {
    let first = Arc::new(Told::listeners(station.listeners().len()));
    let begin = (station.events(), Some(first), station);
    let stream = unfold(begin, |(mut events, first, station)| async move {
        let told = match first {
            Some(first) => first,
            None if station.is_draining() => return None,
            // Who missed something is let go, and asks for everything again when it comes back.
            None => events.recv().await.ok()?,
        };
        let event = Event::default().event(told.name).data(&told.data);
        Some((Ok::<_, Infallible>(event), (events, None, station)))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(5))).into_response()
}

/// The same over a WebSocket, as the original's clients know it.
pub async fn info(
    State(station): State<Arc<Station>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgraded(upgrade, &headers, |socket| tell_all(station, socket))
}

/// How the station fares, twice a second.
pub async fn monitor(
    State(station): State<Arc<Station>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgraded(upgrade, &headers, |socket| tell_state(station, socket))
}

/// Upgrades a connection of our own pages, or of no page: other pages have no business here.
fn upgraded<F>(
    upgrade: WebSocketUpgrade,
    headers: &HeaderMap,
    serve: impl FnOnce(WebSocket) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    let (origin, host) = (text(headers, "origin"), text(headers, "host"));
    let page = origin.split_once("://").map(|(_, host)| host);
    if page.is_some_and(|page| page != host) {
        return axum::http::StatusCode::FORBIDDEN.into_response();
    }
    upgrade.max_message_size(LONGEST_MESSAGE).on_upgrade(serve)
}

async fn send(socket: &mut WebSocket, text: String) -> bool {
    matches!(timeout(PATIENCE, socket.send(Message::Text(text.into()))).await, Ok(Ok(())))
}

async fn tell_all(station: Arc<Station>, mut socket: WebSocket) {
    let mut events = station.events();
    let count = Told::listeners(station.listeners().len()).as_message();
    if !send(&mut socket, count).await {
        return;
    }
    while !station.is_draining() {
        tokio::select! {
            told = events.recv() => match told {
                Ok(told) if send(&mut socket, told.as_message()).await => {}
                Err(RecvError::Lagged(_)) => {}
                _ => return,
            },
            heard = socket.recv() => {
                if !matches!(heard, Some(Ok(_))) {
                    return;
                }
            }
        }
    }
}

async fn tell_state(station: Arc<Station>, mut socket: WebSocket) {
    let mut ticks = interval(MONITORED);
    while !station.is_draining() {
        tokio::select! {
            _ = ticks.tick() => {
                if !send(&mut socket, health::record(&station).to_string()).await {
                    return;
                }
            }
            heard = socket.recv() => {
                if !matches!(heard, Some(Ok(_))) {
                    return;
                }
            }
        }
    }
}
