//! The order of songs: how well one follows another, and the tour through all of them.
//!
//! [`SongFacts`] say what is known of each song, and what is unknown. [`cull`] drops the songs that
//! do not belong into a mix, [`Comparison`] weighs every pair by up to ten criteria ([`Weights`]),
//! [`CostMatrix`] holds the result, [`find_tour`] looks for the cheapest way through it and
//! [`Spacing`] keeps the songs of one artist apart. [`arrange`] does all of it but the culling.
//! Nothing here reads a file or a clock, and the same seed gives the same order.

mod arrange;
mod compare;
mod costs;
mod criteria;
mod cull;
mod energy;
mod follow;
mod likeness;
mod song;
mod spacing;
mod tour;

pub use arrange::{Arrangement, OrderOptions, arrange};
pub use compare::{Comparison, CostBreakdown, Term, compare};
pub use costs::{CostMatrix, MAX_SONGS};
pub use criteria::{Criterion, Law, Weights};
pub use cull::{CullRules, Culled, DropReason, cull, cull_with, same_recordings};
pub use energy::{EnergyCurve, agreement, energy_places};
pub use follow::{Wanted, follow};
pub use likeness::likeness;
pub use song::{JoinSound, SongFacts};
pub use spacing::{Conflict, Repair, Spacing};
pub use tour::{
    Shape, Tour, default_effort, find_tour, improve, reverse_section, rotate_after, tour_length,
};
