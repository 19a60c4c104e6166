//! Odd file names and odd files in the music folder: nothing leaves the output folders, nothing
//! hangs, and whatever is left out is said with its reason.

use crate::common::{Desk, files};
use crate::program::{AUTO, assert_same, made, run};
use crate::stages::tiny;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Component, Path};

pub fn make_fifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

const ODD: [&[u8]; 14] = [
    b"\xff\xfe not UTF-8.wav",
    b"new\nline.wav",
    b"\x1b[31mred\x07.wav",
    b"-rf.wav",
    b"--output=x.wav",
    "\u{1f3b5}\u{1f469}\u{200d}\u{1f3a4}.wav".as_bytes(),
    "\u{202e}gnp.\u{5e9}\u{5d9}\u{5e8}.wav".as_bytes(),
    b"CON.wav",
    b"com1.Wav",
    b"a:b*c?d\"e<f>g|h.wav",
    b"back\\..\\slash.wav",
    b"  spaces  .wav",
    b"trailing...wav",
    b"$(touch pwned)`touch pwned`;touch pwned.wav",
];

/// The odd names and one more. Some file systems take text only.
fn odd_names(more: &[u8]) -> Vec<&[u8]> {
    let taken = |name: &&[u8]| cfg!(target_os = "linux") || std::str::from_utf8(name).is_ok();
    ODD.into_iter().chain([more]).filter(taken).collect()
}

/// Everything the program made lies in its project, in the cache or beside the output, with plain
/// names.
fn assert_contained(desk: &Desk) {
    for path in files(&desk.path("")) {
        let inside = path.strip_prefix(desk.path("")).unwrap();
        let first = inside.iter().next().unwrap().to_string_lossy().into_owned();
        let ours = ["music", "evermix-project", "config", "cache"].contains(&first.as_str());
        assert!(ours || first.starts_with("out."), "{inside:?}");
        if first != "evermix-project" {
            continue;
        }
        let text = inside.to_str().unwrap_or_else(|| panic!("{inside:?} is not UTF-8"));
        assert!(!text.contains(char::is_control), "{text:?}");
        for part in inside.components() {
            let Component::Normal(part) = part else { panic!("{inside:?}") };
            assert!(part.len() <= 255);
        }
    }
}

#[test]
fn songs_with_odd_names_take_part_like_any_other() {
    let desk = Desk::in_memory();
    let long = [vec![b'x'; 251], b".wav".to_vec()].concat();
    let names = odd_names(&long);
    let count = names.len();
    for (i, name) in names.into_iter().enumerate() {
        let song = tiny(112.0 + i as f64, i);
        song.write(&desk.path("music").join(OsStr::from_bytes(name)));
    }
    let ran = run(&desk, &[&AUTO[..], &["--jump-rate", "1"]].concat());
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert_contained(&desk);
    let project = desk.path("evermix-project");
    assert_eq!(files(&project.join("beats/songs")).len(), count);
    assert!(!ran.err().contains(['\u{1b}', '\u{7}']), "escape sequences in the talk");
    let list = String::from_utf8(desk.read("out.tracklist.txt")).unwrap();
    let cue = String::from_utf8(desk.read("out.cue")).unwrap();
    for text in [list, cue] {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
    // The same again finds everything done.
    let before = made(&desk);
    assert_eq!(run(&desk, &[&AUTO[..], &["--jump-rate", "1"]].concat()).code(), 0);
    assert_same(&made(&desk), &before, "a second run");
}

#[test]
fn outputs_with_odd_names_are_written_where_they_were_wanted() {
    let desk = Desk::in_memory();
    tiny(120.0, 0).write(&desk.path("music/s.wav"));
    desk.ok(&["auto", "music", "-o", "out.wav", "--beats", "4"]);
    let long = [vec![b'y'; 240], b".wav".to_vec()].concat();
    for name in odd_names(&long) {
        let name = Path::new(OsStr::from_bytes(name));
        let folder = desk.path("odd");
        std::fs::create_dir(&folder).unwrap();
        let mut command = desk.command(&["generate-remix", "0.5", "4"]);
        let ran = crate::program::Running::start({
            command.arg(folder.join(name));
            command
        });
        let ran = ran.end().0;
        assert_eq!(ran.code(), 0, "{name:?}: {}", ran.err());
        assert_eq!(std::fs::read(folder.join(name)).unwrap(), desk.read("out.wav"), "{name:?}");
        assert_eq!(files(&folder).len(), 4, "{:?}", files(&folder));
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn what_is_no_song_is_left_out_with_the_reason_and_nothing_hangs() {
    let desk = Desk::in_memory();
    tiny(120.0, 0).write(&desk.path("music/good.wav"));
    let outside = Desk::in_memory();
    tiny(120.0, 7).write(&outside.path("music/elsewhere.wav"));
    let music = |name: &str| desk.path("music").join(name);
    symlink(outside.path("music/elsewhere.wav"), music("out-link.wav")).unwrap();
    symlink(music("good.wav"), music("in-link.wav")).unwrap();
    symlink("nowhere.wav", music("dangling.wav")).unwrap();
    symlink("self.wav", music("self.wav")).unwrap();
    symlink(".", music("loop")).unwrap();
    symlink(outside.path("music"), music("out-folder")).unwrap();
    symlink("/dev/zero", music("endless.wav")).unwrap();
    make_fifo(&music("pipe.wav"));
    let _socket = UnixListener::bind(music("socket.wav")).unwrap();
    std::fs::create_dir(music("folder.wav")).unwrap();
    let ran = run(&desk, &["auto", "music", "-o", "out.wav", "--beats", "4"]);
    assert_eq!(ran.code(), 3, "{}", ran.err());
    for (name, why) in [
        ("out-link.wav", "outside"),
        ("dangling.wav", "nowhere"),
        ("self.wav", "link"),
        ("endless.wav", "outside"),
        ("pipe.wav", "not a regular file"),
        ("socket.wav", "not a regular file"),
        ("out-folder", "link to a folder"),
    ] {
        let said = ran.err().lines().any(|l| l.contains(name) && l.contains(why));
        assert!(said, "{name}: {why}\n{}", ran.err());
    }
    // What is searched anyway is not worth a word.
    assert!(!ran.err().contains("loop") && !ran.err().contains("in-link"), "{}", ran.err());
    assert_eq!(files(&desk.path("evermix-project/beats/songs")).len(), 1);
    assert_contained(&desk);
}

#[test]
fn pipes_devices_and_links_named_outright_never_hang() {
    let desk = Desk::in_memory();
    tiny(120.0, 0).write(&desk.path("music/good.wav"));
    make_fifo(&desk.path("pipe.wav"));
    make_fifo(&desk.path("list.m3u"));
    symlink("/dev/zero", desk.path("endless.wav")).unwrap();
    let list = "music/good.wav\npipe.wav\n/dev/zero\n../../../etc/passwd\na\u{0}b.wav\n";
    std::fs::write(desk.path("all.m3u8"), list).unwrap();
    let ran = run(
        &desk,
        &["segment", "pipe.wav", "list.m3u", "endless.wav", "/dev/zero", "all.m3u8", "beats"],
    );
    assert_eq!(ran.code(), 3, "{}", ran.err());
    assert_eq!(files(&desk.path("beats/songs")).len(), 1);
}

#[test]
fn songs_made_to_get_one_name_are_kept_apart() {
    let desk = Desk::in_memory();
    std::fs::create_dir(desk.path("music/a")).unwrap();
    std::fs::create_dir(desk.path("music/b")).unwrap();
    tiny(120.0, 0).write(&desk.path("music/a/s.wav"));
    tiny(126.0, 5).write(&desk.path("music/b/s.wav"));
    // The name that the second `s.wav` is going to get.
    let hash = blake3::hash(&desk.read("music/b/s.wav"));
    let mark = &hash.to_hex()[..8];
    tiny(110.0, 3).write(&desk.path(&format!("music/s~{mark}.wav")));
    let ran = run(&desk, &["segment", "music", "beats"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert_eq!(files(&desk.path("beats/songs")).len(), 3);
}
