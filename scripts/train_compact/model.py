"""The network of models/compact.md: a learned harmonic-percussive separation.

Eleven local cues of each bin go through one tiny network that is the same for all bins; a second
network, which sees bands at half the frame rate and a second and a half to either side, sets its
gains, biases and weights. The outcome is a real mask, tilted towards one channel where the channels
differ. The same in numpy alone, to be read: scripts/reference/compact.py. In the program:
src/separation/compact.
"""

import torch
import torch.nn.functional as F
from torch import nn

N_FFT, HOP, BINS = 2048, 512, 1025
WIDTHS = [1] * 10 + [2] * 5 + [3] * 4 + [4] * 4 + [8] * 4 + [16] * 4 + [32] * 6 + [64] * 4
WIDTHS += [96] * 3 + [145]
BANDS = len(WIDTHS)
POWER, EPS, FLOOR = 0.3, 1e-10, 0.02
CHANNELS, HIDDEN, TOLD, MIXED, UNITS, CUES, FEATURES = 80, 160, 6, 256, 24, 11, 9
DILATIONS = [1, 2, 4, 8, 16, 32, 2, 1]
CONFIG = dict(
    n_fft=N_FFT, hop=HOP, widths=WIDTHS, channels=CHANNELS, hidden=HIDDEN, told=TOLD, mixed=MIXED,
    units=UNITS, cues=CUES, features=FEATURES, dilations=DILATIONS, power=POWER, eps=EPS,
    floor=FLOOR,
)  # fmt: skip
# A gain and a bias for each unit, a weight for each cue, an offset and a tilt between the channels.
STEERS = 2 * UNITS + CUES + 2
# The signs of a separation by median filters: it starts as one.
FIRST_WEIGHTS = [0.0, -1.5, 1.5, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def running_mean(x, width, axis):
    """Means over centred windows, over what there is at the ends."""
    reach, count = width // 2, x.shape[axis]
    sums = torch.cumsum(x, axis)
    sums = torch.cat([torch.zeros_like(sums.narrow(axis, 0, 1)), sums], axis)
    places = torch.arange(count, device=x.device)
    low, high = (places - reach).clamp_min(0), (places + reach + 1).clamp_max(count)
    shape = [1] * x.dim()
    shape[axis] = count
    return (sums.index_select(axis, high) - sums.index_select(axis, low)) / (high - low).view(shape)


def running_max(x, width, axis):
    """Maxima over centred windows that end with the values."""
    pad = [0] * (2 * x.dim())
    place = 2 * (x.dim() - 1 - axis)
    pad[place] = pad[place + 1] = width // 2
    x, seen = F.pad(x, pad, value=float("-inf")), 1
    while seen < width:
        step = min(seen, width - seen)
        count = x.shape[axis] - step
        x = torch.maximum(x.narrow(axis, 0, count), x.narrow(axis, step, count))
        seen += step
    return x


def opening(x, width, axis):
    return running_max(-running_max(-x, width, axis), width, axis)


def log_scale(x):
    return 2 * torch.log(x + FLOOR)


def later(x):
    """The same one window later."""
    return torch.cat([torch.zeros_like(x[..., :1]), x[..., :-1]], -1)


def surprise(spectra, way):
    """The power of what a steady tone, going on from two windows before or after, does not explain.

    Each partial keeps its magnitude and turns by the same angle from window to window (Bello et al.
    2004, "On the use of phase and energy for musical onset detection in the complex domain").
    """
    x = spectra if way > 0 else spectra.flip(-1)
    before = later(x)
    turn = before * later(before).conj()
    turn = turn / (turn.abs() + 1e-15)
    power = (x - before * turn).abs().square().mean(1)
    return (power if way > 0 else power.flip(-1)).transpose(1, 2)


class Block(nn.Module):
    def __init__(self, dilation):
        super().__init__()
        self.dilation = dilation
        self.n1, self.n2 = nn.LayerNorm(CHANNELS), nn.LayerNorm(CHANNELS)
        self.up, self.down = nn.Linear(3 * CHANNELS, HIDDEN), nn.Linear(HIDDEN, CHANNELS)
        self.pin, self.pout = nn.Linear(CHANNELS, TOLD), nn.Linear(TOLD, CHANNELS)
        self.b1, self.b2 = nn.Linear(BANDS * TOLD, MIXED), nn.Linear(MIXED, BANDS * TOLD)
        nn.init.normal_(self.down.weight, std=0.05)
        nn.init.normal_(self.pout.weight, std=0.1)

    def forward(self, x):
        """x: [batch, pair of frames, band, channel]"""
        batch, pairs, bands, _ = x.shape
        reach = self.dilation
        near = F.pad(self.n1(x), (0, 0, 0, 0, reach, reach))
        taps = [near[:, :pairs], near[:, reach : reach + pairs], near[:, 2 * reach :]]
        x = x + self.down(F.relu(self.up(torch.cat(taps, -1))))
        told = self.pin(self.n2(x)).reshape(batch, pairs, -1)
        mixed = self.b2(F.relu(self.b1(told))).reshape(batch, pairs, bands, -1)
        return x + self.pout(mixed)


class DrumMask(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(2 * FEATURES, CHANNELS)
        self.emb = nn.Parameter(torch.randn(BANDS, CHANNELS) * 0.3)
        self.blocks = nn.ModuleList([Block(dilation) for dilation in DILATIONS])
        self.nf, self.out = nn.LayerNorm(CHANNELS), nn.Linear(CHANNELS, 2 * STEERS)
        self.c1, self.c2 = nn.Linear(CUES, UNITS), nn.Linear(UNITS, 1)
        self.c0 = nn.Parameter(torch.tensor(FIRST_WEIGHTS))
        nn.init.normal_(self.out.weight, std=0.05)
        nn.init.zeros_(self.out.bias)
        for name, value in (("window", torch.hann_window(N_FFT)), *band_matrices()):
            self.register_buffer(name, value, persistent=False)

    def stft(self, x):
        """[batch, channel, frame] to spectra [batch, channel, bin, window]."""
        batch, channels, length = x.shape
        spectra = torch.stft(
            x.reshape(-1, length), N_FFT, HOP, window=self.window, center=True,
            pad_mode="constant", return_complex=True,
        )  # fmt: skip
        return spectra.view(batch, channels, BINS, -1) / (N_FFT / 4)

    def istft(self, spectra, length):
        batch, channels = spectra.shape[:2]
        flat = spectra.reshape(batch * channels, BINS, -1) * (N_FFT / 4)
        sound = torch.istft(flat, N_FFT, HOP, window=self.window, center=True, length=length)
        return sound.view(batch, channels, length)

    def cues(self, spectra, level=None):
        """The cues, each [batch, window, bin], and last the balance of the channels, -1 to 1.

        `level` is the mean loudness, if known.
        """
        parts = torch.view_as_real(spectra.transpose(2, 3))
        powers = parts.square().sum(-1)
        power = powers.mean(1)
        loud = (power + EPS).pow(POWER / 2)
        level = loud.mean((1, 2), keepdim=True) if level is None else level
        loud = loud / level
        side = (parts[:, 0] - parts[:, 1]).square().sum(-1) / (4 * power + EPS)
        new, ending = (
            log_scale((surprise(spectra, way) + EPS).pow(POWER / 2) / level) for way in (1, -1)
        )
        now = log_scale(loud)
        before = torch.cat([now[:, :1], now[:, :-1]], 1)
        return [
            now,
            log_scale(running_mean(loud, 17, 1)),
            log_scale(running_mean(loud, 17, 2)),
            log_scale(opening(loud, 9, 1)),
            log_scale(opening(loud, 9, 2)),
            now - before,
            log_scale(running_mean(loud, 65, 1)),
            log_scale(opening(loud, 25, 1)),
            2 * side,
            new,
            ending,
            (powers[:, 0] - powers[:, 1]) / (2 * power + EPS),
        ]

    def context(self, cues):
        """What steers the bins, of each window and band: [batch, window, band, steer]."""
        seen = [cues[0], cues[3], cues[4], cues[5].clamp_min(0), cues[8], cues[7], *cues[9:]]
        features = [cue @ self.average for cue in seen]
        # Which side is louder must not matter, only by how much.
        features = torch.stack([*features[:-1], features[-1].abs()], -1)
        batch, windows = features.shape[:2]
        if windows % 2:
            features = F.pad(features, (0, 0, 0, 0, 0, 1))
        pairs = (windows + 1) // 2
        features = features.view(batch, pairs, 2, BANDS, -1).transpose(2, 3)
        x = self.inp(features.reshape(batch, pairs, BANDS, -1)) + self.emb
        for block in self.blocks:
            x = block(x)
        said = self.out(self.nf(x)).view(batch, pairs, BANDS, 2, STEERS).transpose(2, 3)
        return said.reshape(batch, 2 * pairs, BANDS, STEERS)[:, :windows]

    def head(self, cues, balance, steers, spread):
        """The masks [batch, channel, window, bin] from cues [.., bin, cue], the balance [.., bin],
        steers and the bins' spread."""
        steers = spread @ steers
        gains, biases, weights, offset, tilt = steers.split([UNITS, UNITS, CUES, 1, 1], -1)
        units = self.c1(cues)
        units = F.relu(units + units * gains + biases)
        direct = (cues * (self.c0 + weights)).sum(-1)
        score = self.c2(units)[..., 0] + direct + offset[..., 0]
        tilt = tilt[..., 0] * balance
        return torch.sigmoid(torch.stack([score + tilt, score - tilt], 1))

    def mask(self, spectra, level=None):
        """The masks [batch, channel, bin, window]."""
        *cues, balance = self.cues(spectra, level)
        steers = self.context([*cues, balance])
        parts = [
            self.head(
                torch.stack([c[:, i : i + 64] for c in cues], -1),
                balance[:, i : i + 64],
                steers[:, i : i + 64],
                self.spread,
            )
            for i in range(0, steers.shape[1], 64)
        ]
        return torch.cat(parts, 2).transpose(2, 3)

    def forward(self, x):
        spectra = self.stft(x)
        return self.istft(spectra * self.mask(spectra), x.shape[-1])


def band_matrices():
    """From bins to the means of bands, and from bands to bins by straight lines."""
    edges = torch.tensor([0, *WIDTHS]).cumsum(0)
    average = torch.zeros(BINS, BANDS)
    for band, width in enumerate(WIDTHS):
        average[edges[band] : edges[band + 1], band] = 1 / width
    centres = (edges[:-1] + edges[1:] - 1) / 2
    spread = torch.zeros(BINS, BANDS)
    for index in range(BINS):
        after = int(torch.searchsorted(centres, torch.tensor(float(index))))
        if after in (0, BANDS):
            spread[index, min(after, BANDS - 1)] = 1
            continue
        part = (index - centres[after - 1]) / (centres[after] - centres[after - 1])
        spread[index, after], spread[index, after - 1] = part, 1 - part
    return ("average", average), ("spread", spread)
