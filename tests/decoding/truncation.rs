//! Files cut short: what is there is read, and nothing else.

use crate::damage::songs;
use crate::seeds::seeds;
use crate::sound::*;
use evermix::base::ErrorKind;

#[test]
fn a_file_cut_anywhere_gives_the_beginning_of_the_song() {
    let long = songs().into_iter().map(|(name, bytes, _)| (name.to_owned(), bytes));
    for (name, bytes) in seeds().into_iter().chain(long) {
        let good = decode(&name, bytes.clone()).unwrap();
        let mut longest = 0;
        for percent in (0..100).step_by(2) {
            let told = format!("{name} at {percent} %");
            let cut = bytes.len() * percent / 100;
            let song = match decode(&name, &bytes[..cut]) {
                Ok(song) => song,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Unusable, "{told}: {error}");
                    continue;
                }
            };
            assert!(song.error.is_none(), "{told}: {:?}", song.error);
            assert_eq!(song.damage.gap_frames, 0, "{told}: {:?}", song.damage);
            assert!(song.frames() <= good.frames(), "{told}: longer than the song");
            for (cut, good) in song.planes.iter().zip(&good.planes) {
                assert!(cut[..] == good[..cut.len()], "{told}: another sound");
            }
            longest = longest.max(song.frames());
        }
        // The tables of most MP4 files stand at their end; those in fragments have them in front.
        let tables_last = name.ends_with("m4a") && name != "fragments.m4a";
        let one_block = ["flac.flac", "ogg_flac.oga"].contains(&&*name);
        let due = if tables_last || one_block { 0 } else { good.frames() / 2 };
        assert!(longest >= due, "{name}: only {longest} frames");
    }
}

#[test]
fn what_a_cut_file_lacks_is_told_where_the_head_says_how_long_it_was() {
    for name in ["pcm16.wav", "aiff.aiff", "flac.flac", "lame.mp3"] {
        let (_, bytes) = seeds().into_iter().find(|(seed, _)| seed == name).unwrap();
        let good = decode(name, bytes.clone()).unwrap().frames();
        let song = decode(name, &bytes[..bytes.len() * 7 / 10]).unwrap();
        let missing = song.damage.missing_frames as usize;
        assert_eq!(song.frames() + missing, good, "{name}: {:?}", song.damage);
        assert!(missing > 0, "{name}");
    }
}
