"""The words that tell clusters apart: class-based TF-IDF."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sentune.tasks.cluster_methods import scikit_learn

__all__ = ["telling_words"]

_WORD = r"\b[^\W\d_]\w+\b"  # two characters or more, and no digit or underscore in front


def telling_words(
    texts: Sequence[str], labels: NDArray[np.int64], count: int = 5
) -> list[tuple[str, ...]]:
    """The words that are most telling of each cluster, the most telling first.

    The weight of word t in cluster c is that of c-TF-IDF (Grootendorst 2022, "BERTopic",
    arXiv:2203.05794): W = tf(t, c) · log(1 + A / f(t)), where f(t) is the frequency of t in all
    clusters together and A the mean number of words of a cluster. One thing differs: a frequency
    is the number of texts that have the word, so that one long text cannot name a cluster.

    Words are in lower case, not stemmed, without scikit-learn's English stop words; of a word and
    the same with an s behind, the more telling stays. A text in a language without spaces is one
    word, so clusters of such texts get poor names.

    Args:
        texts: n texts.
        labels: (n,) cluster of each, from 0 without gaps; −1 for none. Texts without a cluster
            count as one more cluster, which gets no words.
        count: the most words of a cluster.

    Returns:
        One tuple a cluster; empty where its texts have no words.

    Cost: O(words of the texts); memory for the different words of each text.
    """
    clusters = int(labels.max(initial=-1)) + 1
    counter = scikit_learn("feature_extraction.text").CountVectorizer(
        stop_words="english", token_pattern=_WORD
    )
    try:
        with warnings.catch_warnings():
            # About stop words that the pattern would cut; all of them match it.
            warnings.simplefilter("ignore")
            counts = counter.fit_transform(texts).tocoo()
    except ValueError:  # not one word in all texts
        return [()] * clusters
    words = counter.get_feature_names_out()
    # One entry for each word of each text, however often it has it.
    groups = labels[counts.row] % (clusters + 1)  # −1 becomes the last
    cells, frequencies = np.unique(groups * len(words) + counts.col, return_counts=True)
    group, word = np.divmod(cells, len(words))
    mean_words = len(counts.row) / len(np.unique(groups))
    everywhere = np.bincount(counts.col, minlength=len(words))
    weights = frequencies * np.log1p(mean_words / everywhere[word])
    # Within a cluster the length of tf's vector is a constant, so it is left out.
    order = np.lexsort((word, -weights, group))
    edges = np.searchsorted(group[order], np.arange(clusters + 1))
    return [
        _without_plurals(words[word[order[start:end]]], count) for start, end in pairwise(edges)
    ]


def _without_plurals(words: NDArray[np.object_], count: int) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for word in words:
        kept.setdefault(word.removesuffix("s"), str(word))
        if len(kept) == count:
            break
    return tuple(kept.values())
