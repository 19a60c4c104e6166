"""Voices: spoken words as rhythm, half of them put on a sung line, with hiss left in."""

import numpy as np
import scipy.signal

from common import LENGTH, RATE, SECONDS, decibels, high_pass, low_pass, noise_source, speed
from effects import compressed

WINDOW, HOP = 1024, 256
SMOOTH = np.ones(9) / 9


def spectrum(x):
    return scipy.signal.stft(x, RATE, nperseg=WINDOW, noverlap=WINDOW - HOP)[2]


def smoothed(magnitudes):
    return scipy.signal.convolve2d(magnitudes, SMOOTH[:, None], "same")


def pitch_line(notes, rng):
    """The hertz of a line at each frame, gliding from note to note, with vibrato."""
    hertz = np.zeros(LENGTH, np.float32)
    for start, _, pitch, _ in notes:
        hertz[int(start * RATE) :] = 440 * 2 ** ((pitch - 69) / 12)
    first = hertz[hertz > 0][0] if (hertz > 0).any() else 220
    hertz = low_pass(np.where(hertz == 0, first, hertz), rng.uniform(6, 30), 1).clip(60)
    wave = np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * np.arange(LENGTH) / RATE)
    return hertz * (1 + rng.uniform(0, 0.02) * wave)


def sung(voice, notes, rng):
    """The envelope of the voice on a tone that follows the notes; what hisses stays as it was."""
    tone = (2 * (np.cumsum(pitch_line(notes, rng)) / RATE % 1) - 1).astype(np.float32)
    said, tone = spectrum(voice), spectrum(tone)
    shape = smoothed(np.abs(said))
    low, high = ((np.abs(said[a:b]) ** 2).sum(0) for a, b in ((3, 60), (90, None)))
    voiced = 1 / (1 + 4 * (high / (low + 1e-9)) ** 2)
    phases = np.exp(2j * np.pi * noise_source(rng).random(said.shape))
    breath = rng.uniform(0, 0.15) * shape * phases
    mixed = 1.5 * shape * tone / (smoothed(np.abs(tone)) + 1e-5) * voiced
    mixed = mixed + said * (1 - voiced) + breath
    return scipy.signal.istft(mixed, RATE, nperseg=WINDOW, noverlap=WINDOW - HOP)[1][
        :LENGTH
    ].astype(np.float32)


def line(sounds, rng, song):
    ratio = 2 ** rng.uniform(-0.4, 0.35)
    said = sounds.part(rng.choice(sounds.names("voice")), SECONDS * ratio + 0.1, rng).mean(1)
    said = speed(said, ratio)[:LENGTH]
    said = np.pad(said, (0, LENGTH - len(said)))
    if rng.random() < 0.5:
        for _ in range(rng.randrange(1, 5)):
            start = rng.randrange(LENGTH)
            said[start : start + int(rng.uniform(0.5, 2.5) * RATE)] = 0
    if rng.random() < 0.65:
        said = sung(said, song.notes("lead"), rng)
    return np.pad(said, (0, LENGTH - len(said)))


def voices(sounds, rng, song):
    out = np.zeros((LENGTH, 2), np.float32)
    singers = rng.choice([1, 1, 1, 2, 3])
    for _ in range(singers):
        pan = rng.uniform(-0.2, 0.2) if singers == 1 else rng.uniform(-0.8, 0.8)
        place = np.array([min(1, 1 - pan), min(1, 1 + pan)], np.float32)
        out += line(sounds, rng, song)[:, None] * place
    if rng.random() < 0.6:
        out = compressed(out, rng)
    if rng.random() < 0.5:
        # A bright microphone: the hiss of words is what a drum separator takes for hats.
        out = out + decibels(-rng.uniform(-4, 6)) * high_pass(out, rng.uniform(3000, 7000), 1)
    return out
