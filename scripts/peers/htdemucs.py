#!/usr/bin/env python3
"""Our HTDemucs beside the one of its authors, the `demucs` package on PyTorch: same weights, same
music, whole way from the file to the stems.

  htdemucs.py WEIGHTS.safetensors SONG [--seconds 20] [--from 10] [--threads 1] [--binary BINARY]

WEIGHTS may be random ones (scripts/reference/htdemucs.py weights WEIGHTS) or the published ones:
what is compared is the arithmetic. Prints the largest difference of any sample of any source, the
processor seconds each took for a second of music without loading, and the most memory each had.
Needs the packages of scripts/reference/htdemucs.py and soundfile; Linux.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PREFIX = re.compile(r"^[0-9a-f]{8}\.")


def theirs(args):
    """Runs the package; in a process of its own, so that its memory is its own."""
    import numpy as np
    import soundfile
    import torch
    from demucs.htdemucs import HTDemucs
    from safetensors.torch import load_file

    sys.path.insert(0, str(ROOT / "scripts" / "reference"))
    import htdemucs as reference

    torch.set_num_threads(args.threads)
    state = {PREFIX.sub("", k): v.float() for k, v in load_file(args.weights).items()}
    model = HTDemucs(reference.SOURCES, **reference.PUBLISHED).eval()
    model.load_state_dict(state)
    mix, _ = soundfile.read(args.song, dtype="float32", always_2d=True)
    begun, wall = time.process_time(), time.time()
    found = reference.separate(model, np.ascontiguousarray(mix.T))
    cpu, wall = time.process_time() - begun, time.time() - wall
    np.save(args.out, found)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": cpu, "wall": wall, "peak_mib": peak}))


def run(words):
    """Runs a program; its processor seconds and the most memory it had."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    timed = ["/usr/bin/env", "python3", "-c", WATCH, *map(str, words)]
    out = subprocess.run(timed, check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, int(out.strip().splitlines()[-1]) / 1024


WATCH = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def ours(args, song, stems, parts):
    words = [args.binary, "separate", "-q", "--model", args.weights, "--threads", args.threads]
    words += ["--stems", parts, "--project", stems / "project", song, stems]
    return run(words)


def compare(args):
    import numpy as np
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        mix, rate = soundfile.read(args.song, dtype="float32", always_2d=True)
        start = int(args.start * rate)
        mix = mix[start : start + int(args.seconds * rate)]
        song, short = folder / "song.wav", folder / "short.wav"
        soundfile.write(song, mix, rate, subtype="FLOAT")
        # What a second takes is what a longer song takes more than a short one.
        soundfile.write(short, mix[: rate // 10], rate, subtype="FLOAT")
        words = [sys.executable, __file__, args.weights, song, "--threads", args.threads]
        words += ["--theirs", "--out", folder / "theirs.npy"]
        ran = subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True)
        them = json.loads(ran.stdout.strip().splitlines()[-1])
        results = {p: ours(args, song, folder / f"stems{p}", p) for p in ("2", "4")}
        base = ours(args, short, folder / "short2", "2")[0]
        found = np.load(folder / "theirs.npy")
        stems = folder / "stems4" / "song.wav"
        for i, name in enumerate(["drums", "bass", None, "vocals"]):
            if name:
                ears, _ = soundfile.read(stems / f"song.wav_{name}.wav", dtype="float64")
                error = np.abs(ears.T - found[i])
                loud = np.abs(found[i]).max()
                print(f"{name}: largest difference {error.max():.1e}, largest sample {loud:.3f}")
        two, _ = soundfile.read(
            folder / "stems2" / "song.wav" / "song.wav_drums.wav", dtype="float64"
        )
        print(f"drums of two stems: largest difference {np.abs(two.T - found[0]).max():.1e}")
        seconds = len(mix) / rate
        segments = -(-len(mix) // 257985)
        print(f"{seconds:.1f} s of music in {segments} segments, {args.threads} threads")
        cpu, peak = them["cpu"] / seconds, them["peak_mib"]
        print(f"demucs on PyTorch: {cpu:.3f} CPU-s a second, {peak:.0f} MiB")
        for parts, (cpu, peak) in results.items():
            print(
                f"ours, {parts} stems: {cpu / seconds:.3f} CPU-s a second with loading, "
                f"{peak:.0f} MiB"
            )
        # One segment is in both runs.
        each = (results["2"][0] - base) / max(1, segments - 1)
        print(f"ours, 2 stems: {each:.2f} CPU-s a segment; theirs {them['cpu'] / segments:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("song", type=Path)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--from", dest="start", type=float, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--binary", default=ROOT / "target" / "release" / "remix")
    parser.add_argument("--theirs", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    theirs(args) if args.theirs else compare(args)


if __name__ == "__main__":
    main()
