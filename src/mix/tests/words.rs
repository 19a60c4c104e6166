//! Plans as text and back.

use proptest::prelude::*;

use super::sounds::{any_plan, pairs, plan, playback, track};
use crate::base::{Bpm, Decibels, ErrorKind, Seconds};
use crate::mix::plan::Gain;
use crate::mix::{Action, Curve, Method, MixPlan, Override, PlanTrack, StemFiles, Why, parse_plan};

/// Texts as they stand in tags and file names, those among them that look like our layout.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        Just("\"beats\":[{".to_string()),
        Just("},{\"start\":1,\"why\":{".to_string()),
        Just("},{\"from\":{\\\"".to_string()),
    ]
}

/// A plan with everything that can be in it.
fn full_plan() -> impl Strategy<Value = MixPlan> {
    let texts = proptest::array::uniform4(any_text());
    (any_plan(), texts, -60.0..20.0f64, 60.0..200.0f64, any::<u32>()).prop_map(
        |(mut plan, [name, title, artist, reason], gain, tempo, n)| {
            plan.tracks[0] = PlanTrack {
                title,
                artist,
                gain: Gain(Decibels(gain)),
                tempo: Some(Bpm(tempo)),
                key: Some("A minor / 8A".into()),
                stems: Some(StemFiles {
                    drums: name.clone(),
                    other: "o.wav".into(),
                    hash: name.clone(),
                }),
                hash: "00ff".into(),
                ..track(&format!("{name}.wav"), plan.tracks[0].duration.0)
            };
            let costs = vec![("phrase".to_string(), tempo / 7.0)];
            let change = (n % 2 == 0).then_some(gain / 3.0);
            plan.actions[0].why = Some(Why {
                reason: reason.clone(),
                bars: n as usize % 99,
                tempo_change: change,
                key_steps: Some(n % 7),
                costs,
            });
            plan.overrides = vec![Override {
                from: reason,
                to: name,
                method: Some(Method::Crossfade),
                from_start: Some(Seconds(tempo / 3.0)),
                ..Override::default()
            }];
            plan
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_text_of_a_plan_is_that_plan(plan in full_plan()) {
        let rounded = plan.clone().rounded();
        prop_assert_eq!(&rounded.clone().rounded(), &rounded, "rounding twice is rounding once");
        let text = rounded.text();
        let again = parse_plan(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(&again, &rounded);
        prop_assert_eq!(again.text(), text);
        prop_assert!((rounded.duration().0 - plan.duration().0).abs() < 1e-4);
    }

    #[test]
    fn no_text_makes_a_reader_of_plans_panic(
        plan in any_plan(), place in 0.0..1.0f64, more in ".{0,3}",
    ) {
        let mut text: Vec<char> = plan.text().chars().collect();
        let at = (place * text.len() as f64) as usize;
        text.splice(at..(at + more.len()).min(text.len()), more.chars());
        let text: String = text.into_iter().collect();
        if let Err(error) = parse_plan(&text) {
            prop_assert_eq!(error.kind(), ErrorKind::Usage);
            prop_assert!(error.to_string().contains("in line "), "{}", error);
        }
    }
}

#[test]
fn a_beat_has_a_line_of_its_own() {
    let beats = pairs(3, (1.0, 2.0), 0.5, 0.5, 0.5);
    let (curve, lanes) = (Curve::Linear, Vec::new());
    let matched = Action::Crossmatch { from: 0, to: 1, beats, curve, lanes };
    let text = plan(8_000, 2, 9.0, vec![playback(0, 1.0, 2.0), matched]).text();
    assert_eq!(text.lines().count(), 20, "{text}");
    assert!(text.contains("\n  {\"action\":\"Playback\",\"track\":0,\"start\":1.0,"), "{text}");
    assert_eq!(text.matches("\n    {\"from\":{\"start\":").count(), 3, "{text}");
}

#[test]
fn a_mix_of_more_than_a_year_is_refused() {
    let actions = (0..400).map(|_| playback(0, 0.0, 86_400.0)).collect();
    let text = plan(8_000, 1, 86_400.0, actions).text();
    let error = parse_plan(&text).unwrap_err();
    assert!(error.to_string().contains("longer than a year"), "{error}");
}

#[test]
fn a_song_may_be_read_a_quarter_second_past_its_told_end_and_no_further() {
    for (duration, fine) in [(9.2, true), (9.3, false)] {
        let text = plan(8_000, 1, 9.0, vec![playback(0, 0.0, duration)]).text();
        assert_eq!(parse_plan(&text).is_ok(), fine, "{duration} s");
    }
}
