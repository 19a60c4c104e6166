//! Every word of `forever`, defined once.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use super::args::{Common, DryRun, EXIT_CODES, TrackerArgs};

/// Mixes songs for ever.
#[derive(Debug, Parser)]
#[command(name = "forever", version, propagate_version = true, after_help = EXIT_CODES)]
#[command(about = "Mixes a folder of songs without end, beat on beat")]
pub struct ForeverCli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Option<ForeverCommand>,
}

#[derive(Debug, Subcommand)]
pub enum ForeverCommand {
    /// Songs become a plan: which songs, where they meet, and why; it can be edited
    #[command(after_help = mix_examples("forever plan music -o plan.json --explain\n  forever plan music -o plan.json --minutes 60 --seed 7\n  echo 'Artist - Title' > first.txt; forever plan music -o plan.json --inject first.txt"))]
    Plan(PlanArgs),
    /// Songs, or a plan, become a mix of any length
    #[command(after_help = mix_examples("forever render music -o mix.wav\n  forever render music -o mix.mp3 --minutes 60 --seed 7 --energy arc\n  forever render --plan plan.json -o mix.flac --report mix.html\n  forever render --plan plan.json -o joins.wav --only-transitions"))]
    Render(RenderArgs),
    /// Measures how well a rendered mix came out: beats, levels, clicks
    #[command(after_help = examples("forever score mix.wav\n  forever score mix.mp3 --plan plan.json --json\n  forever score mix.wav --report mix.html"))]
    Score(ScoreArgs),
    /// The same mix live, for ever, for whoever listens
    #[command(after_help = examples("forever stream music\n  forever stream music --bind 0.0.0.0:8192 --format mp3:192 --format opus:96\n  EVERMIX_TOKEN=secret forever stream music --name 'Radio Attic'"))]
    Stream(Box<StreamArgs>),
    /// The stream in the background, with the flags of `stream`; one for each project
    #[command(after_help = examples("forever start music\n  forever status\n  forever stop"))]
    Start(Box<StreamArgs>),
    /// Ends the stream that `start` began
    Stop,
    /// Ends it and begins it again as it was begun; it goes on where it was
    Restart,
    /// Whether the stream runs, and for whom
    Status,
    /// Completions for a shell, on stdout
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What the exit code 3 of a mix means.
const LEFT_OUT: &str = "\
Songs that cannot be read or are too short to be mixed make it 3. Songs that are there twice, or that
settings shut out, are told and do not: a nightly job need not mind them.";

fn mix_examples(lines: &str) -> String {
    format!("{}\n\n{LEFT_OUT}", examples(lines))
}

fn examples(lines: &str) -> String {
    format!("Examples:\n  {lines}\n\n{EXIT_CODES}")
}

#[derive(Args, Debug)]
pub struct PlanArgs {
    /// Songs, folders and playlists
    #[arg(required = true, value_name = "IN")]
    pub inputs: Vec<PathBuf>,
    /// The plan to write; wishes in a plan that is there already are kept
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Print every transition with its reasons
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub mix: MixArgs,
}

/// What a plan has decided already; asking for it again would be in vain.
const DECIDED: [&str; 18] = [
    "minutes",
    "tracks",
    "order",
    "style",
    "transition_bars",
    "stay",
    "seed",
    "max_stretch",
    "loudness",
    "output_rate",
    "stems",
    "separate",
    "no_stems",
    "beat_tracker",
    "beats_from",
    "inject",
    "mix_file",
    "energy",
];

#[derive(Args, Debug)]
pub struct RenderArgs {
    /// Songs, folders and playlists
    #[arg(required_unless_present = "plan", conflicts_with = "plan", value_name = "IN")]
    pub inputs: Vec<PathBuf>,
    /// Render this plan
    #[arg(long, value_name = "PLAN", conflicts_with_all = DECIDED)]
    pub plan: Option<PathBuf>,
    /// The file to make: .wav, .flac, .mp3 or .opus
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Only the transitions, each with a few seconds around it
    #[arg(long)]
    pub only_transitions: bool,
    /// Print every transition with its reasons
    #[arg(long)]
    pub explain: bool,
    /// A page about the mix, with pictures and measured figures
    #[arg(long, value_name = "OUT.html")]
    pub report: Option<PathBuf>,
    /// Samples of a WAV output [default: int24]
    #[arg(long, value_parser = ["int16", "int24", "float32"])]
    pub output_format: Option<String>,
    #[command(flatten)]
    pub mix: MixArgs,
    #[command(flatten)]
    pub dry: DryRun,
}

#[derive(Args, Debug)]
pub struct ScoreArgs {
    /// The mix that was rendered
    #[arg(value_name = "MIX")]
    pub mix: PathBuf,
    /// Its plan [default: beside the mix, .plan.json]
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// A page about the mix, with pictures and measured figures
    #[arg(long, value_name = "OUT.html")]
    pub report: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct StreamArgs {
    /// Songs, folders and playlists; folders are watched for new songs
    #[arg(required_unless_present = "relay_of", value_name = "IN")]
    pub inputs: Vec<PathBuf>,
    /// Where listeners connect [default: 127.0.0.1:8192]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub bind: Option<String>,
    /// A format to stream, may be given several times: mp3, mp3:192, mp3:V2, opus, opus:96, flac
    /// [default: mp3 and opus]
    #[arg(long = "format", value_name = "FORMAT")]
    pub formats: Vec<String>,
    /// Feed an Icecast server too: http://source:PASSWORD@HOST:PORT/MOUNT.mp3; several times for
    /// several. Rather in evermix.toml, for others see what is typed
    #[arg(long, value_name = "URL")]
    pub icecast: Vec<String>,
    /// What the stream is called [default: Evermix]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Most listeners at a time [default: 250]
    #[arg(long, value_name = "N")]
    pub listeners: Option<u64>,
    /// Most listeners from one address [default: 32]
    #[arg(long, value_name = "N")]
    pub per_address: Option<u64>,
    /// Seconds of sound made ahead [default: 35]
    #[arg(long, value_name = "S")]
    pub lead: Option<f64>,
    /// What those who control the stream must show; nobody can without one
    #[arg(long, value_name = "SECRET", env = "EVERMIX_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Pass on the sound of another station for more listeners; needs its token
    #[arg(long, value_name = "URL", conflicts_with_all = ["inputs", "icecast", "formats"])]
    pub relay_of: Option<String>,
    /// Host under which listeners reach this relay [default: where it connects from]
    #[arg(long, value_name = "HOST", requires = "relay_of")]
    pub relay_address: Option<String>,
    /// How many listeners this relay takes, compared with others [default: 1]
    #[arg(long, value_name = "N", requires = "relay_of")]
    pub relay_weight: Option<u32>,
    /// Begin anew, not where the stream was when it ended
    #[arg(long)]
    pub no_resume: bool,
    #[command(flatten)]
    pub mix: MixArgs,
}

/// What mix is wanted.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "The mix")]
pub struct MixArgs {
    /// Length of the mix; songs are played again where they do not last [default: as they last]
    #[arg(long, value_name = "M")]
    pub minutes: Option<f64>,
    /// Number of songs
    #[arg(long, value_name = "N")]
    pub tracks: Option<u64>,
    /// In the order given, or on the tour where each song suits the one before [default: tour]
    #[arg(long, value_parser = ["given", "tour"])]
    pub order: Option<String>,
    /// Songs to come first: a file with a path or a title a line, # before comments. Nothing is
    /// struck out of it, so that the same words give the same plan
    #[arg(long, value_name = "FILE")]
    pub inject: Option<PathBuf>,
    /// Songs that are in whatever the rules say (never-artists, never-tags, too short, twice): a
    /// file as for --inject
    #[arg(long, value_name = "FILE")]
    pub mix_file: Option<PathBuf>,
    /// How the energy goes up and down over the mix: rise, fall, arc (calm, highest after two
    /// thirds, calm again), wave (two crests), flat, or points: share of the mix, colon, energy,
    /// 0 the calmest of your songs and 1 the most energetic, such as 0:0.2,0.6:0.9,1:0.3
    /// [default: as it comes]
    #[arg(long, value_name = "CURVE")]
    pub energy: Option<String>,
    /// Whose law: whole bars on phrases, that of the original, or plain crossfades [default: dj]
    #[arg(long, value_parser = ["dj", "capsule", "crossfade"])]
    pub style: Option<String>,
    /// Length of transitions in bars [default: chosen pair by pair]
    #[arg(long, value_name = "B")]
    pub transition_bars: Option<u64>,
    /// Longest stay with a song, in minutes [default: as long as it is good]
    #[arg(long, value_name = "M")]
    pub stay: Option<f64>,
    /// The number behind every random decision: the same seed gives the same file [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Largest change of tempo in per cent [default: 8]
    #[arg(long, value_name = "PERCENT")]
    pub max_stretch: Option<f64>,
    /// Loudness aimed at, in LUFS [default: -14]
    #[arg(long, value_name = "LUFS", allow_negative_numbers = true)]
    pub loudness: Option<f64>,
    /// Rate of the output [default: 44100]
    #[arg(long, value_name = "HZ")]
    pub output_rate: Option<u64>,
    /// Folder with stems of the songs, for transitions stem by stem [default: PROJECT/stems]
    #[arg(long, value_name = "DIR")]
    pub stems: Option<PathBuf>,
    /// Separate the songs first, where there are no stems yet; takes a second for every minute of
    /// music and 20 MB of disk
    #[arg(long, conflicts_with = "no_stems")]
    pub separate: bool,
    /// Transitions of whole songs even where there are stems
    #[arg(long, conflicts_with = "stems")]
    pub no_stems: bool,
    #[command(flatten)]
    pub trackers: TrackerArgs,
}
