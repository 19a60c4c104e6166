#!/usr/bin/env python3
"""Keys of `remix analyze` beside other programs, and key profiles beside one another.

  keys.py [SONGS...] [--binary target/release/remix] [--cadences]

Every song of SONGS (files or folders, default ${EVERMIX_SHARED:-../shared}/music) is analysed by
`remix`, by Essentia's KeyExtractor with its `edma` and `bgate` profiles (pip install essentia) and
by `keyfinder-cli`, as far as they are installed; disagreements are named by their relation.

From the pitch classes `remix` prints, four profile sets are then compared: Krumhansl and Kessler
(1982), Temperley (2007, from the Kostka-Payne corpus), Albrecht and Shanahan (2013, in use) and
our own, the mean pitch classes of the songs whose key the two Essentia profiles agree on (each
song judged without itself). --cadences does the same on 96 rendered progressions in all 24 keys,
of which the truth is known: four progressions in each mode, four timbres, with and without bass,
melody and drums, tuned up to 40 cents off. Own profiles are then those of the songs.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parent.parent.parent
SOUNDS = {".mp3", ".ogg", ".opus", ".flac", ".wav", ".m4a"}
NAMES = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
SAME = {"C#": "Db", "D#": "Eb", "Gb": "F#", "G#": "Ab", "A#": "Bb", "Cb": "B", "Fb": "E"}
PROFILES = {
    "Krumhansl-Kessler": (
        [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
        [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
    ),
    "Temperley": (
        [0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400],
        [0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330],
    ),
    "Albrecht-Shanahan": (
        [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081],
        [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052],
    ),
}


def key(name):
    """`Bb minor` as (tonic, minor)."""
    tonic, mode = name.split()
    return NAMES.index(SAME.get(tonic, tonic)), mode == "minor"


def spelt(found):
    return f"{NAMES[found[0]]} {'minor' if found[1] else 'major'}" if found else "-"


def relation(a, b):
    if a == b:
        return "same"
    if a[0] == b[0]:
        return "parallel"
    up = (b[0] - a[0]) % 12
    if a[1] == b[1] and up in (5, 7):
        return "fifth"
    if a[1] != b[1] and up == (3 if a[1] else 9):
        return "relative"
    return "other"


def best(classes, profiles):
    def fit(tonic, minor):
        return np.corrcoef(classes, np.roll(profiles[minor], tonic))[0, 1]

    return max(((t, m) for t in range(12) for m in (False, True)), key=lambda k: fit(*k))


def analyse(binary, songs):
    command = [binary, "analyze", *songs, "--json", "--no-cache", "-q"]
    tracks = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["tracks"]
    return {track["path"]: track for track in tracks}


def essentia_keys(song):
    try:
        import essentia

        essentia.log.infoActive = essentia.log.warningActive = False
        import essentia.standard as es
    except ImportError:
        return {}
    sound = es.MonoLoader(filename=str(song))()
    told = {p: es.KeyExtractor(profileType=p)(sound) for p in ("edma", "bgate")}
    return {f"essentia {p}": key(f"{tonic} {mode}") for p, (tonic, mode, _) in told.items()}


def keyfinder_key(song):
    if not shutil.which("keyfinder-cli"):
        return {}
    told = subprocess.run(["keyfinder-cli", song], capture_output=True, text=True).stdout.strip()
    minor = told.endswith("m")
    return {"keyfinder": key(f"{told.rstrip('m')} {'minor' if minor else 'major'}")} if told else {}


def tone(hz, seconds, rate, partials):
    t = np.arange(int(seconds * rate)) / rate
    wave = sum(a * np.sin(2 * np.pi * hz * k * t + k) for k, a in enumerate(partials, 1))
    return wave * np.exp(-1.5 * t) * np.minimum(1, t / 0.005)


TIMBRES = [
    [1, 0.3],
    [1 / k for k in range(1, 12)],
    [k % 2 / k for k in range(1, 12)],
    [1, 0.7, 0.4, 0.5, 0.1, 0.3],
]
# Roots above the tonic, capitals for major chords.
PROGRESSIONS = {
    False: ["0M 5M 7M 0M", "2m 7M 0M 0M", "0M 7M 9m 5M", "0M 9m 5M 7M"],
    True: ["0m 5m 7M 0m", "0m 8M 3M 10M", "0m 10M 8M 7M", "0m 5m 10M 0m"],
}


def progression(tonic, minor, which, rng, rate=22050):
    partials = TIMBRES[rng.integers(4)]
    detuned, bass, melody, drums = rng.uniform(-0.4, 0.4), *rng.integers(2, size=3)
    base = 36 + detuned + (tonic if tonic <= 6 else tonic - 12)
    scale = [0, 2, 3, 5, 7, 8, 10] if minor else [0, 2, 4, 5, 7, 9, 11]
    hz = lambda pitch: 440 * 2 ** ((pitch - 69) / 12)
    seconds = []
    for chord in PROGRESSIONS[minor][which].split() * 2:
        root, third = int(chord[:-1]), 4 if chord[-1] == "M" else 3
        second = np.zeros(rate)
        for step in (0, third, 7):
            second += 0.2 * tone(hz(base + 24 + (root + step) % 12), 1, rate, partials)
        if bass:
            second += 0.4 * tone(hz(base + root), 1, rate, TIMBRES[1])
        for half in (0, rate // 2):
            part = second[half : half + rate // 2]
            if melody:
                pitch = base + 36 + scale[rng.integers(7)]
                part += 0.25 * tone(hz(pitch), 0.5, rate, partials)[: len(part)]
            if drums:
                part += 0.5 * np.exp(-np.arange(len(part)) / 600) * rng.standard_normal(len(part))
        seconds.append(second)
    sound = np.concatenate(seconds)
    return 0.7 * sound / np.abs(sound).max(), rate


def cadences(binary, own):
    rng = np.random.default_rng(1)
    right = {name: 0 for name in ["remix", *PROFILES, "own"]}
    mistaken = {}
    with tempfile.TemporaryDirectory() as folder:
        truth = {}
        for tonic in range(12):
            for minor in (False, True):
                for which in range(4):
                    path = Path(folder) / f"{tonic}{'m' if minor else 'M'}{which}.wav"
                    soundfile.write(path, *progression(tonic, minor, which, rng))
                    truth[str(path)] = (tonic, minor)
        tracks = analyse(binary, [folder])
        for path, true in truth.items():
            found = key(tracks[path]["key"])
            right["remix"] += found == true
            for name, profiles in {**PROFILES, "own": own}.items():
                right[name] += best(tracks[path]["pitch_classes"], profiles) == true
            if found != true:
                kind = f"{PROGRESSIONS[true[1]][int(Path(path).stem[-1])]} as {relation(true, found)}"
                mistaken[kind] = mistaken.get(kind, 0) + 1
    print(f"\n96 rendered progressions, right: {right}\nmistaken by remix: {mistaken}")


def own_profiles(tracks, agreed, without=None):
    """Mean pitch classes of major and of minor songs, turned to a tonic of C."""
    modes = []
    for minor in (False, True):
        turned = [
            np.roll(tracks[path]["pitch_classes"], -found[0])
            for path, found in agreed.items()
            if found[1] == minor and path != without
        ]
        modes.append(np.mean(turned or [PROFILES["Albrecht-Shanahan"][minor]], axis=0))
    return modes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(os.environ.get("EVERMIX_SHARED", ROOT.parent / "shared")) / "music"
    parser.add_argument("songs", nargs="*", type=Path, default=[default])
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/remix")
    parser.add_argument("--cadences", action="store_true")
    args = parser.parse_args()
    inside = lambda p: sorted(p.iterdir()) if p.is_dir() else [p]
    songs = [s for p in args.songs for s in inside(p) if s.suffix.lower() in SOUNDS]
    tracks = analyse(args.binary, songs)
    agreed, heard, same, told_by = {}, {}, {}, {}
    for song in songs:
        track = tracks[str(song)]
        found = key(track["key"]) if track["key"] else None
        peers = {**essentia_keys(song), **keyfinder_key(song)}
        heard[str(song)] = peers
        if len(set(v for k, v in peers.items() if k.startswith("essentia"))) == 1:
            agreed[str(song)] = peers["essentia edma"]
        for name, theirs in peers.items():
            same[name] = same.get(name, 0) + (theirs == found)
            told_by[name] = told_by.get(name, 0) + 1
        others = [
            f"{name}: {spelt(theirs)} ({relation(found, theirs)})"
            for name, theirs in peers.items()
            if found and theirs != found
        ]
        sure = f"{track['key_confidence']:.2f}, then {track['second_key']}"
        print(f"{song.name:28}{spelt(found):10}{sure:22}{'; '.join(others) or 'all agree'}")
    print("same as", ", ".join(f"{n}: {same[n]} of {told_by[n]}" for n in same))
    for name in [*PROFILES, "own"]:
        hits = 0
        for path, peers in heard.items():
            fixed = PROFILES.get(name) or own_profiles(tracks, agreed, path)
            hits += best(tracks[path]["pitch_classes"], fixed) in peers.values()
        print(f"profiles {name:18}: {hits} of {len(songs)} as one of the peers")
    if args.cadences:
        cadences(args.binary, own_profiles(tracks, agreed))


if __name__ == "__main__":
    main()
