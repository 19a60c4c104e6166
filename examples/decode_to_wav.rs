//! Decodes one song as Evermix hears it: `decode_to_wav SONG OUT.wav` (32-bit float, mono or
//! stereo, at the song's own rate). Used by `scripts/reference/compare_with_ffmpeg.py`.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use evermix::audio::wav::{SampleFormat, WavWriter};
use evermix::audio::{AudioBuffer, Decoder};
use evermix::base::Limits;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [song, out] = &words[..] else {
        return Err("usage: decode_to_wav SONG OUT.wav".into());
    };
    let mut decoder = Decoder::open(Path::new(song), &Limits::default())?;
    let file = BufWriter::new(File::create(out)?);
    let format = SampleFormat::Float32;
    let mut writer = WavWriter::new(file, decoder.rate(), decoder.channels(), format)?;
    let mut block = AudioBuffer::default();
    while decoder.next_block(&mut block)? {
        writer.write(&block.slices())?;
    }
    writer.finish()?;
    if decoder.damage().any() {
        eprintln!("{song}: {:?}", decoder.damage());
    }
    Ok(())
}
