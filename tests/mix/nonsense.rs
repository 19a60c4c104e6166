//! Plans that make no sense: refused with the line that is wrong, never with a panic.

use crate::common::{Desk, Ran};

/// A plan that makes sense, laid out so that every line is known.
const PLAN: &str = r#"{
 "schema": 1,
 "tracks": [
  {"path": "a.wav", "duration": 60, "gain": -3},
  {"path": "b.wav", "duration": 60}
 ],
 "actions": [
  {"action": "Playback", "track": 0, "start": 0, "duration": 20},
  {"action": "Crossmatch", "from": 0, "to": 1, "curve": "equal_power", "beats": [
    {"from": {"start": 20, "duration": 0.5}, "to": {"start": 0, "duration": 0.5}, "length": 0.5},
    {"from": {"start": 20.5, "duration": 0.5}, "to": {"start": 0.5, "duration": 0.5}, "length": 0.5}],
   "lanes": [{"side": "from", "part": "all", "points": [[0, 1.0], [2, 0.0]]}]},
  {"action": "Playback", "track": 1, "start": 1, "duration": 10,
   "beats": [{"start": 1, "duration": 0.5, "length": 0.51}]},
  {"action": "Crossfade", "from": 1, "to": 0, "from_start": 11, "to_start": 5, "duration": 4, "curve": "linear"},
  {"action": "Jump", "track": 0, "source": 9, "target": 20, "duration": 1}
 ]
}
"#;

/// What is put in whose place, what is said of it, and in which line.
const EDITS: [(&str, &str, &str, usize); 33] = [
    ("\"track\": 0, \"start\": 0", "\"track\": 2, \"start\": 0", "there is no track 2", 8),
    ("\"track\": 0, \"start\": 0", "\"track\": -1, \"start\": 0", "expected usize", 8),
    ("\"duration\": 20}", "\"duration\": -20}", "-20 is not a length", 8),
    ("\"start\": 0, \"duration\": 20}", "\"start\": -4, \"duration\": 20}", "start -4 is not", 8),
    ("\"duration\": 20}", "\"duration\": 61}", "track 0 ends at 60.000 s, not 61.000 s", 8),
    ("\"duration\": 20}", "\"duration\": \"long\"}", "expected f64", 8),
    (
        "\"start\": 20.5",
        "\"start\": 20.6",
        "a beat ends at 20.500 s, the next begins at 20.600 s",
        9,
    ),
    ("\"start\": 0.5", "\"start\": 0.4", "a beat ends at 0.500 s, the next begins at 0.400 s", 9),
    ("\"length\": 0.5}]", "\"length\": 5}]", "a beat of 0.500 s cannot last 5.000 s", 9),
    ("\"length\": 0.5}]", "\"length\": 0}]", "a beat of 0.500 s cannot last 0.000 s", 9),
    ("\"length\": 0.5}]", "\"length\": -0.5}]", "cannot last -0.500 s", 9),
    (
        "\"duration\": 0.5}, \"length\": 0.5}]",
        "\"duration\": 0}, \"length\": 0.5}]",
        "a beat of 0.000 s",
        9,
    ),
    ("\"start\": 20,", "\"start\": 80,", "track 0 ends at 60.000 s", 9),
    ("[2, 0.0]", "[2, 9]", "a lane has a gain outside 0 to 4", 9),
    ("[2, 0.0]", "[2, -1]", "a lane has a gain outside 0 to 4", 9),
    ("[2, 0.0]", "[-2, 0.0]", "the beats of a lane do not rise", 9),
    ("\"part\": \"all\"", "\"part\": \"drums\"", "a stem of track 0, which has none", 9),
    ("\"part\": \"all\"", "\"part\": \"voice\"", "unknown variant `voice`", 9),
    (
        "\"from\": 0, \"to\": 1,",
        "\"from\": 1, \"to\": 1,",
        "track 1 cannot be mixed into itself",
        9,
    ),
    ("equal_power", "loud", "unknown variant `loud`", 9),
    ("\"length\": 0.51", "\"length\": 2", "a beat of 0.500 s cannot last 2.000 s", 13),
    (
        "[{\"start\": 1, ",
        "[{\"start\": 3, ",
        "its first beat is at 3.000 s, it begins at 1.000 s",
        13,
    ),
    ("\"duration\": 10,", "\"duration\": 0.1,", "its beats last 0.500 s, it 0.100 s", 13),
    ("\"from\": 1, \"to\": 0, ", "\"from\": 1, \"to\": 7, ", "there is no track 7", 15),
    ("\"action\": \"Jump\"", "\"action\": \"Leap\"", "unknown variant `Leap`", 16),
    ("\"target\": 20", "\"target\": 0.5", "start -0.5 is not", 16),
    ("\"path\": \"a.wav\"", "\"path\": \"\"", "a track has no path", 4),
    ("\"gain\": -3", "\"gain\": 99", "gain 99 dB is above 24 dB", 4),
    ("\"path\": \"b.wav\", ", "", "missing field `path`", 5),
    ("\"schema\": 1", "\"schema\": 99", "schema 99 is not one this version reads (1)", 2),
    ("\"duration\": 20}", "\"duration\": NaN}", "expected value", 8),
    ("\"duration\": 20}", "\"duration\": 1e999}", "number out of range", 8),
    ("\"target\": 20,", "\"target\": 20", "expected `,` or `}`", 16),
];

fn render(desk: &Desk, plan: &[u8]) -> Ran {
    std::fs::write(desk.path("plan.json"), plan).unwrap();
    Ran(desk.forever_command(&["render", "--plan", "plan.json", "-o", "x.wav"]).output().unwrap())
}

#[test]
fn a_plan_that_makes_no_sense_is_refused_with_the_line_that_is_wrong() {
    let desk = Desk::new();
    // As it stands it is a plan; only its songs are not there.
    let whole = render(&desk, PLAN.as_bytes());
    assert!(!whole.err().contains("makes no sense"), "{}", whole.err());
    for (from, to, words, line) in EDITS {
        assert_eq!(PLAN.matches(from).count(), 1, "{from}");
        let ran = render(&desk, PLAN.replace(from, to).as_bytes());
        let said = ran.err();
        assert_eq!(ran.code(), 2, "{to}: {said}");
        assert!(said.contains(words), "{to}: {said}");
        assert!(said.contains(&format!("in line {line}:")), "{to}: line {line}, {said}");
        assert!(said.contains("plan.json") && said.contains("try: forever plan"), "{said}");
    }
    assert!(!desk.path("x.wav").exists());
}

#[test]
fn files_that_are_no_plans_are_refused() {
    let desk = Desk::new();
    let many = |x: &str| format!("[{}0]", format!("{x},").repeat(5_000_000 / x.len()));
    let head = "{\"schema\": 1, \"tracks\": [], \"actions\": ";
    for (name, text) in [
        ("nothing", String::new()),
        ("a word", "plan".into()),
        ("no object", "[]".into()),
        ("no fields", "{}".into()),
        ("no actions", format!("{head}[]}}")),
        ("zeroes", many("0")),
        ("brackets", "[".repeat(10_000_000)),
        ("zeroes for actions", format!("{head}{}}}", many("0"))),
        ("brackets for actions", format!("{head}{}", "[".repeat(5_000_000))),
        ("empty actions", format!("{head}{}}}", many("{}"))),
        ("an unknown style", format!("{{\"style\": \"loud\", {}[]}}", &head[1..])),
        ("an unknown wish", format!("{{\"overrides\": [{{\"frm\": 1}}], {}[]}}", &head[1..])),
        ("a rate of 1 Hz", format!("{{\"rate\": 1, {}[]}}", &head[1..])),
    ] {
        let ran = render(&desk, text.as_bytes());
        assert_eq!(ran.code(), 2, "{name}: {}", ran.err());
        assert!(ran.err().len() < 1_000, "{name}: {} bytes are said", ran.err().len());
    }
    let binary: Vec<u8> = (0..100_000u32).map(|i| (i * 7 % 256) as u8).collect();
    let ran = render(&desk, &binary);
    assert_eq!(ran.code(), 2, "{}", ran.err());
    assert!(ran.err().contains("the plan is no text"), "{}", ran.err());
}

#[test]
fn a_plan_of_many_actions_is_read_at_once() {
    let desk = Desk::new();
    let action = "  {\"action\": \"Playback\", \"track\": 0, \"start\": 1, \"duration\": 0.1},\n";
    let wrong = "  {\"action\": \"Playback\", \"track\": 1, \"start\": 1, \"duration\": 0.1}\n";
    let head = "{\"schema\": 1,\n \"tracks\": [{\"path\": \"a.wav\", \"duration\": 9}],\n \"actions\": [\n";
    let plan = format!("{head}{}{wrong} ]}}", action.repeat(100_000));
    let begun = std::time::Instant::now();
    let ran = render(&desk, plan.as_bytes());
    assert!(ran.err().contains("in line 100004:"), "{}", ran.err());
    // Counting lines anew for every action would take minutes.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
