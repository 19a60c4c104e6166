//! Encodes a song and tells what the encoder alone costs: `encode SONG OUT.mp3` (or .wav, .flac,
//! .opus). The song is decoded into memory first. Used to judge how much `forever render` adds.

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::time::Instant;

use evermix::audio::encode::{Container, OutputTags};
use evermix::audio::wav::SampleFormat;
use evermix::audio::{AudioBuffer, Decoder};
use evermix::base::Limits;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [song, out] = &words[..] else {
        return Err("usage: encode SONG OUT".into());
    };
    let mut decoder = Decoder::open(Path::new(song), &Limits::default())?;
    let (mut blocks, mut block) = (Vec::new(), AudioBuffer::default());
    while decoder.next_block(&mut block)? {
        blocks.push(block.clone());
    }
    let container = Container::of(Path::new(out), SampleFormat::Int24)?;
    let start = Instant::now();
    let file = Box::new(File::create(out)?);
    let (rate, channels) = (decoder.rate(), decoder.channels());
    let mut encoder = container.encoder(file, rate, channels, &OutputTags::default())?;
    for block in &blocks {
        encoder.write(&block.slices())?;
    }
    encoder.finish()?;
    println!("{:.2} s", start.elapsed().as_secs_f64());
    Ok(())
}
