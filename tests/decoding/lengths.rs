//! Every format comes out with its exact length, in its place, with its channels in order.

use crate::sound::*;

/// Lossy fixtures of 22 051 stereo frames whose file tells where the music begins and ends.
const LOSSY: [&str; 6] =
    ["edit_list.m4a", "gapless.m4a", "bare.m4a", "fragments.m4a", "lame.mp3", "vorbis.ogg"];

/// Exact formats of 2 205 stereo frames.
const EXACT: [&str; 5] = ["aiff.aiff", "alac.m4a", "flac.flac", "ogg_flac.oga", "streamed.wav"];

#[test]
fn exact_formats_give_every_sample_back() {
    for name in EXACT {
        let song = whole(name);
        assert_eq!((song.rate, song.frames()), (44_100, 2_205), "{name}");
        assert!(song.planes == planes(2_205, 2), "{name}: samples differ");
        assert!(!song.damage.any(), "{name}: {:?}", song.damage);
    }
}

#[test]
fn lossy_formats_have_the_exact_length_and_lie_in_place() {
    let truth = planes(22_051, 2);
    for name in LOSSY {
        let song = whole(name);
        assert_eq!((song.rate, song.frames()), (44_100, 22_051), "{name}");
        assert!(!song.damage.any(), "{name}: {:?}", song.damage);
        for (channel, (heard, truth)) in song.planes.iter().zip(&truth).enumerate() {
            assert_eq!(lag(heard, truth, 6_000..12_000, 1_500), 0, "{name}, channel {channel}");
            let error = error(heard, truth, 2_000..20_000);
            assert!(error < 0.05, "{name}, channel {channel}: {error}");
        }
    }
}

#[test]
fn the_length_is_claimed_before_anything_is_decoded() {
    for name in LOSSY.iter().chain(&["long_cbr.mp3", "long_vbr.mp3", "long.ogg", "long.m4a"]) {
        let song = whole(name);
        // A file in fragments only knows its length at the end.
        let due = (*name != "fragments.m4a").then_some(song.frames() as u64);
        assert_eq!(song.claimed, due, "{name}");
    }
}

#[test]
fn low_rates_are_exact_as_well() {
    // MPEG-2 layer III: half the frames in a packet.
    let song = whole("low_rate.mp3");
    assert_eq!((song.rate, song.frames()), (22_050, 11_027));
    assert_eq!(lag(&song.planes[0], &planes(11_027, 1)[0], 2_000..9_000, 1_500), 0);
}

#[test]
fn mp3_without_gapless_tag_begins_with_the_delay_of_coder_and_decoder() {
    // 576 frames of delay in LAME and 529 in every decoder, which only the tag would tell; the
    // end is filled up to whole packets.
    let song = whole("bare.mp3");
    assert_eq!(song.frames(), 21 * 1_152);
    assert_eq!(lag(&song.planes[0], &planes(22_051, 1)[0], 6_000..12_000, 1_500), 576 + 529);
    assert!(!song.damage.any(), "{:?}", song.damage);
}

#[test]
fn aac_without_a_container_loses_its_first_packet_and_keeps_its_padding() {
    // ADTS cannot tell the delay; all encoders in use put one packet of it.
    let song = whole("adts.aac");
    assert_eq!(song.frames(), 22 * 1_024);
    assert_eq!(lag(&song.planes[0], &planes(22_051, 1)[0], 6_000..12_000, 1_500), 0);
}
