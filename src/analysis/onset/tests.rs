use super::*;

fn analyse(samples: &[f32], block: usize) -> OnsetEnvelope {
    let mut analyzer = OnsetAnalyzer::new();
    samples.chunks(block).for_each(|b| analyzer.push(b));
    analyzer.finish()
}

fn tone(hz: f32, seconds: f32) -> Vec<f32> {
    let step = std::f32::consts::TAU * hz / 22_050.0;
    (0..(seconds * 22_050.0) as usize).map(|i| 0.5 * (step * i as f32).sin()).collect()
}

#[test]
fn blocks_of_any_size_give_the_same_curves() {
    let samples: Vec<f32> = (0..30_011).map(|i| ((i * i) as f32 * 1e-4).sin() * 0.4).collect();
    let whole = analyse(&samples, samples.len());
    assert_eq!(whole.len(), 30_011usize.div_ceil(HOP));
    assert_eq!(whole.chroma().len(), whole.len().div_ceil(CHROMA_HOPS));
    for block in [1, 7, 255, 256, 1_024, 4_099] {
        assert_eq!(analyse(&samples, block), whole, "blocks of {block}");
    }
}

#[test]
fn a_low_note_and_a_high_note_rise_in_their_own_registers() {
    for (hz, register) in [(80.0, 0), (400.0, 1), (1_500.0, 2), (5_000.0, 3)] {
        let mut samples = vec![0.0; 20 * HOP];
        samples.extend(tone(hz, 0.5));
        // Faded in, for an abrupt start is heard in every register.
        for i in 0..1_000 {
            samples[20 * HOP + i] *= i as f32 / 1_000.0;
        }
        let envelope = analyse(&samples, 512);
        let total: Vec<f32> =
            (0..REGISTERS).map(|r| envelope.flux().iter().map(|f| f[r]).sum()).collect();
        assert!(total.iter().all(|&t| t <= total[register]), "{hz} Hz: {total:?}");
    }
}

#[test]
fn vibrato_is_no_onset() {
    let mut phase = 0.0f64;
    let note: Vec<f32> = (0..66_150)
        .map(|i| {
            let wobble = (std::f64::consts::TAU * 6.0 * f64::from(i) / 22_050.0).sin();
            phase += std::f64::consts::TAU * (1_000.0 + 15.0 * wobble) / 22_050.0;
            0.5 * phase.sin() as f32
        })
        .collect();
    let flux: Vec<f32> = analyse(&note, 512).flux().iter().map(|f| f[2]).collect();
    let attack = flux[..6].iter().copied().fold(0.0, f32::max);
    let held = flux[20..200].iter().copied().fold(0.0, f32::max);
    assert!(held < 0.1 * attack, "held {held}, attack {attack}");
}

#[test]
fn chroma_names_the_pitch_class() {
    // Counted from A: 440 Hz is class 0, in the melody half; C3 is class 3, in the bass half.
    for (hz, class) in [(440.0, 12), (130.8, 3), (329.6, 12 + 7)] {
        let envelope = analyse(&tone(hz, 1.0), 512);
        let column = envelope.chroma()[10];
        assert!(column.iter().all(|&c| c <= column[class]), "{hz} Hz: {column:?}");
    }
}

#[test]
fn values_that_are_no_numbers_count_as_silence() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30];
    let envelope = analyse(&odd.repeat(2_000), 33);
    assert!(envelope.flux().iter().flatten().all(|x| x.is_finite()));
    assert!(envelope.level().iter().all(|x| x.is_finite()));
    assert!(analyse(&[], 1).is_empty());
    assert_eq!(analyse(&[0.1], 1).len(), 1);
}
