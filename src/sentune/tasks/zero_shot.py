"""Labels for texts from the names of the labels, without any labelled text."""

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
    """The similarity of each text to a sentence with the name of each label: (n, L).

    The label with the greatest similarity is the best guess (Yin et al. 2019, arXiv:1909.00161,
    for the setting). The similarities are not probabilities.

    The sentence helps a little. With all-MiniLM-L6-v2, 45.6% of 7,706 package descriptions got the
    right one of 16 sections, 42.5% with the bare names; of 908 docstrings, 49.3% got the right one
    of 14 modules, 47.8% with the bare names (``bench/tasks/classification.py``).

    >>> from sentune import SentenceTransformer
    >>> from sentune.tasks.zero_shot import zero_shot
    >>> model, labels = SentenceTransformer("all-MiniLM-L6-v2"), ["cooking", "sport"]
    >>> labels[zero_shot(model, ["Bake the bread for an hour."], labels)[0].argmax()]
    'cooking'

    Args:
        model: labels are encoded as queries, texts as documents.
        labels: names that say what a text is about; at least two, all different.
        template: a sentence with ``{}`` for the name.

    Raises:
        ArgumentError: fewer than two labels, a blank or repeated one, a template without ``{}``,
            or a value that is not a text.
    """
    require_names(labels)
    if "{}" not in template:
        raise ArgumentError(
            f"the template {template!r}",
            expected="a sentence with {} for the name of the label",
            fix=f"leave it out to use {TEMPLATE!r}",
        )
    sentences = [template.replace("{}", name) for name in labels]
    vectors = model.encode_document(list(texts), show_progress_bar=show_progress_bar)
    similarities = similarity_scores(model, vectors, model.encode_query(sentences))
    return np.asarray(similarities, dtype=np.float32)


def require_names(labels: Sequence[str]) -> None:
    """Raise ArgumentError unless there are at least two names, none blank, all different."""
    names = [] if isinstance(labels, str) else labels
    usable = all(isinstance(name, str) and name.strip() for name in names)
    if not usable or len(names) < 2 or len(set(names)) < len(names):
        raise ArgumentError(
            f"the labels {labels!r}",
            expected="at least two different names, none of them blank",
            fix="name what the texts are about",
        )
