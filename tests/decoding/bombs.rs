//! Small files that ask for a lot, and large ones that are mostly nothing: each is refused by a
//! limit with a name, or read without much memory or time.

use crate::seeds::riff;
use crate::sound::*;
use evermix::audio::Decoder;
use evermix::base::{ByteSource, ErrorKind, Limits};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::process::Command;
use std::time::{Duration, Instant};

/// Says that this process is the one to measure.
const HERE: &str = "EVERMIX_BOMBS_HERE";
const MOST_MEMORY: u64 = 256 << 20;
/// The figure is two seconds; other programs may want the processor too.
const MOST_TIME: Duration = Duration::from_secs(10);

/// What must come of a bomb.
enum Due {
    /// Refused by a limit, in words that contain these.
    Limit(&'static str),
    /// Refused as damaged or unknown.
    Unusable,
    /// Read as if what was blown up were not there: so many frames.
    Music(usize),
}

use Due::{Limit, Music, Unusable};

/// A file too large to be had: bytes at its beginning, bytes at its end, and a pattern between.
#[derive(Clone)]
struct Vast {
    head: Vec<u8>,
    pattern: Vec<u8>,
    tail: Vec<u8>,
    length: u64,
    at: u64,
}

impl Vast {
    fn new(head: Vec<u8>, pattern: Vec<u8>, between: u64, tail: Vec<u8>) -> Vast {
        let length = head.len() as u64 + between + tail.len() as u64;
        Vast { head, pattern, tail, length, at: 0 }
    }
}

impl Read for Vast {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (head, tail) = (self.head.len() as u64, self.length - self.tail.len() as u64);
        let rest = if self.at < head {
            &self.head[self.at as usize..]
        } else if self.at < tail {
            let into = ((self.at - head) % self.pattern.len() as u64) as usize;
            let most = usize::try_from(tail - self.at).unwrap().min(self.pattern.len() - into);
            &self.pattern[into..into + most]
        } else {
            self.tail.get((self.at - tail) as usize..).unwrap_or_default()
        };
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Vast {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

fn zeros(head: Vec<u8>, between: u64, tail: Vec<u8>) -> Box<dyn ByteSource> {
    Box::new(Vast::new(head, vec![0; 1 << 16], between, tail))
}

fn memory(bytes: Vec<u8>) -> Box<dyn ByteSource> {
    Box::new(Cursor::new(bytes))
}

const GIB: u64 = 1 << 30;

/// A FLAC file of silence, in blocks of 4,096 frames, which says that it has `claimed` frames.
fn silent_flac(blocks: u32, claimed: u64) -> Vec<u8> {
    let mut file = b"fLaC\x80\0\0\x22\x10\0\x10\0\0\0\0\0\0\0".to_vec();
    // 44,100 Hz, one channel, 16 bits.
    file.extend_from_slice(&((44_100 << 44) | (15 << 36) | claimed).to_be_bytes());
    file.extend_from_slice(&[0; 16]);
    for number in 0..blocks {
        let start = file.len();
        file.extend_from_slice(&[0xff, 0xf8, 0xc9, 0x08]);
        let mut utf8 = [0; 4];
        let number = char::from_u32(number).or(char::from_u32(number + 0x800)).unwrap();
        file.extend_from_slice(number.encode_utf8(&mut utf8).as_bytes());
        file.push(crate::flac::crc8(&file[start..]));
        file.extend_from_slice(&[0, 0, 0]);
        let sum = crate::flac::crc16(&file[start..]);
        file.extend_from_slice(&sum.to_be_bytes());
    }
    file
}

#[test]
fn a_flac_file_written_into_a_pipe_knows_its_length_by_its_last_block() {
    let open = |file| Decoder::from_source(memory(file), "x".as_ref(), &Limits::default()).unwrap();
    assert_eq!(open(silent_flac(100, 0)).claimed_frames(), Some(409_600));
    assert_eq!(open(silent_flac(100, 77)).claimed_frames(), Some(77));
    assert_eq!(open(silent_flac(1, 0)).claimed_frames(), None, "one block alone may be chance");
}

/// A packet of silence: 8 kbit/s at 8 kHz.
fn silent_mp3() -> Vec<u8> {
    let mut packet = vec![0xff, 0xe3, 0x18, 0xc4];
    packet.resize(72, 0);
    packet
}

fn id3(bytes: u32) -> Vec<u8> {
    let size = [21, 14, 7, 0].map(|shift| (bytes >> shift) as u8 & 127);
    [&b"ID3\x04\0\0"[..], &size].concat()
}

fn atom(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), &name[..], body].concat()
}

fn vast_atom(name: &[u8; 4], size: u64) -> Vec<u8> {
    [&1u32.to_be_bytes(), &name[..], &size.to_be_bytes()].concat()
}

fn mp3_bombs() -> Vec<(&'static str, Box<dyn ByteSource>, Due)> {
    let song = fixture("lame.mp3");
    let audio = song.windows(2).position(|w| w == [0xff, 0xfb]).unwrap();
    let audio = song[audio..].to_vec();
    // The number of packets stands behind "Info" and the flags.
    let mut boastful = song.clone();
    let count = song.windows(4).position(|w| w == b"Info").unwrap() + 8;
    boastful[count..count + 4].copy_from_slice(&3_307_500u32.to_be_bytes());
    let day = Vast::new(Vec::new(), silent_mp3(), 72 * 1_200_000, Vec::new());
    // A tag of 15 MiB, which is read, full of pictures of 1,500 bytes.
    let picture = [&b"APIC\0\0\x0b\x5c\0\0\0image/png\0\x03\0"[..], &[7; 1_486]].concat();
    let album = [id3(10_000 * picture.len() as u32), picture.repeat(10_000)].concat();
    let ape = [&b"APETAGEX\xd0\x07\0\0\xff\xff\xff\x7f\xff\xff\xff\x7f\0\0\0\x80"[..], &[0; 8]];
    vec![
        ("mp3 that says a day", memory(boastful), Limit("song too long")),
        ("mp3 of a day of silence", Box::new(day), Limit("song too long")),
        ("tag of 256 MiB", zeros(id3((1 << 28) - 1), (1 << 28) - 1, audio.clone()), Music(22_051)),
        (
            "tag of 256 MiB that is not there",
            memory([id3((1 << 28) - 1), audio.clone()].concat()),
            Unusable,
        ),
        ("10,000 pictures", memory([album, audio.clone()].concat()), Music(22_051)),
        ("many tags", Box::new(Vast::new(Vec::new(), id3(0), 10 << 20, audio.clone())), Unusable),
        ("tag at the end of 2 GiB", memory([song.clone(), ape.concat()].concat()), Music(22_051)),
        ("nothing but zeros", zeros(Vec::new(), GIB, Vec::new()), Unusable),
        ("zeros and a song", zeros(Vec::new(), GIB, song), Unusable),
    ]
}

fn flac_bombs() -> Vec<(&'static str, Box<dyn ByteSource>, Due)> {
    let song = fixture("flac.flac");
    let description = &song[..42];
    let audio = crate::flac::audio(&song).unwrap();
    let picture = [&[6, 0xff, 0xff, 0xff][..], &[0; 0xff_ffff]].concat();
    let pictures = Vast::new(
        description.to_vec(),
        picture.clone(),
        100 * picture.len() as u64,
        [&[0x81, 0, 0, 0][..], &song[audio..]].concat(),
    );
    let ten_hours = 10 * 3_600 * 44_100;
    vec![
        (
            "flac of ten hours of silence",
            memory(silent_flac(400_000, ten_hours)),
            Limit("song too long"),
        ),
        (
            "the same, which does not say so",
            memory(silent_flac(400_000, 0)),
            Limit("song too long"),
        ),
        ("100 pictures of 16 MiB", Box::new(pictures), Music(2_205)),
        ("pictures without an end", memory([description, &picture[..9_999]].concat()), Unusable),
    ]
}

fn other_bombs() -> Vec<(&'static str, Box<dyn ByteSource>, Due)> {
    let pcm: Vec<u8> = sound(600, 0).iter().flat_map(|x| x.to_le_bytes()).collect();
    let fmt = [1, 0, 1, 0, 0x44, 0xac, 0, 0, 0x88, 0x58, 1, 0, 2, 0, 16, 0];
    let list = [&b"RIFF\xff\xff\xff\xffWAVELIST"[..], &(GIB as u32).to_le_bytes()].concat();
    let data = riff(&[(b"fmt ", &fmt), (b"data", &pcm)])[12..].to_vec();
    let mut anno = fixture("aiff.aiff");
    let rest = anno.split_off(12);
    anno.extend_from_slice(&[&b"ANNO"[..], &(GIB as u32).to_be_bytes()].concat());
    let ftyp = atom(b"ftyp", b"M4A \0\0\0\0M4A ");
    let m4a = fixture("edit_list.m4a");
    let after = |bytes: Vec<u8>, more: u64| zeros([ftyp.clone(), bytes].concat(), more, Vec::new());
    let junk = [&b"junk"[..], &ftyp, &vast_atom(b"moov", GIB)].concat();
    let junk = Box::new(Vast::new(junk, atom(b"trak", &[0; 1_000]), GIB, Vec::new()));
    let stts = [&[0; 4][..], &70_000u32.to_be_bytes(), &[0, 0, 0, 1].repeat(140_000)].concat();
    let nest = |name, body: Vec<u8>| atom(name, &body);
    let deep = nest(
        b"moov",
        nest(b"trak", nest(b"mdia", nest(b"minf", nest(b"stbl", nest(b"stts", stts))))),
    );
    let empty_page = {
        let mut page = [&b"OggS\0\0"[..], &[0; 21]].concat();
        crate::ogg::repair(&mut page);
        page
    };
    let ogg = fixture("vorbis.ogg");
    vec![
        ("wav with a list of 1 GiB", zeros(list, GIB, data), Music(600)),
        ("aiff with a remark of 1 GiB", zeros(anno, GIB, rest), Music(2_205)),
        ("m4a tables of 1 GiB", after(vast_atom(b"moov", GIB), GIB), Limit("tables")),
        ("junk and m4a tables of 1 GiB", junk, Unusable),
        ("m4a tables of 2^63", after(vast_atom(b"moov", 1 << 63), 0), Unusable),
        (
            "m4a sound of 2^62",
            memory([&m4a[..28], &vast_atom(b"mdat", 1 << 62)].concat()),
            Unusable,
        ),
        ("m4a of 70,000 durations", after(deep, 0), Limit("tables")),
        (
            "m4a of empty boxes",
            Box::new(Vast::new(ftyp.clone(), atom(b"free", b""), 64 << 20, Vec::new())),
            Limit("tables"),
        ),
        (
            "ogg of empty pages",
            Box::new(Vast::new(ogg.clone(), empty_page, 64 << 20, Vec::new())),
            Music(22_051),
        ),
        ("larger than allowed", zeros(ogg, 3 * GIB, Vec::new()), Limit("file too large")),
    ]
}

/// In a process of its own, whose memory is nobody else's.
#[test]
fn bombs_are_refused_by_name_or_read_in_bounded_memory() {
    if std::env::var_os(HERE).is_none() {
        let name = "bombs::bombs_are_refused_by_name_or_read_in_bounded_memory";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let ran = child.args(["--exact", name, "--nocapture"]).env(HERE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
        assert!(said.contains("1 passed"), "the bombs were not found: {said}");
        return;
    }
    for (name, source, due) in mp3_bombs().into_iter().chain(flac_bombs()).chain(other_bombs()) {
        let start = Instant::now();
        let song = decode_source("bomb", source);
        let took = start.elapsed();
        let peak = peak_memory();
        eprintln!("{name}: {took:?}, {:?} KiB", peak.map(|bytes| bytes >> 10));
        assert!(took < MOST_TIME, "{name}: {took:?}");
        assert!(peak.is_none_or(|peak| peak < MOST_MEMORY), "{name}: {peak:?} bytes");
        let (frames, error) = match song {
            Ok((frames, error)) => (frames, error),
            Err(error) => (0, Some(error)),
        };
        match (due, error) {
            (Music(due), None) => assert_eq!(frames, due, "{name}"),
            (Limit(words), Some(error)) => {
                assert_eq!(error.kind(), ErrorKind::Limit, "{name}: {error}");
                assert!(error.to_string().contains(words), "{name}: {error}");
            }
            (Unusable, Some(error)) => {
                assert_eq!(error.kind(), ErrorKind::Unusable, "{name}: {error}")
            }
            (_, error) => panic!("{name}: {frames} frames, {error:?}"),
        }
    }
}

/// The most memory this process ever had, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}
