#!/usr/bin/env python3
"""Measures weights of the network, and tuned median filters, on songs whose stems are known.

  evaluate.py [--weights NAME=FILE ...] [--held HELD] [--json FILE] [--no-filters]

Songs: ${EVERMIX_SHARED:-../shared}/music/multitrack, 25 seconds of each clip with stems in beats/,
and the held pieces (12 seconds of each). Printed for each: SDR drums / rest (SI-SDR drums / rest) in
dB over both channels; then means over each set, of the whole band and of regions, and what hurts:

- echo: the loudest 23 ms before a hit in the found drums against the 23 ms after it in the true
  ones, median over strong hits that nothing precedes, in dB (lower is better);
- leak: what is taken for drums above 3 kHz where there are none, against all there is above 3 kHz,
  in held pieces without their drums, in dB (lower is better).

`filters` is librosa's separation with the setting that was best of six on earlier held pieces
(window 4096, 17 by 31, power 2). The program itself is measured by scripts/evaluate_separation.py.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import scipy.fft
import soundfile
import torch
from safetensors.torch import load_file

from common import RATE
from model import DrumMask

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("EVERMIX_SHARED", ROOT / ".." / "shared"))
REGIONS = {
    "below 100 Hz": (0, 100),
    "100 to 1000 Hz": (100, 1000),
    "above 1 kHz": (1000, RATE),
    "above 3 kHz": (3000, RATE),
}
BLOCK = RATE // 1000


def read(path):
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == RATE, path
    return (np.repeat(sound, 2, 1) if sound.shape[1] == 1 else sound).T.copy()


def songs(held):
    """(set, name, drums, rest) of each."""
    folder = SHARED / "music" / "multitrack"
    yield "band", "multitrack", read(folder / "drums_stem.flac"), read(folder / "other_stem.flac")
    for file in sorted((SHARED / "beats").glob("*.drums.ogg")):
        drums, rest = read(file), read(file.with_name(file.name.replace(".drums.", ".other.")))
        end = min(drums.shape[1], rest.shape[1], 35 * RATE)
        yield "clips", file.name.split(".")[0], drums[:, 10 * RATE : end], rest[:, 10 * RATE : end]
    for file in sorted(held.glob("p?????.npy")) if held else []:
        stems = np.load(file)[:, :, 4 * RATE : 16 * RATE].astype(np.float32) / 32_768
        yield "held", file.stem, stems[0], stems[1:].sum(0)


def sdr(found, stem):
    stem = stem.astype(np.float64)
    return 10 * np.log10((np.sum(stem**2) + 1e-9) / (np.sum((stem - found) ** 2) + 1e-9))


def si_sdr(found, stem):
    found, stem = found.astype(np.float64), stem.astype(np.float64)
    return sdr(found, np.sum(found * stem) / (np.sum(stem**2) + 1e-12) * stem)


def powers(x):
    """The power in each region."""
    size = scipy.fft.next_fast_len(x.shape[1], real=True)
    power = np.sum(np.abs(scipy.fft.rfft(x.astype(np.float32), size)) ** 2, 0, dtype=np.float64)
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    return {
        name: power[(hertz >= low) & (hertz < high)].sum() + 1e-9
        for name, (low, high) in REGIONS.items()
    }


def hits(drums):
    """Places of strong hits that 40 ms of almost nothing precede."""
    count = drums.shape[1] // BLOCK
    power = (drums[:, : count * BLOCK] ** 2).mean(0).reshape(count, BLOCK).mean(1)
    strong = 0.1 * np.sort(power)[-count // 100]
    return [
        i * BLOCK
        for i in range(45, count - 30)
        if power[i : i + 3].max() > strong
        and power[i - 40 : i - 1].max() < 1e-3 * power[i : i + 3].max()
    ]


def echo(found, drums):
    ratios = []
    for place in hits(drums):
        before = found[:, place - 23 * BLOCK : place - BLOCK] ** 2
        after = drums[:, place : place + 23 * BLOCK] ** 2
        ratios.append(10 * np.log10((before.mean() + 1e-12) / (after.mean() + 1e-12)))
    return float(np.median(ratios)) if ratios else None


def filters(mix):
    import librosa

    spectra = librosa.stft(mix, n_fft=4096, hop_length=1024)
    loud = np.sqrt((np.abs(spectra) ** 2).mean(0))
    mask = librosa.decompose.hpss(loud, kernel_size=(17, 31), power=2.0, mask=True)[1]
    return librosa.istft(spectra * mask[None], hop_length=1024, length=mix.shape[1])


def network(file):
    net = DrumMask().eval()
    net.load_state_dict(load_file(file))

    def separate(mix):
        with torch.no_grad():
            return net(torch.from_numpy(mix)[None])[0].numpy()

    return separate


def measure(kind, separate, drums, rest):
    mix = drums + rest
    found = separate(mix)
    scores = {"drums": sdr(found, drums), "rest": sdr(mix - found, rest)}
    scores |= {"si drums": si_sdr(found, drums), "si rest": si_sdr(mix - found, rest)}
    wrong, whole, left = powers(found - drums), powers(drums), powers(rest)
    for name in ("below 100 Hz", "100 to 1000 Hz", "above 1 kHz"):
        scores[f"drums {name}"] = 10 * np.log10(whole[name] / wrong[name])
        scores[f"rest {name}"] = 10 * np.log10(left[name] / wrong[name])
    scores["echo"] = echo(found, drums)
    if kind == "held":
        taken = powers(separate(rest))["above 3 kHz"]
        scores["leak"] = 10 * np.log10(taken / left["above 3 kHz"])
    return {name: value if value is None else float(value) for name, value in scores.items()}


def show(results, columns):
    print("| song | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for name, row in results.items():
        cells = (row[c] for c in columns)
        cells = [
            f"{r['drums']:.1f} / {r['rest']:.1f} ({r['si drums']:.1f} / {r['si rest']:.1f})"
            for r in cells
        ]
        print(f"| {name} | " + " | ".join(cells) + " |")
    kinds = sorted({name.split("/")[0] for name in results})
    print("\n| mean | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for kind in kinds:
        rows = [row for name, row in results.items() if name.startswith(kind + "/")]
        for score in rows[0][columns[0]]:
            means = []
            for column in columns:
                values = [row[column][score] for row in rows if row[column][score] is not None]
                means.append(f"{np.mean(values):.2f}" if values else "")
            print(f"| {kind}: {score} | " + " | ".join(means) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", nargs="*", default=[])
    parser.add_argument("--held", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--no-filters", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    ways = {"the mix itself": lambda mix: mix}
    if not args.no_filters:
        ways["filters"] = filters
    for word in args.weights:
        name, file = word.split("=", 1)
        ways[name] = network(file)
    results = {}
    for kind, name, drums, rest in songs(args.held):
        row = results[f"{kind}/{name}"] = {}
        for way, separate in ways.items():
            row[way] = measure(kind, separate, drums, rest)
        if args.json:
            args.json.write_text(json.dumps(results, indent=1) + "\n")
    show(results, list(next(iter(results.values()))))


if __name__ == "__main__":
    main()
