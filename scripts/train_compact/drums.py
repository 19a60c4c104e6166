"""A drum stem: a style's bars played on a kit, with fills, sections, swing and a bus."""

import numpy as np

from common import LENGTH, RATE, SECONDS, high_pass, low_pass, speed, stereo
from effects import compressed
from kits import Kit
from styles import STYLES

STRENGTHS = dict(X=1.0, x=0.75, g=0.3, o=0.8, C=0.95, R=0.8, r=0.7)


def bar_hits(rng, rows, fill, on_ride, open_chance):
    """(step, kind, strength) of the hits of a bar."""
    steps = len(rows[0])
    cut = steps - steps // rng.choice([2, 4, 4]) if fill else steps
    hits = []
    for row, usual in zip(rows, ("kick", "snare", "hat")):
        for step, mark in enumerate(row):
            if mark == "." or (mark == "?" and rng.random() > 0.35):
                continue
            if step >= cut and usual != "kick":
                continue
            mark = "x" if mark == "?" else mark
            kind = dict(C="clap", R="rim", o="open", r="ride").get(mark, usual)
            if kind == "hat" and on_ride:
                kind = "ride"
            if kind == "hat" and rng.random() < open_chance:
                kind = "open"
            hits.append((step, kind, STRENGTHS[mark]))
            if mark == "C" and rng.random() < 0.4:
                hits.append((step, "snare", 0.9))
    for step in range(cut, steps):
        if rng.random() < 0.8:
            hits.append((step, rng.choice(["snare", "tom", "tom"]), rng.uniform(0.6, 1)))
    return hits


def percussion(rng, steps):
    """Bars that repeat on percussion or toms: (kind, which, [(step, strength)])."""
    lines = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        dense = rng.choice([0.25, 0.5, 1])
        hits = [(step, 0.35 + 0.6 * rng.random()) for step in range(steps) if rng.random() < dense]
        lines.append((rng.choice(["perc", "perc", "perc", "tom"]), rng.randrange(8), hits))
    return lines


def score(rng, style, tempo, patterns, rows):
    """All hits of the stem: (seconds, kind, strength, which)."""
    steps = len(rows[0])
    bar = 60 / tempo * (3 if style == "waltz" else 4)
    step_time = bar / steps
    swing = rng.choice([0, 0, 0, rng.uniform(0.05, 0.33)]) if steps == 16 else 0
    on_ride, open_chance = rng.random() < 0.25, rng.choice([0, 0.03, 0.1])
    section = rng.choice([2, 4, 4, 8])
    lines = []
    if rng.random() < 0.35 or rows[3] in ("KP", "T"):
        lines = percussion(rng, steps)
    usual, hits = rows, []
    for number in range(int(SECONDS / bar) + 1):
        start = number * bar
        if number % section == 0:
            rows = rng.choice(patterns) if rng.random() < 0.3 else usual
            on_ride ^= rng.random() < 0.3
            if number and rng.random() < 0.6:
                hits.append((start, "crash", rng.uniform(0.7, 1), 0))
        if rng.random() < 0.04:
            continue
        fill = number % section == section - 1 and rng.random() < 0.5
        for step, kind, strength in bar_hits(rng, rows[:3], fill, on_ride, open_chance):
            late = swing * step_time if step % 2 else 0
            when = start + step * step_time + late
            which = rng.randrange(8) if kind == "tom" else int(rng.random() < 0.05)
            hits.append((when, kind, strength, which))
            if kind == "hat" and style == "trap" and rng.random() < 0.12:
                parts = rng.choice([2, 3, 4])
                hits += [
                    (when + r * step_time / parts, kind, strength * 0.8, which)
                    for r in range(1, parts)
                ]
            if kind == "snare" and strength > 0.7 and rng.random() < 0.03:
                hits.append((when - 0.03, "snare", 0.3, which))
        for kind, which, line in lines:
            hits += [(start + step * step_time, kind, strength, which) for step, strength in line]
    return sorted(hits)


def played(rng, kit, hits):
    out = np.zeros((LENGTH + 4 * RATE, 2), np.float32)
    loose, curve = rng.choice([0, 0.002, 0.005, 0.01]), rng.uniform(0.8, 1.6)
    for i, (when, kind, strength, which) in enumerate(hits):
        when += rng.gauss(0, loose)
        strength = min(1, max(0.05, strength * (1 + rng.gauss(0, 0.1))))
        if not 0 <= when < SECONDS:
            continue
        sound = kit.hit(kind, which, strength)
        length = len(sound)
        if kind == "open":
            # The next stroke closes the hat.
            after = [h[0] for h in hits[i + 1 : i + 12] if h[1] in ("hat", "open")]
            after = [t for t in after if t > when + 0.02]
            length = min(length, int((after[0] - when) * RATE) + 400) if after else length
        start = int(when * RATE)
        part = sound[:length] * (kit.gains[kind] * strength**curve)
        if length < len(sound) and length > 400:
            part[-400:] *= np.linspace(1, 0, 400, dtype=np.float32)[:, None]
        out[start : start + len(part)] += part
    return out[:LENGTH]


def loop(rng, sounds):
    sound = stereo(sounds.read(rng.choice(sounds.names("loop"))))
    sound = speed(sound, 2 ** rng.uniform(-0.4, 0.4))
    return np.tile(sound, (LENGTH // len(sound) + 1, 1))[:LENGTH].copy()


def bus(rng, x):
    """What is done to all drums at once: squeezing, driving, rarely a filter."""
    x = x / (np.abs(x).max() + 1e-6)
    if rng.random() < 0.45:
        x = compressed(x, rng)
    if rng.random() < 0.35:
        x = np.tanh(x * rng.uniform(1, 6) / (np.abs(x).max() + 1e-6))
    if rng.random() < 0.08:
        x = low_pass(x, rng.uniform(1500, 9000))
    if rng.random() < 0.04:
        x = high_pass(x, rng.uniform(150, 800))
    return x


def drums(sounds, rng, style, tempo):
    """A drum stem and the times of its kicks."""
    _, patterns = STYLES[style]
    rows = rng.choice(patterns)
    if sounds.names("loop") and rng.random() < 0.07:
        return bus(rng, loop(rng, sounds)), []
    kit = Kit(sounds, rng, rows[3])
    hits = score(rng, style, tempo, patterns, rows)
    kicks = [when for when, kind, *_ in hits if kind == "kick"]
    return bus(rng, played(rng, kit, hits)), kicks
