//! Downloads that can be taken up where they broke off.

use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use ureq::Agent;
use ureq::http::StatusCode;

use super::fs::{Fs, open_to_write};
use super::record::each_block;
use crate::base::{Cancel, Error, ErrorKind, Result};

/// How long a server may take to answer, and how long a body may stand still.
pub const PATIENCE: Duration = Duration::from_secs(60);
const BLOCK: usize = 1 << 16;

/// What is to be downloaded.
pub struct Download<'a> {
    /// Where from.
    pub url: &'a str,
    /// Where to. What is there so far is kept beside it as `.part`.
    pub target: &'a Path,
    /// Its length, if that is known.
    pub bytes: Option<u64>,
    /// Its hash, if that is known.
    pub sha256: Option<&'a str>,
    /// No more bytes than that are taken.
    pub most: u64,
    /// After this long without an answer, or without a byte more than before, it is given up.
    pub patience: Duration,
}

/// Downloads a file and gives it its name once length and hash are right. Returns its hash.
///
/// # Errors
/// `Missing` where the server cannot be reached, answers with a failure or breaks off: what came
/// is kept. `Corrupt` where something else came: it is removed. `Limit`, `Io`, `Interrupted`.
pub fn download(what: &Download<'_>, cancel: &Cancel, report: &dyn Fn(f64)) -> Result<String> {
    let part = part_path(what.target);
    let mut file = Part::open(&part, cancel)?;
    let whole = what.bytes.is_some_and(|bytes| file.bytes >= bytes);
    let mut most = file.bytes;
    while !whole && receive(what, &mut file, cancel, report)? == Came::Late {
        // A slow server is asked again for the rest, one that stands still is not.
        if file.bytes <= most {
            return Err(broke_off(what, file.bytes, "nothing came any more"));
        }
        most = file.bytes;
    }
    let hash = hex(&file.hasher.clone().finalize());
    let right = what.bytes.is_none_or(|bytes| bytes == file.bytes)
        && what.sha256.is_none_or(|right| right.eq_ignore_ascii_case(&hash));
    if !right {
        let got = file.bytes;
        drop(file);
        std::fs::remove_file(&part).map_err(|e| Error::io("cannot remove", &part, e))?;
        let wanted = what.bytes.map_or("any length".into(), |n| format!("{n} bytes"));
        return Err(Error::new(ErrorKind::Corrupt, "what came is not what was wanted")
            .at(what.target)
            .because(format!(
                "{got} bytes, sha256 {hash}, instead of {wanted}, sha256 {}",
                what.sha256.unwrap_or("unknown")
            ))
            .hint("it was removed; run the same command again, or get the file elsewhere"));
    }
    let failed = |e| Error::io("cannot write", what.target, e);
    file.file.sync_data().map_err(failed)?;
    std::fs::rename(&part, what.target).map_err(failed)?;
    if let Some(folder) = what.target.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(hash)
}

/// What came so far, and its hash.
struct Part {
    file: File,
    bytes: u64,
    hasher: Sha256,
}

impl Part {
    fn open(path: &Path, cancel: &Cancel) -> Result<Part> {
        let failed = |e| Error::io("cannot write", path, e);
        let file = open_to_write(path).map_err(failed)?;
        if let Err(std::fs::TryLockError::WouldBlock) = file.try_lock() {
            return Err(Error::new(ErrorKind::Busy, "file in use")
                .at(path)
                .because("another evermix command is downloading it")
                .hint("wait for it to finish"));
        }
        let mut part = Part { file, bytes: 0, hasher: Sha256::new() };
        let mut read = File::open(path).map_err(failed)?;
        each_block(&mut read, path, cancel, |block| {
            part.hasher.update(block);
            part.bytes += block.len() as u64;
        })?;
        part.file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(part)
    }

    fn restart(&mut self) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        (self.bytes, self.hasher) = (0, Sha256::new());
        Ok(())
    }
}

/// How one answer ended.
#[derive(PartialEq)]
enum Came {
    All,
    /// Time was up before it was all there.
    Late,
}

fn receive(
    what: &Download<'_>,
    part: &mut Part,
    cancel: &Cancel,
    report: &dyn Fn(f64),
) -> Result<Came> {
    let failed = |e| Error::io("cannot write", what.target, e);
    let mut answer = ask(what, part.bytes)?;
    if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        // The file has become shorter than what is here: it is another one.
        part.restart().map_err(failed)?;
        answer = ask(what, 0)?;
    }
    let goes_on = answer.status() == StatusCode::PARTIAL_CONTENT && continues(&answer, part.bytes);
    match answer.status() {
        StatusCode::PARTIAL_CONTENT if goes_on => {}
        StatusCode::OK => part.restart().map_err(failed)?,
        status => return Err(unreachable(what, &format!("the server says {status}"))),
    }
    let length = answer.headers().get("content-length");
    let length = length.and_then(|text| text.to_str().ok()).and_then(|text| text.parse().ok());
    let end = length.map(|n: u64| part.bytes.saturating_add(n));
    let most = what.bytes.unwrap_or(what.most);
    let mut body = answer.into_body().into_reader();
    let mut block = vec![0; BLOCK];
    loop {
        cancel.check()?;
        let read = match body.read(&mut block) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) if is_timeout(&e) => return Ok(Came::Late),
            Err(e) => return Err(broke_off(what, part.bytes, &e.to_string())),
        };
        part.file.write_all(&block[..read]).map_err(failed)?;
        part.hasher.update(&block[..read]);
        part.bytes += read as u64;
        if part.bytes > most {
            // Longer than it may be: the check of its length says so.
            return Ok(Came::All);
        }
        if let Some(all) = what.bytes.or(end) {
            report((part.bytes as f64 / all.max(1) as f64).min(1.0));
        }
    }
    match end.or(what.bytes) {
        Some(end) if part.bytes < end => Err(broke_off(what, part.bytes, "too few bytes came")),
        _ => Ok(Came::All),
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    let inside = error.get_ref().and_then(|e| e.downcast_ref::<ureq::Error>());
    matches!(inside, Some(ureq::Error::Timeout(_)))
}

type Answer = ureq::http::Response<ureq::Body>;

fn ask(what: &Download<'_>, from: u64) -> Result<Answer> {
    let agent: Agent = Agent::config_builder()
        .timeout_connect(Some(what.patience))
        .timeout_recv_response(Some(what.patience))
        .timeout_recv_body(Some(what.patience))
        .http_status_as_error(false)
        // What was asked for under encryption is never sent without.
        .https_only(what.url.starts_with("https://"))
        .user_agent(concat!("evermix/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut request = agent.get(what.url);
    if from > 0 {
        request = request.header("range", format!("bytes={from}-"));
    }
    request.call().map_err(|e| unreachable(what, &e.to_string()))
}

/// Whether a partial answer begins where our part ends.
fn continues(answer: &Answer, from: u64) -> bool {
    let range = answer.headers().get("content-range").and_then(|text| text.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {from}-")))
}

fn unreachable(what: &Download<'_>, why: &str) -> Error {
    Error::new(ErrorKind::Missing, "cannot download").because(format!("{}: {why}", what.url))
}

fn broke_off(what: &Download<'_>, bytes: u64, why: &str) -> Error {
    let kept = format!("{why}; {bytes} bytes are kept, the same command goes on from there");
    unreachable(what, &kept)
}

fn part_path(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    target.with_file_name(name)
}

/// The sha256 of bytes.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The sha256 of a file, read in blocks, and its length.
///
/// # Errors
/// `ErrorKind::Io` naming the file; `Interrupted` once `cancel` was asked to stop.
pub fn sha256_file(fs: &dyn Fs, path: &Path, cancel: &Cancel) -> Result<(String, u64)> {
    let mut file = fs.open(path).map_err(|e| Error::io("cannot read", path, e))?;
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    each_block(&mut file, path, cancel, |block| {
        hasher.update(block);
        bytes += block.len() as u64;
    })?;
    Ok((hex(&hasher.finalize()), bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;

    const SOUND: [u8; 3_000] = [7; 3_000];

    /// A server that sends `step` bytes of each answer and then keeps the line open in silence.
    fn slow_server(step: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/f", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let words: Vec<String> =
                    lines.map_while(|l| l.ok().filter(|l| !l.is_empty())).collect();
                let from: usize = words
                    .iter()
                    .find_map(|l| {
                        l.strip_prefix("range: bytes=")?.trim_end_matches('-').parse().ok()
                    })
                    .unwrap_or(0);
                let rest = &SOUND[from..];
                let head = format!(
                    "HTTP/1.1 206 Partial\r\ncontent-range: bytes {from}-2999/3000\r\n\
                     content-length: {}\r\n\r\n",
                    rest.len()
                );
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(&rest[..step.min(rest.len())]);
                open.push(stream);
            }
        });
        address
    }

    fn fetch(url: &str, target: &Path) -> Result<String> {
        let what = Download {
            url,
            target,
            bytes: Some(3_000),
            sha256: None,
            most: 3_000,
            patience: Duration::from_millis(300),
        };
        download(&what, &Cancel::default(), &|_| {})
    }

    #[test]
    fn a_slow_server_is_asked_again_and_one_that_stands_still_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("model");
        fetch(&slow_server(1_100), &target).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), SOUND);
        let silent = folder.path().join("silent");
        let error = fetch(&slow_server(0), &silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Missing);
        assert!(error.to_string().contains("nothing came any more"), "{error}");
    }
}
