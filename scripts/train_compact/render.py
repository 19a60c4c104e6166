#!/usr/bin/env python3
"""Renders training pieces: four stems at one tempo, as int16 [stem, channel, frame] in .npy.

  render.py PACK FOLDER FIRST COUNT [--held]

Piece N depends on N alone (and on whether it is held), so that any number of processes can share
the work. Stems are those of common.STEMS; a stem may be silent.
"""

import argparse
import random
import time
import traceback
from pathlib import Path

import numpy as np

import synths
from common import LENGTH, SECONDS, STEMS, decibels, stereo
from drums import drums
from effects import effects, pumped
from notes import Song
from sounds import Sounds
from styles import STYLES
from voices import voices

LOUD = 0.1
PRESETS = dict(
    bass=[32, 33, 33, 34, 34, 35, 36, 36, 37, 37, 38, 39, 43, 58],
    chords=[
        0,
        1,
        2,
        4,
        5,
        6,
        7,
        7,
        16,
        17,
        18,
        19,
        21,
        24,
        25,
        25,
        26,
        27,
        28,
        28,
        11,
        22,
        105,
        106,
        15,
        46,
    ],
    pad=[48, 49, 50, 51, 52, 53, 54, 88, 89, 90, 91, 92, 93, 94, 95, 19, 44, 61, 62, 63],
    lead=[
        40,
        41,
        42,
        56,
        57,
        59,
        60,
        64,
        65,
        66,
        67,
        68,
        71,
        73,
        75,
        79,
        80,
        81,
        82,
        83,
        84,
        85,
        86,
        87,
        26,
        27,
        29,
        30,
        22,
        0,
        11,
        104,
        109,
        110,
        72,
        74,
        76,
        77,
        78,
    ],
    arpeggio=[
        0,
        4,
        5,
        8,
        9,
        10,
        11,
        12,
        13,
        14,
        24,
        45,
        46,
        81,
        80,
        98,
        99,
        100,
        107,
        108,
        25,
        6,
        7,
        96,
        97,
        101,
        102,
        103,
    ],
    guitar=[29, 30, 30, 29, 27, 28],
    hits=[55, 61, 62, 56, 56, 45, 28, 7, 63],
)
SYNTHETIC = dict(bass=0.3, pad=0.35, lead=0.3, arpeggio=0.4, chords=0.2, guitar=0, hits=0.2)
CHANCES = dict(chords=0.6, pad=0.35, lead=0.35, arpeggio=0.3, guitar=0.35, hits=0.2, extra=0.25)
LEVELS = dict(pad=-4, extra=-5, hits=-2)


def extra(sounds, rng, song):
    """Recorded guitars and one-shots, and sounds without notes."""
    ways = [kind for kind in ("guitar", "guitar", "strum", "tonal", "tonal") if sounds.names(kind)]
    way = rng.choice([*ways, "riser", "crackle", "wind"])
    if way == "guitar":
        part = stereo(sounds.part(rng.choice(sounds.names("guitar")), SECONDS, rng))
        return np.pad(part, ((0, LENGTH - len(part)), (0, 0)))
    if way in ("strum", "tonal"):
        return synths.repeated(sounds, way, rng, song.beat)
    return getattr(synths, way)(rng, song.beat)


def part(sounds, rng, song, role):
    if role == "extra":
        return extra(sounds, rng, song)
    notes = song.notes(role)
    if role == "bass" and rng.random() < 0.25:
        return synths.sub_bass(notes, rng)
    if rng.random() < SYNTHETIC[role]:
        return synths.Synth(rng).play(notes)
    font = rng.choice(sounds.tuned_fonts())
    return font.play(notes, rng.choice(PRESETS[role]), rng)


def level(x):
    return np.sqrt((x**2).mean()) + 1e-7


def at_level(x):
    """At one loudness, without clipping; silence where there was almost none."""
    x = x - x.mean(0)
    if not np.isfinite(x).all() or level(x) < 1e-5:
        return np.zeros((LENGTH, 2), np.float32)
    x = x / level(x) * LOUD
    return x * min(1, 0.98 / np.abs(x).max())


def rest(sounds, rng, song):
    roles = [role for role, chance in CHANCES.items() if rng.random() < chance]
    if rng.random() < 0.3:
        roles = [rng.choice(list(CHANCES))]
    out = np.zeros((LENGTH, 2), np.float32)
    for role in roles or ["chords"]:
        sound = effects(part(sounds, rng, song, role), rng, role)
        if np.isfinite(sound).all() and level(sound) > 1e-5:
            out += sound / level(sound) * decibels(LEVELS.get(role, 0) + rng.gauss(0, 4))
    return out


def piece(sounds, number):
    rng = random.Random(f"{'held' if sounds.held else 'train'} {number}")
    style = rng.choice(list(STYLES))
    tempo = rng.uniform(*STYLES[style][0])
    beaten, kicks = drums(sounds, rng, style, tempo)
    song = Song(rng, tempo, kicks)
    silence = np.zeros((LENGTH, 2), np.float32)
    stems = dict(drums=beaten, bass=silence, voice=silence)
    if rng.random() < 0.8:
        stems["bass"] = effects(part(sounds, rng, song, "bass"), rng, "bass")
    if rng.random() < 0.6:
        stems["voice"] = effects(voices(sounds, rng, song), rng, "voice")
    stems["rest"] = rest(sounds, rng, song)
    if rng.random() < 0.12:
        for name in ("bass", "rest"):
            stems[name] = pumped(stems[name], rng, tempo)
    return np.stack([(at_level(stems[name]).T * 32_767).astype(np.int16) for name in STEMS])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--held", action="store_true")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    sounds = Sounds(args.pack, args.held)
    began = time.monotonic()
    for number in range(args.first, args.first + args.count):
        path = args.folder / f"p{number:05d}.npy"
        if path.exists():
            continue
        try:
            np.save(path.with_suffix(".part.npy"), piece(sounds, number))
            path.with_suffix(".part.npy").rename(path)
        except (ValueError, IndexError):
            traceback.print_exc()
        if number % 20 == 0:
            print(
                number,
                f"{(time.monotonic() - began) / (number - args.first + 1):.2f} s a piece",
                flush=True,
            )


if __name__ == "__main__":
    main()
