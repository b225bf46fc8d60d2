"""Labels by their names alone, without a single labelled text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.ranking.retrieval_model import similarity_scores

__all__ = ["TEMPLATE", "require_names", "zero_shot"]

TEMPLATE = "This text is about {}."


def zero_shot(
    model: SentenceTransformer,
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    template: str = TEMPLATE,
    show_progress_bar: bool = False,
) -> NDArray[np.float32]:
    """How similar each text is to each label's name in a sentence: (n, L), by the model's own
    similarity.

    The label with the greatest similarity is the best guess (Yin et al. 2019, arXiv:1909.00161,
    for the setting). These are no probabilities, and nothing here makes them any.

    The sentence helps a little: with all-MiniLM-L6-v2 and the bare name, 7,706 package descriptions
    got their section of 16 right in 42.5% of cases, with the sentence in 45.6%; 908 docstrings
    their module of 14 in 47.8% and 49.3% (``bench/tasks_classification.py``).

    Args:
        model: labels are encoded as queries, texts as documents.
        texts: what to label.
        labels: names that say what a text is about; at least two, all different.
        template: a sentence with ``{}`` where the name belongs.
        show_progress_bar: draw a bar on standard error.

    Raises:
        ArgumentError: fewer than two labels, a blank or repeated one, a template without ``{}``,
            or something that is no text.
    """
    require_names(labels)
    if "{}" not in template:
        raise ArgumentError(
            f"the template {template!r}",
            expected="a sentence with {} where the label belongs",
            fix=f"leave it out for {TEMPLATE!r}",
        )
    sentences = [template.replace("{}", name) for name in labels]
    vectors = model.encode_document(list(texts), show_progress_bar=show_progress_bar)
    similarities = similarity_scores(model, vectors, model.encode_query(sentences))
    return np.asarray(similarities, dtype=np.float32)


def require_names(labels: Sequence[str]) -> None:
    """Raise ArgumentError unless there are at least two names, none blank, all different."""
    if isinstance(labels, str) or not all(isinstance(name, str) for name in labels):
        raise _bad_labels("labels that are no list of texts")
    if any(not name.strip() for name in labels):
        raise _bad_labels("a label without a name")
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise _bad_labels(f"the labels {', '.join(labels) or '(none)'}")


def _bad_labels(given: str) -> ArgumentError:
    return ArgumentError(
        given, expected="at least two different names", fix="name what the texts are about"
    )
