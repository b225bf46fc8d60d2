"""Clusters beside scikit-learn called directly, and beside labels that people gave.

    .venv/bin/python -m bench.tasks clusters

Two corpora: the standard library's docstrings, labelled by module, and Debian's one-line package
descriptions, labelled by section, where ``apt-cache dumpavail`` knows any. For each method:

- ``same``: adjusted Rand index of our labels and those of scikit-learn, called with the same
  settings, seed and vectors; 1 is equal but for the numbers of the clusters.
- ``V``: V-measure of our labels with the known ones; for HDBSCAN also over the texts that it put
  into a cluster. ``shuffled`` is that of the same labels in random order, which is chance.
- ``time``: median of ours over that of scikit-learn, in alternation. Ours has in it the checks,
  the silhouettes and, for names, the words.

How the number is chosen is shown last, for k-means.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, v_measure_score

from sentune import SentenceTransformer, count_truncation
from sentune.data import python_docs
from sentune.tasks.cluster_methods import min_cluster_size
from sentune.tasks.clusters import METHODS, cluster

ROUNDS = 3
TEXTS = 3000
SEED = 42


class Corpus(NamedTuple):
    """Texts, the label of each, and where they come from."""

    name: str
    texts: list[str]
    labels: list[str]


def main() -> None:
    """Print a table for each corpus that this machine has."""
    model = SentenceTransformer()
    corpora = [_docstrings()]
    debian = _debian()
    if debian is None:
        print("Debian's package descriptions: absent (apt-cache dumpavail has none); left out")
    else:
        corpora.append(debian)
    for corpus in corpora:
        with count_truncation():
            vectors = model.encode(corpus.texts).astype(np.float64)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        _compare(corpus, vectors)


def _docstrings() -> Corpus:
    docs = python_docs()
    questions = docs.pairs.questions
    return Corpus(
        "docstrings by module", [*questions.values()], [docs.module_of[name] for name in questions]
    )


def _debian() -> Corpus | None:
    """A sample of the different descriptions, each with the section of its first package."""
    if shutil.which("apt-cache") is None:
        return None
    known = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=False).stdout
    sections: dict[str, str] = {}
    for package in known.decode("utf-8", "replace").split("\n\n"):
        section = re.search(r"^Section: (.+)$", package, re.MULTILINE)
        text = re.search(r"^Description(?:-en)?: *(.*\S)", package, re.MULTILINE)
        if section and text:
            sections.setdefault(text[1], section[1].rpartition("/")[2])
    if len(sections) < TEXTS:
        return None
    texts = list(sections)
    drawn = np.random.default_rng(SEED).choice(len(texts), TEXTS, replace=False)
    kept = [texts[place] for place in np.sort(drawn)]
    name = f"Debian descriptions by section, {TEXTS:,} of {len(texts):,}"
    return Corpus(name, kept, [sections[text] for text in kept])


def _compare(corpus: Corpus, vectors: NDArray[np.float64]) -> None:
    known = len(set(corpus.labels))
    print(f"\n{corpus.name}: {len(corpus.texts):,} texts, {known} labels and clusters")
    heads = f"{'clusters':>8} {'noise':>6} {'same':>6} {'V':>6} {'shuffled':>9} {'time':>6}"
    print(f"{'method':14} {heads}")
    for method in METHODS:
        ours, theirs, ratio = _alternate(
            partial(_ours, vectors, corpus.texts, method, known),
            partial(_directly, vectors, method, known),
        )
        _print_row(method, corpus.labels, ours, f"{adjusted_rand_score(theirs, ours):.3f}", ratio)
    chosen = cluster(vectors, corpus.texts)
    _print_row("kmeans, chosen", corpus.labels, chosen.labels, "–", "–")
    print(f"chosen: {chosen.chosen}")
    print("mean silhouettes:", *(f"{k}: {figure:.3f}" for k, figure in chosen.candidates.items()))
    for group in chosen.clusters[:5]:
        print(f"  {group.size:5,}  {group.name}")


def _print_row(
    method: str, known: list[str], labels: NDArray[np.int64], same: str, ratio: str
) -> None:
    inside = labels >= 0
    shuffled = np.random.default_rng(SEED).permutation(labels)
    print(
        f"{method:14} {labels.max() + 1:8} {(~inside).mean():6.0%} {same:>6} "
        f"{v_measure_score(known, labels):6.3f} {v_measure_score(known, shuffled):9.3f} {ratio:>6}"
        + ("" if inside.all() else f"  V of the clustered {_v(known, labels, inside):.3f}")
    )


def _v(known: list[str], labels: NDArray[np.int64], inside: NDArray[np.bool_]) -> float:
    return float(v_measure_score(np.array(known)[inside], labels[inside]))


def _alternate(
    ours: Callable[[], NDArray[np.int64]], theirs: Callable[[], Any]
) -> tuple[NDArray[np.int64], Any, str]:
    """The labels of both, and the ratio of the medians."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        started = time.perf_counter()
        first = ours()
        between = time.perf_counter()
        second = theirs()
        seconds[0].append(between - started)
        seconds[1].append(time.perf_counter() - between)
    ratio = statistics.median(seconds[0]) / statistics.median(seconds[1])
    return first, second, f"{ratio:.2f}"


def _ours(
    vectors: NDArray[np.float64], texts: list[str], method: str, number: int
) -> NDArray[np.int64]:
    asked = None if method == "hdbscan" else number
    return cluster(vectors, texts, method, asked, SEED).labels


def _directly(vectors: NDArray[np.float64], method: str, number: int) -> Any:
    """What somebody would write with scikit-learn alone."""
    if method == "kmeans":
        return KMeans(number, n_init=4, random_state=SEED).fit_predict(vectors)
    if method == "agglomerative":
        return AgglomerativeClustering(number, linkage="ward").fit_predict(vectors)
    reduced = PCA(50, random_state=SEED).fit_transform(vectors)
    return HDBSCAN(
        min_cluster_size=min_cluster_size(len(vectors)),
        min_samples=1,
        cluster_selection_method="leaf",
        copy=True,
    ).fit_predict(reduced)
