//! Clips and stems that are not as they were made.

use std::path::Path;

use super::context::Context;
use crate::base::{Error, ErrorKind, Event};

/// Puts a damaged file out of the way, so that the stage that makes it does so again: a look at
/// every sample of every file at each start would cost more than it saves. The file is kept under
/// another name, for somebody may have changed it on purpose.
///
/// `unchanged` says whether the record that the file was held against is still in force. Where it
/// is not, somebody has just made both anew.
pub fn set_aside(context: &Context<'_>, error: Error, unchanged: impl FnOnce() -> bool) -> Error {
    let damaged = error.kind() == ErrorKind::Corrupt;
    let Some(path) = error.path().filter(|_| damaged).map(Path::to_path_buf) else { return error };
    let mut aside = path.clone().into_os_string();
    aside.push(".damaged");
    // Where it cannot be moved the error says all there is to do.
    if unchanged() && context.fs.rename(&path, Path::new(&aside)).is_ok() {
        let text = format!("the damaged file is kept as {}", Path::new(&aside).display());
        context.progress.report(Event::Note { text: &text });
    }
    error
}
