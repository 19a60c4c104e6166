//! Reading the recorded numbers.

use evermix::base::{Bpm, Decibels, Seconds};
use evermix::mix::Span;
use evermix::mix::capsule::{Segment, Track};
use serde_json::Value;

use super::common::shared;

/// A file of vectors, unless this machine has none.
pub fn vectors(name: &str) -> Option<Value> {
    let path = shared("vectors")?.join(name);
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

pub fn whole(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}")) as usize
}

pub fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

pub fn matrix<const W: usize>(value: &Value) -> Vec<[f32; W]> {
    let row = |row: &Value| {
        let row: Vec<f32> = numbers(row).iter().map(|&x| x as f32).collect();
        row.try_into().unwrap()
    };
    list(value).iter().map(row).collect()
}

/// `[start, duration]` pairs.
pub fn spans(value: &Value) -> Vec<Span> {
    let span = |pair: &Value| Span { start: seconds(&pair[0]), duration: seconds(&pair[1]) };
    list(value).iter().map(span).collect()
}

pub fn seconds(value: &Value) -> Seconds {
    Seconds(number(value))
}

/// A full analysis.
pub fn track(value: &Value) -> Track {
    let segment = |s: &Value| {
        let span = Span { start: seconds(&s[0]), duration: seconds(&s[1]) };
        let timbre: Vec<f32> = numbers(&s[2]).iter().map(|&x| x as f32).collect();
        Segment { span, timbre: timbre.try_into().unwrap() }
    };
    Track {
        duration: seconds(&value["duration"]),
        loudness: Decibels(number(&value["loudness"])),
        tempo: Bpm(number(&value["tempo"])),
        end_of_fade_in: seconds(&value["end_of_fade_in"]),
        start_of_fade_out: seconds(&value["start_of_fade_out"]),
        beats: spans(&value["beats"]),
        segments: list(&value["segments"]).iter().map(segment).collect(),
    }
}

/// How far numbers may be off, as a file states it.
#[derive(Clone, Copy)]
pub struct Tolerance {
    abs: f64,
    rel: f64,
}

impl Tolerance {
    pub fn of(file: &Value) -> Tolerance {
        let tolerance = &file["tolerance"];
        let rel = tolerance["rel"].as_f64().unwrap_or(0.0);
        Tolerance { abs: number(&tolerance["abs"]), rel }
    }

    pub fn near(self, found: f64, wanted: f64, what: &str) {
        let off = (found - wanted).abs();
        assert!(off <= self.abs + self.rel * wanted.abs(), "{what}: {found}, not {wanted}");
    }

    pub fn all_near(self, found: impl IntoIterator<Item = f64>, wanted: &Value, what: &str) {
        let found: Vec<f64> = found.into_iter().collect();
        let wanted = numbers(wanted);
        assert_eq!(found.len(), wanted.len(), "{what}");
        for (i, (found, wanted)) in found.into_iter().zip(wanted).enumerate() {
            self.near(found, wanted, &format!("{what}, number {i}"));
        }
    }

    pub fn rows_near<const W: usize>(self, found: &[[f32; W]], wanted: &Value, what: &str) {
        assert_eq!(found.len(), list(wanted).len(), "{what}");
        for (i, (row, wanted)) in found.iter().zip(list(wanted)).enumerate() {
            self.all_near(row.iter().map(|&x| f64::from(x)), wanted, &format!("{what}, row {i}"));
        }
    }
}
