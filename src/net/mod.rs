//! Sockets, deadlines, and how many of them there may be.

mod conn;
mod listen;

pub use conn::{Conn, Held};
pub use listen::{NetLimits, bind, raise_descriptors, serve};
