//! How the station fares: for people, for machines that restart it, for machines that draw it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::stream::process;
use crate::stream::relays::Relay;
use crate::stream::reserve::Rounds;
use crate::stream::station::{Listener, Station};

/// 200 while listeners are served well, else 503.
pub async fn healthz(State(station): State<Arc<Station>>) -> Response {
    let healthy = station.healthy();
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let answer = json!({
        "status": if healthy { "ok" } else { "degraded" },
        "lead": station.lead().0,
        "listeners": station.listeners().len(),
        "filler": filler(&station),
        "songs": station.source(),
    });
    (status, [(CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

/// Bars that were played again because there was no more sound.
fn filler(station: &Station) -> Value {
    let Rounds { times, seconds, now } = station.rounds();
    json!({ "now": now, "times": times, "seconds": seconds.0 })
}

/// What the monitor page shows.
pub fn record(station: &Station) -> Value {
    let (uptime, started) = station.uptime();
    let (segments, samples, width) = station.board().begun();
    let source = station.source();
    let (mut queues, mut encode) = (Map::new(), Map::new());
    for mount in &station.mounts {
        let state = mount.state();
        let queue = json!({ "packets": state.packets, "seconds": state.seconds.0 });
        queues.insert(mount.path.clone(), queue);
        let made = json!({ "seconds": state.encoding.0, "bytes": state.made });
        encode.insert(mount.path.clone(), made);
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    json!({
        "time": station.wall_now(),
        "uptime": uptime.0,
        "listeners": station.listeners().iter().map(|l| listener(station, l)).collect::<Vec<_>>(),
        "queues": queues,
        "info": {
            "started": started,
            "samples": samples,
            "duration": samples as f64 / station.rate(),
            "width": width,
            "actions": segments,
        },
        "lead": station.lead().0,
        "target": station.options.lead.0,
        "drift_ms": count(&station.counts.drift) as f64 / 1e3,
        "underruns": count(&station.counts.underruns),
        "filler": filler(station),
        "extended": source.extended,
        "extended_seconds": source.extended_seconds,
        "songs": source,
        "relays": station.relays.all().into_iter().map(relay).collect::<Vec<_>>(),
        "memory_bytes": process::memory(),
        "cpu_seconds": process::cpu(),
        "encode": encode,
    })
}

fn listener(station: &Station, listener: &Listener) -> Value {
    let place = listener.place.load(Ordering::Relaxed);
    json!({
        "mount": listener.mount.path,
        "address": listener.address.ip().to_string(),
        "agent": listener.agent,
        "seconds": station.listening(listener).0,
        "bytes": listener.bytes.load(Ordering::Relaxed),
        "behind": listener.mount.ring().behind(place).0,
    })
}

fn relay(relay: Relay) -> Value {
    json!({
        "url": format!("http://{}/", relay.address),
        "listeners": relay.listeners,
        "weight": relay.weight,
        "seen": relay.seen,
    })
}

/// One measured quantity, with its value for each label.
type Measure = (&'static str, &'static str, &'static str, Vec<(String, f64)>);

/// The same for Prometheus (text format 0.0.4).
pub async fn metrics(State(station): State<Arc<Station>>) -> Response {
    let mut text = String::new();
    for (name, kind, help, values) in measures(&station) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP evermix_{name} {help}\n# TYPE evermix_{name} {kind}");
        for (label, value) in values {
            let _ = writeln!(text, "evermix_{name}{label} {value}");
        }
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

fn measures(station: &Station) -> Vec<Measure> {
    let source = station.source();
    let listeners = station.listeners();
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let one = |value: f64| vec![(String::new(), value)];
    let each = |value: &dyn Fn(&crate::stream::Mount) -> f64| {
        let labelled =
            |m: &Arc<crate::stream::Mount>| (format!("{{mount=\"{}\"}}", m.path), value(m));
        station.mounts.iter().map(labelled).collect::<Vec<_>>()
    };
    let here = |m: &crate::stream::Mount| {
        listeners.iter().filter(|l| l.mount.path == m.path).count() as f64
    };
    let (counts, rounds) = (&station.counts, station.rounds());
    let gauge = |name, help, values| (name, "gauge", help, values);
    let counter = |name, help, values| (name, "counter", help, values);
    vec![
        gauge("listeners", "Listeners now.", each(&here)),
        counter("listeners_total", "Listeners ever.", one(count(&counts.listeners))),
        counter(
            "listeners_dropped_total",
            "Listeners that were too slow.",
            one(count(&counts.dropped)),
        ),
        gauge("lead_seconds", "Sound made and not yet sent.", one(station.lead().0)),
        counter(
            "underruns_total",
            "Times there was too little sound.",
            one(count(&counts.underruns)),
        ),
        counter(
            "extended_total",
            "Times a song was played longer than meant.",
            one(source.extended as f64),
        ),
        counter(
            "extended_seconds_total",
            "Time songs were played longer than meant.",
            one(source.extended_seconds),
        ),
        counter(
            "fillers_total",
            "Times there was no more sound and the last bars were played again.",
            one(rounds.times as f64),
        ),
        counter("filler_seconds_total", "Sound that was played again so.", one(rounds.seconds.0)),
        gauge(
            "filling",
            "Whether bars are played again now.",
            one(f64::from(u8::from(rounds.now))),
        ),
        gauge("drift_seconds", "How late the last packets were.", one(count(&counts.drift) / 1e6)),
        counter("made_bytes_total", "Bytes encoded.", each(&|m| m.state().made as f64)),
        counter("sent_bytes_total", "Bytes sent to listeners.", each(&|m| m.state().sent as f64)),
        counter("encode_seconds_total", "Time spent encoding.", each(&|m| m.state().encoding.0)),
        counter(
            "encoders_replaced_total",
            "Encoders that failed.",
            each(&|m| m.state().replaced as f64),
        ),
        gauge("songs", "Songs that can be played.", one(source.known as f64)),
        gauge("songs_waiting", "Files not listened to yet.", one(source.waiting as f64)),
        gauge("songs_broken", "Files that cannot be played.", one(source.broken as f64)),
        counter("uptime_seconds", "Time on the air.", one(station.uptime().0.0)),
        counter("cpu_seconds_total", "Time of processors used.", one(process::cpu())),
        gauge("memory_bytes", "Memory in use.", one(process::memory() as f64)),
    ]
}
