use super::*;
use crate::base::{Cancel, Limits, Quiet};
use crate::store::DiskFs;

/// Reads the beats of `song.mp3` from a folder that holds one file.
fn read(file: &str, content: &str) -> Result<FileBeats> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(file), content).unwrap();
    let (limits, cancel) = (Limits::default(), Cancel::new());
    let context = Context {
        fs: &DiskFs,
        limits: &limits,
        progress: &Quiet,
        cancel: &cancel,
        cache: None,
        threads: 1,
    };
    FileBeats::of(&context, folder.path(), "song.mp3")
}

fn times(beats: &FileBeats) -> Vec<f64> {
    beats.beats.times.iter().map(|t| t.0).collect()
}

#[test]
fn text_holds_a_time_a_line_and_perhaps_a_position() {
    let found =
        read("song.beats", "\u{feff}# by hand\n0.5\t4\r\n1.0\t1\n\n1.5\t2 # loud\n").unwrap();
    assert_eq!(times(&found), [0.5, 1.0, 1.5]);
    assert_eq!(found.beats.positions.as_deref(), Some(&[4, 1, 2][..]));
    let found = read("song.txt", "0.5\n1.25\n2,\n").unwrap();
    assert_eq!(times(&found), [0.5, 1.25, 2.0]);
    assert_eq!(found.beats.positions, None);
    // Positions that are not known everywhere are not known.
    assert_eq!(read("song.txt", "0.5 1\n1.0\n").unwrap().beats.positions, None);
}

#[test]
fn files_are_named_after_the_song_with_or_without_its_ending() {
    for name in ["song.mp3.beats", "song.beats", "song.mp3.txt", "song.txt"] {
        assert_eq!(times(&read(name, "1\n2\n").unwrap()), [1.0, 2.0], "{name}");
    }
    let error = read("other.beats", "1\n2\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unusable);
    assert!(error.reason().contains("looked for song.{beats,txt,jams,json}"), "{error}");
}

#[test]
fn nonsense_is_told_with_its_file_and_line() {
    for (content, place) in [
        ("1\n2\n2\n", "line 3: 2 s does not come after 2 s"),
        ("1\n\n3\n2.5\n", "line 4: 2.5 s does not come after 3 s"),
        ("-0.1\n1\n", "line 1: -0.1 s is before the song"),
        ("1\nNaN\n", "line 2: NaN is not a time"),
        ("1\ninf\n", "line 2: inf is not a time"),
        ("1\ntwo\n", "line 2: not a number: two"),
        ("1\tx\n", "line 1: not a number: x"),
        ("1\t0\n", "line 1: 0 is not a position"),
        ("1\t1.5\n", "line 1: 1.5 is not a position"),
        ("1\tNaN\n", "line 1: NaN is not a position"),
        ("1\t900\n", "line 1: 900 is not a position"),
        ("# nothing\n", "no beats in it"),
    ] {
        let error = read("song.beats", content).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unusable);
        let reason = error.reason();
        assert!(reason.contains("song.beats, ") && reason.contains(place), "{reason}");
    }
    let far = read("song.beats", "1\n2\n30\n").unwrap();
    far.within(Seconds(29.95)).unwrap();
    let error = far.within(Seconds(20.0)).unwrap_err();
    assert!(error.reason().contains("song.beats, line 3: 30 s, but the song ends at 20.00 s"));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("song.txt"), [0xff, 0xfe, 0x31]).unwrap();
    let limits = Limits { max_json_bytes: 2, ..Limits::default() };
    for limits in [Limits::default(), limits] {
        let cancel = Cancel::new();
        let context = Context {
            fs: &DiskFs,
            limits: &limits,
            progress: &Quiet,
            cancel: &cancel,
            cache: None,
            threads: 1,
        };
        let error = FileBeats::of(&context, folder.path(), "song.mp3").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unusable);
    }
}

#[test]
fn jams_annotations_of_both_kinds_and_layouts_are_read() {
    let of = |annotations: &str| {
        read("song.jams", &format!(r#"{{"file_metadata": {{}}, "annotations": [{annotations}]}}"#))
    };
    let beat = r#"{"namespace": "beat", "data": [
        {"time": 1.0, "duration": 0, "value": 2, "confidence": null},
        {"time": 1.5, "duration": 0, "value": 1, "confidence": null}]}"#;
    let found = of(&format!(r#"{{"namespace": "chord", "data": []}}, {beat}"#)).unwrap();
    assert_eq!((times(&found), found.beats.positions), (vec![1.0, 1.5], Some(vec![2, 1])));
    let position = r#"{"namespace": "beat_position", "data": [
        {"time": 2.0, "value": {"position": 3, "measure": 1, "num_beats": 3, "beat_units": 4}},
        {"time": 2.5, "value": {"position": 1, "measure": 2, "num_beats": 3, "beat_units": 4}}]}"#;
    let found = of(&format!("{beat}, {position}")).unwrap();
    assert_eq!((times(&found), found.beats.positions), (vec![2.0, 2.5], Some(vec![3, 1])));
    let older = r#"{"namespace": "beat", "data": {"time": [0.5, 1], "value": [null, null]}}"#;
    let found = of(older).unwrap();
    assert_eq!((times(&found), found.beats.positions), (vec![0.5, 1.0], None));
    assert!(of(r#"{"namespace": "chord", "data": []}"#).unwrap_err().reason().contains("beat"));
    let bad = r#"{"namespace": "beat", "data": [{"time": "x", "value": 1}]}"#;
    assert!(of(bad).unwrap_err().reason().contains("beat 1: the time is not a number"));
}

#[test]
fn our_own_analysis_is_read_back_with_its_downbeats() {
    let track = |path: &str, beats: &str, downbeats: &str| {
        format!(r#"{{"path": "{path}", "beats": [{beats}], "downbeats": [{downbeats}]}}"#)
    };
    let one = track("music/song.mp3", "0.1, 0.6, 1.1, 1.6, 2.1, 2.6, 3.1", "0.6, 2.1");
    let two = track("music/other.mp3", "9, 10, 11, 12", "");
    let of = |tracks: &str| read("song.json", &format!(r#"{{"schema": 1, "tracks": [{tracks}]}}"#));
    let found = of(&format!("{two}, {one}")).unwrap();
    assert_eq!(found.beats.positions.as_deref(), Some(&[3, 1, 2, 3, 1, 2, 3][..]));
    assert_eq!(times(&of(&two).unwrap()), [9.0, 10.0, 11.0, 12.0], "the only track is the song");
    assert!(of(&format!("{two}, {two}")).unwrap_err().reason().contains("none of its tracks"));
    for content in ["{}", "[1, 2]", "no json"] {
        assert_eq!(read("song.json", content).unwrap_err().kind(), ErrorKind::Unusable);
    }
}
