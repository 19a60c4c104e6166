//! Songs at other rates: the same drums in the same place.

use super::*;

const RATES: [u32; 8] = [4_000, 8_000, 22_050, 32_000, 44_101, 48_000, 96_000, 192_000];

fn rate(hz: u32) -> SampleRate {
    SampleRate::new(hz).unwrap()
}

/// Keeps everything and counts what it hears.
#[derive(Default)]
struct Counting {
    heard: usize,
    processed: usize,
}

impl Separator for Counting {
    fn id(&self) -> &str {
        "counting"
    }
    fn hears_first(&self) -> bool {
        true
    }
    fn hear(&mut self, mix: &[&[f32]]) -> Result<()> {
        assert_eq!(self.processed, 0);
        self.heard += mix[0].len();
        Ok(())
    }
    fn process(&mut self, mix: &[&[f32]], drums: &mut [Vec<f32>]) -> Result<()> {
        self.processed += mix[0].len();
        drums.iter_mut().zip(mix).for_each(|(drums, mix)| drums.extend_from_slice(mix));
        Ok(())
    }
    fn finish(&mut self, _drums: &mut [Vec<f32>]) -> Result<()> {
        assert_eq!(self.heard, self.processed, "all of the song is heard first");
        *self = Counting::default();
        Ok(())
    }
}

fn run(separator: &mut dyn Separator, mix: &[f32], block: usize) -> Vec<f32> {
    let mut drums = [Vec::new()];
    mix.chunks(block).for_each(|part| separator.hear(&[part]).unwrap());
    mix.chunks(block).for_each(|part| separator.process(&[part], &mut drums).unwrap());
    separator.finish(&mut drums).unwrap();
    let [drums] = drums;
    drums
}

fn tone(hz: u32, frames: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU * 440.0 / f64::from(hz);
    (0..frames).map(|i| (step * i as f64).sin() as f32).collect()
}

#[test]
fn what_is_kept_comes_back_in_its_place() {
    for hz in RATES {
        let mix = tone(hz, hz as usize + 17);
        let mut separator = Resampled::new(Counting::default(), SampleRate::CD, rate(hz), 1);
        let drums = run(&mut separator, &mix, 1_000);
        assert_eq!(drums.len(), mix.len());
        let margin = hz as usize / 5;
        let inner = margin..mix.len() - margin;
        let worst = inner.map(|i| (drums[i] - mix[i]).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{hz} Hz: {worst}");
    }
}

#[test]
fn every_length_comes_back_and_the_song_before_is_forgotten() {
    for hz in RATES {
        let mut separator = Resampled::new(Counting::default(), SampleRate::CD, rate(hz), 1);
        for frames in (0..12).chain([100, 101, 4_095, 10_001]) {
            let mix = tone(hz, frames);
            let drums = run(&mut separator, &mix, 777);
            assert_eq!(drums.len(), frames, "{hz} Hz");
            let mut fresh = Resampled::new(Counting::default(), SampleRate::CD, rate(hz), 1);
            assert!(run(&mut fresh, &mix, 10_001) == drums, "{hz} Hz, {frames} frames");
        }
    }
}

#[test]
fn broken_samples_stay_where_they_are() {
    let mut mix = tone(48_000, 48_000);
    let whole = mix.clone();
    mix[24_000] = f32::NAN;
    let mut separator = Resampled::new(Counting::default(), SampleRate::CD, rate(48_000), 1);
    let drums = run(&mut separator, &mix, 1_000);
    assert!(drums.iter().all(|x| x.is_finite()));
    let worst = (30_000..40_000).map(|i| (drums[i] - whole[i]).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-3, "{worst}");
}

#[test]
fn the_drums_of_a_song_do_not_depend_on_its_rate() {
    use crate::separation::Compact;
    let convert = |x: &[f32], from: u32, to: u32| {
        let mut resampler = Resampler::new(rate(from), rate(to), 1).unwrap();
        let mut out = AudioBuffer::new(1);
        resampler.push(&AudioBuffer { planes: vec![x.to_vec()] }, &mut out).unwrap();
        resampler.finish(&mut out).unwrap();
        out.planes.swap_remove(0)
    };
    let mut state = 1u32;
    let song: Vec<f32> = (0..66_150)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(state >> 8) / f64::from(1 << 23) - 1.0;
            let t = f64::from(i) / 44_100.0;
            let burst = noise * (-t.rem_euclid(0.25) / 0.02).exp();
            (0.3 * (std::f64::consts::TAU * 220.0 * t).sin() + 0.4 * burst) as f32
        })
        .collect();
    let drums = run(&mut Compact::new(1).unwrap(), &song, 4_096);
    for hz in [48_000, 96_000] {
        let inner = Compact::new(1).unwrap();
        let mut separator = Resampled::new(inner, SampleRate::CD, rate(hz), 1);
        let found = run(&mut separator, &convert(&song, 44_100, hz), 4_096);
        let found = convert(&found, hz, 44_100);
        let energy = |x: f32| f64::from(x) * f64::from(x);
        let (mut signal, mut error) = (0.0, 0.0);
        for (a, b) in drums.iter().zip(&found).skip(11_025).take(44_100) {
            (signal, error) = (signal + energy(*a), error + energy(a - b));
        }
        let figure = 10.0 * f64::log10(signal / error);
        eprintln!("{hz} Hz: {figure:.1} dB");
        assert!(figure > 20.0, "{hz} Hz: {figure}");
    }
}
