//! Index files with their checksum put right: what is taken is written as it was, finds no row that
//! is not there, and no row twice.
#![no_main]

use std::path::Path;

use evermix::base::ErrorKind;
use evermix::corpus::{Engine, IndexFile, Space};
use evermix_fuzz::{begin, is_told_well};
use libfuzzer_sys::fuzz_target;

/// Neighbours asked for.
const NEAREST: usize = 5;

fuzz_target!(init: begin("index"), |data: &[u8]| {
    for bytes in [data.to_vec(), [data, blake3::hash(data).as_bytes()].concat()] {
        match IndexFile::from_bytes(&bytes, Path::new("i")) {
            Err(error) => is_told_well(&error, &[ErrorKind::Corrupt]),
            Ok(index) => {
                let mut written = Vec::new();
                index.write_to(&mut written).expect("memory takes everything");
                assert!(written == bytes, "written otherwise than it was read");
                index.spaces.iter().for_each(search);
            }
        }
    }
});

fn search(space: &Space) {
    let queries = [0, space.len() / 2, space.len().saturating_sub(1)].map(|row| space.row(row));
    for engine in [Engine::FlatTree, Engine::Scan, Engine::Products] {
        let search = space.searcher_with(engine).expect("ours are always ready");
        for query in queries.iter().flatten() {
            let found = search.nearest(query, NEAREST);
            assert!(found.len() <= NEAREST.min(space.len()));
            assert!(found.is_sorted_by(|a, b| a.distance <= b.distance), "{found:?}");
            let mut rows: Vec<u32> = found.iter().map(|n| n.row).collect();
            rows.sort_unstable();
            assert!(rows.iter().all(|&row| (row as usize) < space.len()));
            assert!(rows.windows(2).all(|w| w[0] != w[1]), "{found:?}");
        }
    }
}
