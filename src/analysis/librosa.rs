//! The feature vector of the original Infinite Remixer, number for number: what librosa 0.11 gives
//! for one clip of 22 050 Hz mono. Kept for comparison with data sets made by the original; our
//! own features are those of [`super::beat_features`].

use super::chroma::{ChromaBank, N_CHROMA, normalise_by_max};
use super::mel::{MelBank, N_MELS};
use super::mfcc::{Dct, N_MFCC};
use super::stft::{BINS, Framer, HOP, N_FFT, PowerSpectrum};
use super::tuning::{Tuning, clip_tuning};
use crate::base::SampleRate;

/// Values of a vector: twelve chroma means, then thirteen MFCC means.
pub const LIBROSA_VALUES: usize = N_CHROMA + N_MFCC;

/// Names of the values, after those of [`super::FEATURE_NAMES`].
#[rustfmt::skip]
pub const LIBROSA_NAMES: [&str; LIBROSA_VALUES] = [
    "chroma_mean_c", "chroma_mean_cs", "chroma_mean_d", "chroma_mean_ds",
    "chroma_mean_e", "chroma_mean_f", "chroma_mean_fs", "chroma_mean_g",
    "chroma_mean_gs", "chroma_mean_a", "chroma_mean_as", "chroma_mean_b",
    "mfcc_mean_0", "mfcc_mean_1", "mfcc_mean_2", "mfcc_mean_3", "mfcc_mean_4",
    "mfcc_mean_5", "mfcc_mean_6", "mfcc_mean_7", "mfcc_mean_8", "mfcc_mean_9",
    "mfcc_mean_10", "mfcc_mean_11", "mfcc_mean_12",
];

/// Least power, and range below the clip's loudest mel band, of librosa's `power_to_db`.
const LEAST_POWER: f32 = 1e-10;
const TOP_DB: f32 = 80.0;

/// Twelve chroma means, then thirteen MFCC means of one clip at 22 050 Hz.
///
/// Equals `chroma_stft` and `mfcc` of librosa 0.11 with `n_fft=1024, hop_length=512`, averaged over
/// time. An empty clip counts as one sample of silence; NaN and infinite samples as silence.
pub fn librosa_beat_vector(mono_22050: &[f32], tuning: Tuning) -> [f32; LIBROSA_VALUES] {
    let power = power_spectra(mono_22050);
    let rate = SampleRate::ANALYSIS.as_f64();
    let tuning = match tuning {
        Tuning::Given(semitones) => semitones,
        Tuning::PerClip => clip_tuning(&power, rate, N_FFT),
    };
    let chroma = chroma_mean(&power, &ChromaBank::new(rate, N_FFT, tuning));
    let mfcc = mfcc_mean(&power, &MelBank::new(rate, N_FFT));
    std::array::from_fn(|i| match i.checked_sub(N_CHROMA) {
        None => chroma[i],
        Some(k) => mfcc[k],
    })
}

/// Tuning of a clip as `librosa.feature.chroma_stft` estimates it inside, in semitones.
pub fn librosa_clip_tuning(mono_22050: &[f32]) -> f32 {
    let rate = SampleRate::ANALYSIS.as_f64();
    clip_tuning(&power_spectra(mono_22050), rate, N_FFT)
}

/// Power spectra of the clip, one after the other.
fn power_spectra(mono: &[f32]) -> Vec<f32> {
    let mut spectrum = PowerSpectrum::new(N_FFT);
    let mut power = Vec::with_capacity((mono.len() / HOP + 1) * BINS);
    let mut framer = Framer::new(N_FFT, HOP);
    framer.push(mono, |_, block| power.extend_from_slice(spectrum.of(block)));
    framer.finish(|_, block| power.extend_from_slice(spectrum.of(block)));
    power
}

fn chroma_mean(power: &[f32], bank: &ChromaBank) -> [f32; N_CHROMA] {
    let mut sums = [0.0f64; N_CHROMA];
    for spectrum in power.chunks_exact(BINS) {
        let mut chroma = bank.apply(spectrum);
        normalise_by_max(&mut chroma);
        add(&mut sums, &chroma);
    }
    sums.map(|sum| (sum / (power.len() / BINS) as f64) as f32)
}

fn mfcc_mean(power: &[f32], bank: &MelBank) -> [f32; N_MFCC] {
    let decibels = |p: f32| 10.0 * p.max(LEAST_POWER).log10();
    let mut mels = vec![[0.0; N_MELS]; power.len() / BINS];
    let mut loudest = decibels(0.0);
    for (mel, spectrum) in mels.iter_mut().zip(power.chunks_exact(BINS)) {
        bank.apply(spectrum, mel);
        *mel = mel.map(decibels);
        loudest = mel.iter().fold(loudest, |max, &db| max.max(db));
    }
    let dct = Dct::new();
    let mut sums = [0.0f64; N_MFCC];
    for mel in &mels {
        let mfcc = dct.apply(&mel.map(|db| db.max(loudest - TOP_DB)));
        add(&mut sums, &mfcc);
    }
    sums.map(|sum| (sum / mels.len() as f64) as f32)
}

fn add<const N: usize>(sums: &mut [f64; N], values: &[f32; N]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += f64::from(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::path::{Path, PathBuf};

    /// Folder of the conformance vectors, unless this machine has none.
    fn vectors() -> Option<PathBuf> {
        let shared = std::env::var_os("EVERMIX_SHARED").unwrap_or_else(|| "../shared".into());
        let folder = Path::new(&shared).join("vectors");
        if folder.join("ir_features.json").is_file() {
            return Some(folder);
        }
        eprintln!("skipped: no conformance vectors in {}", folder.display());
        None
    }

    fn numbers(value: &Value) -> Vec<f32> {
        let list = value.as_array().unwrap();
        list.iter().map(|x| x.as_f64().unwrap() as f32).collect()
    }

    fn read(path: &Path) -> Vec<f32> {
        let mut wav = hound::WavReader::open(path).unwrap();
        wav.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32768.0).collect()
    }

    fn clip(folder: &Path, case: &Value) -> Vec<f32> {
        let at = |key: &str| case[key].as_u64().unwrap() as usize;
        match case["name"].as_str().unwrap() {
            // The two cases whose input the file does not spell out.
            "edge_1_sample" => read(&folder.join("ir_a.wav"))[5000..5001].to_vec(),
            "edge_impulse_2048" => (0..2048).map(|n| f32::from(n == 1024)).collect(),
            _ => {
                read(&folder.join(case["file"].as_str().unwrap()))[at("start")..at("end")].to_vec()
            }
        }
    }

    /// Largest difference in chroma, and in MFCC relative to `max(|value|, 1)`.
    fn differences(found: &[f32; LIBROSA_VALUES], wanted: &[f32]) -> (f32, f32) {
        let mut worst = (0.0f32, 0.0f32);
        for (i, (f, w)) in found.iter().zip(wanted).enumerate() {
            assert!(f.is_finite());
            if i < N_CHROMA {
                worst.0 = worst.0.max((f - w).abs());
            } else {
                worst.1 = worst.1.max((f - w).abs() / w.abs().max(1.0));
            }
        }
        worst
    }

    #[test]
    fn reproduces_librosa_on_every_conformance_case() {
        let Some(folder) = vectors() else { return };
        let text = std::fs::read_to_string(folder.join("ir_features.json")).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let mut worst = [0.0f32; 3];
        for case in file["cases"].as_array().unwrap() {
            let audio = clip(&folder, case);
            let tuning = case["tuning"].as_f64().unwrap() as f32;
            let estimated = librosa_clip_tuning(&audio);
            assert!((estimated - tuning).abs() < 1e-4, "{}", case["name"]);

            let wanted = numbers(&case["vector"]);
            for tuning in [Tuning::Given(tuning), Tuning::PerClip] {
                let (chroma, mfcc) = differences(&librosa_beat_vector(&audio, tuning), &wanted);
                worst[0] = worst[0].max(chroma);
                worst[1] = worst[1].max(mfcc);
            }
            let plain = librosa_beat_vector(&audio, Tuning::Given(0.0));
            // The edge cases are tuned to 0 anyway.
            let key = ["vector", "chroma_mean_tuning0"]
                .into_iter()
                .rfind(|&key| case.get(key).is_some())
                .unwrap();
            let wanted = &numbers(&case[key])[..N_CHROMA];
            worst[2] = worst[2].max(differences(&plain, wanted).0);
        }
        eprintln!("worst: chroma {}, MFCC {}, chroma at tuning 0 {}", worst[0], worst[1], worst[2]);
        assert!(worst.iter().all(|&w| w < 1e-4), "{worst:?}");
    }

    /// Golden numbers from scripts/reference/librosa_beat_vector.py.
    #[test]
    fn reproduces_librosa_on_a_formula() {
        #[rustfmt::skip]
        let estimated = [
            0.003816, 0.009354, 0.068936, 0.452918, 1.0, 0.690152,
            0.084571, 0.035159, 0.175954, 0.066644, 0.005552, 0.003222,
            -503.39307, 112.89243, 60.20407, 14.90193, -16.87303, -24.63477, -15.08044,
            -2.83514, -2.46183, -18.46343, -43.49391, -63.08823, -65.05901,
        ];
        let concert_pitch = [
            0.003905, 0.01077, 0.080565, 0.539798, 1.0, 0.649129, 0.06645, 0.043515, 0.178312,
            0.052871, 0.004869, 0.003186,
        ];
        let turn = std::f64::consts::TAU / 22_050.0;
        let mut clip: Vec<f64> = (0..11_000)
            .map(|n| {
                let n = f64::from(n);
                let dying = 0.2 * (-n / 4000.0).exp() * (turn * 833.0 * n).sin();
                0.3 * (turn * 330.5 * n).sin() + dying
            })
            .collect();
        clip[5000] += 0.5;
        let clip: Vec<f32> = clip.iter().map(|&x| x as f32).collect();

        assert!((librosa_clip_tuning(&clip) + 0.09).abs() < 1e-4);
        for (tuning, wanted) in [
            (Tuning::PerClip, &estimated[..]),
            (Tuning::Given(-0.09), &estimated[..]),
            (Tuning::Given(0.0), &concert_pitch[..]),
        ] {
            let (chroma, mfcc) = differences(&librosa_beat_vector(&clip, tuning), wanted);
            assert!(chroma < 1e-4 && mfcc < 1e-4, "{tuning:?}: {chroma} {mfcc}");
        }
    }

    #[test]
    fn silence_reads_minus_a_hundred_decibels_in_every_band() {
        for length in [0, 1, 512, 5000] {
            let vector = librosa_beat_vector(&vec![0.0; length], Tuning::PerClip);
            assert!(vector[..N_CHROMA].iter().all(|&c| c == 0.0));
            assert!((vector[N_CHROMA] + 100.0 * 128f32.sqrt()).abs() < 1e-2);
            assert!(vector[N_CHROMA + 1..].iter().all(|c| c.abs() < 1e-3));
        }
    }

    #[test]
    fn nonsense_gives_finite_values() {
        for bad in [f32::NAN, f32::INFINITY, f32::MAX, 1e6] {
            let mut audio = vec![0.1; 3000];
            audio[700] = bad;
            let vector = librosa_beat_vector(&audio, Tuning::Given(f32::NAN));
            assert!(vector.iter().all(|v| v.is_finite()), "{bad}");
        }
    }
}
