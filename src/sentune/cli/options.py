"""Arguments and options that several verbs take, described once.

An option that names a file of rows is checked when it is read, before a model is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "BASE_MODEL",
    "AsJson",
    "Folder",
    "IndexModel",
    "Model",
    "ModelOption",
    "Pairs",
    "Rows",
    "RowsRequired",
    "Seed",
    "Texts",
]

BASE_MODEL = "all-MiniLM-L6-v2"
_MODEL = "A model folder or name."
_ROWS = "The .jsonl or .csv file to write."


def _row_file(path: Path | None) -> Path | None:
    from sentune.data.files.writing import require_row_file

    if path is not None:
        require_row_file(path)
    return path


Model = Annotated[str, typer.Argument(help=_MODEL)]
ModelOption = Annotated[str, typer.Option("--model", help=_MODEL)]
IndexModel = Annotated[
    str | None, typer.Option("--model", help="The model of the index, if it was moved.")
]
Texts = Annotated[
    str,
    typer.Argument(
        help="Texts: one a line, or JSONL, JSON, CSV, TSV, Parquet; - for standard input."
    ),
]
Pairs = Annotated[
    Path, typer.Argument(help="Question–passage pairs: JSONL, JSON, CSV, TSV or Parquet.")
]
Rows = Annotated[Path | None, typer.Option("--out", help=_ROWS, callback=_row_file)]
RowsRequired = Annotated[Path, typer.Option("--out", help=_ROWS, callback=_row_file)]
Folder = Annotated[Path, typer.Option("--out", help="The folder to write.")]
Seed = Annotated[int, typer.Option("--seed", help="Two runs with one seed give the same result.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
