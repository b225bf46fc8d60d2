"""``sentune export``: a model for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentune.cli.options import Model
from sentune.cli.output import say

__all__ = ["NAME", "command"]

NAME = "export"


def command(
    model: Model,
    out: Annotated[Path, typer.Option(help="The folder to write.")],
) -> None:
    """Write a model folder with an ONNX graph.

    The graph is checked against the model.
    """
    from sentune.cli.models import loaded_model
    from sentune.export import export_onnx
    from sentune.files import require_free

    require_free(out)
    written = export_onnx(loaded_model(model, device="cpu"), out)
    say(
        f"wrote {written.graph}: in ONNX Runtime, its vectors differ from the model's by at most "
        f"{written.difference:.1g}"
    )
