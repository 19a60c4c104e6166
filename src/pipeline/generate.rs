//! `generate-remix`: a walk over the index becomes a plan, and the plan becomes a file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::create_dataset::{DatasetManifest, is_in_force, read_dataset};
use super::damage::set_aside;
use super::fit::read_index;
use super::output::{Output, write_output};
use crate::audio::encode::{Container, OutputTags};
use crate::base::{Decibels, Error, ErrorKind, Event, Lufs, Result, SampleRate};
use crate::corpus::{IndexFile, Layer, Search, SongBeats, SongReader, Space, Table};
use crate::remix::{
    Law, LayerChoice, Library, OpenReader, PlanSong, RemixOptions, RemixPlan, Renderer, SongFacts,
    VoiceSpace, loudness_of, plan,
};
use crate::report;
use crate::store::{write_atomic, write_json};

/// Where the material lies and what to make of it.
#[derive(Clone, Debug)]
pub struct GenerateJob {
    /// The dataset folder.
    pub dataset_dir: PathBuf,
    /// The index file.
    pub index_path: PathBuf,
    /// The beats folder; as the dataset says where not given.
    pub beats_dir: Option<PathBuf>,
    /// The file to make.
    pub out: PathBuf,
    /// What kind of file.
    pub container: Container,
    /// Rate of the file; that of most songs where not given.
    pub rate: Option<SampleRate>,
    /// Settings of the remix.
    pub options: RemixOptions,
}

/// A finished remix.
#[derive(Debug)]
pub struct Generated {
    /// Its plan.
    pub plan: RemixPlan,
    /// Length in frames.
    pub frames: u64,
    /// Measured loudness.
    pub loudness: Lufs,
    /// All files written, the sound first.
    pub files: Vec<PathBuf>,
}

struct Material {
    table: Table,
    library: Library,
    index: IndexFile,
    songs: Vec<SongBeats>,
    beats_dir: PathBuf,
}

/// Plans without rendering, for a dry run.
///
/// # Errors
/// As [`generate`].
pub fn plan_remix(context: &Context<'_>, job: &GenerateJob) -> Result<RemixPlan> {
    Ok(make_plan(&gather(context, job)?, job)?.0)
}

/// Makes a remix and what goes beside it: plan, tracklist, cue sheet.
///
/// # Errors
/// `Missing` without dataset, index or layer; `Corrupt` where they do not belong together or a
/// clip was changed; `Usage` for impossible settings; `Io`.
pub fn generate(context: &Context<'_>, job: &GenerateJob) -> Result<Generated> {
    let stage = "generate-remix";
    context.progress.report(Event::StageStarted { stage, items: 1 });
    let material = gather(context, job)?;
    let (plan, order) = make_plan(&material, job)?;
    let songs: Vec<SongBeats> = order.iter().map(|&i| material.songs[i].clone()).collect();
    let beats_dir = &material.beats_dir;
    let (frames, loudness) = render(context, job, &plan, &songs, beats_dir).map_err(|e| {
        let in_force = |song| is_in_force(context, beats_dir, song);
        set_aside(context, e, || songs.iter().all(in_force))
    })?;
    let mut files = vec![job.out.clone()];
    files.extend(write_companions(context, job, &plan)?);
    context.progress.report(Event::StageDone { stage });
    Ok(Generated { plan, frames, loudness, files })
}

fn gather(context: &Context<'_>, job: &GenerateJob) -> Result<Material> {
    let (manifest, table) = read_dataset(context, &job.dataset_dir)?;
    let index = read_index(context, &job.index_path, &manifest.table)?;
    let library = Library::from_table(&table)?;
    if library.beats.is_empty() {
        return Err(Error::new(ErrorKind::Missing, "the dataset holds no beats")
            .at(&job.dataset_dir)
            .hint("remix auto SONGS -o out.wav"));
    }
    if let Some(space) = index.spaces.iter().find(|s| s.len() != library.beats.len()) {
        return Err(Error::new(ErrorKind::Corrupt, "the index does not match the dataset")
            .at(&job.index_path)
            .because(format!("{} beats of {}", space.len(), library.beats.len()))
            .hint("remix fit-nearest-neighbours"));
    }
    let beats_dir = beats_dir(job, &manifest);
    let read = |name: &String| {
        let read = SongBeats::read(context.fs, &beats_dir, name, context.limits);
        read.map_err(|e| e.hint("remix segment"))
    };
    let songs = library.songs.iter().map(read).collect::<Result<Vec<_>>>()?;
    for (beat, row) in library.beats.iter().zip(0..) {
        let pieces = songs[beat.song].pieces.len();
        if beat.piece >= pieces {
            return Err(Error::new(ErrorKind::Corrupt, "the dataset does not match the beats")
                .at(&beats_dir)
                .because(format!("row {row} is beat {} of {pieces}", beat.piece))
                .hint("remix create-dataset"));
        }
    }
    Ok(Material { table, library, index, songs, beats_dir })
}

fn beats_dir(job: &GenerateJob, manifest: &DatasetManifest) -> PathBuf {
    job.beats_dir.clone().unwrap_or_else(|| job.dataset_dir.join(&manifest.beats))
}

/// The plan, and for each of its songs the place in the library.
fn make_plan(material: &Material, job: &GenerateJob) -> Result<(RemixPlan, Vec<usize>)> {
    let stems = material.songs.first().is_some_and(|s| s.layers.contains(&Layer::Drums));
    let wanted = voices(job.options.layer, stems)?;
    if job.options.law == Law::Original && wanted.len() > 1 {
        return Err(Error::new(ErrorKind::Usage, "the original law walks with one voice")
            .hint("--law original --layer mix, drums or other"));
    }
    let found: Vec<&Space> = wanted
        .iter()
        .map(|(name, _)| material.index.space(name).ok_or_else(|| no_layer(name)))
        .collect::<Result<_>>()?;
    let searches: Vec<Box<dyn Search + '_>> =
        found.iter().map(|space| space.searcher()).collect::<Result<_>>()?;
    let loudness = wanted
        .iter()
        .map(|(_, layers)| loudness_of(&material.table, &material.library, layers))
        .collect::<Result<Vec<_>>>()?;
    let spaces: Vec<VoiceSpace> = wanted
        .into_iter()
        .zip(found.iter().zip(&searches))
        .zip(loudness)
        .map(|(((_, layers), (&space, search)), loudness)| VoiceSpace {
            layers,
            space,
            search: search.as_ref(),
            loudness,
        })
        .collect();
    let facts: Vec<SongFacts> = material.songs.iter().map(facts).collect();
    let rate = job.rate.unwrap_or_else(|| most_common_rate(&material.songs));
    let plan = plan(&material.library, &facts, &spaces, rate, &job.options);
    let place = |name: &str| material.songs.iter().position(|s| s.song == name).unwrap_or(0);
    let order = plan.songs.iter().map(|s| place(&s.name)).collect();
    Ok((plan, order))
}

fn no_layer(name: &str) -> Error {
    Error::new(ErrorKind::Missing, format!("the index has no {name} layer"))
        .because("the songs were cut without stems")
        .hint("remix separate SONGS STEMS, then segment STEMS, create-dataset and fit again")
}

/// The spaces to walk in and the layers heard from each.
fn voices(choice: LayerChoice, stems: bool) -> Result<Vec<(&'static str, Vec<Layer>)>> {
    let whole = if stems { vec![Layer::Drums, Layer::Other] } else { vec![Layer::Mix] };
    let voices = match choice {
        LayerChoice::Mix => vec![("mix", whole)],
        LayerChoice::Drums => vec![("drums", vec![Layer::Drums])],
        LayerChoice::Other => vec![("other", vec![Layer::Other])],
        LayerChoice::Both => {
            vec![("drums", vec![Layer::Drums]), ("other", vec![Layer::Other])]
        }
    };
    if choice != LayerChoice::Mix && !stems {
        return Err(no_layer(voices[0].0));
    }
    Ok(voices)
}

fn facts(song: &SongBeats) -> SongFacts {
    SongFacts {
        song: PlanSong {
            name: song.song.clone(),
            title: if song.tags.title.is_empty() {
                song.song.clone()
            } else {
                song.tags.title.clone()
            },
            artist: song.tags.artist.clone(),
            source: song.source.clone(),
            gain: Decibels(0.0),
        },
        loudness: song.loudness,
        pre_roll: song
            .pieces
            .iter()
            .map(|p| p.attack.seconds(song.rate).0 - p.start.seconds(song.rate).0)
            .collect(),
    }
}

fn most_common_rate(songs: &[SongBeats]) -> SampleRate {
    let count = |rate: SampleRate| songs.iter().filter(|s| s.rate == rate).count();
    let rates = songs.iter().map(|s| s.rate);
    rates.max_by_key(|&rate| (count(rate), rate)).unwrap_or(SampleRate::CD)
}

/// Renders into a temporary file and gives it its name when it is whole.
fn render(
    context: &Context<'_>,
    job: &GenerateJob,
    plan: &RemixPlan,
    songs: &[SongBeats],
    beats_dir: &Path,
) -> Result<(u64, Lufs)> {
    let channels = if songs.iter().any(|s| s.channels == 2) { 2 } else { 1 };
    let open =
        |song: usize, layer: Layer| SongReader::new(context.fs, beats_dir, &songs[song], layer);
    let open: &OpenReader<'_> = &open;
    let mut renderer = Renderer::new(plan, songs, channels, open)?;
    let (path, tags) = (job.out.clone(), output_tags(plan));
    let output = Output { path, container: job.container, rate: plan.rate, channels, tags };
    let total = renderer.frames();
    write_output(context, &output, total, |block| renderer.next_block(block))
}

fn output_tags(plan: &RemixPlan) -> OutputTags {
    let mut artists: Vec<&str> =
        plan.songs.iter().map(|s| s.artist.as_str()).filter(|a| !a.is_empty()).collect();
    artists.dedup();
    OutputTags {
        title: format!("Remix of {} songs", plan.songs.len()),
        artist: crate::audio::clean(&artists.join(", "), 512),
        album: String::new(),
        comment: format!(
            "seed {}, jump rate {}, plan {}",
            plan.options.seed.0,
            plan.options.jump_rate.get(),
            &report::plan_hash(plan)[..16]
        ),
        encoder: format!("Evermix {}", plan.version),
    }
}

/// Plan, tracklist and cue sheet beside the sound.
fn write_companions(
    context: &Context<'_>,
    job: &GenerateJob,
    plan: &RemixPlan,
) -> Result<Vec<PathBuf>> {
    let beside = |extension: &str| job.out.with_extension(extension);
    let plan_path = beside("plan.json");
    write_json(context.fs, &plan_path, plan)?;
    let entries = report::tracklist(plan);
    let list_path = beside("tracklist.txt");
    let mut list = Vec::new();
    for entry in &entries {
        writeln!(list, "{}", entry.line()).map_err(|e| Error::io("cannot write", &list_path, e))?;
    }
    write_atomic(context.fs, &list_path, &list)?;
    let cue_path = beside("cue");
    let file = job.out.file_name().unwrap_or_default().to_string_lossy();
    let comment = format!("seed {}", plan.options.seed.0);
    let heading = report::Heading { title: "Remix", version: &plan.version, comment: &comment };
    let cue = report::cue_sheet(&file, job.container.cue_type(), &entries, &heading);
    write_atomic(context.fs, &cue_path, cue.as_bytes())?;
    Ok(vec![plan_path, list_path, cue_path])
}
