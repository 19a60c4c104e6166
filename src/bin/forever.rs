//! `forever`: songs in, a mix without end out.

fn main() -> std::process::ExitCode {
    evermix::cli::forever(std::env::args_os())
}
