//! A spectrogram of any length through a network made for thirty seconds.

use super::Logits;
use super::mel::BANDS;
use crate::base::Result;

/// Columns the network hears at a time.
const CHUNK: usize = 1_500;
/// Columns at either end of a chunk whose answers are not used.
const BORDER: usize = 6;
/// Answers a chunk is good for.
const INSIDE: usize = CHUNK - 2 * BORDER;

/// The network: the columns of a chunk, side by side, become one pair of logits each.
pub type Ask<'a> = dyn Fn(Vec<f32>) -> Result<Logits> + 'a;

/// Columns not yet heard, and the answers so far. Holds one chunk, however long the song.
pub struct Chunks {
    /// Columns from `first` on, side by side.
    columns: Vec<f32>,
    /// Number of the first column held.
    first: usize,
    logits: Logits,
}

impl Chunks {
    /// Nothing yet.
    pub fn new() -> Self {
        Chunks { columns: Vec::new(), first: 0, logits: Logits::default() }
    }

    /// Takes the next column.
    pub fn push(&mut self, column: &[f32; BANDS]) {
        self.columns.extend_from_slice(column);
    }

    fn heard(&self) -> usize {
        self.first + self.columns.len() / BANDS
    }

    /// Answers for whole chunks, as soon as they are certain not to be the last.
    ///
    /// # Errors
    /// As the network.
    pub fn work(&mut self, network: &Ask<'_>) -> Result<()> {
        while self.heard() >= self.logits.beat.len() + INSIDE + BORDER {
            self.whole(network)?;
            // What the last chunk may reach back to stays.
            let keep = self.logits.beat.len().saturating_sub(CHUNK);
            self.columns.drain(..(keep - self.first) * BANDS);
            self.first = keep;
        }
        Ok(())
    }

    fn whole(&mut self, network: &Ask<'_>) -> Result<()> {
        let from = self.logits.beat.len();
        let answer = self.ask(network, from, from + INSIDE)?;
        self.take(answer, 0);
        Ok(())
    }

    /// Answers for what is left. The last chunk ends where the song ends, however much of it was
    /// answered before: it shall not be short.
    ///
    /// # Errors
    /// As the network.
    pub fn finish(&mut self, network: &Ask<'_>) -> Result<Logits> {
        let all = self.heard();
        while all - self.logits.beat.len() > INSIDE {
            self.whole(network)?;
        }
        let (from, done) = (all.saturating_sub(INSIDE), self.logits.beat.len());
        if done < all {
            let answer = self.ask(network, from, all)?;
            self.take(answer, done - from);
        }
        Ok(std::mem::take(&mut self.logits))
    }

    /// The network's answers for columns `from..to`, heard with their surroundings; beyond the ends
    /// of the song there are columns of zeros.
    fn ask(&self, network: &Ask<'_>, from: usize, to: usize) -> Result<Logits> {
        let (before, after) = (from.saturating_sub(BORDER), (to + BORDER).min(self.heard()));
        let mut chunk = vec![0.0; (before + BORDER - from) * BANDS];
        chunk.extend(&self.columns[(before - self.first) * BANDS..(after - self.first) * BANDS]);
        chunk.resize((to - from + 2 * BORDER) * BANDS, 0.0);
        let mut answer = network(chunk)?;
        for logits in [&mut answer.beat, &mut answer.downbeat] {
            logits.truncate(BORDER + to - from);
            logits.drain(..BORDER);
        }
        Ok(answer)
    }

    fn take(&mut self, answer: Logits, from: usize) {
        self.logits.beat.extend(&answer.beat[from..]);
        self.logits.downbeat.extend(&answer.downbeat[from..]);
    }
}
