//! A signal cut into overlapping windows and transformed, block by block.

use realfft::num_complex::Complex32;

use super::stft::Stft;

/// Samples beyond this are cut off, so that no power of a spectrum overflows.
pub const CEILING: f32 = 1e6;

/// Where the windows lie on the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Every frame of the signal lies under as many windows as any other.
    Even,
    /// Window `w` is centred on frame `w * hop`, and the last one still is centred on the signal:
    /// the custom of librosa and PyTorch.
    Centred,
}

impl Framing {
    /// Frames of silence put before the signal.
    pub fn lead(self, stft: &Stft) -> usize {
        match self {
            Framing::Even => stft.n_fft() - stft.hop(),
            Framing::Centred => stft.n_fft() / 2,
        }
    }

    /// Windows on a signal of so many frames.
    pub fn windows(self, stft: &Stft, frames: usize) -> usize {
        match self {
            _ if frames == 0 => 0,
            Framing::Even => (frames + self.lead(stft)).div_ceil(stft.hop()),
            Framing::Centred => frames / stft.hop() + 1,
        }
    }
}

/// Takes a signal in pieces of at most a hop and transforms every window once it is whole.
pub struct Windows {
    stft: Stft,
    framing: Framing,
    /// Of each channel, the frames not yet behind the next window.
    pending: Vec<Vec<f32>>,
    spectra: Vec<Vec<Complex32>>,
    done: usize,
    fed: usize,
}

impl Windows {
    /// Windows of `n_fft` frames, a multiple of four, on `channels` channels.
    pub fn new(n_fft: usize, channels: usize, framing: Framing) -> Self {
        let stft = Stft::new(n_fft);
        let mut windows = Windows {
            pending: vec![Vec::with_capacity(n_fft + stft.hop()); channels],
            spectra: vec![vec![Complex32::default(); stft.bins()]; channels],
            stft,
            framing,
            done: 0,
            fed: 0,
        };
        windows.reset();
        windows
    }

    /// The transform.
    pub fn stft(&mut self) -> &mut Stft {
        &mut self.stft
    }

    /// Where the windows lie.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Channels of the signal.
    pub fn channels(&self) -> usize {
        self.pending.len()
    }

    /// Frames taken so far.
    pub fn fed(&self) -> usize {
        self.fed
    }

    /// Spectra of the window that was completed last, one a channel.
    pub fn spectra(&mut self) -> &mut Vec<Vec<Complex32>> {
        &mut self.spectra
    }

    /// The pieces of `signal`, one slice a channel, that [`Windows::take`] takes. The shortest
    /// channel sets the length.
    pub fn pieces(
        &self,
        signal: &[&[f32]],
    ) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let frames = signal.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let hop = self.stft.hop();
        (0..frames).step_by(hop).map(move |start| start..frames.min(start + hop))
    }

    /// Takes a piece of the signal; true where it completes a window.
    ///
    /// A missing channel counts as silent.
    pub fn take(&mut self, signal: &[&[f32]], piece: std::ops::Range<usize>) -> bool {
        for (index, pending) in self.pending.iter_mut().enumerate() {
            match signal.get(index) {
                Some(x) => pending.extend(x[piece.clone()].iter().map(|x| tame(*x))),
                None => pending.extend(piece.clone().map(|_| 0.0)),
            }
        }
        self.fed += piece.len();
        let whole = self.done * self.stft.hop() + self.stft.n_fft();
        let complete = self.fed + self.framing.lead(&self.stft) >= whole;
        if complete {
            self.transform();
        }
        complete
    }

    /// Completes the next window with silence; false where the signal, which has ended, has no
    /// more.
    pub fn take_silence(&mut self) -> bool {
        if self.done >= self.framing.windows(&self.stft, self.fed) {
            return false;
        }
        let n_fft = self.stft.n_fft();
        for pending in &mut self.pending {
            pending.resize(n_fft.max(pending.len()), 0.0);
        }
        self.transform();
        true
    }

    /// Forgets the signal.
    pub fn reset(&mut self) {
        let lead = self.framing.lead(&self.stft);
        for pending in &mut self.pending {
            pending.clear();
            pending.resize(lead, 0.0);
        }
        (self.done, self.fed) = (0, 0);
    }

    fn transform(&mut self) {
        let (n_fft, hop) = (self.stft.n_fft(), self.stft.hop());
        for (pending, spectrum) in self.pending.iter_mut().zip(&mut self.spectra) {
            self.stft.forward(&pending[..n_fft], spectrum);
            pending.drain(..hop);
        }
        self.done += 1;
    }
}

/// Makes any number a sample: what is not finite becomes silence.
pub fn tame(x: f32) -> f32 {
    if x.is_finite() { x.clamp(-CEILING, CEILING) } else { 0.0 }
}
