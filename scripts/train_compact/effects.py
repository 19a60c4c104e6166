"""Effects on a stem: squeezing, driving, doubling, echo, tremolo, width and place."""

import numpy as np

from common import LENGTH, RATE, decibels, high_pass, low_pass


def compressed(x, rng):
    power = low_pass((x**2).mean(1), rng.uniform(4, 30), 1).clip(1e-9)
    level = np.sqrt(power)
    threshold = level.max() * decibels(-rng.uniform(6, 18))
    gain = np.where(level > threshold, (threshold / level) ** rng.uniform(0.3, 0.85), 1)
    return x * gain.astype(np.float32)[:, None]


def distorted(x, rng):
    x = np.tanh(x * rng.choice([2, 5, 15, 40]))
    return low_pass(high_pass(x, rng.uniform(60, 150)), rng.uniform(3500, 8000), 4)


def doubled(x, rng):
    """Left and right a few milliseconds apart, as two takes of one part are."""
    shift = int(rng.uniform(0.005, 0.025) * RATE)
    return np.stack([x[:, 0], np.roll(x[:, 1], shift)], 1)


def chorus(x, rng):
    wave = np.sin(2 * np.pi * rng.uniform(0.1, 3) * np.arange(LENGTH) / RATE)
    delay = (rng.uniform(0.002, 0.02) + 0.003 * wave) * RATE
    places = np.clip(np.arange(LENGTH) - delay, 0, LENGTH - 1).astype(int)
    return 0.6 * x + 0.5 * x[places][:, ::-1]


def echo(x, rng):
    delay, gain = int(rng.uniform(0.08, 0.5) * RATE), rng.uniform(0.2, 0.6)
    out = x.copy()
    for k in (1, 2, 3):
        late = x[: -delay * k]
        out[delay * k :] += gain**k * (late if k % 2 == 0 else late[:, ::-1])
    return out


def tremolo(x, rng):
    wave = np.sin(2 * np.pi * rng.uniform(2, 8) * np.arange(LENGTH) / RATE)
    wave = 0.5 * np.sign(wave) if rng.random() < 0.3 else wave
    return x * (1 + rng.uniform(0.2, 0.9) * wave)[:, None]


def effects(x, rng, role):
    x = x / (np.abs(x).max() + 1e-6)
    if role == "guitar" or rng.random() < 0.08:
        x = distorted(x, rng)
    if rng.random() < (0.4 if role == "guitar" else 0.12):
        x = doubled(x, rng)
    way = rng.random()
    if way < 0.15:
        x = chorus(x, rng)
    elif way < 0.3:
        x = echo(x, rng)
    elif way < 0.38:
        x = tremolo(x, rng)
    elif way < 0.45:
        x = low_pass(x, rng.uniform(400, 5000))
    if rng.random() < 0.25:
        x = compressed(x, rng)
    width = rng.choice([0, 0.3, 0.6, 1, 1, 1.4, 1.8])
    middle = x.mean(1, keepdims=True)
    x = middle + width * (x - middle)
    pan = rng.choice([rng.uniform(-0.3, 0.3), rng.uniform(-0.95, 0.95)])
    pan *= role not in ("bass", "voice")
    return (x * np.array([min(1, 1 - pan), min(1, 1 + pan)])).astype(np.float32)


def pumped(x, rng, tempo):
    """Ducked at every beat, as a side chain does."""
    beat = 60 / tempo
    phase = (np.arange(LENGTH) / RATE / beat) % 1
    duck = 1 - rng.uniform(0.3, 0.95) * np.exp(-phase / rng.uniform(0.08, 0.35))
    return x * duck.astype(np.float32)[:, None]
