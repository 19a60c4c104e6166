"""What all parts share: the rate, the length of a piece and filters."""

import numpy as np
import scipy.signal

RATE = 44_100
SECONDS = 20
LENGTH = RATE * SECONDS
STEMS = ("drums", "bass", "voice", "rest")


def decibels(x):
    return 10 ** (x / 20)


def low_pass(x, cutoff, order=2):
    sections = scipy.signal.butter(order, min(cutoff, 20_000) / (RATE / 2), "low", output="sos")
    return scipy.signal.sosfilt(sections, x, axis=0).astype(np.float32)


def high_pass(x, cutoff, order=2):
    sections = scipy.signal.butter(order, min(cutoff, 20_000) / (RATE / 2), "high", output="sos")
    return scipy.signal.sosfilt(sections, x, axis=0).astype(np.float32)


def speed(x, ratio):
    """Resamples by straight lines; a ratio above 1 is faster and higher."""
    places = np.arange(int(len(x) / ratio)) * ratio
    if len(places) < 2:
        return x
    left = np.minimum(places.astype(int), len(x) - 2)
    part = places - left
    part = part[:, None] if x.ndim > 1 else part
    return (x[left] * (1 - part) + x[left + 1] * part).astype(np.float32)


def stereo(x):
    """Two columns, whatever came."""
    x = x[:, None] if x.ndim == 1 else x
    return np.repeat(x, 2, 1) if x.shape[1] == 1 else x[:, :2]


def decay(length, seconds):
    return np.exp(-np.arange(length) / (seconds * RATE)).astype(np.float32)


def noise_source(rng):
    """A numpy generator that follows from a `random.Random`."""
    return np.random.default_rng(rng.getrandbits(32))
