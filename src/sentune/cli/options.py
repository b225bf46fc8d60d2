"""Arguments and options that several verbs take, described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AsJson", "Model", "ModelOption", "Pairs", "Rows", "Seed", "Texts"]

Model = Annotated[str, typer.Argument(help="A model folder or name.")]
ModelOption = Annotated[str, typer.Option("--model", help="A model folder or name.")]
Texts = Annotated[
    str,
    typer.Argument(
        help="Texts: one a line, or JSONL, JSON, CSV, TSV, Parquet; - for standard input."
    ),
]
Pairs = Annotated[
    Path, typer.Argument(help="Question–passage pairs: JSONL, JSON, CSV, TSV or Parquet.")
]
Rows = Annotated[Path | None, typer.Option("--out", help="The .jsonl or .csv file to write.")]
Seed = Annotated[int, typer.Option("--seed", help="Two runs with one seed give the same result.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
