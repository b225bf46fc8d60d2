"""``sentune read``: documents in, passages out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.options import BASE_MODEL, AsJson, ModelOption
from sentune.cli.output import interactive, print_json, print_line, say
from sentune.errors import ArgumentError

if TYPE_CHECKING:
    from sentune.documents import FileReport
    from sentune.documents.found import Found

__all__ = ["NAME", "command"]

NAME = "read"
_DEFAULT = Path("passages.jsonl")


def command(
    documents: Annotated[
        list[Path],
        typer.Argument(
            metavar="DOCS...",
            help="Files and folders: PDF, DOCX, PPTX, XLSX, HTML, EPUB, Markdown, text, JSONL, "
            "CSV, TSV.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The .jsonl file to write; - for standard output. [default: passages.jsonl]"
        ),
    ] = None,
    model: ModelOption = BASE_MODEL,
    no_headings: Annotated[
        bool, typer.Option("--no-headings", help="Passages without a title of their headings.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read documents, and cut them into passages.

    No passage is longer than the model reads.
    """
    from sentune.documents import find, read
    from sentune.documents.model_limit import model_limit
    from sentune.documents.output import require_passages, require_replaceable, write_passages
    from sentune.files import require_suffix
    from sentune.progress import progress

    written = _DEFAULT if out is None else out
    printed = str(written) == "-"
    if not printed:
        require_suffix(written, (".jsonl", ".ndjson"))
    elif as_json:
        raise ArgumentError(
            "--json and --out -",
            expected="one of them on standard output",
            fix="leave one of the two out",
        )
    files = find(documents)
    if not printed:
        files = [_without_output(file, written) for file in files]
    if out is None:
        require_replaceable(written, {file.source for file in files})
    tokenizer, limit = model_limit(model)
    reports: list[FileReport] = []
    with progress("reading", len(files), unit="files", show=interactive()) as advance:

        def report(made: FileReport) -> None:
            reports.append(made)
            advance(1)

        passages = read(files, tokenizer, limit, headings=not no_headings, report=report)
        if printed:
            for passage in passages:
                print_json(passage.to_json())
            require_passages(reports)
        else:
            write_passages(written, passages, reports)
    if as_json:
        print_json(_as_json(written, reports))
    else:
        _print(written, reports, say if printed else print_line)


def _without_output(file: Found, written: Path) -> Found:
    """The file, skipped if it is the one to write. Raises ArgumentError if that was named."""
    if file.path != written.resolve():
        return file
    if file.named:
        raise ArgumentError(
            f"{written} as a document and as the file to write",
            expected="another file to write",
            fix="name it with --out",
        )
    return replace(file, skipped="is the file to write")


def _as_json(out: Path, reports: list[FileReport]) -> dict[str, object]:
    return {
        "out": str(out),
        "passages": sum(made.passages for made in reports),
        "read": [
            {
                "source": made.source,
                "parts": made.parts,
                "kind": made.kind,
                "passages": made.passages,
                "notes": list(made.notes),
            }
            for made in reports
            if made.skipped is None
        ],
        "skipped": [
            {"source": made.source, "reason": made.skipped}
            for made in reports
            if made.skipped is not None
        ],
    }


def _print(out: Path, reports: list[FileReport], tell: Callable[[str], None]) -> None:
    from sentune.documents.output import every_line, summary

    for line in every_line(reports):
        say(line)
    tell(f"{'standard output' if str(out) == '-' else out}: {summary(reports)}")
