//! Plans as text that people can read and change: one line a track, one line a beat.

use std::fmt::Write as _;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::plan::{MixPlan, Planned};

/// Times are told to the microsecond.
const STEPS: f64 = 1e6;

impl Planned {
    /// As it stands in the text of a plan.
    pub fn rounded(self) -> Planned {
        as_written(self)
    }
}

/// A part of a plan with its numbers as they are written.
fn as_written<T: Serialize + DeserializeOwned>(part: T) -> T {
    let value = serde_json::to_value(&part).map(rounded);
    // A plan is plain data: it always has a JSON form, and that form is a plan.
    value.and_then(serde_json::from_value).unwrap_or(part)
}

impl MixPlan {
    /// The same plan with all times rounded as its text tells them, so that a plan and its text
    /// render alike.
    pub fn rounded(self) -> MixPlan {
        as_written(self)
    }

    /// The plan as JSON, laid out for editing.
    pub fn text(&self) -> String {
        let mut text = String::from("{\n");
        let mut field = |name: &str, value: String, last: bool| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, " \"{name}\": {value}{}", if last { "" } else { "," });
        };
        field("schema", json(&self.schema), false);
        field("version", json(&self.version), false);
        field("style", json(&self.style), false);
        field("seed", json(&self.seed), false);
        field("rate", json(&self.rate), false);
        field("loudness", json(&self.loudness), false);
        if !self.energy.is_empty() {
            field("energy", json(&self.energy), false);
        }
        field("overrides", list(&self.overrides), false);
        field("tracks", list(&self.tracks), false);
        field("actions", list(&self.actions), true);
        text.push_str("}\n");
        text
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// One line an element, and one a beat inside of it.
fn list<T: Serialize>(elements: &[T]) -> String {
    if elements.is_empty() {
        return "[]".into();
    }
    // A quote inside a text is written as `\"`, so none of these patterns lies within one.
    let line = |element: &T| {
        json(element)
            .replace("\"beats\":[{", "\"beats\":[\n    {")
            .replace("},{\"from\":{", "},\n    {\"from\":{")
            .replace("},{\"start\":", "},\n    {\"start\":")
            .replace(",\"lanes\":[{", ",\n   \"lanes\":[\n    {")
            .replace("},{\"side\":", "},\n    {\"side\":")
            .replace(",\"why\":{", ",\n   \"why\":{")
    };
    let lines: Vec<String> = elements.iter().map(|e| format!("  {}", line(e))).collect();
    format!("[\n{}\n ]", lines.join(",\n"))
}

fn rounded(value: Value) -> Value {
    match value {
        Value::Number(n) if n.is_f64() => {
            let x = n.as_f64().unwrap_or_default();
            serde_json::Number::from_f64((x * STEPS).round() / STEPS)
                .map_or(Value::Null, Value::Number)
        }
        Value::Array(values) => values.into_iter().map(rounded).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, rounded(v))).collect(),
        other => other,
    }
}
