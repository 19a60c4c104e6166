//! The ticks of one song, found in the sound of a whole mix by the energy of their band alone.

use std::f64::consts::TAU;

/// Length of the window that is looked through, in seconds: wide enough to part the bands.
const WINDOW: f64 = 0.004;
/// Distance of the places looked at.
const HOP: f64 = 0.000_5;
/// Ticks are at least this far apart.
const APART: f64 = 0.1;

/// One tick: the moment it is loudest, and how loud.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    pub time: f64,
    pub level: f64,
}

/// The amplitude of a band over time, one value every half millisecond.
pub fn band(sound: &[f32], rate: f64, hz: f64) -> Vec<f64> {
    let count = (WINDOW * rate) as usize;
    let window: Vec<(f64, f64)> = (0..count)
        .map(|i| {
            let hann = (TAU / 2.0 * (i as f64 + 0.5) / count as f64).sin().powi(2);
            let (sin, cos) = (TAU * hz * i as f64 / rate).sin_cos();
            (4.0 / count as f64 * hann * cos, 4.0 / count as f64 * hann * sin)
        })
        .collect();
    let places = (sound.len().saturating_sub(count) as f64 / (HOP * rate)) as usize;
    let at = |i: usize| {
        let part = &sound[(i as f64 * HOP * rate) as usize..];
        let sums = part
            .iter()
            .zip(&window)
            .fold((0.0, 0.0), |(c, s), (&x, w)| (c + f64::from(x) * w.0, s + f64::from(x) * w.1));
        sums.0.hypot(sums.1)
    };
    (0..places).map(at).collect()
}

/// The ticks in a band, those included that are down to a thirtieth of the loudest.
pub fn ticks(sound: &[f32], rate: u32, hz: f64) -> Vec<Tick> {
    let band = band(sound, f64::from(rate), hz);
    let least = band.iter().fold(0.0, |m: f64, &x| m.max(x)) / 30.0;
    let reach = (APART / HOP) as usize;
    let alone = |&i: &usize| {
        let around = &band[i.saturating_sub(reach)..(i + reach).min(band.len())];
        band[i] > least && around.iter().all(|&x| x <= band[i])
    };
    let tick = |i: usize| {
        let (a, b, c) = (band[i - 1], band[i], band[i + 1]);
        let peak = 0.5 * (a - c) / (a - 2.0 * b + c).min(-1e-12);
        Tick { time: (i as f64 + peak) * HOP + WINDOW / 2.0, level: b }
    };
    (1..band.len().saturating_sub(1)).filter(alone).map(tick).collect()
}

/// The ticks between two times.
pub fn between(ticks: &[Tick], from: f64, to: f64) -> Vec<Tick> {
    ticks.iter().filter(|t| (from..to).contains(&t.time)).copied().collect()
}

/// Sizes of the differences in ms between each tick and the nearest of another song, where one is
/// within a quarter of a second, in rising order.
pub fn apart(ours: &[Tick], theirs: &[Tick]) -> Vec<f64> {
    let nearest = |t: &Tick| {
        let far = theirs.iter().map(|u| (u.time - t.time).abs()).min_by(f64::total_cmp);
        far.filter(|&f| f < 0.25).map(|f| 1_000.0 * f)
    };
    let mut all: Vec<f64> = ours.iter().filter_map(nearest).collect();
    all.sort_by(f64::total_cmp);
    all
}

/// The value below which that share of rising values lies.
pub fn share(rising: &[f64], share: f64) -> f64 {
    rising[(share * (rising.len() - 1) as f64).round() as usize]
}

/// Mean time from tick to tick.
pub fn period(ticks: &[Tick]) -> f64 {
    (ticks[ticks.len() - 1].time - ticks[0].time) / (ticks.len() - 1) as f64
}
