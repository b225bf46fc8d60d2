"""Groups of similar texts: how many there are, their texts, and what they are about.

vectors ─ unit length ─ how many? ─ scikit-learn ─ labels by size ─ words, examples, silhouettes
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_whole
from sentune.encoding.similarity import Vectors
from sentune.progress import progress
from sentune.tasks.cluster_input import (
    METHODS,
    count_different,
    require_clusterable,
    require_different,
    require_texts,
    unit_vectors,
)
from sentune.tasks.cluster_methods import (
    Labels,
    Unit,
    centroids,
    cut,
    hdbscan,
    kmeans,
    min_cluster_size,
    silhouettes,
    ward_tree,
)
from sentune.tasks.cluster_names import typical_words
from sentune.wording import counted

__all__ = ["METHODS", "Cluster", "Clustering", "cluster", "require_clusterable"]

_CANDIDATES = (2, 3, 4, 5, 6, 7, 8, 11, 16, 23, 32, 45, 64, 91)
_ALWAYS_TRIED = 5
_SAMPLE = 4000  # texts on which k-means tries the candidates: about 10 seconds on one core


@dataclass(frozen=True, slots=True)
class Cluster:
    """One group of texts.

    Attributes:
        label: its number in ``Clustering.labels``; 0 is the largest cluster.
        size: how many texts.
        words: the most typical, see :func:`sentune.tasks.cluster_names.typical_words`; empty
            without texts, or where they have no words.
        representative: index of the text nearest to the mean of the cluster.
        silhouette: mean over its texts; None when it is the only cluster.
    """

    label: int
    size: int
    words: tuple[str, ...]
    representative: int
    silhouette: float | None

    @property
    def name(self) -> str:
        """The words as one text; without words, ``cluster`` and its number."""
        return ", ".join(self.words) or f"cluster {self.label}"


@dataclass(frozen=True, slots=True)
class Clustering:
    """What :func:`cluster` found.

    Attributes:
        labels: (n,) number of each text's cluster; −1 for noise, which only HDBSCAN leaves.
        clusters: the largest first.
        algorithm: what ran, in words.
        chosen: a sentence that says how the number of clusters was chosen.
        candidates: number of clusters → mean silhouette, where several were tried.
        silhouette: mean over all texts in clusters; None for fewer than two clusters.
    """

    labels: NDArray[np.int64]
    clusters: tuple[Cluster, ...]
    algorithm: str
    chosen: str
    candidates: Mapping[int, float]
    silhouette: float | None

    @property
    def noise(self) -> int:
        """How many texts are in no cluster."""
        return int((self.labels < 0).sum())

    @property
    def quality(self) -> str:
        """The silhouette and what it means, in one sentence."""
        if self.silhouette is None:
            return "no silhouette: there are fewer than two clusters to compare"
        return (
            f"mean silhouette {self.silhouette:.3f} by cosine (1: texts are far from the other "
            "clusters; 0: on the border between two clusters; below 0: nearer to another cluster)"
        )

    def name_of(self, label: int) -> str:
        """The name of a cluster, or ``noise`` for −1."""
        return self.clusters[label].name if label >= 0 else "noise"


class _Found(NamedTuple):
    labels: Labels
    algorithm: str
    chosen: str
    candidates: dict[int, float]


def cluster(
    embeddings: Vectors,
    texts: Sequence[str] | None = None,
    method: str = "kmeans",
    n_clusters: int | None = None,
    seed: int = 42,
    show_progress_bar: bool = False,
) -> Clustering:
    """Group similar texts.

    - ``kmeans``: every text belongs to the nearest of k means. 4 starts up to 10,000 texts, then
      one; batches above 50,000.
    - ``agglomerative``: Ward's method joins the two nearest clusters until k are left. Average
      and complete linkage by cosine agreed less with known labels in most of our tests.
    - ``hdbscan``: dense regions are clusters, and the rest is noise, about half of real texts. It
      finds the number of clusters. More than 50 dimensions are reduced to 50 principal components.

    Without ``n_clusters`` the first two try 2, 3, 4, 5, 6, 7, 8, 11, 16, 23, 32, 45, 64 and 91
    clusters, up to the square root of the number of texts, or up to 5 if there are two texts for
    each cluster. They keep the number with the highest mean
    silhouette (Rousseeuw 1987) by cosine, the smaller one if equal. With more than 4,000 texts,
    k-means tries the numbers on a sample of 4,000.

    The same input and seed give the same labels on the same machine.

    >>> import numpy as np
    >>> from sentune.tasks.clusters import cluster
    >>> found = cluster(np.array([[1, 0], [0.9, 0.1], [0, 1], [0.8, 0.2]]), n_clusters=2)
    >>> found.labels.tolist(), [group.size for group in found.clusters]
    ([0, 0, 1, 0], [3, 1])

    Cost: k-means O(n · k · d) a round, with memory for the vectors, twice, in float64;
    agglomerative O(n² · d) and 8 · n² bytes; HDBSCAN O(n²).

    Args:
        embeddings: (n, d) vectors; their length does not matter.
        texts: n texts, for the names of the clusters.
        method: one of ``METHODS``.
        n_clusters: how many; not for ``hdbscan``.
        seed: for the starts of k-means, the sample and the principal components.
        show_progress_bar: show a bar on standard error while numbers are tried.

    Raises:
        ArgumentError: too few or too many vectors for the method; vectors that are not finite, of
            length zero or all the same; another number of texts than vectors; or another argument
            outside its range.
        MissingExtraError: the extra ``tasks`` is not installed.
    """
    unit = unit_vectors(embeddings)
    require_clusterable(len(unit), method, n_clusters)
    require_whole("seed", seed, least=0, most=2**32 - 1, fix="42 is usual")
    require_texts(texts, len(unit))
    require_different(unit, n_clusters)
    if method == "hdbscan":
        found = _by_density(unit, seed)
    else:
        found = _by_number(unit, method, n_clusters, seed, show_progress_bar)
    labels = _largest_first(found.labels)
    values = _silhouettes(unit, labels)
    return Clustering(
        labels=labels,
        clusters=_described(unit, labels, texts, values),
        algorithm=found.algorithm,
        chosen=found.chosen,
        candidates=found.candidates,
        silhouette=None if values is None else float(values[labels >= 0].mean()),
    )


def _by_number(unit: Unit, method: str, n_clusters: int | None, seed: int, show: bool) -> _Found:
    tree = ward_tree(unit) if method == "agglomerative" else None
    candidates: dict[int, float] = {}
    chosen, number = "as asked for", n_clusters
    if number is None:
        tried = unit if tree is not None else _sample(unit, seed)
        numbers = _numbers(len(unit), count_different(tried))
        with progress("choosing", len(numbers), unit="numbers of clusters", show=show) as advance:
            for k in numbers:
                labels = kmeans(tried, k, seed)[0] if tree is None else cut(tree, k)
                candidates[k] = _mean_silhouette(tried, _largest_first(labels))
                advance(1)
        number = max(candidates, key=lambda k: candidates[k])
        chosen = _reason(candidates, number, len(tried), len(unit), seed)
    if tree is not None:
        labels, algorithm = cut(tree, number), "agglomerative clustering by Ward's method"
    else:
        labels, algorithm = kmeans(unit, number, seed)
    found = len(np.unique(labels))
    if found < number:
        chosen = f"because there are no more different texts ({number:,} were asked for)"
    return _Found(labels, algorithm, f"{found:,} clusters, {chosen}", candidates)


def _mean_silhouette(unit: Unit, labels: Labels) -> float:
    """0 for a single cluster, which is what a sample of equal texts gives."""
    return float(silhouettes(unit, labels).mean()) if labels.max() else 0.0


def _numbers(count: int, different: int) -> list[int]:
    """The candidates up to √count; above it, clusters of few texts get high silhouettes."""
    limit = max(math.isqrt(count), min(count // 2, _ALWAYS_TRIED), 2)
    return [k for k in _CANDIDATES if k <= min(limit, max(different, 2))]


def _sample(unit: Unit, seed: int) -> Unit:
    if len(unit) <= _SAMPLE:
        return unit
    drawn = np.random.default_rng(seed).choice(len(unit), _SAMPLE, replace=False)
    return unit[np.sort(drawn)]


def _reason(candidates: dict[int, float], number: int, tried: int, count: int, seed: int) -> str:
    where = "all" if tried == count else f"{tried:,} (drawn with seed {seed}) of"
    sentence = (
        f"the highest mean silhouette ({candidates[number]:.3f} by cosine) of "
        f"{len(candidates)} numbers from 2 to {max(candidates)}, on {where} {count:,} texts"
    )
    if len(candidates) > 1 and number == max(candidates):
        sentence += "; it is the largest number tried, so a larger one may be better"
    return sentence


def _by_density(unit: Unit, seed: int) -> _Found:
    labels, algorithm = hdbscan(unit, seed)
    number = int(labels.max()) + 1
    noise = (labels < 0).mean()
    chosen = (
        f"{counted(number, 'cluster')} and {noise:.0%} noise, found by "
        f"HDBSCAN with min_cluster_size {min_cluster_size(len(unit))} (a quarter of the square "
        "root of the number of texts, at least 5)"
    )
    return _Found(labels, algorithm, chosen, {})


def _largest_first(labels: Labels) -> Labels:
    """The same clusters, numbered by size and then by their first text; −1 stays."""
    names, firsts, positions, sizes = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((firsts, -sizes, names < 0))
    numbers = np.empty(len(names), dtype=np.int64)
    numbers[order] = np.arange(len(names))
    numbers[names < 0] = -1
    return numbers[positions]


def _silhouettes(unit: Unit, labels: Labels) -> NDArray[np.float64] | None:
    """(n,), NaN for noise; None for fewer than two clusters."""
    inside = labels >= 0
    if labels.max() < 1:
        return None
    values = np.full(len(labels), np.nan)
    values[inside] = silhouettes(unit[inside], labels[inside])
    return values


def _described(
    unit: Unit,
    labels: Labels,
    texts: Sequence[str] | None,
    values: NDArray[np.float64] | None,
) -> tuple[Cluster, ...]:
    if labels.max() < 0:
        return ()
    inside = labels >= 0
    means = centroids(unit[inside], labels[inside])
    words = [()] * len(means) if texts is None else typical_words(texts, labels)
    clusters: list[Cluster] = []
    for label, mean in enumerate(means):
        members = np.flatnonzero(labels == label)
        nearest = int(members[np.argmax(unit[members] @ mean)])
        silhouette = None if values is None else float(values[members].mean())
        clusters.append(Cluster(label, len(members), words[label], nearest, silhouette))
    return tuple(clusters)
