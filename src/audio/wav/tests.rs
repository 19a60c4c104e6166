use super::*;
use std::io::Cursor;

fn ramp(frames: usize, channels: usize) -> AudioBuffer {
    let at = |c: usize, i: usize| ((i * 7 + c * 3) % 1999) as f32 / 1000.0 - 0.999;
    let plane = |c| (0..frames).map(|i| at(c, i)).collect();
    AudioBuffer { planes: (0..channels).map(plane).collect() }
}

fn write(buffer: &AudioBuffer, format: SampleFormat) -> Vec<u8> {
    let out = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(out, SampleRate::CD, buffer.channels(), format).unwrap();
    for start in (0..buffer.frames()).step_by(1_000) {
        let end = (start + 1_000).min(buffer.frames());
        let part: Vec<&[f32]> = buffer.planes.iter().map(|p| &p[start..end]).collect();
        writer.write(&part).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn an_independent_reader_finds_the_same_samples() {
    for (format, step) in [
        (SampleFormat::Int16, 1.0 / 32_768.0),
        (SampleFormat::Int24, 1.0 / 8_388_608.0),
        (SampleFormat::Float32, 0.0),
    ] {
        for channels in [1, 2, 6] {
            let buffer = ramp(2_501, channels);
            let bytes = write(&buffer, format);
            let reader = hound::WavReader::new(Cursor::new(&bytes)).unwrap();
            assert_eq!(reader.spec().channels as usize, channels);
            assert_eq!(reader.duration(), 2_501);
            let samples: Vec<f32> = match format {
                SampleFormat::Float32 => reader.into_samples::<f32>().map(Result::unwrap).collect(),
                _ => reader.into_samples::<i32>().map(|s| s.unwrap() as f32 * step).collect(),
            };
            for (k, sample) in samples.iter().enumerate() {
                let truth = buffer.planes[k % channels][k / channels];
                assert!((sample - truth).abs() <= 1.6 * step, "{format:?} {k}");
            }
        }
    }
}

#[test]
fn our_reader_returns_what_was_written_and_names_a_short_file() {
    let buffer = ramp(1_234, 2);
    let bytes = write(&buffer, SampleFormat::Float32);
    let mut whole = Vec::new();
    let format = SampleFormat::Float32;
    WavBytes::begin(SampleRate::CD, 2, format, 1_234, &mut whole)
        .append(&buffer.slices(), &mut whole);
    assert_eq!(bytes, whole);
    let mut reader = WavReader::new(bytes.as_slice()).unwrap();
    assert_eq!(reader.info().frames, 1_234);
    let mut out = AudioBuffer::new(2);
    while reader.read(500, &mut out).unwrap() > 0 {}
    assert_eq!(out, buffer);
    let mut short = WavReader::new(&bytes[..bytes.len() - 1]).unwrap();
    assert!(short.read(2_000, &mut AudioBuffer::new(2)).is_err());
}

#[test]
fn values_on_the_grid_are_not_dithered() {
    let grid = AudioBuffer { planes: vec![(-100..100).map(|i| i as f32 / 32_768.0).collect()] };
    let bytes = write(&grid, SampleFormat::Int16);
    let mut out = AudioBuffer::new(1);
    WavReader::new(bytes.as_slice()).unwrap().read(200, &mut out).unwrap();
    assert_eq!(out, grid);
}

#[test]
fn samples_that_are_no_numbers_are_read_as_silence() {
    let plane = vec![0.5, f32::NAN, f32::INFINITY, -1e30, -60.0];
    let bytes = write(&AudioBuffer { planes: vec![plane] }, SampleFormat::Float32);
    let mut out = AudioBuffer::new(1);
    WavReader::new(bytes.as_slice()).unwrap().read(9, &mut out).unwrap();
    assert_eq!(out.planes[0], [0.5, 0.0, 0.0, 0.0, -60.0]);
}

/// A file that remembers its head and its tail, and of the rest only the length.
#[derive(Default)]
struct Hollow {
    head: Vec<u8>,
    at: u64,
    length: u64,
    tail: Vec<u8>,
}

impl Write for Hollow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = HEADER.saturating_sub(self.at) as usize;
        let (into, rest) = bytes.split_at(room.min(bytes.len()));
        let from = self.at.min(HEADER) as usize;
        self.head.resize(self.head.len().max(from + into.len()), 0);
        self.head[from..from + into.len()].copy_from_slice(into);
        if !rest.is_empty() {
            self.tail = rest[rest.len().saturating_sub(8)..].to_vec();
        }
        self.at += bytes.len() as u64;
        self.length = self.length.max(self.at);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Hollow {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.length.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

#[test]
fn beyond_four_gibibytes_the_header_is_rf64_and_tells_true_sizes() {
    let block = vec![0.0f32; 1 << 20];
    for (blocks, magic) in [(511u64, b"RIFF"), (513, b"RF64")] {
        let mut writer =
            WavWriter::new(Hollow::default(), SampleRate::CD, 2, SampleFormat::Float32).unwrap();
        for _ in 0..blocks {
            writer.write(&[&block, &block]).unwrap();
        }
        // A last frame that is not silence, to be found at the very end.
        writer.write(&[&[0.25], &[-0.5]]).unwrap();
        let file = writer.finish().unwrap();
        let (frames, data) = ((blocks << 20) + 1, ((blocks << 20) + 1) * 8);
        assert_eq!(&file.head[..4], magic);
        assert_eq!(file.length, HEADER + data);
        assert_eq!(file.tail, [0.25f32.to_le_bytes(), (-0.5f32).to_le_bytes()].concat());
        assert_eq!(WavReader::new(file.head.as_slice()).unwrap().info().frames, frames);
        let u64_at = |at: usize| u64::from_le_bytes(file.head[at..at + 8].try_into().unwrap());
        if magic == b"RF64" {
            assert_eq!(&file.head[12..16], b"ds64");
            assert_eq!([u64_at(20), u64_at(28), u64_at(36)], [HEADER - 8 + data, data, frames]);
            // The 32-bit fields say that they do not tell.
            assert_eq!([&file.head[4..8], &file.head[76..80]], [[0xff; 4]; 2]);
        }
    }
}
