use super::*;
use crate::base::{Decibels, Frames, JumpRate, Lufs, SampleRate, Seed};
use crate::corpus::Layer;
use crate::remix::{Jump, JumpCosts, LayerChoice, PlanSong, RemixOptions, VoiceBeat};
use crate::report::page::check::sound;
use std::num::NonZeroUsize;

const HOSTILE: &str = "</title><script>alert('&')</script>\" onload=\"";

/// Beats of half a second, the song changing every `stay` beats.
fn remix(beats: usize, stay: usize, voices: &[Layer], title: &str) -> RemixPlan {
    let beat = |i: usize| VoiceBeat {
        song: i / stay % 2,
        piece: i % stay,
        position: (i % 4) as u8 + 1,
        stretch: 0.8,
        jump: (i > 0 && i.is_multiple_of(stay)).then_some(Jump {
            distance: 0.25,
            cost: 1.75,
            forced: i == stay,
        }),
    };
    let song = |n: usize| PlanSong {
        name: format!("song{n}"),
        title: format!("{title} {n}"),
        artist: "A & B".to_string(),
        source: String::new(),
        gain: Decibels(0.0),
    };
    RemixPlan {
        schema: 1,
        version: "9.9.9".to_string(),
        options: RemixOptions {
            jump_rate: JumpRate::new(0.25).unwrap(),
            beats: NonZeroUsize::new(beats).unwrap(),
            seed: Seed(5),
            law: Law::Evermix,
            layer: LayerChoice::Mix,
            min_run: 4,
            max_stretch: 1.08,
            costs: JumpCosts::default(),
            loudness: Lufs(-14.0),
        },
        rate: SampleRate::CD,
        gain: Decibels(0.0),
        attacks: (0..=beats as u64).map(|i| Frames(22_050 * i)).collect(),
        songs: vec![song(0), song(1)],
        voices: voices
            .iter()
            .map(|&layer| Voice { layers: vec![layer], beats: (0..beats).map(beat).collect() })
            .collect(),
    }
}

#[test]
fn a_page_shows_every_stay_and_every_jump_with_its_cost() {
    let plan = remix(32, 8, &[Layer::Mix], "Song");
    let page = remix_page(&plan);
    sound(&page);
    assert_eq!(page.matches("<rect").count(), 4, "four stays");
    let strokes = page.split("<path class=\"jump\" d=\"").nth(1).unwrap();
    assert_eq!(strokes.split('"').next().unwrap().matches('M').count(), 3);
    assert_eq!(page.matches("<td class=\"n\">1.75</td>").count(), 3);
    assert_eq!(page.matches("the song was over").count(), 1);
    assert!(page.contains("+25.0") && page.contains("A &amp; B"), "played in 0.8 of its time");
    assert!(page.contains("<dd>0:16</dd>") && page.contains("Remix of 2 songs"));
    assert_eq!(page, remix_page(&plan));
}

#[test]
fn two_voices_have_a_row_each() {
    let page = remix_page(&remix(16, 4, &[Layer::Drums, Layer::Other], "Song"));
    sound(&page);
    assert_eq!(page.matches("<rect").count(), 8);
    assert!(page.contains(">drums</text>") && page.contains(">other</text>"));
}

#[test]
fn hostile_names_stay_text() {
    let page = remix_page(&remix(16, 8, &[Layer::Mix], HOSTILE));
    sound(&page);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
}

#[test]
fn hours_of_remix_stay_a_page() {
    let page = remix_page(&remix(60_000, 6, &[Layer::Mix], "Song"));
    assert!(page.len() < 3_000_000, "{}", page.len());
    assert!(page.contains("more stand in the plan"));
}
