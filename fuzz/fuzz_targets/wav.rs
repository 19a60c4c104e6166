//! WAV files of ours: both readers say the same, and what was read is written so that it is read
//! again.
#![no_main]

use std::io::Cursor;

use evermix::audio::AudioBuffer;
use evermix::audio::wav::{SampleFormat, WavReader, WavWriter, read_whole};
use evermix::base::SampleRate;
use evermix_fuzz::begin;
use libfuzzer_sys::fuzz_target;

/// Frames read at a time.
const BLOCK: usize = 300;

fuzz_target!(init: begin("wav"), |data: &[u8]| {
    let blocks = in_blocks(data);
    let channels = blocks.as_ref().map_or(8, AudioBuffer::channels);
    let mut whole = AudioBuffer::new(channels);
    let Some(info) = read_whole(data, &mut whole) else {
        assert!(blocks.is_none(), "read in blocks though it is not whole");
        return;
    };
    assert_eq!(whole.frames() as u64, info.frames);
    assert!(whole.frames() * channels * 2 <= data.len(), "more samples than bytes");
    assert!(whole.planes.iter().flatten().all(|x| x.is_finite()));
    assert_eq!(blocks.expect("a whole file can be read in blocks").planes, whole.planes);
    if let Ok(rate) = SampleRate::new(info.rate) {
        assert_eq!(in_blocks(&written(&whole, rate)).expect("our own").planes, whole.planes);
    }
});

/// All of a file, block by block; `None` where it is none of ours or cut short.
fn in_blocks(bytes: &[u8]) -> Option<AudioBuffer> {
    let mut reader = WavReader::new(Cursor::new(bytes)).ok()?.hashed();
    let mut all = AudioBuffer::new(reader.info().channels);
    while reader.read(BLOCK, &mut all).ok()? > 0 {}
    Some(all)
}

fn written(sound: &AudioBuffer, rate: SampleRate) -> Vec<u8> {
    let out = Cursor::new(Vec::new());
    let writer = WavWriter::new(out, rate, sound.channels(), SampleFormat::Float32);
    let mut writer = writer.expect("memory takes everything");
    writer.write(&sound.slices()).expect("memory takes everything");
    writer.finish().expect("memory takes everything").into_inner()
}
