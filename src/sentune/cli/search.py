"""``sentune search``: the passages that answer a question, in an index or in a file."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.index import shown_source
from sentune.cli.output import interactive, one_line, print_json, print_line, say

if TYPE_CHECKING:
    from sentune.index import Index
    from sentune.search.passages import Hit

__all__ = ["NAME", "command", "show_hits"]

NAME = "search"
_SHOWN = 240
_FIELD_SHOWN = 60
_WIDTH = 77
_COLUMNS = ("rank", "id", "source", "score", "similarity", "text")
_Found = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Search:
    """One way to search.

    Attributes:
        ask: gives the hits of a question, the best first.
        ranking: says what they are ranked by.
        scored: whether their score is something else than the similarity.
        limit: gives the model's length limit in tokens.
    """

    ask: Callable[[str], _Found]
    ranking: Callable[[], str]
    scored: bool
    limit: Callable[[], int]


def command(
    place: Annotated[
        str,
        typer.Argument(
            metavar="INDEX|MODEL", help="An index; with --data, a model folder or name."
        ),
    ],
    query: Annotated[str | None, typer.Argument(help="What to look for.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Search this file, of passages or pairs, without an index.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many results.")] = 10,
    where: Annotated[str | None, typer.Option(help='In an index, a condition: "page > 3".')] = None,
    mode: Annotated[str | None, typer.Option(help="In an index: dense, words or hybrid.")] = None,
    model: Annotated[
        str | None, typer.Option(help="The model of the index, if it is elsewhere now.")
    ] = None,
    queries: Annotated[
        str | None, typer.Option(help="A file of questions instead of one; - for standard input.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A .jsonl or .csv file to write, one row a result.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Find the passages that answer a question, in an index or (with --data) in a file."""
    from sentune.data.files.writing import require_row_file
    from sentune.progress import progress
    from sentune.tokens.truncation import count_truncation

    _require_sense(query, queries, data, top)
    if data is None:
        _require_index(place, mode, model)
    else:
        _require_no_index(place, {"--where": where, "--mode": mode, "--model": model})
    if out is not None:
        require_row_file(out)
    questions = _questions(query, queries)
    found: list[tuple[str, _Found]] = []
    with count_truncation() as truncation:
        search = (
            _in_index(place, model, top, where, mode)
            if data is None
            else _in_file(place, data, top)
        )
        shown = len(questions) > 1 and interactive()
        with progress("search", len(questions), unit="questions", show=shown) as advance:
            for question in questions:
                found.append((question, search.ask(question)))
                advance(1)
    if truncation.truncated:
        say(truncation.describe(search.limit()))
    _tell(found, search)
    if out is not None:
        _write(out, found)
    if as_json:
        print_json(_as_json(found) if query is None else found[0][1])
    elif out is None:
        _show(found, search.scored, headed=query is None)


# ── the two ways ──────────────────────────────────────────────────────────────────────────────


def _in_index(
    place: str, model: str | None, top: int, where: str | None, mode: str | None
) -> _Search:
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.index import Index

    index = Index.open(place, None if model is None else SentenceTransformer(model))
    chosen = index.mode if mode is None else mode
    return _Search(
        ask=lambda question: [
            asdict(hit) for hit in index.search(question, top, where=where, mode=chosen)
        ],
        ranking=lambda: _ranking(index, chosen),
        scored=chosen != "dense",
        limit=lambda: index.model.max_seq_length,
    )


def _ranking(index: Index, mode: str) -> str:
    if mode == "words":
        return "ranked by BM25"
    if mode == "dense":
        return f"ranked by similarity ({index.model.similarity_fn_name})"
    return _fusion(index.fusion_weight)


def _in_file(model: str, data: Path, top: int) -> _Search:
    from sentune.data import read_passages
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.search.passages import PassageSearch

    passages = read_passages(data)
    encoder = SentenceTransformer(model)
    search = PassageSearch(encoder, passages, show_progress_bar=interactive())
    fused = search.fusion_weight < 1
    alone = f"ranked by similarity ({encoder.similarity_fn_name})"
    return _Search(
        ask=lambda question: [asdict(hit) for hit in search(question, top)],
        ranking=lambda: _fusion(search.fusion_weight) if fused else alone,
        scored=fused,
        limit=lambda: encoder.max_seq_length,
    )


def _fusion(weight: float) -> str:
    return f"ranked by the fusion with BM25, in which the model's weight is {weight:g}"


def _questions(query: str | None, queries: str | None) -> list[str]:
    from sentune.data import read_texts

    return [query] if query is not None else list(read_texts(str(queries)))


# ── bad input ─────────────────────────────────────────────────────────────────────────────────


def _require_sense(query: str | None, queries: str | None, data: Path | None, top: int) -> None:
    from sentune.errors import ArgumentError

    if top < 1:
        raise ArgumentError(f"--top {top}", expected="at least 1", fix="ask for more results")
    if (query is None) == (queries is None):
        raise ArgumentError(
            "no question" if query is None else "a question and --queries",
            expected="either a question or a file of questions",
            fix='ask: sentune search INDEX "what to look for"',
        )
    if query is not None and not query.strip():
        raise ArgumentError(
            f"the question {query!r}", expected="a text with a word in it", fix="ask for something"
        )
    if str(data) == queries == "-":
        raise ArgumentError(
            "--data - and --queries -",
            expected="one of them from standard input",
            fix="save the other in a file",
        )


def _require_index(place: str, mode: str | None, model: str | None) -> None:
    from sentune.errors import ArgumentError, IndexFolderError
    from sentune.index.layout import Layout

    layout = Layout(place)
    if not layout.is_published() and layout.unfinished() is None:
        raise IndexFolderError(
            f"{place} is no index" if layout.path.exists() else f"{place} does not exist",
            expected="a folder that sentune index build made, or a model and --data",
            fix=f"to search with a model, say in which file: --data FILE; to keep its vectors: "
            f"sentune index build {place} FILE --out INDEX",
        )
    if mode == "words" and model is not None:
        raise ArgumentError(
            "--model with --mode words",
            expected="no model, because words are compared without one",
            fix="leave one of them out",
        )


def _require_no_index(place: str, options: dict[str, str | None]) -> None:
    from sentune.errors import ArgumentError

    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ArgumentError(
            f"{given[0]} with --data",
            expected=f"{given[0]} for an index only",
            fix=f"leave it out, or build an index: sentune index build {place} FILE --out INDEX",
        )
    if (Path(place) / "index.json").is_file():
        raise ArgumentError(
            f"the index {place} with --data",
            expected="a model with --data, or an index without",
            fix=f"leave --data out, or add to the index: sentune index add {place} FILE",
        )


# ── output ────────────────────────────────────────────────────────────────────────────────────


def _tell(found: list[tuple[str, _Found]], search: _Search) -> None:
    empty = sum(not hits for _, hits in found)
    if len(found) == 1 and empty:
        say("nothing found")
    elif empty:
        say(f"nothing found for {empty:,} of {len(found):,} questions")
    if empty < len(found):
        say(search.ranking())


def _write(out: Path, found: list[tuple[str, _Found]]) -> None:
    from sentune.data.files.writing import write_rows
    from sentune.wording import counted

    rows = (
        {"query": question, **{name: hit.get(name) for name in _COLUMNS}}
        for question, hits in found
        for hit in hits
    )
    say(f"wrote {counted(write_rows(out, rows), 'row')} to {out}")


def _as_json(found: list[tuple[str, _Found]]) -> _Found:
    return [{"query": question, **hit} for question, hits in found for hit in hits]


def _show(found: list[tuple[str, _Found]], scored: bool, *, headed: bool) -> None:
    for place, (question, hits) in enumerate(found):
        if headed:
            print_line(("\n" if place else "") + one_line(question, _SHOWN))
        for hit in hits:
            _show_hit(hit, scored=scored)


def _show_hit(hit: dict[str, Any], *, scored: bool) -> None:
    """One paragraph: where it is, what the ranking went by, its fields, its text."""
    head = [f"{hit['rank']}. {one_line(hit['id'], _FIELD_SHOWN)}"]
    if hit.get("source"):
        head.append(one_line(shown_source(hit["source"]), _SHOWN))
    if scored:
        head.append(f"score {hit['score']:.3f}")
    if hit["similarity"] is not None:
        head.append(f"similarity {hit['similarity']:.3f}")
    print_line(" · ".join(head))
    fields = hit.get("fields") or {}
    named = " · ".join(f"{name} {one_line(str(v), _FIELD_SHOWN)}" for name, v in fields.items())
    for part in (named, one_line(hit["text"], _SHOWN)):
        if part:
            print_line(textwrap.indent("\n".join(textwrap.wrap(part, _WIDTH)), "   "))


def show_hits(hits: Iterable[Hit], fusion_weight: float) -> None:
    """One paragraph a hit, after what the ranking went by."""
    if fusion_weight < 1:
        say(_fusion(fusion_weight))
    for hit in hits:
        _show_hit(asdict(hit), scored=fusion_weight < 1)
