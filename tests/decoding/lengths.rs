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
#[test]
fn a_variable_rate_without_a_tag_is_read_to_its_end() {
    // Cut off the tag: what is left begins with a large packet, so that any guess of the length
    // from the first packets is far too short.
    let file = fixture("long_vbr.mp3");
    let tag = file.windows(2).position(|w| w == [0xff, 0xfb]).unwrap();
    let first = tag + 4 + file[tag + 4..].windows(2).position(|w| w == [0xff, 0xfb]).unwrap();
    let song = decode("bare_vbr.mp3", &file[first..]).unwrap();
    assert_eq!(song.frames(), 78 * 1_152);
    let heard = &song.planes[0];
    assert_eq!(lag(heard, &planes(88_203, 1)[0], 70_000..86_000, 1_500), 576 + 529);
    assert!(!song.damage.any(), "{:?}", song.damage);
}
#[test]
fn a_chain_of_ogg_streams_is_one_song() {
    let chain = [fixture("vorbis.ogg"), other_serial(fixture("vorbis.ogg"))].concat();
    let song = decode("chain.ogg", chain).unwrap();
    assert!(song.error.is_none(), "{:?}", song.error);
    assert_eq!(song.frames(), 2 * 22_051);
    let once = whole("vorbis.ogg");
    for (heard, once) in song.planes.iter().zip(&once.planes) {
        assert!(heard[..22_051] == once[..] && heard[22_051..] == once[..]);
    }
    assert!(!song.damage.any(), "{:?}", song.damage);
    let opus = crate::damage::encoded("opus");
    let chain = [opus.clone(), other_serial(opus.clone())].concat();
    let (once, twice) = (decode("a.opus", opus).unwrap(), decode("a.opus", chain).unwrap());
    assert!(twice.error.is_none() && !twice.damage.any(), "{:?}", twice.damage);
    assert!(twice.planes[0] == once.planes[0].repeat(2));
}

/// The stream with another serial number, as every link of a chain has its own.
fn other_serial(mut ogg: Vec<u8>) -> Vec<u8> {
    for page in crate::ogg::pages(&ogg) {
        ogg[page.start + 14] ^= 0x55;
        crate::ogg::repair(&mut ogg[page]);
    }
    ogg
}

#[test]
fn mp3_files_joined_together_are_read_to_the_end() {
    // The tag of the first part only tells the length of that part. (Short joins cannot be told
    // from files with a little more than they say.)
    let part = fixture("long_cbr.mp3");
    let song = decode("joined.mp3", part.repeat(8)).unwrap();
    assert!(song.frames() >= 8 * 88_203, "{}", song.frames());
    let truth = &planes(88_203, 1)[0];
    assert_eq!(lag(&song.planes[0][..88_203], truth, 20_000..30_000, 1_500), 0);
}

#[test]
fn a_chain_that_changes_its_rate_is_refused_and_not_cut() {
    let chain = [fixture("vorbis.ogg"), other_serial(fixture("long.ogg"))].concat();
    let song = decode("chain.ogg", chain).unwrap();
    assert_eq!(song.frames(), 22_051);
    let error = song.error.unwrap().to_string();
    assert!(error.contains("change in the middle"), "{error}");
}

#[test]
fn a_chain_whose_first_stream_is_torn_goes_on() {
    let first = fixture("long.ogg");
    let chain = [&first[..first.len() / 2], &other_serial(fixture("long.ogg"))].concat();
    let song = decode("chain.ogg", chain).unwrap();
    assert!(song.error.is_none(), "{:?}", song.error);
    let second = &song.planes[0][song.frames() - 88_203..];
    assert!(second == whole("long.ogg").planes[0]);
}
#[test]
fn adpcm_is_as_long_as_the_file_says() {
    // ffmpeg counts the padding of the last block as sound; the other file tells the truth.
    for (name, frames) in [("ima_adpcm.wav", 22_220), ("ms_adpcm.wav", 22_051)] {
        let song = whole(name);
        assert_eq!((song.rate, song.frames(), song.planes.len()), (44_100, frames, 1), "{name}");
        assert_eq!(lag(&song.planes[0], &planes(22_051, 1)[0], 6_000..12_000, 1_500), 0, "{name}");
        let error = error(&song.planes[0], &planes(22_051, 1)[0], 0..22_051);
        assert!(error < 0.05, "{name}: {error}");
    }
}

#[test]
fn the_name_of_a_song_is_read_whatever_its_format() {
    let aiff = fixture("aiff.aiff");
    let named = [&aiff[..12], b"NAME\0\0\0\x06A song", &aiff[12..]].concat();
    let mp3 = crate::damage::encoded("mp3");
    let flac = crate::damage::encoded("flac");
    let opus = crate::damage::encoded("opus");
    for (name, bytes) in [("a.aiff", named), ("a.mp3", mp3), ("a.flac", flac), ("a.opus", opus)] {
        let source = Box::new(std::io::Cursor::new(bytes));
        let (path, limits) = (std::path::Path::new(name), evermix::base::Limits::default());
        let decoder = evermix::audio::Decoder::from_source(source, path, &limits).unwrap();
        assert_eq!(decoder.tags().title, "A song", "{name}");
    }
}

#[test]
fn a_tag_in_front_of_a_file_changes_nothing() {
    let tag = [&b"ID3\x04\0\0\0\0\x03\x74"[..], &[0; 500]].concat();
    for name in EXACT.iter().chain(&LOSSY) {
        let (bare, tagged) = (whole(name), decode(name, [&tag, &fixture(name)[..]].concat()));
        let tagged = tagged.unwrap_or_else(|error| panic!("{error}"));
        assert!(bare.planes == tagged.planes, "{name}: {} frames", tagged.frames());
        assert_eq!(bare.claimed, tagged.claimed, "{name}");
    }
}
