use super::*;
use std::io::Cursor;

/// A packet of 128 kbit/s whose body cannot be taken for a header.
fn packet(fill: u8) -> Vec<u8> {
    let mut packet = vec![0xff, 0xfb, 0x90, 0x44];
    packet.resize(417, fill);
    packet
}

fn stream(packets: u8) -> Vec<u8> {
    (1..=packets).flat_map(packet).collect()
}

/// The first byte of each packet's body, and the junk before it.
fn found(bytes: &[u8]) -> Vec<(u8, u64)> {
    let mut walk = Walk::<_, Header>::new(Cursor::new(bytes), 0).unwrap();
    let mut found = Vec::new();
    while let Some(next) = walk.next().unwrap() {
        found.push((walk.packet()[4], next.junk));
    }
    found
}

#[test]
fn packets_are_found_across_junk() {
    let junk = [0xff, 0xfb, 0x90, 0x44, 1, 2, 3, 0xff, 0xe0];
    let bytes = [&junk[..], &stream(3), &junk, &packet(4), &packet(5)].concat();
    assert_eq!(found(&bytes), [(1, 9), (2, 0), (3, 0), (4, 9), (5, 0)]);
}

#[test]
fn a_last_packet_before_a_tag_counts_and_a_torn_one_does_not() {
    let tagged = [stream(3), b"TAG and more".to_vec()].concat();
    assert_eq!(found(&tagged), [(1, 0), (2, 0), (3, 0)]);
    assert_eq!(found(&stream(3)[..417 * 3 - 1]), [(1, 0), (2, 0)]);
}

#[test]
fn a_wrong_size_does_not_swallow_the_packets_after_it() {
    let mut bytes = stream(6);
    // The third now claims 320 kbit/s: 1 044 bytes.
    bytes[2 * 417 + 2] = 0xe0;
    let found: Vec<u8> = found(&bytes).iter().map(|(body, _)| *body).collect();
    assert_eq!(found, [1, 2, 4, 5, 6]);
}

#[test]
fn packets_of_another_kind_are_junk() {
    let mut other = packet(9);
    other[2] = 0x94; // 48 kHz: 384 bytes
    other.truncate(384);
    let bytes = [&stream(2), &other[..], &other, &packet(3), &packet(4)].concat();
    assert_eq!(found(&bytes), [(1, 0), (2, 0), (3, 768), (4, 0)]);
}

#[test]
fn a_survey_counts_what_follows_and_comes_back() {
    let bytes = [&stream(4), &[0; 900][..], &stream(5), b"TAG"].concat();
    let mut walk = Walk::<_, Header>::new(Cursor::new(bytes), 0).unwrap();
    walk.next().unwrap();
    let rest = walk.survey().unwrap();
    assert_eq!((rest.packets, rest.bytes, rest.junk, rest.ends_clean), (8, 8 * 417, 900, true));
    assert_eq!(rest.with_lost(), 10);
    walk.next().unwrap();
    assert_eq!(walk.packet()[4], 2, "goes on where it was");
}
