//! A song cut into overlapping segments, and what was found in them joined again.

use super::config::CHANNELS;

/// Share of a segment that the next one covers again.
pub const OVERLAP: f64 = 0.25;

/// A segment to be taken apart.
pub struct Segment {
    /// What the network hears, as long as it wants.
    pub mix: [Vec<f32>; CHANNELS],
    /// Where in that the frames lie that count, and how many they are.
    lead: usize,
    frames: usize,
}

/// Cuts segments from a song and overlap-adds what comes of them.
///
/// Segments begin every three quarters of their length. They fade in and out in straight lines;
/// the sum is divided by the sum of the weights. A segment that the song does not fill is heard in
/// the middle of its window, after the song's frames before it and before silence.
pub struct Chunks {
    segment: usize,
    stride: usize,
    /// How much each frame of a segment counts: most in the middle, where it is 1.
    fade: Vec<f32>,
    /// The song from frame `from` on.
    mix: [Vec<f32>; CHANNELS],
    from: usize,
    /// Frames fed so far.
    fed: usize,
    /// Where the next segment begins.
    next: usize,
    /// Weighted sums, one a plane, and weights, from the first frame not given out yet.
    sums: Vec<Vec<f32>>,
    weights: Vec<f32>,
    given: usize,
}

impl Chunks {
    /// For segments of so many frames in which so many planes are found.
    pub fn new(segment: usize, planes: usize) -> Self {
        Chunks {
            segment,
            stride: ((1.0 - OVERLAP) * segment as f64) as usize,
            fade: triangle(segment),
            mix: Default::default(),
            from: 0,
            fed: 0,
            next: 0,
            sums: vec![Vec::new(); planes],
            weights: Vec::new(),
            given: 0,
        }
    }

    /// Feeds frames.
    pub fn push(&mut self, block: [&[f32]; CHANNELS]) {
        for (mix, block) in self.mix.iter_mut().zip(block) {
            mix.extend_from_slice(block);
        }
        self.fed += block[0].len();
    }

    /// The next whole segment, once the song has reached its end; with `last`, the next segment
    /// that has any frame of the song at all.
    pub fn next(&mut self, last: bool) -> Option<Segment> {
        let left = self.fed - self.next.min(self.fed);
        if left == 0 || left < self.segment && !last {
            return None;
        }
        let frames = left.min(self.segment);
        let lead = (self.segment - frames) / 2;
        let mix = self.mix.each_ref().map(|mix| {
            let mut heard = vec![0.0; self.segment];
            // Where the song begins only after the window does, there is silence before it.
            let before = lead.min(self.next);
            let song = &mix[self.next - before - self.from..];
            let song = &song[..song.len().min(self.segment - (lead - before))];
            heard[lead - before..][..song.len()].copy_from_slice(song);
            heard
        });
        Some(Segment { mix, lead, frames })
    }

    /// Takes what was found in the segment given last, and appends the frames that are ready.
    pub fn add(&mut self, segment: &Segment, found: &[Vec<f32>], out: &mut [Vec<f32>]) {
        let start = self.next - self.given;
        let end = start + segment.frames;
        self.weights.resize(end.max(self.weights.len()), 0.0);
        for (sum, weight) in self.weights[start..end].iter_mut().zip(&self.fade) {
            *sum += weight;
        }
        for (sum, found) in self.sums.iter_mut().zip(found) {
            sum.resize(self.weights.len(), 0.0);
            let found = &found[segment.lead..][..segment.frames];
            for ((sum, x), weight) in sum[start..end].iter_mut().zip(found).zip(&self.fade) {
                *sum += weight * x;
            }
        }
        self.next += self.stride;
        self.give(self.next.min(self.fed) - self.given, out);
        self.forget();
    }

    fn give(&mut self, frames: usize, out: &mut [Vec<f32>]) {
        for (sum, out) in self.sums.iter_mut().zip(out) {
            out.extend(sum.iter().zip(&self.weights).take(frames).map(|(x, w)| x / w));
            sum.drain(..frames);
        }
        self.weights.drain(..frames);
        self.given += frames;
    }

    /// Forgets what no segment will hear: half a segment before the next one may still be heard.
    fn forget(&mut self) {
        let keep = self.next.min(self.fed).saturating_sub(self.segment / 2 + 1);
        for mix in &mut self.mix {
            mix.drain(..keep - self.from);
        }
        self.from = keep;
    }

    /// Forgets the song.
    pub fn reset(&mut self) {
        *self = Chunks::new(self.segment, self.sums.len());
    }
}

/// Straight up to 1 in the middle, and down.
fn triangle(segment: usize) -> Vec<f32> {
    let half = segment / 2;
    let peak = (segment - half) as f32;
    (1..=half).chain((1..=segment - half).rev()).map(|x| x as f32 / peak).collect()
}
