#!/usr/bin/env python3
"""Trains the network that judges bars (models/metre.f32).

  train.py OUT.f32 FOLDER [FOLDER ...] [--often FOLDER] [--leave NAME,NAME ...] [--seed 0]

Each FOLDER holds what `cargo run --release --example onset_curves` wrote of the pieces, and their
NAME.beats (seconds, tab, position in the bar). Every reading of both tracked pulses is laid over the
curves and folded to bars of four, three and two beats, as src/analysis/metre.rs does it; the network
learns to put the true reading, bar and phase above all others (softmax over all of them), in every
stretch of 32 pulses, over the whole piece, and over the whole piece with both pulses at once, so
that the scores of two pulses can be compared. Registers are made louder, softer or silent at
random, so that no one of them decides alone. --leave keeps pieces out, to score on them:
cross-validation trains once with each half left out. Needs numpy and torch.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

PARTS, MOMENTS, REACH, CLIP, CHUNK = 12, [0, 3, 4, 6, 8, 9], 2, 4.0, 32
# The program tries the first five strides; the others make the network's task harder.
READINGS = [(s, o) for s, step in ((6, 3), (12, 3), (24, 3), (8, 2), (18, 3), (16, 4), (9, 3), (36, 6), (4, 2))
            for o in range(0, s, step)]
BARS, HIDDEN, FEATURES, RATE = (4, 3, 2), 16, 5, 22050 / 256
WIDTH = FEATURES * len(MOMENTS)
EPOCHS, BATCH, STEP, DECAY, DROP, SAMPLED = 10, 32, 4e-3, 3e-3, 0.4, 14
# How often the pieces of --often are drawn.
OFTEN = 30.0


def f_measure(truth, found, window=0.07, start=-1.0):
    truth, found = truth[truth >= start], found[found >= start]
    if not len(truth) or not len(found):
        return 0.0
    i = np.searchsorted(found, truth)
    before, after = found[np.maximum(i - 1, 0)], found[np.minimum(i, len(found) - 1)]
    hits = (np.minimum(np.abs(truth - before), np.abs(after - truth)) <= window).sum()
    return 2 * min(hits, len(found)) / (len(truth) + len(found))


def describe(loudest, harmony, times):
    hops = np.clip(np.floor(np.maximum(times, 0) + 0.5).astype(int), 0, len(harmony) - 1)
    return np.minimum(np.concatenate([loudest[:, hops], harmony[None, hops]]).T, CLIP)


class Bars:
    """The beats of one reading, folded chunk by chunk, and what is right of it."""

    def __init__(self, beats, chunk_of, found, truth, edges):
        chunks = len(edges) - 1
        downbeats = truth[truth[:, 1] == 1, 0]
        places = np.arange(len(beats))
        self.folds = {n: np.zeros((chunks, n, WIDTH), np.float32) for n in BARS}
        self.fits, self.bars = np.zeros(chunks + 1), {n: np.zeros((chunks + 1, n)) for n in BARS}
        for c in range(chunks + 1):
            # The last row is the whole piece, without its first seconds.
            mine = chunk_of == c if c < chunks else np.ones(len(beats), bool)
            low, high = (edges[c], edges[c + 1] - 0.05) if c < chunks else (5.0, np.inf)
            inside = lambda t: t[(t >= low) & (t < high)]
            times = found[mine & (found >= 5.0)] if c == chunks else found[mine]
            kept = places[mine & (found >= 5.0)] if c == chunks else places[mine]
            self.fits[c] = f_measure(inside(truth[:, 0]), times)
            for n in BARS:
                for k in range(n):
                    self.bars[n][c, k] = f_measure(inside(downbeats), times[kept % n == k])
                    here = beats[mine & (places % n == k)]
                    if c < chunks and len(here):
                        self.folds[n][c, k] = here.mean(0)


def readings(pulse, curves, truth):
    """Folds, octaves, what is right and what exists, of all readings of one pulse; the last row of
    each is the whole piece."""
    hops, last = np.arange(curves.shape[1]), curves.shape[1] - 1
    loudest = np.max([curves[:4, np.clip(hops + k, 0, last)] for k in range(-REACH, REACH + 1)], 0)
    at = lambda part: np.interp(part / PARTS, np.arange(len(pulse)), pulse)
    chunks, end = max((len(pulse) - 1) // CHUNK, 1), (len(pulse) - 1) * PARTS
    edges = [pulse[c * CHUNK] / RATE - 0.1 for c in range(chunks)] + [pulse[-1] / RATE + 0.15]
    count, per_bar = len(READINGS), int(truth[:, 1].max())
    folds = {n: np.zeros((chunks + 1, count, n, WIDTH), np.float32) for n in BARS}
    octaves, fits = np.zeros((chunks + 1, count), np.float32), np.zeros((chunks + 1, count))
    bars, there = {n: np.zeros((chunks + 1, count, n)) for n in BARS}, np.zeros(count, bool)
    for r, (stride, offset) in enumerate(READINGS):
        parts = np.arange(offset, end - stride + 1, stride, dtype=float)
        if len(parts) < 8:
            continue
        there[r] = True
        moments = [describe(loudest, curves[4], at(parts + stride * m / PARTS)) for m in MOMENTS]
        chunk_of = np.minimum(parts // (CHUNK * PARTS), chunks - 1).astype(int)
        one = Bars(np.concatenate(moments, 1), chunk_of, at(parts) / RATE, truth, edges)
        gaps = np.diff(pulse) / RATE * stride / PARTS
        for c in range(chunks):
            mine = np.sort(gaps[c * CHUNK:(c + 1) * CHUNK if c + 1 < chunks else None])
            octaves[c, r] = np.log2(60 / mine[len(mine) // 2] / 115)
        octaves[chunks, r] = octaves[:chunks, r].mean()
        fits[:, r] = one.fits
        for n in BARS:
            folds[n][:chunks, r], bars[n][:, r] = one.folds[n], one.bars[n]
            folds[n][chunks, r] = one.folds[n].mean(0)
    good = there & (fits >= np.maximum(0.8, fits.max(1, keepdims=True) - 0.05))
    right = [good[..., None] & (bars[n] > 0.75) & (n == per_bar) for n in BARS]
    return folds, octaves, np.concatenate(right, 2), there


def examples(path, rng):
    """Folds, octaves, right and existing readings of every stretch of a piece that has a right one."""
    curves = np.fromfile(path.with_suffix(".curves"), "<f4").reshape(FEATURES, -1)
    truth = np.loadtxt(path.with_suffix(".beats"), ndmin=2)
    pulses = [np.array(p, float) for p in json.loads(path.read_text())["pulses"] if len(p) > 1]
    both, found = [readings(pulse, curves, truth) for pulse in pulses], []
    for folds, octaves, right, there in both:
        for c in range(len(octaves)):
            if right[c].any():
                found.append(({n: folds[n][c] for n in BARS}, octaves[c], right[c], there))
    if len(both) == 2 and any(right[-1].any() for _, _, right, _ in both):
        # Half of the readings of each pulse, the right ones among them.
        halves = []
        for (folds, octaves, right, there), many in zip(both, (len(READINGS) - len(READINGS) // 2, len(READINGS) // 2)):
            draw = rng.random(len(READINGS)) + 2 * right[-1].any(1) + there
            kept = np.argsort(-draw)[:many]
            halves.append(({n: folds[n][-1, kept] for n in BARS}, octaves[-1, kept], right[-1, kept], there[kept]))
        a, b = halves
        found.append(({n: np.concatenate([a[0][n], b[0][n]]) for n in BARS}, *(np.concatenate(x) for x in zip(a[1:], b[1:]))))
    return found


class Network(torch.nn.Module):
    """All members at once."""

    def __init__(self, members, seed):
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        normal = lambda *shape: torch.nn.Parameter(torch.randn(members, *shape, generator=rng) / shape[0]**0.5)
        self.members, p = members, {}
        for n in BARS:
            p[f"weights{n}"], p[f"output{n}"] = normal(WIDTH * n, HIDDEN), normal(HIDDEN)
            p[f"output{n}"].data *= 0.1
            p[f"biases{n}"] = torch.nn.Parameter(torch.zeros(members, HIDDEN))
            p[f"offset{n}"] = torch.nn.Parameter(torch.full((members,), 0.0 if n == 4 else -1.0))
        p["tempo"] = torch.nn.Parameter(torch.tensor([[0.0, -2.0, 0.0, 0.0]]).repeat(members, 1))
        self.p = torch.nn.ParameterDict(p)

    def forward(self, folds, octaves, keep):
        """Scores of all bars in all phases: members, examples, readings, hypotheses."""
        o, scores = octaves, []
        terms = torch.stack([o, o * o, (o - 0.6).clamp(min=0), (-o - 0.6).clamp(min=0)], -1)
        usual = torch.einsum("brk,mk->mbr", terms, self.p["tempo"])
        for n in BARS:
            x, m = folds[n], self.members
            b, r = x.shape[1:3]
            # What the beat at place p adds to the hidden units if it is beat k of the bar.
            weights = self.p[f"weights{n}"].view(m, n, WIDTH, HIDDEN).permute(0, 2, 1, 3).reshape(m, WIDTH, -1)
            adds = torch.bmm(x.reshape(m, -1, WIDTH), weights).view(m, b, r, n, n, HIDDEN)
            for phase in range(n):
                hidden = sum(adds[:, :, :, p, (p - phase) % n] for p in range(n))
                hidden = torch.relu(hidden + self.p[f"biases{n}"][:, None, None]) * keep[n]
                out = (hidden * self.p[f"output{n}"][:, None, None]).sum(-1)
                scores.append(out + self.p[f"offset{n}"][:, None, None] + usual)
        return torch.stack(scores, -1)


def louder(folds, members, rng):
    count = len(folds[4])
    gain = torch.exp(0.25 * torch.randn(members, count, FEATURES, generator=rng))
    which = torch.nn.functional.one_hot(torch.randint(FEATURES, (members, count), generator=rng), FEATURES)
    soft = torch.where(torch.rand(members, count, 1, generator=rng) < 0.5, 0.0, 0.3)
    hit = which.bool() & (torch.rand(members, count, 1, generator=rng) < 0.25)
    gain = torch.where(hit, gain * soft, gain).repeat(1, 1, len(MOMENTS))[:, :, None, None]
    return {n: folds[n][None] * gain for n in BARS}


def train(found, weights, members, seed):
    stack = lambda column: torch.tensor(np.array(column))
    folds = {n: stack([f[n] for f, *_ in found]) for n in BARS}
    octaves, right, there = (stack([x[i] for x in found]) for i in (1, 2, 3))
    weights, rng, net = torch.tensor(weights), torch.Generator().manual_seed(seed + 1), Network(members, seed)
    decayed = [p for name, p in net.p.items() if name.startswith(("weights", "output"))]
    others = [p for name, p in net.p.items() if not name.startswith(("weights", "output"))]
    learn = torch.optim.Adam([{"params": decayed, "weight_decay": DECAY}, {"params": others}], lr=STEP)
    steps = EPOCHS * (len(found) // BATCH)
    for step in range(steps):
        for group in learn.param_groups:
            group["lr"] = STEP * (0.03 + 0.97 * 0.5 * (1 + np.cos(np.pi * step / steps)))
        at = torch.multinomial(weights, BATCH, generator=rng)
        # The right readings and some of the others.
        draw = torch.rand(BATCH, len(READINGS), generator=rng) + 2.0 * there[at] + 2.0 * right[at].any(-1)
        some = draw.topk(SAMPLED, 1).indices
        pick = lambda x: torch.stack([rows[i] for rows, i in zip(x[at], some)])
        keep = {n: (torch.rand(members, 1, 1, HIDDEN, generator=rng) > DROP) / (1 - DROP) for n in BARS}
        scores = net(louder({n: pick(folds[n]) for n in BARS}, members, rng), pick(octaves), keep)
        scores = scores.masked_fill(~pick(there)[None, ..., None], -1e6).flatten(2)
        wrong = ~pick(right).flatten(1)[None]
        loss = torch.logsumexp(scores, -1) - torch.logsumexp(scores.masked_fill(wrong, -1e6), -1)
        learn.zero_grad()
        loss.mean(1).sum().backward()
        learn.step()
    return net


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--members", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--leave", default="", help="names of pieces, parted by commas")
    parser.add_argument("--often", type=Path, help="FOLDER whose pieces are drawn thirty times as often")
    args = parser.parse_args()
    left, found, weights, rng = set(args.leave.split(",")), [], [], np.random.default_rng(args.seed)
    for folder in args.folders:
        for path in sorted(folder.glob("*.json")):
            if path.stem not in left:
                new = examples(path, rng)
                found += new
                weights += [OFTEN if folder == args.often else 1.0] * len(new)
    net = train(found, weights, args.members, args.seed)
    order = [f"{part}{n}" for n in BARS for part in ("weights", "biases", "output", "offset")] + ["tempo"]
    numbers = [net.p[name].detach()[m].ravel().numpy() for m in range(args.members) for name in order]
    np.concatenate(numbers).astype("<f4").tofile(args.out)
    print(f"{len(found)} examples, {args.members} members: {args.out}")


if __name__ == "__main__":
    main()
