use super::*;
use std::io::Cursor;

fn open_bytes(bytes: Vec<u8>) -> Result<Front> {
    open(Box::new(Cursor::new(bytes)), &Limits::default())
}

/// What the general reader gets to see.
fn seen(bytes: Vec<u8>) -> Vec<u8> {
    let (mut front, mut seen) = (open_bytes(bytes).unwrap(), Vec::new());
    front.source.read_to_end(&mut seen).unwrap();
    seen
}

#[test]
fn a_spliced_file_reads_like_the_joined_bytes() {
    let inner: Vec<u8> = (0..100).collect();
    let joined = [&[200, 201, 202][..], &inner[10..60]].concat();
    let mut spliced = Spliced::new(vec![200, 201, 202], Box::new(Cursor::new(inner)), 10, 60);
    let mut all = Vec::new();
    spliced.read_to_end(&mut all).unwrap();
    assert_eq!(all, joined);
    for at in [0, 2, 3, 30, 52, 53, 99] {
        spliced.seek(SeekFrom::Start(at)).unwrap();
        let mut rest = Vec::new();
        spliced.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, joined.get(at as usize..).unwrap_or_default(), "from {at}");
    }
    assert_eq!(spliced.seek(SeekFrom::End(-3)).unwrap(), 50);
    assert_eq!(spliced.seek(SeekFrom::Current(-49)).unwrap(), 1);
    assert!(spliced.seek(SeekFrom::Current(-2)).is_err());
}

fn tag(size: usize, flags: u8) -> Vec<u8> {
    let size7 = [21, 14, 7, 0].map(|shift| (size >> shift) as u8 & 127);
    let mut tag = [&b"ID3\x04\0"[..], &[flags], &size7].concat();
    tag.resize(10 + size, 0xff);
    tag
}

#[test]
fn tags_in_front_are_found() {
    let end = |bytes: Vec<u8>| behind_tags(&mut Cursor::new(bytes)).unwrap();
    assert_eq!(end(b"music".to_vec()), 0);
    assert_eq!(end([tag(300, 0), vec![0; 9]].concat()), 310);
    assert_eq!(end([tag(300, 0), tag(5, 0), vec![0; 9]].concat()), 325);
    assert_eq!(end([tag(300, 0x10), vec![0; 10]].concat()), 320);
    assert_eq!(end(tag(300, 0)[..20].to_vec()), 310);
    assert_eq!(end(Vec::new()), 0);
}

#[test]
fn only_tags_too_large_to_read_are_hidden() {
    let small = [tag(1_000, 0), b"music".to_vec()].concat();
    assert_eq!(seen(small.clone()), small);
    let large = [tag(17 << 20, 0), tag(50, 0), b"music".to_vec()].concat();
    assert_eq!(seen(large), [tag(50, 0), b"music".to_vec()].concat());
}

fn block(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

#[test]
fn pictures_and_padding_of_flac_files_are_hidden() {
    let (description, picture) = (block(0, &[7; 34]), block(6, &[1; 5_000]));
    let (comments, padding) = (block(4, b"words"), block(0x81, &[0; 900]));
    let file = [&b"fLaC"[..], &description, &picture, &comments, &padding, b"sound"].concat();
    let mut last = comments.clone();
    last[0] |= 0x80;
    assert_eq!(seen(file), [&b"fLaC"[..], &description, &last, b"sound"].concat());
    let bare = [&b"fLaC"[..], &description, &padding, b"sound"].concat();
    let mut last = description.clone();
    last[0] |= 0x80;
    assert_eq!(seen(bare), [&b"fLaC"[..], &last, b"sound"].concat());
    assert!(open_bytes([&b"fLaC"[..], &description, &picture[..99]].concat()).is_err());
    assert!(open_bytes([&b"fLaC"[..], &comments, &padding].concat()).is_err());
}

#[test]
fn a_file_behind_a_tag_has_its_head_read_as_well() {
    let flac = [&b"fLaC"[..], &block(0x80, &[7; 34]), b"sound"].concat();
    assert_eq!(seen([tag(99, 0), flac.clone()].concat()), flac);
    assert!(open_bytes([tag(99, 0), flac].concat()).unwrap().known);
    assert!(!open_bytes(b"who knows what".to_vec()).unwrap().known);
}
