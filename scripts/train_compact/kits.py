"""Drum kits: recorded one-shots, soundfonts and synthesised hits, put together anew each time."""

import numpy as np
import scipy.signal

from common import RATE, decay, decibels, high_pass, low_pass, noise_source, speed, stereo
from sounds import KINDS, LONGEST, PERCUSSION_KEYS

LEVELS = dict(
    kick=0,
    snare=-1,
    rim=-4,
    clap=-4,
    hat=-12,
    open=-12,
    tom=-3,
    crash=-8,
    ride=-12,
    splash=-10,
    perc=-10,
)
CYMBALS = ("hat", "open", "ride", "crash", "splash")
RING = dict(
    hat=(0.012, 0.06), open=(0.12, 0.4), ride=(0.3, 0.7), crash=(0.5, 1.1), splash=(0.2, 0.5)
)


def falling_tone(low, sweep, seconds, t):
    return np.sin(2 * np.pi * np.cumsum(low + sweep * np.exp(-t / seconds)) / RATE)


def synthetic_kick(t, noise, rng):
    tone = falling_tone(rng.uniform(36, 70), rng.uniform(60, 600), rng.uniform(0.008, 0.06), t)
    body = tone * decay(len(t), rng.uniform(0.06, 0.45))
    click = rng.uniform(0, 0.5) * high_pass(noise, rng.uniform(800, 4000)) * decay(len(t), 0.003)
    return np.tanh((body + click) * rng.uniform(0.7, 5))


def synthetic_snare(t, noise, rng):
    pitch = rng.uniform(150, 280)
    body = falling_tone(pitch, 0.5 * pitch, 0.02, t) * decay(len(t), rng.uniform(0.03, 0.12))
    rattle = high_pass(noise, rng.uniform(500, 2500)) * decay(len(t), rng.uniform(0.05, 0.22))
    return rng.uniform(0.3, 1) * body + rng.uniform(0.4, 1) * rattle


def synthetic_block(t, noise, rng):
    pitch, ratio = rng.uniform(350, 2500), rng.uniform(0.3, 3.7)
    bend = rng.uniform(0, 4) * decay(len(t), 0.02) * np.sin(2 * np.pi * pitch * ratio * t)
    tone = np.sin(2 * np.pi * pitch * t + bend) * decay(len(t), rng.uniform(0.01, 0.1))
    return tone + rng.uniform(0, 0.6) * high_pass(noise, 3000) * decay(len(t), 0.02)


def synthetic_clap(t, noise, rng):
    bursts = sum(np.where(t >= d, np.exp(-(t - d) / 0.006), 0) for d in (0, 0.011, 0.022, 0.03))
    tail = np.where(t > 0.03, np.exp(-(t - 0.03) / rng.uniform(0.04, 0.15)), 0)
    band = [rng.uniform(500, 1000) / 22_050, rng.uniform(2500, 9000) / 22_050]
    sections = scipy.signal.butter(2, band, "band", output="sos")
    return scipy.signal.sosfilt(sections, noise) * (bursts + 0.6 * tail)


def synthetic_cymbal(kind, t, noise, rng):
    pitch = rng.uniform(250, 600)
    ratios = (1, 1.342, 1.2312, 1.6532, 1.9523, 2.1523)
    metal = sum(np.sign(np.sin(2 * np.pi * pitch * r * t)) for r in ratios) / 6
    mixed = rng.uniform(0, 1) * metal + rng.uniform(0.3, 1) * noise
    mixed = high_pass(mixed.astype(np.float32), rng.uniform(3500, 9000), 3)
    return mixed * decay(len(t), rng.uniform(*RING[kind]))


def synthetic_tom(t, noise, rng):
    pitch = rng.uniform(70, 260)
    tone = falling_tone(pitch, pitch * rng.uniform(0.2, 1), 0.04, t)
    skin = 0.2 * low_pass(noise, 1500) * decay(len(t), 0.03)
    return tone * decay(len(t), rng.uniform(0.1, 0.35)) + skin


def synthetic(kind, rng):
    count = int(LONGEST[kind] * RATE)
    t = np.arange(count) / RATE
    noise = noise_source(rng).standard_normal(count).astype(np.float32)
    makers = dict(kick=synthetic_kick, snare=synthetic_snare, clap=synthetic_clap)
    makers |= dict(rim=synthetic_block, perc=synthetic_block, tom=synthetic_tom)
    if kind in CYMBALS:
        hit = synthetic_cymbal(kind, t, noise, rng)
    else:
        hit = makers[kind](t, noise, rng)
    hit = np.asarray(hit, np.float32)
    hit[-600:] *= np.linspace(1, 0, 600)
    return stereo(hit / (np.abs(hit).max() + 1e-9) * 0.9)


def from_font(font, kit, kind, rng):
    keys = PERCUSSION_KEYS[kind]
    if kind != "tom":
        keys = rng.sample(keys, min(3 if kind == "perc" else 1, len(keys)))
    instruments = []
    for key in keys:
        layers = [font.hit(kit, key, velocity, LONGEST[kind]) for velocity in (70, 120)]
        if np.abs(layers[-1]).max() > 1e-3:
            instruments.append([x / (np.abs(x).max() + 1e-4) * 0.9 for x in layers])
    return instruments


class Kit:
    """Instruments of each kind, with their loudness. `hint` says what fits a style."""

    def __init__(self, sounds, rng, hint):
        self.sounds, self.rng = sounds, rng
        weights = [2, 2, 4, 6] if "E" in hint else [5, 3, 4, 2]
        self.way = rng.choices(["single", "font", "mixed", "synthetic"], weights)[0]
        if hint == "J":
            self.way = rng.choice(["single", "font"])
        self.base = rng.choice(list(sounds.kits))
        self.font = rng.choice(sounds.fonts)
        self.preset = rng.choice(self.font.kits)
        self.instruments = {kind: self.treated(kind, self.choose(kind)) for kind in KINDS}
        self.gains = {kind: decibels(LEVELS[kind] + rng.gauss(0, 3.5)) for kind in KINDS}
        self.gains["kick"] *= decibels(rng.gauss(0, 2))

    def choose(self, kind):
        rng, way = self.rng, self.way
        if way == "mixed":
            way = rng.choice(["pool", "pool", "font", "synthetic"])
        if way == "single":
            if found := self.sounds.instruments(self.base, kind):
                return rng.sample(found, min(len(found), 4 if kind in ("tom", "perc") else 2))
            way = rng.choice(["pool", "font"])
        if way == "pool" and (pool := self.sounds.pool(kind)):
            picks = rng.sample(pool, min(len(pool), 4 if kind in ("tom", "perc") else 2))
            paths = [self.sounds.kits[kit][kind][i] for kit, i in picks]
            return [[stereo(self.sounds.read(p)) for p in layers] for layers in paths]
        found = []
        if way == "font":
            found = from_font(self.font, self.preset, kind, rng)
        return found or [[synthetic(kind, rng)] for _ in range(3 if kind in ("tom", "perc") else 1)]

    def treated(self, kind, instruments):
        """The same tuning, length and, but for toms and percussion, place for all of a kind."""
        rng = self.rng
        tuning = 2 ** (rng.gauss(0, 1.5) / 12)
        shorter = rng.choice([None, None, None, rng.uniform(0.05, 0.4)])
        wide = rng.uniform(-0.6, 0.6) if kind in (*CYMBALS, "perc") else rng.uniform(-0.1, 0.1)
        treated = []
        for layers in instruments:
            pan = rng.uniform(-0.7, 0.7) if kind in ("tom", "perc") else wide
            place = np.array([min(1, 1 - pan), min(1, 1 + pan)], np.float32)
            layers = [speed(x, tuning) for x in layers]
            if shorter:
                layers = [x * decay(len(x), shorter)[:, None] for x in layers]
            treated.append([x * place for x in layers])
        return treated

    def hit(self, kind, which, strength):
        layers = self.instruments[kind][which % len(self.instruments[kind])]
        return layers[min(len(layers) - 1, int(strength * len(layers)))]
