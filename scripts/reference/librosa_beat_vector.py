"""Prints the golden numbers of src/analysis/librosa.rs (test `reproduces_librosa_on_a_formula`).

Needs librosa 0.11.0 (pip install librosa==0.11.0). The clip is a formula, so that the test needs
no file: a steady tone, a dying one, and a click, at 22 050 Hz.
"""

import librosa
import numpy as np

RATE, LENGTH = 22_050, 11_000
n = np.arange(LENGTH, dtype=np.float64)
clip = 0.3 * np.sin(2 * np.pi * 330.5 * n / RATE)
clip += 0.2 * np.exp(-n / 4000.0) * np.sin(2 * np.pi * 833.0 * n / RATE)
clip[5000] += 0.5
clip = clip.astype(np.float32)

stft = dict(sr=RATE, n_fft=1024, hop_length=512)
mfcc = librosa.feature.mfcc(y=clip, n_mfcc=13, **stft).mean(axis=1)
power = np.abs(librosa.stft(clip, n_fft=1024, hop_length=512)) ** 2
print("tuning", librosa.estimate_tuning(S=power, sr=RATE))
for name, chroma in [
    ("chroma, tuning estimated", librosa.feature.chroma_stft(y=clip, **stft)),
    ("chroma, tuning 0", librosa.feature.chroma_stft(y=clip, tuning=0.0, **stft)),
]:
    print(name, [round(float(x), 6) for x in chroma.mean(axis=1)])
print("mfcc", [round(float(x), 5) for x in mfcc])
