#!/usr/bin/env python3
"""Trains the network that judges bars (models/metre.f32).

  train.py OUT.f32 FOLDER [FOLDER ...] [--members 3] [--seed 100] [--leave NAME,NAME ...]

Each FOLDER holds what `cargo run --release --example onset_curves` wrote of the pieces, and their
NAME.beats (seconds, tab, position in the bar). For every piece each reading of the tracked pulse is
laid over the curves and folded to bars of four, three and two beats, as src/analysis/metre.rs does
it; the network learns to put the true reading, bar and phase above all others (softmax over all of
them). Registers are made louder, softer or silent at random, so that no one of them decides alone.
--leave keeps pieces out, to score on them: cross-validation trains once with each half left out.
"""

import argparse
import json
from pathlib import Path

import numpy as np

PARTS, MOMENTS, REACH, CLIP, CHUNK = 12, [0, 3, 4, 6, 8, 9], 2, 4.0, 32
# The program tries the first three strides; the others make the network's task harder.
READINGS = [(s, o) for s, step in ((6, 3), (12, 3), (24, 3), (8, 2), (18, 3), (36, 6), (4, 2))
            for o in range(0, s, step)]
BARS, HIDDEN, RATE = (4, 3, 2), 16, 22050 / 256
EPOCHS, STEP, DECAY, DROP = 14, 2e-3, 3e-3, 0.4


def f_measure(truth, found, window=0.07, start=5.0):
    truth, found = truth[truth >= start], found[found >= start]
    hits = i = j = 0
    while i < len(truth) and j < len(found):
        if abs(truth[i] - found[j]) <= window:
            hits, i, j = hits + 1, i + 1, j + 1
        elif found[j] < truth[i]:
            j += 1
        else:
            i += 1
    return 2 * hits / max(len(truth) + len(found), 1)


def describe(curves, times):
    hops = np.clip(np.round(times).astype(int), 0, curves.shape[1] - 1)
    last = curves.shape[1] - 1
    around = [curves[:4, np.clip(hops + k, 0, last)] for k in range(-REACH, REACH + 1)]
    return np.minimum(np.concatenate([np.max(around, 0), curves[4:, hops]]).T, CLIP)


def fold(beats, chunk_of, chunks, per_bar):
    folded = np.zeros((chunks, per_bar, beats.shape[1]), np.float32)
    places = np.arange(len(beats)) % per_bar
    for c in range(chunks):
        for k in range(per_bar):
            mine = beats[(chunk_of == c) & (places == k)]
            folded[c, k] = mine.mean(0) if len(mine) else 0
    return folded


def piece(path, beats_file):
    pulse = np.array(json.loads(path.read_text())["pulse"], float)
    curves = np.fromfile(path.with_suffix(".curves"), "<f4").reshape(5, -1)
    truth = np.loadtxt(beats_file, ndmin=2)
    times, per_bar = truth[:, 0], int(truth[:, 1].max())
    downbeats = times[truth[:, 1] == 1]
    at = lambda part: np.interp(part / PARTS, np.arange(len(pulse)), pulse)
    chunks, end = max((len(pulse) - 1) // CHUNK, 1), (len(pulse) - 1) * PARTS
    folds, tempi, fits, bars = {n: [] for n in BARS}, [], [], {n: [] for n in BARS}
    for stride, offset in READINGS:
        parts = np.arange(offset, end - stride + 1, stride, dtype=float)
        if len(parts) < 8:
            continue
        beats = np.concatenate([describe(curves, at(parts + stride * m / PARTS)) for m in MOMENTS], 1)
        chunk_of = np.minimum(parts // (CHUNK * PARTS), chunks - 1).astype(int)
        gaps = np.diff(pulse) / RATE * stride / PARTS
        ends = [(c + 1) * CHUNK if c + 1 < chunks else None for c in range(chunks)]
        tempi.append([np.log2(60 / np.median(gaps[c * CHUNK:e]) / 115) for c, e in enumerate(ends)])
        found = at(parts) / RATE
        fits.append(f_measure(times, found))
        for n in BARS:
            turned = [np.roll(fold(beats, chunk_of, chunks, n), -k, 1).reshape(chunks, -1) for k in range(n)]
            folds[n].append(np.stack(turned, 1))
            bars[n].append([f_measure(downbeats, found[k::n]) for k in range(n)])
    fits = np.array(fits)
    good = fits >= max(0.8, fits.max() - 0.05)
    right = {n: good[:, None] & (np.array(bars[n]) > 0.8) & (n == per_bar) for n in BARS}
    folds = {n: np.stack(folds[n], 1).astype(np.float32) for n in BARS}
    return folds, np.array(tempi, np.float32).T, right


def tempo_terms(octaves):
    return np.stack([octaves, octaves**2, np.maximum(octaves - 0.6, 0), np.maximum(-octaves - 0.6, 0)], -1)


def fresh(rng):
    normal = lambda *shape: rng.normal(0, 1 / np.sqrt(shape[0]), shape).astype(np.float32)
    p = {"tempo": np.array([0, -2, 0, 0], np.float32)}
    for n in BARS:
        p |= {f"weights{n}": normal(30 * n, HIDDEN), f"biases{n}": np.zeros(HIDDEN, np.float32),
              f"output{n}": normal(HIDDEN, 1)[:, 0] * 0.1, f"offset{n}": np.float32(0 if n == 4 else -1)}
    return p


def gradients(p, folds, octaves, right, keep):
    usual = (tempo_terms(octaves) @ p["tempo"])[:, None]
    hidden = {n: np.maximum(folds[n] @ p[f"weights{n}"] + p[f"biases{n}"], 0) * keep for n in BARS}
    scores = {n: hidden[n] @ p[f"output{n}"] + p[f"offset{n}"] + usual for n in BARS}
    flat = np.concatenate([scores[n].ravel() for n in BARS])
    truth = np.concatenate([right[n].ravel() for n in BARS])
    share = np.exp(flat - flat.max())
    share /= share.sum()
    pull = share - np.where(truth, share / (share[truth].sum() + 1e-12), 0)
    grads, at, by_reading = {}, 0, 0
    for n in BARS:
        g = pull[at:at + scores[n].size].reshape(scores[n].shape)
        at += scores[n].size
        by_reading = by_reading + g.sum(-1)
        back = (g[..., None] * p[f"output{n}"]) * (hidden[n] > 0) * keep
        grads |= {f"output{n}": np.tensordot(g, hidden[n], 2), f"offset{n}": g.sum(),
                  f"weights{n}": np.tensordot(folds[n], back, ((0, 1), (0, 1))), f"biases{n}": back.sum((0, 1))}
    grads["tempo"] = by_reading @ tempo_terms(octaves)
    return grads


def louder(folds, rng):
    gain = np.exp(rng.normal(0, 0.25, 5)).astype(np.float32)
    if rng.random() < 0.25:
        gain[rng.integers(5)] *= rng.choice([0, 0.3])
    return {n: folds[n] * np.tile(gain, len(MOMENTS) * n) for n in BARS}


def train(pieces, seed):
    rng = np.random.default_rng(seed)
    p, moments, count = fresh(rng), {}, 0
    examples = []
    for folds, tempi, right in pieces:
        if any(right[n].any() for n in BARS):
            examples += [({n: folds[n][c] for n in BARS}, tempi[c], right) for c in range(len(tempi))]
            examples.append(({n: folds[n].mean(0) for n in BARS}, tempi.mean(0), right))
    for epoch in range(EPOCHS):
        rate = STEP if epoch < 0.6 * EPOCHS else 0.3 * STEP
        for i in rng.permutation(len(examples)):
            folds, tempi, right = examples[i]
            keep = (rng.random(HIDDEN) > DROP).astype(np.float32) / (1 - DROP)
            count += 1
            for name, g in gradients(p, louder(folds, rng), tempi, right, keep).items():
                if name.startswith(("weights", "output")):
                    g = g + DECAY * p[name]
                m, v = moments.get(name, (0 * g, 0 * g))
                m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
                moments[name] = m, v
                step = m / (1 - 0.9**count) / (np.sqrt(v / (1 - 0.999**count)) + 1e-8)
                p[name] = (p[name] - rate * step).astype(np.float32)
    return p


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--leave", default="")
    parser.add_argument("--often", default="", help="FOLDER whose pieces count four times")
    args = parser.parse_args()
    left, pieces = set(args.leave.split(",")), []
    for folder in args.folders:
        for path in sorted(folder.glob("*.json")):
            if path.stem not in left:
                times = 4 if str(folder) == args.often else 1
                pieces += [piece(path, path.with_suffix(".beats"))] * times
    members = [train(pieces, args.seed + i) for i in range(args.members)]
    order = [f"{part}{n}" for n in BARS for part in ("weights", "biases", "output", "offset")] + ["tempo"]
    np.concatenate([np.ravel(p[name]) for p in members for name in order]).astype("<f4").tofile(args.out)
    print(f"{len(pieces)} pieces, {args.members} members: {args.out}")


if __name__ == "__main__":
    main()
