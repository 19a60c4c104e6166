//! The criteria by which one song follows another, and how much each of them counts.

use std::fmt;
use std::str::FromStr;

use crate::base::{Error, ErrorKind, Result};

/// One way of telling how far two songs are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Criterion {
    /// Tags that only one of the two has.
    Tag,
    /// Tempo, as far as it hinders playing both at once.
    Tempo,
    /// Length.
    Length,
    /// The same artist twice.
    Spread,
    /// Spelling of the genres.
    Genre,
    /// Danceability.
    Danceability,
    /// Energy.
    Energy,
    /// Loudness.
    Loudness,
    /// Keys, by their distance on the Camelot wheel.
    Key,
    /// Sound of the end of one song and the beginning of the next.
    Timbre,
}

impl Criterion {
    /// How many criteria there are.
    pub const COUNT: usize = 10;
    /// All of them, in the order of their tables.
    pub const ALL: [Criterion; Criterion::COUNT] = [
        Criterion::Tag,
        Criterion::Tempo,
        Criterion::Length,
        Criterion::Spread,
        Criterion::Genre,
        Criterion::Danceability,
        Criterion::Energy,
        Criterion::Loudness,
        Criterion::Key,
        Criterion::Timbre,
    ];

    /// The word that names it in settings and tables.
    pub fn name(self) -> &'static str {
        match self {
            Criterion::Tag => "tag",
            Criterion::Tempo => "tempo",
            Criterion::Length => "length",
            Criterion::Spread => "spread",
            Criterion::Genre => "genre",
            Criterion::Danceability => "danceability",
            Criterion::Energy => "energy",
            Criterion::Loudness => "loudness",
            Criterion::Key => "key",
            Criterion::Timbre => "timbre",
        }
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Criterion {
    type Err = Error;
    fn from_str(word: &str) -> Result<Self> {
        let named = Criterion::ALL.into_iter().find(|c| c.name() == word);
        named.ok_or_else(|| {
            let names = Criterion::ALL.map(Criterion::name).join(", ");
            Error::new(ErrorKind::Usage, format!("`{word}` is no criterion"))
                .because("songs are ordered by named criteria only")
                .hint(format!("one of: {names}"))
        })
    }
}

/// How the differences of single criteria are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// As forever.fm did: tempo difference over 100 BPM, no octaves, length in milliseconds, the
    /// tempo of the whole song, no key and no timbre. A criterion without data is skipped.
    Original,
    /// For playing two songs at once, beat on beat: tempo in octaves, keys on the Camelot wheel,
    /// and the parts that meet (the end of one song, the beginning of the next) where known.
    Dj,
}

/// How much each criterion counts, and the law its difference is measured by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    law: Law,
    values: [f64; Criterion::COUNT],
}

impl Weights {
    /// The weights of forever.fm, with its laws.
    pub fn original() -> Weights {
        let values = [20.0, 999.0, 5.0, 999.0, 40.0, 100.0, 300.0, 50.0, 0.0, 0.0];
        Weights { law: Law::Original, values }
    }

    /// The law the differences are measured by.
    pub fn law(&self) -> Law {
        self.law
    }

    /// The weight of a criterion; 0 leaves it out.
    pub fn get(&self, criterion: Criterion) -> f64 {
        self.values[criterion as usize]
    }

    /// The same weights with one of them changed.
    ///
    /// # Errors
    /// `ErrorKind::Usage` unless the weight lies in 0..=1 000 000, or where the law of the original
    /// does not know the criterion.
    pub fn with(mut self, criterion: Criterion, weight: f64) -> Result<Weights> {
        let unknown = matches!(criterion, Criterion::Key | Criterion::Timbre);
        if self.law == Law::Original && unknown && weight != 0.0 {
            return Err(Error::new(ErrorKind::Usage, format!("no weight for `{criterion}`"))
                .because("the order of the original knows neither keys nor timbre")
                .hint("leave this weight out, or order by the default law"));
        }
        if !(0.0..=1e6).contains(&weight) {
            return Err(Error::new(ErrorKind::Usage, format!("weight {weight} of `{criterion}`"))
                .because("a weight is a number from 0 (not looked at) to 1000000")
                .hint(format!(
                    "{criterion} counts {} by default",
                    Weights::default().get(criterion)
                )));
        }
        self.values[criterion as usize] = weight;
        Ok(self)
    }
}

/// Weights for mixing local files, with [`Law::Dj`].
///
/// - tempo 1000: a difference that stretching cannot bridge costs the whole transition; nothing
///   else does. It saturates early (8 %), so among bridgeable pairs it decides less than it seems.
/// - key 400, timbre 300: during a transition both songs sound together, so a clash is heard for
///   its whole length. Timbre is worth less because strangers already lie close (0.7 of 1).
/// - energy 300: as in the original; it keeps the evening from lurching.
/// - spread 400: enough to prefer any other song of like tempo and key; keeping artists apart
///   over several songs is the task of [`Spacing`](super::Spacing), so the 999 of the original,
///   which drowned all but tempo, is not needed.
/// - genre 100, danceability 100: tags of files are more reliable than those of uploads, but free
///   text all the same.
/// - tag 20: folder names and comments: a hint.
/// - loudness 20: it is evened out before playing; what is left of it is a hint at mastering.
/// - length 5: as in the original, where it hardly counts; only its unit is mended to seconds.
impl Default for Weights {
    fn default() -> Self {
        let values = [20.0, 1000.0, 5.0, 400.0, 100.0, 100.0, 300.0, 20.0, 400.0, 300.0];
        Weights { law: Law::Dj, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_criterion_stands_at_its_own_place_and_is_found_by_its_name() {
        for (place, criterion) in Criterion::ALL.into_iter().enumerate() {
            assert_eq!(criterion as usize, place);
            assert_eq!(criterion.name().parse::<Criterion>().unwrap(), criterion);
        }
        assert_eq!("Tempo!".parse::<Criterion>().unwrap_err().kind(), ErrorKind::Usage);
    }

    #[test]
    fn weights_that_make_no_sense_are_refused() {
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e7] {
            let refused = Weights::default().with(Criterion::Key, bad);
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Usage);
        }
        let changed = Weights::default().with(Criterion::Key, 0.0).unwrap();
        assert_eq!((changed.get(Criterion::Key), changed.get(Criterion::Tempo)), (0.0, 1000.0));
        assert!(Weights::original().with(Criterion::Key, 1.0).is_err());
    }
}
