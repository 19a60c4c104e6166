#!/usr/bin/env python3
"""Collects the sounds of sources.toml, from unpacked Debian packages, into one folder.

  pack.py UNPACKED PACK

UNPACKED holds a folder a package, as fetch.sh leaves them. PACK gets index.json (drum one-shots,
loops, tonal sounds), the sounds as FLAC, voices/ and guitars/ as long files, and links to the
soundfonts. What sources.toml calls held is marked so, and no training piece draws from it.
"""

import json
import re
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

from common import RATE

HERE = Path(__file__).resolve().parent
# The first rule that matches a name gives the class of a drum.
RULES = [
    ("clap", r"clap|snap"),
    ("rim", r"stick|rim ?click|side|clave|woodblock|click"),
    ("snare", r"snare|slap|redo|rimshot"),
    ("kick", r"kick|bass ?drum|thump"),
    ("tom", r"tom|conga|bongo|drum [12]|djembe|dun"),
    ("open", r"(hat|hh|hi.?hat).*(op|ohh|free|semi|swish|ring)|open (hh|hat)|side ohh"),
    ("hat", r"hat|hh|hi.?hat"),
    ("splash", r"splash|china"),
    ("crash", r"crash(?!.*bow)|cymbal"),
    ("ride", r"ride|bow|bell|cup"),
    ("perc", r"cowbell|tamb|shaker|maraca|agogo|whistle"),
]
SONIC_PI = [
    ("kick", r"^bd_|drum_bass|heavy_kick|hollow_kick|soft_kick"),
    ("snare", r"^sn_|snare|drum_roll"),
    ("hat", r"cymbal_closed|cymbal_pedal|elec_tick|elec_flip|perc_snap"),
    ("open", r"cymbal_open|elec_cymbal"),
    ("crash", r"cymbal_hard|splash_hard"),
    ("ride", r"cymbal_soft|splash_soft"),
    ("tom", r"tom_|fuzz_tom|^tabla"),
    ("perc", r"cowbell|elec_wood|elec_blup|elec_pop|elec_triangle|glitch_perc|perc_till|perc_door"),
]
SONIC_PI_LOOPS = (
    r"^loop_(amen|breakbeat|compus|industrial|mika|tabla|perc|safari|mehackit|electric)"
)
SONIC_PI_TONAL = (
    r"^bass_|^guit_|^ambi_|elec_(beep|bell|blip|bong|chime|ping|plip|twang|twip|hollow)|perc_bell"
    r"|glitch_(bass|robot)|mehackit_(phone|robot)|loop_drone|vinyl|misc_(crow|cineboom)"
    r"|perc_(swash|swoosh)|loop_garzul"
)
LONGEST = dict(kick=1.0, snare=1.0, rim=0.6, clap=0.8, hat=0.6, open=1.6, tom=1.3)
LONGEST |= dict(crash=3.5, splash=2.2, ride=2.5, perc=1.0)
HELD_LANGUAGES = {"ga", "sl", "wa", "he", "ml"}
VOICE_FILE_SECONDS = 60


def read(path):
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    sound = sound[:, :2]
    if rate != RATE:
        sound = scipy.signal.resample_poly(sound, RATE, rate, axis=0).astype(np.float32)
    return sound


def trimmed(sound, seconds):
    """From the first to the last sound there is, faded out, at one loudness; None for silence."""
    loud = np.abs(sound).max(1)
    peak = loud.max(initial=0)
    if peak < 1e-3:
        return None
    start = max(0, np.argmax(loud > 0.02 * peak) - 32)
    end = len(loud) - np.argmax(loud[::-1] > 0.003 * peak)
    sound = sound[start : min(end + 64, start + int(seconds * RATE))].copy()
    tail = min(len(sound), 1200)
    sound[-tail:] *= np.linspace(1, 0, tail)[:, None]
    return sound / np.abs(sound).max() * 0.9


class Pack:
    def __init__(self, unpacked, folder):
        self.unpacked, self.folder, self.index = unpacked, folder, []
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, name, sound, **entry):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound, RATE, subtype="PCM_16")
        self.index.append(dict(path=name, **entry))

    def kit(self, folder, held):
        """The instruments of a Hydrogen kit, each with up to three layers from soft to loud."""
        text = (folder / "drumkit.xml").read_text(encoding="utf8", errors="replace")
        root = ET.fromstring(re.sub(r'\sxmlns="[^"]+"', "", text))
        name = re.sub(r"\W", "", folder.name)
        for number, instrument in enumerate(root.iter("instrument")):
            called = (instrument.findtext("name") or "").lower()
            kind = next((kind for kind, rule in RULES if re.search(rule, called)), None)
            layers = [layer.findtext("filename") for layer in instrument.findall(".//layer")]
            files = [f for f in layers or [instrument.findtext("filename")] if f]
            files = [folder / f for f in files if "empty" not in f and (folder / f).exists()]
            if kind is None or not files:
                continue
            if len(files) > 3:
                files = [files[len(files) // 3], files[2 * len(files) // 3], files[-1]]
            for layer, file in enumerate(files):
                sound = trimmed(read(file), LONGEST[kind])
                if sound is not None:
                    path = f"drums/{name}/{number:02d}_{kind}_{layer}.flac"
                    self.save(path, sound, kit=name, kind=kind, held=held, instrument=number)

    def sonic_pi(self, folder):
        for file in sorted(folder.glob("*.flac")):
            name, sound = file.stem, read(file)
            kind = next((kind for kind, rule in SONIC_PI if re.search(rule, name)), None)
            entry = dict(kit="sonicpi", held=False)
            if re.search(SONIC_PI_LOOPS, name):
                sound = sound[: 20 * RATE] / np.abs(sound).max() * 0.8
                self.save(f"loops/{name}.flac", sound, kind="loop", **entry)
            elif re.search(SONIC_PI_TONAL, name) and not re.search("kick|snare", name):
                self.save(f"tonal/{name}.flac", trimmed(sound, 8), kind="tonal", **entry)
            elif kind and (sound := trimmed(sound, LONGEST[kind])) is not None:
                number = len(self.index)
                path = f"drums/sonicpi/{name}.flac"
                self.save(path, sound, kind=kind, instrument=number, **entry)

    def strums(self, folder):
        for file in sorted(folder.glob("*.flac")):
            if (sound := trimmed(read(file), 4)) is not None:
                self.save(f"strums/{file.stem}.flac", sound, kind="strum", kit="strums", held=False)

    def guitars(self, folder):
        for number, file in enumerate(sorted(folder.rglob("guitar.ogg"))):
            sound = read(file)
            self.save(
                f"guitars/{number}.flac",
                sound * 0.9 / np.abs(sound).max(),
                kind="guitar",
                kit="guitars",
                held=False,
            )

    def voices(self, folder):
        """The words of each language one after the other; a folder's languages share a name."""
        languages = {}
        for file in sorted([*folder.rglob("*.ogg"), *folder.rglob("*.wav")]):
            language = file.relative_to(folder).parts[0].split("@")[0].split("_")[0]
            languages.setdefault(language, []).append(file)
        for language, files in sorted(languages.items()):
            words = [w for f in files if (w := spoken(f)) is not None]
            if not words:
                continue
            words = np.concatenate(words)[: 6 * VOICE_FILE_SECONDS * RATE]
            path = f"voices/{folder.name}_{language}.flac"
            held = language in HELD_LANGUAGES
            self.save(path, words, kind="voice", kit=language, held=held)

    def soundfont(self, path, held, use):
        link = self.folder / "soundfonts" / path.name
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())
        only_drums = use == "drum soundfont"
        entry = dict(kind="soundfont", kit=path.stem, held=held, only_drums=only_drums)
        self.index.append(dict(path=f"soundfonts/{path.name}", **entry))

    def take(self, source):
        root = self.unpacked / source["package"]
        kits = root / "usr/share/hydrogen/data/drumkits"
        held, use = source.get("held", False), source["use"]
        for name in source.get("kits", []):
            self.kit(kits / name, held) if use == "kit" else self.strums(kits / name)
        for path in (root / path for path in source.get("paths", [])):
            if "soundfont" in use:
                self.soundfont(path, held, use)
            else:
                {"one-shots": self.sonic_pi, "guitars": self.guitars, "voices": self.voices}[use](
                    path
                )


def spoken(file):
    """A word, without the silence around it, at a common loudness."""
    try:
        sound = read(file).mean(1)
    except soundfile.LibsndfileError:
        return None
    loud = np.abs(sound) > 0.03 * np.abs(sound).max(initial=1e-9)
    if len(sound) < RATE // 8 or not loud.any():
        return None
    sound = sound[np.argmax(loud) : len(loud) - np.argmax(loud[::-1])]
    return np.clip(sound * 0.1 / (np.sqrt(np.mean(sound**2)) + 1e-6), -0.95, 0.95)


def main():
    pack = Pack(Path(sys.argv[1]), Path(sys.argv[2]))
    for source in tomllib.loads((HERE / "sources.toml").read_text())["source"]:
        pack.take(source)
    (pack.folder / "index.json").write_text(json.dumps(pack.index, indent=0))
    kinds = [entry["kind"] for entry in pack.index]
    print({kind: kinds.count(kind) for kind in sorted(set(kinds))})


if __name__ == "__main__":
    main()
