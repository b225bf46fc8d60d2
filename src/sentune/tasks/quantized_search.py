"""Search among quantized vectors with faiss or usearch, as scripts for the reference do it.

Both packages are optional. :class:`sentune.Index` needs neither, and keeps its vectors on the disk.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_choice, require_whole
from sentune.encoding.precision import quantize_embeddings
from sentune.errors import ArgumentError

__all__ = ["semantic_search_faiss", "semantic_search_usearch"]

Array = NDArray[Any]
_LINKS = 16  # neighbours of a vector in the graph of an index that is not exact


@dataclass(frozen=True, slots=True)
class _Package:
    """How one of the packages makes and reads an index.

    Attributes:
        build: (vectors, precision, exact) → index.
        search: (index, queries, count, exact) → scores and places, (queries, count).
        stored: (index, places) → vectors as they were added.
    """

    module: str
    name: str
    precisions: Sequence[str]
    build: Callable[[Any, Array, str, bool], Any]
    search: Callable[[Any, Array, int, bool], tuple[Array, Array]]
    stored: Callable[[Any, Array], Array]


def semantic_search_faiss(
    query_embeddings: Array,
    corpus_embeddings: Array | None = None,
    corpus_index: Any = None,
    corpus_precision: str = "float32",
    top_k: int = 10,
    ranges: Array | None = None,
    calibration_embeddings: Array | None = None,
    rescore: bool = True,
    rescore_multiplier: int = 2,
    exact: bool = True,
    output_index: bool = False,
) -> Any:
    """The nearest vectors of a corpus for each query, with faiss.

    Args:
        query_embeddings: (queries, dim) float32.
        corpus_embeddings: (n, dim) vectors in ``corpus_precision``, packed bits for ``ubinary``.
        corpus_index: an index that an earlier call returned, instead of them.
        corpus_precision: ``float32``, ``uint8`` or ``ubinary``.
        top_k: hits of a query.
        ranges, calibration_embeddings: as for ``quantize_embeddings``, for ``uint8``.
        rescore: order ``top_k`` · ``rescore_multiplier`` hits by the dot product of the whole
            query with what the quantized vector stands for; nothing for float32.
        exact: compare with every vector, instead of a graph of neighbours.
        output_index: return the index too.

    Returns:
        For each query its hits, ``{"corpus_id": place, "score": score}``, the best first; the
        seconds that the search took; and the index, if asked for. Without ``rescore`` the score
        is faiss's own: a dot product, or for ``ubinary`` the number of differing bits.

    Raises:
        ArgumentError: faiss is not installed, or an argument outside its range.
    """
    asked = _Asked(top_k, corpus_precision, ranges, calibration_embeddings, rescore, exact)
    return _found(
        _FAISS,
        asked,
        query_embeddings,
        (corpus_embeddings, corpus_index),
        rescore_multiplier,
        output_index,
    )


def semantic_search_usearch(
    query_embeddings: Array,
    corpus_embeddings: Array | None = None,
    corpus_index: Any = None,
    corpus_precision: str = "float32",
    top_k: int = 10,
    ranges: Array | None = None,
    calibration_embeddings: Array | None = None,
    rescore: bool = True,
    rescore_multiplier: int = 2,
    exact: bool = True,
    output_index: bool = False,
) -> Any:
    """As :func:`semantic_search_faiss`, with usearch.

    ``corpus_precision`` is ``float32``, ``int8``, ``binary`` or ``ubinary``. Without ``rescore``
    the score is a distance: 1 - cosine, 1 - dot product for ``int8``, or differing bits.
    """
    asked = _Asked(top_k, corpus_precision, ranges, calibration_embeddings, rescore, exact)
    return _found(
        _USEARCH,
        asked,
        query_embeddings,
        (corpus_embeddings, corpus_index),
        rescore_multiplier,
        output_index,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    top_k: int
    precision: str
    ranges: Array | None
    calibration: Array | None
    rescore: bool
    exact: bool


def _found(
    package: _Package,
    asked: _Asked,
    query_embeddings: Array,
    corpus: tuple[Array | None, Any],
    multiplier: int,
    output_index: bool,
) -> Any:
    require_choice("corpus_precision", asked.precision, package.precisions)
    require_whole("top_k", asked.top_k)
    require_whole("rescore_multiplier", multiplier)
    vectors, index = corpus
    if (vectors is None) == (index is None):
        given = "none is" if index is None else "both are"
        raise ArgumentError(
            f"corpus_embeddings and corpus_index, of which {given} given",
            expected="one of the two",
            fix="pass the vectors, or the index that an earlier call returned",
        )
    queries = np.atleast_2d(np.asarray(query_embeddings, dtype=np.float32))
    if vectors is not None:
        index = package.build(_imported(package), np.asarray(vectors), asked.precision, asked.exact)
    began = time.perf_counter()
    quantized = asked.rescore and asked.precision != "float32"
    ranges = _ranges(asked, queries)
    scores, places = package.search(
        index,
        _asked_for(queries, asked.precision, ranges, quantized=quantized and asked.exact),
        min(asked.top_k * (multiplier if quantized else 1), _length(index)),
        asked.exact,
    )
    if quantized:
        scores, places = _rescored(package, index, queries, places, asked.precision, ranges)
    hits = [
        [
            {"corpus_id": int(place), "score": float(score)}
            for place, score in zip(*row, strict=True)
            if place >= 0
        ][: asked.top_k]
        for row in zip(places, scores, strict=True)
    ]
    seconds = time.perf_counter() - began
    return (hits, seconds, index) if output_index else (hits, seconds)


def _asked_for(queries: Array, precision: str, ranges: Array | None, *, quantized: bool) -> Array:
    """What the index is asked for.

    Codes of ``uint8`` begin at the least value, not at 0. So where every vector is compared and
    hits are rescored, a component counts by what a step of its code is worth: the order is then
    that of what the codes stand for, where the reference loses hits. (A graph's links follow the
    codes.)
    """
    if quantized and precision == "uint8" and ranges is not None:
        weighted: Array = queries * (ranges[1] - ranges[0])
        return weighted
    found: Array = quantize_embeddings(queries, precision, ranges)
    return found


def _length(index: Any) -> int:
    return int(index.ntotal) if hasattr(index, "ntotal") else len(index)


def _ranges(asked: _Asked, queries: Array) -> Array | None:
    """Least and greatest values, (2, dim), for the 8-bit formats."""
    if asked.ranges is not None or asked.precision not in ("int8", "uint8"):
        return asked.ranges
    source = queries if asked.calibration is None else np.asarray(asked.calibration)
    return np.vstack([source.min(axis=0), source.max(axis=0)])


def _rescored(
    package: _Package,
    index: Any,
    queries: Array,
    places: Array,
    precision: str,
    ranges: Array | None,
) -> tuple[Array, Array]:
    found = [row[row >= 0] for row in places]
    scores = []
    for number, row in enumerate(found):
        whole = _numbers(package.stored(index, row), precision, ranges)
        each = whole @ queries[number]
        order = np.argsort(-each, kind="stable")
        found[number], each = row[order], each[order]
        scores.append(each)
    return scores, found  # type: ignore[return-value]


def _numbers(stored: Array, precision: str, ranges: Array | None) -> Array:
    """What quantized vectors stand for, (n, dim) float32; bits are zeros and ones."""
    if precision in ("binary", "ubinary"):
        return np.unpackbits(_bits(stored), axis=-1).astype(np.float32)
    low, high = np.asarray(ranges, dtype=np.float32)
    levels = stored.astype(np.float32) + (128 if precision == "int8" else 0)
    numbers: Array = levels * ((high - low) / 255) + low
    return numbers


def _imported(package: _Package) -> Any:
    try:
        return importlib.import_module(package.module)
    except ImportError as error:
        raise ArgumentError(
            f"a search with {package.module} without the package {package.name}",
            expected="the package, or sentune.Index, which needs none",
            fix=f"run: pip install {package.name}",
        ) from error


# ── faiss ─────────────────────────────────────────────────────────────────────────────────────


def _build_faiss(faiss: Any, vectors: Array, precision: str, exact: bool) -> Any:
    if precision == "ubinary":
        bits = vectors.shape[1] * 8
        made = faiss.IndexBinaryFlat(bits) if exact else faiss.IndexBinaryHNSW(bits, _LINKS)
        made.add(np.ascontiguousarray(vectors, dtype=np.uint8))
        return made
    width, product = vectors.shape[1], faiss.METRIC_INNER_PRODUCT
    made = faiss.IndexFlatIP(width) if exact else faiss.IndexHNSWFlat(width, _LINKS, product)
    made.add(np.ascontiguousarray(vectors, dtype=np.float32))
    return made


def _search_faiss(index: Any, queries: Array, count: int, exact: bool) -> tuple[Array, Array]:
    del exact  # the index is one or the other
    of_bits = type(index).__name__.startswith("IndexBinary")
    found: tuple[Array, Array] = index.search(
        queries if of_bits else queries.astype(np.float32), count
    )
    return found


def _stored_faiss(index: Any, places: Array) -> Array:
    return np.stack([index.reconstruct(int(place)) for place in places])


# ── usearch ───────────────────────────────────────────────────────────────────────────────────


def _build_usearch(usearch: Any, vectors: Array, precision: str, exact: bool) -> Any:
    del exact  # said again for each search
    metric, dtype = {"float32": ("cos", "f32"), "int8": ("ip", "i8")}.get(
        precision, ("hamming", "b1")
    )
    vectors = _bits(vectors) if dtype == "b1" else vectors
    width = vectors.shape[1] * (8 if dtype == "b1" else 1)
    made = usearch.Index(ndim=width, metric=metric, dtype=dtype)
    made.add(np.arange(len(vectors)), vectors)
    return made


def _bits(vectors: Array) -> Array:
    """Packed bits as unsigned bytes, from either of the two formats."""
    signed = vectors.dtype == np.int8
    return (vectors.astype(np.int16) + 128).astype(np.uint8) if signed else vectors


def _search_usearch(index: Any, queries: Array, count: int, exact: bool) -> tuple[Array, Array]:
    packed = queries.shape[1] * 8 == index.ndim
    found = index.search(_bits(queries) if packed else queries, count, exact=exact)
    shape = (len(queries), -1)
    return found.distances.reshape(shape), found.keys.reshape(shape).astype(np.int64)


def _stored_usearch(index: Any, places: Array) -> Array:
    return np.stack([np.asarray(index.get(int(place))).reshape(-1) for place in places])


_FAISS = _Package(
    "faiss",
    "faiss-cpu",
    ("float32", "uint8", "ubinary"),
    _build_faiss,
    _search_faiss,
    _stored_faiss,
)
_USEARCH = _Package(
    "usearch.index",
    "usearch",
    ("float32", "int8", "binary", "ubinary"),
    _build_usearch,
    _search_usearch,
    _stored_usearch,
)
