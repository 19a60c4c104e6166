"""Synthesised tones for the notes of a role, and sounds without notes."""

import numpy as np

from common import LENGTH, RATE, SECONDS, high_pass, low_pass, noise_source, speed, stereo

MOST_NOTES = 600


class Synth:
    """One patch, drawn at random."""

    def __init__(self, rng):
        self.rng = rng
        self.kind = rng.choice(["saw", "square", "super", "fm", "fm", "sine", "pluck", "acid"])
        self.attack = rng.choice([0.001, 0.003, 0.01, 0.1])
        self.fall, self.hold = rng.uniform(0.05, 0.6), rng.uniform(0.1, 1)
        self.release = rng.uniform(0.01, 0.3)
        self.low, self.sweep, self.high = (
            rng.uniform(200, 1500),
            rng.uniform(0.03, 0.5),
            rng.uniform(1500, 12_000),
        )
        self.detune = [rng.uniform(-0.012, 0.012) for _ in range(5)]
        self.ratio, self.depth = rng.choice([1, 2, 3, 0.5, 1.41, 3.5, 7]), rng.uniform(0.5, 8)

    def wave(self, pitch, t):
        if self.kind in ("saw", "pluck", "acid"):
            return 2 * ((pitch * t) % 1) - 1
        if self.kind == "square":
            return np.where((pitch * t) % 1 < 0.3 + 0.2 * np.sin(3 * t), 1.0, -1.0)
        if self.kind == "super":
            return sum(2 * ((pitch * (1 + d) * t + d * 50) % 1) - 1 for d in self.detune) / 3
        bend = 0
        if self.kind == "fm":
            depth = self.depth * np.exp(-t / self.fall)
            bend = depth * np.sin(2 * np.pi * pitch * self.ratio * t)
        return np.sin(2 * np.pi * pitch * t + bend)

    def note(self, seconds, pitch, longest):
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        count = min(int((seconds + self.release) * RATE), longest, 4 * RATE)
        t = np.arange(count, dtype=np.float32) / RATE
        wave = self.wave(hertz, t).astype(np.float32)
        if self.kind not in ("sine", "fm"):
            bright = np.exp(-t / self.sweep)
            dark = low_pass(wave, max(self.low, hertz * 1.5))
            wave = bright * low_pass(wave, self.high) + (1 - bright) * dark
        shape = np.minimum(1, t / self.attack) * (
            self.hold + (1 - self.hold) * np.exp(-t / self.fall)
        )
        end = int(seconds * RATE)
        if end < count:
            shape[end:] *= np.exp(-(t[end:] - t[end]) / (self.release / 4))
        shape[-200:] *= np.linspace(1, 0, len(shape[-200:]))
        return wave * shape

    def play(self, notes):
        out = np.zeros((LENGTH + RATE, 2), np.float32)
        for start, seconds, pitch, strength in notes[:MOST_NOTES]:
            place = int(start * RATE)
            wave = self.note(seconds, pitch, len(out) - place - 1)
            pan = self.rng.uniform(-0.3, 0.3)
            out[place : place + len(wave)] += (wave * strength)[:, None] * np.array(
                [1 - pan, 1 + pan], np.float32
            )
        return out[:LENGTH]


def sub_bass(notes, rng):
    """Plain tones below 150 Hz, the hardest company a kick can have."""
    kind, drive = rng.choice(["sine", "driven", "buzz", "bend"]), rng.uniform(1.5, 5)
    fall, attack = rng.choice([0.15, 0.4, 1.0, 20.0]), rng.choice([0.002, 0.008, 0.03])
    out = np.zeros(LENGTH + RATE, np.float32)
    for start, seconds, pitch, strength in notes[:MOST_NOTES]:
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        hertz = hertz / 2 if hertz > 90 else hertz
        place = int(start * RATE)
        count = min(int(min(seconds, 4) * RATE), len(out) - place)
        t = np.arange(count) / RATE
        phase = 2 * np.pi * hertz * t
        if kind == "driven":
            wave = np.tanh(drive * np.sin(phase))
        elif kind == "buzz":
            wave = sum(np.sin(h * phase) / h**1.5 for h in range(1, 9))
        else:
            wave = np.sin(phase + (1.5 * np.exp(-t / 0.1) * np.sin(phase) if kind == "bend" else 0))
        shape = np.minimum(1, t / attack) * np.exp(-t / fall)
        shape *= np.minimum(1, (count - np.arange(count)) / 300)
        out[place : place + count] += wave * shape * strength
    return stereo(out[:LENGTH])


def riser(rng, beat):
    noise = noise_source(rng).standard_normal((LENGTH, 2)).astype(np.float32)
    period = int(beat * rng.choice([4, 8, 16]) * RATE)
    phase = (np.arange(LENGTH) % period) / period
    rise = (phase if rng.random() < 0.6 else 1 - phase)[:, None]
    dull = high_pass(low_pass(noise, rng.uniform(1500, 5000)), 300)
    return (dull * (1 - rise) + high_pass(noise, rng.uniform(2000, 6000)) * rise) * rise**2


def crackle(rng, _beat):
    random = noise_source(rng)
    out = 0.05 * low_pass(random.standard_normal((LENGTH, 2)).astype(np.float32), 6000)
    places = random.integers(0, LENGTH, rng.randrange(50, 900))
    out[places] += random.standard_normal((len(places), 2)) * random.random((len(places), 1))
    return low_pass(out, rng.uniform(4000, 14_000), 1)


def wind(rng, _beat):
    noise = noise_source(rng).standard_normal((LENGTH, 2)).astype(np.float32)
    wave = np.sin(2 * np.pi * np.arange(LENGTH) / RATE * rng.uniform(0.05, 0.5))
    return low_pass(noise, rng.uniform(300, 8000)) * (1 + 0.8 * wave)[:, None]


def repeated(sounds, kind, rng, beat):
    """A one-shot with a pitch, at a few pitches, over and over."""
    sound = stereo(sounds.read(rng.choice(sounds.names(kind))))
    steps = [0] if kind == "strum" else rng.sample([-12, -7, -5, -3, 0, 2, 3, 5, 7], 4)
    takes = [speed(sound, 2 ** (step / 12)) for step in steps]
    if kind == "strum":
        names = [rng.choice(sounds.names(kind)) for _ in range(6)]
        takes = [stereo(sounds.read(name)) for name in names]
    out, when = np.zeros((LENGTH, 2), np.float32), 0.0
    step = beat * rng.choice([0.5, 1, 1, 2, 4] if kind == "tonal" else [0.5, 1, 1, 2])
    while when < SECONDS:
        place, take = int(when * RATE), rng.choice(takes)
        end = min(LENGTH, place + len(take))
        out[place:end] += take[: end - place]
        when += step * rng.choice([1, 1, 2])
    return out
