//! `forever stream`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::daemon::Place;
use super::mixing::{self, Mixing};
use super::on_air::{antenna, greet, station_options};
use crate::audio::encode::live::Format;
use crate::base::{Error, ErrorKind, Event, Result, Seconds, SystemClock, utc};
use crate::cli::exit::Exit;
use crate::cli::forever_args::StreamArgs;
use crate::cli::settings::{PROJECT_FILE, Settings, StreamSettings};
use crate::cli::trackers::beat_source;
use crate::cli::world::World;
use crate::forever::catalogue::{CATALOGUE, Catalogue};
use crate::forever::live::{
    Answer, Desired, Librarian, LiveMix, LiveOptions, Remembered, StateFile, remembered,
};
use crate::mix::Style;
use crate::pipeline::Context;
use crate::store::{DiskFs, Fs as _};
use crate::stream::{Board, Icecast, Producer, Station};

/// How often folders are looked at for new songs.
const LOOK: Duration = Duration::from_secs(30);
/// How often what plays is written down.
const REMEMBER: Duration = Duration::from_secs(5);

pub fn run(world: &World<'_>, args: &StreamArgs) -> Result<Exit> {
    let settings = world.settings(flags(args))?;
    if let Some(origin) = &args.relay_of {
        return super::relay::run(world, args, &settings, origin);
    }
    let context = world.context(&settings);
    let formats = formats(&settings.stream)?;
    let station_options = station_options(&settings.stream)?;
    let folder = world.project().join("stream");
    let options = live_options(world, &context, &settings, args, &folder)?;
    let _lock = world.take(&folder)?;
    let place = Place::begun(world)?;
    let antenna = antenna(world, &settings.stream, context.threads)?;
    let state = StateFile(folder.join("state.json"));
    let before = if args.no_resume { Remembered::default() } else { state.read(&context)? };
    let beats = beat_source(&context, &settings, &args.mix.trackers)?;
    let catalogue = Catalogue::open_or_rebuild(&context, &world.project().join(CATALOGUE))?;
    let rate = options.job.rate;
    let mut librarian = Librarian::new(&context, &beats, options.clone(), catalogue, &before)?;
    let first = match (librarian.resume(&before), &before.playing) {
        (Some(deck), Some((_, place))) => Some((deck, Some(*place))),
        _ => librarian.next_deck()?.map(|deck| (deck, None::<Seconds>)),
    };
    let (desired, desires) = channel::<Desired>();
    let (answer, answers) = channel::<Answer>();
    let source = LiveMix::new(options, context.limits, first, answers, desired.clone());
    let name = &settings.stream.name;
    let (producer, mounts) = Producer::new(Box::new(source), &formats, name)?;
    let icecast = &settings.stream.icecast;
    let feeds: Vec<Icecast> =
        icecast.iter().map(|url| Icecast::new(url, &mounts)).collect::<Result<_>>()?;
    let (notes, noted) = channel();
    let station = Arc::new(Station::new(
        station_options,
        mounts,
        Board::new(rate.as_f64(), before.cards()),
        Arc::new(SystemClock::default()),
        notes,
    ));
    place.heard_at(antenna.address)?;
    greet(world, &station, antenna.address);
    let banned = librarian.banned();
    let settings_file = Watched::new(world.project().join(PROJECT_FILE));
    let last = Instant::now();
    let mut keeper = Keeper { context: &context, state, noted, last };
    let (hup, to) = (hang_up()?, desired.clone());
    let mut reload = Reload { world, args, folder, desired: to, settings_file, hup };
    let sent = std::thread::scope(|scope| {
        scope.spawn(move || librarian.serve(&desires, &answer));
        let sent = antenna.send(&station, producer, feeds, || {
            keeper.look(&station, &banned.all());
            reload.look(&context, &station);
            context.cancel.check().is_ok()
        });
        // Before the librarian is waited for: its disk may not answer any more.
        keeper.remember(&station, &banned.all());
        // The librarian may be gone already.
        let _ = desired.send(Desired::Stop);
        sent
    });
    sent.map(|()| Exit::OK)
}

fn flags(args: &StreamArgs) -> crate::cli::settings::Overrides {
    let mut flags = mixing::flags(&args.mix);
    flags.set("stream.bind", args.bind.clone());
    flags.set("stream.name", args.name.clone());
    flags.set("stream.formats", (!args.formats.is_empty()).then(|| args.formats.clone()));
    flags.set("stream.icecast", (!args.icecast.is_empty()).then(|| args.icecast.clone()));
    flags.set_count("stream.listeners", args.listeners);
    flags.set_count("stream.per-address", args.per_address);
    flags.set("stream.lead", args.lead);
    flags.set("stream.token", args.token.clone());
    flags
}

fn formats(settings: &StreamSettings) -> Result<Vec<Format>> {
    let formats: Vec<Format> = settings.formats.iter().map(|f| f.parse()).collect::<Result<_>>()?;
    if formats.is_empty() {
        return Err(
            Error::new(ErrorKind::Usage, "there is no format to stream").hint("--format mp3")
        );
    }
    Ok(formats)
}

fn live_options(
    world: &World<'_>,
    context: &Context<'_>,
    settings: &Settings,
    args: &StreamArgs,
    folder: &Path,
) -> Result<LiveOptions> {
    if args.mix.minutes.is_some() || args.mix.tracks.is_some() {
        return Err(Error::new(ErrorKind::Usage, "a stream has no length")
            .hint("leave --minutes and --tracks out, or: forever render"));
    }
    if settings.mix.style == Style::Capsule {
        return Err(Error::new(ErrorKind::Usage, "a stream cannot follow the law of the original")
            .because("that law plans all songs at once")
            .hint("--style dj or --style crossfade; or: forever render --style capsule"));
    }
    if args.mix.energy.is_some() {
        return Err(Error::new(ErrorKind::Usage, "a stream has no end for a curve to lead to")
            .hint("leave --energy out, or: forever render"));
    }
    let work = Mixing { world, context, settings, args: &args.mix, dry: false };
    Ok(LiveOptions {
        job: work.job(Vec::new())?,
        inputs: args.inputs.clone(),
        stems: work.stems(),
        wishes: folder.join("inject.txt"),
        look: LOOK,
    })
}

/// Says what the station says, and writes down what it plays.
struct Keeper<'a> {
    context: &'a Context<'a>,
    state: StateFile,
    noted: Receiver<String>,
    last: Instant,
}

impl Keeper<'_> {
    fn look(&mut self, station: &Station, banned: &[String]) {
        for text in self.noted.try_iter() {
            let text = format!("{} {text}", utc(station.wall_now()));
            self.context.progress.report(Event::Note { text: &text });
        }
        if self.last.elapsed() >= REMEMBER {
            self.remember(station, banned);
        }
    }

    fn remember(&mut self, station: &Station, banned: &[String]) {
        self.last = Instant::now();
        let state = remembered(station, banned.to_vec());
        if let Err(error) = self.state.write(self.context, &state) {
            self.context.progress.report(Event::Note { text: &error.to_string() });
        }
    }
}

/// Takes settings that change while the stream runs.
struct Reload<'a> {
    world: &'a World<'a>,
    args: &'a StreamArgs,
    folder: PathBuf,
    desired: Sender<Desired>,
    settings_file: Watched,
    hup: Arc<AtomicBool>,
}

impl Reload<'_> {
    /// Looks at the settings again when their file has changed or the process is told to (SIGHUP).
    fn look(&mut self, context: &Context<'_>, station: &Station) {
        let told = self.hup.swap(false, Ordering::SeqCst);
        if !self.settings_file.has_changed() && !told {
            return;
        }
        let (world, args) = (self.world, self.args);
        let options = world
            .settings(flags(args))
            .and_then(|settings| live_options(world, context, &settings, args, &self.folder));
        match options {
            Ok(options) => {
                station.say("settings and songs are looked at again");
                // The librarian is there as long as the stream.
                let _ = self.desired.send(Desired::Job(Box::new(options.job)));
                let _ = self.desired.send(Desired::Look);
            }
            Err(error) => station.say(format!("the settings stay as they were: {error}")),
        }
    }
}

/// A flag that is set by SIGHUP, as servers know it.
fn hang_up() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(&flag))
        .map_err(|e| Error::new(ErrorKind::Internal, "no signals").because(e.to_string()))?;
    Ok(flag)
}

/// A file whose time of writing is looked at now and then.
struct Watched {
    path: PathBuf,
    written: Option<i64>,
    looked: Instant,
}

impl Watched {
    fn new(path: PathBuf) -> Watched {
        let written = written(&path);
        Watched { path, written, looked: Instant::now() }
    }

    fn has_changed(&mut self) -> bool {
        if self.looked.elapsed() < REMEMBER {
            return false;
        }
        self.looked = Instant::now();
        let now = written(&self.path);
        std::mem::replace(&mut self.written, now) != now
    }
}

fn written(path: &Path) -> Option<i64> {
    Some(DiskFs.metadata(path).ok()?.modified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_and_not_bent() {
        let wrong = [
            StreamSettings { lead: 5.0, ..Default::default() },
            StreamSettings { burst: -1.0, ..Default::default() },
            StreamSettings { metaint: 0, ..Default::default() },
            StreamSettings { listeners: 0, ..Default::default() },
            StreamSettings { lead: f64::NAN, ..Default::default() },
        ];
        for settings in wrong {
            let error = station_options(&settings).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Usage, "{settings:?}");
        }
        assert!(station_options(&StreamSettings::default()).is_ok());
        let none = StreamSettings { formats: Vec::new(), ..Default::default() };
        assert!(formats(&none).is_err());
    }
}
