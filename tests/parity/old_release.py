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
import torch
from torch import nn

from sentune import SentenceTransformer
from sentune.network.vector_modules import Dense, Dropout, LayerNorm, Normalize

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
    differences = {
        f"{direction}, {what}": difference
        for what, model in models().items()
        for direction, difference in compared(model, texts).items()
    }
    for what, difference in differences.items():
        print(f"{what}: largest difference {difference:.1e} over {len(texts)} texts")
    sys.exit(any(difference > TOLERANCE for difference in differences.values()))


def models() -> dict[str, SentenceTransformer]:
    """The published model, and one with every module after pooling."""
    plain, longer = (
        SentenceTransformer(compute_dtype="float32", prompts={"query": "ask: "}) for _ in range(2)
    )
    torch.manual_seed(0)
    longer.after_pooling = nn.Sequential(
        LayerNorm(384),
        Dense(384, 96),
        Dropout(0.3),
        Normalize(),
        Dense(96, 768, bias=False, activation_function=nn.Identity()),
        Dense(768, 64, activation_function=nn.GELU()),
        Normalize(),
    )
    for model in (plain, longer):
        model.max_seq_length = 200
    return {"the published model": plain, "with modules after pooling": longer.eval()}


def compared(model: SentenceTransformer, texts: list[str]) -> dict[str, float]:
    """The largest differences, in both directions."""
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
    return {
        "our folder loaded by 3.1.1": float(np.abs(there - expected).max()),
        "the folder of 3.1.1 loaded by us": float(np.abs(returned - expected).max()),
    }


if __name__ == "__main__":
    main()
