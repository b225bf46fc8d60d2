"""``sentune similarity``: how alike texts are."""

from __future__ import annotations

from typing import Annotated

import typer

from sentune.cli.output import say, show

__all__ = ["NAME", "command"]

NAME = "similarity"


def command(
    model: Annotated[str, typer.Argument(help="A model folder or name.")],
    texts: Annotated[list[str], typer.Argument(help="Two texts or more.")],
) -> None:
    """Print the similarity of every text to every other."""
    from rich.table import Table
    from rich.text import Text

    from sentune.errors import ArgumentError
    from sentune.model.sentence_transformer import SentenceTransformer
    from sentune.model.truncation import count_truncation

    if len(texts) < 2:
        raise ArgumentError(
            "a single text", expected="two texts or more", fix="quote each text on its own"
        )
    encoder = SentenceTransformer(model)
    with count_truncation() as truncation:
        vectors = encoder.encode(texts)
    scores = encoder.similarity(vectors, vectors).tolist()
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("text", overflow="fold")
    for number in range(1, len(texts) + 1):
        table.add_column(str(number), justify="right")
    for number, (text, row) in enumerate(zip(texts, scores, strict=True), start=1):
        table.add_row(str(number), Text(text), *(f"{score:.3f}" for score in row))
    show(table)
    if truncation.truncated:
        say(truncation.describe(encoder.max_seq_length))
