//! Sockets, deadlines, and how many of them there may be.

mod client;
mod conn;
mod line;
mod listen;

pub use client::{Answer, Url, request};
pub use conn::{Conn, Held};
pub use line::Flow;
pub use listen::{NetLimits, bind, raise_descriptors, serve};
