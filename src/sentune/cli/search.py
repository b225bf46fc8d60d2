"""``sentune search``: the passages that answer a question, in an index or in a file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.documents import DocumentSearch, require_headings_of_documents
from sentune.cli.index import shown_source
from sentune.cli.options import (
    OF_PASSAGES,
    AsJson,
    IndexModel,
    LongTexts,
    NoHeadings,
    Rows,
    long_text_of,
    reads,
)
from sentune.cli.output import interactive, one_line, print_json, print_line, say, write_out
from sentune.cli.passage_sources import passages_by_file
from sentune.cli.search_checks import (
    require_index,
    require_index_options,
    require_no_index,
    require_questions,
)

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.index import Index
    from sentune.ranking.late_interaction import LateChoice
    from sentune.ranking.pieces import LongText
    from sentune.search import Hit, Searcher

__all__ = ["NAME", "command", "show_hits"]

NAME = "search"
_SHOWN = 240
_FIELD_SHOWN = 60
_WIDTH = 77
_TOGETHER = 256  # questions between two steps of the bar
_COLUMNS = (
    *("query", "rank", "id", "source", "score", "similarity"),
    *("text", "piece", "piece_number", "pieces"),
)
_Found = list[tuple[str, list["Hit"]]]


@dataclass(frozen=True, slots=True)
class _IndexSearcher:
    """An index under one condition and in one mode."""

    index: Index
    where: str | None
    mode: str

    @property
    def model(self) -> SentenceTransformer:
        return self.index.model

    @property
    def fusion_weight(self) -> float:
        return self.index.fusion_weight

    @property
    def late(self) -> LateChoice:
        return self.index.late

    def search(self, query: str, top: int = 10) -> list[Hit]:
        return self.index.search(query, top, where=self.where, mode=self.mode)


@reads("question", *OF_PASSAGES)
def command(
    target: Annotated[
        str,
        typer.Argument(
            metavar="INDEX|MODEL", help="An index; with --data, a model folder or name."
        ),
    ],
    query: Annotated[str | None, typer.Argument(help="What to look for.")] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Search this file of passages or pairs, or documents, without an index; "
            "may be repeated."
        ),
    ] = None,
    top: Annotated[int, typer.Option(help="How many results.")] = 10,
    where: Annotated[str | None, typer.Option(help='In an index, a condition: "page > 3".')] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="dense (the model), words (BM25), hybrid or late; by default what was tuned."
        ),
    ] = None,
    model: IndexModel = None,
    long_text: LongTexts = None,
    no_headings: NoHeadings = False,
    queries: Annotated[
        str | None, typer.Option(help="A file of questions instead of one; - for standard input.")
    ] = None,
    out: Rows = None,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Find the passages that answer a question.

    They are in an index or, with --data, in files.
    """
    from sentune.progress import progress
    from sentune.tokens.truncation import count_truncation

    require_questions(query, queries, data, top)
    if not data:
        require_headings_of_documents(no_headings=no_headings, documents=False)
        require_index_options(reading, long_text, queries)
        require_index(target, mode, model)
    else:
        require_no_index(target, mode, {"--where": where, "--model": model})
    questions = _questions(query, queries, replace(reading, split=None) if data else reading)
    found: _Found = []
    with count_truncation() as truncation:
        searcher = (
            _in_index(target, model, where, mode)
            if not data
            else _in_files(
                target, data, mode, long_text_of(long_text), reading, no_headings=no_headings
            )
        )
        shown = len(questions) > 1 and interactive()
        with progress("search", len(questions), unit="questions", show=shown) as advance:
            for start in range(0, len(questions), _TOGETHER):
                some = questions[start : start + _TOGETHER]
                found += zip(some, _hits(searcher, some, top), strict=True)
                advance(len(some))
    if truncation.noteworthy:
        say(truncation.describe(_described(searcher).max_seq_length))
    _say_ranking(found, searcher)
    rows = _rows(found, placed=not data or isinstance(searcher, DocumentSearch))
    if out is not None:
        write_out(out, ({name: row.get(name) for name in _COLUMNS} for row in rows))
    if as_json:
        left_out = () if query is None else ("query",)
        print_json([{name: row[name] for name in row if name not in left_out} for row in rows])
    elif out is None:
        _show(found, searcher, headed=query is None)


def _hits(searcher: Searcher, questions: list[str], top: int) -> list[list[Hit]]:
    if isinstance(searcher, _IndexSearcher):
        return searcher.index.search_many(questions, top, where=searcher.where, mode=searcher.mode)
    return [searcher.search(question, top) for question in questions]


def _in_index(target: str, model: str | None, where: str | None, mode: str | None) -> Searcher:
    from sentune.index import Index

    index = Index.open(target, None if model is None else _loaded(model))
    return _IndexSearcher(index, where, index.mode if mode is None else mode)


def _loaded(model: str) -> SentenceTransformer:
    from sentune.encoding.sentence_transformer import SentenceTransformer

    return SentenceTransformer(model)


def _in_files(
    model: str,
    data: list[Path],
    mode: str | None,
    long_text: LongText,
    reading: ReadOptions,
    *,
    no_headings: bool,
) -> Searcher:
    from sentune.data import read_passages
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.search import PassageSearch

    of_passages = replace(reading, question=None)
    by_file = passages_by_file(data, model, of_passages, no_headings=no_headings)
    if by_file is not None:
        return DocumentSearch.of(
            model, by_file, mode, long_text=long_text, show_progress_bar=interactive()
        )
    passages = read_passages(data[0], of_passages)
    return PassageSearch(
        SentenceTransformer(model),
        passages,
        mode=mode,
        long_text=long_text,
        show_progress_bar=interactive(),
    )


def _questions(query: str | None, queries: str | None, reading: ReadOptions) -> list[str]:
    from sentune.data import read_questions

    return [query] if query is not None else list(read_questions(str(queries), reading))


def _say_ranking(found: _Found, searcher: Searcher) -> None:
    empty = sum(not hits for _, hits in found)
    if len(found) == 1 and empty:
        say("nothing found")
    elif empty:
        say(f"nothing found for {empty:,} of {len(found):,} questions")
    if empty < len(found):
        say(_ranking(searcher))


def _ranking(searcher: Searcher) -> str:
    if searcher.mode == "words":
        return "ranked by BM25"
    if searcher.mode == "dense":
        return f"ranked by similarity ({_described(searcher).similarity_fn_name})"
    weight = searcher.fusion_weight
    weights = f"with the weights {weight:g} and {1 - weight:g}"
    fused = f"ranked by the model and by words (BM25) together, {weights}"
    if searcher.mode != "late":
        return fused
    late = searcher.late
    return (
        f"{fused}; the late stage ordered the first {late.depth} anew, with the weight "
        f"{late.weight:g}"
    )


def _described(searcher: Searcher) -> SentenceTransformer | Index:
    """What knows the model's settings; an index knows them without loading the model."""
    return searcher.index if isinstance(searcher, _IndexSearcher) else searcher.model


def _rows(found: _Found, *, placed: bool) -> list[dict[str, Any]]:
    rows = [{"query": question, **asdict(hit)} for question, hits in found for hit in hits]
    left_out = () if placed else ("source", "fields")
    return [{name: row[name] for name in row if name not in left_out} for row in rows]


def _show(found: _Found, searcher: Searcher, *, headed: bool) -> None:
    for number, (question, hits) in enumerate(found):
        if headed:
            print_line(("\n" if number else "") + one_line(question, _SHOWN))
        for hit in hits:
            _show_hit(hit, scored=searcher.mode != "dense")


def _show_hit(hit: Hit, *, scored: bool) -> None:
    """One paragraph: id, piece, file, scores, fields, and the text or the piece of it."""
    head = [f"{hit.rank}. {one_line(hit.id, _FIELD_SHOWN)}"]
    if hit.pieces > 1:
        head.append(f"piece {hit.piece_number} of {hit.pieces}")
    if hit.source:
        head.append(one_line(shown_source(hit.source), _SHOWN))
    if scored:
        head.append(f"score {hit.score:.3f}")
    if hit.similarity is not None:
        head.append(f"similarity {hit.similarity:.3f}")
    print_line(" · ".join(head))
    fields = (f"{name} {one_line(str(value), _FIELD_SHOWN)}" for name, value in hit.fields.items())
    for part in (" · ".join(fields), one_line(hit.piece, _SHOWN)):
        if part:
            print_line(textwrap.indent("\n".join(textwrap.wrap(part, _WIDTH)), "   "))


def show_hits(hits: Iterable[Hit], searcher: Searcher) -> None:
    """One paragraph a hit, and for a hybrid search the model's weight before them."""
    if searcher.mode in ("hybrid", "late"):
        say(_ranking(searcher))
    for hit in hits:
        _show_hit(hit, scored=searcher.mode != "dense")
