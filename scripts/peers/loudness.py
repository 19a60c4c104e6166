#!/usr/bin/env python3
"""Loudness, range and true peak of `remix analyze` beside ffmpeg's ebur128 filter.

  loudness.py [SONGS] [--binary target/release/remix] [--most 0.1]

Both measure every song at the top level of SONGS (default ${EVERMIX_SHARED:-../shared}/music). The
script ends with 1 if an integrated loudness differs by more than --most LU. ffmpeg gives the true
peak to 0.1 dB. Lossy files may decode a little differently in the two programs.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOUNDS = {".mp3", ".ogg", ".opus", ".flac", ".wav", ".m4a"}


def ours(binary, song):
    command = [binary, "analyze", song, "--json", "--no-cache", "-q"]
    told = subprocess.run(command, capture_output=True, check=True).stdout
    track = json.loads(told)["tracks"][0]
    return track["loudness_lufs"], track["loudness_range_lu"], track["true_peak_dbtp"]


def theirs(song):
    keys = "ebur128=metadata=1:peak=true,ametadata=print:file=-"
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-i", song, "-vn", "-af", keys]
    ran = subprocess.run(command + ["-f", "null", "-"], capture_output=True, check=True, text=True)
    last = {key: float(value) for key, value in re.findall(r"r128\.(I|LRA)=(\S+)", ran.stdout)}
    peak = re.findall(r"Peak:\s+(\S+) dBFS", ran.stderr)[-1]
    return last["I"], last["LRA"], float(peak)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(os.environ.get("EVERMIX_SHARED", ROOT.parent / "shared")) / "music"
    parser.add_argument("songs", nargs="?", type=Path, default=default)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/remix")
    parser.add_argument("--most", type=float, default=0.1)
    args = parser.parse_args()
    songs = sorted(p for p in args.songs.iterdir() if p.suffix.lower() in SOUNDS)
    print(f"{'song':28}{'LUFS':>8}{'ffmpeg':>8}{'LU':>7}{'ffmpeg':>8}{'dBTP':>7}{'ffmpeg':>8}")
    worst = [0.0, 0.0, 0.0]
    for song in songs:
        pairs = list(zip(ours(args.binary, song), theirs(song)))
        worst = [max(w, abs(a - b)) for w, (a, b) in zip(worst, pairs)]
        (i, fi), (r, fr), (p, fp) = pairs
        print(f"{song.name[:27]:28}{i:8.2f}{fi:8.2f}{r:7.2f}{fr:8.2f}{p:7.2f}{fp:8.1f}")
    print("largest difference: {:.3f} LU, range {:.2f} LU, peak {:.2f} dB".format(*worst))
    sys.exit(worst[0] > args.most)


if __name__ == "__main__":
    main()
