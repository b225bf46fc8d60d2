"""Which passages a model is asked about, and the base model's vectors that choose them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sentune.data.guards import normalised
from sentune.questions.prose import is_list_of_references
from sentune.questions.round_trip import PassageVectors
from sentune.questions.source import SourcePassage
from sentune.questions.spread import spread_order

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["askable", "base_vectors", "in_order_of_use"]

_LEAST = 80  # characters of a body that may hold an answer
_MOST = 20_000  # no passage of a small model; each would cost thousands of tokens
_LEAST_DENSE = 40  # of one that is written without spaces


def askable(passages: Sequence[SourcePassage]) -> tuple[list[SourcePassage], dict[str, int]]:
    """The passages worth a request, and how many others there are, by the reason."""
    kept: dict[str, SourcePassage] = {}
    left_out: Counter[str] = Counter()
    for passage in passages:
        body = passage.body.strip()
        least = _LEAST if body.count(" ") * 10 > len(body) else _LEAST_DENSE
        text = normalised(body)
        if len(body) < least:
            left_out["too short"] += 1
        elif len(body) > _MOST:
            left_out[f"longer than {_MOST:,} characters: cut it with sentune read"] += 1
        elif is_list_of_references(body):
            left_out["a list of references"] += 1
        elif text in kept:
            left_out["a repeat of another"] += 1
        else:
            kept[text] = passage
    return list(kept.values()), dict(left_out)


def in_order_of_use(
    chosen: Sequence[SourcePassage],
    passages: Sequence[SourcePassage],
    vectors: PassageVectors,
    most: int,
    seed: int,
) -> list[SourcePassage]:
    """``chosen`` in an order whose first ``most`` cover the corpus; as given if all are used.

    Vectors are of ``passages``, all of them. They are not asked for if ``most`` is enough for all.
    """
    if len(chosen) <= most:
        return list(chosen)
    place = {passage.id: index for index, passage in enumerate(passages)}
    rows = vectors.of_passages()[[place[passage.id] for passage in chosen]]
    return [chosen[index] for index in spread_order(rows, seed)]


def base_vectors(
    passages: Sequence[SourcePassage], base: str, *, show: bool = False
) -> PassageVectors:
    """Vectors by a base model, which is loaded when they are first needed; ``show`` has a bar."""
    loaded: list[SentenceTransformer] = []

    def model() -> SentenceTransformer:
        # Where words find everything, nobody has to wait for torch.
        from sentune.encoding.sentence_transformer import SentenceTransformer

        if not loaded:
            loaded.append(SentenceTransformer(base))
        return loaded[0]

    return PassageVectors(
        lambda: model().encode_document(
            [passage.text for passage in passages],
            normalize_embeddings=True,
            show_progress_bar=show,
        ),
        lambda questions: model().encode_query(list(questions), normalize_embeddings=True),
    )
