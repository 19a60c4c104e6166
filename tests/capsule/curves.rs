//! Gain laws: against the original's sound, as tables, and cut into blocks of any size.

use evermix::mix::curve::{fade_in, fade_out, power_smooth, soft_limit};
use evermix::mix::{Curve, Lane, Part, Side};
use proptest::prelude::*;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

use super::vectors::{Tolerance, list, number, numbers, vectors, whole};

/// Vectors are at 16-bit scale.
const SCALE: f64 = 32_768.0;

fn limited(sample: f64) -> f64 {
    f64::from(soft_limit((sample / SCALE) as f32)) * SCALE
}

#[test]
fn limiter_and_fades_sound_as_the_original_did() {
    let Some(file) = vectors("capsule_dsp.json") else { return };
    let (tolerance, mut heard) = (Tolerance::of(&file), 0);
    for case in list(&file["cases"]) {
        let (name, input) = (case["name"].as_str().unwrap(), &case["input"]);
        let found: Vec<f64> = match name {
            "limiter" => numbers(input).into_iter().map(limited).collect(),
            _ if name.starts_with("fadeout") => faded(input, fade_out),
            _ if name.starts_with("fadein") => faded(input, fade_in),
            _ => continue,
        };
        tolerance.all_near(found, &case["expected"], name);
        heard += 1;
    }
    assert!(heard >= 5);
}

fn faded(input: &Value, law: fn(u64, u64) -> f32) -> Vec<f64> {
    let n = whole(&input["n"]) as u64;
    let level = number(&input["const"]) * number(&input["gain"]);
    (0..n).map(|i| limited(level * f64::from(law(i, n)))).collect()
}

#[test]
fn crossfades_sound_as_the_original_did() {
    let Some(file) = vectors("capsule_dsp.json") else { return };
    let (tolerance, mut heard) = (Tolerance::of(&file), 0);
    for case in list(&file["cases"]).iter().filter(|c| c["input"].get("mode").is_some()) {
        let (name, input) = (case["name"].as_str().unwrap(), &case["input"]);
        let (from, to, wanted) = (list(&input["a"]), list(&input["b"]), list(&case["expected"]));
        let linear = input["mode"] == "linear";
        let curve = if linear { Curve::Linear } else { Curve::Power06 };
        for (i, (from, to)) in from.iter().zip(to).enumerate() {
            let (out, come) = curve.gains(i as u64, wanted.len() as u64);
            let mix = |(a, b): (f64, f64)| {
                let sum = f64::from(out) * a + f64::from(come) * b;
                if linear { sum } else { limited(sum) }
            };
            let found = numbers(from).into_iter().zip(numbers(to)).map(mix);
            tolerance.all_near(found, &wanted[i], &format!("{name}, frame {i}"));
        }
        heard += 1;
    }
    assert_eq!(heard, 2);
}

/// Compares a table with the snapshot of that name.
fn table(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots/curves")
        .join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name}: UPDATE_SNAPSHOTS=1 if this is meant");
}

#[test]
fn the_curves_of_transitions_are_these() {
    for (name, curve) in [
        ("linear", Curve::Linear),
        ("power_0.6", Curve::Power06),
        ("equal_power", Curve::EqualPower),
    ] {
        let mut text = String::from("frame of 16    out     in  power\n");
        for frame in 0..=16 {
            let (out, come) = curve.gains(frame, 16);
            let power = out * out + come * come;
            writeln!(text, "{frame:>11} {out:>6.4} {come:>6.4} {power:>6.4}").unwrap();
        }
        table(name, &text);
    }
}

#[test]
fn fades_lanes_and_the_soft_limiter_are_these() {
    let mut text = String::from("frame of 8     in    out\n");
    for frame in 0..=8 {
        let (rise, fall) = (fade_in(frame, 8), fade_out(frame, 8));
        writeln!(text, "{frame:>10} {rise:>6.4} {fall:>6.4}").unwrap();
    }
    table("fades", &text);
    let lane = Lane { side: Side::To, part: Part::Bass, points: vec![(2.0, 0.25), (6.0, 1.0)] };
    let mut text = String::from("beat   gain\n");
    for half in 0..=16 {
        let beat = f64::from(half) / 2.0;
        writeln!(text, "{beat:>4} {:>6.4}", lane.gain_at(beat)).unwrap();
    }
    table("lane", &text);
    let mut text = String::from("sample limited\n");
    for tenth in 0..=20 {
        let sample = tenth as f32 / 10.0;
        writeln!(text, "{sample:>6.1} {:>7.5}", soft_limit(sample)).unwrap();
    }
    table("soft_limit", &text);
}

proptest! {
    #[test]
    fn a_transition_is_the_same_however_it_is_cut(
        total in 1u64..4_000, cuts in prop::collection::vec(1usize..700, 1..12),
    ) {
        for curve in [Curve::Linear, Curve::Power06, Curve::EqualPower] {
            let whole: Vec<(f32, f32)> = (0..total).map(|i| curve.gains(i, total)).collect();
            let (mut blocks, mut cut) = (Vec::new(), cuts.iter().cycle());
            while (blocks.len() as u64) < total {
                let (start, length) = (blocks.len() as u64, *cut.next().unwrap() as u64);
                let end = total.min(start + length);
                blocks.extend((0..end - start).map(|i| curve.gains(start + i, total)));
            }
            prop_assert_eq!(&blocks, &whole);
            let falls = |pair: &[(f32, f32)]| pair[0].0 >= pair[1].0 && pair[0].1 <= pair[1].1;
            prop_assert!(whole.windows(2).all(falls), "no sawtooth");
            prop_assert!(whole.iter().all(|(o, c)| (0.0..=1.0).contains(o) && (0.0..=1.0).contains(c)));
            prop_assert_eq!(whole[0].0, 1.0);
        }
    }

    #[test]
    fn a_smooth_gain_stays_between_its_ends(a in 0f32..2.0, b in 0f32..2.0, share in -0.5f64..1.5) {
        let gain = power_smooth(a, b, share);
        prop_assert!(gain >= a.min(b) - 1e-6 && gain <= a.max(b) + 1e-6);
        let back = power_smooth(b, a, 1.0 - share);
        prop_assert!((gain - back).abs() < 1e-6, "the way back is the same");
        let other = power_smooth(a, b, 1.0 - share);
        let (sum, ends) = (gain * gain + other * other, a * a + b * b);
        prop_assert!((sum - ends).abs() < 1e-4, "the power of both ways together stays");
    }
}
