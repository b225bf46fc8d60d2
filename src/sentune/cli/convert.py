"""``sentune convert``: pairs in any format → pairs in another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.options import OF_PAIRS, Pairs, reads
from sentune.cli.output import print_line
from sentune.cli.paths import require_pair_files
from sentune.errors import OutputError
from sentune.wording import counted

if TYPE_CHECKING:
    from sentune.data import ReadOptions

__all__ = ["NAME", "command"]

NAME = "convert"


@reads(*OF_PAIRS)
def command(
    data: Pairs,
    out: Annotated[
        Path, typer.Option(help="A .jsonl, .csv or .parquet file, or a folder with --layout.")
    ],
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="beir|datasets",
            help="Of a folder: corpus, queries and qrels, or what load_dataset reads.",
        ),
    ] = None,
    *,
    reading: ReadOptions,
) -> None:
    """Write question–passage pairs in another format.

    It says what that format does not hold.
    """
    from sentune.data import read_pairs, write_pairs
    from sentune.data.converting import require_target

    require_pair_files(reading, data)
    _require_other(data, out)
    require_target(out, layout)
    pairs = read_pairs(data, reading)
    lost = write_pairs(pairs, out, layout)
    asked = counted(len(pairs.questions), "question")
    print_line(f"wrote {counted(len(pairs), 'pair')} ({asked}) to {out}")
    for note in (*pairs.notes, *lost):
        print_line(f"note: {note}")


def _require_other(data: Path, out: Path) -> None:
    """The source may have columns that pairs do not have, so it is never replaced."""
    if out.exists() and data.exists() and out.samefile(data):
        raise OutputError(
            f"{out} is the file that is read", expected="another file", fix="name a new one"
        )
