"""``sentune encode``: texts in, vectors out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentune.cli.output import interactive, say

__all__ = ["NAME", "command"]

NAME = "encode"


def command(
    model: Annotated[str, typer.Argument(help="A model folder or name.")],
    file: Annotated[
        str, typer.Argument(help="Texts: one a line, or JSONL, CSV, TSV; - for standard input.")
    ] = "-",
    out: Annotated[Path, typer.Option(help="The .npy file to write.")] = Path("vectors.npy"),
) -> None:
    """Write the vectors of texts as a NumPy array, one row a text."""
    import numpy as np

    from sentune.data import read_texts
    from sentune.errors import DataError
    from sentune.files import new_file, require_writable
    from sentune.model.sentence_transformer import SentenceTransformer
    from sentune.model.truncation import count_truncation

    require_writable(out)
    texts = list(read_texts(file))
    if not texts:
        raise DataError(f"{file} has no texts", expected="at least one", fix="give another file")
    encoder = SentenceTransformer(model)
    say(f"model {encoder.base.name} from {encoder.base.origin}")
    with count_truncation() as truncation:
        vectors = encoder.encode(texts, show_progress_bar=interactive())
    with new_file(out) as stream:
        np.save(stream, vectors, allow_pickle=False)
    rows, dimensions = vectors.shape
    say(f"wrote {rows} × {dimensions} to {out}; {truncation.describe(encoder.max_seq_length)}")
