"""The sounds that pieces are made of: one-shots, recordings and soundfonts of a pack."""

import json

import numpy as np
import soundfile
import tinysoundfont

from common import LENGTH, RATE, stereo

KINDS = ["kick", "snare", "rim", "clap", "hat", "open", "tom", "crash", "ride", "splash", "perc"]
PERCUSSION_KEYS = dict(
    kick=[35, 36],
    snare=[38, 40],
    rim=[37],
    clap=[39],
    hat=[42, 44],
    open=[46],
    tom=[41, 43, 45, 47, 48, 50],
    crash=[49, 57],
    ride=[51, 59, 53],
    splash=[55, 52],
    perc=[54, 56, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 75, 76, 77],
)
LONGEST = dict(
    kick=1.0,
    snare=1.0,
    rim=0.6,
    clap=0.8,
    hat=0.6,
    open=1.6,
    tom=1.3,
    crash=3.5,
    ride=2.5,
    splash=2.2,
    perc=1.0,
)


class SoundFont:
    def __init__(self, path, only_drums):
        self.synth = tinysoundfont.Synth(samplerate=RATE, gain=-6)
        self.number = self.synth.sfload(str(path))
        name = self.synth.sfpreset_name
        banks = [(0, 0)] if only_drums else [(128, n) for n in range(128)]
        unwanted = ("arch", "Metro", "SFX")
        self.kits = [
            (bank, preset)
            for bank, preset in banks
            if (called := name(self.number, bank, preset))
            and not any(u in called for u in unwanted)
        ]
        self.melodic = not only_drums
        self.hits = {}

    def frames(self, count):
        if count <= 0:
            return np.zeros((0, 2), np.float32)
        raw = bytes(self.synth.generate(count))
        return np.frombuffer(raw, dtype=np.float32).reshape(-1, 2).copy()

    def hit(self, kit, key, velocity, seconds):
        wanted = (kit, key, velocity)
        if wanted not in self.hits:
            if len(self.hits) > 1500:
                self.hits.clear()
            self.synth.program_select(9, self.number, *kit)
            self.synth.noteon(9, key, velocity)
            self.hits[wanted] = self.frames(int(seconds * RATE))
            self.synth.sounds_off()
            self.frames(2000)
        return self.hits[wanted]

    def play(self, notes, preset, rng):
        """A line of (start, seconds, pitch, strength), now and then with bent notes."""
        self.synth.program_select(0, self.number, 0, preset)
        events = []
        bends = rng.random() < 0.2 and len(notes) < 120
        for start, seconds, pitch, strength in notes:
            events += [(start, 1, pitch, strength), (start + seconds, 0, pitch, 0)]
            if bends and rng.random() < 0.3:
                way = 4096 * rng.choice([-1, 1])
                steps = [(start + seconds * q / 6, 8192 + int(way * (1 - q / 5))) for q in range(6)]
                events += [(when, 2, bend, 0) for when, bend in steps]
        out, place = [], 0
        for when, what, pitch, strength in sorted(events):
            count = min(LENGTH, int(when * RATE)) - place
            out.append(self.frames(count))
            place += max(0, count)
            if what == 1:
                self.synth.noteon(0, pitch, int(40 + 87 * strength))
            elif what == 0:
                self.synth.noteoff(0, pitch)
            else:
                self.synth.pitchbend(0, pitch)
        out.append(self.frames(LENGTH - place))
        self.synth.pitchbend(0, 8192)
        self.synth.sounds_off()
        self.frames(1500)
        return np.concatenate(out)[:LENGTH]


class Sounds:
    """A pack, or only what is kept apart in it."""

    def __init__(self, folder, held):
        self.folder, self.held = folder, held
        index = json.loads((folder / "index.json").read_text())
        entries = [entry for entry in index if entry["held"] == held]
        # Tonal sounds and guitars have no held ones; held pieces do without.
        self.entries = {}
        for entry in entries:
            self.entries.setdefault(entry["kind"], []).append(entry["path"])
        self.kits = {}
        for entry in entries:
            if entry["kind"] in KINDS:
                kit = self.kits.setdefault(entry["kit"], {}).setdefault(entry["kind"], {})
                kit.setdefault(entry["instrument"], []).append(entry["path"])
        fonts = [entry for entry in entries if entry["kind"] == "soundfont"]
        self.fonts = [SoundFont(folder / e["path"], e["only_drums"]) for e in fonts]
        self.cache = {}

    def names(self, kind):
        return self.entries.get(kind, [])

    def read(self, path):
        if path not in self.cache:
            if len(self.cache) > 900:
                self.cache.clear()
            self.cache[path] = soundfile.read(self.folder / path, dtype="float32", always_2d=True)[
                0
            ]
        return self.cache[path]

    def part(self, path, seconds, rng):
        """A part of a long recording, from a place drawn at random."""
        with soundfile.SoundFile(self.folder / path) as file:
            count = min(file.frames, int(seconds * RATE))
            file.seek(rng.randrange(file.frames - count + 1))
            return file.read(count, dtype="float32", always_2d=True)

    def tuned_fonts(self):
        return [font for font in self.fonts if font.melodic]

    def instruments(self, kit, kind):
        """The instruments of a kind in a kit, each as its layers from soft to loud."""
        return [
            [stereo(self.read(path)) for path in layers]
            for layers in self.kits[kit].get(kind, {}).values()
        ]

    def pool(self, kind):
        return [(kit, i) for kit in self.kits for i in self.kits[kit].get(kind, {})]
