//! The two ways to order songs.

use serde::{Deserialize, Serialize};

/// How songs are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ordering {
    /// As they were given.
    Given,
    /// On the tour where each suits the one before.
    #[default]
    Tour,
}
