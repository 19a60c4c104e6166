//! The pages and what they are made of, all of it in the program.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};

use crate::stream::station::Station;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Name, media type and content of every file of the pages.
const FILES: [(&str, &str, &str); 19] = [
    ("chart.js", SCRIPT, include_str!("../page/chart.js")),
    ("clock.js", SCRIPT, include_str!("../page/clock.js")),
    ("colour.js", SCRIPT, include_str!("../page/colour.js")),
    ("controls.js", SCRIPT, include_str!("../page/controls.js")),
    ("cover.js", SCRIPT, include_str!("../page/cover.js")),
    ("elsewhere.js", SCRIPT, include_str!("../page/elsewhere.js")),
    ("favicon.svg", SVG, include_str!("../page/favicon.svg")),
    ("link.js", SCRIPT, include_str!("../page/link.js")),
    ("monitor.css", CSS, include_str!("../page/monitor.css")),
    ("monitor.js", SCRIPT, include_str!("../page/monitor.js")),
    ("page.css", CSS, include_str!("../page/page.css")),
    ("page.js", SCRIPT, include_str!("../page/page.js")),
    ("player.js", SCRIPT, include_str!("../page/player.js")),
    ("songs.css", CSS, include_str!("../page/songs.css")),
    ("songs.js", SCRIPT, include_str!("../page/songs.js")),
    ("theme.js", SCRIPT, include_str!("../page/theme.js")),
    ("timeline.js", SCRIPT, include_str!("../page/timeline.js")),
    ("wave.js", SCRIPT, include_str!("../page/wave.js")),
    ("words.js", SCRIPT, include_str!("../page/words.js")),
];

/// The page for listeners.
pub async fn page() -> Html<&'static str> {
    Html(include_str!("../page/index.html"))
}

/// The page for those in charge.
pub async fn monitor() -> Html<&'static str> {
    Html(include_str!("../page/monitor.html"))
}

/// A file of the pages.
pub async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, text)) => {
            ([(CONTENT_TYPE, *kind), (CACHE_CONTROL, "no-cache")], *text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The sign of the house.
pub async fn favicon() -> Response {
    file(Path("favicon.svg".to_string())).await
}

/// The picture of a song that was or will be heard.
pub async fn artwork(State(station): State<Arc<Station>>, Path(id): Path<String>) -> Response {
    match station.card(&id).and_then(|song| song.artwork.clone()) {
        Some(picture) => {
            let headers = [(CONTENT_TYPE, picture.kind), (CACHE_CONTROL, "max-age=86400")];
            (headers, picture.bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
