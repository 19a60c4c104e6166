use super::*;
use std::cell::RefCell;
use std::f64::consts::TAU;

fn columns(samples: &[f32], cut: usize) -> Vec<[f32; BANDS]> {
    let (mut mel, mut found) = (LogMel::new(), Vec::new());
    for block in samples.chunks(cut) {
        mel.push(block, |column| found.push(*column));
    }
    mel.finish(|column| found.push(*column));
    found
}

/// The clip of `scripts/reference/beat_this_mel.py`.
fn clip() -> Vec<f32> {
    let wave = |n: usize| {
        let t = n as f64;
        let steady = 0.3 * (TAU * 330.5 * t / 22_050.0).sin();
        let dying = 0.2 * (-t / 4000.0).exp() * (TAU * 833.0 * t / 22_050.0).sin();
        (steady + dying + if n == 5000 { 0.5 } else { 0.0 }) as f32
    };
    (0..11_000).map(wave).collect()
}

#[test]
fn the_spectrogram_has_the_numbers_of_torchaudio() {
    let found = columns(&clip(), 11_000);
    assert_eq!(found.len(), 25);
    let golden: [(usize, [f32; 8]); 5] = [
        (0, [5.70253, 5.72819, 7.15944, 4.69612, 4.92631, 3.86091, 2.86763, 2.80879]),
        (1, [2.67120, 2.68428, 5.67070, 2.14882, 2.25349, 1.15717, 0.57388, 0.54701]),
        (11, [2.73019, 2.76230, 5.64312, 2.82880, 2.75705, 3.37421, 4.40341, 5.11116]),
        (12, [2.04923, 2.12405, 5.65540, 2.18958, 2.11105, 2.68632, 3.69254, 4.39376]),
        (24, [2.58938, 2.61436, 5.66466, 1.86848, 1.72290, 0.51239, 0.24609, 0.23514]),
    ];
    for (column, values) in golden {
        for (band, wanted) in [0, 1, 9, 24, 25, 60, 100, 127].into_iter().zip(values) {
            let here = found[column][band];
            assert!((here - wanted).abs() < 1e-3, "column {column} band {band}: {here} {wanted}");
        }
    }
    let sum: f64 = found.iter().flatten().map(|&x| f64::from(x)).sum();
    assert!((sum / 3_477.467_766 - 1.0).abs() < 1e-5, "{sum}");
}

#[test]
fn the_spectrogram_does_not_depend_on_how_the_stream_is_cut() {
    let clip = clip();
    for cut in [1, 100, 512, 513, 4_000] {
        assert_eq!(columns(&clip, cut), columns(&clip, clip.len()), "blocks of {cut}");
    }
    for length in 0..=512 {
        assert!(columns(&clip[..length], 100).is_empty(), "{length} samples");
    }
    for length in [513, 882, 883, 1_323] {
        assert_eq!(columns(&clip[..length], 100).len(), 1 + length / 441);
    }
}

/// Runs chunks over columns that carry their own number, and answers with that number.
fn numbered(count: usize, block: usize) -> (Logits, Vec<Vec<f32>>) {
    let asked = RefCell::new(Vec::new());
    let ask = |chunk: Vec<f32>| {
        let numbers: Vec<f32> = chunk.chunks(BANDS).map(|column| column[0]).collect();
        asked.borrow_mut().push(numbers.clone());
        Ok(Logits { downbeat: numbers.iter().map(|n| -n).collect(), beat: numbers })
    };
    let mut chunks = Chunks::new();
    for i in 0..count {
        chunks.push(&[i as f32 + 1.0; BANDS]);
        if i % block == 0 {
            chunks.work(&ask).unwrap();
        }
    }
    (chunks.finish(&ask).unwrap(), asked.into_inner())
}

#[test]
fn every_column_is_answered_once_however_long_the_song() {
    for count in [0, 1, 5, 1_487, 1_488, 1_489, 1_494, 1_500, 2_976, 2_977, 4_999] {
        for block in [1, 37, 100_000] {
            let (logits, asked) = numbered(count, block);
            let wanted: Vec<f32> = (1..=count).map(|i| i as f32).collect();
            assert_eq!(logits.beat, wanted, "{count} columns, {block} at a time");
            assert_eq!(logits.downbeat.len(), count);
            assert_eq!(asked.len(), count.div_ceil(1_488), "{count} columns");
        }
    }
}

#[test]
fn chunks_overlap_by_their_borders_and_the_last_one_is_whole() {
    let (_, asked) = numbered(3_100, 1);
    assert!(asked.iter().all(|chunk| chunk.len() == 1_500));
    assert_eq!(asked[0][..7], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], "zeros before the song");
    assert_eq!(asked[1][0], 1_483.0, "six columns before the 1489th");
    assert_eq!(asked[2][0], 3_100.0 - 1_493.0);
    assert_eq!(asked[2][1_492..], [3_099.0, 3_100.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(numbered(20, 1).1[0].len(), 32, "a short song is a short chunk");
}

fn logits_with(count: usize, beats: &[(usize, f32)], downbeats: &[(usize, f32)]) -> Logits {
    let curve = |peaks: &[(usize, f32)]| {
        let mut curve = vec![-5.0; count];
        peaks.iter().for_each(|&(at, height)| curve[at] = height);
        curve
    };
    Logits { beat: curve(beats), downbeat: curve(downbeats) }
}

#[test]
fn beats_are_peaks_above_zero_and_downbeats_move_to_them() {
    let logits = logits_with(
        400,
        // 28 is hidden by its higher neighbour, 75 does not reach zero, 100 and 101 are one peak.
        &[(25, 3.0), (28, 2.0), (50, 1.0), (75, -0.1), (100, 2.0), (101, 2.0), (125, 9.0)],
        &[(27, 1.0), (123, 1.0), (126, 0.5)],
    );
    let beats = peaks(&logits);
    let times: Vec<f64> = beats.times.iter().map(|t| t.0).collect();
    assert_eq!(times, [0.5, 1.0, 2.01, 2.5]);
    assert_eq!(beats.positions.unwrap(), [1, 2, 3, 1]);
}

#[test]
fn logits_that_are_no_numbers_are_no_beats() {
    let mut logits = logits_with(100, &[(50, 1.0)], &[(50, f32::NAN)]);
    logits.beat[10] = f32::NAN;
    let beats = peaks(&logits);
    assert_eq!(beats.times, [crate::base::Seconds(1.0)]);
    assert_eq!(peaks(&Logits::default()), Beats::default());
}

fn tiny() -> Arc<Network> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/fixtures/beat_this_tiny.onnx");
    Arc::new(Network::from_bytes(std::fs::read(path).unwrap()).unwrap())
}

/// A click every half second, with a low drum on every fourth.
fn song(beats: usize) -> Vec<f32> {
    let mut song = vec![0.0f32; 11_025 * beats + 11_025];
    for beat in 0..beats {
        for (i, x) in song[5_512 + 11_025 * beat..].iter_mut().take(8_000).enumerate() {
            let t = i as f64 / 22_050.0;
            let low = if beat % 4 == 0 { 0.6 } else { 0.0 };
            let wave = 0.5 * (-t * 40.0).exp() * (TAU * 3_000.0 * t).sin()
                + low * (-t * 12.0).exp() * (TAU * 55.0 * t).sin();
            *x += wave as f32;
        }
    }
    song
}

#[test]
fn a_song_of_several_chunks_goes_through_the_network() {
    // 160 beats are 80 s, two chunks and a part of a third.
    let song = song(160);
    let mut tracker = beat_this(tiny());
    song.chunks(10_000).for_each(|block| tracker.push(block).unwrap());
    let beats = tracker.finish().unwrap();
    assert_eq!(beats.times.len(), 160);
    for (i, time) in beats.times.iter().enumerate() {
        // The windows of the spectrogram see a click one column early.
        assert!((time.0 - 0.25 - 0.5 * i as f64).abs() <= 0.025, "beat {i} at {time:?}");
    }
    let positions = beats.positions.unwrap();
    assert!(positions.iter().enumerate().all(|(i, &p)| usize::from(p) == i % 4 + 1));
}

#[test]
fn a_file_that_is_no_network_of_this_kind_is_refused() {
    for bytes in [Vec::new(), b"no network".to_vec()] {
        let error = Network::from_bytes(bytes).err().unwrap();
        assert_eq!(error.kind(), crate::base::ErrorKind::Missing);
    }
}
