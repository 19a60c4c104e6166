"""Prints the golden numbers of src/analysis/beat_this/tests.rs (the test of the spectrogram).

Needs torch and torchaudio (pip install torch torchaudio). The settings are those published with
"Beat this!" (Foscarin, Schlueter and Widmer, ISMIR 2024). The clip is a formula, so that the test
needs no file: a steady tone, a dying one, and a click, at 22 050 Hz.
"""

import numpy as np
import torch
import torchaudio

RATE, LENGTH = 22_050, 11_000
n = np.arange(LENGTH, dtype=np.float64)
clip = 0.3 * np.sin(2 * np.pi * 330.5 * n / RATE)
clip += 0.2 * np.exp(-n / 4000.0) * np.sin(2 * np.pi * 833.0 * n / RATE)
clip[5000] += 0.5

spectrogram = torchaudio.transforms.MelSpectrogram(
    sample_rate=RATE,
    n_fft=1024,
    hop_length=441,
    n_mels=128,
    f_min=30,
    f_max=11_000,
    mel_scale="slaney",
    normalized="frame_length",
    power=1,
)
columns = torch.log1p(1000 * spectrogram(torch.from_numpy(clip.astype(np.float32)))).T.numpy()

print("columns, bands", columns.shape)
print("sum", float(columns.astype(np.float64).sum()))
for column in [0, 1, 11, 12, len(columns) - 1]:
    bands = [0, 1, 9, 24, 25, 60, 100, 127]
    print(f"({column}, [{', '.join(f'{columns[column, b]:.5f}' for b in bands)}]),")
