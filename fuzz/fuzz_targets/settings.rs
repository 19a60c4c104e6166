//! Settings files of a project: what is taken is written so that it is read again.
#![no_main]

use evermix::base::ErrorKind;
use evermix::cli::{Overrides, PROJECT_FILE, Settings, resolve};
use evermix_fuzz::{begin, is_told_well, scratch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: begin("settings"), |data: &[u8]| {
    let read = |bytes: &[u8]| {
        let path = scratch(PROJECT_FILE, bytes);
        let project = path.parent().expect("a file in a folder");
        resolve(project, &Overrides::default()).map(|resolved| resolved.settings)
    };
    match read(data) {
        Ok(settings) => {
            let text = written(&settings);
            let again = read(text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"));
            assert_eq!(written(&again), text);
        }
        Err(error) => is_told_well(&error, &[ErrorKind::Usage]),
    }
});

fn written(settings: &Settings) -> String {
    toml::to_string(settings).expect("plain data")
}
