"""Mixes drawn anew at every step: crops of stems with rooms, equalisers, places and loudness."""

import numpy as np
import scipy.fft

from common import LENGTH, RATE, decibels

FRAMES = 300
CROP = FRAMES * 512
ROOM = 22_000
FFT = scipy.fft.next_fast_len(CROP + ROOM, real=True)
HERTZ = np.fft.rfftfreq(FFT, 1 / RATE).astype(np.float32)
# Where each frequency lies between the eight points of an equaliser, an octave or so apart.
POINT = np.clip(np.log2(np.maximum(HERTZ, 20) / 20) / np.log2(22_050 / 20) * 7, 0, 6.999)
LEFT = POINT.astype(int)
PART = (POINT - LEFT).astype(np.float32)
DRUMS, BASS, VOICE, REST = range(4)
LOUDNESS = {BASS: (0, 4), VOICE: (0, 4), REST: (0, 4)}


def equaliser(rng, spread):
    gains = rng.normal(0, spread, 8).astype(np.float32)
    return decibels(gains[LEFT] * (1 - PART) + gains[LEFT + 1] * PART).astype(np.float32)


def shelf(gain, hertz):
    return decibels(gain / (1 + (HERTZ / hertz) ** 4)).astype(np.float32)


def treble(rng):
    """The end of the spectrum of a lossy file or an old recording."""
    return 1 / np.sqrt(1 + (HERTZ / rng.uniform(9000, 18_000)) ** 24)


def room(rng):
    """The spectrum of a reverberation, one for each channel, to be added to the dry sound."""
    t = np.arange(ROOM) / RATE
    tail = rng.standard_normal((2, ROOM), dtype=np.float32)
    tail *= np.exp(-6.9 * t / rng.uniform(0.08, 0.7)) * (t > rng.uniform(0, 0.025))
    if rng.random() < 0.2:
        tail[1] = tail[0]
    tail *= decibels(rng.uniform(-24, -5)) / np.sqrt((tail**2).sum(1, keepdims=True) + 1e-9)
    return scipy.fft.rfft(tail.astype(np.float32), FFT)


def place(x, rng, spread):
    """Another width, side and balance."""
    if rng.random() < 0.5:
        x = x[::-1]
    middle = x.mean(0, keepdims=True)
    width = 0 if rng.random() < 0.15 else rng.uniform(0.6, 1.3)
    pan = float(np.clip(rng.normal(0, spread), -0.95, 0.95))
    balance = np.array([[1 - max(pan, 0)], [1 + min(pan, 0)]], np.float32)
    return (middle + width * (x - middle)) * balance * rng.choice([-1, 1])


def squeezed(mix, drums, rng):
    """The gain of a mastering compressor, found on the mix, on both."""
    blocks = np.sqrt((mix**2).mean(0).reshape(-1, 512).mean(1)) + 1e-6
    smooth = np.convolve(blocks, np.ones(9) / 9, "same")
    threshold = smooth.max() * decibels(-rng.uniform(4, 14))
    gain = np.where(smooth > threshold, (threshold / smooth) ** rng.uniform(0.2, 0.7), 1)
    centres = np.arange(len(gain)) * 512 + 256
    gain = np.interp(np.arange(CROP), centres, gain).astype(np.float32)
    return mix * gain, drums * gain


def level(x):
    return float(np.sqrt(np.mean(x**2)))


class Mixer:
    """Draws (mix, drums) pairs from rendered pieces, which are read where they lie."""

    def __init__(self, seed):
        self.seed, self.files, self.pieces = seed, [], []

    def take(self, files):
        """Takes in pieces that were not here before."""
        for file in sorted(set(files) - set(self.files)):
            self.files.append(file)
            self.pieces.append(np.load(file, mmap_mode="r"))

    def crop(self, piece, stem, where, ratio):
        count = int(CROP * ratio) + 2
        start = int(where * (LENGTH - count))
        x = self.pieces[piece][stem, :, start : start + count].astype(np.float32) / 32_768
        if ratio == 1:
            return x[:, :CROP]
        places = np.arange(CROP) * ratio
        left = places.astype(int)
        part = (places - left).astype(np.float32)
        return x[:, left] * (1 - part) + x[:, left + 1] * part

    def source(self, rng, stem, piece, where, ratio):
        x = self.crop(piece, stem, where, ratio)
        if level(x) < 1e-4:
            return None
        spectrum = scipy.fft.rfft(x, FFT)
        if rng.random() < 0.4:
            spectrum = spectrum * (1 + room(rng))
        filters = equaliser(rng, 3)
        if rng.random() < (0.3 if stem == DRUMS else 0.4):
            gain = rng.uniform(-8, 6) if stem == DRUMS else rng.uniform(0, 10)
            filters = filters * shelf(gain, rng.uniform(70, 250))
        x = scipy.fft.irfft(spectrum * filters, FFT)[:, :CROP].astype(np.float32)
        spread = {DRUMS: 0.08, BASS: 0.08, VOICE: 0.15, REST: 0.35}[stem]
        return place(x, rng, spread)

    def others(self, rng, piece, where, ratio):
        """The sum of what is not drums: half of the time as it was played to them."""
        chances = {BASS: 0.8, VOICE: 0.55, REST: 0.9}
        together = rng.random() < 0.55
        stems = [stem for stem, chance in chances.items() if rng.random() < chance]
        stems += [REST] if rng.random() < 0.3 or not stems else []
        total = np.zeros((2, CROP), np.float32)
        for number, stem in enumerate(stems):
            if together and stem not in stems[:number]:
                x = self.source(rng, stem, piece, where, ratio)
            else:
                own = 1 if rng.random() < 0.6 else 2 ** rng.uniform(-0.5, 0.5)
                x = self.source(rng, stem, rng.integers(len(self.pieces)), rng.random(), own)
            if x is not None:
                total += x / max(0.02, level(x)) * 0.1 * decibels(rng.normal(0, 4))
        return total

    def item(self, rng):
        piece, where = rng.integers(len(self.pieces)), rng.random()
        ratio = 1 if rng.random() < 0.65 else 2 ** rng.uniform(-0.3, 0.3)
        kind = rng.choice(["both", "no drums", "drums"], p=[0.91, 0.06, 0.03])
        drums = np.zeros((2, CROP), np.float32)
        other = drums
        if kind != "no drums" and (x := self.source(rng, DRUMS, piece, where, ratio)) is not None:
            drums = x / max(0.03, level(x)) * 0.1
        if kind != "drums":
            other = self.others(rng, piece, where, ratio)
            other = other / max(0.02, level(other)) * 0.1 * decibels(rng.uniform(-5, 18))
        mix = drums + other
        if rng.random() < 0.35:
            mix, drums = squeezed(mix, drums, rng)
        if rng.random() < 0.1:
            mix, drums = (np.repeat(x.mean(0, keepdims=True), 2, 0) for x in (mix, drums))
        gain = decibels(rng.uniform(-28, -12)) / max(1e-3, level(mix))
        return self.mastered(np.stack([mix, drums]) * gain, rng)

    def mastered(self, both, rng):
        filters = equaliser(rng, 1.5)
        if rng.random() < 0.25:
            filters = filters * treble(rng)
        spectra = scipy.fft.rfft(both.astype(np.float32), FFT) * filters
        return scipy.fft.irfft(spectra, FFT)[..., :CROP].astype(np.float32)

    def batch(self, step, size):
        """[item, mix or drums, channel, frame], the same for the same pieces, seed and step."""
        rng = np.random.default_rng([self.seed, step])
        return np.stack([self.item(rng) for _ in range(size)])
