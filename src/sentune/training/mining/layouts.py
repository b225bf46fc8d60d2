"""Mined pairs → rows of each layout that losses take, with scores where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.training.mining.mine import Mined, Negative
from sentune.training.mining.outputs import Chosen, mined_columns

__all__ = ["mined_rows"]


def mined_rows(
    mined: Mined, model: SentenceTransformer, layout: str = "n-tuple", *, scores: bool = False
) -> Iterator[dict[str, Any]]:
    """Rows of one layout, for ``SentenceTransformerTrainer``, ``CrossEncoderTrainer`` or ``tune``.

    Args:
        mined: from :func:`sentune.training.mining.mine.mine_hard_negatives`.
        model: that it was mined with.
        layout: ``n-tuple``: anchor, positive, negative_1, …; as many negatives in each row as the
            question with the fewest has. ``triplet``: a row for each negative. ``labeled-pair``: a
            row for each text, with ``label`` 1 or 0. ``labeled-list``: a list of texts in a row,
            with a list ``labels``.
        scores: add ``scores`` (a list; in ``labeled-pair`` a ``score``) in place of labels: the
            cosines of the question to the texts of the row, in their order. Losses that learn from
            a teacher take them.

    Cost: with ``scores``, one encoding of the negatives that are no passage of the pairs.
    """
    pairs, width = mined.pairs, mined.pairs.negative_count
    given = _given(mined, model) if scores else {}
    numbers: dict[str, int] = {}
    chosen = []
    for key, names in pairs.relevant.items():
        before = given.get(key) or [Negative(t, 0.0) for t in _texts_before(mined, key)]
        negatives = [*before, *mined.mined[key], *mined.random[key]]
        if layout == "n-tuple":
            negatives = negatives[:width]
        right = [pairs.passages[name] for name in names]
        for text in (*right, *(negative.text for negative in negatives)):
            numbers.setdefault(text, len(numbers))
        chosen.append(
            Chosen(
                pairs.questions[key],
                [numbers[text] for text in right],
                list(mined.positives[key]),
                [numbers[negative.text] for negative in negatives],
                [negative.similarity for negative in negatives],
            )
        )
    columns = mined_columns(
        ("anchor", "positive"), list(numbers), chosen, layout, width, scores=scores
    )
    for row in zip(*columns.values(), strict=True):
        yield dict(zip(columns, row, strict=True))


def _texts_before(mined: Mined, key: str) -> list[str]:
    """The negatives that the file already had."""
    found = len(mined.mined[key]) + len(mined.random[key])
    negatives = mined.pairs.negatives.get(key, ())
    return list(negatives[: len(negatives) - found])


def _given(mined: Mined, model: SentenceTransformer) -> dict[str, list[Negative]]:
    """Those with their cosines to the question."""
    texts = {key: _texts_before(mined, key) for key in mined.pairs.relevant}
    texts = {key: some for key, some in texts.items() if some}
    if not texts:
        return {}
    unique = list(dict.fromkeys(text for some in texts.values() for text in some))
    questions = model.encode_query(
        [mined.pairs.questions[key] for key in texts], normalize_embeddings=True
    )
    vectors = dict(
        zip(unique, model.encode_document(unique, normalize_embeddings=True), strict=True)
    )
    return {
        key: [Negative(text, float(np.dot(question, vectors[text]))) for text in some]
        for (key, some), question in zip(texts.items(), questions, strict=True)
    }
