//! Mixes that are planned while they play.

use proptest::prelude::*;

use super::sounds::{LONG, any_plan, noise, pairs, plan, playback, render, sounds};
use crate::audio::AudioBuffer;
use crate::mix::{Action, Curve, LiveRenderer, MixPlan, Style};

fn tracks() -> Vec<Vec<AudioBuffer>> {
    (0..3).map(|i| vec![noise(i, (LONG * 8_000.0) as usize)]).collect()
}

/// Renders the plan's actions one by one, each given only when it is needed.
fn bit_by_bit(plan: &MixPlan, tracks: &[Vec<AudioBuffer>], blocks: usize) -> AudioBuffer {
    let sound = sounds(tracks);
    let open = move |track: usize, _: bool| Ok((sound(track), 1.0));
    let mut live = LiveRenderer::new(plan.rate);
    let mut actions = plan.actions.iter().cloned();
    let (mut whole, mut block) = (AudioBuffer::new(2), AudioBuffer::default());
    for _ in 0..blocks {
        while live.is_short() {
            let Some(next) = actions.next() else { break };
            live.extend([next]);
        }
        live.next_block(&open, &mut block).unwrap();
        whole.extend(&block);
    }
    whole
}

fn alternating(count: usize) -> MixPlan {
    let mut actions = Vec::new();
    for k in 0..count {
        let (from, to) = (k % 3, (k + 1) % 3);
        actions.push(playback(from, 2.0, 3.0));
        let beats = pairs(4, (5.0, 1.0), 0.25, 0.25, 0.25);
        actions.push(Action::Crossmatch {
            from,
            to,
            beats,
            curve: Curve::EqualPower,
            lanes: Vec::new(),
        });
    }
    plan(8_000, 3, LONG, actions)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn a_mix_planned_while_it_plays_sounds_as_the_whole_plan_does(plan in any_plan()) {
        let plan = MixPlan { style: Style::Dj, ..plan };
        let tracks = tracks();
        let whole = render(&plan, &tracks);
        // The last block of a whole plan is shorter, which filters round otherwise.
        let blocks = whole.frames() / (1 << 14);
        let live = bit_by_bit(&plan, &tracks, blocks);
        for (live, whole) in live.planes.iter().zip(&whole.planes) {
            prop_assert!(live.iter().zip(whole).all(|(a, b)| a == b));
        }
    }
}

#[test]
fn what_is_taken_back_and_planned_otherwise_sounds_as_if_planned_so_at_once() {
    let tracks = tracks();
    let sound = sounds(&tracks);
    let open = move |track: usize, _: bool| Ok((sound(track), 1.0));
    // Planned: 10 s of song 0, then song 1. After 4 s that becomes 6.5 s of song 0, then song 2.
    let mut live = LiveRenderer::new(plan(8_000, 3, LONG, Vec::new()).rate);
    live.extend([playback(0, 0.0, 10.0).into(), playback(1, 0.0, 10.0).into()]);
    let (mut whole, mut block) = (AudioBuffer::new(2), AudioBuffer::default());
    for _ in 0..2 {
        live.next_block(&open, &mut block).unwrap();
        whole.extend(&block);
    }
    assert_eq!(live.placed().count(), 2);
    live.take_back(0);
    assert_eq!(live.placed().count(), 0);
    live.extend([playback(0, 0.0, 10.5).into(), playback(2, 1.0, 9.0).into()]);
    for _ in 2..8 {
        live.next_block(&open, &mut block).unwrap();
        whole.extend(&block);
    }
    let meant = vec![playback(0, 0.0, 10.5), playback(2, 1.0, 9.0)];
    let meant = render(&plan(8_000, 3, LONG, meant), &tracks);
    for (live, meant) in whole.planes.iter().zip(&meant.planes) {
        assert!(live.iter().zip(meant).all(|(a, b)| a == b));
    }
}

#[test]
fn a_thousand_songs_leave_nothing_behind() {
    let (plan, tracks) = (alternating(1_000), tracks());
    let sound = sounds(&tracks);
    let open = move |track: usize, _: bool| Ok((sound(track), 1.0));
    let mut live = LiveRenderer::new(plan.rate);
    let mut actions = plan.actions.into_iter();
    let mut block = AudioBuffer::default();
    for _ in 0..1_000 {
        while live.is_short() {
            live.extend(actions.next());
        }
        live.next_block(&open, &mut block).unwrap();
        assert!(live.placed().count() < 8);
    }
}
