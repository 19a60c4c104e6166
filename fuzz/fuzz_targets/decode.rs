//! Songs of every format, as they are and with their checksums put right: both ways, for most of
//! what is changed in a file with checksums would get no further than those.
#![no_main]

use evermix_fuzz::{contained, forgive_what_is_caught, listen, repair};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: forgive_what_is_caught("decode"), |data: &[u8]| {
    contained(|| {
        listen("song", data);
        let mut repaired = data.to_vec();
        repair(&mut repaired);
        if repaired != data {
            listen("song", &repaired);
        }
    });
});
