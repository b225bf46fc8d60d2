"""The words that are typical of each cluster: class-based TF-IDF."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sentune.tasks.scikit_learn import import_extra, quiet

__all__ = ["typical_words"]

_WORD = r"\b[^\W\d_]\w+\b"  # two characters or more, and no digit or underscore in front


def typical_words(
    texts: Sequence[str], labels: NDArray[np.int64], count: int = 5
) -> list[tuple[str, ...]]:
    """The words that are most typical of each cluster, the most typical first.

    The weight of word t in cluster c is that of c-TF-IDF (Grootendorst 2022, "BERTopic",
    arXiv:2203.05794): W = tf(t, c) · log(1 + A / f(t)), where f(t) is the frequency of t in all
    clusters together and A the mean number of words of a cluster. One thing differs: a frequency
    is the number of texts that have the word, so that one long text cannot name a cluster.

    Words are in lower case, not stemmed, without scikit-learn's English stop words. Of a word with
    and without a final s, only the more typical form is kept. A text in a language without spaces
    is one word, so clusters of these texts get poor names.

    Args:
        labels: (n,) cluster of each, from 0 without gaps; −1 for none. Texts without a cluster
            count as one more cluster, which gets no words.
        count: the most words for a cluster.

    Returns:
        One tuple for each cluster; empty where its texts have no words.

    Cost: O(words of the texts); memory for the different words of each text.
    """
    clusters = int(labels.max(initial=-1)) + 1
    counter = import_extra("sklearn.feature_extraction.text").CountVectorizer(
        stop_words="english", token_pattern=_WORD
    )
    try:
        with quiet():  # it fears that the pattern cuts stop words; it matches all of them
            counts = counter.fit_transform(texts).tocoo()
    except ValueError:  # not one word in all texts
        return [()] * clusters
    words = counter.get_feature_names_out()
    # One entry for each word of each text, however often the text has the word.
    groups = labels[counts.row] % (clusters + 1)  # −1 becomes the last
    cells, frequencies = np.unique(groups * len(words) + counts.col, return_counts=True)
    group, word = np.divmod(cells, len(words))
    mean_words = len(counts.row) / len(np.unique(groups))
    everywhere = np.bincount(counts.col, minlength=len(words))
    weights = frequencies * np.log1p(mean_words / everywhere[word])
    # Within a cluster the length of the vector tf is constant, so we do not divide by it.
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
