//! Every word of the command line, defined once: help, man pages and completions come from here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Exit codes, shown below every help text and in the man pages.
pub const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 failure · 2 wrong usage · 3 done, some songs skipped · 4 no readable audio
            5 a limit was hit · 6 reading, writing or full disk · 7 something needed is missing
            8 busy: another process works there · 130, 143 stopped by a signal";

/// Turns a folder of songs into a remix.
#[derive(Debug, Parser)]
#[command(name = "remix", version, propagate_version = true, after_help = EXIT_CODES)]
#[command(about = "Turns a folder of songs into a remix, beat by beat")]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Everywhere")]
pub struct Common {
    /// Project folder, where stages find each other's results [default: evermix-project]
    #[arg(long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Threads [default: all cores]
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<u64>,
    /// How progress is shown on stderr
    #[arg(long, global = true, value_enum, default_value_t = ProgressStyle::Auto)]
    pub progress: ProgressStyle,
    /// Neither use nor fill the cache of analyses
    #[arg(long, global = true)]
    pub no_cache: bool,
    /// Print the result as one JSON object on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Only errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// More about what went wrong; twice for every song
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Colours on stderr (NO_COLOR is honoured)
    #[arg(long, global = true, value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressStyle {
    /// Bars on a terminal, lines elsewhere
    #[default]
    Auto,
    /// One event a line, as JSON
    Json,
    /// One line a song
    Lines,
    /// Nothing
    None,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Songs become stems: drums and everything else
    #[command(after_help = examples("remix separate music stems\n  remix separate --model hpss a.mp3 b.flac stems\n  remix separate --model htdemucs --stems 4 music stems"))]
    Separate(SeparateArgs),
    /// Stems or songs become beats, one WAV file each
    #[command(after_help = examples("remix segment stems beats\n  remix segment music beats        (songs directly: one layer, mix)\n  remix segment --beats-from annotations music beats"))]
    Segment(SegmentArgs),
    /// Beats become a table of features (Parquet)
    #[command(after_help = examples("remix create-dataset beats dataset"))]
    CreateDataset(DatasetArgs),
    /// The table becomes an index of beats that sound alike
    #[command(after_help = examples("remix fit-nearest-neighbours dataset index.evx\n  remix fit-nearest-neighbours --weights harmony=2"))]
    FitNearestNeighbours(FitArgs),
    /// A walk over the index becomes a remix
    #[command(after_help = examples("remix generate-remix 0.1 50 out.wav\n  remix generate-remix 0.3 200 out.mp3 --seed 7 --layer both"))]
    GenerateRemix(GenerateArgs),
    /// All of it: songs in, remix out; what is done is not done again
    #[command(after_help = examples("remix auto music -o remix.wav\n  remix auto music -o remix.flac --jump-rate 0.3 --beats 300 --seed 7"))]
    Auto(AutoArgs),
    /// Beats, tempo, key, form and loudness of songs
    #[command(after_help = examples("remix analyze song.mp3\n  remix analyze music --json > analysis.json\n  remix analyze song.mp3 --picture song.svg\n  remix analyze music --compare"))]
    Analyze(AnalyzeArgs),
    /// A minute of remix from the songs that come with the program
    #[command(after_help = examples("remix demo\n  remix demo -o demo.mp3"))]
    Demo(DemoArgs),
    /// The networks for separating: which there are, and how they come here
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Checks that everything needed is there
    Doctor,
    /// The settings in force
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Completions for a shell, on stdout
    #[command(after_help = examples("remix completions bash > ~/.local/share/bash-completion/completions/remix"))]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Writes the man pages into a folder
    Man {
        /// The folder
        dir: PathBuf,
    },
}

/// The examples of a help text, with the exit codes below.
fn examples(lines: &str) -> String {
    format!("Examples:\n  {lines}\n\n{EXIT_CODES}")
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Prints every setting
    Show {
        /// Say where each comes from
        #[arg(long)]
        origin: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// What is known, what is here, and under which licence
    #[command(after_help = EXIT_CODES)]
    List,
    /// Downloads a model's weights; what broke off goes on where it was
    #[command(after_help = examples("remix models fetch htdemucs"))]
    Fetch {
        /// Its name
        name: String,
    },
    /// Takes in weights from a file
    #[command(after_help = examples("remix models add ~/Downloads/htdemucs.safetensors"))]
    Add {
        /// A .safetensors or .onnx file
        file: PathBuf,
    },
    /// Checks the weights that are here against their hashes
    #[command(after_help = EXIT_CODES)]
    Verify,
}

#[derive(Args, Debug)]
pub struct SeparateArgs {
    /// Songs, folders and playlists; the last word is the folder for the stems if there are two or
    /// more [default for the stems: PROJECT/stems]
    #[arg(required = true, value_name = "IN... STEMS")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub model: ModelArgs,
    /// Drums and other, or drums, bass, vocals and other [default: 2]
    #[arg(long, value_name = "2|4", value_parser = ["2", "4"])]
    pub stems: Option<String>,
    #[command(flatten)]
    pub dry: DryRun,
}

#[derive(Args, Debug, Default)]
pub struct ModelArgs {
    /// What finds the drums: auto, compact, htdemucs, htdemucs_ft, hpss, or a file of weights of
    /// htdemucs [default: auto, the best that is here]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
}

#[derive(Args, Debug, Default)]
pub struct DryRun {
    /// Say what would be done and what it would cost, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Debug, Default)]
pub struct ClipArgs {
    /// Rate of the beats [default: as the input]
    #[arg(short = 'r', long, value_name = "HZ")]
    pub sample_rate: Option<u64>,
    /// Samples of the beats [default: float32]
    #[arg(long, value_parser = ["int16", "int24", "float32"])]
    pub sample_format: Option<String>,
}

#[derive(Args, Debug, Default)]
pub struct TrackerArgs {
    /// What finds the beats [default: evermix]
    #[arg(long, value_parser = ["evermix", "aubio", "beat-this"])]
    pub beat_tracker: Option<String>,
    /// Take the beats from files in this folder, SONG.beats, .txt, .jams or .json
    #[arg(long, value_name = "DIR", conflicts_with = "beat_tracker")]
    pub beats_from: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct SegmentArgs {
    /// Stems or songs, then the folder for the beats [default: PROJECT/stems PROJECT/beats]
    #[arg(value_name = "STEMS... BEATS")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub trackers: TrackerArgs,
    #[command(flatten)]
    pub clips: ClipArgs,
    #[command(flatten)]
    pub dry: DryRun,
}

#[derive(Args, Debug)]
pub struct DatasetArgs {
    /// Folder with the beats [default: PROJECT/beats]
    pub beats: Option<PathBuf>,
    /// Folder for the table [default: PROJECT/dataset]
    pub dataset: Option<PathBuf>,
    #[command(flatten)]
    pub features: FeatureArgs,
    #[command(flatten)]
    pub dry: DryRun,
}

#[derive(Args, Debug, Default)]
pub struct FeatureArgs {
    /// Features of a beat: all, or the 25 of the original remixer [default: full]
    #[arg(long, value_parser = ["full", "original"])]
    pub features: Option<String>,
}

#[derive(Args, Debug)]
pub struct FitArgs {
    /// Folder with the table [default: PROJECT/dataset]
    pub dataset: Option<PathBuf>,
    /// The index file to make [default: PROJECT/index.evx]
    pub index: Option<PathBuf>,
    #[command(flatten)]
    pub index_args: IndexArgs,
}

#[derive(Args, Debug, Default)]
pub struct IndexArgs {
    /// How neighbours are found; all find the same [default: auto]
    #[arg(long, value_parser = ["auto", "kd-tree", "ball-tree", "brute"])]
    pub algorithm: Option<String>,
    /// How much each aspect counts, e.g. harmony=2,timbre=1,dynamics=0.5 [default: 1 each]
    #[arg(long, value_name = "NAME=N,...")]
    pub weights: Option<String>,
}

#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// How eager to leave a song, 0 (never) to 1; 0.1 stays about eleven beats
    #[arg(allow_negative_numbers = true)]
    pub jump_rate: f64,
    /// Number of beats
    #[arg(allow_negative_numbers = true)]
    pub beats: i64,
    /// The file to make: .wav, .flac, .mp3 or .opus
    pub out: PathBuf,
    /// Folder with the table [default: PROJECT/dataset]
    #[arg(long)]
    pub dataset: Option<PathBuf>,
    /// The index file [default: PROJECT/index.evx]
    #[arg(long)]
    pub index: Option<PathBuf>,
    /// A page about the remix: which song sounds when, and what every jump cost
    #[arg(long, value_name = "OUT.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub walk: WalkArgs,
    #[command(flatten)]
    pub dry: DryRun,
}

#[derive(Args, Debug, Default)]
pub struct WalkArgs {
    /// The number behind every random decision: the same seed gives the same file [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What walks: the whole sound, one stem, or both stems each on its own way [default: mix]
    #[arg(long, value_parser = ["mix", "drums", "other", "both"])]
    pub layer: Option<String>,
    /// How beats are chosen [default: evermix]
    #[arg(long, value_parser = ["evermix", "original"])]
    pub law: Option<String>,
    /// Beats heard of a song before it may be left [default: 4]
    #[arg(long, value_name = "N")]
    pub min_run: Option<u64>,
    /// Largest change of tempo in per cent [default: 8]
    #[arg(long, value_name = "PERCENT")]
    pub max_stretch: Option<f64>,
    /// Loudness aimed at, in LUFS [default: -14]
    #[arg(long, value_name = "LUFS", allow_negative_numbers = true)]
    pub loudness: Option<f64>,
    /// Samples of a WAV output [default: int24]
    #[arg(long, value_parser = ["int16", "int24", "float32"])]
    pub output_format: Option<String>,
    /// Rate of the output [default: that of most songs]
    #[arg(long, value_name = "HZ")]
    pub output_rate: Option<u64>,
}

#[derive(Args, Debug)]
pub struct AutoArgs {
    /// Songs, folders and playlists
    #[arg(required = true, value_name = "IN")]
    pub inputs: Vec<PathBuf>,
    /// The file to make: .wav, .flac, .mp3 or .opus
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// How eager to leave a song, 0 to 1 [default: 0.1]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub jump_rate: Option<f64>,
    /// Number of beats [default: 128]
    #[arg(long, value_name = "N")]
    pub beats: Option<u64>,
    /// Cut the songs as they are, without separating drums
    #[arg(long)]
    pub no_stems: bool,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub trackers: TrackerArgs,
    #[command(flatten)]
    pub clips: ClipArgs,
    #[command(flatten)]
    pub features: FeatureArgs,
    #[command(flatten)]
    pub index_args: IndexArgs,
    /// A page about the remix: which song sounds when, and what every jump cost
    #[arg(long, value_name = "OUT.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub walk: WalkArgs,
    #[command(flatten)]
    pub dry: DryRun,
}

#[derive(Args, Debug)]
pub struct AnalyzeArgs {
    /// Songs, folders and playlists
    #[arg(required = true, value_name = "FILE")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub trackers: TrackerArgs,
    /// How far the beat trackers that are present agree, song by song
    #[arg(long, conflicts_with = "beat_tracker")]
    pub compare: bool,
    /// Draw waveform, beats, phrases, tempo and loudness: an .svg file, or a folder for several
    #[arg(long, value_name = "OUT")]
    pub picture: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct DemoArgs {
    /// The file to make
    #[arg(short, long, default_value = "evermix-demo.wav", value_name = "OUT")]
    pub output: PathBuf,
}
