"""The description of an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["IndexInfo"]


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """The state of an index.

    Attributes:
        path: its folder.
        version: one more after every rebuild.
        passages: how many.
        pieces: how many these are in; as many for passages within the length limit.
        long_text: what is done with longer ones, ``pieces`` or ``truncate``.
        sources: file → number of its passages; ``""`` for passages added from Python.
        fields: what filters can use → its type.
        model: name or folder of the model.
        weights: SHA-256 of its weights.
        dimension: of a vector.
        max_seq_length: tokens of a passage that are read.
        query_prompt, document_prompt: the text before a question and before a passage.
        number_format: in which vectors are computed; they are stored in float32.
        fusion_weight: the model's share in a hybrid search; None if it was not tuned.
        mode: how a search ranks by default.
        dense: exact or approximate, and why.
        recall: recall@10 of the dense search against an exact one; 1 where it is exact.
        words_covered: passages that are found by their words: all.
        bytes: on the disk.
        tokens: whether the vectors of tokens are stored, for the late stage.
        token_bytes: of these, in this version.
    """

    path: str
    version: int
    passages: int
    pieces: int
    long_text: str
    sources: Mapping[str, int]
    fields: Mapping[str, str]
    model: str
    weights: str
    dimension: int
    max_seq_length: int
    query_prompt: str
    document_prompt: str
    number_format: str
    fusion_weight: float | None
    mode: str
    dense: str
    recall: float
    words_covered: int
    bytes: int
    tokens: bool
    token_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Names and values, for :func:`json.dumps`."""
        return asdict(self)
