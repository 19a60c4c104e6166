use proptest::prelude::*;

use super::*;

fn path() -> &'static Path {
    Path::new("project/index.evx")
}

fn space(name: &str, rows: usize, dims: usize, seed: u64) -> Space {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 20) as f32
    };
    let raw: Vec<f32> = (0..rows * dims).map(|_| next()).collect();
    let columns = (0..dims).map(|i| Column::new(format!("mfcc_{i}"), 1.0 + i as f64)).collect();
    Space::fit(name, columns, &raw, Algorithm::Auto).unwrap()
}

fn index() -> IndexFile {
    let spaces = vec![space("drums", 300, 5, 1), space("other", 70, 3, 2), space("mix", 0, 4, 3)];
    IndexFile { dataset_hash: [7; 32], spaces }
}

fn written(index: &IndexFile) -> Vec<u8> {
    let mut bytes = Vec::new();
    index.write_to(&mut bytes).unwrap();
    bytes
}

fn why(bytes: &[u8]) -> String {
    let error = IndexFile::from_bytes(bytes, path()).expect_err("damaged");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(error.path(), Some(path()));
    assert!(error.next_step().is_some_and(|hint| hint.contains(REDO)));
    error.to_string()
}

/// Replaces bytes and makes the checksum right again, as a hostile writer would.
fn forged(bytes: &[u8], at: usize, with: &[u8]) -> Vec<u8> {
    let mut body = bytes[..bytes.len() - HASH].to_vec();
    body[at..at + with.len()].copy_from_slice(with);
    sealed(body)
}

fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    let hash = blake3::hash(&body);
    body.extend_from_slice(hash.as_bytes());
    body
}

/// Where the first space begins, and the parts of it when its name has `name` bytes.
const FIRST: usize = 8 + 4 + 32 + 4;
const ALGORITHM: usize = FIRST + 2 + 5;
const ROWS: usize = ALGORITHM + 1;
const DIMS: usize = ROWS + 8;
const COLUMN: usize = DIMS + 4;
const SCALES: usize = COLUMN + 2 + 6;
const SPLITS: usize = COLUMN + 5 * (2 + 6 + 24);
const IDS: usize = SPLITS + 9 * SPLIT_BYTES;
const VALUES: usize = IDS + 300 * 4;

#[test]
fn what_is_written_is_read() {
    let index = index();
    let bytes = written(&index);
    let read = IndexFile::from_bytes(&bytes, path()).unwrap();
    assert_eq!(read.dataset_hash, [7; 32]);
    for (read, space) in read.spaces.iter().zip(&index.spaces) {
        assert_eq!(
            (&read.name, &read.columns, read.algorithm),
            (&space.name, &space.columns, space.algorithm)
        );
        assert_eq!(read.tree, space.tree);
    }
    assert_eq!(written(&read), bytes);
    let drums = read.space("drums").unwrap();
    let query = drums.row(9).unwrap();
    assert_eq!(drums.nearest(&query, 20), index.spaces[0].nearest(&query, 20));
    assert!(read.space("vocals").is_none());
}

#[test]
fn any_single_flipped_bit_is_detected() {
    let bytes = written(&index());
    let bits = bytes.len() * 8;
    for flip in 0..2_000 {
        let bit = flip * 7_919 % bits;
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        why(&damaged);
    }
}

#[test]
fn any_cut_or_added_byte_is_detected() {
    let bytes = written(&index());
    for length in (0..bytes.len()).step_by(13).chain(0..200) {
        why(&bytes[..length]);
    }
    let mut longer = bytes.clone();
    longer.push(0);
    why(&longer);
    assert!(why(&sealed([&bytes[..bytes.len() - HASH], &[0]].concat())).contains("after its end"));
}

#[test]
fn cut_files_with_a_right_checksum_are_refused() {
    let bytes = written(&index());
    for length in 12..bytes.len() - HASH {
        why(&sealed(bytes[..length].to_vec()));
    }
}

#[test]
fn claims_beyond_the_file_are_refused_before_anything_is_allocated() {
    let bytes = written(&index());
    for claim in [1_u64 << 60, u64::MAX, u64::from(u32::MAX), 1 << 31, 301] {
        why(&forged(&bytes, ROWS, &claim.to_le_bytes()));
    }
    for claim in [0_u32, 4_097, u32::MAX, 4_096] {
        why(&forged(&bytes, DIMS, &claim.to_le_bytes()));
    }
    for claim in [65_u32, u32::MAX, 4] {
        why(&forged(&bytes, FIRST - 4, &claim.to_le_bytes()));
    }
    why(&forged(&bytes, FIRST, &u16::MAX.to_le_bytes()));
}

#[test]
fn impossible_contents_with_a_right_checksum_are_refused() {
    let bytes = written(&index());
    assert!(why(&forged(&bytes, ALGORITHM, &[4])).contains("algorithm"));
    assert!(why(&forged(&bytes, FIRST + 2, &[0xff])).contains("not text"));
    for value in [f32::NAN, f32::INFINITY, -f32::INFINITY, 2e15] {
        assert!(why(&forged(&bytes, VALUES + 400, &value.to_le_bytes())).contains("value"));
    }
    for scale in [0, 8, 16] {
        assert!(why(&forged(&bytes, SCALES + scale, &f64::NAN.to_le_bytes())).contains("scale"));
    }
    for row in [300, u32::MAX] {
        assert!(why(&forged(&bytes, IDS, &row.to_le_bytes())).contains("row number"));
    }
    let second: [u8; 4] = bytes[IDS + 4..IDS + 8].try_into().unwrap();
    assert!(why(&forged(&bytes, IDS, &second)).contains("twice"));
    assert!(why(&forged(&bytes, SPLITS, &5_u32.to_le_bytes())).contains("split"));
    assert!(why(&forged(&bytes, SPLITS + 4, &f32::NAN.to_le_bytes())).contains("split"));
}

#[test]
fn padding_that_is_not_zero_is_refused() {
    let bytes = written(&index());
    let last = VALUES + 304 * 5 * 4 - 4;
    assert!(why(&forged(&bytes, last, &1.0_f32.to_le_bytes())).contains("padding"));
}

#[test]
fn two_layers_of_one_name_are_refused_both_ways() {
    let spaces = vec![space("mix", 20, 2, 1), space("mux", 20, 2, 2)];
    let mut index = IndexFile { dataset_hash: [0; 32], spaces };
    let bytes = written(&index);
    let name = bytes.windows(3).rposition(|w| w == b"mux").unwrap();
    assert!(why(&forged(&bytes, name, b"mix")).contains("same name"));
    index.spaces[1].name = "mix".into();
    assert_eq!(index.write_to(&mut Vec::new()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn another_format_is_called_that() {
    let bytes = written(&index());
    let text = why(&forged(&bytes, 8, &7_u32.to_le_bytes()));
    assert!(text.contains("newer") && text.contains("format is 7"), "{text}");
    assert!(why(&forged(&bytes, 8, &0_u32.to_le_bytes())).contains("unknown"));
    assert!(why(b"RIFF....WAVEfmt ").contains("does not begin like an index"));
    why(b"");
}

#[test]
fn a_full_disk_is_reported() {
    let mut small = [0_u8; 100];
    assert!(index().write_to(&mut &mut small[..]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_space_survives_the_disk(
        rows in 0_usize..200,
        dims in 1_usize..9,
        seed in any::<u64>(),
        name in "\\PC{0,20}",
        hash in any::<[u8; 32]>(),
    ) {
        let index = IndexFile { dataset_hash: hash, spaces: vec![space(&name, rows, dims, seed)] };
        let bytes = written(&index);
        let read = IndexFile::from_bytes(&bytes, path()).unwrap();
        prop_assert_eq!(&read.spaces[0].tree, &index.spaces[0].tree);
        prop_assert_eq!(&read.spaces[0].columns, &index.spaces[0].columns);
        prop_assert_eq!(written(&read), bytes);
    }

    #[test]
    fn any_bytes_are_refused_or_read_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let body = [&MAGIC[..], &FORMAT.to_le_bytes(), &bytes].concat();
        let _ = IndexFile::from_bytes(&bytes, path());
        let _ = IndexFile::from_bytes(&sealed(body), path());
    }
}
