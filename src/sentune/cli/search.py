"""``sentune search``: the passages that answer a question."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.output import interactive, print_json, say, show

if TYPE_CHECKING:
    from sentune.tasks.search import Hit

__all__ = ["NAME", "command", "show_hits"]

NAME = "search"
_SHOWN = 240


def command(
    model: Annotated[str, typer.Argument(help="A model folder or name.")],
    query: Annotated[str, typer.Argument(help="What to look for.")],
    data: Annotated[Path, typer.Option(help="Passages, or pairs whose passages are searched.")],
    top: Annotated[int, typer.Option(help="How many results.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Find the passages that answer a question."""
    from sentune.data import read_passages
    from sentune.errors import ArgumentError
    from sentune.model.sentence_transformer import SentenceTransformer
    from sentune.model.truncation import count_truncation
    from sentune.tasks.search import PassageSearch

    if top < 1:
        raise ArgumentError(f"--top {top}", expected="at least 1", fix="ask for more results")
    passages = read_passages(data)
    encoder = SentenceTransformer(model)
    with count_truncation() as truncation:
        search = PassageSearch(encoder, passages, show_progress_bar=interactive())
        hits = search(query, top)
    if truncation.truncated:
        say(truncation.describe(encoder.max_seq_length))
    if as_json:
        print_json([asdict(hit) for hit in hits])
    else:
        show_hits(hits)


def show_hits(hits: list[Hit]) -> None:
    """One paragraph a hit."""
    from rich.padding import Padding
    from rich.text import Text

    for hit in hits:
        words = " ".join(hit.text.split())
        shortened = words if len(words) <= _SHOWN else words[:_SHOWN].rsplit(" ", 1)[0] + " …"
        show(Text(f"{hit.rank}. {hit.id} · similarity {hit.similarity:.3f}", style="bold"))
        show(Padding(Text(shortened), (0, 0, 0, 3)))
