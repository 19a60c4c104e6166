#!/usr/bin/env python3
"""How well `remix separate` finds the drums of songs whose stems are known, by each model.

  evaluate_separation.py [--excerpts] [--above HZ] [--models hpss compact ...] [--binary BINARY]
                         [--json FILE]

Models are those that are here: hpss and compact always, htdemucs and htdemucs_ft where
`remix models list` finds their weights; a file of weights may be named too.

Songs are those in ${EVERMIX_SHARED:-../shared}: beats/NAME.ogg with NAME.drums.ogg and
NAME.other.ogg, and music/multitrack. By default a song is separated as it lies there. With
--excerpts the stems are added up, which makes the mix exact, and of the clips in beats/ only the
25 seconds from second 10 on are taken, as in the figures the bundled network came with.

SDR = 10 log10(sum s^2 / sum (s - e)^2) over all samples of both channels, s the stem and e what was
found; SI-SDR is the same after scaling s to fit e best. `mix` takes the song itself for the drums.
--above counts only what lies above a frequency: bass and kick decide the figures of the whole band.
Needs numpy and soundfile.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("EVERMIX_SHARED", ROOT / ".." / "shared"))
EXCERPT = (10, 35)
TINY = 1e-9


def read(path):
    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    return samples, rate


def songs(excerpts):
    """(name, mix, drums, other, rate) of each song with known stems."""
    sources = []
    for drums in sorted((SHARED / "beats").glob("*.drums.ogg")):
        name = drums.name.removesuffix(".drums.ogg")
        other, mix = drums.with_name(f"{name}.other.ogg"), drums.with_name(f"{name}.ogg")
        sources.append((name, mix, drums, other, excerpts))
    tracks = SHARED / "music" / "multitrack"
    stems = [tracks / f"{part}.flac" for part in ("mix", "drums_stem", "other_stem")]
    if stems[0].exists():
        sources.append(("multitrack", *stems, False))
    for name, mix, drums, other, cut in sources:
        (drums, rate), (other, _) = read(drums), read(other)
        mix = None if excerpts else read(mix)[0]
        length = min(len(x) for x in (mix, drums, other) if x is not None)
        place = slice(EXCERPT[0] * rate, min(length, EXCERPT[1] * rate)) if cut else slice(length)
        drums, other = drums[place], other[place]
        yield name, drums + other if excerpts else mix[place], drums, other, rate


def sdr(found, stem):
    return 10 * np.log10((np.sum(stem**2) + TINY) / (np.sum((stem - found) ** 2) + TINY))


def si_sdr(found, stem):
    scale = np.sum(found * stem) / (np.sum(stem**2) + TINY)
    return sdr(found, scale * stem)


def score(mix, found_drums, drums, other):
    rest = mix - found_drums
    pairs = [(found_drums, drums), (rest, other)]
    return [float(f(e, s)) for f in (sdr, si_sdr) for e, s in pairs]


def separate(binary, model, folder, names):
    """The drums that a model finds in NAME.wav of a folder."""
    with tempfile.TemporaryDirectory() as stems:
        words = ["separate", "--model", model, folder, stems, "--project", f"{stems}/project", "-q"]
        subprocess.run([binary, *words], check=True)
        for name in names:
            yield name, read(Path(stems) / f"{name}.wav" / f"{name}.wav_drums.wav")[0]


def present(binary):
    """The models whose weights are here."""
    words = [binary, "models", "list", "--json"]
    listed = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    names = [m["name"] for m in listed["models"] if m["state"] not in ("absent", "other")]
    order = ["hpss", "compact", "htdemucs", "htdemucs_ft"]
    return [name for name in order if name in names]


def band(samples, rate, above):
    if not above:
        return samples
    spectrum = np.fft.rfft(samples, axis=0)
    spectrum[: int(above * len(samples) / rate)] = 0
    return np.fft.irfft(spectrum, len(samples), axis=0)


def evaluate(args):
    truth, results = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, mix, drums, other, rate in songs(args.excerpts):
            soundfile.write(f"{folder}/{name}.wav", mix, rate, subtype="FLOAT")
            # As written: 32-bit floats.
            parts = (mix.astype("f4").astype("f8"), drums, other)
            mix, drums, other = (band(part, rate, args.above) for part in parts)
            truth[name] = (mix, drums, other, rate)
            results[name] = {"mix": score(mix, mix, drums, other)}
        if not truth:
            sys.exit(f"no songs with stems in {SHARED} (set EVERMIX_SHARED)")
        for model in args.models:
            for name, found in separate(args.binary, model, folder, truth):
                mix, drums, other, rate = truth[name]
                found = band(found[: len(mix)], rate, args.above)
                results[name][model] = score(mix, found, drums, other)
    return results


def show(results, models):
    print("SDR drums / other (SI-SDR drums / other), dB")
    columns = ["mix", *models]
    print("| song | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    mean = {c: np.mean([r[c] for r in results.values()], axis=0) for c in columns}
    for name, row in [*results.items(), ("**mean**", mean)]:
        cells = ["{:.1f} / {:.1f} ({:.1f} / {:.1f})".format(*row[c]) for c in columns]
        print(f"| {name} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--excerpts", action="store_true")
    parser.add_argument("--above", type=float, metavar="HZ")
    parser.add_argument("--models", nargs="+", help="default: those whose weights are here")
    parser.add_argument("--binary", default=ROOT / "target" / "release" / "remix")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    args.models = args.models or present(args.binary)
    results = evaluate(args)
    show(results, args.models)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
