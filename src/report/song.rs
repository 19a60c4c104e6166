//! What is known of a song, as JSON for programs and as three lines for people.

use serde::Serialize;

use crate::analysis::{KeyEstimate, Phrase, TempoPoint, TrackAnalysis};
use crate::audio::Tags;
use crate::base::{Bpm, Seconds};

/// Longest line of text for people, in characters.
const LINE: usize = 100;
/// A key less sure than this is told together with the next.
const UNSURE: f64 = 0.2;

/// A song to be told of.
#[derive(Clone, Copy, Debug)]
pub struct SongView<'a> {
    /// The file.
    pub path: &'a str,
    /// Its tags.
    pub tags: &'a Tags,
    /// Anything worth knowing about the file.
    pub note: &'a str,
    /// What found the beats.
    pub tracker: &'a str,
    /// What was heard.
    pub track: &'a TrackAnalysis,
}

/// One entry of `tracks` in `analyze --json`. Times are in seconds from the start of the file.
/// Keys may be added; none changes its meaning.
#[derive(Debug, Serialize)]
pub struct SongJson<'a> {
    /// The file as typed.
    path: &'a str,
    /// From its tags; empty where it has none.
    title: &'a str,
    /// From its tags; empty where it has none.
    artist: &'a str,
    /// Length of the file.
    duration: f64,
    /// Median beats a minute; null without a steady beat, and then no beats either.
    tempo: Option<f64>,
    /// Attack times of the beats.
    beats: Vec<f64>,
    /// Those of them that open a bar.
    downbeats: Vec<f64>,
    /// Beats a bar: 4, 3 or 2 with our own tracker; null without a steady beat.
    beats_per_bar: Option<u8>,
    /// How regular the pulse is, 0 to 1; 0 without a steady beat.
    confidence: f32,
    /// How sure each beat is, 0 to 1; as long as `beats`.
    beat_confidence: &'a [f32],
    /// Tempo around every downbeat, over four beats on either side.
    tempo_curve: Vec<TempoJson>,
    /// `A minor`; null where no pitch class stands out.
    key: Option<String>,
    /// The same on the Camelot wheel: `8A`.
    camelot: Option<String>,
    /// Correlation with the key's profile, -1 to 1; above 0.7 the song is in one key.
    key_strength: f64,
    /// How far the key leads over the second, 0 to 1.
    key_confidence: f64,
    /// The key it is most easily mistaken for.
    second_key: Option<String>,
    /// Share of each pitch class from C, the largest being 1.
    pitch_classes: &'a [f32],
    /// How far it is tuned above A = 440 Hz, in hundredths of a semitone.
    tuning_cents: f64,
    /// Integrated loudness (ITU-R BS.1770-5); -120 for silence.
    loudness_lufs: f64,
    /// Loudness range (EBU Tech 3342).
    loudness_range_lu: f64,
    /// Loudness of the 3 s around every whole second, from 0 s.
    short_term_lufs: Vec<f64>,
    /// True peak (ITU-R BS.1770-5); -120 for silence.
    true_peak_dbtp: f64,
    /// How loud, dense and lively it is, 0 to 1.
    energy: f32,
    /// How well one can dance to it, 0 to 1.
    danceability: f32,
    /// When it becomes audible.
    sound_start: f64,
    /// When it has died away.
    sound_end: f64,
    /// End of the fade-in; null if it does not fade in.
    fade_in_end: Option<f64>,
    /// Start of the fade-out; null if it does not fade out.
    fade_out_start: Option<f64>,
    /// Where the song proper begins after a thinner intro; null if there is none.
    intro_end: Option<f64>,
    /// Where a thinner outro begins; null if there is none.
    outro_start: Option<f64>,
    /// Phrases without gaps, from the first bar (or a pickup of half a bar or more) on.
    phrases: &'a [Phrase],
    /// Anything wrong with the file; empty where all is well.
    note: &'a str,
    /// What found the beats.
    tracker: &'a str,
    /// Raised whenever the same song would be heard differently.
    analysis_version: u32,
}

/// Tempo at one moment.
#[derive(Debug, Serialize)]
struct TempoJson {
    time: f64,
    bpm: f64,
}

impl From<&TempoPoint> for TempoJson {
    fn from(point: &TempoPoint) -> Self {
        TempoJson { time: point.time.0, bpm: point.tempo.0 }
    }
}

impl<'a> SongView<'a> {
    /// The song for programs.
    pub fn json(&self) -> SongJson<'a> {
        let track = self.track;
        let rhythm = track.rhythm.as_ref();
        let seconds = |times: &[Seconds]| times.iter().map(|t| t.0).collect::<Vec<_>>();
        let (key, form, edges) = (track.key, track.form.as_ref(), &track.edges);
        SongJson {
            path: self.path,
            title: &self.tags.title,
            artist: &self.tags.artist,
            duration: track.duration.0,
            tempo: rhythm.map(|r| r.tempo.0),
            beats: rhythm.map(|r| seconds(&r.beats)).unwrap_or_default(),
            downbeats: rhythm.map(|r| r.downbeats().map(|t| t.0).collect()).unwrap_or_default(),
            beats_per_bar: rhythm.map(|r| r.beats_per_bar),
            confidence: rhythm.map_or(0.0, |r| r.confidence),
            beat_confidence: rhythm.map_or(&[], |r| &r.beat_confidence),
            tempo_curve: rhythm
                .map(|r| r.tempo_curve.iter().map(TempoJson::from).collect())
                .unwrap_or_default(),
            key: key.map(|k| k.key.name()),
            camelot: key.map(|k| k.key.camelot()),
            key_strength: key.map_or(0.0, |k| k.strength),
            key_confidence: key.map_or(0.0, |k| k.confidence),
            second_key: key.map(|k| k.second.name()),
            pitch_classes: &track.pitch_classes,
            tuning_cents: (f64::from(track.tuning) * 1_000.0).round() / 10.0,
            loudness_lufs: track.loudness.integrated.0,
            loudness_range_lu: track.loudness.range,
            short_term_lufs: track.loudness.short_term.iter().map(|&l| hundredths(l)).collect(),
            true_peak_dbtp: track.loudness.true_peak,
            energy: track.energy,
            danceability: track.danceability,
            sound_start: edges.start.0,
            sound_end: edges.end.0,
            fade_in_end: edges.fade_in_end.map(|t| t.0),
            fade_out_start: edges.fade_out_start.map(|t| t.0),
            intro_end: form.and_then(|f| f.intro_end).map(|t| t.0),
            outro_start: form.and_then(|f| f.outro_start).map(|t| t.0),
            phrases: form.map_or(&[], |f| &f.phrases),
            note: self.note,
            tracker: self.tracker,
            analysis_version: track.version,
        }
    }

    /// The song for people: three lines.
    pub fn lines(&self) -> String {
        let name = format!("{}  {}", self.path, self.track.duration);
        let name = name.replace(char::is_control, "\u{fffd}");
        let note = if self.note.is_empty() { String::new() } else { format!("  ({})", self.note) };
        let music = format!("{}, {}, {}", self.tempo(), self.key(), self.form());
        format!("{name}{note}\n  {}\n  {}\n", cut(&music, LINE), self.levels())
    }

    /// `124.0 BPM in 4/4`
    pub fn tempo(&self) -> String {
        let Some(rhythm) = &self.track.rhythm else { return "no steady beat".to_string() };
        let steady = match tempo_range(&rhythm.tempo_curve) {
            Some((low, high)) if high.0 / low.0 > 1.08 => {
                format!(" ({:.0} to {:.0})", low.0, high.0)
            }
            _ => String::new(),
        };
        format!("{:.1} BPM{steady} in {}/4", rhythm.tempo.0, rhythm.beats_per_bar)
    }

    /// `A minor (8A)`, and the second-best key where it is close.
    pub fn key(&self) -> String {
        let Some(KeyEstimate { key, second, confidence, .. }) = self.track.key else {
            return "no key".to_string();
        };
        let or = if confidence < UNSURE { format!(" or {}", second.name()) } else { String::new() };
        format!("{} ({}){or}", key.name(), key.camelot())
    }

    /// `-9.8 LUFS, range 5.2 LU, peak -0.1 dBTP, energy 0.71, danceability 0.80`
    pub fn levels(&self) -> String {
        let (track, loudness) = (self.track, &self.track.loudness);
        format!(
            "{:.1} LUFS, range {:.1} LU, peak {:.1} dBTP, energy {:.2}, danceability {:.2}",
            loudness.integrated.0,
            loudness.range,
            loudness.true_peak,
            track.energy,
            track.danceability
        )
    }

    /// `form A8 A8 B8 A8, intro to 0:15, fades out from 3:01`
    pub fn form(&self) -> String {
        let edges = &self.track.edges;
        let form = self.track.form.as_ref();
        let told = [
            Some(form.map_or("no form".to_string(), |form| format!("form {}", form.summary()))),
            edges.fade_in_end.map(|t| format!("fades in to {t}")),
            form.and_then(|f| f.intro_end).map(|t| format!("intro to {t}")),
            form.and_then(|f| f.outro_start).map(|t| format!("outro from {t}")),
            edges.fade_out_start.map(|t| format!("fades out from {t}")),
        ];
        told.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Slowest and fastest tempo, the outermost twentieths left out.
pub fn tempo_range(curve: &[TempoPoint]) -> Option<(Bpm, Bpm)> {
    let mut tempi: Vec<f64> = curve.iter().map(|point| point.tempo.0).collect();
    tempi.sort_by(f64::total_cmp);
    let spared = tempi.len() / 20;
    Some((Bpm(*tempi.get(spared)?), Bpm(*tempi.get(tempi.len() - 1 - spared)?)))
}

fn hundredths(x: f32) -> f64 {
    (f64::from(x) * 100.0).round() / 100.0
}

/// The first `most` characters, with an ellipsis where more follow.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most - 1).chain(['\u{2026}']).collect(),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_to_the_character() {
        assert_eq!(cut("ééé", 3), "ééé");
        assert_eq!(cut("éééé", 3), "éé…");
    }

    #[test]
    fn the_range_of_a_tempo_leaves_out_strays() {
        let point = |bpm| TempoPoint { time: Seconds(0.0), tempo: Bpm(bpm) };
        let mut curve = vec![point(120.0); 38];
        curve.extend([point(60.0), point(240.0)]);
        assert_eq!(tempo_range(&curve), Some((Bpm(120.0), Bpm(120.0))));
        assert_eq!(tempo_range(&[]), None);
    }
}
