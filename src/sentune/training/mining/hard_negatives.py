"""``mine_hard_negatives`` for pairs and for data sets."""

from __future__ import annotations

from typing import Any, Unpack, overload

from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.training.mining.columns import mine_columns
from sentune.training.mining.mine import Mined
from sentune.training.mining.mine import mine_hard_negatives as mine_pairs
from sentune.training.mining.settings import MiningOptions

__all__ = ["mine_hard_negatives"]


@overload
def mine_hard_negatives(
    dataset: Pairs,
    model: SentenceTransformer,
    *,
    show_progress_bar: bool = ...,
    **options: Unpack[MiningOptions],
) -> Mined: ...


@overload
def mine_hard_negatives(
    dataset: Any, model: SentenceTransformer, *arguments: Any, **options: Any
) -> Any: ...


def mine_hard_negatives(
    dataset: Any, model: SentenceTransformer, *arguments: Any, **options: Any
) -> Any:
    """Find passages that are near to a question and do not answer it.

    :class:`Pairs` are mined as :func:`sentune.training.mining.mine.mine_hard_negatives` says, and
    any other data set with the reference's arguments, defaults and result, as
    :func:`sentune.training.mining.columns.mine_columns` says.

    >>> from sentune import SentenceTransformer, mine_hard_negatives
    >>> questions = ["how do I copy a file", "how do I wait for a thread"]
    >>> passages = ["shutil.copy copies a file.", "Thread.join waits for its end."]
    >>> model, pairs = SentenceTransformer("all-MiniLM-L6-v2"), {"q": questions, "a": passages}
    >>> mine_hard_negatives(pairs, model, num_negatives=1, verbose=False)["negative"]
    ['Thread.join waits for its end.', 'shutil.copy copies a file.']
    """
    if isinstance(dataset, Pairs):
        return mine_pairs(dataset, model, *arguments, **options)
    return mine_columns(dataset, model, *arguments, **options)
