use std::collections::BTreeMap;
use std::io::Cursor;

use super::onnx::{Onnx, Setting};
use super::*;
use crate::base::{Draws, Seed};

const FILE: &[u8] = include_bytes!("../../../tests/htdemucs/small.safetensors");
const GOLDEN: &[u8] = include_bytes!("../../../tests/htdemucs/small.f32");
/// Frames of a segment of the small network: 2.5 s.
const SEGMENT: usize = 110_250;

/// Tensors by name: type, shape, bytes; and the words about the file.
#[derive(Clone)]
struct Tensors(BTreeMap<String, (String, Vec<usize>, Vec<u8>)>, serde_json::Value);

impl Tensors {
    fn small() -> Self {
        let length = u64::from_le_bytes(FILE[..8].try_into().unwrap()) as usize;
        let header: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&FILE[8..8 + length]).unwrap();
        let data = &FILE[8 + length..];
        let about = header["__metadata__"].clone();
        let entry = |value: &serde_json::Value| {
            let shape = serde_json::from_value(value["shape"].clone()).unwrap();
            let (from, to): (usize, usize) =
                serde_json::from_value(value["data_offsets"].clone()).unwrap();
            (value["dtype"].as_str().unwrap().to_string(), shape, data[from..to].to_vec())
        };
        let named = header.iter().filter(|(name, _)| *name != "__metadata__");
        Tensors(named.map(|(name, value)| (name.clone(), entry(value))).collect(), about)
    }

    fn prefixed(&self, prefix: &str) -> Self {
        let named = self.0.iter().map(|(name, t)| (format!("{prefix}{name}"), t.clone()));
        Tensors(named.collect(), self.1.clone())
    }

    fn with(mut self, other: Tensors) -> Self {
        self.0.extend(other.0);
        self
    }

    /// All numbers as floats of 32 bits.
    fn full(mut self) -> Self {
        for (kind, _, bytes) in self.0.values_mut() {
            let halves = bytes.as_chunks::<2>().0.iter();
            let wide: Vec<u8> = halves.flat_map(|b| widened(*b).to_le_bytes()).collect();
            (*kind, *bytes) = ("F32".to_string(), wide);
        }
        self
    }

    /// The same network with one number of a tensor changed.
    fn changed(mut self, name: &str) -> Self {
        self.0.get_mut(name).unwrap().2[1] ^= 0x80;
        self
    }

    fn file(&self) -> Vec<u8> {
        let mut header = serde_json::Map::new();
        header.insert("__metadata__".into(), self.1.clone());
        let mut data = Vec::new();
        for (name, (kind, shape, bytes)) in &self.0 {
            let place = [data.len(), data.len() + bytes.len()];
            let entry = serde_json::json!({ "dtype": kind, "shape": shape, "data_offsets": place });
            header.insert(name.clone(), entry);
            data.extend_from_slice(bytes);
        }
        let header = serde_json::to_vec(&header).unwrap();
        [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
    }
}

/// A 16-bit float that is no subnormal, by another way than the reader's.
fn widened(bytes: [u8; 2]) -> f32 {
    let bits = u32::from(u16::from_le_bytes(bytes));
    let (sign, rest) = (bits >> 15 << 31, bits & 0x7fff);
    if rest < 0x400 {
        let small = rest as f32 / (1 << 24) as f32;
        return f32::from_bits(small.to_bits() | sign);
    }
    f32::from_bits(((rest << 13) + (112 << 23)) | sign)
}

fn open(bytes: Vec<u8>, wanted: &[usize], threads: usize) -> Result<Arc<Htdemucs>> {
    let again: Open = Box::new(move || Ok(Box::new(Cursor::new(bytes.clone()))));
    Htdemucs::new(again, wanted, threads, &Cancel::new())
}

/// What a file finds in a song, the channels of one source after those of the other.
fn find(htdemucs: &Arc<Htdemucs>, mix: &[Vec<f32>], block: usize, sources: usize) -> Vec<Vec<f32>> {
    let mut separator = HtdemucsSeparator::new("test", htdemucs, mix.len());
    let mut found = vec![Vec::new(); sources * mix.len()];
    run(&mut separator, mix, block, &mut found);
    found
}

fn run(separator: &mut HtdemucsSeparator, mix: &[Vec<f32>], block: usize, out: &mut [Vec<f32>]) {
    let blocks = |from: usize| -> Vec<&[f32]> {
        mix.iter().map(|x| &x[from..x.len().min(from + block)]).collect()
    };
    let starts = (0..mix[0].len()).step_by(block);
    starts.clone().for_each(|from| separator.hear(&blocks(from)).unwrap());
    starts.for_each(|from| separator.process(&blocks(from), out).unwrap());
    separator.finish(out).unwrap();
}

/// As `noise_and_tones` of scripts/reference/htdemucs.py.
fn noise_and_tones(frames: usize) -> Vec<Vec<f32>> {
    let (mut state, mut out) = (1u32, vec![Vec::new(); 2]);
    for i in 0..frames as i64 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = i64::from(state >> 16) - 32_768;
        let burst = (noise * (22_050 - i % 22_050)).div_euclid(65_536);
        let square = if i / 100 % 2 == 0 { 4_096 } else { -4_096 };
        out[0].push((burst + square) as f32 / 32_768.0);
        out[1].push(burst as f32 / 32_768.0);
    }
    out
}

fn noise(frames: usize, purpose: &str) -> Vec<f32> {
    let mut draws = Seed(4).stream(purpose);
    (0..frames).map(|_| draws.uniform() as f32 - 0.5).collect()
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn the_small_network_finds_what_the_authors_program_finds() {
    let mix = noise_and_tones(11 * 44_100 / 2);
    let htdemucs = open(FILE.to_vec(), &[0, 1, 2, 3], 1).unwrap();
    let found = find(&htdemucs, &mix, 10_000, 4);
    let golden: Vec<f32> =
        GOLDEN.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let each = mix[0].len().div_ceil(211);
    for (plane, golden) in found.iter().zip(golden.chunks(each)) {
        let some: Vec<f32> = plane.iter().step_by(211).copied().collect();
        let error = furthest(&some, golden);
        assert!(error < 2e-6, "{error}");
    }
    // Fewer sources are the same sources, whatever the threads.
    for threads in [1, 2, 3] {
        let some = open(FILE.to_vec(), &[0, 3], threads).unwrap();
        let some = find(&some, &mix, 10_000, 2);
        let error = furthest(&some[0], &found[0]).max(furthest(&some[3], &found[7]));
        assert!(error < 1e-6, "{threads} threads: {error}");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let mix = noise_and_tones(SEGMENT);
    let found = |threads| find(&open(FILE.to_vec(), &[0], threads).unwrap(), &mix, 5_000, 1);
    let one = found(1);
    assert!([2, 5].into_iter().all(|threads| found(threads) == one));
}

#[test]
fn names_may_carry_a_signature_and_numbers_may_be_of_32_bits() {
    let mix = noise_and_tones(5_000);
    let plain = find(&open(FILE.to_vec(), &[0], 1).unwrap(), &mix, 5_000, 1);
    let small = Tensors::small();
    for other in
        [small.prefixed("955717e8."), small.clone().full(), small.prefixed("0a1b2c3d.").full()]
    {
        let other = open(other.file(), &[0], 1).unwrap();
        assert_eq!(other.networks(), 1);
        assert!(find(&other, &mix, 5_000, 1) == plain);
    }
}

#[test]
fn of_a_bag_each_source_is_found_by_its_own_network() {
    let mix = noise_and_tones(5_000);
    let small = Tensors::small();
    let odd = small.clone().changed("decoder.3.conv_tr.bias").changed("tdecoder.2.conv_tr.bias");
    // Only the network of the bass is another one.
    let bag = ["f7e0c4bc.", "d12395a8.", "92cfc3b6.", "04573f0d."].into_iter().map(|prefix| {
        if prefix == "d12395a8." { odd.prefixed(prefix) } else { small.prefixed(prefix) }
    });
    let bag = bag.reduce(Tensors::with).unwrap();
    let find = |tensors: &Tensors, wanted: &[usize]| {
        find(&open(tensors.file(), wanted, 1).unwrap(), &mix, 5_000, wanted.len())
    };
    assert_eq!(open(bag.file(), &[0], 1).unwrap().networks(), 4);
    let (drums, both) = (find(&bag, &[0]), find(&bag, &[0, 1]));
    assert!(drums == find(&small, &[0]) && both[..2] == drums[..]);
    assert!(both[2..] == find(&odd, &[1])[..] && both[2..] != find(&small, &[1])[..]);
    let two = small.prefixed("f7e0c4bc.").with(small.prefixed("d12395a8."));
    assert_eq!(open(two.file(), &[0], 1).err().unwrap().kind(), ErrorKind::Missing);
}

#[test]
fn another_architecture_is_refused_with_the_tensor_that_tells() {
    let refused = |change: &dyn Fn(&mut Tensors)| {
        let mut tensors = Tensors::small();
        change(&mut tensors);
        let error = open(tensors.file(), &[0], 1).err().expect("refused");
        assert!(matches!(error.kind(), ErrorKind::Missing | ErrorKind::Corrupt));
        error.to_string()
    };
    let some = "crosstransformer.layers_t.1.norm2.bias";
    assert!(refused(&|t| drop(t.0.remove(some))).contains(some));
    assert!(refused(&|t| t.0.get_mut(some).unwrap().1 = vec![4, 4]).contains(some));
    assert!(refused(&|t| t.0.get_mut(some).unwrap().2[0..2].fill(0xff)).contains("finite"));
    let norm = "encoder.0.norm1.weight";
    assert!(refused(&|t| drop(t.0.insert(norm.into(), t.0[some].clone()))).contains(norm));
    assert!(refused(&|t| t.0.clear()).contains("no tensor"));
    let claims = "crosstransformer.layers.0.linear1.weight";
    for shape in [vec![1 << 60, 1 << 40], vec![32, 1 << 13], vec![]] {
        refused(&|t| t.0.get_mut(claims).unwrap().1 = shape.clone());
    }
    let absurd = serde_json::json!({ "kwargs": "{\"t_heads\": 5}" });
    assert!(refused(&|t| t.1 = absurd.clone()).contains("measures"));
    for len in [0, 7, 8, 500, FILE.len() - 1] {
        let error = open(FILE[..len].to_vec(), &[0], 1).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::Corrupt, "cut after {len} bytes");
    }
    assert_eq!(open(FILE.to_vec(), &[4], 1).err().unwrap().kind(), ErrorKind::Missing);
}

#[test]
fn a_table_of_contents_with_any_byte_changed_is_refused_or_read_in_bounds() {
    let length = u64::from_le_bytes(FILE[..8].try_into().unwrap()) as usize;
    let mut draws = Seed(9).stream("bytes");
    let mut refused = 0;
    for _ in 0..60 {
        let mut bytes = FILE.to_vec();
        let at = (draws.uniform() * (8 + length) as f64) as usize;
        bytes[at] ^= 1 << (draws.uniform() * 7.0) as u32;
        refused += usize::from(open(bytes, &[0], 1).is_err());
    }
    assert!(refused > 40, "{refused}");
}

#[test]
fn segments_that_change_nothing_join_to_the_song_whatever_its_length() {
    let segment = 1_000;
    for frames in [0, 1, 249, 250, 749, 750, 751, 999, 1_000, 1_001, 1_500, 1_501, 7_777] {
        let song = [noise(frames, "left"), noise(frames, "right")];
        for block in [1, 333, 5_000] {
            let mut chunks = Chunks::new(segment, CHANNELS);
            let mut out = vec![Vec::new(); CHANNELS];
            let mut work = |chunks: &mut Chunks, last| {
                while let Some(next) = chunks.next(last) {
                    let heard = next.mix.each_ref().map(Vec::clone);
                    assert!(heard.iter().all(|x| x.len() == segment));
                    chunks.add(&next, &heard, &mut out);
                }
            };
            for from in (0..frames).step_by(block) {
                chunks.push(song.each_ref().map(|x| &x[from..frames.min(from + block)]));
                work(&mut chunks, false);
            }
            work(&mut chunks, true);
            for (song, out) in song.iter().zip(&out) {
                assert!(furthest(song, out) < 1e-6, "{frames} frames in blocks of {block}");
            }
        }
    }
}

#[test]
fn the_last_segment_hears_what_came_before_it_in_the_middle_of_silence() {
    let mut chunks = Chunks::new(1_000, CHANNELS);
    let song: Vec<f32> = (1..=1_100).map(|i| i as f32).collect();
    chunks.push([&song, &song]);
    let first = chunks.next(true).unwrap();
    assert_eq!(first.mix[0], song[..1_000]);
    chunks.add(&first, &first.mix.clone(), &mut vec![Vec::new(); 2]);
    // Frames 750 to 1,100 in the middle of a thousand: 325 before them, 325 after.
    let last = chunks.next(true).unwrap();
    assert_eq!(last.mix[0][..675], song[425..]);
    assert_eq!(last.mix[0][675..], [0.0; 325]);
}

#[test]
fn the_spectrogram_of_a_segment_becomes_the_segment_again() {
    let segment = 50_001;
    let mut spectrum = spectrum::Spectrum::new(segment);
    let sound = noise(segment, "sound");
    let mut parts = vec![0.0; 2 * spectrum.len()];
    spectrum.forward(&sound, &mut parts);
    let mut back = vec![0.5; segment];
    spectrum.inverse_add(&parts, 1.0, 0.0, &mut back);
    let inner = 2_000..segment - 4_000;
    let half: Vec<f32> = back[inner.clone()].iter().map(|x| x - 0.5).collect();
    // The last bin is left out: what there was of it is missing.
    let error = furthest(&half, &sound[inner]);
    assert!(error < 0.02, "{error}");
}

/// A ready network that answers with what it hears, for two sources.
fn echo(with_spectrum: bool) -> Vec<u8> {
    let mut onnx = Onnx::new(0);
    let mix = onnx.input(graph::MIX, &[1, 2, 50_000]);
    let twice = onnx.op("Concat", &[&mix, &mix], &[Setting::Int("axis", 1)]);
    if with_spectrum {
        let shape = [1, 4, config::BINS, 49];
        let cac = onnx.input(graph::CAC, &shape);
        let spectra = onnx.op("Concat", &[&cac, &cac], &[Setting::Int("axis", 1)]);
        onnx.output(&spectra, graph::SPECTRA, &[1, 8, config::BINS, 49]);
        onnx.output(&twice, graph::WAVES, &[1, 4, 50_000]);
    } else {
        let sources = onnx.reshape(&twice, &[1, 2, 2, 50_000]);
        onnx.output(&sources, "sources", &[1, 2, 2, 50_000]);
    }
    onnx.finish().0
}

fn ready(onnx: Vec<u8>, wanted: &[usize]) -> Result<Arc<Htdemucs>> {
    Htdemucs::from_onnx(onnx, wanted, 1, &Cancel::new())
}

#[test]
fn a_ready_network_may_take_sound_and_spectrogram_or_sound_alone() {
    let tone = |hz: f32| (0..80_000).map(move |i| 0.3 * (0.000_142_5 * hz * i as f32).sin());
    let mix: Vec<Vec<f32>> = vec![tone(440.0).collect(), tone(1_000.0).collect()];
    // Where segments meet, windows beyond the segments' ends are missing from the spectrogram.
    for (with_spectrum, gain, within) in [(true, 2.0, 3e-3), (false, 1.0, 1e-6)] {
        let network = ready(echo(with_spectrum), &[0, 1]).unwrap();
        let found = find(&network, &mix, 3_000, 2);
        for (plane, mix) in found.iter().zip(mix.iter().chain(&mix)) {
            let wanted: Vec<f32> = mix.iter().map(|x| gain * x).collect();
            let inner = 3_000..77_000;
            let error = furthest(&plane[inner.clone()], &wanted[inner]);
            assert!(error < within, "{error}");
        }
        let lacking = ready(echo(with_spectrum), &[0, 3]).unwrap();
        let mut separator = HtdemucsSeparator::new("test", &lacking, 2);
        let out = &mut vec![Vec::new(); 4];
        let error = separator.process(&[&mix[0], &mix[1]], out).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Missing);
    }
    let onnx = Onnx::default().finish().0;
    assert_eq!(ready(onnx, &[0]).err().unwrap().kind(), ErrorKind::Missing);
    let junk = ready(b"junk".to_vec(), &[0]);
    assert_eq!(junk.err().unwrap().kind(), ErrorKind::Missing);
}

#[test]
fn every_length_comes_back_however_it_is_cut_and_the_song_before_is_forgotten() {
    let htdemucs = open(FILE.to_vec(), &[0], 2).unwrap();
    let mut separator = HtdemucsSeparator::new("test", &htdemucs, 2);
    for frames in [0, 1, 4_410, SEGMENT + 1, 5_001] {
        let mix = noise_and_tones(frames);
        let (mut first, mut again) = (vec![Vec::new(); 2], vec![Vec::new(); 2]);
        run(&mut separator, &mix, 7_777, &mut first);
        run(&mut separator, &mix, frames.max(1), &mut again);
        assert!(first.iter().all(|x| x.len() == frames), "{frames} frames");
        assert!(first == again, "{frames} frames");
        assert!(frames == 0 || first[0].iter().any(|x| *x != 0.0));
    }
}

#[test]
fn a_wish_to_stop_is_heard_within_a_segment() {
    let cancel = Cancel::new();
    let again: Open = Box::new(|| Ok(Box::new(Cursor::new(FILE))));
    let htdemucs = Htdemucs::new(again, &[0], 1, &cancel).unwrap();
    let mut separator = HtdemucsSeparator::new("test", &htdemucs, 1);
    let (mix, mut out) = (vec![0.5; SEGMENT], vec![Vec::new()]);
    // The network is held up: only the wish can end the wait.
    let held = htdemucs.loaded.lock().unwrap();
    cancel.stop(15);
    let error = separator.process(&[&mix], &mut out).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted(15));
    drop(held);
}

#[test]
fn mono_is_stereo_with_equal_sides() {
    let htdemucs = open(FILE.to_vec(), &[0], 2).unwrap();
    let mono = noise_and_tones(20_000).swap_remove(0);
    let both = find(&htdemucs, &[mono.clone(), mono.clone()], 4_096, 1);
    let one = find(&htdemucs, &[mono], 4_096, 1);
    let mean: Vec<f32> = both[0].iter().zip(&both[1]).map(|(l, r)| (l + r) / 2.0).collect();
    assert!(furthest(&one[0], &mean) < 1e-6);
}

#[test]
fn silence_stays_silent_and_broken_samples_give_finite_drums() {
    let htdemucs = open(FILE.to_vec(), &[0], 2).unwrap();
    let silent = find(&htdemucs, &vec![vec![0.0; 10_000]; 2], 4_096, 1);
    assert!(silent.iter().flatten().all(|x| x.abs() < 1e-6));
    let mut broken = noise_and_tones(10_000);
    for (i, x) in [f32::NAN, f32::INFINITY, f32::MAX].into_iter().enumerate() {
        broken[0][3_000 + i] = x;
    }
    let found = find(&htdemucs, &broken, 4_096, 1);
    assert!(found.iter().flatten().all(|x| x.is_finite()));
}
