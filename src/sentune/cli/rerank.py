"""``sentune rerank``: texts in the order that a cross-encoder gives them for a question."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.options import AsJson, Rows
from sentune.cli.output import interactive, one_line, print_json, print_line, say, write_out
from sentune.errors import ArgumentError, ModelError

if TYPE_CHECKING:
    from sentune.cross_encoder import CrossEncoder

__all__ = ["NAME", "command"]

NAME = "rerank"
_SHOWN, _ID_SHOWN, _WIDTH = 240, 60, 77

_Candidates = Mapping[str, Mapping[str, str]]


def command(
    model: Annotated[str, typer.Argument(help="The folder or name of a cross-encoder.")],
    query: Annotated[str | None, typer.Argument(help="The question.")] = None,
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Passages to order: .txt, .jsonl, .json, .csv, .tsv, .parquet; - for stdin.",
        ),
    ] = None,
    hits: Annotated[
        Path | None,
        typer.Option(
            help="Order the hits of many questions instead: what search --queries --out wrote."
        ),
    ] = None,
    top: Annotated[
        int | None, typer.Option(help="How many results of each question; all when left out.")
    ] = None,
    out: Rows = None,
    as_json: AsJson = False,
) -> None:
    """Order passages by how well they answer a question.

    A cross-encoder reads each of them together with the question.
    """
    from sentune.tokens.truncation import count_truncation

    _require_sense(query, data, hits, top)
    candidates = _candidates(query, data, hits)
    scorer = _scorer(model)
    with count_truncation() as truncation:
        rows = list(_rows(scorer, candidates, top))
    if truncation.truncated:
        say(truncation.describe(scorer.max_length, "pair"))
    if out is not None:
        write_out(out, rows)
    if as_json:
        left_out = () if query is None else ("query",)
        print_json([{name: row[name] for name in row if name not in left_out} for row in rows])
    elif out is None:
        _show(rows, headed=query is None)


def _require_sense(
    query: str | None, data: Path | None, hits: Path | None, top: int | None
) -> None:
    from sentune.checks import require_whole

    if top is not None:
        require_whole("--top", top, fix="ask for more results, or leave it out for all")
    if (hits is None) == (query is None) or (hits is None and data is None):
        given = "--hits with a question" if hits is not None else "a question without a file"
        raise ArgumentError(
            given if query is not None else "no question",
            expected="a question and a file of passages, or --hits FILE alone",
            fix='ask: sentune rerank MODEL "the question" FILE',
        )
    if query is not None and not query.strip():
        raise ArgumentError(
            f"the question is {query!r}",
            expected="a text with a word in it",
            fix="write a question",
        )


def _candidates(query: str | None, data: Path | None, hits: Path | None) -> _Candidates:
    if query is not None:
        from sentune.data import read_passages

        return {query: read_passages(str(data))}
    from sentune.cross_encoder.candidates import read_candidates

    return read_candidates(str(hits))


def _scorer(name: str) -> CrossEncoder:
    """The model. Raises ModelError where its scores cannot rank."""
    from sentune.cross_encoder import CrossEncoder
    from sentune.cross_encoder.folder import PairModelFolder
    from sentune.model_folder.resolve import resolve

    folder = PairModelFolder.read(resolve(name).folder)
    if not folder.has_head or folder.num_labels != 1:
        labels = f"{folder.num_labels} scores for a pair"
        raise ModelError(
            f"{name} has {labels if folder.has_head else 'no head that scores pairs'}",
            expected="a cross-encoder with one score, such as cross-encoder/ms-marco-MiniLM-L6-v2",
            fix="name another model; one that makes vectors ranks with sentune search --data",
        )
    return CrossEncoder(name)


def _rows(
    model: CrossEncoder, candidates: _Candidates, top: int | None
) -> Iterator[dict[str, Any]]:
    from sentune.progress import progress

    pairs = sum(map(len, candidates.values()))
    with progress("rerank", pairs, unit="pairs", show=pairs > 1 and interactive()) as advance:
        for query, passages in candidates.items():
            ids, texts = list(passages), list(passages.values())
            ranked = model.rank(query, texts, top_k=top, show_progress_bar=False)
            for rank, hit in enumerate(ranked, start=1):
                place = hit["corpus_id"]
                named = {"query": query, "rank": rank, "id": ids[place]}
                yield {**named, "score": hit["score"], "text": texts[place]}
            advance(len(texts))


def _show(rows: list[dict[str, Any]], *, headed: bool) -> None:
    for number, row in enumerate(rows):
        if headed and row["rank"] == 1:
            print_line(("\n" if number else "") + one_line(row["query"], _SHOWN))
        print_line(f"{row['rank']}. {one_line(row['id'], _ID_SHOWN)} · score {row['score']:.4g}")
        text = one_line(row["text"], _SHOWN)
        print_line(textwrap.indent("\n".join(textwrap.wrap(text, _WIDTH)), "   "))
