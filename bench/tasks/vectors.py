"""Real vectors for the measurements, and as many as are asked for.

The starts of passages from the installed packages are encoded once. Where more are needed, each
real vector is repeated with noise of 0.3 times its length, and scaled to length 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bench.corpus import real_passages
from numpy.typing import NDArray

from sentune import SentenceTransformer

REAL = 20_000
LONGEST = 200
NOISE = 0.3


def real_vectors(count: int, cache: Path) -> NDArray[np.float32]:
    """(count, 384) vectors of length 1; kept in ``cache`` for the next run."""
    place = cache / f"vectors-{count}.npy"
    if not place.exists():
        base = _encoded(cache)
        np.save(place, base[:count] if count <= len(base) else _enlarged(base, count))
    vectors: NDArray[np.float32] = np.load(place)
    return vectors


def described(count: int) -> str:
    """What the vectors are, for a heading."""
    kind = "real texts" if count <= REAL else f"{REAL:,} real texts, repeated with noise {NOISE}"
    return f"{count:,} vectors of {kind}"


def _encoded(cache: Path) -> NDArray[np.float32]:
    place = cache / "real.npy"
    if not place.exists():
        texts = [text[:LONGEST] for text in real_passages(REAL)]
        model = SentenceTransformer(compute_dtype="float32")
        np.save(place, model.encode(texts, normalize_embeddings=True, show_progress_bar=True))
    vectors: NDArray[np.float32] = np.load(place)
    return vectors


def _enlarged(base: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    draw = np.random.default_rng(0)
    vectors = np.empty((count, base.shape[1]), dtype=np.float32)
    for start in range(0, count, len(base)):
        part = vectors[start : start + len(base)]
        noise = draw.standard_normal(part.shape, dtype=np.float32)
        noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
        part[:] = base[: len(part)] + noise
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors
