//! `forever`: endless mixes, in a later version.

fn main() -> std::process::ExitCode {
    evermix::cli::forever()
}
