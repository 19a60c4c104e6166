//! Which songs do not belong into a mix.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use super::song::{SongFacts, folded};
use crate::analysis::{SoundPrint, same_sounds};
use crate::base::Seconds;

/// Songs of the same title and artist whose lengths differ by no more than this are one song.
const SAME_LENGTH: f64 = 2.0;

/// What is dropped before songs are ordered.
#[derive(Clone, Debug, PartialEq)]
pub struct CullRules {
    /// Songs must be longer than this.
    pub least: Seconds,
    /// Songs must be shorter than this, where it is set.
    pub most: Option<Seconds>,
    /// Artists nobody wants to hear, in any case.
    pub artists: Vec<String>,
    /// Tags nobody wants to hear, in any case.
    pub tags: Vec<String>,
    /// Whether the second of two equal songs is dropped.
    pub duplicates: bool,
}

impl CullRules {
    /// The bounds of forever.fm, 90 to 400 s: it took songs from strangers, and shut out jingles
    /// and whole mixes.
    pub fn original() -> CullRules {
        CullRules {
            least: Seconds(90.0),
            most: Some(Seconds(400.0)),
            duplicates: false,
            ..CullRules::default()
        }
    }
}

/// For one's own files: only what is too short for any transition, and what is there twice.
impl Default for CullRules {
    fn default() -> Self {
        CullRules {
            least: Seconds(20.0),
            most: None,
            artists: Vec::new(),
            tags: Vec::new(),
            duplicates: true,
        }
    }
}

/// Why a song was dropped. It reads as the end of a line that begins with the song.
#[derive(Clone, Debug, PartialEq)]
pub enum DropReason {
    /// Not longer than the least length.
    TooShort {
        /// How long the song is.
        length: Seconds,
        /// What it would have to exceed.
        least: Seconds,
    },
    /// Not shorter than the greatest length.
    TooLong {
        /// How long the song is.
        length: Seconds,
        /// What it would have to stay below.
        most: Seconds,
    },
    /// Its artist, as spelt in the song, is on the list of those unwanted.
    Artist(String),
    /// It carries this unwanted tag.
    Tag(String),
    /// It has the same sound as the song with this index, which is kept.
    SameContent(usize),
    /// It is the recording of the song with this index, which is kept.
    SameRecording(usize),
    /// It has title, artist and length of the song with this index, which is kept.
    SameSong(usize),
}

impl DropReason {
    /// Whether the song itself is unfit. Otherwise somebody wished it away, or it is there already.
    pub fn is_defect(&self) -> bool {
        matches!(self, DropReason::TooShort { .. } | DropReason::TooLong { .. })
    }

    /// The same with the song kept counted as in a list of which `places` were looked at.
    pub fn renumbered(self, places: &[usize]) -> DropReason {
        match self {
            DropReason::SameContent(kept) => DropReason::SameContent(places[kept]),
            DropReason::SameRecording(kept) => DropReason::SameRecording(places[kept]),
            DropReason::SameSong(kept) => DropReason::SameSong(places[kept]),
            other => other,
        }
    }

    /// The reason in words that name the song kept in place of this one, not its number.
    pub fn told(&self, name: impl Fn(usize) -> String) -> String {
        match self {
            DropReason::SameContent(kept) => format!("the same sound as {}", name(*kept)),
            DropReason::SameRecording(kept) => format!("the same recording as {}", name(*kept)),
            DropReason::SameSong(kept) => {
                format!("the same title, artist and length as {}", name(*kept))
            }
            other => other.to_string(),
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DropReason::TooShort { length, least } => {
                write!(f, "too short: {:.1} s, must exceed {:.1} s", length.0, least.0)
            }
            DropReason::TooLong { length, most } => {
                write!(f, "too long: {:.1} s, must stay below {:.1} s", length.0, most.0)
            }
            DropReason::Artist(name) => write!(f, "unwanted artist: {}", name.trim()),
            DropReason::Tag(tag) => write!(f, "unwanted tag: {tag}"),
            DropReason::SameContent(kept) => write!(f, "same sound as song {}", kept + 1),
            DropReason::SameRecording(kept) => write!(f, "same recording as song {}", kept + 1),
            DropReason::SameSong(kept) => {
                write!(f, "same title, artist and length as song {}", kept + 1)
            }
        }
    }
}

/// What is left of a list of songs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Culled {
    /// Indices of the songs that stay, ascending.
    pub kept: Vec<usize>,
    /// Indices of those dropped, ascending, each with the first reason found.
    pub dropped: Vec<(usize, DropReason)>,
}

/// Drops songs by `rules`. What is unknown of a song never drops it; of equal songs the first stays.
pub fn cull(songs: &[SongFacts], rules: &CullRules) -> Culled {
    let same = if rules.duplicates { same_recordings(songs) } else { Vec::new() };
    cull_with(songs, rules, &same)
}

/// All pairs of songs that are one recording, the lower index first.
pub fn same_recordings(songs: &[SongFacts]) -> Vec<(usize, usize)> {
    let prints: Vec<&SoundPrint> = songs.iter().map(|song| song.print.as_ref()).collect();
    same_sounds(&prints)
}

/// As [`cull`], where it is known already which songs are the same recording.
pub fn cull_with(songs: &[SongFacts], rules: &CullRules, same: &[(usize, usize)]) -> Culled {
    let lower = |list: &[String]| -> BTreeSet<String> {
        list.iter().filter_map(|text| folded(Some(text))).collect()
    };
    let (artists, tags) = (lower(&rules.artists), lower(&rules.tags));
    let mut twins = Twins::default();
    for &(first, second) in same {
        twins.recordings.entry(second).or_default().push(first);
    }
    let mut culled = Culled::default();
    for (index, song) in songs.iter().enumerate() {
        let reason = wrong_length(song, rules)
            .or_else(|| unwanted(song, &artists, &tags))
            .or_else(|| rules.duplicates.then(|| twins.find(index, song, &culled.kept)).flatten());
        match reason {
            Some(reason) => culled.dropped.push((index, reason)),
            None => {
                twins.keep(index, song);
                culled.kept.push(index);
            }
        }
    }
    culled
}

fn wrong_length(song: &SongFacts, rules: &CullRules) -> Option<DropReason> {
    let (length, least) = (song.duration?, rules.least);
    if length <= least {
        return Some(DropReason::TooShort { length, least });
    }
    let most = rules.most?;
    (length >= most).then_some(DropReason::TooLong { length, most })
}

fn unwanted(
    song: &SongFacts,
    artists: &BTreeSet<String>,
    tags: &BTreeSet<String>,
) -> Option<DropReason> {
    if let (Some(name), Some(spelt)) = (folded(song.artist.as_deref()), &song.artist)
        && artists.contains(&name)
    {
        return Some(DropReason::Artist(spelt.clone()));
    }
    let found = song.tags.iter().find(|tag| tags.contains(tag.as_str()))?;
    Some(DropReason::Tag(found.clone()))
}

/// The songs kept so far, by what tells that another one is the same.
#[derive(Default)]
struct Twins {
    content: HashMap<[u8; 32], usize>,
    /// Earlier songs of the same recording.
    recordings: HashMap<usize, Vec<usize>>,
    names: HashMap<(String, String), Vec<(f64, usize)>>,
}

impl Twins {
    fn find(&self, index: usize, song: &SongFacts, kept: &[usize]) -> Option<DropReason> {
        if let Some(&kept) = song.content.and_then(|hash| self.content.get(&hash)) {
            return Some(DropReason::SameContent(kept));
        }
        let same = self.recordings.get(&index).into_iter().flatten();
        if let Some(&kept) = same.into_iter().find(|first| kept.binary_search(first).is_ok()) {
            return Some(DropReason::SameRecording(kept));
        }
        let length = song.duration?.0;
        let near = |(other, _): &&(f64, usize)| (other - length).abs() <= SAME_LENGTH;
        let (_, kept) = self.names.get(&name(song)?)?.iter().find(near)?;
        Some(DropReason::SameSong(*kept))
    }

    fn keep(&mut self, index: usize, song: &SongFacts) {
        if let Some(hash) = song.content {
            self.content.entry(hash).or_insert(index);
        }
        if let (Some(name), Some(length)) = (name(song), song.duration) {
            self.names.entry(name).or_default().push((length.0, index));
        }
    }
}

/// Title and artist; both must be known, for many a song is called "Intro".
fn name(song: &SongFacts) -> Option<(String, String)> {
    Some((folded(song.title.as_deref())?, folded(song.artist.as_deref())?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::analysis::soundprint::Mark;

    fn song(title: &str, artist: &str, seconds: f64) -> SongFacts {
        SongFacts {
            title: Some(title.into()),
            artist: Some(artist.into()),
            duration: Some(Seconds(seconds)),
            ..SongFacts::default()
        }
    }

    fn reasons(culled: &Culled) -> Vec<(usize, String)> {
        culled.dropped.iter().map(|(i, reason)| (*i, reason.to_string())).collect()
    }

    #[test]
    fn local_songs_are_dropped_only_where_no_transition_fits() {
        let songs = [
            song("a", "x", 12.0),
            song("b", "x", 20.5),
            song("c", "x", 7200.0),
            SongFacts::default(),
        ];
        let culled = cull(&songs, &CullRules::default());
        assert_eq!(culled.kept, [1, 2, 3]);
        assert_eq!(reasons(&culled), [(0, "too short: 12.0 s, must exceed 20.0 s".into())]);
        let original = cull(&songs, &CullRules::original());
        assert_eq!(original.kept, [3]);
        assert_eq!(
            reasons(&original)[2],
            (2, "too long: 7200.0 s, must stay below 400.0 s".into())
        );
    }

    #[test]
    fn the_same_song_twice_stays_once_and_the_reason_names_the_one_kept() {
        let mut songs = vec![
            song("Blue ", "The Band", 200.0),
            song("blue", "the band", 201.9),
            song("blue", "the band", 203.0),
            song("blue", "another", 200.0),
            SongFacts { artist: None, ..song("blue", "", 200.0) },
            SongFacts { artist: None, ..song("blue", "", 200.0) },
        ];
        let culled = cull(&songs, &CullRules::default());
        assert_eq!(culled.dropped, [(1, DropReason::SameSong(0))]);
        songs[3].content = Some([7; 32]);
        songs[5].content = Some([7; 32]);
        let culled = cull(&songs, &CullRules::default());
        assert_eq!(culled.dropped[1], (5, DropReason::SameContent(3)));
        assert_eq!(culled.dropped[1].1.to_string(), "same sound as song 4");
        let all = cull(&songs, &CullRules { duplicates: false, ..CullRules::default() });
        assert_eq!(all.kept.len(), songs.len());
    }

    #[test]
    fn the_same_recording_under_another_name_stays_once() {
        let mark = |i: u32| Mark { at: 90 * i, bits: i.wrapping_mul(2_654_435_761) };
        let print = Arc::new(SoundPrint { marks: (0..200).map(mark).collect() });
        let mut songs = [song("a", "x", 200.0), song("b", "y", 198.0), song("c", "z", 198.0)];
        songs[0].print = Arc::clone(&print);
        songs[2].print = print;
        let culled = cull(&songs, &CullRules::default());
        assert_eq!(culled.dropped, [(2, DropReason::SameRecording(0))]);
        assert_eq!(culled.dropped[0].1.to_string(), "same recording as song 1");
        // What was left out itself stands for no other.
        songs[0].duration = Some(Seconds(9.0));
        assert_eq!(cull(&songs, &CullRules::default()).kept, [1, 2]);
    }

    #[test]
    fn unwanted_artists_and_tags_are_found_in_any_case() {
        let mut songs = [song("a", " Loud ", 100.0), song("b", "x", 100.0), song("c", "y", 100.0)];
        songs[1].tags = ["live".to_string(), "rock".to_string()].into();
        let rules = CullRules {
            artists: vec!["LOUD".into(), " ".into()],
            tags: vec!["Live ".into()],
            ..CullRules::default()
        };
        let culled = cull(&songs, &rules);
        assert_eq!(culled.kept, [2]);
        assert_eq!(
            reasons(&culled),
            [(0, "unwanted artist: Loud".into()), (1, "unwanted tag: live".into())]
        );
    }

    #[test]
    fn a_song_dropped_for_another_reason_hides_no_twin() {
        let mut songs = [song("a", "x", 100.0), song("a", "x", 100.0)];
        songs[0].tags = ["live".to_string()].into();
        let rules = CullRules { tags: vec!["live".into()], ..CullRules::default() };
        assert_eq!(cull(&songs, &rules).kept, [1]);
    }
}
