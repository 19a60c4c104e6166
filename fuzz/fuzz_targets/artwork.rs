//! Covers of song files and the pictures in them.
#![no_main]

use evermix::base::Limits;
use evermix::forever::live::artwork;
use evermix_fuzz::{contained, forgive_what_is_caught, scratch};
use libfuzzer_sys::fuzz_target;

/// The largest picture that is shown.
const MOST: usize = 4 << 20;

fuzz_target!(init: forgive_what_is_caught("artwork"), |data: &[u8]| {
    contained(|| {
        let Some((picture, colour)) = artwork(&scratch("song", data), &Limits::default()) else {
            return;
        };
        assert!(["image/jpeg", "image/png"].contains(&picture.kind), "{}", picture.kind);
        assert!(picture.bytes.len() <= MOST);
        let digits = colour.strip_prefix('#').expect("a colour");
        assert!(digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()), "{colour}");
    });
});
