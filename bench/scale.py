"""The index from 1,000 to 100,000 real passages, beside other ways to find the nearest vectors.

    python -m bench.scale [--sizes 1000,10000,100000] [--max-seq-length 256] [--busy 1]

Passages are the docstrings and sources of the installed packages (``bench/corpus.py``), questions
the summary lines of the standard library's docstrings. The index grows in place; the others get
its vectors. Every question is asked of all systems in turn, so that what else the machine does
meets them alike. Read ratios, not milliseconds.

Passages are encoded once: their vectors are kept in ``bench/.cache``, also those of a run that was
stopped. ``--beside FOLDER`` measures an older checkout of this project too, in a process of its
own that gets each question in turn. Passages longer than the model's limit lose their end, so that
every system has one vector of each.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bench.corpus import real_passages
from bench.neighbours import busy
from bench.other_build import OtherBuild
from bench.scale_others import OTHERS, Search, Vectors
from bench.stored_vectors import StoredVectors
from numpy.typing import NDArray

from sentune import SentenceTransformer
from sentune.data import Passage, python_docs
from sentune.index import Index

_QUESTIONS, _TOP = 500, 10


def main() -> None:
    """Print a table for every size, and the whole as JSON at the end."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", default="1000,10000,30000,100000")
    options.add_argument("--folder", type=Path, default=None)
    options.add_argument("--max-seq-length", type=int, default=256)
    options.add_argument("--beside", type=Path, default=None, metavar="FOLDER")
    options.add_argument("--busy", type=int, default=0, help="processes that spin meanwhile")
    options.add_argument("--worker", nargs=3, metavar=("KIND", "PATH", "VECTORS"), default=None)
    given = options.parse_args()
    if given.worker:
        return _worker(*given.worker)
    sizes = [int(size) for size in given.sizes.split(",")]
    folder = given.folder or Path(tempfile.mkdtemp(prefix="sentune-scale-"))
    passages = real_passages(max(sizes))
    questions = list(python_docs().pairs.questions.values())[:_QUESTIONS]
    model = SentenceTransformer()
    model.max_seq_length = given.max_seq_length
    asked = model.encode_query(questions)
    characters = sum(map(len, passages)) / len(passages)
    print(f"{len(passages):,} passages of {characters:.0f} characters, {len(questions)} questions")
    print(f"model {model.base.name}, {model.compute.dtype_name}, {model.max_seq_length} tokens")
    print(f"index in {folder}")
    stored = StoredVectors(model, passages)
    results = []
    index: Index | None = None
    for size in sizes:
        vectors = stored.first(size)
        index, built = _grow(index, folder / "index", model, passages[:size], vectors)
        built["encoding"] = stored.seconds(size)
        older = given.beside and OtherBuild(
            given.beside, folder, (passages[:size], vectors), (questions, asked)
        )
        with busy(given.busy):
            measured = _measure(index, folder, questions, asked, older)
        results.append({"passages": size, "built": built, "systems": measured})
        _print(size, built, measured, index.info().dense)
    print(json.dumps(results))
    return None


def _grow(
    index: Index | None,
    path: Path,
    model: SentenceTransformer,
    passages: list[str],
    vectors: Vectors,
) -> tuple[Index, dict[str, float]]:
    rows = [Passage(str(number), text) for number, text in enumerate(passages)]
    places = {text: number for number, text in enumerate(passages)}
    encode = model.encode_document
    model.encode_document = (  # type: ignore[method-assign]
        lambda texts, **_: vectors[[places[text] for text in texts]]
    )
    start = time.perf_counter()
    if index is None:
        index = Index.build(path, model, rows, long_text="truncate")
    else:
        index.add(rows)
    seconds = time.perf_counter() - start
    model.encode_document = encode  # type: ignore[method-assign]
    return index, {"storing": seconds}


def _measure(
    index: Index,
    folder: Path,
    questions: list[str],
    asked: Vectors,
    older: OtherBuild | None,
) -> dict[str, dict[str, float]]:
    vectors = _vectors(index)
    exact = [set(row) for row in _exact(vectors, asked).tolist()]
    systems: dict[str, Search] = {}
    facts: dict[str, dict[str, float]] = {}
    for name, make in OTHERS.items():
        start = time.perf_counter()
        systems[name], path = make(vectors, folder, asked, exact)
        facts[name] = {"build": time.perf_counter() - start, "disk": path.stat().st_size / 2**20}
        facts[name]["memory"] = _memory(name, path, folder)
    mode = {name: _index_search(index, name, questions, asked) for name in ("dense", "hybrid")}
    systems |= {"sentune index, dense": mode["dense"], "sentune index, hybrid": mode["hybrid"]}
    if older is not None:
        for kind in ("dense", "hybrid"):
            systems[f"the older build, {kind}"] = older.search(kind)
    for name, seconds, recall in _interleaved(systems, asked, exact):
        facts.setdefault(name, {})
        facts[name] |= {
            "p10": float(np.percentile(seconds, 10)) * 1e3,
            "p50": float(np.median(seconds)) * 1e3,
            "p99": float(np.percentile(seconds, 99)) * 1e3,
            "recall": recall,
        }
    facts["sentune index, dense"] |= {
        "disk": index.info().bytes / 2**20,
        "memory": _memory("index", index.path, folder),
    }
    for name in facts:
        if name.endswith("hybrid"):
            facts[name].pop("recall")
    facts["sentune index, 1,000 at once"] = {"p50": _at_once(index, questions, asked)}
    return facts


def _interleaved(
    systems: dict[str, Search], asked: Vectors, exact: list[set[int]]
) -> list[tuple[str, list[float], float]]:
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    shares: dict[str, list[float]] = {name: [] for name in systems}
    for name in systems:
        for vector in asked[:20]:
            systems[name](vector)
    for vector, right in zip(asked, exact, strict=True):
        for name, search in systems.items():
            start = time.perf_counter()
            found = search(vector)
            seconds[name].append(time.perf_counter() - start)
            shares[name].append(len(right & set(found)) / _TOP)
    return [(name, seconds[name], float(np.mean(shares[name]))) for name in systems]


def _index_search(index: Index, mode: str, questions: list[str], asked: Vectors) -> Search:
    """The whole of ``Index.search`` but for encoding the question, as for the others."""
    known = {vector.tobytes(): question for vector, question in zip(asked, questions, strict=True)}

    def search(vector: Vectors) -> list[int]:
        _encodes_to(index, vector[None])
        hits = index.search(known[vector.tobytes()], _TOP, mode=mode)
        return [int(hit.id) for hit in hits]

    return search


def _encodes_to(index: Index, vectors: Vectors) -> None:
    """Leave out what encoding costs: the next questions have these vectors."""

    def known(questions: list[str]) -> Vectors:
        assert len(questions) == len(vectors)
        return vectors

    index._question_vectors = known  # type: ignore[method-assign]


def _at_once(index: Index, questions: list[str], asked: Vectors) -> float:
    """Milliseconds a question, of a thousand in one call."""
    many = np.resize(asked, (1000, asked.shape[1]))
    _encodes_to(index, many)
    start = time.perf_counter()
    index.search_many([questions[n % len(questions)] for n in range(1000)], _TOP, mode="dense")
    return time.perf_counter() - start


def _vectors(index: Index) -> Vectors:
    """The vectors of the index, by passage number."""
    snapshot = index._version.snapshot
    numbers = [int(snapshot.row(place)["id"]) for place in range(snapshot.width)]
    return np.ascontiguousarray(snapshot.vectors(np.argsort(numbers)))


def _exact(vectors: Vectors, asked: Vectors) -> NDArray[np.int64]:
    return np.argsort(-(asked @ vectors.T), axis=1)[:, :_TOP]


# ── memory, in a process of its own ───────────────────────────────────────────────────────────


def _memory(kind: str, path: Path, folder: Path) -> float:
    """MiB that a fresh process needs for 50 searches, beyond those before it opened anything."""
    command = [
        sys.executable,
        "-m",
        "bench.scale",
        "--worker",
        kind,
        str(path),
        str(folder / "asked.npy"),
    ]
    np.save(folder / "asked.npy", np.load(folder / "vectors.npy", mmap_mode="r")[:50])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _worker(kind: str, path: str, vectors: str) -> None:
    asked = np.load(vectors)
    searches: dict[str, Callable[[], Search]] = {
        "NumPy scan": lambda: _opened_numpy(path),
        "faiss HNSW": lambda: _opened_faiss(path),
        "usearch HNSW": lambda: _opened_usearch(path),
        "index": lambda: _opened_index(path),
    }
    before = _resident()
    search = searches[kind]()
    for vector in asked:
        search(vector)
    print(_resident() - before)


def _resident() -> float:
    """MiB of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _opened_numpy(path: str) -> Search:
    vectors = np.load(path)
    return lambda vector: [int(np.argmax(vectors @ vector))]


def _opened_faiss(path: str) -> Search:
    import faiss

    graph = faiss.read_index(path)
    return lambda vector: [int(graph.search(vector[None], _TOP)[1][0][0])]


def _opened_usearch(path: str) -> Search:
    from usearch.index import Index as Graph

    graph = Graph.restore(path)
    return lambda vector: [int(graph.search(vector, _TOP).keys[0])]


def _opened_index(path: str) -> Search:
    index = Index.open(path)
    words = iter(["read a file", "sort a list", "a thread that waits", "matrix product"] * 50)

    def search(vector: Vectors) -> list[int]:
        # Both sides of a hybrid search; the model's own memory is not the index's.
        _encodes_to(index, vector[None])
        return [hit.rank for hit in index.search(next(words), _TOP, mode="hybrid")]

    return search


def _print(
    size: int, built: dict[str, float], systems: dict[str, dict[str, float]], dense: str
) -> None:
    print(
        f"\n{size:,} passages: encoded in {built['encoding']:.0f} s (once), stored and indexed in "
        f"{built['storing']:.0f}. {dense}"
    )
    print("| | p10 ms | p50 ms | p99 ms | recall@10 | build s | memory MiB | disk MiB |")
    print("|---|---|---|---|---|---|---|---|")
    for name, facts in systems.items():
        cells = [
            f"{facts[key]:.{digits}f}" if key in facts else "–"
            for key, digits in (
                *(("p10", 2), ("p50", 2), ("p99", 2), ("recall", 3), ("build", 1)),
                *(("memory", 0), ("disk", 0)),
            )
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
