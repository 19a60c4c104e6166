//! Playlists: they name files that are there, each once.
#![no_main]

use std::collections::HashSet;

use evermix::base::{ErrorKind, Limits};
use evermix::store::expand_inputs;
use evermix_fuzz::{begin, is_told_well, scratch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: { begin("playlist"); scratch("song.mp3", b"x"); }, |data: &[u8]| {
    let limits = Limits { max_files: 3, ..Limits::default() };
    let list = scratch("list.m3u8", data);
    match expand_inputs(std::slice::from_ref(&list), &limits) {
        Err(error) => is_told_well(&error, &[ErrorKind::NoAudio, ErrorKind::Limit]),
        Ok(found) => {
            assert!((1..=limits.max_files).contains(&found.files.len()));
            let real = found.files.iter().map(|file| file.path.canonicalize().expect("a file"));
            assert_eq!(real.collect::<HashSet<_>>().len(), found.files.len(), "named twice");
            assert!(found.files.iter().all(|file| file.path.is_file()));
            for error in &found.skipped {
                is_told_well(error, &[ErrorKind::Unusable, ErrorKind::Limit, ErrorKind::Io]);
            }
        }
    }
});
