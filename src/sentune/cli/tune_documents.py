"""``sentune tune`` on documents: what it was given, and the files that are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sentune.cli.documents import (
    require_headings_of_documents,
    require_no_columns,
    require_not_beside_documents,
)
from sentune.cli.output import interactive, say
from sentune.errors import ArgumentError

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.tuning import RunFile, RunFolder

__all__ = ["documents_of_run", "recipe_of_documents", "run_on_documents"]


def documents_of_run(
    paths: Sequence[Path],
    corpus: Path | None,
    bases: Sequence[str],
    reading: ReadOptions,
    *,
    no_headings: bool,
) -> Sequence[Path]:
    """The paths, if they are documents; none if they are pairs, or texts in lines and rows.

    Raises ArgumentError for documents together with what they cannot be combined with.
    """
    from sentune.documents.known import are_documents

    documents = bool(paths) and are_documents(paths, texts_too=True)
    require_headings_of_documents(no_headings=no_headings, documents=documents)
    if not documents:
        require_not_beside_documents(paths)
        return ()
    if corpus is not None:
        raise ArgumentError(
            "documents and --corpus",
            expected="all documents in one place",
            fix="leave --corpus out, and name the documents together: sentune tune DOCS DOCS",
        )
    if bases:
        raise ArgumentError(
            f"documents and {len(bases)} base models, whose passages are of different lengths",
            expected="one base model",
            fix="read them first: sentune read DOCS, then sentune tune passages.jsonl --base …",
        )
    require_no_columns(reading, documents=True, fix="leave it out", passage="passage")
    _refuse_pairs(paths)
    return paths


def recipe_of_documents(config: Path | None) -> str | None:
    """The recipe for made pairs; None if a file of settings has the say."""
    from sentune.tuning.recipes import DOCUMENT_RECIPE

    return DOCUMENT_RECIPE if config is None else None


def _refuse_pairs(paths: Sequence[Path]) -> None:
    from sentune.data import holds_texts_only
    from sentune.data.files.reading import ROW_SUFFIXES

    for path in paths:
        rows = path.is_file() and path.suffix.lower() in ROW_SUFFIXES
        if rows and not holds_texts_only(path):
            raise ArgumentError(
                f"{path}, a file of pairs, among documents",
                expected="either pairs or documents",
                fix="read the documents first: sentune read DOCS --out passages.jsonl, then "
                f"sentune tune {path} --corpus passages.jsonl",
            )


def run_on_documents(
    run: RunFile, folder: RunFolder, documents: Sequence[Path], *, headings: bool
) -> RunFile:
    """Read the documents and make pairs of them, or go on with what is there.

    Returns the run on these pairs. Raises DataError, OutputError, MissingExtraError.
    """
    from sentune.progress import progress
    from sentune.tuning.documents import DocumentRun, prepare_documents

    _require_apart(folder.path, documents)
    of = DocumentRun(
        tuple(map(str, documents)),
        run.settings.base,
        run.settings.seed,
        headings,
        hold_out=run.valid is None,
    )
    files = prepare_documents(
        of,
        folder,
        say,
        lambda count: progress("reading", count, unit="files", show=interactive()),
    )
    valid = str(files.valid) if run.valid is None else run.valid
    return replace(run, data=str(files.train), valid=valid, corpus=str(files.corpus))


def _require_apart(out: Path, documents: Sequence[Path]) -> None:
    """Check that a run does not write into a folder that it reads. Raises ArgumentError."""
    for path in documents:
        if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
            raise ArgumentError(
                f"--out {out} inside of {path}, a folder of documents",
                expected="a folder outside of it, as what is written there would be read",
                fix="name another folder",
            )
