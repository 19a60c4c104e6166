#!/usr/bin/env python3
"""A peer of `remix` without separation, made of librosa, scikit-learn and soundfile.

  librosa_remix.py SONGS... --work DIR --out OUT.wav --beats 200 --jump-rate 0.1 --seed 1 --warmup

Songs (files, or folders whose top level is searched) are loaded at 22 050 Hz mono, beat-tracked
and cut into DIR/mix/SONG_I.wav (24 bit); each cut gets 12 chroma and 13 MFCC means; the
standardised table is indexed by scikit-learn; a walk over the index is written as a 24-bit WAV.

It is the original Infinite Remixer's pipeline as a careful user would write it today, and is given
every advantage that costs no accuracy: one STFT a cut for both features, filter banks built once a
song, one tuning a song in place of one a cut, nothing but the song at hand in memory.

The last line printed is one JSON object. One thread throughout, so CPU seconds are work done.
Imports and compiling (numba, at the first call of each function) are reported on their own:
`import` and, with --warmup, `warmup`; neither is in the sum `work`.
"""

import os
import time

THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA", "VECLIB_MAXIMUM")
os.environ.update({f"{name}_NUM_THREADS": "1" for name in THREADS})
BEGAN = (time.process_time(), time.perf_counter())

import argparse  # noqa: E402
import json  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402

import joblib  # noqa: E402
import librosa  # noqa: E402
import librosa.beat  # noqa: E402
import librosa.feature  # noqa: E402
import librosa.filters  # noqa: E402
import numpy as np  # noqa: E402
import soundfile as sf  # noqa: E402
from sklearn.neighbors import NearestNeighbors  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402



def peak_rss_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


IMPORTED = (time.process_time(), time.perf_counter())
IMPORTED_RSS = peak_rss_mib()

RATE = 22_050
N_FFT, HOP = 1024, 512
NEIGHBOURS = 500
JOIN = round(0.010 * RATE)
AUDIO = {".aif", ".aiff", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav"}


class Stages:
    """CPU and wall seconds by stage; a stage entered again adds up."""

    def __init__(self):
        self.seconds = {}

    @contextmanager
    def stage(self, name):
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        entry = self.seconds.setdefault(name, {"cpu_s": 0.0, "wall_s": 0.0})
        entry["cpu_s"] += time.process_time() - cpu
        entry["wall_s"] += time.perf_counter() - wall

    def total(self):
        return {k: sum(s[k] for s in self.seconds.values()) for k in ("cpu_s", "wall_s")}


def find_songs(inputs):
    """Audio files by name, and what else lay there."""
    files = []
    for path in map(Path, inputs):
        files += sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    audio = [p for p in files if p.suffix.lower() in AUDIO]
    return audio, [p.name for p in files if p not in audio]


def power(y):
    return np.abs(librosa.stft(y, n_fft=N_FFT, hop_length=HOP)) ** 2


def filter_banks(tuning):
    bank = dict(sr=RATE, n_fft=N_FFT)
    return librosa.filters.chroma(**bank, tuning=tuning), librosa.filters.mel(**bank)


def beat_features(y, banks):
    """What chroma_stft(tuning=...) and mfcc(n_mfcc=13) give, averaged over time: 25 values."""
    spectrum = power(y)
    chroma = librosa.util.normalize(banks[0] @ spectrum, norm=np.inf, axis=-2)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(banks[1] @ spectrum), n_mfcc=13)
    return np.concatenate([chroma.mean(axis=1), mfcc.mean(axis=1)])


def cut(y, beats, folder, song):
    """Writes the pieces between the beats, with what lies before and after; returns them."""
    bounds = [0, *beats.tolist(), len(y)]
    pieces = []
    for i, (start, end) in enumerate(zip(bounds, bounds[1:])):
        if end > start:
            path = folder / f"{song}_{i}.wav"
            sf.write(path, y[start:end], RATE, subtype="PCM_24")
            pieces.append((song, i, path))
    return pieces


def segment(path, folder, stages):
    with stages.stage("load"):
        y, _ = librosa.load(path, sr=RATE, mono=True)
    with stages.stage("beat_track"):
        beats = librosa.beat.beat_track(y=y, sr=RATE, units="samples")[1]
    with stages.stage("cut"):
        pieces = cut(y, beats, folder, path.name)
    with stages.stage("tuning"):
        tuning = librosa.estimate_tuning(S=power(y), sr=RATE, n_fft=N_FFT)
    return pieces, tuning, len(y) / RATE


def create_dataset(mapping, tunings):
    rows, banks, song = [], None, None
    for name, _, path in mapping:
        if name != song:
            song, banks = name, filter_banks(tunings[name])
        y, _ = sf.read(path, dtype="float32")
        rows.append(beat_features(y, banks))
    return np.array(rows)


def fit(dataset, work):
    scaler = StandardScaler().fit(dataset)
    rows = scaler.transform(dataset)
    index = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(rows)), n_jobs=1).fit(rows)
    np.save(work / "dataset.npy", dataset)
    joblib.dump((scaler, index), work / "index.joblib")
    return rows, index


def walk(mapping, rows, index, beats, jump_rate, seed):
    """Rows to play, and whether each follows the one before in its song."""
    draws = np.random.default_rng(seed)
    row_of = {(song, i): row for row, (song, i, _) in enumerate(mapping)}
    row = int(draws.integers(len(mapping)))
    chosen, run = [(row, False)], 1
    while len(chosen) < beats:
        song, i, _ = mapping[row]
        following = row_of.get((song, i + 1))
        if draws.random() <= jump_rate * np.log10(run):
            near = index.kneighbors(rows[row : row + 1], return_distance=False)[0]
            to = next((int(n) for n in near if mapping[n][0] != song), int(near[0]))
        else:
            to = int(draws.integers(len(mapping))) if following is None else following
        run = run + 1 if mapping[to][0] == song else 1
        chosen.append((to, to == following))
        row = to
    return chosen


def render(chosen, mapping, out):
    """Pieces one after the other; where a song is left, 10 ms of both overlap at equal power."""
    angle = (np.arange(JOIN) + 0.5) / JOIN * np.pi / 2
    held = np.zeros(0, np.float32)
    frames = 0
    with sf.SoundFile(out, "w", RATE, 1, subtype="PCM_24") as file:
        for row, follows in chosen:
            y, _ = sf.read(mapping[row][2], dtype="float32")
            n = 0 if follows else min(JOIN, len(held), len(y))
            if n:
                y[:n] *= np.sin(angle[:n])
                y[:n] += held[-n:] * np.cos(angle[:n])
            file.write(held[: len(held) - n])
            frames += len(held) - n
            held = y
        file.write(held)
    return (frames + len(held)) / RATE


def warm_up(folder):
    """Every stage on 5 s of noise: what is compiled or imported at first use is paid here."""
    noise = np.random.default_rng(0).standard_normal(5 * 44_100).astype(np.float32) * 0.1
    path = folder / "warmup.wav"
    sf.write(path, noise, 44_100)
    y, _ = librosa.load(path, sr=RATE, mono=True)
    path.unlink()
    librosa.beat.beat_track(y=y, sr=RATE, units="samples")
    tuning = librosa.estimate_tuning(S=power(y), sr=RATE, n_fft=N_FFT)
    banks = filter_banks(tuning)
    rows = StandardScaler().fit_transform([beat_features(y[i:], banks) for i in range(4)])
    NearestNeighbors(n_neighbors=2, n_jobs=1).fit(rows).kneighbors(rows)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("songs", nargs="+", help="audio files or folders of them")
    parser.add_argument("--work", required=True, type=Path, help="folder for cuts and index")
    parser.add_argument("--out", required=True, type=Path, help="the remix, a WAV file")
    parser.add_argument("--beats", type=int, default=200)
    parser.add_argument("--jump-rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--warmup", action="store_true", help="compile before the clock starts")
    return parser.parse_args()


def report(stages, facts, before):
    """One JSON object; `before` are the clocks after import and after warming up."""
    def pair(a, b):
        return {"cpu_s": b[0] - a[0], "wall_s": b[1] - a[1]}

    whole = pair(BEGAN, (time.process_time(), time.perf_counter()))
    memory = {"peak_rss_mib": peak_rss_mib(), "imported_rss_mib": IMPORTED_RSS}
    parts = {"import": pair(BEGAN, IMPORTED), "warmup": pair(IMPORTED, before), **stages.seconds}
    times = {"stages": parts, "work": stages.total(), "process": whole}
    print(json.dumps({**facts, **times, **memory}, allow_nan=False))


def main():
    args = arguments()
    warnings.filterwarnings("ignore", message="n_fft=.* is too large")
    songs, skipped = find_songs(args.songs)
    if not songs or args.beats < 1:
        sys.exit("no audio files given, or no beats asked for")
    folder = args.work / "mix"
    folder.mkdir(parents=True, exist_ok=True)
    if args.warmup:
        warm_up(args.work)
    before = (time.process_time(), time.perf_counter())
    stages, mapping, tunings, seconds = Stages(), [], {}, 0.0
    for path in songs:
        pieces, tunings[path.name], length = segment(path, folder, stages)
        mapping += pieces
        seconds += length
    with stages.stage("features"):
        dataset = create_dataset(mapping, tunings)
    with stages.stage("fit"):
        rows, index = fit(dataset, args.work)
    with stages.stage("generate"):
        chosen = walk(mapping, rows, index, args.beats, args.jump_rate, args.seed)
        length = render(chosen, mapping, args.out)
    facts = {"songs": len(songs), "skipped": skipped, "audio_s": seconds, "clips": len(mapping)}
    facts |= {"beats": len(chosen), "remix_s": length, "warmed_up": args.warmup}
    report(stages, facts, before)


if __name__ == "__main__":
    main()
