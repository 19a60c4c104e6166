use super::*;
use crate::corpus::Space;
use crate::remix::fixtures::{Tune, facts, features, library, space, voice};
use proptest::prelude::*;

fn options(jump_rate: f64, beats: usize, seed: u64) -> RemixOptions {
    RemixOptions {
        jump_rate: JumpRate::new(jump_rate).unwrap(),
        beats: NonZeroUsize::new(beats).unwrap(),
        seed: Seed(seed),
        law: Law::Evermix,
        layer: LayerChoice::Mix,
        min_run: 4,
        max_stretch: 1.08,
        costs: JumpCosts::default(),
        loudness: Lufs(-14.0),
    }
}

/// Plans for a library with random features; two voices walk in spaces of their own.
fn planned(library: &Library, voices: usize, options: &RemixOptions) -> RemixPlan {
    let raws: Vec<Space> = (0..voices as u64).map(|v| space(&features(library, v))).collect();
    let searches: Vec<_> = raws.iter().map(|s| s.searcher().unwrap()).collect();
    let layers = [Layer::Drums, Layer::Other];
    let spaces: Vec<VoiceSpace> =
        (0..voices).map(|v| voice(library, layers[v], &raws[v], &*searches[v])).collect();
    plan(library, &facts(library), &spaces, SampleRate::CD, options)
}

fn seconds(plan: &RemixPlan) -> Vec<f64> {
    plan.attacks.windows(2).map(|w| (w[1].0 - w[0].0) as f64 / 44_100.0).collect()
}

#[test]
fn after_a_jump_the_tempo_that_was_playing_goes_on_and_glides_to_the_songs_own() {
    let library = library(&[Tune { bpm: 120.0, beats: 300 }, Tune { bpm: 126.0, beats: 300 }]);
    let plan = planned(&library, 1, &options(0.4, 200, 3));
    let beats = &plan.voices[0].beats;
    let jumps: Vec<usize> = (4..190)
        .filter(|&i| beats[i].jump.is_some())
        .filter(|&i| (i + 1..i + 10).all(|k| beats[k].jump.is_none()))
        .collect();
    assert!(jumps.len() >= 3, "{jumps:?}");
    for i in jumps {
        let lengths = seconds(&plan);
        let before = lengths[i - 4..i].iter().sum::<f64>() / 4.0;
        assert!((lengths[i] / before - 1.0).abs() < 0.001, "beat {i}: the pulse stumbles");
        assert!((beats[i + 9].stretch - 1.0).abs() < 1e-9, "beat {}: still stretched", i + 9);
        let steps = (i..i + 9).map(|k| (lengths[k + 1] / lengths[k] - 1.0).abs());
        assert!(steps.fold(0.0, f64::max) < 0.011, "the glide takes eight even steps");
    }
}

#[test]
fn both_voices_keep_one_pulse_and_one_bar() {
    let library = library(&[Tune { bpm: 118.0, beats: 300 }, Tune { bpm: 122.0, beats: 300 }]);
    let plan = planned(&library, 2, &options(0.5, 150, 1));
    let lengths = seconds(&plan);
    let own = |beat: &VoiceBeat| {
        60.0 / [118.0, 122.0][plan.songs[beat.song].name.ends_with('1') as usize]
    };
    for (i, length) in lengths.iter().enumerate() {
        for voice in &plan.voices {
            let beat = &voice.beats[i];
            assert!((own(beat) * beat.stretch - length).abs() < 0.001, "beat {i}");
        }
    }
    let landed = |i: &usize| plan.voices[1].beats[*i].jump.is_some();
    for i in (1..150).filter(landed) {
        let [lead, other] = [0, 1].map(|v| plan.voices[v].beats[i].position);
        assert_eq!(lead, other, "the second voice lands where the first is in the bar");
    }
}

#[test]
fn every_song_is_brought_to_the_loudness_aimed_at_but_not_by_force() {
    let library = library(&[Tune { bpm: 120.0, beats: 60 }; 3]);
    let mut facts = facts(&library);
    facts[1].loudness = Lufs(-40.0);
    let space = space(&features(&library, 1));
    let search = space.searcher().unwrap();
    let spaces = [voice(&library, Layer::Mix, &space, &*search)];
    let plan = plan(&library, &facts, &spaces, SampleRate::CD, &options(1.0, 120, 2));
    for song in &plan.songs {
        let wanted = [0.0, 12.0, 2.0][song.name[4..].parse::<usize>().unwrap()];
        assert!((song.gain.0 - wanted).abs() < 1e-9, "{}: {:?}", song.name, song.gain);
    }
    assert!(plan.gain.0.abs() <= 12.0);
}

fn tunes() -> impl Strategy<Value = Vec<Tune>> {
    let tune = (50.0f64..200.0, 1usize..60).prop_map(|(bpm, beats)| Tune { bpm, beats });
    prop::collection::vec(tune, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_plan_adds_up(
        tunes in tunes(),
        rate in 0.0f64..=1.0,
        beats in 1usize..150,
        seed in 0u64..1000,
        voices in 1usize..=2,
    ) {
        let library = library(&tunes);
        let options = options(rate, beats, seed);
        let plan = planned(&library, voices, &options);
        prop_assert_eq!(plan.attacks.len(), beats + 1);
        prop_assert!(plan.attacks.windows(2).all(|w| w[0] < w[1]));
        prop_assert_eq!(plan.voices.len(), voices);
        for voice in &plan.voices {
            prop_assert_eq!(voice.beats.len(), beats);
            for (i, beat) in voice.beats.iter().enumerate() {
                let tune = &tunes[plan.songs[beat.song].name[4..].parse::<usize>().unwrap()];
                prop_assert!((1..=tune.beats).contains(&beat.piece));
                // What a beat lasts is its own length, stretched: to the frame.
                let due = 60.0 / tune.bpm * beat.stretch * 44_100.0;
                let lasts = (plan.attacks[i + 1].0 - plan.attacks[i].0) as f64;
                prop_assert!((due - lasts).abs() <= 1.0, "beat {}: {} for {}", i, lasts, due);
                if voices == 1 {
                    prop_assert!((1.0 / 1.0801..=1.0801).contains(&beat.stretch));
                }
                let before = i.checked_sub(1).map(|b| &voice.beats[b]);
                let follows = before.is_some_and(|b| b.song == beat.song && b.piece + 1 == beat.piece);
                prop_assert!(i == 0 || follows || beat.jump.is_some());
            }
        }
        prop_assert_eq!(&plan, &planned(&library, voices, &options), "the same words, the same plan");
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(&plan, &serde_json::from_str(&text).unwrap(), "a plan is plain data");
    }
}
