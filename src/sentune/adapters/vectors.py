"""Texts → lists of floats, as the other libraries take them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from sentune.checks import require_text
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, MissingExtraError
from sentune.vectors import require_finite
from sentune.wording import named_kind

__all__ = ["document_vectors", "listed", "missing", "opened", "query_vector"]

T = TypeVar("T")


def opened(model: SentenceTransformer | str | Path) -> SentenceTransformer:
    """The model itself, or the one of a folder or a name.

    Raises ArgumentError for anything else; ModelNotFoundError and ModelError as the constructor.
    """
    if isinstance(model, SentenceTransformer):
        return model
    if isinstance(model, str | Path):
        return SentenceTransformer(model)
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    raise ArgumentError(
        f"model is {'None' if model is None else kind}",
        expected="a SentenceTransformer of sentune, a folder or a name",
        fix="save a model of another library, and pass its folder",
    )


def query_vector(
    model: SentenceTransformer, text: str, *, normalize_embeddings: bool
) -> list[float]:
    """The vector (dim,) of a question, with the prompt of ``encode_query``.

    Raises ArgumentError; ModelError for numbers that are not finite.
    """
    vector = model.encode_query(
        require_text("the text", text),
        show_progress_bar=False,
        normalize_embeddings=normalize_embeddings,
    )
    require_finite(vector, f"the vectors of {model.base.name}")
    return [float(number) for number in vector]


def document_vectors(
    model: SentenceTransformer,
    texts: Sequence[str],
    *,
    normalize_embeddings: bool,
    batch_size: int | None = None,
) -> list[list[float]]:
    """The vectors (n, dim) of passages, with the prompt of ``encode_document``.

    Raises ArgumentError; ModelError for numbers that are not finite.
    """
    vectors = model.encode_document(
        listed("texts", texts),
        batch_size=batch_size,
        show_progress_bar=False,
        normalize_embeddings=normalize_embeddings,
    )
    require_finite(vectors, f"the vectors of {model.base.name}")
    return [[float(number) for number in vector] for vector in vectors]


def listed(name: str, values: Sequence[T]) -> Sequence[T]:
    """Check that values come in a list: a text would be taken for one, or for its letters."""
    if not isinstance(values, list | tuple):
        raise ArgumentError(
            f"{name} is {named_kind(values)}", expected="a list", fix="put it in brackets"
        )
    return values


def missing(error: ModuleNotFoundError, module: str, package: str, extra: str) -> ImportError:
    """What to raise where a library cannot be imported: its own error if it is there but broken."""
    if (error.name or "").partition(".")[0] != module:
        return error
    return MissingExtraError(package, extra)
