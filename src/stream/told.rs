//! What watchers are told, as JSON. The schema of segments is the original's, and more.

use std::sync::Arc;

use serde_json::{Value, json};

use super::board::width;
use super::source::{News, Segment, SegmentTrack, SongCard};
use super::station::Station;
use crate::audio::is_direction_mark;
use crate::base::Seconds;

/// One thing told to all who watch.
#[derive(Debug)]
pub struct Told {
    /// Its name.
    pub name: &'static str,
    /// What there is to say.
    pub data: String,
}

impl Told {
    /// News of the mix; notes are not for everybody.
    pub fn news(station: &Station, news: &News) -> Option<Told> {
        let (name, data) = match news {
            News::Planned(segment) => ("segment", plain(&action(station, segment, Detail::Peaks))),
            News::Gone(from) => ("gone", json!({ "from": from }).to_string()),
            News::Note(_) => return None,
        };
        Some(Told { name, data })
    }

    /// How many listen.
    pub fn listeners(count: usize) -> Told {
        Told { name: "listener_count", data: json!({ "listener_count": count }).to_string() }
    }

    /// The same as the original's sockets had it: `{"segment": ...}`.
    pub fn as_message(&self) -> String {
        match self.name {
            "segment" | "gone" => format!("{{\"{}\":{}}}", self.name, self.data),
            _ => self.data.clone(),
        }
    }
}

/// JSON that is mere text wherever it ends up: in a terminal, in a page, in a line of events. What
/// could be more is escaped, which is the same to whoever reads JSON.
pub fn plain(value: &Value) -> String {
    let odd = |c: char| {
        c.is_control() || is_direction_mark(c) || "<>&\u{2028}\u{2029}\u{feff}".contains(c)
    };
    let text = value.to_string();
    if !text.contains(odd) {
        return text;
    }
    let mut plain = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if odd(c) {
            plain += &format!("\\u{:04x}", u32::from(c));
        } else {
            plain.push(c);
        }
    }
    plain
}

/// How much is told of a segment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// No picture.
    Plain,
    /// The peaks it can be drawn from.
    Peaks,
    /// Peaks, and the picture the original's clients show.
    Picture,
}

/// A segment.
pub fn action(station: &Station, segment: &Segment, detail: Detail) -> Value {
    let rate = station.rate();
    let seconds = segment.frames as f64 / rate;
    let mut value = json!({
        "id": segment.id,
        "action": segment.action,
        "duration": seconds,
        "samples": segment.frames,
        "time": station.wall(Seconds(segment.start as f64 / rate)),
        "width": width(segment, rate),
        "beats": segment.beats,
        "downbeats": segment.downbeats,
        "why": segment.why.as_deref(),
        "tracks": segment.tracks.iter().map(|t| track(t, detail)).collect::<Vec<_>>(),
    });
    if detail == Detail::Picture {
        value["waveform"] = super::waveform::picture(segment, width(segment, rate)).into();
    }
    value
}

fn track(track: &SegmentTrack, detail: Detail) -> Value {
    let mut value = json!({
        "start": track.start.0,
        "end": track.end.0,
        "metadata": song(&track.song),
    });
    if detail != Detail::Plain {
        value["peaks"] = track.peaks.clone().into();
    }
    value
}

/// A song.
pub fn song(song: &SongCard) -> Value {
    json!({
        "id": song.id,
        "title": song.title,
        "artist": song.artist,
        "album": song.album,
        "genre": song.genre,
        "duration": (1e3 * song.duration.0).round(),
        "tempo": song.tempo,
        "key": song.key,
        "camelot": song.camelot,
        "colour": song.colour,
        "artwork_url": artwork_url(song),
        "user": { "username": song.artist },
    })
}

/// Where its picture is.
pub fn artwork_url(song: &SongCard) -> Option<String> {
    song.artwork.as_ref().map(|_| format!("/artwork/{}", song.id))
}

/// The songs heard, the last first.
pub fn history(station: &Station) -> Value {
    let board = station.board();
    let entry = |(time, song): &(f64, Arc<SongCard>)| {
        json!({
            "time": time,
            "id": song.id,
            "title": song.title,
            "artist": song.artist,
            "album": song.album,
            "colour": song.colour,
            "artwork_url": artwork_url(song),
        })
    };
    board.history().rev().map(entry).collect()
}
