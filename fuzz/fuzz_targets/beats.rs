//! Files of beats in all four layouts.
#![no_main]

use std::path::Path;

use evermix::base::ErrorKind;
use evermix::pipeline::BeatSource;
use evermix_fuzz::{MemoryFs, begin, in_context, is_told_well};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: begin("beats"), |data: &[u8]| {
    for ending in ["beats", "txt", "jams", "json"] {
        let fs = MemoryFs::with(format!("beats/song.{ending}"), data);
        in_context(&fs, |context| {
            let folder = BeatSource::folder(context, Path::new("beats")).expect("a folder");
            let source = match folder.of_song(context, "song.mp3") {
                Ok(source) => source,
                Err(error) => return is_told_well(&error, &[ErrorKind::Unusable]),
            };
            let file = source.file().expect("beats of a file");
            let beats = &file.beats;
            assert!(!beats.times.is_empty());
            assert!(beats.times.iter().all(|t| t.0.is_finite() && t.0 >= 0.0));
            assert!(beats.times.windows(2).all(|w| w[0].0 < w[1].0), "they rise");
            if let Some(positions) = &beats.positions {
                assert_eq!(positions.len(), beats.times.len());
                assert!(positions.iter().all(|p| (1..=64).contains(p)));
            }
            let last = beats.times[beats.times.len() - 1];
            file.within(last).unwrap_or_else(|e| panic!("{e}"));
        });
    }
});
