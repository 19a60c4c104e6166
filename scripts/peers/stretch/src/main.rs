//! Compares our tempo changes with Signalsmith Stretch on songs: speed, how attacks keep their
//! place and their edge, and how clean steady tones stay.
//!
//! cargo run --release -- SONG...

use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use evermix::analysis::{AttackFinder, TrackAnalyzer};
use evermix::audio::splice::Wave;
use evermix::audio::{AudioBuffer, Reel};
use evermix::base::{Limits, Result, SampleRate, Seconds, Seed};
use evermix::mix::{
    Action, Beat, MIX_SCHEMA, MixPlan, Part, PlanTrack, Renderer, Span, Style, TrackSound,
};

const RATE: SampleRate = SampleRate::CD;
/// Tempo factors tried: above 1 is faster.
const FACTORS: [f64; 4] = [0.92, 0.96, 1.04, 1.08];

/// Sound in memory.
#[derive(Clone)]
struct Held(AudioBuffer);

impl Wave for Held {
    fn read(&mut self, range: Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        out.planes.resize(2, Vec::new());
        for (plane, all) in out.planes.iter_mut().zip(&self.0.planes) {
            plane.clear();
            plane.extend(
                range.clone().map(|i| {
                    usize::try_from(i).ok().and_then(|i| all.get(i)).copied().unwrap_or(0.0)
                }),
            );
        }
        Ok(())
    }
}

/// Our engine: every beat as long as the factor says.
fn ours(sound: &AudioBuffer, beats: &[f64], factor: f64) -> AudioBuffer {
    let spans =
        beats.windows(2).map(|w| Span { start: Seconds(w[0]), duration: Seconds(w[1] - w[0]) });
    let stretched = spans.map(|span| Beat { span, length: Seconds(span.duration.0 / factor) });
    let span =
        Span { start: Seconds(beats[0]), duration: Seconds(beats[beats.len() - 1] - beats[0]) };
    let action = Action::Playback { track: 0, span, beats: stretched.collect() };
    let duration = Seconds(sound.frames() as f64 / RATE.as_f64());
    let plan = MixPlan {
        schema: MIX_SCHEMA,
        version: String::new(),
        style: Style::Dj,
        seed: Seed(0),
        rate: RATE,
        loudness: evermix::base::Lufs(-14.0),
        overrides: Vec::new(),
        tracks: vec![PlanTrack { path: "song".into(), duration, ..PlanTrack::default() }],
        actions: vec![action.into()],
    };
    let held = Held(sound.clone());
    let open = move |_: usize, _: bool| {
        Ok(TrackSound { parts: vec![(Part::All, Box::new(held.clone()) as Box<dyn Wave + Send>)] })
    };
    let mut renderer = Renderer::new(&plan, &open);
    let (mut block, mut out) = (AudioBuffer::new(2), AudioBuffer::new(2));
    while renderer.next_block(&mut block).is_ok() && !block.is_empty() {
        out.extend(&block);
    }
    out
}

/// Signalsmith Stretch with its default settings, its delay taken off.
fn theirs(sound: &AudioBuffer, from: f64, to: f64, factor: f64) -> AudioBuffer {
    let frame = |t: f64| (t * RATE.as_f64()).round() as usize;
    let planes: Vec<Vec<f32>> =
        sound.planes.iter().map(|p| p[frame(from)..frame(to).min(p.len())].to_vec()).collect();
    let mut stretch = ssstretch::Stretch::new();
    stretch.preset_default(2, RATE.hz() as f32);
    let total = planes[0].len();
    let delay =
        (f64::from(stretch.input_latency()) / factor) as usize + stretch.output_latency() as usize;
    let wanted = (total as f64 / factor) as usize + delay;
    let mut out = AudioBuffer::new(2);
    let (mut taken, mut given) = (0usize, 0usize);
    while given < wanted {
        let n = 1024.min(wanted - given);
        let until = ((given + n) as f64 * factor) as usize;
        let part: Vec<Vec<f32>> = planes
            .iter()
            .map(|p| (taken..until).map(|i| p.get(i).copied().unwrap_or(0.0)).collect())
            .collect();
        let mut made = vec![vec![0.0; n]; 2];
        stretch.process_vec(&part, (until - taken) as i32, &mut made, n as i32);
        out.extend(&AudioBuffer { planes: made });
        (taken, given) = (until, given + n);
    }
    out.drop_front(delay);
    out
}

/// Attacks before and after: median and 95th percentile of the error in ms, and how much of their
/// rise was lost in dB (median).
fn attacks(sound: &AudioBuffer, made: &AudioBuffer, beats: &[f64], factor: f64) -> [f64; 3] {
    let finder = |sound: &AudioBuffer| {
        let mut mono = Vec::new();
        sound.mono_into(&mut mono);
        AttackFinder::new(&mono, RATE)
    };
    let (before, after) = (finder(sound), finder(made));
    let (mut errors, mut lost) = (Vec::new(), Vec::new());
    for &beat in &beats[1..beats.len() - 1] {
        let reach = Seconds(0.05);
        let Some(old) = before.near(Seconds(beat), reach) else { continue };
        let due = (old.0 - beats[0]) / factor;
        let Some(new) = after.near(Seconds(due), reach) else {
            lost.push(20.0);
            continue;
        };
        errors.push((new.0 - due).abs() * 1_000.0);
        lost.push(20.0 * f64::from(before.rise_at(old) / after.rise_at(new)).log10());
    }
    [quantile(&mut errors, 0.5), quantile(&mut errors, 0.95), quantile(&mut lost, 0.5)]
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (share * values.len().saturating_sub(1) as f64).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// What a chord of steady tones gains in noise: power further than 15 Hz from any partial, in dB
/// below the chord.
fn noise(made: &AudioBuffer, partials: &[f64]) -> f64 {
    let n = 1 << 16;
    let start = made.frames() / 4;
    let x = &made.planes[0][start..start + n];
    let window = |i: usize| 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / n as f64).cos();
    let mut total = 0.0;
    for (i, &x) in x.iter().enumerate() {
        total += (f64::from(x) * window(i)).powi(2);
    }
    // Power near the partials, by projection on a grid of frequencies around each.
    let step = RATE.as_f64() / n as f64;
    let mut near = 0.0;
    for &hz in partials {
        let reach = (15.0 / step) as i64;
        for k in -reach..=reach {
            let bin = ((hz / step).round() as i64 + k) as f64 * step;
            let (mut re, mut im) = (0.0, 0.0);
            let turn = std::f64::consts::TAU * bin / RATE.as_f64();
            for (i, &x) in x.iter().enumerate() {
                let (s, c) = (turn * i as f64).sin_cos();
                re += f64::from(x) * window(i) * c;
                im += f64::from(x) * window(i) * s;
            }
            near += 2.0 * (re * re + im * im) / n as f64;
        }
    }
    10.0 * ((total - near).max(1e-12 * total) / total).log10()
}

fn tones() {
    let partials = [110.0, 164.81, 220.0, 277.18, 329.63, 440.0, 659.26];
    let seconds = 16.0;
    let frames = (seconds * RATE.as_f64()) as usize;
    let plane: Vec<f32> = (0..frames)
        .map(|i| {
            let t = i as f64 / RATE.as_f64();
            let sum: f64 = partials
                .iter()
                .enumerate()
                .map(|(k, hz)| (std::f64::consts::TAU * hz * t + k as f64).sin())
                .sum();
            (0.1 * sum) as f32
        })
        .collect();
    let sound = AudioBuffer { planes: vec![plane.clone(), plane] };
    let beats: Vec<f64> = (0..31).map(|i| 0.5 * f64::from(i)).collect();
    println!("\nA chord of seven steady tones: noise in dB below it");
    println!("tempo  ours  Signalsmith");
    for factor in FACTORS {
        let a = noise(&ours(&sound, &beats, factor), &partials);
        let b = noise(&theirs(&sound, 0.0, 15.0, factor), &partials);
        println!("x{factor:.2}  {a:5.1}  {b:5.1}");
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    println!(
        "song, tempo: ms off (median, p95), dB of attack lost, times real time; ours | Signalsmith"
    );
    let mut sums: Vec<[f64; 8]> = Vec::new();
    for path in std::env::args().skip(1) {
        let limits = Limits::default();
        let mut reel = Reel::open(Path::new(&path), &limits, RATE)?;
        let mut sound = AudioBuffer::default();
        reel.read(0..(90.0 * RATE.as_f64()) as i64, &mut sound)?;
        let mut analyzer = TrackAnalyzer::new(RATE, 2)?;
        analyzer.push(&sound)?;
        let Some(rhythm) = analyzer.finish()?.rhythm else { continue };
        let beats: Vec<f64> = rhythm.beats.iter().map(|b| b.0).collect();
        let last = beats[beats.len() - 1];
        for factor in FACTORS {
            let start = Instant::now();
            let a = ours(&sound, &beats, factor);
            let ours_took = start.elapsed().as_secs_f64();
            let start = Instant::now();
            let b = theirs(&sound, beats[0], last, factor);
            let theirs_took = start.elapsed().as_secs_f64();
            let length = (last - beats[0]) / factor;
            let (x, y) = (attacks(&sound, &a, &beats, factor), attacks(&sound, &b, &beats, factor));
            let (mine, other) = (length / ours_took, length / theirs_took);
            println!(
                "{} x{factor:.2}: {:.1} {:.1} {:.1} dB {mine:.0} | {:.1} {:.1} {:.1} dB {other:.0}",
                path.rsplit('/').next().unwrap_or_default(),
                x[0],
                x[1],
                x[2],
                y[0],
                y[1],
                y[2]
            );
            sums.push([x[0], x[1], x[2], mine, y[0], y[1], y[2], other]);
        }
    }
    let mean = |k: usize| {
        let known: Vec<f64> = sums.iter().map(|s| s[k]).filter(|x| x.is_finite()).collect();
        known.iter().sum::<f64>() / known.len().max(1) as f64
    };
    println!(
        "mean: {:.1} {:.1} {:.1} dB {:.0} | {:.1} {:.1} {:.1} dB {:.0}",
        mean(0),
        mean(1),
        mean(2),
        mean(3),
        mean(4),
        mean(5),
        mean(6),
        mean(7)
    );
    tones();
    Ok(())
}
