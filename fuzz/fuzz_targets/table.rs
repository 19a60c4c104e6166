//! Feature tables: what was read can be asked for by name, and is written so that it is read again.
#![no_main]

use std::path::Path;

use evermix::base::ErrorKind;
use evermix::corpus::Table;
use evermix_fuzz::{contained, forgive_what_is_caught, is_told_well};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: forgive_what_is_caught("table"), |data: &[u8]| {
    contained(|| {
        let read = |bytes| Table::from_parquet(bytes, Path::new("t"), "redo");
        let table = match read(data.to_vec()) {
            Ok(table) => table,
            Err(error) => return is_told_well(&error, &[ErrorKind::Corrupt]),
        };
        for name in table.names() {
            let length = |n: usize| assert_eq!(n, table.rows(), "{name:?}");
            let _ = table.text(name).map(|c| length(c.len()));
            let _ = table.int(name).map(|c| length(c.len()));
            let _ = table.real(name).map(|c| length(c.len()));
        }
        let written = table.to_parquet().expect("columns of one length");
        let again = read(written.clone()).expect("a table of ours");
        assert!(again.to_parquet().expect("columns of one length") == written);
    });
});
