use super::*;

fn seconds(times: &[f64]) -> Vec<Seconds> {
    times.iter().map(|&t| Seconds(t)).collect()
}

fn steady(count: usize) -> Vec<Seconds> {
    (0..count).map(|i| Seconds(0.5 * i as f64)).collect()
}

fn opens(count: usize, at: &[usize]) -> Vec<bool> {
    (0..count).map(|i| at.contains(&i)).collect()
}

#[test]
fn beats_count_up_from_their_downbeats_and_back_from_the_first() {
    let beats = Beats::with_downbeats(steady(12), &opens(12, &[2, 6, 10]));
    let wanted = [3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2];
    assert_eq!(beats.positions.as_deref(), Some(&wanted[..]));
    let waltz = Beats::with_downbeats(steady(8), &opens(8, &[0, 3, 6]));
    assert_eq!(waltz.positions.unwrap(), [1, 2, 3, 1, 2, 3, 1, 2]);
    assert_eq!(Beats::with_downbeats(steady(8), &opens(8, &[3])).positions, None);
}

#[test]
fn known_positions_stay_and_name_the_bar() {
    let positions = vec![1, 2, 1, 2, 1, 2, 3, 1, 2];
    let beats = Beats { times: steady(9), positions: Some(positions.clone()) };
    let grid = beats.grid(&OnsetEnvelope::default()).unwrap();
    assert_eq!((grid.positions, grid.beats_per_bar), (positions, 2));
    assert_eq!(grid.beats, steady(9));
    assert!((grid.tempo.0 - 120.0).abs() < 1e-9);
    assert_eq!(grid.confidence, 1.0);
}

#[test]
fn the_pulse_is_as_sure_as_it_is_steady() {
    let times = seconds(&[0.0, 0.5, 1.0, 1.5, 2.4, 2.9, 3.4]);
    let grid = Beats { times, positions: None }.grid(&OnsetEnvelope::default()).unwrap();
    assert_eq!(grid.confidence, 3.0 / 5.0);
}

#[test]
fn fewer_than_four_beats_are_no_grid() {
    let beats = Beats { times: steady(3), positions: None };
    assert_eq!(beats.grid(&OnsetEnvelope::default()), None);
}

/// Clicks at 120 BPM, each bar opened by a low drum and another chord.
fn bars(rate: f64, beats: usize) -> Vec<f32> {
    let mut song = vec![0.0f32; (rate * (0.5 * beats as f64 + 1.0)) as usize];
    for beat in 0..beats {
        let at = ((0.25 + 0.5 * beat as f64) * rate) as usize;
        let chord = [220.0, 294.0, 330.0, 262.0][beat / 4 % 4];
        for (i, x) in song[at..].iter_mut().take((0.5 * rate) as usize).enumerate() {
            let t = i as f64 / rate;
            let tone =
                |hz: f64, die: f64| (-t * die).exp() * (std::f64::consts::TAU * hz * t).sin();
            let kick = if beat % 4 == 0 { 0.7 * tone(60.0, 15.0) } else { 0.0 };
            *x += (0.4 * tone(2_000.0, 60.0) + 0.1 * tone(chord, 1.0) + kick) as f32;
        }
    }
    song
}

#[test]
fn bars_are_found_for_beats_without_positions() {
    let mut onsets = crate::analysis::OnsetAnalyzer::new();
    onsets.push(&bars(22_050.0, 64));
    let times: Vec<Seconds> = (0..64).map(|i| Seconds(0.25 + 0.5 * f64::from(i))).collect();
    let grid = Beats { times, positions: None }.grid(&onsets.finish()).unwrap();
    assert_eq!(grid.beats_per_bar, 4);
    let right = (0..64).filter(|&i| usize::from(grid.positions[i]) == i % 4 + 1).count();
    assert!(right >= 60, "{right} of 64: {:?}", grid.positions);
}

#[test]
fn aubio_finds_the_clicks_however_the_stream_is_cut() {
    let Some(mut whole) = aubio() else { return };
    let song = bars(44_100.0, 60);
    assert_eq!(whole.rate(), SampleRate::CD);
    whole.push(&song).unwrap();
    let found = whole.finish().unwrap();
    assert!(found.times.windows(2).all(|w| w[0].0 < w[1].0));
    // It needs some seconds to find in, and then keeps to the clicks.
    let settled: Vec<f64> = found.times.iter().map(|t| t.0).filter(|t| *t > 10.0).collect();
    assert!(settled.len() >= 35, "{settled:?}");
    let off = |t: &f64| ((t - 0.25) / 0.5 - ((t - 0.25) / 0.5).round()).abs() * 0.5;
    let mut off: Vec<f64> = settled.iter().map(off).collect();
    off.sort_by(f64::total_cmp);
    // Its beats waver: a tracker that looks ahead does better.
    assert!(off[off.len() / 2] < 0.02 && off[off.len() - 1] < 0.07, "{off:?}");
    let mut cut = aubio().unwrap();
    song.chunks(777).for_each(|block| cut.push(block).unwrap());
    assert_eq!(cut.finish().unwrap(), found);
}

#[test]
fn aubio_survives_what_is_no_music() {
    let mut seed = 1u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut cases: Vec<Vec<f32>> =
        [0.0, 1.0, 1e9, f32::NAN, f32::INFINITY].map(|x| vec![x; 500_000]).to_vec();
    cases.push((0..500_000).map(|_| noise()).collect());
    // Bursts far too loud, ever closer together.
    cases.push(
        (0..500_000u32).map(|i| if i * (i >> 12) % 9_000 < 50 { 1e5 } else { 0.0 }).collect(),
    );
    for case in cases {
        let Some(mut tracker) = aubio() else { return };
        tracker.push(&case).unwrap();
        let found = tracker.finish().unwrap();
        assert!(found.times.windows(2).all(|w| w[0].0 < w[1].0));
        assert!(found.times.iter().all(|t| (0.0..12.0).contains(&t.0)));
    }
}
