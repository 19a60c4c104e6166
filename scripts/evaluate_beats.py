"""Scores the beats of `remix analyze` against clips whose beats are known; prints Markdown.

    evaluate_beats.py CLIPS [--remix PROGRAM] [--json FILE] [-- OPTIONS OF remix analyze]

CLIPS holds NAME.beats (seconds TAB position in the bar) beside NAME.ogg, .wav, .flac or .mp3.
Everything behind `--` goes to remix: `-- --beat-tracker aubio`, `-- --beats-from DIR`.

Needs mir_eval (pip install mir_eval). Beats before the fifth second are left out, as is usual.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import mir_eval
import numpy as np

ENDINGS = [".ogg", ".wav", ".flac", ".mp3"]
SETTLED = 5.0
SAME = 0.07
COLUMNS = ["F", "CMLc", "CMLt", "AMLt", "gain", "offset", "downbeat F", "tempo"]


def clips(folder):
    """Pairs of truth and sound."""
    for truth in sorted(folder.glob("*.beats")):
        sound = [truth.with_suffix(e) for e in ENDINGS if truth.with_suffix(e).is_file()]
        if sound:
            yield truth, sound[0]


def read_truth(path):
    """Times and positions; positions are 0 where the file has none."""
    rows = [line.split() for line in path.read_text().splitlines()]
    rows = [row for row in rows if row and not row[0].startswith("#")]
    times = np.array([float(row[0]) for row in rows])
    return times, np.array([int(row[1]) if len(row) > 1 else 0 for row in rows])


def settled(times):
    return times[times >= SETTLED]


def offset_ms(reference, estimate):
    """Median of estimate minus reference over the reference beats that were hit."""
    distance = estimate[None, :] - reference[:, None]
    nearest = distance[np.arange(len(reference)), np.argmin(np.abs(distance), axis=1)]
    hits = nearest[np.abs(nearest) <= SAME]
    return 1000 * float(np.median(hits)) if len(hits) else None


def score(truth, positions, track):
    """One value for each of COLUMNS; None where a measure makes no sense."""
    reference, estimate = settled(truth), settled(np.array(track["beats"]))
    if len(reference) < 2 or len(estimate) < 2:
        return [0.0, 0.0, 0.0, 0.0, 0.0, None, 0.0, None]
    cml_c, cml_t, _, aml_t = mir_eval.beat.continuity(reference, estimate)
    downbeats = None
    if (positions == 1).any():
        found = settled(np.array(track["downbeats"]))
        downbeats = mir_eval.beat.f_measure(settled(truth[positions == 1]), found)
    return [
        mir_eval.beat.f_measure(reference, estimate),
        cml_c,
        cml_t,
        aml_t,
        mir_eval.beat.information_gain(reference, estimate),
        offset_ms(reference, estimate),
        downbeats,
        float(np.median(np.diff(reference)) / np.median(np.diff(estimate))),
    ]


def analyze(remix, sounds, options):
    """Tracks by file; songs that were skipped are not among them."""
    command = [remix, "analyze", "--no-cache", *map(str, sounds), "--json", "-q", *options]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode not in (0, 3):
        sys.exit(f"{' '.join(command[:3])} ...: exit code {ran.returncode}\n{ran.stderr}")
    result = json.loads(ran.stdout)
    for error in result["errors"]:
        print(f"skipped: {error['path']}: {error['error']}", file=sys.stderr)
    return {pathlib.Path(track["path"]): track for track in result["tracks"]}


def cell(column, value):
    if value is None:
        return "-"
    if column == "offset":
        return f"{value:+.1f} ms"
    return f"{value:.2f}" if column == "tempo" else f"{value:.3f}"


def row(name, values):
    return f"| {name} | " + " | ".join(map(cell, COLUMNS, values)) + " |"


def average(rows):
    """Means; medians of offset and tempo, where one clip shall not decide."""
    values = []
    for column, all_of_it in zip(COLUMNS, zip(*rows)):
        known = [value for value in all_of_it if value is not None]
        middle = np.median if column in ("offset", "tempo") else np.mean
        values.append(float(middle(known)) if known else None)
    return values


def main():
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    words, options = words[:cut], words[cut + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=pathlib.Path)
    parser.add_argument("--remix", default="remix", help="the program [default: on the PATH]")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures there as well")
    args = parser.parse_args(words)
    found = list(clips(args.clips))
    if not found:
        sys.exit(f"no clips with .beats in {args.clips}")
    tracks = analyze(args.remix, [sound for _, sound in found], options)
    figures = {}
    for truth, sound in found:
        track = tracks.get(sound, {"beats": [], "downbeats": []})
        figures[truth.stem] = score(*read_truth(truth), track)
    trackers = sorted({track["tracker"] for track in tracks.values()})
    label = trackers[0] if len(trackers) == 1 else f"{len(trackers)} sources of beats"
    print(f"Beats of {label}, {len(figures)} clips, from the fifth second on:\n")
    print("| clip | " + " | ".join(COLUMNS) + " |")
    print("|---|" + "---:|" * len(COLUMNS))
    for name, values in figures.items():
        print(row(name, values))
    print(row("mean (offset, tempo: median)", average(figures.values())))
    for column, least in [("F", 0.9), ("AMLt", 0.9)]:
        at = COLUMNS.index(column)
        print(f"\n{column} above {least}: {sum(v[at] > least for v in figures.values())} clips")
    if args.json:
        table = {name: dict(zip(COLUMNS, values)) for name, values in figures.items()}
        args.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
