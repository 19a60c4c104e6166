use super::*;
use crate::base::{Bpm, Decibels, Lufs, SampleRate, Seconds, Seed};
use crate::mix::{
    Beat, BeatPair, Curve, Gain, Lane, MIX_SCHEMA, Part, Planned, Side, Span, TransitionScore, Why,
};
use crate::report::page::check::sound;

fn span(start: f64, duration: f64) -> Span {
    Span { start: Seconds(start), duration: Seconds(duration) }
}

fn track(n: usize) -> PlanTrack {
    PlanTrack {
        path: format!("music/song{n}.wav"),
        title: format!("Song & {n}"),
        artist: format!("Artist <{n}>"),
        duration: Seconds(200.0),
        gain: Gain(Decibels(1.5)),
        tempo: Some(Bpm(120.0)),
        key: Some("A minor / 8A".to_string()),
        ..PlanTrack::default()
    }
}

/// A transition of so many beats, every beat of the song that leaves meeting `rate` of the other.
fn matched(from: usize, to: usize, beats: usize, rate: usize) -> Planned {
    let pair = |i: usize| BeatPair {
        from: span(100.0 + 0.5 * i as f64, 0.5),
        to: span(0.5 * (rate * i) as f64, 0.5 * rate as f64),
        length: Seconds(0.5 + 0.001 * (i % 7) as f64),
    };
    let n = beats as f64;
    let lane = |side, part, points: &[(f64, f32)]| Lane { side, part, points: points.to_vec() };
    let action = Action::Crossmatch {
        from,
        to,
        beats: (0..beats).map(pair).collect(),
        curve: Curve::EqualPower,
        lanes: vec![
            lane(Side::From, Part::All, &[(0.0, 1.0), (n / 3.0, 0.7), (n / 1.5, 0.7), (n, 0.0)]),
            lane(Side::To, Part::All, &[(0.0, 0.0), (n / 3.0, 0.7), (n / 1.5, 0.7), (n, 1.0)]),
            lane(Side::From, Part::Bass, &[(n / 2.0 - 1.0, 1.0), (n / 2.0, 0.0)]),
            lane(Side::To, Part::Bass, &[(n / 2.0 - 1.0, 0.0), (n / 2.0, 1.0)]),
        ],
    };
    let why = Why {
        reason: "bass swapped < here".to_string(),
        bars: beats / 4,
        tempo_change: Some(-1.3),
        key_steps: Some(2),
        costs: vec![("phrase".to_string(), 0.25), ("sound".to_string(), 1.5)],
    };
    Planned { action, why: Some(why) }
}

fn alone(track: usize, start: f64, end: f64) -> Planned {
    Action::Playback { track, span: span(start, end - start), beats: Vec::new() }.into()
}

fn plan(tracks: usize, actions: Vec<Planned>) -> MixPlan {
    MixPlan {
        schema: MIX_SCHEMA,
        version: "9.9.9".to_string(),
        style: Style::Dj,
        seed: Seed(77),
        rate: SampleRate::CD,
        loudness: Lufs(-14.0),
        energy: String::new(),
        overrides: Vec::new(),
        tracks: (0..tracks).map(track).collect(),
        actions,
    }
}

/// A tour of so many songs, beat on beat.
fn tour(songs: usize, beats: usize) -> MixPlan {
    let mut actions = vec![alone(0, 0.0, 100.0)];
    for i in 1..songs {
        actions.push(matched(i - 1, i, beats, 1));
        actions.push(alone(i, 0.5 * beats as f64, 100.0));
    }
    plan(songs, actions)
}

fn score(mix: &MixPlan) -> Score {
    let times = mix.times();
    let one = |i: usize| TransitionScore {
        start: times[i].0,
        duration: 8.0,
        from: String::new(),
        to: String::new(),
        method: "Crossmatch",
        errors_ms: Vec::new(),
        alignment_median_ms: Some(i as f64),
        alignment_p95_ms: Some(9.25),
        pulse_deviation: Some(2.5),
        tempo_step: None,
        loudness_step: -1.25,
        key_steps: None,
    };
    Score {
        transitions: (1..mix.actions.len()).step_by(2).map(one).collect(),
        alignment_median_ms: Some(3.25),
        alignment_p95_ms: Some(8.5),
        loudness_step_median: Some(0.5),
        loudness_step_worst: Some(1.25),
        true_peak: -1.0,
        loudness: -13.5,
        clicks: vec![61.0],
    }
}

/// Shapes in the paths of a class.
fn moves(page: &str, class: &str) -> Vec<usize> {
    let start = format!("<path class=\"{class}\" d=\"");
    page.split(start.as_str())
        .skip(1)
        .map(|p| p.split('"').next().unwrap().matches('M').count())
        .collect()
}

#[test]
fn a_page_names_every_song_and_every_transition_and_is_sound() {
    let mix = tour(4, 16);
    let page = mix_page(&mix, None);
    sound(&page);
    for n in 0..4 {
        assert!(
            page.contains(&format!("Song &amp; {n}")) && !page.contains(&format!("Song & {n}"))
        );
        assert!(page.contains(&format!("Artist &lt;{n}&gt;")));
    }
    assert_eq!(page.matches("<details").count(), 3);
    assert_eq!(page.matches(" open>").count(), 3, "few enough to stand open");
    assert_eq!(page.matches("<caption>").count(), 4, "three charts of costs and the tracklist");
    for words in ["Mix of 4 songs", "<dd>77</dd>", "9.9.9", "bass swapped &lt; here", "2 steps"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.contains("Nothing was measured"));
    assert_eq!(page, mix_page(&mix, None), "the same plan gives the same page");
}

#[test]
fn what_was_measured_stands_with_its_transition() {
    let mix = tour(3, 16);
    let page = mix_page(&mix, Some(&score(&mix)));
    sound(&page);
    for words in
        ["3.2 ms (median); 95 % within 8.5 ms", "at most 1.2 LU", "-13.5 LUFS", "1, at 1:01"]
    {
        assert!(page.contains(words), "{words}");
    }
    let sections: Vec<&str> = page.split("<details").skip(1).collect();
    assert!(sections[0].contains("beats 1.0 ms apart") && !sections[0].contains("beats 3.0 ms"));
    assert!(sections[1].contains("beats 3.0 ms apart") && sections[1].contains("9.2 ms"));
}

#[test]
fn hostile_names_stay_text() {
    let mut mix = tour(3, 8);
    let hostile = "</text></svg></title><script>alert(1)</script>\" onload=\"x\u{202e}";
    for track in &mut mix.tracks {
        (track.title, track.artist) = (hostile.to_string(), hostile.to_string());
        (track.path, track.key) = (hostile.to_string(), Some(hostile.to_string()));
    }
    mix.version = hostile.to_string();
    let why = mix.actions[1].why.as_mut().unwrap();
    (why.reason, why.costs) = (hostile.to_string(), vec![(hostile.to_string(), 1.0)]);
    let page = mix_page(&mix, None);
    assert!(!page.contains("<script") && !page.contains("\" onload") && !page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    sound(&page);
}

#[test]
fn a_song_without_a_title_goes_by_its_file() {
    let mut mix = tour(2, 8);
    mix.tracks[0].title = String::new();
    assert!(mix_page(&mix, None).contains("song0.wav"));
}

#[test]
fn beats_of_both_songs_are_drawn_with_every_bar_longer() {
    let page = mix_page(&tour(2, 16), None);
    assert_eq!((moves(&page, "la downs"), moves(&page, "la ticks")), (vec![5], vec![12]));
    assert_eq!((moves(&page, "lb downs"), moves(&page, "lb ticks")), (vec![5], vec![12]));
    let double = plan(2, vec![alone(0, 0.0, 100.0), matched(0, 1, 16, 2), alone(1, 16.0, 90.0)]);
    let page = mix_page(&double, None);
    assert_eq!((moves(&page, "lb downs"), moves(&page, "lb ticks")), (vec![9], vec![24]));
}

#[test]
fn the_bass_has_a_line_of_its_own_only_where_it_moves_on_its_own() {
    let page = mix_page(&tour(2, 16), None);
    assert_eq!(moves(&page, "bass").len(), 2);
    let fade = Action::Crossfade {
        from: 0,
        to: 1,
        from_start: Seconds(100.0),
        to_start: Seconds(0.0),
        duration: Seconds(8.0),
        curve: Curve::EqualPower,
    };
    let mix = plan(2, vec![alone(0, 0.0, 100.0), fade.into(), alone(1, 8.0, 90.0)]);
    let page = mix_page(&mix, None);
    sound(&page);
    assert!(moves(&page, "bass").is_empty() && page.contains("not matched"));
    assert!(page.contains("crossfade, 8.0 s"));
}

#[test]
fn a_tempo_glides_where_beats_are_matched_and_leaps_where_they_are_not() {
    let mut mix = tour(2, 16);
    mix.tracks[1].tempo = Some(Bpm(122.0));
    assert_eq!(tempo::lines(&mix).len(), 1);
    mix.tracks[1].tempo = Some(Bpm(90.0));
    let lines = tempo::lines(&mix);
    let last = &lines[lines.len() - 1];
    assert!(lines.len() > 1 && last.iter().all(|&(_, bpm)| bpm == 90.0), "{lines:?}");
    mix.tracks[1].tempo = None;
    assert!(tempo::lines(&mix).iter().flatten().all(|&(time, _)| time < 109.0));
}

#[test]
fn long_and_short_beats_in_turn_are_a_steady_tempo() {
    let swing: Vec<_> = (0..20).map(|i| (1.0, if i % 2 == 0 { 0.4 } else { 0.6 })).collect();
    let tempi = tempo::smooth(&swing, 10.0);
    assert!((tempi[0].0 - 10.2).abs() < 1e-9);
    assert!(tempi[2..18].iter().all(|&(_, bpm)| (bpm - 120.0).abs() < 1e-9), "{tempi:?}");
}

#[test]
fn every_kind_of_action_can_be_shown() {
    let glide = vec![Beat { span: span(12.0, 0.5), length: Seconds(0.51) }; 4];
    let Action::Crossmatch { beats, .. } = matched(1, 2, 8, 1).action else { unreachable!() };
    let jump = Action::Jump {
        track: 1,
        source: Seconds(40.0),
        target: Seconds(90.0),
        duration: Seconds(2.0),
    };
    let mut mix = plan(
        3,
        vec![
            Action::FadeIn { track: 0, span: span(0.0, 4.0) }.into(),
            alone(0, 4.0, 100.0),
            matched(0, 1, 24, 1),
            Action::Playback { track: 1, span: span(12.0, 28.0), beats: glide }.into(),
            jump.into(),
            alone(1, 90.0, 100.0),
            Action::Blend { from: 1, to: 2, beats }.into(),
            Action::FadeOut { track: 2, span: span(4.0, 6.0) }.into(),
        ],
    );
    let page = mix_page(&mix, None);
    sound(&page);
    assert!(page.contains("jump within the song") && page.contains("8 beats beat on beat"));
    mix.tracks.iter_mut().for_each(|t| (t.tempo, t.key) = (None, None));
    sound(&mix_page(&mix, None));
    sound(&mix_page(&plan(1, vec![alone(0, 0.0, 30.0)]), None));
    sound(&mix_page(&plan(1, vec![alone(0, 5.0, 5.0)]), None));
}

#[test]
fn a_mix_of_ten_hours_is_three_megabytes_at_most_and_a_longer_one_leaves_drawings_out() {
    let long = tour(DRAWN + 1, 64);
    assert!(long.duration().0 > 36_000.0 / 2.0);
    let page = mix_page(&long, Some(&score(&long)));
    assert!(page.len() < 3_000_000, "{}", page.len());
    assert_eq!(page.matches(" open>").count(), FIRST);
    assert_eq!(page.matches("<svg").count(), DRAWN + 1);
    let longer = mix_page(&tour(DRAWN + 51, 4), None);
    sound(&longer);
    assert_eq!(longer.matches("<svg").count(), DRAWN + 1);
    let rest = longer.split("Transitions that are not drawn").nth(1).unwrap();
    assert_eq!(rest.split("</table>").next().unwrap().matches("<th scope=\"row\"").count(), 50);
}
