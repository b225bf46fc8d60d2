"""Other ways to find the nearest vectors: a product with all, and the graphs of two libraries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OTHERS", "Search", "Vectors"]

Vectors = NDArray[np.float32]
Search = Callable[[Vectors], list[int]]
_TOP, _WANTED = 10, 0.995
_LINKS, _CONSTRUCTION = 32, 200  # of the HNSW graphs


def _numpy(vectors: Vectors, folder: Path, *_: Any) -> tuple[Search, Path]:
    path = folder / "vectors.npy"
    np.save(path, vectors)

    def search(vector: Vectors) -> list[int]:
        scores = vectors @ vector
        best = np.argpartition(-scores, min(_TOP, len(scores) - 1))[:_TOP]
        return [int(place) for place in best]

    return search, path


def _faiss(
    vectors: Vectors, folder: Path, asked: Vectors, exact: list[set[int]]
) -> tuple[Search, Path]:
    import faiss

    graph = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = _CONSTRUCTION
    graph.add(vectors)
    path = folder / "faiss.index"
    faiss.write_index(graph, str(path))

    def search(vector: Vectors) -> list[int]:
        return [int(place) for place in graph.search(vector[None], _TOP)[1][0]]

    for breadth in (16, 32, 64, 128, 256, 512):
        graph.hnsw.efSearch = breadth
        if _recall(search, asked, exact) >= _WANTED:
            break
    return search, path


def _usearch(
    vectors: Vectors, folder: Path, asked: Vectors, exact: list[set[int]]
) -> tuple[Search, Path]:
    from usearch.index import Index as Graph

    graph = Graph(
        ndim=vectors.shape[1],
        metric="ip",
        dtype="f32",
        connectivity=_LINKS,
        expansion_add=_CONSTRUCTION,
    )
    graph.add(np.arange(len(vectors)), vectors)
    path = folder / "usearch.index"
    graph.save(str(path))

    def search(vector: Vectors) -> list[int]:
        return [int(key) for key in graph.search(vector, _TOP).keys]

    for breadth in (16, 32, 64, 128, 256, 512):
        graph.expansion_search = breadth
        if _recall(search, asked, exact) >= _WANTED:
            break
    return search, path


def _recall(search: Search, asked: Vectors, exact: list[set[int]]) -> float:
    pairs = list(zip(asked, exact, strict=True))[::5]
    return float(np.mean([len(right & set(search(vector))) / _TOP for vector, right in pairs]))


OTHERS = {"NumPy scan": _numpy, "faiss HNSW": _faiss, "usearch HNSW": _usearch}
