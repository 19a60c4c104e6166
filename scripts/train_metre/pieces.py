#!/usr/bin/env python3
"""Makes pieces of music with exactly known beats and bars, to fit and to test the ears on.

  pieces.py FOLDER [--count 200] [--seed 1] [--seconds 45] --soundfont FILE [--soundfont FILE ...]

Each piece is composed anew: metre, style of the drums, bass, chords, melody, tempo and its drift,
swing, instruments and mix are drawn from the seed. FluidSynth renders them (Debian: fluidsynth,
fluid-soundfont-gm, timgm6mb-soundfont). FOLDER receives NAME.wav (22 050 Hz, 16 bit) and
NAME.beats (seconds, tab, position in the bar; in 6/8 and 12/8 the beat is the dotted quarter).
"""

import argparse
import random
import subprocess
from pathlib import Path

import mido

KICK, RIM, SNARE, CLAP, CLOSED, OPEN, RIDE, CRASH = 36, 37, 38, 39, 42, 46, 51, 49
TOM, COWBELL, SHAKER, CONGA, TAMB = 45, 56, 70, 63, 54

# Style: beats a bar, steps a beat, tempo range, then patterns by instrument. A pattern has one
# character a step: x hit, X accent, o soft, ? by chance; | only parts the beats for the eye.
STYLES = {
    "rock": (4, 4, (95, 165), {KICK: "X...|..x.|x.?.|....", SNARE: "....|X...|....|X..?", CLOSED: "x.x.|x.x.|x.x.|x.x."}),
    "rock16": (4, 4, (80, 125), {KICK: "X..x|..x.|?.x.|..?.", SNARE: "....|X..o|....|X...", CLOSED: "xoxo|xoxo|xoxo|xoxo"}),
    "pop": (4, 4, (85, 130), {KICK: "X...|....|x.x.|....", CLAP: "....|X...|....|X...", CLOSED: "x.x.|x.x.|x.x.|x.x.", SHAKER: "oooo|oooo|oooo|oooo"}),
    "house": (4, 4, (116, 132), {KICK: "X...|X...|X...|X...", CLAP: "....|x...|....|x...", OPEN: "..x.|..x.|..x.|..x.", SHAKER: "o?o?|o?o?|o?o?|o?o?"}),
    "techno": (4, 4, (125, 145), {KICK: "X...|X...|X...|X...", CLOSED: "..x.|..x.|..x.|..xx", RIM: "...?|..?.|...?|?..."}),
    "disco": (4, 4, (108, 128), {KICK: "X...|X...|X...|X...", SNARE: "....|X...|....|X...", OPEN: "..x.|..x.|..x.|..x.", CLOSED: "xx.x|xx.x|xx.x|xx.x"}),
    "funk": (4, 4, (88, 118), {KICK: "X..x|..?.|..x.|.x..", SNARE: "...o|X..o|.o.o|X.?.", CLOSED: "xxxx|xxxx|xxxx|xx.x", OPEN: "....|....|....|..x."}),
    "funk2": (4, 4, (92, 122), {KICK: "X.x.|...x|..x.|.?..", SNARE: "....|X.o.|.o.o|X..o", CLOSED: "x.x.|x.xx|x.x.|x.x."}),
    "hiphop": (4, 4, (75, 102), {KICK: "X..?|...x|.xx.|....", SNARE: "....|X...|....|X...", CLOSED: "x.x.|x.x.|x.xx|x.x."}),
    "reggae": (4, 4, (66, 88), {KICK: "....|....|X...|....", RIM: "....|....|X...|...?", CLOSED: "..x.|..x.|..x.|..x."}),
    "dnb": (4, 4, (160, 178), {KICK: "X...|....|..x.|....", SNARE: "....|X...|....|X...", CLOSED: "x.x.|x.x.|x.x.|x.x.", SHAKER: "o?o?|o?o?|o?o?|o?o?"}),
    "bossa": (4, 4, (110, 150), {KICK: "X..x|x..x|X..x|x..x", RIM: "x..x|..x.|..x.|.x..", CLOSED: "xxxx|xxxx|xxxx|xxxx"}),
    "samba": (4, 4, (90, 118), {KICK: "o..x|X..x|o..x|X..x", TAMB: "xoox|xoox|xoox|xoox", CONGA: "..x.|.xx.|..x.|?xx."}),
    "salsa": (4, 4, (85, 110), {CONGA: "..x.|x.xx|..x.|x.xx", COWBELL: "x.x.|xxx.|x.x.|xxx.", KICK: "...x|..x.|...x|..x."}),
    "swing": (4, 3, (110, 200), {RIDE: "x..|x.x|x..|x.x", CLOSED: "...|x..|...|x..", KICK: "o..|?..|o..|?.?", SNARE: "..?|...|..?|..?"}),
    "shuffle": (4, 3, (85, 135), {KICK: "X..|..?|x..|...", SNARE: "...|X..|...|X..", CLOSED: "x.x|x.x|x.x|x.x"}),
    "blues68": (4, 3, (48, 75), {KICK: "X..|..x|x..|...", SNARE: "...|X..|...|X..", CLOSED: "xxx|xxx|xxx|xxx"}),
    "ballad": (4, 4, (56, 82), {KICK: "X...|..?.|x.?.|....", RIM: "....|x...|....|x...", CLOSED: "x.x.|x.x.|x.x.|x.x."}),
    "ballad16": (4, 4, (58, 80), {KICK: "X...|...x|x...|....", SNARE: "....|X...|....|X...", CLOSED: "x.x.|x.x.|x.x.|xxx."}),
    "march": (4, 2, (100, 128), {KICK: "X.|..|x.|..", SNARE: "..|x.|o?|xo", CRASH: "?.|..|..|.."}),
    "metal": (4, 4, (100, 180), {KICK: "XxXx|XxXx|XxXx|XxXx", SNARE: "....|X...|....|X...", RIDE: "x.x.|x.x.|x.x.|x.x."}),
    "half": (4, 4, (120, 170), {KICK: "X...|..x.|....|.?..", SNARE: "....|....|X...|....", CLOSED: "x.x.|x.x.|x.x.|x.x."}),
    "waltz": (3, 2, (85, 190), {KICK: "X.|..|..", SNARE: "..|o.|o.", CLOSED: "x?|x.|x."}),
    "waltz2": (3, 2, (80, 150), {KICK: "X.|..|.?", RIM: "..|x.|x.", RIDE: "x.|xx|x."}),
    "three": (3, 4, (75, 125), {KICK: "X..?|....|..x.", SNARE: "....|....|X...", CLOSED: "x.x.|x.x.|x.x."}),
    "jig": (2, 3, (95, 135), {KICK: "X..|o..", SNARE: "..?|x..", TAMB: "xox|xox"}),
    "sixeight": (2, 3, (50, 90), {KICK: "X..|..?", SNARE: "...|X..", CLOSED: "xxx|xxx"}),
}
# Styles drawn more often than the others: what most music is like.
OFTEN = {"rock": 5, "rock16": 2, "pop": 3, "house": 2, "techno": 2, "disco": 2, "metal": 4, "funk": 4, "funk2": 4,
         "march": 2, "swing": 2, "shuffle": 2, "waltz": 2, "dnb": 2, "hiphop": 2, "bossa": 2}
# Share of the pieces whose drums follow no style but are invented.
INVENTED = 0.5
TIMEKEEPERS = [CLOSED, CLOSED, CLOSED, RIDE, RIDE, SHAKER, TAMB, OPEN, COWBELL]
# How a beat of a timekeeper goes on, by steps a beat.
TICKING = {4: ["x.x.", "x.x.", "x.x.", "xoxo", "xxxx", "x...", "x...", "..x.", "x.xx", "x..x", "xx.x", "o.x."],
           3: ["xxx", "x.x", "x.x", "x..", "x.o", "..x"]}
# Chords as scale degrees, one a bar.
CHANGES = [[0, 5, 3, 4], [0, 4, 5, 3], [0, 3, 4, 4], [5, 3, 0, 4], [0, 0, 3, 4], [1, 4, 0, 0],
           [0, 6, 5, 4], [0, 3, 0, 4], [0, 2, 3, 4], [0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4]]
MAJOR, MINOR = [0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10]
TICKS = 480


def hits(rng, likely):
    """A pattern whose every step is struck as likely as told; what is struck is struck in every bar."""
    return "".join(rng.choice("xxX") if rng.random() < p else "?" if rng.random() < p * 0.3 else "." for p in likely)


def invent(rng):
    """A style of its own: metre, tempo and patterns drawn from what drummers do."""
    per_bar = rng.choice([4, 4, 4, 4, 4, 4, 4, 3, 3, 2])
    steps = 3 if per_bar == 2 else rng.choice([4, 4, 4, 4, 3])
    tempo = min(185, max(58, rng.lognormvariate(4.72, 0.28)))
    if per_bar == 2:
        tempo = min(140, max(50, tempo * 0.8))
    count = per_bar * steps
    on_beat, half = [k % steps == 0 for k in range(count)], steps // 2 if steps == 4 else 2
    busy, off = rng.choice([0.15, 0.35, 0.6]), rng.choice([0.04, 0.12, 0.3])
    floor = rng.random() < 0.22
    kick = [0.94 if k == 0 else 1.0 if floor and on_beat[k] else busy if on_beat[k] else off if k % steps == half else off / 3
            for k in range(count)]
    drums = {KICK: hits(rng, kick)}
    back = rng.choice(["back", "back", "back", "back", "half", "last", "none"]) if per_bar > 2 else rng.choice(["last", "last", "none"])
    struck = {"back": [b for b in range(per_bar) if b % 2] if per_bar == 4 else list(range(1, per_bar)),
              "half": [per_bar // 2], "last": [per_bar - 1], "none": []}[back]
    ghost = rng.choice([0, 0, 0.05, 0.15])
    snare = [1.0 if on_beat[k] and k // steps in struck else ghost for k in range(count)]
    if struck or ghost:
        drums[rng.choice([SNARE, SNARE, SNARE, CLAP, RIM])] = hits(rng, snare)
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        drums[rng.choice(TIMEKEEPERS)] = rng.choice(TICKING[steps]) * per_bar
    if rng.random() < 0.3:
        density = rng.uniform(0.1, 0.4)
        drums[rng.choice([CONGA, TOM, COWBELL, RIM, 64, 76])] = hits(rng, [density] * count)
    return per_bar, steps, (tempo, tempo), drums


class Piece:
    def __init__(self, seed, seconds):
        self.rng = random.Random(seed)
        r = self.rng
        self.style = r.choice([name for name in STYLES for _ in range(OFTEN.get(name, 1))])
        invented = r.random() < INVENTED
        self.style = "invented" if invented else self.style
        self.per_bar, self.steps, tempo, self.drums = invent(r) if invented else STYLES[self.style]
        self.figure = self.rhythm()
        self.slow_harmony = r.choice([1, 1, 1, 2])  # bars a chord
        self.bpm = r.uniform(*tempo)
        self.events = []  # tick, message
        self.root = r.randrange(12)
        self.scale = r.choice([MAJOR, MINOR])
        self.changes = r.choice(CHANGES)
        self.bars = max(4, int(seconds * self.bpm / 60 / self.per_bar))
        self.bar_ticks = self.per_bar * TICKS
        self.swing = r.choice([0, 0, r.uniform(0.05, 0.17)]) if self.steps == 4 else 0
        self.loose = r.choice([0, 0.003, 0.008, 0.014])  # seconds
        self.drift = r.choice([0, 0, 0, 0.01, 0.03, 0.1])
        self.with_drums = r.random() < 0.83
        self.harmony_ahead = r.random() < 0.12  # chords pushed before the bar line
        self.two_a_bar = r.random() < 0.25

    def note(self, channel, pitch, tick, length, velocity):
        late = int(self.rng.gauss(0, self.loose) * self.bpm / 60 * TICKS)
        tick = max(0, int(tick) + late)
        velocity = max(1, min(127, int(velocity + self.rng.gauss(0, 6))))
        self.events.append((tick, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
        self.events.append((tick + max(10, int(length)), mido.Message("note_off", channel=channel, note=pitch)))

    def rhythm(self):
        """A figure for bass and guitars: steps of one or two bars with their lengths in steps."""
        r, per = self.rng, self.rng.choice([2, 2, self.steps]) if self.steps == 4 else self.steps
        bars = r.choice([1, 1, 2])
        count, at, figure = bars * self.per_bar * per, 0, []
        if r.random() < 0.2:
            at = r.choice([1, per])
        while at < count:
            length = r.choice([1, 1, 1, 2, 2, 3, 4] if per > 2 else [1, 1, 1, 2, 2, 3])
            if r.random() < 0.85:
                figure.append((at / per, length / per, r.choice([0, 0, 0, 0, 2, 3, 4, 6])))
            at += length
        return bars, figure

    def riff(self, channel, pitches, level):
        """Plays the figure over and over."""
        bars, figure = self.figure
        for bar in range(0, self.bars, bars):
            for at, length, move in figure:
                here = bar + int(at // self.per_bar)
                if here < self.bars:
                    accent = 1.1 if at % 1 == 0 else 0.95
                    for pitch in pitches(self.chord_at(here) + move):
                        self.note(channel, pitch, bar * self.bar_ticks + at * TICKS, length * TICKS * 0.8, level * accent)

    def degree(self, d, octave):
        return self.root + 12 * octave + 12 * (d // 7) + self.scale[d % 7]

    def at(self, bar, step, steps):
        shift = self.swing * TICKS / 2 if steps == 4 and step % 2 else 0
        return bar * self.bar_ticks + step * TICKS / steps + shift

    def drum_part(self):
        r, level = self.rng, self.rng.uniform(65, 112)
        level_of = {i: level * r.uniform(0.6, 1.1) for i in self.drums}
        first = r.choice([0, 0, 0, 4, 8])
        out_from = r.randrange(self.bars) if r.random() < 0.2 else self.bars
        for bar in range(first, self.bars):
            if out_from <= bar < out_from + 4:
                continue
            fill = bar % 8 == 7 and r.random() < 0.6
            for instrument, pattern in self.drums.items():
                for step, c in enumerate(pattern.replace("|", "")):
                    if c == "." or c == "?" and r.random() < 0.6 or fill and step >= self.steps * (self.per_bar - 1):
                        continue
                    v = {"X": 1.12, "x": 1.0, "o": 0.55, "?": 0.8}[c] * level_of[instrument]
                    self.note(9, instrument, self.at(bar, step, self.steps), 60, v)
            if fill:
                for k in range(4):
                    tick = bar * self.bar_ticks + (self.per_bar - 1) * TICKS + k * TICKS / 4
                    self.note(9, r.choice([SNARE, TOM, TOM - 2]), tick, 60, level)
            if bar % 8 == 0 and r.random() < 0.7:
                self.note(9, CRASH, bar * self.bar_ticks, 200, level * 0.9)

    def chord_at(self, bar):
        return self.changes[bar // self.slow_harmony % len(self.changes)]

    def bass_part(self):
        r = self.rng
        kind = r.choice(["root", "eighths", "walk", "offbeat", "syncopated", "octave", "pedal", "riff", "riff"])
        level = r.uniform(70, 110)
        if kind == "riff":
            return self.riff(1, lambda d: [24 + self.degree(d, 1) % 24 + 4], level)
        for bar in range(self.bars):
            d = self.chord_at(bar)
            steps = self.per_bar * 2
            for s in range(steps):
                tick = self.at(bar, s * self.steps / 2 if self.steps != 3 else s * 1.5, self.steps)
                if self.steps == 3 and s % 2:
                    tick = bar * self.bar_ticks + (s // 2) * TICKS + TICKS * 2 / 3
                play, deg = {
                    "root": (s == 0 or s == steps // 2 and self.per_bar == 4, d),
                    "eighths": (True, d),
                    "walk": (s % 2 == 0, d + [0, 2, 4, 1, 3][s // 2 % 5]),
                    "offbeat": (s % 2 == 1, d),
                    "syncopated": (s in (0, 3, 6), d + (4 if s == 6 else 0)),
                    "octave": (True, d + 7 * (s % 2)),
                    "pedal": (s == 0, 0),
                }[kind]
                if play:
                    self.note(1, 24 + self.degree(deg, 1) % 24 + 4, tick, TICKS * 0.45, level * (1.1 if s == 0 else 0.95))

    def chord_part(self):
        r = self.rng
        kind = r.choice(["pad", "beats", "offbeats", "arpeggio", "stabs", "broken", "riff"])
        level = r.uniform(50, 95)
        if kind == "riff":
            return self.riff(2, lambda d: [self.degree(d, 3), self.degree(d, 3) + 7], level)
        for bar in range(self.bars):
            pushed = TICKS / 2 if self.harmony_ahead and bar else 0
            for half in range(2 if self.two_a_bar and self.per_bar == 4 else 1):
                d = self.chord_at(bar) + (3 if half else 0)
                notes = [self.degree(d + k, 4) for k in (0, 2, 4)]
                start = bar * self.bar_ticks + half * self.bar_ticks / 2
                span = self.bar_ticks / (2 if self.two_a_bar and self.per_bar == 4 else 1)
                beats = int(span / TICKS)
                if kind == "pad":
                    [self.note(2, n, start - pushed, span * 0.97, level * 0.8) for n in notes]
                elif kind in ("beats", "offbeats"):
                    off = TICKS / 2 if kind == "offbeats" else 0
                    for b in range(beats):
                        [self.note(2, n, start + b * TICKS + off, TICKS * 0.4, level) for n in notes]
                elif kind == "arpeggio":
                    per = self.steps if self.steps == 3 else 2
                    for k in range(beats * per):
                        self.note(2, notes[[0, 1, 2, 1][k % 4]], start + k * TICKS / per, TICKS / per, level)
                elif kind == "broken":
                    self.note(2, notes[0] - 12, start, TICKS, level)
                    for b in range(1, beats):
                        [self.note(2, n, start + b * TICKS, TICKS * 0.5, level * 0.8) for n in notes[1:]]
                else:
                    for s in (0, 3, 6):
                        if s * TICKS / 2 < span:
                            [self.note(2, n, start + s * TICKS / 2, TICKS * 0.4, level) for n in notes]

    def melody_part(self):
        r, level = self.rng, self.rng.uniform(60, 105)
        motif = []
        t = 0
        grid = TICKS / (self.steps if self.steps == 3 else 2)
        while t < self.bar_ticks * 2:
            length = grid * r.choice([1, 1, 2, 2, 3, 4])
            if r.random() < 0.8:
                motif.append((t, length, r.randrange(-2, 8)))
            t += length
        for bar in range(0, self.bars - 1, 2):
            if r.random() < 0.15:
                continue
            for t, length, d in motif:
                d = d + r.choice([0, 0, 0, 1, -1])
                self.note(3, self.degree(d + self.chord_at(bar), 5), bar * self.bar_ticks + t, length * 0.9, level)

    def compose(self):
        r = self.rng
        programs = {1: r.choice([32, 33, 34, 35, 36, 38, 39]), 2: r.choice([0, 4, 5, 16, 24, 25, 27, 29, 30, 48, 50, 80, 89]),
                    3: r.choice([0, 11, 22, 26, 40, 56, 61, 65, 68, 73, 80, 81])}
        for channel, program in programs.items():
            self.events.append((0, mido.Message("program_change", channel=channel, program=program)))
        self.events.append((0, mido.Message("program_change", channel=9, program=r.choice([0, 0, 8, 16, 24, 25, 32, 40]))))
        for channel in (1, 2, 3, 9):
            self.events.append((0, mido.Message("control_change", channel=channel, control=7, value=r.randrange(70, 127))))
        if self.with_drums:
            self.drum_part()
        parts = [p for p, likely in ((self.bass_part, 0.85), (self.chord_part, 0.85), (self.melody_part, 0.7)) if r.random() < likely]
        for part in parts or [self.bass_part, self.chord_part, self.melody_part]:
            part()

    def tempo_map(self):
        """Seconds at each beat, and the tempo events that make them so."""
        r, times, tempi, t, bpm = self.rng, [], [], 0.0, self.bpm
        target = self.bpm * (1 + r.uniform(-self.drift, self.drift))
        beats = self.bars * self.per_bar
        for b in range(beats):
            wander = r.gauss(0, self.drift / 12)
            bpm = (self.bpm + (target - self.bpm) * b / beats) * (1 + wander)
            micro = round(60e6 / bpm)
            tempi.append((b * TICKS, mido.MetaMessage("set_tempo", tempo=micro)))
            times.append(t)
            t += micro / 1e6
        return times, tempi


def write(piece, path):
    piece.compose()
    times, tempi = piece.tempo_map()
    # A little silence first: pieces need not begin on their first beat.
    lead = int(piece.rng.choice([0, 0, TICKS, 2 * TICKS, piece.bar_ticks]))
    lead_seconds = lead / TICKS * tempi[0][1].tempo / 1e6
    track = mido.MidiTrack()
    now = 0
    moved = [(t + lead if t else 0, m) for t, m in tempi] + [(t + (lead if m.type.startswith("note") else 0), m) for t, m in piece.events]
    for tick, message in sorted(moved, key=lambda e: (e[0], e[1].type == "note_on")):
        track.append(message.copy(time=int(tick) - now))
        now = int(tick)
    midi = mido.MidiFile(ticks_per_beat=TICKS)
    midi.tracks.append(track)
    midi.save(path.with_suffix(".mid"))
    lines = [f"{t + lead_seconds:.5f}\t{i % piece.per_bar + 1}\n" for i, t in enumerate(times)]
    path.with_suffix(".beats").write_text("".join(lines))


def render(path, soundfont, rng):
    wav = path.with_suffix(".wav")
    gain = rng.uniform(0.3, 0.8)
    reverb = rng.choice(["0", "1"])
    subprocess.run(["fluidsynth", "-ni", "-q", "-g", f"{gain:.2f}", "-R", reverb, "-C", "0", "-r", "22050", "-F", str(wav), str(soundfont), str(path.with_suffix(".mid"))], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--soundfont", type=Path, action="append", required=True)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for i in range(args.count):
        piece = Piece(args.seed * 100_000 + i, args.seconds)
        path = args.folder / f"p{i:03d}_{piece.style}"
        write(piece, path)
        render(path, piece.rng.choice(args.soundfont), piece.rng)


if __name__ == "__main__":
    main()
