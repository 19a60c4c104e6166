//! `remix`: songs in, remix out.

fn main() -> std::process::ExitCode {
    evermix::cli::remix(std::env::args_os())
}
