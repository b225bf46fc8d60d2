"""``sentune search``: the passages that answer a question."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.output import interactive, print_json, print_line, say

if TYPE_CHECKING:
    from sentune.tasks.search import Hit

__all__ = ["NAME", "command", "show_hits"]

NAME = "search"
_SHOWN = 240
_WIDTH = 77


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
        show_hits(hits, search.fusion_weight)


def show_hits(hits: list[Hit], fusion_weight: float) -> None:
    """One paragraph a hit, with what the ranking went by."""
    if fusion_weight < 1:
        say(f"ranked by the fusion with BM25, in which the model's weight is {fusion_weight:g}")
    for hit in hits:
        words = " ".join(hit.text.split())
        shortened = words if len(words) <= _SHOWN else words[:_SHOWN].rsplit(" ", 1)[0] + " …"
        fused = f"score {hit.score:.3f} · " if fusion_weight < 1 else ""
        print_line(f"{hit.rank}. {hit.id} · {fused}similarity {hit.similarity:.3f}")
        print_line(textwrap.indent("\n".join(textwrap.wrap(shortened, _WIDTH)), "   "))
