//! Which song is heard when.

use crate::audio::clean;
use crate::base::Seconds;
use crate::mix::MixPlan;
use crate::order::{EnergyCurve, agreement};
use crate::remix::RemixPlan;
use serde::Serialize;

/// Longest text of one field, in bytes.
const FIELD: usize = 200;

/// One stay with a song.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it begins.
    pub start: Seconds,
    /// Its artist, or nothing.
    pub artist: String,
    /// Its title or file name.
    pub title: String,
}

impl Entry {
    /// `hh:mm:ss artist - title`.
    pub fn line(&self) -> String {
        let whole = self.start.0.max(0.0) as u64;
        let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60);
        format!("{h:02}:{m:02}:{s:02} {}", self.name())
    }

    fn name(&self) -> String {
        match self.artist.is_empty() {
            true => self.title.clone(),
            false => format!("{} - {}", self.artist, self.title),
        }
    }
}

/// Every stay with a song in the order of time; with two voices a stay begins whenever either
/// changes its song, and both are named.
pub fn tracklist(plan: &RemixPlan) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut before = None;
    let beats = plan.voices.first().map_or(0, |v| v.beats.len());
    for beat in 0..beats {
        let mut now: Vec<usize> = plan.voices.iter().map(|v| v.beats[beat].song).collect();
        now.dedup();
        if before.as_ref() != Some(&now) {
            let at = if beat == 0 { Seconds(0.0) } else { plan.attacks[beat].seconds(plan.rate) };
            entries.push(entry(plan, at, &now));
            before = Some(now);
        }
    }
    entries
}

fn entry(plan: &RemixPlan, start: Seconds, songs: &[usize]) -> Entry {
    let join = |text: &dyn Fn(usize) -> String| {
        let parts: Vec<String> = songs.iter().map(|&s| text(s)).filter(|t| !t.is_empty()).collect();
        parts.join(" + ")
    };
    Entry {
        start,
        artist: join(&|s| clean(&plan.songs[s].artist, FIELD)),
        title: join(&|s| clean(&plan.songs[s].title, FIELD)),
    }
}

/// Every track of a mix in the order of time: each counts from where it is the louder one.
pub fn mix_tracklist(plan: &MixPlan) -> Vec<Entry> {
    let entry = |(track, start): (usize, Seconds)| Entry {
        start,
        artist: clean(&plan.tracks[track].artist, FIELD),
        title: clean(&plan.tracks[track].title, FIELD),
    };
    visits(plan).into_iter().map(entry).collect()
}

/// The plan's tracks as [`mix_tracklist`] counts them, and when.
pub(super) fn visits(plan: &MixPlan) -> Vec<(usize, Seconds)> {
    let mut visits: Vec<(usize, Seconds)> = Vec::new();
    for (planned, at) in plan.actions.iter().zip(plan.times()) {
        let (from, to) = planned.action.tracks();
        let half = planned.action.duration().0 / 2.0;
        for (track, start) in [(from, at), (to, Seconds(at.0 + half))] {
            if visits.last().is_none_or(|last| last.0 != track) {
                visits.push((track, start));
            }
        }
    }
    visits
}

/// How well the energy of a mix follows the curve that was asked for, as a rank correlation. `None`
/// where none was, or where nothing goes up or down.
pub fn energy_agreement(plan: &MixPlan) -> Option<f64> {
    let curve: EnergyCurve = plan.energy.parse().ok()?;
    let (visits, end) = (visits(plan), plan.duration().0.max(1e-9));
    let until = |i: usize| visits.get(i + 1).map_or(end, |next| next.1.0);
    let pair = |i: usize| {
        let middle = (visits[i].1.0 + until(i)) / 2.0;
        Some((curve.at(middle / end), plan.tracks[visits[i].0].energy?))
    };
    let (asked, found): (Vec<f64>, Vec<f64>) = (0..visits.len()).filter_map(pair).unzip();
    agreement(&asked, &found)
}

/// The curve of energy that was asked for and how well it is followed, in words.
pub fn energy_words(plan: &MixPlan) -> Option<String> {
    let asked = clean(&plan.energy, FIELD);
    let found =
        energy_agreement(plan).map(|r| format!(", followed by {r:.2} (1 is to the last song)"));
    (!asked.is_empty()).then(|| asked + &found.unwrap_or_default())
}

/// A hash that names a plan.
pub fn plan_hash<P: Serialize>(plan: &P) -> String {
    // A plan is plain data without maps, so writing it as JSON cannot fail.
    let json = serde_json::to_vec(plan).unwrap_or_default();
    blake3::hash(&json).to_hex().to_string()
}

/// The files of a mix as an extended M3U playlist, in the order they are played.
pub fn m3u(plan: &MixPlan) -> String {
    let mut text = String::from("#EXTM3U\n");
    for track in &plan.tracks {
        let name = match track.artist.is_empty() {
            true => clean(&track.title, FIELD),
            false => format!("{} - {}", clean(&track.artist, FIELD), clean(&track.title, FIELD)),
        };
        let path: String = track.path.chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!("#EXTINF:{:.0},{name}\n{path}\n", track.duration.0));
    }
    text
}
