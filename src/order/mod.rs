//! The order of songs: how well one follows another, and the tour through all of them.
