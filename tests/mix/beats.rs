//! Beats that fall on beats: measured on the sound alone, and compared with our own score.

use serde_json::{Value, json};

use crate::common::{Desk, read_wav};
use crate::songs::{HIGH, LOW, begins, edit, fast, json, lasting, mixed, number, ok, places};
use crate::ticks::{Tick, apart, between, period, share, ticks};

/// What is heard of the two songs in a mix of them.
struct Heard {
    /// Start and end of the transition.
    from: f64,
    to: f64,
    low: Vec<Tick>,
    high: Vec<Tick>,
}

impl Heard {
    fn of(desk: &Desk, mix: &str, plan: &str) -> Heard {
        let plan = json(desk, plan);
        let i = places(&plan, "Crossmatch")[0];
        let from = begins(&plan, i);
        let (rate, planes) = read_wav(&desk.path(mix));
        let ticks = |hz| ticks(&planes[0], rate, hz);
        let to = from + lasting(&plan["actions"][i]);
        Heard { from, to, low: ticks(LOW), high: ticks(HIGH) }
    }

    /// How far the beats of both songs are apart while they play together, in rising order.
    fn apart(&self) -> Vec<f64> {
        let inside = |all: &[Tick]| between(all, self.from + 0.1, self.to - 0.1);
        apart(&inside(&self.high), &inside(&self.low))
    }
}

fn score(desk: &Desk, mix: &str, plan: &str) -> Value {
    ok(desk, &["score", mix, "--plan", plan, "--json"]).json()["score"].clone()
}

#[test]
fn two_songs_of_different_tempo_tick_as_one_and_the_tempo_glides() {
    let desk = mixed();
    let heard = Heard::of(&desk, "mix.wav", "mix.plan.json");
    let apart = heard.apart();
    assert!(apart.len() >= 14, "{} beats together", apart.len());
    assert!(share(&apart, 0.5) <= 4.0 && share(&apart, 0.95) <= 10.0, "{apart:?} ms");
    let (slow, quick) = (0.5, 60.0 / 126.0);
    let before = period(&between(&heard.low, heard.from - 8.0, heard.from + 0.1));
    assert!((before / slow - 1.0).abs() < 0.001, "{before} s a beat before");
    let inside = between(&heard.low, heard.from, heard.to);
    let (first, last) = (period(&inside[..5]), period(&inside[inside.len() - 5..]));
    assert!((first / slow - 1.0).abs() < 0.015, "{first} s a beat at the start");
    assert!(last < first - 0.004, "{first} s a beat becomes {last} s");
    // The glide goes on after a short transition; then the song is itself.
    let plan = json(&desk, "mix.plan.json");
    let after = &plan["actions"][places(&plan, "Crossmatch")[0] + 1];
    let glide: f64 =
        after["beats"].as_array().into_iter().flatten().map(|b| number(&b["length"])).sum();
    let own = between(&heard.high, heard.to + glide, 1e9);
    assert!(own.len() >= 20 && (period(&own) / quick - 1.0).abs() < 0.001, "{}", period(&own));
    let end = between(&heard.high, heard.to + glide - 2.5, heard.to + glide);
    assert!((period(&end) / quick - 1.0).abs() < 0.015, "{} s a beat at the end", period(&end));
    let due = fast().beats().len();
    assert!(heard.high.len() <= due, "{} ticks of {due}", heard.high.len());
}

#[test]
fn the_score_agrees_with_what_is_heard() {
    let desk = mixed();
    let heard = Heard::of(&desk, "mix.wav", "mix.plan.json").apart();
    let score = score(&desk, "mix.wav", "mix.plan.json");
    for (name, quantile) in [("alignment_median_ms", 0.5), ("alignment_p95_ms", 0.95)] {
        let (told, found) = (number(&score[name]), share(&heard, quantile));
        assert!((told - found).abs() <= 2.0, "{name}: {told}, measured {found}");
    }
    assert_eq!(score["clicks"], json!([]));
    assert!(number(&score["loudness_step_worst"]) < 2.0, "{score}");
    assert!(number(&score["true_peak"]) <= -1.0, "{score}");
    assert!((number(&score["loudness"]) + 14.0).abs() < 2.5, "{score}");
    let one = &score["transitions"][0];
    assert_eq!(
        (one["method"].as_str(), score["transitions"][1].as_str()),
        (Some("Crossmatch"), None)
    );
    let table = ok(&desk, &["score", "mix.wav"]).out();
    assert!(table.contains("1 slow.wav > 2 fast.wav") && table.contains("clicks: 0"), "{table}");
}

#[test]
fn a_click_in_the_mix_is_found_where_it_is() {
    let desk = mixed();
    let (rate, mut planes) = read_wav(&desk.path("mix.wav"));
    let at = (20.23 * f64::from(rate)) as usize;
    planes[0][at] += 0.5;
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(desk.path("clicked.wav"), spec).unwrap();
    for (left, right) in planes[0].iter().zip(&planes[1]) {
        writer.write_sample(*left).unwrap();
        writer.write_sample(*right).unwrap();
    }
    writer.finalize().unwrap();
    let score = score(&desk, "clicked.wav", "mix.plan.json");
    let clicks = score["clicks"].as_array().unwrap();
    assert_eq!(clicks.len(), 1, "{clicks:?}");
    assert!((number(&clicks[0]) - 20.23).abs() < 0.001, "{clicks:?}");
}

#[test]
fn beats_moved_by_thirty_milliseconds_are_heard_and_scored_as_that() {
    let desk = mixed();
    edit(&desk, "mix.plan.json", "late.json", |plan| {
        let i = places(plan, "Crossmatch")[0];
        let later = |time: &mut Value| *time = json!(number(time) - 0.030);
        for pair in plan["actions"][i]["beats"].as_array_mut().unwrap() {
            later(&mut pair["to"]["start"]);
        }
        let after = &mut plan["actions"][i + 1];
        later(&mut after["start"]);
        for beat in after["beats"].as_array_mut().into_iter().flatten() {
            later(&mut beat["start"]);
        }
    });
    ok(&desk, &["render", "--plan", "late.json", "-o", "late.wav"]);
    let heard = Heard::of(&desk, "late.wav", "late.json").apart();
    let score = score(&desk, "late.wav", "late.json");
    for found in [share(&heard, 0.5), number(&score["alignment_median_ms"])] {
        assert!((found - 30.0).abs() < 5.0, "{found} ms");
    }
}
