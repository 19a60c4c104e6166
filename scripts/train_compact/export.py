#!/usr/bin/env python3
"""Makes the file of weights that is built into the program from what training left.

  export.py RUN/ema.safetensors [OUT]

OUT is models/compact.safetensors by default, in 16-bit floats. Prints its length, sha256 and blake3
(if the package is here) for the model's card. The golden numbers of src/separation/compact/tests.rs
come from scripts/reference/compact.py, which reads that file.
"""

import hashlib
import json
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

from model import CONFIG, DrumMask

ROOT = Path(__file__).resolve().parents[2]


def main():
    weights = load_file(sys.argv[1])
    DrumMask().load_state_dict(weights)
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "models" / "compact.safetensors"
    said = dict(
        format="pt",
        name="compact",
        version="2",
        sample_rate="44100",
        config=json.dumps(CONFIG),
    )
    save_file({name: x.half().contiguous() for name, x in weights.items()}, out, metadata=said)
    content = out.read_bytes()
    print(len(content), "bytes, sha256", hashlib.sha256(content).hexdigest())
    try:
        import blake3
    except ImportError:
        return
    print("blake3", blake3.blake3(content).hexdigest())


if __name__ == "__main__":
    main()
