//! The five stages end to end, on rendered songs with known beats.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use common::{Desk, Song, files, read_wav};
use evermix::pipeline::StemsRecord;
use evermix::store::Checked;
use std::path::Path;

fn auto<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["auto", "music", "-o", out, "--beats", "40", "--seed", "1"], more].concat()
}

#[test]
fn songs_become_a_remix_with_plan_tracklist_and_cue() {
    let desk = Desk::with_songs(3);
    let ran = desk.ok(&auto("out.wav", &[]));
    assert_eq!(ran.out(), "out.wav\n", "results go to stdout, talk to stderr");
    let (rate, planes) = read_wav(&desk.path("out.wav"));
    assert_eq!((rate, planes.len()), (44_100, 2));
    let seconds = planes[0].len() as f64 / 44_100.0;
    assert!((18.0..22.0).contains(&seconds), "40 beats at about 120 BPM: {seconds}");
    for name in ["out.plan.json", "out.tracklist.txt", "out.cue", "evermix-project/README.txt"] {
        assert!(!desk.read(name).is_empty(), "{name}");
    }
    let peak = planes.iter().flatten().fold(0.0f32, |m, x| m.max(x.abs()));
    assert!((0.2..=0.892).contains(&peak), "{peak}");
}

#[test]
fn the_attacks_of_the_remix_fall_where_the_plan_says() {
    let desk = Desk::with_songs(3);
    desk.ok(&auto("out.wav", &["--no-stems", "--jump-rate", "0.5"]));
    let plan: serde_json::Value = serde_json::from_slice(&desk.read("out.plan.json")).unwrap();
    let (_, planes) = read_wav(&desk.path("out.wav"));
    let energy = |at: usize| -> f32 {
        planes[0][at.min(planes[0].len())..(at + 220).min(planes[0].len())]
            .iter()
            .map(|x| x * x)
            .sum()
    };
    let attacks = plan["content"]["attacks"].as_array().unwrap();
    let hits = attacks[1..attacks.len() - 2].iter().filter(|attack| {
        let at = attack.as_u64().unwrap() as usize;
        // Within 12 ms after the planned attack there is far more sound than 30 ms before it.
        let after = (0..3).map(|k| energy(at + k * 220)).fold(0.0, f32::max);
        after > 4.0 * energy(at - 1_323)
    });
    let (hits, all) = (hits.count(), attacks.len() - 3);
    assert!(hits * 10 >= all * 9, "{hits} of {all} beats begin where the plan says");
}

#[test]
fn a_second_run_does_nothing_again_and_gives_the_same_bytes() {
    let desk = Desk::with_songs(2);
    desk.ok(&auto("a.wav", &[]));
    let before = desk.snapshot("evermix-project");
    let times = |desk: &Desk| -> Vec<_> {
        let modified = |p: &std::path::PathBuf| std::fs::metadata(p).unwrap().modified().unwrap();
        let artefacts = files(&desk.path("evermix-project"));
        let locks = |p: &std::path::PathBuf| !p.ends_with(".lock");
        artefacts.iter().filter(|p| locks(p)).map(modified).collect()
    };
    let written = times(&desk);
    desk.ok(&auto("b.wav", &["--threads", "1"]));
    assert_eq!(desk.read("a.wav"), desk.read("b.wav"));
    assert_eq!(before, desk.snapshot("evermix-project"));
    assert_eq!(written, times(&desk), "nothing is written again");
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let desk = Desk::with_songs(3);
    desk.ok(&auto("one.wav", &["--threads", "1", "--project", "p1"]));
    desk.ok(&auto("two.wav", &["--threads", "2", "--project", "p2"]));
    assert_eq!(desk.read("one.wav"), desk.read("two.wav"));
    assert_eq!(desk.snapshot("p1"), desk.snapshot("p2"));
}

#[test]
fn another_seed_gives_another_remix_and_the_same_seed_the_same() {
    let desk = Desk::with_songs(3);
    desk.ok(&auto("one.wav", &["--no-stems"]));
    let generate = |out: &str, seed: &str| {
        desk.ok(&["generate-remix", "0.5", "40", out, "--seed", seed]);
        desk.read(out)
    };
    let five = generate("five.wav", "5");
    assert_eq!(five, generate("again.wav", "5"));
    assert_ne!(five, generate("six.wav", "6"));
}

#[test]
fn stems_add_up_to_the_song_bit_for_bit() {
    let desk = Desk::with_songs(1);
    desk.ok(&["separate", "music", "stems"]);
    let (_, song) = read_wav(&desk.path("music/song0.wav"));
    let (_, drums) = read_wav(&desk.path("stems/song0.wav/song0.wav_drums.wav"));
    let (_, other) = read_wav(&desk.path("stems/song0.wav/song0.wav_other.wav"));
    let power = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>();
    assert!(power(&drums[0]) > 0.1 * power(&song[0]), "there are drums in it");
    for (i, x) in song[0].iter().enumerate() {
        assert_eq!(drums[0][i] + other[0][i], *x, "frame {i}");
    }
}

#[test]
fn pieces_join_up_to_the_song_and_begin_just_before_the_true_beats() {
    let desk = Desk::new();
    let song = Song::at(125.0, 3);
    song.write(&desk.path("music/s.wav"));
    desk.ok(&["segment", "music", "beats"]);
    let record: serde_json::Value =
        serde_json::from_slice(&desk.read("beats/songs/s.wav.json")).unwrap();
    let pieces = record["content"]["pieces"].as_array().unwrap();
    assert_eq!(pieces[0]["kind"], "lead-in");
    assert_eq!(pieces[pieces.len() - 1]["kind"], "tail");
    let mut joined = Vec::new();
    for i in 0..pieces.len() {
        joined.extend(read_wav(&desk.path(&format!("beats/mix/s.wav_{i}.wav"))).1.remove(0));
    }
    assert_eq!(joined, read_wav(&desk.path("music/s.wav")).1[0]);
    let attacks: Vec<f64> =
        pieces[1..].iter().map(|p| p["attack"].as_f64().unwrap() / 44_100.0).collect();
    let near = |t: &&f64| attacks.iter().any(|a| (a - **t).abs() < 0.010);
    let beats = song.beats();
    let found = beats.iter().filter(near).count();
    assert!(found + 1 >= beats.len(), "{found} of {} beats within 10 ms", beats.len());
    for piece in &pieces[1..] {
        let pre_roll =
            (piece["attack"].as_f64().unwrap() - piece["start"].as_f64().unwrap()) / 44.1;
        assert!((5.0..=35.0).contains(&pre_roll), "{pre_roll} ms");
    }
}

#[test]
fn a_song_of_six_channels_as_we_would_write_it_is_heard_in_full() {
    use evermix::audio::wav::{SampleFormat, WavWriter};
    let desk = Desk::new();
    let song = Song::at(120.0, 5).render();
    let file = std::fs::File::create(desk.path("music/six.wav")).unwrap();
    let rate = evermix::base::SampleRate::CD;
    let mut writer = WavWriter::new(file, rate, 6, SampleFormat::Float32).unwrap();
    writer.write(&[song.as_slice(); 6]).unwrap();
    writer.finish().unwrap();
    let track = desk.ok(&["analyze", "music", "--json"]).json()["tracks"][0].clone();
    assert!(track["loudness_lufs"].as_f64().unwrap() > -30.0, "{track}");
    assert!((track["tempo"].as_f64().unwrap() - 120.0).abs() < 0.7);
    desk.ok(&["segment", "music", "beats"]);
}

#[test]
fn songs_of_one_name_in_two_folders_both_take_part() {
    let desk = Desk::new();
    for (folder, root) in [("a", 0), ("b", 4)] {
        std::fs::create_dir(desk.path(&format!("music/{folder}"))).unwrap();
        Song::at(120.0, root).write(&desk.path(&format!("music/{folder}/same.wav")));
    }
    desk.ok(&auto("out.wav", &["--no-stems", "--jump-rate", "1"]));
    let songs = files(&desk.path("evermix-project/beats/songs"));
    assert_eq!(songs.len(), 2, "{songs:?}");
    let plan: serde_json::Value = serde_json::from_slice(&desk.read("out.plan.json")).unwrap();
    assert_eq!(plan["content"]["songs"].as_array().unwrap().len(), 2);
}

#[test]
fn drums_of_one_song_can_carry_another() {
    let desk = Desk::with_songs(3);
    desk.ok(&auto("out.wav", &["--layer", "both", "--jump-rate", "1"]));
    let plan: serde_json::Value = serde_json::from_slice(&desk.read("out.plan.json")).unwrap();
    let voices = plan["content"]["voices"].as_array().unwrap();
    assert_eq!(voices.len(), 2);
    let song = |voice: usize, beat: usize| voices[voice]["beats"][beat]["song"].as_u64().unwrap();
    assert!((0..40).any(|beat| song(0, beat) != song(1, beat)), "they never part");
}

#[test]
fn outputs_of_every_format_have_the_length_of_the_plan() {
    let desk = Desk::with_songs(2);
    desk.ok(&auto("out.wav", &["--no-stems"]));
    let frames = read_wav(&desk.path("out.wav")).1[0].len();
    for extension in ["flac", "mp3", "opus"] {
        let out = format!("out.{extension}");
        desk.ok(&["generate-remix", "0.1", "40", &out, "--seed", "1"]);
        let limits = evermix::base::Limits::default();
        let mut decoder = evermix::audio::Decoder::open(&desk.path(&out), &limits).unwrap();
        let mut block = evermix::audio::AudioBuffer::default();
        while decoder.next_block(&mut block).unwrap() {}
        let there = decoder.position() as f64 / decoder.rate().as_f64();
        let due = frames as f64 / 44_100.0;
        assert!((there - due).abs() < 0.0005, "{extension}: {there} s for {due} s");
    }
}

#[test]
fn a_changed_song_is_done_again_and_only_that_one() {
    let desk = Desk::with_songs(2);
    desk.ok(&["segment", "music", "beats"]);
    let record = |i: usize| desk.read(&format!("beats/songs/song{i}.wav.json"));
    let before = [record(0), record(1)];
    Song::at(100.0, 7).write(&desk.path("music/song1.wav"));
    let ran = desk.ok(&["segment", "music", "beats", "--json"]);
    assert_eq!((ran.json()["made"].as_u64(), ran.json()["reused"].as_u64()), (Some(1), Some(1)));
    assert_eq!(before[0], record(0));
    assert_ne!(before[1], record(1));
    // No clip of the longer old song stays behind.
    let pieces = serde_json::from_slice::<serde_json::Value>(&record(1)).unwrap();
    let count = pieces["content"]["pieces"].as_array().unwrap().len();
    let stale = desk.path(&format!("beats/mix/song1.wav_{count}.wav"));
    assert!(!Path::new(&stale).exists());
}

/// A desk with two songs, cut into two folders without any cache.
fn cut_without_cache() -> Desk {
    let desk = Desk::with_songs(2);
    desk.ok(&["segment", "music", "beats", "--no-cache"]);
    desk.ok(&["segment", "music", "slow", "--no-cache", "--sample-rate", "22050"]);
    assert!(!desk.path("cache/evermix/analysis").exists());
    desk
}

#[test]
fn what_analyze_heard_segment_cuts_by_and_no_byte_differs() {
    let desk = cut_without_cache();
    desk.ok(&["analyze", "music"]);
    let known = desk.snapshot("cache");
    assert_eq!(known.len(), 2);
    desk.ok(&["segment", "music", "again"]);
    desk.ok(&["segment", "music", "slow-again", "--sample-rate", "22050"]);
    assert_eq!(desk.snapshot("beats"), desk.snapshot("again"));
    assert_eq!(desk.snapshot("slow"), desk.snapshot("slow-again"));
    assert_eq!(desk.snapshot("cache"), known, "nothing is kept anew");
}

#[test]
fn what_segment_heard_analyze_tells_and_no_byte_differs() {
    let desk = cut_without_cache();
    let told = desk.ok(&["analyze", "music", "--json", "--no-cache"]).out();
    // Heard at the rate of the file, whatever the rate of the clips.
    desk.ok(&["segment", "music", "slow-again", "--sample-rate", "22050"]);
    assert_eq!(desk.snapshot("slow"), desk.snapshot("slow-again"));
    let again = desk.ok(&["analyze", "music", "--json", "-v"]);
    assert_eq!(again.err().matches("done before").count(), 2, "{}", again.err());
    assert_eq!(again.out(), told);
}

#[test]
fn segment_listens_to_no_song_that_the_cache_knows() {
    let desk = Desk::with_songs(2);
    desk.ok(&["analyze", "music"]);
    // Each song under the name of the other: only who trusts the cache is deceived.
    let entries = files(&desk.path("cache/evermix/analysis"));
    let [one, two] = [0, 1].map(|i| std::fs::read(&entries[i]).unwrap());
    std::fs::write(&entries[0], two).unwrap();
    std::fs::write(&entries[1], one).unwrap();
    desk.ok(&["segment", "music", "beats"]);
    let tempo = |i: usize| {
        let record = desk.read(&format!("beats/songs/song{i}.wav.json"));
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        record["content"]["tempo"].as_f64().unwrap()
    };
    assert!((tempo(0) - 120.0).abs() < 0.7 && (tempo(1) - 116.0).abs() < 0.7);
}

#[test]
fn rows_measured_while_cutting_are_those_of_the_clips() {
    let desk = Desk::with_songs(2);
    desk.ok(&["separate", "music", "stems", "--model", "hpss"]);
    let cuts: [(&str, &[&str], bool); 4] = [
        ("music", &[], true),
        ("music", &["--sample-rate", "22050"], true),
        ("stems", &[], true),
        ("music", &["--sample-format", "int16"], false),
    ];
    for (i, (songs, more, measured)) in cuts.into_iter().enumerate() {
        let [beats, rows, again] = ["beats", "rows", "again"].map(|name| format!("{name}{i}"));
        desk.ok(&[&["segment", songs, &beats], more].concat());
        let beside = [0, 1].map(|k| desk.path(&format!("{beats}/features/song{k}.wav.features")));
        assert_eq!(beside.clone().map(|path| path.exists()), [measured; 2], "{more:?}");
        desk.ok(&["create-dataset", &beats, &rows]);
        for path in beside.iter().filter(|path| path.exists()) {
            std::fs::remove_file(path).unwrap();
        }
        desk.ok(&["create-dataset", &beats, &again]);
        let table = |folder: &str| desk.read(&format!("{folder}/features.parquet"));
        assert!(table(&rows) == table(&again), "{songs} {more:?}");
    }
}

#[test]
fn a_clip_that_is_gone_is_missed_although_its_rows_are_there() {
    let desk = Desk::with_songs(1);
    desk.ok(&["segment", "music", "beats"]);
    std::fs::remove_file(desk.path("beats/mix/song0.wav_5.wav")).unwrap();
    let ran = desk.run(&["create-dataset", "beats", "rows"]);
    assert_eq!(ran.code(), 6, "{}", ran.err());
    assert!(ran.err().contains("song0.wav_5.wav"), "{}", ran.err());
}

/// Writes a stem of one channel.
fn write_stem(path: &Path, rate: u32, samples: impl Iterator<Item = f32>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let float = hound::SampleFormat::Float;
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.for_each(|x| writer.write_sample(x).unwrap());
    writer.finalize().unwrap();
}

#[test]
fn four_stems_are_cut_as_drums_and_the_sum_of_the_others() {
    let desk = Desk::with_songs(1);
    desk.ok(&["separate", "music", "made"]);
    for part in ["drums", "other"] {
        let (rate, planes) = read_wav(&desk.path(&format!("made/song0.wav/song0.wav_{part}.wav")));
        let stem = |folder, part| desk.path(&format!("{folder}/s/s_{part}.wav"));
        let scaled = |gain: f32| planes[0].iter().map(move |x| gain * x);
        write_stem(&stem("two", part), rate, scaled(1.0));
        if part == "drums" {
            write_stem(&stem("four", part), rate, scaled(1.0));
        } else {
            write_stem(&stem("four", "bass"), rate, scaled(0.25));
            write_stem(&stem("four", "vocals"), rate, scaled(0.25));
            write_stem(&stem("four", "other"), rate, scaled(0.5));
        }
    }
    desk.ok(&["segment", "two", "cut-two"]);
    desk.ok(&["segment", "four", "cut-four"]);
    let clips = |folder: &str| {
        let mut clips = desk.snapshot(folder);
        clips.retain(|path, _| path.extension().is_some_and(|e| e == "wav"));
        clips
    };
    assert!(clips("cut-two").len() > 20);
    assert_eq!(clips("cut-two"), clips("cut-four"));
    // A vocal that ends early is no vocal of this song.
    write_stem(&desk.path("four/s/s_vocals.wav"), 44_100, std::iter::repeat_n(0.0, 9_999));
    let ran = desk.run(&["segment", "four", "cut-again"]);
    assert_eq!(ran.code(), 4);
    assert!(ran.err().contains("the stems do not match"), "{}", ran.err());
}

#[test]
fn a_record_that_names_no_stem_of_ours_is_refused() {
    let desk = Desk::with_songs(1);
    desk.ok(&["separate", "music", "stems", "--model", "hpss"]);
    let path = desk.path("stems/song0.wav/song0.wav.json");
    let good: Checked<StemsRecord> =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for parts in [&[][..], &["bass"], &["other", "drums"]] {
        let mut content = good.content.clone();
        content.parts = parts.iter().map(|part| part.to_string()).collect();
        let checksum = blake3::hash(&serde_json::to_vec(&content).unwrap()).to_hex().to_string();
        std::fs::write(&path, serde_json::to_vec(&Checked { checksum, content }).unwrap()).unwrap();
        let ran = desk.run(&["segment", "stems", "beats"]);
        assert_eq!(ran.code(), 1, "{parts:?}: {}", ran.err());
        assert!(ran.err().contains("stems that we never make"), "{parts:?}: {}", ran.err());
    }
}

#[test]
fn stems_are_heard_once_however_often_they_are_cut() {
    let desk = Desk::with_songs(1);
    desk.ok(&["separate", "music", "stems"]);
    desk.ok(&["segment", "stems", "fresh", "--no-cache"]);
    desk.ok(&["segment", "stems", "first"]);
    let known = desk.snapshot("cache");
    assert_eq!(known.len(), 1);
    desk.ok(&["segment", "stems", "second"]);
    assert_eq!(desk.snapshot("cache"), known);
    for folder in ["first", "second"] {
        assert_eq!(desk.snapshot("fresh"), desk.snapshot(folder), "{folder}");
    }
}
