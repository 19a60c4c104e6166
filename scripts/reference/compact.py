"""The network of models/compact.md in numpy alone, over a whole song at once, for comparison.

Prints the golden numbers of src/separation/compact/tests.rs. It is slow and takes memory: it is
meant to be read. The clip is a formula, so that the test needs no file: two tones, bursts of noise
and a little noise throughout, a second of stereo at 44.1 kHz.
"""

import json
import struct
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).resolve().parents[2] / "models" / "compact.safetensors"
N_FFT, HOP, BINS = 2048, 512, 1025
WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)


def read_safetensors(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    config = json.loads(header.pop("__metadata__")["config"])
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        halves = np.frombuffer(data[start:end], "<f2")
        tensors[name] = halves.astype(np.float32).reshape(entry["shape"])
    return tensors, config


W, CONFIG = read_safetensors(WEIGHTS)
EDGES = np.concatenate([[0], np.cumsum(CONFIG["widths"])])
BANDS, UNITS, CUES = len(CONFIG["widths"]), CONFIG["units"], CONFIG["cues"]


def stft(x):
    """Spectra [window, bin, channel] of frames [frame, channel]."""
    padded = np.pad(x, ((N_FFT // 2, N_FFT // 2), (0, 0)))
    starts = [HOP * w for w in range(len(x) // HOP + 1)]
    return np.stack(
        [np.fft.rfft(padded[s : s + N_FFT] * WINDOW[:, None], axis=0) / HOP for s in starts]
    )


def istft(spectra, length):
    out = np.zeros((HOP * len(spectra) + N_FFT, spectra.shape[-1]))
    weight = np.zeros(len(out))
    for w, spectrum in enumerate(spectra):
        place = slice(HOP * w, HOP * w + N_FFT)
        out[place] += np.fft.irfft(spectrum * HOP, axis=0) * WINDOW[:, None]
        weight[place] += WINDOW**2
    inner = slice(N_FFT // 2, N_FFT // 2 + length)
    return (out[inner] / weight[inner, None]).astype(np.float32)


def sweep(values, width, axis, fold):
    """Folds a centred window, which ends with the values, around each place."""
    values, reach = np.moveaxis(values, axis, 0), width // 2
    windows = [values[max(0, i - reach) : i + reach + 1] for i in range(len(values))]
    return np.moveaxis(np.stack([fold(w, axis=0) for w in windows]), 0, axis)


def opening(values, width, axis):
    return sweep(sweep(values, width, axis, np.min), width, axis, np.max)


def log_scale(x):
    return 2 * np.log(x + 0.02)


def surprise(spectra):
    """The power [window, bin] that a steady tone, going on from two windows before, leaves over."""
    before = np.concatenate([np.zeros_like(spectra[:1]), spectra[:-1]])
    earlier = np.concatenate([np.zeros_like(spectra[:1]), before[:-1]])
    turn = before * earlier.conj()
    turn = turn / (np.abs(turn) + 1e-15)
    return (np.abs(spectra - before * turn) ** 2).mean(-1)


def cues_of(spectra):
    """The eleven cues [window, bin, cue] and the balance of the channels [window, bin]."""
    powers = np.abs(spectra) ** 2
    power = powers.mean(-1)
    loud = (power + 1e-10) ** 0.15
    level = loud.mean()
    loud = loud / level
    log = log_scale(loud)
    side = np.abs(spectra[..., 0] - spectra[..., 1]) ** 2 / (4 * power + 1e-10)
    forward, backward = surprise(spectra), surprise(spectra[::-1])[::-1]
    cues = [
        log,
        log_scale(sweep(loud, 17, 0, np.mean)),
        log_scale(sweep(loud, 17, 1, np.mean)),
        log_scale(opening(loud, 9, 0)),
        log_scale(opening(loud, 9, 1)),
        np.diff(log, axis=0, prepend=log[:1]),
        log_scale(sweep(loud, 65, 0, np.mean)),
        log_scale(opening(loud, 25, 0)),
        2 * side,
        log_scale((forward + 1e-10) ** 0.15 / level),
        log_scale((backward + 1e-10) ** 0.15 / level),
    ]
    return np.stack(cues, -1), (powers[..., 0] - powers[..., 1]) / (2 * power + 1e-10)


def linear(name, x):
    return x @ W[name + ".weight"].T + W[name + ".bias"]


def norm(name, x):
    mean = x.mean(-1, keepdims=True)
    scaled = (x - mean) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return scaled * W[name + ".weight"] + W[name + ".bias"]


def relu(x):
    return np.maximum(x, 0)


def context_of(cues, balance):
    """What the context network says about each window and band [window, band, 61]."""
    rise = relu(cues[..., 5])
    seen = [*np.moveaxis(cues[..., [0, 3, 4]], -1, 0), rise]
    seen += [*np.moveaxis(cues[..., [8, 7, 9, 10]], -1, 0), balance]
    features = np.stack(seen, -1)
    features = np.stack([features[:, a:b].mean(1) for a, b in zip(EDGES, EDGES[1:])], 1)
    # Which side is louder must not matter, only by how much.
    features[..., -1] = np.abs(features[..., -1])
    if len(features) % 2:
        features = np.concatenate([features, np.zeros_like(features[:1])])
    pairs = len(features) // 2
    x = linear("inp", np.concatenate([features[0::2], features[1::2]], -1)) + W["emb"]
    for i, reach in enumerate(CONFIG["dilations"]):
        block = f"blocks.{i}."
        seen = np.pad(norm(block + "n1", x), ((reach, reach), (0, 0), (0, 0)))
        taps = [seen[:pairs], seen[reach : reach + pairs], seen[2 * reach :]]
        x = x + linear(block + "down", relu(linear(block + "up", np.concatenate(taps, -1))))
        told = linear(block + "pin", norm(block + "n2", x)).reshape(pairs, -1)
        heard = linear(block + "b2", relu(linear(block + "b1", told)))
        x = x + linear(block + "pout", heard.reshape(pairs, BANDS, -1))
    said = linear("out", norm("nf", x))
    half = said.shape[-1] // 2
    return np.stack([said[..., :half], said[..., half:]], 1).reshape(2 * pairs, BANDS, half)


def masks_of(cues, balance, context):
    """The masks [window, bin, channel]."""
    centres = (EDGES[:-1] + EDGES[1:] - 1) / 2
    spread = np.stack([np.interp(np.arange(BINS), centres, row) for row in np.eye(BANDS)], 1)
    masks = np.zeros((*balance.shape, 2))
    for w, cue in enumerate(cues):
        steer = spread @ context[w]
        gains, biases = steer[:, :UNITS], steer[:, UNITS : 2 * UNITS]
        weights, (offset, tilt) = steer[:, 2 * UNITS : -2], steer[:, -2:].T
        units = linear("c1", cue)
        units = relu(units + units * gains + biases)
        score = linear("c2", units)[:, 0] + ((W["c0"] + weights) * cue).sum(-1) + offset
        tilt = tilt * balance[w]
        masks[w] = 1 / (1 + np.exp(-np.stack([score + tilt, score - tilt], -1)))
    return masks


def inside(mix):
    """Spectra, cues, balance and masks of a mix [frame, channel]."""
    spectra = stft(mix)
    cues, balance = cues_of(spectra)
    return spectra, cues, balance, masks_of(cues, balance, context_of(cues, balance))


def clip():
    rate = 44_100
    t = np.arange(rate) / rate
    state, noise = 1, np.zeros(rate)
    for i in range(rate):
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        noise[i] = (state >> 8) / 2**23 - 1
    burst = noise * (np.exp(-(t % 0.25) / 0.02) + 0.01)
    left = 0.3 * np.sin(2 * np.pi * 220 * t) + 0.4 * burst
    right = 0.2 * np.sin(2 * np.pi * 554.4 * t) + 0.3 * burst
    return np.stack([left, right], 1).astype(np.float32)


def table(name, rows, digits, across=1):
    print(name)
    rows = [str([round(float(x), digits) for x in row]) for row in rows]
    for i in range(0, len(rows), across):
        print("    " + ", ".join(rows[i : i + across]) + ",")


def main():
    mix = clip()
    spectra, cues, balance, masks = inside(mix)
    drums = istft(spectra * masks, len(mix))
    # The ends of the song and of the spectrum, a burst, and what no band or lane begins with.
    places = [(w, b) for w in (0, 1, 43, 86) for b in (0, 13, 77, 500, 1024)]
    frames = [11_025 * burst + 17 + 97 * i for burst in range(4) for i in range(8)]
    table("GOLDEN", drums[frames], 6, 4)
    table("DESCRIBED: cues and balance", [[*cues[p], balance[p]] for p in places], 3)
    table("MASKS", [masks[p] for p in places], 5, 5)


if __name__ == "__main__":
    main()
