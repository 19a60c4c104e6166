"""Mixes drawn anew at every step: crops of stems with rooms, equalisers, places and loudness.

All of a batch at once, on whatever device the pieces lie. A mix is the sum of slots, each with the
stem of one piece: its drums, and up to four others, of the same piece or of any.
"""

import math

import numpy as np
import torch

from common import LENGTH, RATE

FRAMES = 432
CROP = FRAMES * 512
ROOM = 22_000
# The next size above crop and room that is quick to transform.
FFT = 245_760
DRUMS, BASS, VOICE, REST = range(4)
SLOTS = [DRUMS, BASS, VOICE, REST, REST]
EXTRA = 4
# How far from the middle the stems of a slot are put.
SPREAD = [0.08, 0.08, 0.15, 0.35, 0.35]
POINTS = 8


def decibels(x):
    return 10 ** (x / 20)


def level(x):
    """The level of [.., channel, frame], kept as [.., 1, 1]."""
    return x.square().mean((-2, -1), keepdim=True).sqrt()


class Bank:
    """Rendered pieces, int16, on the device."""

    def __init__(self, room, device):
        self.stems = torch.zeros(room, 4, 2, LENGTH, dtype=torch.int16, device=device)
        self.files = []

    def take(self, files):
        """Takes in the pieces that were not here before, while there is room."""
        for file in sorted(set(files) - set(self.files))[: len(self.stems) - len(self.files)]:
            self.stems[len(self.files)].copy_(torch.from_numpy(np.load(file)))
            # Only now may it be drawn.
            self.files.append(file)


class Draws:
    """Random numbers of one batch, of its items and slots."""

    def __init__(self, seed, device):
        self.generator = torch.Generator(device).manual_seed(seed)
        self.device = device

    def uniform(self, low, high, *shape):
        x = torch.rand(shape, generator=self.generator, device=self.device)
        return low + (high - low) * x

    def normal(self, *shape):
        return torch.randn(shape, generator=self.generator, device=self.device)

    def chance(self, share, *shape):
        return torch.rand(shape, generator=self.generator, device=self.device) < share

    def below(self, end, *shape):
        return torch.randint(end, shape, generator=self.generator, device=self.device)


class Mixer:
    def __init__(self, bank, seed):
        self.bank, self.seed, self.device = bank, seed, bank.stems.device
        self.hertz = torch.fft.rfftfreq(FFT, 1 / RATE, device=self.device)
        octaves = (self.hertz.clamp_min(20) / 20).log2() / math.log2(22_050 / 20)
        self.points = (octaves * (POINTS - 1)).clamp(0, POINTS - 1.001)
        self.spread = torch.tensor(SPREAD, device=self.device)
        self.kinds = torch.tensor(SLOTS, device=self.device)

    def batch(self, step, size):
        """[item, mix or drums, channel, frame], the same for the same pieces, seed and step."""
        draws = Draws(self.seed * 10**6 + step, self.device)
        drums, other = self.kind_of_mix(draws, size)
        stems = self.stems(draws, size)
        present = level(stems) > 1e-4
        stems = self.treated(draws, stems) * present
        found = stems[:, 0] / level(stems[:, 0]).clamp_min(0.03) * 0.1 * drums
        rest = stems[:, 1:] / level(stems[:, 1:]).clamp_min(0.02) * 0.1
        rest = (
            rest * decibels(4 * draws.normal(size, len(SLOTS) - 1, 1, 1)) * self.heard(draws, size)
        )
        rest = rest.sum(1)
        rest = rest / level(rest).clamp_min(0.02) * 0.1 * other
        rest = rest * decibels(draws.uniform(-6, 19, size, 1, 1))
        return self.mastered(draws, torch.stack([found + rest, found], 1), size)

    def kind_of_mix(self, draws, size):
        """Whether there are drums, and whether there is anything else."""
        kind = draws.uniform(0, 1, size, 1, 1)
        return (kind < 0.94).float(), ((kind < 0.91) | (kind >= 0.94)).float()

    def heard(self, draws, size):
        """Which others there are."""
        heard = draws.uniform(0, 1, size, 4) < torch.tensor(
            [0.8, 0.55, 0.9, 0.3], device=self.device
        )
        heard[:, -1] |= ~heard.any(1)
        return heard[:, :, None, None]

    def stems(self, draws, size):
        """A crop for each slot, [item, slot, channel, frame]: half of the time as played together."""
        slots, pieces = len(SLOTS), len(self.bank.files)
        alone = ~draws.chance(0.55, size, 1).expand(size, slots).clone()
        alone[:, 0], alone[:, EXTRA] = True, True
        piece, where = draws.below(pieces, size, slots), draws.uniform(0, 1, size, slots)
        bend = torch.where(torch.arange(slots, device=self.device) == 0, 0.3, 0.5)
        ratio = 2 ** (draws.uniform(-1, 1, size, slots) * bend)
        ratio = torch.where(draws.chance(0.62, size, slots), 1.0, ratio)
        piece, where, ratio = (torch.where(alone, x, x[:, :1]) for x in (piece, where, ratio))
        return self.crops(piece, where, ratio)

    def crops(self, piece, where, ratio):
        start = (where * (LENGTH - 2 - CROP * ratio)).double()
        places = (
            start[..., None] + torch.arange(CROP, device=self.device) * ratio[..., None].double()
        )
        left = places.long()
        part = (places - left).float()[:, :, None]
        stem = (piece * 4 + self.kinds)[..., None] * 2
        flat = self.bank.stems.view(-1)
        channels = []
        for channel in range(2):
            index = (stem + channel) * LENGTH + left
            channels.append(torch.stack([flat[index], flat[index + 1]]).float())
        before, after = torch.stack(channels, 3) / 32_768
        return before + (after - before) * part

    def treated(self, draws, stems):
        """Rooms, equalisers, bass shelves, and a place in the stereo image."""
        size, slots = stems.shape[:2]
        gains = 1 + self.rooms(draws, size, slots) * draws.chance(0.4, size, slots, 1, 1)
        gains = gains * self.equaliser(draws, 3, size, slots)[:, :, None]
        gains = gains * self.shelf(draws, size, slots)[:, :, None]
        return self.placed(draws, self.filtered(stems, gains))

    def filtered(self, x, gains):
        return torch.fft.irfft(torch.fft.rfft(x, FFT) * gains, FFT)[..., :CROP]

    def rooms(self, draws, size, slots):
        """Spectra of reverberations, one for each channel, to be added to the dry sound."""
        t = torch.arange(ROOM, device=self.device) / RATE
        tail = draws.normal(size, slots, 2, ROOM)
        tail *= (-6.9 * t / draws.uniform(0.08, 0.7, size, slots, 1, 1)).exp()
        tail *= t > draws.uniform(0, 0.025, size, slots, 1, 1)
        tail = torch.where(draws.chance(0.2, size, slots, 1, 1), tail[:, :, :1], tail)
        loud = decibels(draws.uniform(-24, -5, size, slots, 1, 1))
        return torch.fft.rfft(
            tail * loud / (tail.square().sum(-1, keepdim=True) + 1e-9).sqrt(), FFT
        )

    def equaliser(self, draws, spread, *shape):
        """Gains that wander from one to the next of eight points, an octave or so apart."""
        gains = spread * draws.normal(*shape, POINTS)
        left = self.points.long()
        return decibels(torch.lerp(gains[..., left], gains[..., left + 1], self.points - left))

    def shelf(self, draws, size, slots):
        """The bass of drums up or down, the bass of others up."""
        first = torch.arange(slots, device=self.device)[:, None] == 0
        gain = torch.where(
            first, draws.uniform(-8, 6, size, slots, 1), draws.uniform(0, 10, size, slots, 1)
        )
        gain = gain * (draws.uniform(0, 1, size, slots, 1) < torch.where(first, 0.3, 0.4))
        return decibels(gain / (1 + (self.hertz / draws.uniform(70, 250, size, slots, 1)) ** 4))

    def placed(self, draws, x):
        """Another width, side and balance."""
        size, slots = x.shape[:2]
        x = torch.where(draws.chance(0.5, size, slots, 1, 1), x, x.flip(2))
        middle = x.mean(2, keepdim=True)
        width = draws.uniform(0.6, 1.3, size, slots, 1, 1) * ~draws.chance(0.15, size, slots, 1, 1)
        pan = (draws.normal(size, slots) * self.spread).clamp(-0.95, 0.95)
        balance = torch.stack([1 - pan.clamp_min(0), 1 + pan.clamp_max(0)], 2)[..., None]
        sign = 1 - 2 * draws.chance(0.5, size, slots, 1, 1).float()
        return (middle + width * (x - middle)) * balance * sign

    def squeezed(self, draws, both, size):
        """The gain of a mastering compressor, found on the mix, on both."""
        blocks = both[:, 0].square().mean(1).view(size, 1, FRAMES, 512).mean(3).sqrt() + 1e-6
        smooth = torch.nn.functional.avg_pool1d(blocks, 9, 1, 4)
        threshold = smooth.amax(2, keepdim=True) * decibels(-draws.uniform(4, 14, size, 1, 1))
        gain = (threshold / smooth).clamp_max(1) ** draws.uniform(0.2, 0.7, size, 1, 1)
        gain = torch.nn.functional.interpolate(gain, CROP, mode="linear", align_corners=False)
        return torch.where(draws.chance(0.35, size, 1, 1, 1), both * gain[:, :, None], both)

    def mastered(self, draws, both, size):
        """Compressed, in mono now and then, at any loudness, and with the end that codecs leave."""
        both = self.squeezed(draws, both, size)
        mono = draws.chance(0.1, size, 1, 1, 1)
        both = torch.where(mono, both.mean(2, keepdim=True), both)
        loud = decibels(draws.uniform(-28, -12, size, 1, 1)) / level(both[:, 0]).clamp_min(1e-3)
        end = draws.uniform(9000, 18_000, size, 1)
        treble = 1 / (1 + (self.hertz / end) ** 24).sqrt()
        treble = torch.where(draws.chance(0.25, size, 1), treble, 1.0)
        gains = self.equaliser(draws, 1.5, size) * treble
        return self.filtered(both * loud[:, None], gains[:, None, None])
