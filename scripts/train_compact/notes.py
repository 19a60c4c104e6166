"""What the other instruments play: (start, seconds, pitch, strength) of each note of a role."""

from common import SECONDS

SCALES = [
    [0, 2, 4, 5, 7, 9, 11],
    [0, 2, 3, 5, 7, 8, 10],
    [0, 2, 3, 5, 7, 9, 10],
    [0, 2, 4, 5, 7, 9, 10],
    [0, 3, 5, 6, 7, 10, 12],
    [0, 2, 3, 5, 7, 8, 11],
]
PROGRESSIONS = [
    [0, 4, 5, 3],
    [0, 5, 3, 4],
    [5, 3, 0, 4],
    [0, 3, 4, 3],
    [1, 4, 0, 0],
    [0, 0, 3, 4],
    [0, 6, 5, 4],
    [0, 0, 0, 0],
    [0, 2, 3, 4],
    [3, 4, 2, 5],
]


class Song:
    """Key, scale, chords and tempo that the instruments of a piece share."""

    def __init__(self, rng, tempo, kicks):
        self.rng, self.beat, self.kicks = rng, 60 / tempo, kicks
        self.root, self.scale = rng.randrange(48, 60), rng.choice(SCALES)
        self.chords = rng.choice(PROGRESSIONS)
        self.bar = 4 * self.beat
        self.bars = int(SECONDS / self.bar) + 1

    def degree(self, root, number):
        octave, step = divmod(number, len(self.scale))
        return root + 12 * octave + self.scale[step]

    def chord(self, root, number, notes=3):
        return [self.degree(root, number + 2 * k) for k in range(notes)]

    def notes(self, role):
        line = dict(
            bass=self.bass,
            chords=self.comping,
            guitar=self.riffs,
            pad=self.pads,
            arpeggio=self.arpeggio,
            lead=self.melody,
            hits=self.comping,
        )[role]()
        loose = self.rng.choice([0, 0.003, 0.008])
        return [
            (max(0, start + self.rng.gauss(0, loose)), length, int(max(20, min(108, pitch))), v)
            for start, length, pitch, v in line
            if start < SECONDS
        ]

    def bass(self):
        rng, beat = self.rng, self.beat
        way = rng.choice(
            ["eighths", "kick", "kick", "walk", "off", "long", "octaves", "cells", "slap"]
        )
        low = 28 + (self.root - 28) % 12
        cells = [rng.random() < 0.5 for _ in range(16)]
        notes = []
        for bar in range(self.bars):
            start, number = bar * self.bar, self.chords[bar % len(self.chords)]
            pitch = self.degree(low, number)
            if way == "kick" and self.kicks:
                for when in (k for k in self.kicks if start <= k < start + self.bar):
                    length = rng.uniform(0.5, 1.5) * beat / 2
                    notes.append((when, length, pitch + rng.choice([0, 0, 0, 12, 7]), 0.9))
                continue
            if way == "long":
                notes.append((start, self.bar * 0.95, pitch, 0.9))
                continue
            sixteenths = way in ("cells", "slap")
            step = beat / (4 if sixteenths else 2)
            for s in range(16 if sixteenths else 8):
                if (way == "walk" and s % 2) or (way == "off" and s % 2 == 0):
                    continue
                if sixteenths and not cells[s]:
                    continue
                note = pitch + (12 if way == "octaves" and s % 2 else 0)
                if way == "walk":
                    note = self.degree(low, number + rng.choice([0, 2, 4, 1, -1, 3]))
                if sixteenths:
                    note = pitch + rng.choice([0, 0, 0, 7, 12, 10])
                length = step * rng.uniform(0.4, 0.98) * (2 if way == "walk" else 1)
                notes.append((start + s * step, length, note, rng.uniform(0.7, 1)))
        return notes

    def comping(self):
        rng, beat = self.rng, self.beat
        way = rng.choice(["quarters", "off", "eighths", "whole", "cells", "strum"])
        cells = [rng.random() < 0.4 for _ in range(16)]
        root, size = 48 + (self.root - 48) % 12, rng.choice([3, 3, 4])
        strokes = dict(
            quarters=range(0, 16, 4),
            off=range(2, 16, 4),
            eighths=range(0, 16, 2),
            whole=[0],
            cells=[s for s in range(16) if cells[s]],
            strum=[0, 4, 6, 10, 12, 14],
        )[way]
        length = dict(quarters=0.9, off=0.4, eighths=0.45, whole=3.9, cells=0.35, strum=0.8)[way]
        notes = []
        for bar in range(self.bars):
            chord = self.chord(root, self.chords[bar % len(self.chords)], size)
            for s in strokes:
                start, strength = bar * self.bar + s * beat / 4, rng.uniform(0.6, 1)
                spread = rng.uniform(0, 0.012) if way == "strum" else 0
                long = length * beat * rng.uniform(0.6, 1.1)
                notes += [(start + k * spread, long, p, strength) for k, p in enumerate(chord)]
        return notes

    def riffs(self):
        """Power chords and single low notes of a guitar."""
        rng, beat = self.rng, self.beat
        way = rng.choice(["eighths", "gallop", "cells", "whole"])
        cells = [rng.random() < 0.45 for _ in range(16)]
        root = 36 + rng.choice([4, 2, 0]) + self.root % 8
        single = rng.random() < 0.4
        notes = []
        for bar in range(self.bars):
            low = self.degree(root, self.chords[bar % len(self.chords)])
            chord = [low] if single else [low, low + 7, low + 12]
            for s in range(16):
                if not dict(eighths=s % 2 == 0, gallop=s % 4 != 1, cells=cells[s], whole=s == 0)[
                    way
                ]:
                    continue
                length = dict(eighths=0.45, gallop=0.2, cells=rng.uniform(0.15, 0.6), whole=3.9)[
                    way
                ]
                start, strength = bar * self.bar + s * beat / 4, rng.uniform(0.6, 1)
                notes += [(start, length * beat, pitch, strength) for pitch in chord]
        return notes

    def pads(self):
        root = 48 + (self.root - 48) % 12
        return [
            (bar * self.bar, self.bar * 1.02, pitch, self.rng.uniform(0.5, 0.8))
            for bar in range(self.bars)
            for pitch in self.chord(
                root, self.chords[bar % len(self.chords)], self.rng.choice([3, 4, 5])
            )
        ]

    def arpeggio(self):
        rng = self.rng
        root = 60 + (self.root - 60) % 12 + rng.choice([-12, 0, 0, 12])
        step, gate = self.beat / rng.choice([2, 3, 4, 4]), rng.uniform(0.2, 1)
        order = rng.sample(range(6), rng.choice([3, 4, 6]))
        notes = []
        for k in range(int(SECONDS / step)):
            number = self.chords[int(k * step / self.bar) % len(self.chords)]
            if rng.random() < 0.93:
                pitch = self.degree(root, number + 2 * order[k % len(order)] % 12)
                notes.append((k * step, step * gate, pitch, rng.uniform(0.5, 1)))
        return notes

    def melody(self):
        rng = self.rng
        root = 60 + (self.root - 60) % 12 + rng.choice([-12, 0, 0, 12])
        start, number, dense = 0.0, rng.randrange(7), rng.choice([0.6, 1, 1, 1.6])
        notes = []
        while start < SECONDS:
            length = rng.choice([0.25, 0.5, 0.5, 0.5, 1, 1, 1.5, 2]) * self.beat / dense
            if rng.random() < 0.82:
                long = length * rng.uniform(0.4, 1.05)
                notes.append((start, long, self.degree(root, number), rng.uniform(0.6, 1)))
            number += rng.choice([-2, -1, -1, 0, 1, 1, 2, 3, -3])
            number, start = max(-3, min(11, number)), start + length
        return notes
