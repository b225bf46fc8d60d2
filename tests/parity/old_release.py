"""Folders and vectors beside sentence-transformers 3.1.1, in an environment of its own.

    python tests/parity/old_release.py OLD_PYTHON

``make parity-3.1`` builds the environment and runs this. Exits with 1 on any difference.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np

from sentune import SentenceTransformer

TOLERANCE = 1e-5

THERE = """
import sys
import numpy as np
from sentence_transformers import SentenceTransformer, __version__
assert __version__ == "3.1.1", __version__
ours, texts, theirs, vectors = sys.argv[1:]
texts = open(texts, encoding="utf-8").read().split("\\0")
model = SentenceTransformer(ours, device="cpu")
assert model.max_seq_length == 200 and model.prompts["query"] == "ask: "
np.save(vectors, np.stack([model.encode(texts), model.encode(texts, prompt_name="query")]))
model.save_pretrained(theirs)
"""


def main() -> None:
    """Save here, load there, and the reverse; compare all vectors."""
    texts = [part for text in topics.values() for part in text.split("\n\n")][:200]
    model = SentenceTransformer(compute_dtype="float32", prompts={"query": "ask: "})
    model.max_seq_length = 200
    expected = np.stack([model.encode(texts), model.encode(texts, prompt_name="query")])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model.save_pretrained(folder / "ours")
        (folder / "texts").write_text("\0".join(texts), encoding="utf-8")
        places = [str(folder / part) for part in ("ours", "texts", "theirs", "vectors.npy")]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        subprocess.run([sys.argv[1], "-c", THERE, *places], check=True, env=environment)
        there = np.load(folder / "vectors.npy")
        back = SentenceTransformer(folder / "theirs", compute_dtype="float32")
        returned = np.stack([back.encode(texts), back.encode(texts, prompt_name="query")])
    differences = {
        "our folder loaded by 3.1.1": float(np.abs(there - expected).max()),
        "the folder of 3.1.1 loaded by us": float(np.abs(returned - expected).max()),
    }
    for what, difference in differences.items():
        print(f"{what}: largest difference {difference:.1e} over {len(texts)} texts")
    sys.exit(any(difference > TOLERANCE for difference in differences.values()))


if __name__ == "__main__":
    main()
