//! The rule that weighs beats against what lies between them.

use super::super::onset::REGISTERS;
use super::{CLIP, FEATURES, WIDTH};

/// Weights of the evidence, by logistic regression on rendered clips, rounded: preferred tempo
/// (per squared octave), beats against off-beats in the upper registers and in harmony,
/// alternation of strong and weak beats, harmony gathered on one beat of four.
const TEMPO_WEIGHT: f32 = 4.0;
const ACCENT_WEIGHT: f32 = 0.7;
const HARMONY_WEIGHT: f32 = 0.6;
const ALTERNATION_WEIGHT: f32 = 0.5;
const BAR_WEIGHT: f32 = 1.2;
/// Cost of a reading whose every other beat falls on silence, and what counts as silence there.
const SILENT_WEIGHT: f32 = 8.0;
const HEARD: f32 = 0.5;
/// Cost of a reading whose every other beat is silent from end to end: a slow click is no fast one.
/// The network never saw bare clicks, so this must be able to overrule it.
const EMPTY_WEIGHT: f32 = 100.0;
/// The share from which on it is every other beat: music may pause for a while.
const ALL: f32 = 0.8;
/// Cost of beats that nothing tells from what lies half-way between them, and the likeness from
/// which on they cannot be told apart: then what lies between are beats as well.
const SAME_WEIGHT: f32 = 20.0;
const SAME: f32 = 0.9;
/// Where the features of the beat itself and of the moment half-way to the next begin.
const ON: usize = 0;
const BETWEEN: usize = 3 * FEATURES;
const HARMONY: usize = REGISTERS;

/// Log-plausibility of one reading of a chunk, up to a constant.
pub(super) fn plausibility(beats: &[&[f32; WIDTH]], octaves: f32) -> f32 {
    let (on, off) = (Profile::of(beats, ON), Profile::of(beats, BETWEEN));
    let clip = |x: f32| x.clamp(-CLIP, CLIP);
    TEMPO_WEIGHT * -octaves * octaves
        + ACCENT_WEIGHT * clip(on.accent - off.accent)
        + HARMONY_WEIGHT * clip(on.harmony - off.harmony)
        + ALTERNATION_WEIGHT * clip(on.alternation - off.alternation)
        + BAR_WEIGHT * clip(on.bar - off.bar)
        - SILENT_WEIGHT * on.silent * on.silent
        - EMPTY_WEIGHT * (empty(beats) - ALL).max(0.0) / (1.0 - ALL)
        - SAME_WEIGHT * (likeness(beats) - SAME).max(0.0) / (1.0 - SAME)
}

/// Share of beats without any onset until the next, among the even or the odd ones, whichever has
/// more.
fn empty(beats: &[&[f32; WIDTH]]) -> f32 {
    let registers = |beat: &[f32; WIDTH]| {
        beat.chunks_exact(FEATURES).all(|moment| moment[..REGISTERS].iter().all(|&x| x < HEARD))
    };
    let share = |first: usize| {
        let picked = beats.iter().skip(first).step_by(2);
        let n = picked.clone().count().max(1);
        picked.filter(|beat| registers(beat)).count() as f32 / n as f32
    };
    share(0).max(share(1))
}

/// How alike beats and the moments half-way between them are on the whole, 0..=1.
fn likeness(beats: &[&[f32; WIDTH]]) -> f32 {
    let sum = |at: usize| beats.iter().map(|beat| beat[at]).sum::<f32>();
    let (mut common, mut all) = (0.0, 0.0);
    for register in 0..REGISTERS {
        let (on, off) = (sum(ON + register), sum(BETWEEN + register));
        common += on.min(off);
        all += on.max(off);
    }
    if all > 0.0 { common / all } else { 0.0 }
}

/// Mean features of a sequence of moments and of its folds by 2 and 4.
struct Profile {
    accent: f32,
    harmony: f32,
    alternation: f32,
    bar: f32,
    /// Share of silent moments among the even or the odd ones, whichever has more.
    silent: f32,
}

impl Profile {
    fn of(beats: &[&[f32; WIDTH]], from: usize) -> Profile {
        let fold = |first: usize, step: usize, value: &dyn Fn(&[f32]) -> f32| {
            let picked = beats.iter().skip(first).step_by(step);
            let n = picked.clone().count().max(1);
            picked.map(|beat| value(&beat[from..from + FEATURES])).sum::<f32>() / n as f32
        };
        let upper = |f: &[f32]| 0.5 * (f[2] + f[3]);
        let harmony = |f: &[f32]| f[HARMONY];
        let silent = |f: &[f32]| f32::from(f[..REGISTERS].iter().all(|&x| x < HEARD));
        let folds: [f32; 4] = std::array::from_fn(|i| fold(i, 4, &harmony));
        let centre = folds.iter().sum::<f32>() / 4.0;
        Profile {
            accent: fold(0, 1, &upper),
            harmony: fold(0, 1, &harmony),
            alternation: (fold(0, 2, &upper) - fold(1, 2, &upper)).abs(),
            bar: (folds.iter().map(|f| (f - centre) * (f - centre)).sum::<f32>() / 4.0).sqrt(),
            silent: fold(0, 2, &silent).max(fold(1, 2, &silent)),
        }
    }
}
