#!/usr/bin/env python3
"""`remix` and its peer librosa_remix.py on the same songs in the same run.

  compare.py [SONGS] [-n 5] [--binary target/release/remix] [--python PYTHON] [--json FILE]

Every repetition starts from nothing in a fresh folder (caches included): the four commands of
`remix`, then the peer, in turn. CPU seconds (user + system), wall seconds and peak RSS are those
the kernel reports of each child; `remix` is the sum of its processes, its RSS the largest of
them. Medians are printed with the range. SONGS is a folder, of which the files at the top level
are used; by default ${EVERMIX_SHARED:-../shared}/music.

Two ratios are printed: against the peer's work alone (imports and compiling, measured by the peer
itself, taken off), and against its whole process.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BEATS, JUMP_RATE, SEED = "200", "0.1", "1"


def measure(command, cwd, env):
    """Runs a child; CPU and wall seconds, peak RSS in MiB, and what it wrote to stdout."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=cwd, env=env, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode:
            said = err.read().decode(errors="replace")[-2000:]
            sys.exit(f"{' '.join(map(str, command))}\nended with {child.returncode}\n{said}")
        cpu = usage.ru_utime + usage.ru_stime
        return {"cpu_s": cpu, "wall_s": wall, "rss_mib": usage.ru_maxrss / 1024}, out.read()


def ours(binary, songs, folder, env):
    beats, dataset, index = folder / "beats", folder / "dataset", folder / "index"
    out = folder / "out.wav"
    stages = {
        "segment": [songs, beats],
        "create-dataset": [beats, dataset],
        "fit-nearest-neighbours": [dataset, index],
        "generate-remix": [JUMP_RATE, BEATS, out, "--dataset", dataset, "--index", index]
        + ["--seed", SEED],
    }
    project = ["--project", folder / "project"]
    runs = {k: measure([binary, k, *a, *project], folder, env)[0] for k, a in stages.items()}
    if not out.is_file():
        sys.exit(f"{binary} wrote no {out.name}")
    total = {k: sum(r[k] for r in runs.values()) for k in ("cpu_s", "wall_s")}
    return {**total, "rss_mib": max(r["rss_mib"] for r in runs.values()), "stages": runs}


def peer(python, songs, folder, env):
    command = [python, HERE / "librosa_remix.py", songs, "--work", folder]
    command += ["--out", folder / "out.wav", "--beats", BEATS, "--jump-rate", JUMP_RATE]
    run, said = measure([*command, "--seed", SEED, "--warmup"], folder, env)
    inside = json.loads(said.splitlines()[-1])
    return {**run, "work": inside["work"], "inside": inside}


def repetition(args, songs, number):
    row = {}
    for who, tool, run in [("remix", args.binary, ours), ("peer", args.python, peer)]:
        with tempfile.TemporaryDirectory(prefix="evermix-compare-") as folder:
            # numba's compiled code stays where it is: a cold compiler is not what is compared.
            env = {**os.environ, "XDG_CACHE_HOME": folder, "XDG_CONFIG_HOME": folder}
            row[who] = run(tool, songs, Path(folder), env)
        note = f"{row[who]['cpu_s']:.2f} s CPU, {row[who]['wall_s']:.2f} s wall"
        print(f"  {number}: {who} {note}", file=sys.stderr)
    return row


def spread(values):
    return f"{statistics.median(values):9.2f}  ({min(values):.2f}..{max(values):.2f})"


def table(rows, floor):
    """Lines of text: medians with ranges, then the ratios of medians."""
    columns = {
        "remix": [r["remix"] for r in rows],
        "peer, work": [{**r["peer"]["work"], "rss_mib": r["peer"]["rss_mib"]} for r in rows],
        "peer, all": [r["peer"] for r in rows],
    }
    lines = [f"{'':12}{'CPU s':28}{'wall s':28}{'peak RSS MiB':28}"]
    middle = {}
    for name, runs in columns.items():
        values = {k: [r[k] for r in runs] for k in ("cpu_s", "wall_s", "rss_mib")}
        middle[name] = {k: statistics.median(v) for k, v in values.items()}
        lines.append(f"{name:12}" + "".join(f"{spread(v):28}" for v in values.values()))
    for name in ("peer, work", "peer, all"):
        ratio = {k: middle[name][k] / max(middle["remix"][k], 1e-3) for k in middle["remix"]}
        cells = "".join(f"{r:8.1f}x{'':19}" for r in ratio.values())
        lines.append(f"{name.replace('peer', 'ratio'):12}{cells}")
    if middle["remix"]["rss_mib"] <= 1.2 * floor:
        lines.append(f"RSS below {floor:.0f} MiB cannot be told: an empty child shows as much")
    return lines


def stage_lines(rows):
    def medians(of):
        names = list(of(rows[0]))
        return {n: statistics.median(of(r)[n]["cpu_s"] for r in rows) for n in names}

    both = {
        "remix": medians(lambda r: r["remix"]["stages"]),
        "peer": medians(lambda r: r["peer"]["inside"]["stages"]),
    }
    return [
        f"{who} CPU s: " + ", ".join(f"{name} {cpu:.2f}" for name, cpu in stages.items())
        for who, stages in both.items()
    ]


def copy_songs(source, target):
    """The audio at the top level of `source`, so that both read the same files and no others."""
    files = sorted(p for p in source.iterdir() if p.is_file() and p.suffix.lower() != ".md")
    for path in files:
        shutil.copyfile(path, target / path.name)
    if not files:
        sys.exit(f"no files in {source}")
    return len(files)


def arguments():
    shared = Path(os.environ.get("EVERMIX_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("songs", nargs="?", type=Path, default=shared / "music")
    parser.add_argument("-n", type=int, default=5, help="repetitions (default 5)")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/remix")
    parser.add_argument("--python", default=sys.executable, help="with requirements.txt installed")
    parser.add_argument("--json", type=Path, help="write every figure of every repetition")
    return parser.parse_args()


def main():
    args = arguments()
    args.binary = args.binary.resolve()
    for path in (args.songs, args.binary):
        if not path.exists():
            sys.exit(f"{path} is not there")
    with tempfile.TemporaryDirectory(prefix="evermix-songs-") as folder:
        count = copy_songs(args.songs, Path(folder))
        load = os.getloadavg()[0]
        floor = measure(["/bin/true"], "/", dict(os.environ))[0]["rss_mib"]
        rows = [repetition(args, Path(folder), i + 1) for i in range(max(args.n, 1))]
    machine = f"{os.cpu_count()} CPUs, {platform.machine()}, load {load:.2f} before"
    inside = rows[0]["peer"]["inside"]
    print(f"{count} songs, {inside['audio_s']:.0f} s; {BEATS} beats; n = {len(rows)}; {machine}")
    print("remix: all channels at the songs' rate; peer: mono at 22 050 Hz, one thread")
    print("\n".join(table(rows, floor) + stage_lines(rows)))
    if args.json:
        args.json.write_text(json.dumps({"machine": machine, "floor_mib": floor, "rows": rows}))


if __name__ == "__main__":
    main()
