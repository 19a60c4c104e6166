#!/usr/bin/env python3
"""Listens to a running `forever stream` as a player does, and holds what it heard against a render.

    forever stream MUSIC --seed 5 --no-resume &
    forever render MUSIC --seed 5 --minutes 120 --no-stems -o mix.wav   # longer than the songs last
    scripts/stream/record.py --url http://127.0.0.1:8192/all.mp3 --seconds 600 \
        --render mix.wav --plan mix.plan.json

The songs must have been heard before, so that both know all of them from the first on. The MP3 is decoded
by ffmpeg, which must not complain once. Prints JSON: where in the mix the recording begins, how far it is
from it (dB below the music, loss of the encoder included), titles and how late they came, loudness of
every ten seconds. Needs numpy, scipy, soundfile and ffmpeg.
"""

import argparse
import json
import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import soundfile
from scipy.signal import correlate

RATE = 44_100
FRAME = 1_152


def listen(url, seconds):
    """Bytes of sound, and the titles with the byte each came after."""
    where = urlparse(url)
    sock = socket.create_connection((where.hostname, where.port or 80), timeout=20)
    sock.sendall(f"GET {where.path} HTTP/1.0\r\nHost: {where.netloc}\r\nIcy-MetaData: 1\r\n\r\n".encode())
    stream = sock.makefile("rb")
    every = None
    assert b" 200 " in stream.readline()
    while (line := stream.readline().strip()):
        name, _, value = line.partition(b":")
        if name.lower() == b"icy-metaint":
            every = int(value)
    assert every, "no titles are offered"
    sound, titles = bytearray(), []
    while frames(sound) * FRAME / RATE < seconds:
        sound += stream.read(every)
        text = stream.read(16 * stream.read(1)[0])
        if text:
            titles.append((len(sound), text.rstrip(b"\0").decode()[len("StreamTitle='"):-2]))
    return bytes(sound), titles


def frames(sound):
    """MP3 frames in a stream of constant bit rate 128 kbit/s."""
    return len(sound) / (128_000 / 8 / RATE * FRAME)


def decoded(path):
    ran = subprocess.run(
        ["ffmpeg", "-v", "warning", "-i", path, "-f", "f32le", "-ac", "2", "-ar", str(RATE), "-"],
        capture_output=True, check=True)
    return np.frombuffer(ran.stdout, dtype=np.float32).reshape(-1, 2), ran.stderr.decode().splitlines()


def place(mix, heard):
    """The frame of the mix at which the recording begins."""
    part = heard[10 * RATE : 25 * RATE].mean(axis=1)
    found = correlate(mix.mean(axis=1), part, mode="valid", method="fft")
    return int(np.argmax(found)) - 10 * RATE


def middle(plan):
    """When each song is told: in the middle of the transition that leads into it."""
    now, changes = 0.0, []
    for action in plan["actions"]:
        kind = action["action"]
        length = action.get("duration") or sum(beat["length"] for beat in action.get("beats", []))
        if kind == "Playback":
            beats = action.get("beats", [])
            length += sum(beat["length"] - beat["duration"] for beat in beats)
        if "to" in action:
            changes.append((now + length / 2, plan["tracks"][action["to"]]))
        now += length
    return changes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--render", required=True)
    parser.add_argument("--plan", required=True)
    args = parser.parse_args()
    sound, titles = listen(args.url, args.seconds)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "heard.mp3"
        path.write_bytes(sound)
        heard, complaints = decoded(path)
    mix, rate = soundfile.read(args.render, dtype="float32", frames=int((args.seconds + 3_600) * RATE))
    assert rate == RATE
    start = place(mix, heard)
    # The first frames are those before the decoder has its bearings.
    usual = mix[start + 2 * FRAME : start + len(heard)]
    heard = heard[2 * FRAME : 2 * FRAME + len(usual)]
    gain = float((usual * heard).sum() / (usual**2).sum())
    steps = range(0, len(usual) - 10 * RATE, 10 * RATE)
    power = lambda x: float(10 * np.log10(np.mean(x**2) + 1e-12))
    apart = [power(heard[i : i + 10 * RATE] - gain * usual[i : i + 10 * RATE])
             - power(usual[i : i + 10 * RATE]) for i in steps]
    loud = [power(heard[i : i + 10 * RATE]) for i in steps]
    changes = [(t - start / RATE, song) for t, song in middle(json.loads(Path(args.plan).read_text()))]
    changes = [(t, song) for t, song in changes if 1 < t < len(heard) / RATE - 1]
    told = [(frames(sound[:at]) * FRAME / RATE, title) for at, title in titles]
    late = [min((at - t for at, _ in told if at >= t - 0.3), default=None) for t, _ in changes]
    print(json.dumps({
        "seconds": len(heard) / RATE, "begins_at": start / RATE, "gain": gain,
        "ffmpeg_complaints": complaints,
        "difference_db": {"median": float(np.median(apart)), "worst": float(np.max(apart))},
        "rms_db": {"lowest": min(loud), "highest": max(loud)},
        "transitions_heard": len(changes), "titles": [title for _, title in told],
        "titles_late_s": late,
    }, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
