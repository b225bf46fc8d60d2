"""``sentune index``: passages and their vectors, kept in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.interrupted_index import telling_what_is_left
from sentune.cli.models import loaded_model, telling_truncation
from sentune.cli.on_ray import Ray, refuse_beside_ray, require_ray, runner_on_ray
from sentune.cli.options import (
    OF_PASSAGES,
    AsJson,
    IndexModel,
    LongTexts,
    Model,
    NoHeadings,
    long_text_of,
    reads,
)
from sentune.cli.output import interactive, print_json, print_line, say, show
from sentune.cli.passage_sources import AsBefore, sources_of_paths
from sentune.wording import counted

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.index import IndexInfo

__all__ = ["NAME", "app", "shown_source"]

NAME = "index"

app = typer.Typer(
    help="Keep passages and their vectors in a folder.\n\n"
    "It is searched, and brought up to date when files change.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Directory = Annotated[
    str, typer.Argument(metavar="INDEX", help="The folder of the index, or s3://BUCKET/NAME.")
]
_Out = Annotated[str, typer.Option(help="The folder to write, or s3://BUCKET/NAME.")]
_Data = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA",
        help="Files or folders of passages, or documents (PDF, DOCX, …); - for standard input.",
    ),
]
_SOURCES_SHOWN = 10
_DIGITS = 12


@app.command("build")
@reads(*OF_PASSAGES)
def build(
    model: Model,
    data: _Data,
    out: _Out,
    long_text: LongTexts = None,
    late: Annotated[
        bool, typer.Option("--late", help="Store the vectors of tokens, for the late stage.")
    ] = False,
    compare: Annotated[
        str | None,
        typer.Option(help="A base model, whose vectors are stored too: for serve --compare."),
    ] = None,
    no_headings: NoHeadings = False,
    ray: Ray = None,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Make an index: encode all passages, once."""
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.index import Index
    from sentune.index.storage import store_at

    chosen = long_text_of(long_text)
    if ray is not None:
        refuse_beside_ray(ray, late=late, compare=compare)
        require_ray(ray)
    store_at(out).require_free()
    with telling_what_is_left(out):
        sources = sources_of_paths(data, model, reading, told=reading, no_headings=no_headings)
    encoder = loaded_model(model, **({} if ray is None else {"device": "cpu"}))
    base = None if compare is None else SentenceTransformer(compare)
    with (
        telling_what_is_left(out),
        telling_truncation(encoder),
        runner_on_ray(ray, encoder) as pool,
    ):
        index = Index.build(
            out,
            encoder,
            sources,
            long_text=chosen,
            late=late,
            compare=base,
            pool=pool,
            show_progress_bar=interactive(),
            reading=reading,
        )
    if as_json:
        print_json(index.info().to_json())
    else:
        print_line(f"{out}: {counted(len(index), 'passage')}")


@app.command("add")
@reads(*OF_PASSAGES)
def add(
    directory: _Directory,
    data: _Data,
    model: IndexModel = None,
    no_headings: NoHeadings = False,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Add passages, or bring those of a file or a folder up to date."""
    from dataclasses import asdict, replace

    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.index import Index
    from sentune.tokens.truncation import count_truncation

    with telling_what_is_left(directory), count_truncation() as truncation:
        index = Index.open(directory, None if model is None else SentenceTransformer(model))
        base = model or index.info().model
        # A split says where the rows are, not what their columns mean.
        told = bool(replace(reading, split=None).settings())
        remembered = replace(index.reading, split=reading.split, tell=reading.tell)
        known = reading if told else remembered
        before = AsBefore.of(index.ids_of_sources())
        sources = sources_of_paths(
            data, base, known, told=reading, no_headings=no_headings, before=before
        )
        changes = index.add(
            sources, show_progress_bar=interactive(), reading=reading if told else None
        )
    if truncation.noteworthy:
        say(truncation.describe(index.model.max_seq_length))
    if as_json:
        print_json({**asdict(changes), "skipped": sources.skipped, "passages": len(index)})
        return
    print_line(
        f"{changes.added:,} added, {changes.changed:,} changed, {changes.removed:,} removed, "
        f"{changes.unchanged:,} unchanged; {counted(changes.encoded, 'text')} encoded"
    )
    print_line(f"{directory}: {counted(len(index), 'passage')}")


@app.command("delete")
def delete(
    directory: _Directory,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Passages, in every file.")
    ] = None,
    where: Annotated[str | None, typer.Option(help='A condition: "page > 3".')] = None,
    source: Annotated[str | None, typer.Option(help="The file that they came from.")] = None,
    as_json: AsJson = False,
) -> None:
    """Remove passages by id, by condition, or by their file."""
    from sentune.index import Index

    with telling_what_is_left(directory):
        index = Index.open(directory)
        deleted = index.delete(ids or (), where=where, source=source)
    if as_json:
        print_json({"deleted": deleted, "passages": len(index)})
    else:
        print_line(f"{deleted:,} deleted")
        print_line(f"{directory}: {counted(len(index), 'passage')}")


@app.command("info")
def info(directory: _Directory, as_json: AsJson = False) -> None:
    """Print what is in an index, and how it is searched."""
    from sentune.index import Index

    known = Index.open(directory).info()
    if as_json:
        print_json(known.to_json())
    else:
        _show(known)


@app.command("rebuild")
def rebuild(
    directory: _Directory,
    model: Annotated[str, typer.Option(help="The new model: a folder or a name.")],
    long_text: LongTexts = None,
    late: Annotated[
        bool | None,
        typer.Option("--late/--no-late", help="Store the vectors of tokens; as now if left out."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Encode all passages anew with another model.

    Searches work in the meantime.
    """
    from sentune.index import Index

    chosen = None if long_text is None else long_text_of(long_text)
    index = Index.open(directory)
    encoder = loaded_model(model)
    with telling_what_is_left(directory), telling_truncation(encoder):
        index.rebuild(encoder, long_text=chosen, late=late, show_progress_bar=interactive())
    known = index.info()
    if as_json:
        print_json(known.to_json())
    else:
        passages = counted(known.passages, "passage")
        print_line(f"{directory}: {passages}, version {known.version}")


def shown_source(source: str) -> str:
    """The name of a source for people: relative where it is below the current folder."""
    if source in ("", "-"):
        return "standard input" if source else "added from Python"
    path = Path(source)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else source


def _show(known: IndexInfo) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _lines(known):
        table.add_row(name, Text(value))
    show(table)


def _lines(known: IndexInfo) -> Iterator[tuple[str, str]]:
    yield "passages", f"{known.passages:,}"
    if known.pieces > known.passages:
        yield "pieces", f"{known.pieces:,}"
    yield from _source_lines(known)
    named = (f"{name} ({kind})" for name, kind in known.fields.items())
    yield "fields", ", ".join(named) or "none"
    yield "model", f"{known.model}, weights {known.weights[:_DIGITS]}"
    yield "vectors", f"{known.dimension} dimensions, computed in {known.number_format}"
    longer = "in pieces" if known.long_text == "pieces" else "truncated"
    yield "length limit", f"{known.max_seq_length} tokens; longer passages {longer}"
    yield "prompts", _prompts(known)
    weight = "" if known.fusion_weight is None else f"; the model's weight is {known.fusion_weight}"
    yield "default mode", known.mode + (weight if known.mode == "hybrid" else "")
    yield "dense search", known.dense
    if known.tokens:
        each = known.token_bytes / max(1, known.passages)
        yield "tokens", f"stored, {known.token_bytes / 1e6:,.2f} MB, {each:,.0f} bytes a passage"
    yield "words", f"{known.words_covered:,} of {known.passages:,} passages in their index"
    yield "on disk", f"{known.bytes / 1e6:,.2f} MB"
    yield "version", str(known.version)


def _source_lines(known: IndexInfo) -> Iterator[tuple[str, str]]:

    largest = sorted(known.sources.items(), key=lambda item: (-item[1], item[0]))
    for number, (source, count) in enumerate(largest[:_SOURCES_SHOWN]):
        yield "" if number else "sources", f"{count:,} {shown_source(source)}"
    if len(largest) > _SOURCES_SHOWN:
        rest = largest[_SOURCES_SHOWN:]
        passages = counted(sum(count for _, count in rest), "passage")
        yield "", f"and {counted(len(rest), 'other')} with {passages}"
    if not largest:
        yield "sources", "none"


def _prompts(known: IndexInfo) -> str:
    if not known.query_prompt and not known.document_prompt:
        return "none"
    return f"question {known.query_prompt!r}, passage {known.document_prompt!r}"
