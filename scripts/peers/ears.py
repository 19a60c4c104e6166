#!/usr/bin/env python3
"""`remix analyze` beside librosa and aubiotrack on the same songs in the same run.

  ears.py [SONGS] [-n 3] [--binary target/release/remix] [--aubiotrack aubiotrack] [--json FILE]

remix tells beats, bars, tempo, key, form, loudness and more of every song; librosa (run with the
Python that runs this script) loads mono at 22 050 Hz and does beat_track, chroma_stft and mfcc;
aubiotrack (Debian: aubio-tools, left out where it is missing) only finds beats. One thread each.
CPU seconds (user + system) of the child processes, medians of n runs; librosa's imports and
compiling are taken off. SONGS is a folder whose files at the top level are used; by default
${EVERMIX_SHARED:-../shared}/music.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

PEER = """
import sys, time, librosa
y, sr = librosa.tone(440, sr=22050, length=44100), 22050
librosa.beat.beat_track(y=y, sr=sr); librosa.feature.chroma_stft(y=y, sr=sr); librosa.feature.mfcc(y=y, sr=sr)
began = time.process_time()
for path in sys.argv[1:]:
    y, sr = librosa.load(path, sr=22050)
    librosa.beat.beat_track(y=y, sr=sr); librosa.feature.chroma_stft(y=y, sr=sr); librosa.feature.mfcc(y=y, sr=sr)
print(time.process_time() - began)
"""


def cpu(command, env):
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("songs", type=Path, nargs="?",
                        default=Path(os.environ.get("EVERMIX_SHARED", "../shared")) / "music")
    parser.add_argument("-n", type=int, default=3)
    parser.add_argument("--binary", default="target/release/remix")
    parser.add_argument("--aubiotrack", default="aubiotrack")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    songs = sorted(str(p) for p in args.songs.iterdir() if p.suffix in (".ogg", ".mp3", ".flac", ".wav"))
    env = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    rows = {"remix analyze": [], "librosa": [], "aubiotrack": []}
    for _ in range(args.n):
        command = [args.binary, "analyze", *songs, "--json", "--no-cache", "--threads", "1"]
        used, rss, said = cpu(command, env)
        seconds = sum(track["duration"] for track in json.loads(said)["tracks"])
        rows["remix analyze"].append((used, rss))
        _, rss, said = cpu([sys.executable, "-c", PEER, *songs], env)
        rows["librosa"].append((float(said), rss))
        if shutil.which(args.aubiotrack):
            runs = [cpu([args.aubiotrack, song], env) for song in songs]
            rows["aubiotrack"].append((sum(r[0] for r in runs), max(r[1] for r in runs)))
    ours = statistics.median(r[0] for r in rows["remix analyze"])
    print(f"{len(songs)} songs, {seconds / 60:.1f} minutes, medians of {args.n}")
    for who, runs in rows.items():
        if runs:
            used, rss = statistics.median(r[0] for r in runs), max(r[1] for r in runs)
            print(f"{who:14s} {used:6.2f} s CPU  {used / seconds * 60:.3f} s a minute  {used / ours:5.2f}x  {rss:5.0f} MiB")
    if args.json:
        args.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
