//! The settings of `forever stream`.

use serde::{Deserialize, Serialize};

/// The settings of `forever stream`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StreamSettings {
    /// Where listeners connect.
    pub bind: String,
    /// Formats: `mp3`, `mp3:192`, `mp3:V2`, `opus`, `opus:96`, `flac`.
    pub formats: Vec<String>,
    /// Icecast servers to feed: `http://source:PASSWORD@HOST:PORT/MOUNT.mp3`.
    pub icecast: Vec<String>,
    /// What the stream is called.
    pub name: String,
    /// A line below the name.
    pub tagline: String,
    /// Most listeners at a time.
    pub listeners: usize,
    /// Most listeners from one address.
    pub per_address: usize,
    /// Seconds of sound made ahead.
    pub lead: f64,
    /// Seconds of sound a new listener gets at once.
    pub burst: f64,
    /// Bytes between titles inside MP3.
    pub metaint: usize,
    /// What those in charge must show; empty: nobody is.
    pub token: String,
}

impl Default for StreamSettings {
    fn default() -> Self {
        StreamSettings {
            bind: "127.0.0.1:8192".to_string(),
            formats: vec!["mp3".to_string(), "opus".to_string()],
            icecast: Vec::new(),
            name: "Evermix".to_string(),
            tagline: "A mix without end".to_string(),
            listeners: 250,
            per_address: 32,
            lead: 35.0,
            burst: 4.0,
            metaint: 8_192,
            token: String::new(),
        }
    }
}
