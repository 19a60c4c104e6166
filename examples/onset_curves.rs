//! Writes what the metre network is trained on: `onset_curves FOLDER SONG...` leaves NAME.curves
//! (32-bit floats: the curves of four registers, then of harmonic change) and NAME.json (the
//! tracked pulses in hops) in FOLDER. `scripts/train_metre/train.py` reads them.

use std::error::Error;
use std::path::{Path, PathBuf};

use evermix::analysis::{Curves, OnsetAnalyzer, pulses};
use evermix::audio::{AudioBuffer, Decoder, Resampler};
use evermix::base::{Limits, SampleRate};

fn curves(song: &Path) -> Result<Curves, Box<dyn Error>> {
    let mut decoder = Decoder::open(song, &Limits::default())?;
    let mut resampler = Resampler::new(decoder.rate(), SampleRate::ANALYSIS, 1)?;
    let mut analyzer = OnsetAnalyzer::new();
    let (mut block, mut mono) = (AudioBuffer::default(), AudioBuffer::new(1));
    let mut ready = AudioBuffer::new(1);
    loop {
        let more = decoder.next_block(&mut block)?;
        ready.clear();
        if more {
            block.mono_into(&mut mono.planes[0]);
            resampler.push(&mono, &mut ready)?;
        } else {
            resampler.finish(&mut ready)?;
        }
        analyzer.push(&ready.planes[0]);
        if !more {
            return Ok(Curves::new(&analyzer.finish()));
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = words.next().ok_or("usage: onset_curves FOLDER SONG...")?;
    for song in words {
        let curves = curves(&song)?;
        let name = song.file_stem().ok_or("a song needs a name")?;
        let out = folder.join(name);
        let all = curves.registers.iter().chain([&curves.harmony]).flatten();
        let bytes: Vec<u8> = all.flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(out.with_extension("curves"), bytes)?;
        let pulses = serde_json::json!({ "pulses": pulses(&curves) });
        std::fs::write(out.with_extension("json"), pulses.to_string())?;
    }
    Ok(())
}
