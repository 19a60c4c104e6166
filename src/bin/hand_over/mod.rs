//! The small executables: each runs `remix` with its own name as the first word.
//!
//! They know nothing of the library, so that five of them cost next to nothing on disk.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Exit code where `remix` is not installed.
const MISSING: u8 = 7;

/// Becomes `remix COMMAND` with the words this process was given.
pub fn hand_over(command: &str) -> ExitCode {
    let mut remix = Command::new(remix_path());
    remix.arg(command).args(std::env::args_os().skip(1));
    let error = run(&mut remix);
    let text = format!(
        "error: cannot start `remix`: {error}\n  why: `{command}` hands its work to `remix`, which \
         must lie beside it or on the PATH\n  try: cargo install --path ."
    );
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(MISSING)
}

/// `remix` beside this executable, else the one on the PATH.
fn remix_path() -> OsString {
    let name = format!("remix{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(&name)));
    beside.filter(|path| path.is_file()).map_or_else(|| name.into(), PathBuf::into_os_string)
}

/// Replaces this process, so that signals and exit codes are `remix`'s own.
#[cfg(unix)]
fn run(remix: &mut Command) -> std::io::Error {
    use std::os::unix::process::CommandExt as _;
    remix.exec()
}

#[cfg(not(unix))]
fn run(remix: &mut Command) -> std::io::Error {
    match remix.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
