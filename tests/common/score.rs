//! Rendered songs with a known form: sections of chords, with drums or without.
#![allow(dead_code, reason = "every test binary uses a part of this")]

use std::f64::consts::TAU;

use evermix::analysis::{TrackAnalysis, TrackAnalyzer};
use evermix::audio::AudioBuffer;
use evermix::base::SampleRate;

pub const RATE: f64 = 22_050.0;

/// Bars of four beats on a cycle of chords, each a root above C and whether it is minor.
#[derive(Clone, Copy)]
pub struct Section {
    pub chords: [(usize, bool); 4],
    pub bars: usize,
    pub drums: bool,
    /// Loudness of everything.
    pub gain: f64,
}

/// C, A minor, F, G.
pub const VERSE: Section = Section {
    chords: [(0, false), (9, true), (5, false), (7, false)],
    bars: 8,
    drums: true,
    gain: 1.0,
};

/// D minor, E minor, F, G in another colour: half the drums' beats are left to the chords.
pub const BRIDGE: Section =
    Section { chords: [(2, true), (4, true), (10, false), (5, false)], ..VERSE };

impl Section {
    pub fn bars(self, bars: usize) -> Section {
        Section { bars, ..self }
    }

    pub fn without_drums(self) -> Section {
        Section { drums: false, ..self }
    }
}

/// Seconds of a bar.
pub fn bar(bpm: f64) -> f64 {
    240.0 / bpm
}

/// Plays the sections one after the other: mono at [`RATE`], the first beat at 0.
pub fn perform(bpm: f64, sections: &[Section]) -> Vec<f32> {
    let bars: usize = sections.iter().map(|s| s.bars).sum();
    let mut out = vec![0.0f32; (bars as f64 * bar(bpm) * RATE) as usize];
    let mut at = 0.0;
    for section in sections {
        for i in 0..section.bars {
            play_bar(&mut out, at, bpm, section, section.chords[i % 4]);
            at += bar(bpm);
        }
    }
    out
}

fn play_bar(out: &mut [f32], at: f64, bpm: f64, section: &Section, chord: (usize, bool)) {
    let (beat, gain) = (60.0 / bpm, section.gain);
    let third = if chord.1 { 3 } else { 4 };
    for step in [0, third, 7] {
        let hz = 261.63 * 2f64.powf(((chord.0 + step) % 12) as f64 / 12.0);
        strike(out, at, 4.0 * beat, |t| 0.07 * gain * tone(hz, t) * (-0.4 * t).exp());
    }
    let bass = 65.41 * 2f64.powf(chord.0 as f64 / 12.0);
    for i in 0..4 {
        let time = at + f64::from(i) * beat;
        strike(out, time, 0.9 * beat, |t| 0.12 * gain * tone(bass, t) * (-3.0 * t).exp());
        if section.drums {
            drum(out, time, beat, i % 2 == 1, gain);
        }
    }
}

/// A kick or a snare on the beat, and a hi-hat on it and between.
fn drum(out: &mut [f32], at: f64, beat: f64, snare: bool, gain: f64) {
    let mut noise = white(at.to_bits() as u32);
    if snare {
        strike(out, at, 0.2, |t| 0.3 * gain * noise() * (-30.0 * t).exp());
    } else {
        let sweep = |t: f64| 50.0 * t + 3.0 * (1.0 - (-t * 40.0).exp());
        strike(out, at, 0.3, |t| 0.6 * gain * (TAU * sweep(t)).sin() * (-18.0 * t).exp());
    }
    for off in [0.0, 0.5] {
        let mut noise = white((at + off).to_bits() as u32 ^ 7);
        strike(out, at + off * beat, 0.05, |t| 0.12 * gain * noise() * (-90.0 * t).exp());
    }
}

/// Five harmonics.
fn tone(hz: f64, t: f64) -> f64 {
    (1..6).map(|k| (TAU * hz * f64::from(k) * t).sin() / f64::from(k)).sum()
}

/// Deterministic white noise.
pub fn white(mut seed: u32) -> impl FnMut() -> f64 {
    move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(seed >> 8) / f64::from(1u32 << 23) - 1.0
    }
}

fn strike(out: &mut [f32], at: f64, seconds: f64, mut wave: impl FnMut(f64) -> f64) {
    let start = (at * RATE).round() as usize;
    for (i, x) in out.iter_mut().skip(start).take((seconds * RATE) as usize).enumerate() {
        // Five milliseconds to end in, so that no note ends with a click.
        let t = i as f64 / RATE;
        let end = ((seconds - t) / 0.005).min(1.0);
        *x += (end * wave(t)) as f32;
    }
}

/// Analyses mono at [`RATE`].
pub fn analyse(samples: &[f32]) -> TrackAnalysis {
    let mut analyzer = TrackAnalyzer::new(SampleRate::ANALYSIS, 1).unwrap();
    for part in samples.chunks(10_000) {
        analyzer.push(&AudioBuffer { planes: vec![part.to_vec()] }).unwrap();
    }
    analyzer.finish().unwrap()
}
