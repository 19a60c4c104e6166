//! Libraries: what is known of songs, what is left out, and what is wished for.

use std::path::PathBuf;

use evermix::audio::Tags;
use evermix::base::{Cancel, Limits, Quiet};
use evermix::forever::catalogue::{CATALOGUE, Catalogue, Heard, Listed, Record};
use evermix::forever::{SongId, Summary};
use evermix::mix::parse_plan;
use evermix::order::EnergyCurve;
use evermix::pipeline::{BeatSource, Context, SongAnalysis, analysis_name, analyze, find_songs};
use evermix::report::{energy_agreement, mix_page};
use evermix::store::{Cache, DiskFs};
use serde_json::Value;

use crate::common::{Desk, Ran, Song};
use crate::songs::json;

fn run(desk: &Desk, words: &[&str]) -> Ran {
    Ran(desk.forever_command(words).output().unwrap())
}

fn ok(desk: &Desk, words: &[&str]) -> Ran {
    let ran = run(desk, words);
    assert_eq!(ran.code(), 0, "{words:?}\n{}", ran.err());
    ran
}

/// The file names of a plan's tracks.
fn tracks(plan: &Value) -> Vec<String> {
    let name = |t: &Value| t["path"].as_str().unwrap().rsplit('/').next().unwrap().to_string();
    plan["tracks"].as_array().unwrap().iter().map(name).collect()
}

/// Some songs of twelve seconds.
fn small(count: usize) -> Desk {
    let desk = Desk::with_songs(count);
    assert!(desk.path("music/song0.wav").exists());
    desk
}

/// A project whose catalogue knows files that are no songs at all, with one analysis for each.
fn known(desk: &Desk, count: usize) -> Vec<PathBuf> {
    let (limits, cancel) = (Limits::default(), Cancel::new());
    let cache = Cache::new(desk.path("cache/evermix"));
    let context = Context {
        fs: &DiskFs,
        limits: &limits,
        progress: &Quiet,
        cancel: &cancel,
        threads: 1,
        cache: Some(&cache),
    };
    let model = desk.path("model.wav");
    Song { seconds: 40.0, ..Song::at(120.0, 2) }.write(&model);
    let (song, _) = find_songs(&context, &[model]).unwrap();
    let heard = analyze(&context, &song, &BeatSource::Evermix).unwrap().done.remove(0);
    let mut records = Vec::new();
    let mut entries = Vec::new();
    for n in 0..count {
        let path = desk.path(&format!("music/{n:03}.mp3"));
        std::fs::write(&path, format!("no music at all, number {n}")).unwrap();
        let id = blake3::hash(&n.to_le_bytes());
        let name = analysis_name(&context, "", id, &BeatSource::Evermix).unwrap();
        let tags = Tags { title: format!("Song {n}"), artist: n.to_string(), ..Tags::default() };
        let song = SongAnalysis { tags: tags.clone(), ..heard.clone() };
        cache.put(&DiskFs, "analysis", &name, &song).unwrap();
        entries.push(desk.path("cache/evermix/analysis").join(&name.0).with_extension("evx"));
        let energy = Some((n * 37 % count) as f64 / count as f64);
        let summary = Summary { energy, ..Summary::of(&heard.track) };
        let heard = Ok(Box::new(Heard { tags, summary }));
        let record = Record { id: SongId(*id.as_bytes()), analysis: name.0, heard };
        records.push((Listed::look(&DiskFs, &path).unwrap(), record));
    }
    let project = desk.path("evermix-project").join(CATALOGUE);
    Catalogue::open(&project).unwrap().record(records).unwrap();
    entries
}

#[test]
fn of_a_library_that_is_known_only_the_songs_played_are_looked_into() {
    let desk = Desk::new();
    let entries = known(&desk, 60);
    let words = ["plan", "music", "-o", "plan.json", "--tracks", "6", "--seed", "5"];
    ok(&desk, &words);
    let plan = desk.read("plan.json");
    let used = tracks(&json(&desk, "plan.json"));
    assert_eq!(used.len(), 6);
    // Whatever else was known is gone now: a look at any other song ends in a skipped one.
    for (n, entry) in entries.iter().enumerate() {
        if !used.contains(&format!("{n:03}.mp3")) {
            std::fs::remove_file(entry).unwrap();
        }
    }
    std::fs::remove_file(desk.path("plan.json")).unwrap();
    ok(&desk, &words);
    assert!(desk.read("plan.json") == plan, "the same plan again");
}

#[test]
fn the_energy_of_a_mix_follows_the_curve_that_was_asked_for() {
    let desk = Desk::new();
    known(&desk, 90);
    let plan = |words: &[&str]| {
        let common = ["plan", "music", "-o", "plan.json", "--minutes", "9", "--explain"];
        let ran = ok(&desk, &[&common[..], words].concat());
        let text = String::from_utf8(desk.read("plan.json")).unwrap();
        (parse_plan(&text).unwrap(), ran.err())
    };
    let (usual, said) = plan(&[]);
    assert!(usual.energy.is_empty() && !said.contains("energy: "), "{said}");
    assert!(usual.tracks.iter().all(|track| track.energy.is_none()));
    for curve in ["arc", "fall", "0:0.9,0.4:0.2,1:0.8"] {
        let (plan, said) = plan(&["--energy", curve]);
        assert_eq!((plan.energy.as_str(), plan.duration().0.round()), (curve, 540.0));
        let agreement = energy_agreement(&plan).unwrap();
        assert!(agreement > 0.85, "{curve}: {agreement}");
        assert!(said.contains(&format!("energy: {curve}, followed by")), "{said}");
        let found: Vec<f64> = plan.tracks.iter().map(|track| track.energy.unwrap()).collect();
        let off = |(i, e): (usize, &f64)| {
            let curve: EnergyCurve = curve.parse().unwrap();
            (curve.at((i as f64 + 0.5) / found.len() as f64) - e).abs()
        };
        let off = found.iter().enumerate().map(off).sum::<f64>() / found.len() as f64;
        assert!(off < 0.12, "{curve}: {off} off on average: {found:?}");
        assert!(said.contains(&format!("energy {:.2} > {:.2}", found[0], found[1])), "{said}");
        let page = mix_page(&plan, None);
        assert!(page.contains("<dt>Energy</dt>") && page.contains(">Energy</th>"));
    }
    assert!(!mix_page(&usual, None).contains("Energy"));
}

#[test]
fn a_library_heard_before_is_planned_without_its_songs_being_hashed_or_heard_again() {
    let desk = small(3);
    ok(&desk, &["plan", "music", "-o", "no project.json"]);
    assert!(!desk.path("evermix-project").exists(), "nobody asked for a project");
    std::fs::create_dir(desk.path("evermix-project")).unwrap();
    ok(&desk, &["render", "music", "-o", "x.wav", "--dry-run"]);
    assert!(!desk.path("evermix-project/catalogue.sqlite").exists(), "a dry run writes nothing");
    ok(&desk, &["plan", "music", "-o", "first.json"]);
    assert!(desk.path("evermix-project/catalogue.sqlite").exists());
    // The same length and time of writing: only who reads the file could tell.
    let song = desk.path("music/song1.wav");
    let written = std::fs::metadata(&song).unwrap().modified().unwrap();
    let bytes = vec![0u8; std::fs::metadata(&song).unwrap().len() as usize];
    std::fs::write(&song, bytes).unwrap();
    std::fs::File::open(&song).unwrap().set_modified(written).unwrap();
    ok(&desk, &["plan", "music", "-o", "second.json"]);
    assert_eq!(desk.read("first.json"), desk.read("second.json"));
    assert_eq!(desk.read("first.json"), desk.read("no project.json"), "known or heard now");
    // Without its analysis the song must be heard, and is silent now.
    std::fs::remove_dir_all(desk.path("cache")).unwrap();
    let ran = run(&desk, &["plan", "music", "-o", "third.json"]);
    assert!(ran.code() == 0 || ran.code() == 3, "{}", ran.err());
}

#[test]
fn a_song_too_short_for_any_mix_is_skipped_and_listed() {
    let desk = small(3);
    Song { seconds: 6.0, ..Song::at(120.0, 0) }.write(&desk.path("music/jingle.wav"));
    let ran = run(&desk, &["plan", "music", "-o", "plan.json", "-q"]);
    assert_eq!(ran.code(), 3, "{}", ran.err());
    assert!(ran.err().contains("jingle.wav: skipped: too short"), "{}", ran.err());
    assert_eq!(tracks(&json(&desk, "plan.json")).len(), 3);
}

#[test]
fn a_recording_in_two_files_is_played_once_and_that_is_no_failure() {
    let desk = Desk::new();
    let song = Song { seconds: 40.0, ..Song::at(122.0, 3) };
    song.write(&desk.path("music/a song.wav"));
    Song { seconds: 40.0, ..Song::at(118.0, 3) }.write(&desk.path("music/other.wav"));
    // The same, cut at its start, softer, at another rate: no byte and no tag is equal.
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 44_100,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(desk.path("music/b copy.wav"), spec).unwrap();
    for x in &song.render()[74_970..] {
        writer.write_sample((x.clamp(-1.0, 1.0) * 5_900_000.0) as i32).unwrap();
    }
    writer.finalize().unwrap();
    let ran = ok(&desk, &["plan", "music", "-o", "plan.json"]);
    let told = "b copy.wav: left out, the same recording as a song.wav";
    assert!(ran.err().contains(told), "{}", ran.err());
    assert_eq!(tracks(&json(&desk, "plan.json")).len(), 2);
    // In the order given a list is meant as it is.
    ok(&desk, &["plan", "music", "-o", "given.json", "--order", "given"]);
    assert_eq!(tracks(&json(&desk, "given.json")).len(), 3);
}

#[test]
fn songs_wished_for_come_first_and_the_file_is_left_as_it_is() {
    let desk = small(4);
    std::fs::write(desk.path("first.txt"), "# tonight\nmusic/song3.wav\nSONG1.wav\nnobody\n")
        .unwrap();
    let plan = |out: &str| {
        let ran = ok(&desk, &["plan", "music", "-o", out, "--inject", "first.txt"]);
        assert!(ran.err().contains("nobody: not among the songs"), "{}", ran.err());
        tracks(&json(&desk, out))
    };
    let played = plan("a.json");
    assert_eq!(played[..2], ["song3.wav", "song1.wav"]);
    assert_eq!(played.len(), 4, "each once: {played:?}");
    assert_eq!(plan("b.json"), played, "and again");
    let text = String::from_utf8(desk.read("first.txt")).unwrap();
    assert_eq!(text, "# tonight\nmusic/song3.wav\nSONG1.wav\nnobody\n");
    // In the settings too; and a rule that shuts a song out gives way to the mix file.
    std::fs::create_dir(desk.path("evermix-project")).unwrap();
    std::fs::write(desk.path("keep.txt"), "song2.wav\n").unwrap();
    let settings = "[mix]\nnever-tags = [\"music\"]\nmix-file = \"keep.txt\"\n";
    std::fs::write(desk.path("evermix-project/evermix.toml"), settings).unwrap();
    ok(&desk, &["plan", "music", "-o", "c.json"]);
    assert_eq!(tracks(&json(&desk, "c.json")), ["song2.wav"]);
    let ran = desk.ok(&["config", "show", "--origin"]);
    let line = ran.out().lines().find(|l| l.contains("mix.mix-file")).unwrap().to_string();
    assert!(line.contains("keep.txt") && line.contains("evermix.toml"), "{line}");
    let ran = run(&desk, &["plan", "music", "-o", "d.json", "--inject", "nowhere.txt"]);
    assert_eq!(ran.code(), 2, "{}", ran.err());
    assert!(ran.err().contains("nowhere.txt") && !desk.path("d.json").exists());
}

#[test]
fn a_length_no_plan_can_hold_is_refused_and_one_that_is_not_reached_is_told() {
    let desk = small(2);
    let ran = run(&desk, &["plan", "music", "-o", "plan.json", "--minutes", "30000"]);
    assert_eq!(ran.code(), 5, "{}", ran.err());
    assert!(ran.err().contains("100000 visits") && ran.err().contains("--minutes 20000"));
    assert!(!desk.path("plan.json").exists());
    let words = ["plan", "music", "-o", "plan.json", "--minutes", "5", "--tracks", "2"];
    let ran = ok(&desk, &words);
    assert!(ran.err().contains("not 5:00: so many tracks last no longer"), "{}", ran.err());
}
