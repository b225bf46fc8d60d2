"""scikit-learn's methods for clustering unit vectors, and the silhouettes of the result.

On unit vectors the squared Euclidean distance is 2 − 2 · cosine, so methods that know only
Euclidean distance order pairs of texts as the cosine does.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sentune.tasks.scikit_learn import import_extra, quiet

__all__ = ["centroids", "cut", "hdbscan", "kmeans", "min_cluster_size", "silhouettes", "ward_tree"]

# Four starts lowered the inertia by only 0.1% to 0.5%. But silhouettes, which choose the number of
# clusters, depended less on chance: 0.103 instead of 0.087 for 45 clusters of 1,805 texts.
_FEW = 10_000
_STARTS = 4
# Above this many texts, batches: at 60,000 texts and 64 clusters they took a fifth of the time for
# an inertia 1.2% higher. Below it, plain k-means takes less time than encoding.
MOST_FOR_PLAIN_KMEANS = 50_000
_BATCH = 1024
# In more dimensions HDBSCAN's trees save little work, and dense regions are hard to find: over 384
# dimensions it took eight times as long, and agreed no better with known labels.
_COMPONENTS = 50
_ROWS = 4096

Unit = NDArray[np.float64]
Labels = NDArray[np.int64]


def kmeans(unit: Unit, n_clusters: int, seed: int) -> tuple[Labels, str]:
    """k-means (Lloyd 1982) from k-means++ starts (Arthur & Vassilvitskii 2007): labels and name.

    In float64, so that the order in which threads add numbers does not change a label. Batches
    (Sculley 2010) are in float32, to save memory.
    """
    package = import_extra("sklearn.cluster")
    if len(unit) > MOST_FOR_PLAIN_KMEANS:
        batches = package.MiniBatchKMeans(
            n_clusters, n_init=3, batch_size=_BATCH, random_state=seed
        )
        with quiet():
            labels = batches.fit_predict(unit.astype(np.float32))
        return labels.astype(np.int64), f"mini-batch k-means, {_BATCH:,} texts a batch"
    starts = _STARTS if len(unit) <= _FEW else 1
    with quiet():
        labels = package.KMeans(n_clusters, n_init=starts, random_state=seed).fit_predict(unit)
    name = f"k-means, the best of {starts} starts" if starts > 1 else "k-means"
    return labels.astype(np.int64), name


def ward_tree(unit: Unit) -> NDArray[np.int64]:
    """The n − 1 merges of Ward's method (Ward 1963): row i joins two nodes to node n + i.

    Cost: O(n²) time; 8 · n² bytes of memory at the peak.
    """
    package = import_extra("sklearn.cluster")
    with quiet():
        tree = package.AgglomerativeClustering(2, linkage="ward", compute_full_tree=True).fit(unit)
    merges: NDArray[np.int64] = tree.children_.astype(np.int64)
    return merges


def cut(merges: NDArray[np.int64], n_clusters: int) -> Labels:
    """The labels when the last merges are undone, so that ``n_clusters`` nodes are left.

    A label is the number of its node, not a number from 0 to k − 1.
    """
    count = len(merges) + 1
    owner = np.arange(2 * count - n_clusters)
    for node in range(len(owner) - 1, count - 1, -1):
        owner[merges[node - count]] = owner[node]
    return owner[:count]


def min_cluster_size(count: int) -> int:
    """The smallest cluster that HDBSCAN may find: a quarter of √n texts, and at least 5."""
    return max(5, round(math.sqrt(count) / 4))


def hdbscan(unit: Unit, seed: int) -> tuple[Labels, str]:
    """HDBSCAN (Campello et al. 2013) of the principal components: labels and what was done.

    Two settings are not the usual ones. Every text counts as a core (``min_samples`` 1): with
    ``min_samples`` equal to ``min_cluster_size``, three quarters of real texts became noise, with 1
    about half. And clusters are the leaves of the tree: by excess of mass, the usual rule, one
    cluster sometimes got nearly everything, such as 50,098 of 59,912 package descriptions.

    Cost: O(n²) time, O(n) memory.
    """
    size = min_cluster_size(len(unit))
    reduced, name = unit, "HDBSCAN"
    if min(unit.shape) > _COMPONENTS:
        projection = import_extra("sklearn.decomposition").PCA(_COMPONENTS, random_state=seed)
        reduced = projection.fit_transform(unit)
        share = projection.explained_variance_ratio_.sum()
        name = f"HDBSCAN of {_COMPONENTS} principal components ({share:.0%} of the variance)"
    method = import_extra("sklearn.cluster").HDBSCAN(
        min_cluster_size=size, min_samples=1, cluster_selection_method="leaf", copy=True
    )
    with quiet():
        labels = method.fit_predict(reduced)
    return labels.astype(np.int64), name


def silhouettes(unit: Unit, labels: Labels) -> NDArray[np.float64]:
    """Silhouette of every text by cosine distance (Rousseeuw 1987): (n,), each from −1 to 1.

    The mean cosine distance from a unit vector to a cluster is one minus its product with the
    cluster's mean, so the exact figures cost O(n · k · d) rather than O(n² · d).

    Args:
        unit: (n, d) vectors of length one.
        labels: (n,) from 0 to k − 1, each of them in use; k at least two.
    """
    sizes = np.bincount(labels)
    means = centroids(unit, labels)
    values = np.empty(len(unit))
    for start in range(0, len(unit), _ROWS):
        block = labels[start : start + _ROWS]
        rows = np.arange(len(block))
        distances = np.maximum(1 - unit[start : start + _ROWS] @ means.T, 0)
        # The mean over the others of the cluster: a text's distance to itself is 0.
        within = distances[rows, block] * sizes[block] / np.maximum(sizes[block] - 1, 1)
        distances[rows, block] = np.inf
        nearest = distances.min(axis=1)
        larger = np.maximum(np.maximum(within, nearest), np.finfo(np.float64).tiny)
        alone = sizes[block] == 1
        values[start : start + _ROWS] = np.where(alone, 0, (nearest - within) / larger)
    return values


def centroids(vectors: Unit, labels: Labels) -> NDArray[np.float64]:
    """Mean vector of each label, (k, d); labels from 0 to k − 1, each of them in use."""
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels)
    sums = np.add.reduceat(vectors[order], np.cumsum(sizes) - sizes)
    means: NDArray[np.float64] = sums / sizes[:, None]
    return means
