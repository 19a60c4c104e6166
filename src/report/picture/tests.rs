use super::*;
use crate::analysis::TrackAnalyzer;
use crate::audio::{AudioBuffer, Tags};
use crate::base::SampleRate;

/// A click every half second, the first of four deeper.
fn clicks(seconds: usize) -> TrackAnalysis {
    let rate = SampleRate::ANALYSIS;
    let mut analyzer = TrackAnalyzer::new(rate, 1).unwrap();
    let second = |s: usize| {
        (0..22_050).map(move |i| {
            let t = (i % 11_025) as f64 / 22_050.0;
            let hz = if s.is_multiple_of(2) && i < 11_025 { 220.0 } else { 1_500.0 };
            (0.8 * (std::f64::consts::TAU * hz * t).sin() * (-40.0 * t).exp()) as f32
        })
    };
    for s in 0..seconds {
        analyzer.push(&AudioBuffer { planes: vec![second(s).collect()] }).unwrap();
    }
    analyzer.finish().unwrap()
}

fn draw(track: &TrackAnalysis, tags: &Tags) -> String {
    picture(&SongView { path: "a/song & <more>.mp3", tags, note: "", tracker: "evermix", track })
}

/// Numbers of shapes in the path of a class.
fn moves(picture: &str, class: &str) -> usize {
    let path = picture.split(&format!("<path class=\"{class}\" d=\"")).nth(1).unwrap();
    path.split('"').next().unwrap().matches('M').count()
}

#[test]
fn a_picture_shows_every_beat_and_every_bar_and_says_so_in_words() {
    let track = clicks(24);
    let rhythm = track.rhythm.as_ref().unwrap();
    let picture = draw(&track, &Tags::default());
    assert_eq!(moves(&picture, "beat"), rhythm.beats.len());
    assert_eq!(moves(&picture, "downbeat"), rhythm.downbeats().count());
    assert!(moves(&picture, "wave") > 900 && moves(&picture, "onsets") > 900);
    assert!(picture.contains("<title id=\"t\">song &amp; &lt;more&gt;.mp3</title>"));
    let words = picture.split("<desc id=\"d\">").nth(1).unwrap().split('<').next().unwrap();
    for word in ["0:24", " BPM in 4/4", "LUFS", "form A6"] {
        assert!(words.contains(word), "{word}: {words}");
    }
    assert!(picture.contains("prefers-color-scheme:dark"));
}

#[test]
fn a_picture_needs_nothing_from_outside() {
    let picture = draw(&clicks(8), &Tags::default());
    let outside = picture.replace("http://www.w3.org/2000/svg", "");
    for word in ["http", "url(", "href", "@import", "<script", "<image"] {
        assert!(!outside.contains(word), "{word}");
    }
}

#[test]
fn hostile_tags_stay_inside_their_element() {
    let tags = Tags {
        title: "</text></svg><script>alert(1)</script>".repeat(20),
        artist: "\"><x onload='y'".to_string(),
        ..Tags::default()
    };
    let picture = draw(&clicks(8), &tags);
    assert!(
        !picture.contains("<script") && !picture.contains("<x ") && !picture.contains("onload='")
    );
    assert_eq!(picture.matches("</svg>").count(), 1);
}

#[test]
fn marks_that_would_run_together_are_left_out_and_the_size_is_bounded() {
    let mut track = clicks(24);
    let rhythm = track.rhythm.as_mut().unwrap();
    rhythm.beats = (0..40_000).map(|i| Seconds(f64::from(i) * 0.5)).collect();
    rhythm.positions = (0..40_000).map(|i| (i % 4) as u8 + 1).collect();
    track.duration = Seconds(20_000.0);
    track.loudness.short_term = vec![-12.0; 20_000];
    let picture = draw(&track, &Tags::default());
    assert!(picture.contains("<path class=\"beat\" d=\"M0 0\"/>"));
    assert!(picture.len() < 200_000, "{}", picture.len());
}

#[test]
fn songs_without_beat_key_or_sound_have_a_picture_too() {
    let mut analyzer = TrackAnalyzer::new(SampleRate::ANALYSIS, 1).unwrap();
    analyzer.push(&AudioBuffer::silence(1, 50_000)).unwrap();
    let silent = draw(&analyzer.finish().unwrap(), &Tags::default());
    assert!(silent.contains("no steady beat") && silent.contains("no key"));
    let nothing = TrackAnalyzer::new(SampleRate::CD, 2).unwrap().finish().unwrap();
    assert!(draw(&nothing, &Tags::default()).ends_with("</svg>\n"));
    assert!(!draw(&nothing, &Tags::default()).contains("NaN"));
}
