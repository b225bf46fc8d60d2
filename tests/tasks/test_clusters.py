"""Clusters: the labels of scikit-learn, known labels, names, figures, and bad input."""

from __future__ import annotations

import math
import re
import sys
import sysconfig
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from sklearn.metrics import (
    adjusted_rand_score,
    silhouette_samples,
    silhouette_score,
    v_measure_score,
)

from sentune import SentenceTransformer
from sentune.data import python_docs
from sentune.errors import ArgumentError, MissingExtraError
from sentune.tasks import cluster_methods, clusters
from sentune.tasks.cluster_methods import cut, silhouettes, ward_tree
from sentune.tasks.cluster_names import typical_words
from sentune.tasks.clusters import METHODS, Clustering, cluster

Vectors = NDArray[np.float64]
_PARTS = ("asyncio", "email", "logging", "tkinter", "xml")


@pytest.fixture(scope="module")
def topics() -> tuple[list[str], list[str]]:
    """Summaries of docstrings, 40 of each of five parts of the standard library."""
    library = Path(sysconfig.get_paths()["stdlib"])
    texts, labels = [], []
    for part in _PARTS:
        found = list(python_docs(library / part).pairs.questions.values())[:40]
        texts += found
        labels += [part] * len(found)
    return texts, labels


@pytest.fixture(scope="module")
def vectors(model: SentenceTransformer, topics: tuple[list[str], list[str]]) -> Vectors:
    """Unit vectors of the topics."""
    found = model.encode(topics[0]).astype(np.float64)
    unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def random_vectors(count: int, seed: int = 0) -> Vectors:
    return np.random.default_rng(seed).standard_normal((count, 8))


def same(a: Any, b: Any) -> bool:
    """Equal labels but for their names."""
    return bool(adjusted_rand_score(a, b) == 1.0)


# ── scikit-learn and known labels ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("k", [2, 5, 17])
def test_kmeans_is_that_of_scikit_learn(vectors: Vectors, k: int) -> None:
    expected = KMeans(k, n_init=4, random_state=7).fit_predict(vectors)
    found = cluster(vectors, n_clusters=k, seed=7)
    assert same(found.labels, expected)
    assert len(found.clusters) == k
    assert found.algorithm == "k-means, the best of 4 starts"


@pytest.mark.parametrize("k", [2, 3, 5, 17, 100, 200])
def test_agglomerative_is_that_of_scikit_learn(vectors: Vectors, k: int) -> None:
    expected = AgglomerativeClustering(k, linkage="ward").fit_predict(vectors)
    assert same(cluster(vectors, method="agglomerative", n_clusters=k).labels, expected)


def test_hdbscan_is_that_of_scikit_learn_over_principal_components(vectors: Vectors) -> None:
    projection = PCA(50, random_state=42)
    expected = HDBSCAN(
        min_cluster_size=5, min_samples=1, cluster_selection_method="leaf", copy=True
    ).fit_predict(projection.fit_transform(vectors))
    found = cluster(vectors, method="hdbscan")
    assert same(found.labels, expected)
    assert np.array_equal(found.labels < 0, expected < 0)
    share = projection.explained_variance_ratio_.sum()
    assert f"50 principal components ({share:.0%} of the variance)" in found.algorithm
    assert "min_cluster_size 5" in found.chosen


def test_hdbscan_of_few_dimensions_takes_them_as_they_are() -> None:
    vectors = random_vectors(200)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    usual = {"min_cluster_size": 5, "min_samples": 1, "cluster_selection_method": "leaf"}
    found = cluster(vectors, method="hdbscan")
    assert same(found.labels, HDBSCAN(copy=True, **usual).fit_predict(unit))
    assert found.algorithm == "HDBSCAN"


def test_many_texts_are_clustered_in_batches(
    vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_methods, "MOST_FOR_PLAIN_KMEANS", 100)
    batches = MiniBatchKMeans(5, n_init=3, batch_size=1024, random_state=42)
    expected = batches.fit_predict(vectors.astype(np.float32))
    found = cluster(vectors, n_clusters=5)
    assert same(found.labels, expected)
    assert found.algorithm.startswith("mini-batch k-means")


@pytest.mark.parametrize("method", ["kmeans", "agglomerative"])
def test_clusters_agree_with_known_labels(
    vectors: Vectors, topics: tuple[list[str], list[str]], method: str
) -> None:
    """0.54 and more on Python 3.11; shuffled labels of the same sizes give 0.04."""
    found = cluster(vectors, method=method, n_clusters=5)
    assert v_measure_score(topics[1], found.labels) > 0.42


def test_what_hdbscan_clusters_agrees_with_known_labels(
    vectors: Vectors, topics: tuple[list[str], list[str]]
) -> None:
    found = cluster(vectors, method="hdbscan")
    inside = found.labels >= 0
    assert found.noise == (~inside).sum()
    assert 0.2 < inside.mean() < 0.9
    assert v_measure_score(np.array(topics[1])[inside], found.labels[inside]) > 0.6


# ── how many ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["kmeans", "agglomerative"])
def test_the_number_has_the_highest_silhouette(vectors: Vectors, method: str) -> None:
    found = cluster(vectors, method=method)
    assert list(found.candidates) == [2, 3, 4, 5, 6, 7, 8, 11]  # √200 is 14.1
    for k, figure in found.candidates.items():
        labels = cluster(vectors, method=method, n_clusters=k).labels
        assert figure == pytest.approx(silhouette_score(vectors, labels, metric="cosine"))
    best = max(found.candidates, key=lambda k: found.candidates[k])
    assert len(found.clusters) == best
    assert found.silhouette == pytest.approx(found.candidates[best])
    assert f"{best} clusters, the highest mean silhouette" in found.chosen
    assert "of 8 numbers from 2 to 11, on all 200 texts" in found.chosen
    assert ("largest number tried" in found.chosen) == (best == 11)


def test_of_many_texts_a_sample_chooses(vectors: Vectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_SAMPLE", 120)
    found = cluster(vectors, seed=3)
    assert "on 120 (drawn with seed 3) of 200 texts" in found.chosen
    assert len(found.labels) == 200
    drawn = np.sort(np.random.default_rng(3).choice(200, 120, replace=False))
    labels = KMeans(4, n_init=4, random_state=3).fit_predict(vectors[drawn])
    expected = silhouette_score(vectors[drawn], labels, metric="cosine")
    assert found.candidates[4] == pytest.approx(expected)


def test_three_separate_groups_are_found() -> None:
    centres = np.eye(8)[:3]
    noise = np.random.default_rng(0).standard_normal((90, 8)) * 0.05
    truth = np.repeat([0, 1, 2], [50, 30, 10])
    for method in METHODS:
        found = cluster(centres[truth] + noise, method=method)
        inside = found.labels >= 0
        if method != "hdbscan":
            assert same(found.labels, truth)
            assert [group.size for group in found.clusters] == [50, 30, 10]
        # Leaves of HDBSCAN's tree may split a group, and never join two.
        for group in found.clusters:
            assert len(set(truth[found.labels == group.label])) == 1
        assert inside.mean() > 0.5


def test_a_given_number_is_told() -> None:
    found = cluster(random_vectors(20), n_clusters=4)
    assert found.chosen == "4 clusters, as asked for"
    assert found.candidates == {}


# ── silhouettes ───────────────────────────────────────────────────────────────────────────────


@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
@settings(deadline=None, max_examples=30)
def test_silhouettes_are_those_of_scikit_learn(seed: int, k: int) -> None:
    draw = np.random.default_rng(seed)
    unit = draw.standard_normal((40, 5))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    labels = np.append(np.arange(k), draw.integers(0, k - 1, 40 - k))  # the last one is alone
    expected = silhouette_samples(unit, labels, metric="cosine")
    assert silhouettes(unit, labels) == pytest.approx(expected, abs=1e-12)


def test_silhouettes_of_blocks(vectors: Vectors, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(len(vectors)) % 3
    whole = silhouettes(vectors, labels)
    monkeypatch.setattr(cluster_methods, "_ROWS", 7)
    assert silhouettes(vectors, labels) == pytest.approx(whole)


# ── the result ────────────────────────────────────────────────────────────────────────────────


def check_consistent(found: Clustering, vectors: Vectors) -> None:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    sizes = Counter(found.labels.tolist())
    assert sizes.pop(-1, 0) == found.noise
    assert [group.size for group in found.clusters] == [sizes[k] for k in range(len(sizes))]
    assert sorted(sizes.values(), reverse=True) == [group.size for group in found.clusters]
    for group in found.clusters:
        members = np.flatnonzero(found.labels == group.label)
        likeness = unit[members] @ unit[members].mean(axis=0)
        assert group.representative in members
        place = members.tolist().index(group.representative)
        assert likeness[place] == pytest.approx(likeness.max())


@given(st.integers(0, 2**32 - 1), st.integers(12, 60), st.sampled_from(METHODS))
@settings(deadline=None, max_examples=30)
def test_labels_sizes_and_representatives_agree(seed: int, count: int, method: str) -> None:
    vectors = random_vectors(count, seed)
    found = cluster(vectors, method=method, seed=seed)
    check_consistent(found, vectors)
    inside = found.labels >= 0
    if len(found.clusters) > 1:
        expected = silhouette_score(vectors[inside], found.labels[inside], metric="cosine")
        assert found.silhouette == pytest.approx(expected)
        weighted = sum((group.silhouette or 0) * group.size for group in found.clusters)
        assert weighted / inside.sum() == pytest.approx(expected)
        assert f"{found.silhouette:.3f}" in found.quality


@pytest.mark.parametrize("method", METHODS)
def test_equal_input_gives_equal_labels_whatever_the_length(method: str, vectors: Vectors) -> None:
    expected = cluster(vectors, method=method).labels
    scale = np.random.default_rng(0).uniform(0.5, 20, (len(vectors), 1))
    assert np.array_equal(cluster(vectors, method=method).labels, expected)
    assert same(cluster(vectors * scale, method=method).labels, expected)


def test_every_kind_of_vectors() -> None:
    whole = np.random.default_rng(0).integers(-100, 100, (30, 6))
    expected = cluster(whole.astype(np.float64), n_clusters=3).labels
    given: list[Any] = [
        whole,
        whole.astype(np.float32),
        whole.astype(np.float16),
        whole.tolist(),
        torch.tensor(whole, dtype=torch.float32, requires_grad=True),
        torch.tensor(whole, dtype=torch.bfloat16),
        list(torch.tensor(whole, dtype=torch.float32)),
    ]
    for vectors in given:
        assert np.array_equal(cluster(vectors, n_clusters=3).labels, expected)
    before = whole.astype(np.float64)
    cluster(before, n_clusters=3)
    assert np.array_equal(before, whole)  # and what was given is left as it was


def test_nothing_but_noise() -> None:
    found = cluster(np.eye(10), method="hdbscan")
    assert found.labels.tolist() == [-1] * 10
    assert found.clusters == ()
    assert found.silhouette is None
    assert "fewer than two" in found.quality
    assert found.chosen.startswith("0 clusters and 100% noise")


# ── names ─────────────────────────────────────────────────────────────────────────────────────


def test_words_have_the_weights_of_the_formula(
    topics: tuple[list[str], list[str]], vectors: Vectors
) -> None:
    texts, found = topics[0], cluster(vectors, n_clusters=6)
    words = [
        {w for w in re.findall(r"\b[^\W\d_]\w+\b", text.lower()) if w not in ENGLISH_STOP_WORDS}
        for text in texts
    ]
    everywhere = Counter(word for text in words for word in text)
    mean_words = everywhere.total() / 6
    for group, shown in zip(found.clusters, typical_words(texts, found.labels, 9), strict=True):
        inside = Counter(
            word for i, text in enumerate(words) if found.labels[i] == group.label for word in text
        )
        weights = {
            w: n / inside.total() * math.log(1 + mean_words / everywhere[w])
            for w, n in inside.items()
        }
        ranked: list[str] = []
        for word in sorted(weights, key=lambda w: (-weights[w], w)):
            if word.removesuffix("s") not in {kept.removesuffix("s") for kept in ranked}:
                ranked.append(word)
        assert [weights[word] for word in shown] == pytest.approx([weights[w] for w in ranked[:9]])
        assert set(shown) <= set(ranked)


def test_topics_are_named_by_their_words(
    topics: tuple[list[str], list[str]], vectors: Vectors
) -> None:
    found = cluster(vectors, topics[0], n_clusters=5)
    names = " ".join(group.name for group in found.clusters)
    for word in ("element", "loop", "widget", "logging"):
        assert word in names
    assert all(len(group.words) == 5 for group in found.clusters)
    assert found.name_of(0) == found.clusters[0].name
    assert found.name_of(-1) == "noise"


def test_one_long_text_does_not_name_a_cluster_and_plurals_are_told_once() -> None:
    texts = ["zebra " * 50 + "cat", "cats and a dog", "cat dog", "tax law", "tax office", "tax"]
    words = typical_words(texts, np.array([0, 0, 0, 1, 1, 1]), 2)
    assert words == [("cat", "dog"), ("tax", "law")]


def test_noise_weighs_and_gets_no_words() -> None:
    texts = ["shared red", "shared red", "shared blue", "shared", "shared"]
    words = typical_words(texts, np.array([0, 0, 1, -1, -1]), 1)
    assert words == [("red",), ("blue",)]


@pytest.mark.parametrize("texts", [["1 2 3", "… !", "the of", "4"], ["42", "word", "17", "9"]])
def test_without_words_the_number_is_the_name(texts: list[str]) -> None:
    found = cluster(np.eye(4)[[0, 1, 0, 0]] + 0.01, texts, n_clusters=2)
    assert found.clusters[0].name == "cluster 0"
    assert found.clusters[0].words == ()


def test_without_texts_there_are_no_words() -> None:
    assert [group.name for group in cluster(np.eye(4), n_clusters=2).clusters] == [
        "cluster 0",
        "cluster 1",
    ]


# ── repeated texts and bad input ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
def test_repeated_texts_stay_together(method: str) -> None:
    rows = random_vectors(4)[np.arange(60) % 4]
    rows += np.random.default_rng(0).standard_normal(rows.shape) * 1e-8  # as packs differ
    found = cluster(rows, method=method)
    assert same(found.labels, np.arange(60) % 4)
    assert found.silhouette == pytest.approx(1)


def test_a_sample_of_equal_texts_chooses_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_SAMPLE", 10)
    rows = np.eye(2)[(np.arange(200) == 7).astype(int)]  # one text, and another 199 times
    found = cluster(rows)
    assert [group.size for group in found.clusters] == [199, 1]


def bad(place: int, value: float) -> Vectors:
    vectors = random_vectors(20)
    vectors[place] = value
    return vectors


@pytest.mark.parametrize(
    ("vectors", "options", "part"),
    [
        ([], {}, "of shape (0, 0)"),
        ([[1.0], [1.0, 2.0]], {}, "no matrix"),
        ([["a", "b"]], {}, "no matrix"),
        (None, {}, "no matrix"),
        (np.ones(5), {}, "1 text for kmeans"),
        (np.empty((5, 0)), {}, "of shape (5, 0)"),
        (np.empty((0, 5)), {}, "0 texts for kmeans"),
        (np.ones((1, 5)), {}, "1 text for kmeans: expected at least 3"),
        (np.eye(2), {}, "2 texts for kmeans: expected at least 3"),
        (np.eye(9), {"method": "hdbscan"}, "9 texts for hdbscan: expected at least 10"),
        (np.eye(3), {"n_clusters": 4}, "4 clusters of 3 texts"),
        (np.eye(3), {"n_clusters": 1}, "the number of clusters is 1:"),
        (np.eye(3), {"n_clusters": 0}, "the number of clusters is 0:"),
        (np.eye(3), {"n_clusters": -2}, "the number of clusters is -2:"),
        (np.eye(3), {"n_clusters": True}, "the number of clusters is True:"),
        (np.eye(3), {"n_clusters": 2.0}, "the number of clusters is 2.0:"),
        (np.eye(3), {"n_clusters": "2"}, "the number of clusters is '2':"),
        (np.eye(20), {"method": "hdbscan", "n_clusters": 2}, "Leave the number out"),
        (np.eye(3), {"method": "dbscan"}, "expected one of kmeans, hdbscan, agglomerative"),
        (np.eye(3), {"method": None}, "method is None"),
        (np.eye(3), {"seed": -1}, "seed is -1"),
        (np.eye(3), {"seed": 2**32}, "seed is 4294967296"),
        (np.eye(3), {"seed": None}, "seed is None"),
        (np.eye(3), {"texts": ["a", "b"]}, "2 texts"),
        (np.eye(3), {"texts": "abc"}, "one text: expected a list"),
        (np.eye(3), {"texts": ["a", " ", "c"]}, "text 1 is empty"),
        (np.eye(3), {"texts": ["a", "b", None]}, "text 2 is NoneType"),
        (bad(4, np.nan), {}, "infinite or too large values in row 4"),
        (bad(5, np.inf), {}, "infinite or too large values in row 5"),
        (bad(6, 1e200), {}, "infinite or too large values in row 6"),
        (bad(7, 0.0), {}, "vector 7 has length zero"),
        (np.ones((12, 5)), {}, "clusters of 12 texts with 1 different vector"),
        (np.ones((12, 5)) + random_vectors(12)[:, :5] * 1e-8, {}, "with 1 different vector"),
        (np.ones((12, 5)), {"method": "hdbscan"}, "Give texts that differ"),
        (np.ones((12, 5)), {"method": "agglomerative"}, "Give texts that differ"),
        (np.eye(2)[[0, 1, 1, 0]], {"n_clusters": 3}, "3 clusters of 4 texts with 2 different"),
    ],
)
def test_bad_input_is_refused_in_one_line(vectors: Any, options: dict[str, Any], part: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        cluster(vectors, **options)
    assert part in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("method", "most"), [("agglomerative", 10_000), ("hdbscan", 20_000)])
def test_too_many_texts_are_refused_before_any_work(method: str, most: int) -> None:
    clusters.require_clusterable(most, method, None)
    with pytest.raises(ArgumentError, match=f"at most {most:,}.*Use kmeans"):
        clusters.require_clusterable(most + 1, method, None)
    clusters.require_clusterable(10**7, "kmeans", None)


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(MissingExtraError, match=r"sentune\[tasks\]"):
        cluster(np.eye(3))


def test_two_texts_make_two_clusters_when_asked() -> None:
    for method in ("kmeans", "agglomerative"):
        found = cluster(np.eye(2), ["a cat", "a tax"], method, 2)
        assert sorted(found.labels.tolist()) == [0, 1]
        assert found.silhouette == 0


def test_the_cut_of_a_tree_has_the_number_asked_for() -> None:
    tree = ward_tree(random_vectors(30))
    assert [len(set(cut(tree, k).tolist())) for k in range(1, 31)] == list(range(1, 31))
