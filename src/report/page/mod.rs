//! What the pages about mixes and remixes have in common: one file each, readable in light and in
//! dark, on paper and on a phone, with eyes and without, and nothing in it from anywhere else.

mod html;
mod lines;
mod strips;
mod style;

pub use html::{Column, badge, count, facts, figure, list, page, signed, table, words};
pub use lines::{simplified, within};
pub use strips::{LEFT, RIGHT, Strip, WIDTH, clock, strips};

#[cfg(test)]
pub mod check;
