"""``sentune read``: documents in, passages out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.options import BASE_MODEL, AsJson, ModelOption
from sentune.cli.output import interactive, print_json, print_line, say

if TYPE_CHECKING:
    from sentune.documents import DocumentPassage, FileReport
    from sentune.tokens.tokenizer import Tokenizer

__all__ = ["NAME", "command"]

NAME = "read"


def command(
    documents: Annotated[
        list[Path],
        typer.Argument(
            metavar="DOCS...",
            help="Files and folders: PDF, DOCX, PPTX, XLSX, HTML, EPUB, Markdown, text, JSONL.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The .jsonl file to write.")] = Path("passages.jsonl"),
    model: ModelOption = BASE_MODEL,
    no_headings: Annotated[
        bool, typer.Option("--no-headings", help="Passages without a title of their headings.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read documents and cut them into passages that fit a model."""
    from sentune.documents import find, read
    from sentune.files import require_suffix
    from sentune.progress import progress

    require_suffix(out, (".jsonl", ".ndjson"))
    files = find(documents)
    tokenizer, limit = _tokenizer(model)
    reports: list[FileReport] = []
    with progress("reading", len(files), unit="files", show=interactive()) as advance:

        def report(made: FileReport) -> None:
            reports.append(made)
            advance(1)

        passages = read(documents, tokenizer, limit, headings=not no_headings, report=report)
        _write(out, passages, reports)
    if as_json:
        print_json(_as_json(out, reports))
    else:
        _print(out, reports)


def _tokenizer(model: str) -> tuple[Tokenizer, int]:
    """The tokenizer of a model, and the most tokens of a passage after its prompt."""
    from sentune.model_folder.folder import ModelFolder
    from sentune.model_folder.resolve import resolve

    folder = ModelFolder.read(resolve(model).folder)
    prompt = next(
        (
            folder.prompts[name]
            for name in ("document", "passage", "corpus")
            if name in folder.prompts
        ),
        folder.prompts.get(folder.default_prompt_name or "", ""),
    )
    tokenizer = folder.tokenizer
    taken = len(tokenizer.whole([prompt])[0]) - sum(tokenizer.frame()) if prompt else 0
    return tokenizer, tokenizer.max_seq_length - taken


def _write(out: Path, passages: Iterable[DocumentPassage], reports: list[FileReport]) -> None:
    """Write the passages; the file appears whole, and only with at least one."""
    from sentune.errors import DataError
    from sentune.files import new_file

    with new_file(out) as stream:
        for passage in passages:
            line = json.dumps(passage.to_json(), ensure_ascii=False)
            stream.write(line.encode("utf-8") + b"\n")
        if not any(made.passages for made in reports):
            first = reports[0]
            raise DataError(
                f"{first.source} {first.skipped or 'has no text'}"
                + (f" (and {len(reports) - 1} more without passages)" if reports[1:] else ""),
                expected="at least one document with text",
                fix="name other files or folders",
            )


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


def _print(out: Path, reports: list[FileReport]) -> None:
    for line in _lines(reports):
        say(line)
    print_line(f"{out}: {_summary(reports)}")


def _lines(reports: list[FileReport]) -> Iterator[str]:
    for made in reports:
        if made.skipped is not None:
            yield f"skipped: {made.source} {made.skipped}"
        for note in made.notes:
            yield f"note: {made.source}: {note}"


def _summary(reports: list[FileReport]) -> str:
    from sentune.wording import counted

    done = [made for made in reports if made.skipped is None]
    parts = Counter({"page": 0})
    for made in done:
        if made.kind != "text":
            parts[made.kind] += made.parts
    kinds = ", ".join(counted(count, kind) for kind, count in parts.items() if count)
    doubted = sum(bool(made.notes) for made in done)
    return (
        f"{counted(sum(made.passages for made in done), 'passage')} from "
        f"{counted(len(done), 'file')}{f' ({kinds})' if kinds else ''}; "
        f"{len(reports) - len(done):,} skipped, {doubted:,} with notes"
    )
