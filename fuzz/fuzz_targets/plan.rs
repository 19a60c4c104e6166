//! Plans of mixes: what is taken makes sense to everything that looks at a plan, and its text is
//! the same plan.
#![no_main]

use evermix::base::ErrorKind;
use evermix::mix::{MixPlan, only_transitions, parse_plan, voices};
use evermix::report::{Heading, cue_sheet, m3u, mix_page, mix_tracklist};
use evermix_fuzz::{begin, is_told_well, one_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: begin("plan"), |data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let plan = match parse_plan(text) {
        Ok(plan) => plan.rounded(),
        Err(error) => return is_told_well(&error, &[ErrorKind::Usage]),
    };
    // What is on the very edge of sense may be rounded over it.
    if let Ok(again) = parse_plan(&plan.text()) {
        assert_eq!(again.text(), plan.text());
    }
    sound(&plan);
    sound(&only_transitions(&plan));
    paper(&plan);
});

/// Every voice lies within the mix, and has a gain everywhere.
fn sound(plan: &MixPlan) {
    let (voices, end) = voices(plan);
    assert!(end >= 0);
    for voice in &voices {
        assert!(0 <= voice.start() && voice.start() < voice.end() && voice.end() <= end);
        let parts = voice.parts(&(voice.start()..voice.end()));
        for frame in [voice.start(), (voice.start() + voice.end()) / 2, voice.end() - 1] {
            assert!(parts.iter().all(|&part| voice.gain(part, frame).is_finite()));
        }
    }
}

/// What lies beside a mix.
fn paper(plan: &MixPlan) {
    let entries = mix_tracklist(plan);
    entries.iter().for_each(|entry| one_line(&entry.line()));
    let heading = Heading { title: "Mix", version: &plan.version, comment: "" };
    let cue = cue_sheet("mix.wav", "WAVE", &entries, &heading);
    let known = ["REM ", "TITLE ", "PERFORMER ", "FILE ", "TRACK ", "INDEX "];
    for line in cue.lines() {
        one_line(line);
        assert!(known.iter().any(|word| line.trim_start().starts_with(word)), "{line:?}");
    }
    m3u(plan).lines().for_each(one_line);
    assert!(!mix_page(plan, None).contains("<script"));
}
