//! Beats found by other programs or by people, from files.
//!
//! Text (`.beats`, `.txt`): one beat a line, seconds and optionally the position in the bar. JAMS
//! (`.jams`): the first annotation of beats. JSON: what `remix analyze --json` prints.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::context::Context;
use crate::analysis::tracker::Beats;
use crate::base::{Error, ErrorKind, Result, Seconds};

/// Endings tried, in this order.
const ENDINGS: [&str; 4] = ["beats", "txt", "jams", "json"];
/// Beats may lie this many seconds beyond the end: decoders differ in what they cut off.
const SLACK: f64 = 0.1;
/// The longest bar.
const LONGEST_BAR: f64 = 64.0;

/// Beats as they stand in a file.
#[derive(Clone, Debug)]
pub struct FileBeats {
    /// The file.
    pub path: PathBuf,
    /// blake3 of its content.
    pub hash: blake3::Hash,
    /// What it says.
    pub beats: Beats,
    /// Where each beat stands: `line 12`, `beat 12`.
    places: Vec<String>,
}

impl FileBeats {
    /// Finds and reads the beats of a song called `name`: `<name>.beats`, `<name without
    /// ending>.beats`, and so on for the other endings.
    ///
    /// # Errors
    /// `Unusable` where there is no such file, or naming what in it makes no sense.
    pub fn of(context: &Context<'_>, folder: &Path, name: &str) -> Result<FileBeats> {
        let path = find(context, folder, name)?;
        let unusable = |why: String| {
            Error::new(ErrorKind::Unusable, "cannot read the beats").at(&path).because(why)
        };
        let limit = context.limits.max_json_bytes;
        let bytes = context.fs.read(&path, limit).map_err(|e| unusable(e.to_string()))?;
        let hash = blake3::hash(&bytes);
        let text = String::from_utf8(bytes).map_err(|_| unusable("it is not text".to_string()))?;
        let json = path.extension().is_some_and(|e| e == "jams" || e == "json");
        let rows = if json { from_json(&text, name) } else { from_lines(&text) };
        let (beats, places) = rows.and_then(checked).map_err(|why| nonsense(&path, &why))?;
        Ok(FileBeats { path, hash, beats, places })
    }

    /// Makes sure that no beat lies beyond the end of the song.
    ///
    /// # Errors
    /// `Unusable` naming the first beat that does.
    pub fn within(&self, length: Seconds) -> Result<()> {
        let beyond = self.beats.times.iter().position(|t| t.0 > length.0 + SLACK);
        let Some(i) = beyond else { return Ok(()) };
        let (place, time) = (&self.places[i], self.beats.times[i].0);
        Err(nonsense(
            &self.path,
            &format!("{place}: {time} s, but the song ends at {:.2} s", length.0),
        ))
    }
}

fn nonsense(path: &Path, why: &str) -> Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Error::new(ErrorKind::Unusable, "beats that make no sense")
        .at(path)
        .because(format!("{name}, {why}"))
}

fn find(context: &Context<'_>, folder: &Path, name: &str) -> Result<PathBuf> {
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
    let mut names = vec![name.to_string()];
    if stem != name {
        names.push(stem.into_owned());
    }
    let paths =
        names.iter().flat_map(|n| ENDINGS.map(|ending| folder.join(format!("{n}.{ending}"))));
    let is_file = |path: &PathBuf| context.fs.metadata(path).is_ok_and(|m| !m.is_dir);
    paths.clone().find(is_file).ok_or_else(|| {
        let shortest = names.last().map_or(name, String::as_str);
        Error::new(ErrorKind::Unusable, "no beats for this song").at(folder).because(format!(
            "looked for {shortest}.{{{}}} in {}",
            ENDINGS.join(","),
            folder.display()
        ))
    })
}

/// One beat of a file: where it stands, its time, its position in the bar.
struct Row {
    place: String,
    time: f64,
    position: Option<f64>,
}

fn from_lines(text: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let place = format!("line {}", i + 1);
        let mut words =
            line.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty());
        let Some(first) = words.next().filter(|word| !word.starts_with('#')) else { continue };
        let number = |word: &str| {
            let shown: String = word.chars().take(40).collect();
            word.parse::<f64>().map_err(|_| format!("{place}: not a number: {shown}"))
        };
        let time = number(first)?;
        let position =
            words.next().filter(|word| !word.starts_with('#')).map(number).transpose()?;
        rows.push(Row { place, time, position });
    }
    Ok(rows)
}

fn from_json(text: &str, song: &str) -> Result<Vec<Row>, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if let Some(annotations) = value.get("annotations").and_then(Value::as_array) {
        return from_jams(annotations);
    }
    let Some(tracks) = value.get("tracks").and_then(Value::as_array) else {
        return Err("neither JAMS nor the output of remix analyze --json".to_string());
    };
    let named = |track: &&Value| {
        let path = track.get("path").and_then(Value::as_str).unwrap_or_default();
        Path::new(path).file_name().is_some_and(|name| name == song)
    };
    let track = tracks.iter().find(named).or(if tracks.len() == 1 { tracks.first() } else { None });
    from_track(track.ok_or_else(|| format!("none of its tracks is {song}"))?)
}

/// A track of ours: times of all beats, times of the downbeats among them.
fn from_track(track: &Value) -> Result<Vec<Row>, String> {
    let list = |name: &str| -> Result<Vec<f64>, String> {
        let list = track.get(name).and_then(Value::as_array);
        let values = list.into_iter().flatten().enumerate();
        let number = |(i, x): (usize, &Value)| {
            x.as_f64().ok_or_else(|| format!("{name} {}: not a number", i + 1))
        };
        values.map(number).collect()
    };
    let (times, downbeats) = (list("beats")?, list("downbeats")?);
    let opens: Vec<bool> = times.iter().map(|t| downbeats.contains(t)).collect();
    let seconds = times.iter().map(|&t| Seconds(t)).collect();
    let positions = Beats::with_downbeats(seconds, &opens).positions;
    let position = |i: usize| positions.as_ref().map(|p| f64::from(p[i]));
    let row = |(i, &time)| Row { place: format!("beat {}", i + 1), time, position: position(i) };
    Ok(times.iter().enumerate().map(row).collect())
}

/// The first annotation of beats with positions, or else the first of beats.
fn from_jams(annotations: &[Value]) -> Result<Vec<Row>, String> {
    let space = |name: &str| annotations.iter().find(|a| a["namespace"] == name);
    let found = space("beat_position").or_else(|| space("beat"));
    let data = &found.ok_or("no annotation is of namespace beat or beat_position")?["data"];
    let observations: Vec<(&Value, &Value)> = match data {
        Value::Array(list) => list.iter().map(|o| (&o["time"], &o["value"])).collect(),
        // The older layout: one list a field.
        _ => {
            let column = |name: &str| data[name].as_array().into_iter().flatten();
            column("time").zip(column("value")).collect()
        }
    };
    let row = |(i, (time, value)): (usize, (&Value, &Value))| {
        let place = format!("beat {}", i + 1);
        let time = time.as_f64().ok_or_else(|| format!("{place}: the time is not a number"))?;
        let position = value.get("position").unwrap_or(value).as_f64();
        Ok(Row { place, time, position })
    };
    observations.into_iter().enumerate().map(row).collect()
}

/// Rows as beats, if they can be any.
fn checked(rows: Vec<Row>) -> Result<(Beats, Vec<String>), String> {
    if rows.is_empty() {
        return Err("no beats in it".to_string());
    }
    let mut last = f64::NEG_INFINITY;
    for Row { place, time, position } in &rows {
        if !time.is_finite() {
            return Err(format!("{place}: {time} is not a time"));
        }
        if *time < 0.0 {
            return Err(format!("{place}: {time} s is before the song"));
        }
        if *time <= last {
            return Err(format!("{place}: {time} s does not come after {last} s"));
        }
        last = *time;
        let whole = |p: &f64| p.fract() == 0.0 && (1.0..=LONGEST_BAR).contains(p);
        if let Some(bad) = position.filter(|p| !whole(p)) {
            return Err(format!("{place}: {bad} is not a position in a bar (1, 2, 3 ...)"));
        }
    }
    let positions = rows.iter().map(|row| row.position.map(|p| p as u8)).collect();
    let times = rows.iter().map(|row| Seconds(row.time)).collect();
    Ok((Beats { times, positions }, rows.into_iter().map(|row| row.place).collect()))
}

#[cfg(test)]
mod tests;
