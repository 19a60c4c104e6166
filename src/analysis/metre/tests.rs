use super::*;

/// Curves of a recording whose every sixteenth is described by a pattern of a bar: strengths of
/// low, low middle, upper middle and top, and the harmonic change.
fn curves(
    sixteenth: usize,
    bars: usize,
    pattern: &[[f32; FEATURES]],
) -> ([Vec<f32>; REGISTERS], Vec<f32>) {
    let hops = sixteenth * pattern.len() * bars + 1;
    let mut registers: [Vec<f32>; REGISTERS] = std::array::from_fn(|_| vec![0.0; hops]);
    let mut harmony = vec![0.7; hops];
    for step in 0..pattern.len() * bars {
        let hop = step * sixteenth;
        for (register, strength) in registers.iter_mut().zip(pattern[step % pattern.len()]) {
            register[hop] = strength;
        }
        harmony[hop] = pattern[step % pattern.len()][REGISTERS];
    }
    (registers, harmony)
}

const NONE: [f32; FEATURES] = [0.0, 0.0, 0.0, 0.0, 0.7];
const KICK: [f32; FEATURES] = [3.5, 2.0, 1.0, 1.5, 0.8];
const KICK_AND_CHORD: [f32; FEATURES] = [4.0, 2.5, 1.5, 2.0, 2.5];
const SNARE: [f32; FEATURES] = [0.5, 2.0, 3.5, 3.5, 0.7];
const HAT: [f32; FEATURES] = [0.0, 0.1, 0.6, 2.0, 0.7];

fn rock() -> Vec<[f32; FEATURES]> {
    let mut bar = vec![NONE; 16];
    bar.iter_mut().step_by(2).for_each(|step| *step = HAT);
    (bar[0], bar[4], bar[8], bar[12]) = (KICK_AND_CHORD, SNARE, KICK, SNARE);
    bar[10] = KICK;
    bar
}

fn waltz() -> Vec<[f32; FEATURES]> {
    let mut bar = vec![NONE; 12];
    (bar[0], bar[4], bar[8]) = (KICK_AND_CHORD, SNARE, SNARE);
    bar
}

/// A pulse at every `stride` hops, the first at `offset`.
fn pulse(offset: usize, stride: usize, hops: usize) -> Vec<f64> {
    (offset..hops).step_by(stride).map(|hop| hop as f64).collect()
}

#[test]
fn the_beat_is_found_from_its_half_its_double_and_the_off_beat() {
    // 10.75 hops a sixteenth would be 120 BPM; 11 hops are 117.
    let (registers, harmony) = curves(11, 32, &rock());
    let hops = harmony.len();
    for (offset, stride) in [(0, 44), (22, 44), (0, 88), (0, 22), (11, 22)] {
        let beats = read(&registers, &harmony, &pulse(offset, stride, hops)).beats;
        let right = beats.iter().filter(|&&beat| (beat as usize).is_multiple_of(44)).count();
        assert!(right * 10 >= beats.len() * 9, "pulse {offset}+{stride}: {beats:?}");
        assert!(beats.len() >= 110, "pulse {offset}+{stride}: {} of 128 beats", beats.len());
    }
}

#[test]
fn the_pulse_of_the_beat_is_more_plausible_than_one_that_runs_across_it() {
    let (registers, harmony) = curves(12, 32, &rock());
    let plausible =
        |stride| read(&registers, &harmony, &pulse(0, stride, harmony.len())).plausibility;
    for across in [36, 64, 60] {
        assert!(plausible(48) > plausible(across), "every {across} hops");
    }
}

#[test]
fn bars_of_four_and_three_open_with_kick_and_chord() {
    for (pattern, per_bar) in [(rock(), 4), (waltz(), 3)] {
        let (registers, harmony) = curves(11, 32, &pattern);
        // Beats are counted from the second of a bar on.
        let beats = pulse(44, 44, harmony.len());
        let chords: Vec<f32> =
            (1..=beats.len()).map(|i| if i % per_bar == 0 { 2.0 } else { 0.5 }).collect();
        let (positions, found) = positions(&registers, &harmony, &chords, &beats);
        assert_eq!(usize::from(found), per_bar);
        for (i, &position) in positions.iter().enumerate() {
            assert_eq!(usize::from(position), (i + 1) % per_bar + 1, "beat {i} of {per_bar}");
        }
    }
}

#[test]
fn a_missing_beat_breaks_the_bar_once_and_only_once() {
    let mut downbeats: Vec<bool> = (0..64).map(|i| i % 4 == 1).collect();
    let whole = unbroken(4, &downbeats);
    assert!(whole.iter().enumerate().all(|(i, &p)| usize::from(p) == (i + 3) % 4 + 1));
    downbeats.remove(30);
    let path = unbroken(4, &downbeats);
    let breaks = path.windows(2).filter(|w| w[1] != w[0] % 4 + 1).count();
    assert_eq!(breaks, 1, "{path:?}");
    assert!(path[33..].iter().enumerate().all(|(i, &p)| (p == 1) == ((i + 33) % 4 == 0)));
}

#[test]
fn nothing_and_next_to_nothing_are_no_trouble() {
    let (registers, harmony) = curves(11, 1, &rock());
    assert!(read(&registers, &harmony, &[]).beats.is_empty());
    assert_eq!(read(&registers, &harmony, &[5.0]).beats, [5.0]);
    for beats in 0..12 {
        let beats = pulse(0, 10, beats * 10);
        let (positions, per_bar) = positions(&registers, &harmony, &[], &beats);
        assert_eq!(positions.len(), beats.len());
        assert!(positions.iter().all(|p| (1..=per_bar).contains(p)));
        read(&registers, &harmony, &beats);
    }
}
