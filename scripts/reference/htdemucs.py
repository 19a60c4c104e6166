#!/usr/bin/env python3
"""Weights for HTDemucs that nobody trained: for tests of the architecture, not for music.

  htdemucs.py weights OUT.safetensors [--seed N] [--small] [--float32] [--signature HEX] [--bag]
  htdemucs.py golden  OUT_DIR

`weights` writes random weights of the published network, which has 41,984,456 parameters, or of a
network of the same topology that is small enough for a test. Every tensor differs from its initial
value, so that none can be forgotten unnoticed. --signature puts the eight digits before the names
as some published files do; --bag writes four networks, one for each source.

`golden` makes the files tests/htdemucs/: a small network as 16-bit floats, and every 211th frame
of what it finds in eleven seconds that the test makes anew.

Needs torch, numpy, safetensors and demucs 4.1.0 (pip install --no-deps demucs julius openunmix
einops dora-search omegaconf treetable retrying lameenc submitit).
"""

import argparse
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from demucs.apply import apply_model
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file

SOURCES = ["drums", "bass", "other", "vocals"]
BAG = ["f7e0c4bc", "d12395a8", "92cfc3b6", "04573f0d"]
PUBLISHED = dict(dconv_mode=3, bottom_channels=512, segment=Fraction(39, 5))
SMALL = dict(
    dconv_mode=3, bottom_channels=16, segment=Fraction(5, 2), channels=4, dconv_comp=4, t_heads=4,
    t_layers=3, t_hidden_scale=2.0,
)  # fmt: skip
STEP = 211


def network(seed, small):
    torch.manual_seed(seed)
    model = HTDemucs(SOURCES, **(SMALL if small else PUBLISHED)).eval()
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            noise = torch.randn(tensor.shape)
            if name.endswith("scale"):
                tensor.copy_(0.3 + 0.1 * noise)
            else:
                tensor.add_(0.1 * tensor.std().nan_to_num(0.0).clamp(0.05, 1.0) * noise)
    return model


def rounded(model, half):
    """What a file of 16-bit floats leaves of the weights."""
    if half:
        with torch.no_grad():
            for tensor in model.parameters():
                tensor.copy_(tensor.half().float())
    return model


def plain(value):
    if isinstance(value, Fraction):
        return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
    return value


def tensors(model, half, prefix=""):
    state = model.state_dict().items()
    return {prefix + k: (v.half() if half else v).contiguous().clone() for k, v in state}


def save(models, path, half, small):
    """Writes models by prefix, with the arguments where they are not the published ones."""
    about = {}
    if small:
        about = {"kwargs": json.dumps({k: plain(v) for k, v in SMALL.items()})}
    parts = [tensors(model, half, prefix) for prefix, model in models.items()]
    save_file({k: v for part in parts for k, v in part.items()}, path, metadata=about)


def noise_and_tones(frames):
    """Two channels that every language can make alike: a linear congruential generator of 32 bits
    under a saw that dies away twice a second, and a square wave on the left."""
    state, out = 1, np.zeros((2, frames), np.float32)
    for i in range(frames):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        noise = (state >> 16) - 32768
        swell = 22050 - i % 22050
        burst = noise * swell // 65536
        square = 4096 if i // 100 % 2 == 0 else -4096
        out[0, i] = (burst + square) / 32768
        out[1, i] = burst / 32768
    return out


def separate(model, mix):
    """The whole path of the demucs program, without random shifts."""
    mix = torch.from_numpy(mix)
    reference = mix.mean(0)
    mean, std = reference.mean(), reference.std() + 1e-8
    with torch.no_grad():
        found = apply_model(model, ((mix - mean) / std)[None], shifts=0, split=True, overlap=0.25)
    return (found[0] * std + mean).numpy()


def golden(folder):
    folder.mkdir(parents=True, exist_ok=True)
    model = rounded(network(7, True), True)
    save({"": model}, folder / "small.safetensors", True, True)
    found = separate(model, noise_and_tones(11 * 44100 // 2))
    found[:, :, ::STEP].astype("<f4").tofile(folder / "small.f32")
    print(found.shape, float(np.abs(found).max()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    weights = commands.add_parser("weights")
    weights.add_argument("out", type=Path)
    weights.add_argument("--seed", type=int, default=0)
    weights.add_argument("--small", action="store_true")
    weights.add_argument("--float32", action="store_true")
    weights.add_argument("--signature", default="")
    weights.add_argument("--bag", action="store_true")
    commands.add_parser("golden").add_argument("out", type=Path)
    args = parser.parse_args()
    if args.command == "golden":
        return golden(args.out)
    prefixes = [f"{s}." for s in BAG] if args.bag else [args.signature and f"{args.signature}."]
    models = {p: network(args.seed + i, args.small) for i, p in enumerate(prefixes)}
    save(models, args.out, not args.float32, args.small)
    count = sum(p.numel() for p in next(iter(models.values())).parameters())
    print(f"{args.out}: {count} parameters in each of {len(models)} networks")


if __name__ == "__main__":
    main()
