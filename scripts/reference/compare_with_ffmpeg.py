#!/usr/bin/env python3
"""Decodes songs with Evermix and with ffmpeg and prints how far they differ.

  compare_with_ffmpeg.py [--decoder target/release/examples/decode_to_wav] SONG...

Build the decoder first: cargo build --release --example decode_to_wav. Needs ffmpeg, nothing else.

For each song: frames of ours, frames of ffmpeg's, the largest difference of two samples where both
have one, and the root mean square of the differences in dB below full scale. Songs of more than
two channels are left out: ours are folded to stereo. Exits with 1 where a difference is above
--most (1e-4) or a length differs by more than --frames (0 for exact formats; ffmpeg before 7.1
keeps the padding at the end of AAC songs).
"""

import argparse
import array
import math
import operator
import subprocess
import sys
import tempfile
from pathlib import Path

HEAD = 80  # bytes before the samples in a WAV file of ours
ROOT = Path(__file__).resolve().parent.parent.parent


def ours(decoder, song, folder):
    """Channels and samples, interleaved."""
    out = Path(folder) / "ours.wav"
    subprocess.run([decoder, song, out], check=True)
    data = out.read_bytes()
    samples = array.array("f", data[HEAD : HEAD + (len(data) - HEAD) // 4 * 4])
    return int.from_bytes(data[58:60], "little"), samples


def theirs(song, folder, channels):
    """Samples, interleaved. The volume and rate of the song are left alone."""
    out = Path(folder) / "theirs.raw"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", song, "-map", "0:a:0"]
    subprocess.run([*command, "-ac", str(channels), "-f", "f32le", out], check=True)
    return array.array("f", out.read_bytes())


def native_channels(song):
    command = ["ffprobe", "-v", "error", "-select_streams", "a:0"]
    command += ["-show_entries", "stream=channels", "-of", "csv=p=0", song]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("songs", nargs="+")
    default = ROOT / "target/release/examples/decode_to_wav"
    parser.add_argument("--decoder", default=default)
    parser.add_argument("--most", type=float, default=1e-4)
    parser.add_argument("--frames", type=int, default=0)
    wanted = parser.parse_args()
    print(f"{'song':32} {'ours':>10} {'ffmpeg':>10} {'largest':>10} {'rms':>9}")
    good = True
    for song in wanted.songs:
        if native_channels(song) > 2:
            print(f"{Path(song).name:32} more than two channels")
            continue
        with tempfile.TemporaryDirectory() as folder:
            channels, a = ours(wanted.decoder, song, folder)
            b = theirs(song, folder, channels)
        # map stops at the shorter one.
        largest = max(map(abs, map(operator.sub, a, b)), default=0.0)
        square = math.fsum(map(lambda x, y: (x - y) * (x - y), a, b))
        rms = 10 * math.log10(square / max(1, min(len(a), len(b))) + 1e-30)
        frames = len(a) // channels, len(b) // channels
        print(f"{Path(song).name:32} {frames[0]:10} {frames[1]:10} {largest:10.2e} {rms:6.1f} dB")
        good &= largest <= wanted.most and abs(frames[0] - frames[1]) <= wanted.frames
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
