"""Loading a model for a verb, and saying what was loaded and what was cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sentune.cli.output import say

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["loaded_model", "telling_truncation"]


def loaded_model(name: str, **options: Any) -> SentenceTransformer:
    """Load a model and say which one it is. Raises ModelError."""
    from sentune.encoding.sentence_transformer import SentenceTransformer

    model = SentenceTransformer(name, **options)
    say(f"model {model.base.name} from {model.base.origin}")
    return model


@contextmanager
def telling_truncation(model: SentenceTransformer) -> Iterator[None]:
    """Say after the block how many texts the model's length limit cut, if there are any."""
    from sentune.tokens.truncation import count_truncation

    with count_truncation() as truncation:
        yield
    if truncation.noteworthy:
        say(truncation.describe(model.max_seq_length))
