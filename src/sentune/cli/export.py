"""``sentune export``: a model for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentune.cli.output import say

__all__ = ["NAME", "command"]

NAME = "export"


def command(
    model: Annotated[str, typer.Argument(help="A model folder or name.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
) -> None:
    """Write a model folder that holds an ONNX graph as well, checked against the model."""
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.export import export_onnx
    from sentune.files import require_free

    require_free(out)
    encoder = SentenceTransformer(model, device="cpu")
    say(f"model {encoder.base.name} from {encoder.base.origin}; tracing it takes some seconds")
    written = export_onnx(encoder, out)
    say(
        f"wrote {written.graph}: run by ONNX Runtime, its vectors differ from the model's by "
        f"{written.difference:.1g} at most"
    )
