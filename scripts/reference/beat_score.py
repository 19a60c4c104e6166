"""Prints the golden numbers of src/analysis/beat_score/tests.rs.

Needs mir_eval 0.8.2 (pip install mir_eval==0.8.2). The lists of beats are formulas, so that the
test needs no file.
"""

import mir_eval
import numpy as np

REFERENCE = np.array([5.0 + 0.5 * i + 0.02 * np.sin(i) for i in range(120)])
wobble = np.array([0.01 * np.cos(3.0 * i) for i in range(240)])
between = 0.5 * (REFERENCE[1:] + REFERENCE[:-1])
fast = np.sort(np.concatenate([REFERENCE, between]))

CASES = {
    "the same": REFERENCE,
    "a little late": REFERENCE + 0.012 + wobble[:120],
    "off beat": between + wobble[:119],
    "double tempo": fast + wobble[:239],
    "half tempo": REFERENCE[1::2] + wobble[:60],
    "a beat lost": np.delete(REFERENCE + wobble[:120], [40, 41, 80]),
    "a slip": np.concatenate([REFERENCE[:50] - 0.01, between[50:] + 0.01]),
    "another tempo": np.array([5.1 + 0.61 * i for i in range(95)]),
    "too short": REFERENCE[:1],
}

for name, estimate in CASES.items():
    scores = [
        mir_eval.beat.f_measure(REFERENCE, estimate),
        *mir_eval.beat.continuity(REFERENCE, estimate),
        mir_eval.beat.information_gain(REFERENCE, estimate),
    ]
    print(f'("{name}", [{", ".join(f"{x:.6f}" for x in scores)}]),')
