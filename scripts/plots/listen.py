#!/usr/bin/env python3
"""Listens to a remix with instruments: pictures and figures instead of ears.

  listen.py OUT.wav [--png OUT.png] [--json OUT.json]

OUT.plan.json must lie beside OUT.wav, as `remix` leaves it. Measured are

- joins: around every jump of every voice, the largest broadband step (1 ms peaks of the second
  difference, a click's mark) divided by the largest step of the sound's own within two seconds on
  either side. Above 1 the join would stand out; such joins are counted as clicks.
- beats: how far the attack nearest to each planned beat lies from it (onset strength of librosa at
  5.8 ms hops, refined by a parabola), median and 95th percentile.
- tempo: beats a minute between planned beats, and the largest change from one beat to the next.
- loudness: integrated and range (EBU Tech 3342), from BS.1770 short-term values, and the peak.
"""

import argparse
import json
from pathlib import Path

import librosa
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import soundfile
from scipy import signal


def k_weighted_power(x, rate):
    """Power of both channels after the filters of BS.1770-5, made for any rate (De Man 2014)."""
    out = np.zeros(len(x))
    for channel in x.T:
        for gain, q, fc, kind in [(3.999843853973347, 0.7071752369554196, 1681.974450955533, "shelf"),
                                  (0.0, 0.5003270373238773, 38.13547087602444, "high")]:
            k = np.tan(np.pi * fc / rate)
            a = [1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k]
            if kind == "shelf":
                vh = 10 ** (gain / 20)
                vb = vh**0.4996667741545416
                b = [vh + vb * k / q + k * k, 2 * (k * k - vh), vh - vb * k / q + k * k]
            else:
                b = [1, -2, 1]
                a = list(a)
            scale = a[0]
            b = np.array(b) / (scale if kind == "shelf" else 1)
            channel = signal.lfilter(b, np.array(a) / scale, channel)
        out += channel**2
    return out


def windows(power, rate, seconds, step):
    n, hop = int(seconds * rate), int(step * rate)
    sums = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, max(len(power) - n, 0) + 1, hop)
    return (sums[np.minimum(starts + n, len(power))] - sums[starts]) / n


def lufs(power):
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-12))


def loudness(x, rate):
    power = k_weighted_power(x, rate)
    blocks = windows(power, rate, 0.4, 0.1)
    kept = blocks[lufs(blocks) > -70]
    kept = kept[lufs(kept) > lufs(kept.mean()) - 10] if len(kept) else kept
    short = windows(power, rate, 3.0, 0.1)
    spread = short[lufs(short) > -70]
    spread = lufs(spread[lufs(spread) > lufs(spread.mean()) - 20]) if len(spread) else np.zeros(1)
    return {
        "integrated_lufs": float(lufs(kept.mean())) if len(kept) else -70.0,
        "range_lu": float(np.percentile(spread, 95) - np.percentile(spread, 10)),
        "sample_peak_dbfs": float(20 * np.log10(np.abs(x).max() + 1e-12)),
    }, lufs(short)


def steps(x, rate):
    """Largest second difference in each millisecond: broadband steps stand out, bass does not."""
    d = np.abs(np.diff(x, n=2, axis=0)).max(axis=1)
    hop = rate // 1000
    return d[: len(d) // hop * hop].reshape(-1, hop).max(axis=1)


def joins(plan, curve):
    rate, found = plan["rate"], []
    for voice in plan["voices"]:
        for i, beat in enumerate(voice["beats"]):
            if beat["jump"] is None:
                continue
            at = plan["attacks"][i] / rate * 1000
            # The join lies between the cut, 10 to 45 ms before the attack, and the attack.
            window = slice(int(at - 50), int(at - 4))
            around = np.r_[curve[max(int(at) - 2000, 0): window.start], curve[int(at) + 4: int(at) + 2000]]
            found.append({"beat": i, "seconds": at / 1000,
                          "ratio": float(curve[window].max() / max(around.max(), 1e-9))})
    return found


def beat_errors(mono, rate, attacks):
    hop = 128
    y = librosa.resample(mono, orig_sr=rate, target_sr=22050)
    env = librosa.onset.onset_strength(y=y, sr=22050, hop_length=hop, n_fft=1024, center=True)
    times = np.arange(len(env)) * hop / 22050
    errors = []
    for t in attacks:
        near = np.flatnonzero(np.abs(times - t) < 0.06)
        if len(near) < 3:
            continue
        k = near[np.argmax(env[near])]
        if env[k] < np.median(env) * 2 or k in (near[0], near[-1]) or not 0 < k < len(env) - 1:
            continue
        a, b, c = env[k - 1: k + 2]
        shift = 0.5 * (a - c) / (a - 2 * b + c) if a - 2 * b + c else 0.0
        errors.append((times[k] + shift * hop / 22050 - t) * 1000)
    return np.array(errors)


def picture(path, mono, rate, plan, tempo, short, found):
    fig, ax = plt.subplots(3, 1, figsize=(18, 11), sharex=True, height_ratios=[4, 1, 1])
    s = librosa.amplitude_to_db(np.abs(librosa.stft(mono, n_fft=4096, hop_length=1024)), ref=np.max)
    extent = [0, len(mono) / rate, 0, rate / 2000]
    ax[0].imshow(s, origin="lower", aspect="auto", extent=extent, vmin=-90, cmap="magma")
    ax[0].set(ylabel="kHz", title=f"{path.stem}: spectrogram, jumps marked")
    for join in found:
        ax[0].axvline(join["seconds"], color="cyan", lw=0.5)
    attacks = np.array(plan["attacks"]) / plan["rate"]
    ax[1].step(attacks[:-1], tempo, where="post")
    ax[1].set(ylabel="BPM")
    ax[2].plot(np.arange(len(short)) * 0.1 + 1.5, short)
    ax[2].set(ylabel="LUFS, 3 s", xlabel="seconds")
    fig.tight_layout()
    fig.savefig(path, dpi=70)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wav", type=Path)
    parser.add_argument("--png", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    plan = json.loads(args.wav.with_suffix(".plan.json").read_text())["content"]
    x, rate = soundfile.read(args.wav, always_2d=True)
    mono = x.mean(axis=1)
    loud, short = loudness(x, rate)
    found = joins(plan, steps(x, rate))
    attacks = np.array(plan["attacks"]) / plan["rate"]
    tempo = 60 / np.diff(attacks)
    errors = beat_errors(mono, rate, attacks[1:-1])
    change = np.abs(np.diff(tempo)) / tempo[:-1] * 100
    report = {
        "seconds": len(x) / rate, "jumps": len(found),
        "clicks": sum(j["ratio"] > 1 for j in found),
        "worst_join": max((j["ratio"] for j in found), default=0.0),
        "beat_offset_ms": float(np.median(errors)), "beats_measured": len(errors),
        "beat_error_ms": float(np.median(np.abs(errors - np.median(errors)))),
        "beat_error_p95_ms": float(np.percentile(np.abs(errors - np.median(errors)), 95)),
        "tempo_bpm": [float(tempo.min()), float(np.median(tempo)), float(tempo.max())],
        "largest_tempo_step_percent": float(change.max()), **loud,
    }
    print(json.dumps(report, indent=1))
    if args.json:
        args.json.write_text(json.dumps({**report, "joins": found}, indent=1) + "\n")
    if args.png:
        picture(args.png, mono, rate, plan, tempo, short, found)


if __name__ == "__main__":
    main()
