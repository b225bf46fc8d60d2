"""``sentune similarity``: how similar texts are, all with all, or pair by pair from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.models import telling_truncation
from sentune.cli.options import AsJson, Model, Rows, reads
from sentune.cli.output import interactive, one_line, print_json, print_line, show, write_out
from sentune.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.data.files.writing import Cell
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["NAME", "command"]

NAME = "similarity"


@reads("question", "passage", "split", "no_header")
def command(
    model: Model,
    texts: Annotated[list[str] | None, typer.Argument(help="Two texts or more.")] = None,
    data: Annotated[
        str | None, typer.Option(help="A file of sentence pairs instead; - for standard input.")
    ] = None,
    out: Rows = None,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Print how similar texts are to each other.

    Every text to every other, or the two of each pair in a file.
    """
    from sentune.encoding.sentence_transformer import SentenceTransformer

    _check(texts or [], data, out)
    _require_file(data, reading)
    pairs = None if data is None else _pairs(data, reading)
    encoder = SentenceTransformer(model)
    with telling_truncation(encoder):
        if pairs is None:
            _print_matrix(encoder, texts or [], as_json)
        else:
            _print_pairs(_rows(encoder, pairs), out, as_json)


def _check(texts: list[str], data: str | None, out: Path | None) -> None:
    if texts and data is not None:
        raise ArgumentError(
            f"texts together with --data {data}",
            expected="either texts or a file of pairs",
            fix="leave one of them out",
        )
    if data is None and len(texts) < 2:
        raise ArgumentError(
            "a single text" if texts else "neither texts nor --data",
            expected="two texts or more, or a file of sentence pairs",
            fix="put each text in quotes, or name the file with --data",
        )
    if data is None and out is not None:
        raise ArgumentError(
            f"--out {out} without --data",
            expected="--out only with --data",
            fix="add --data, or print with --json",
        )


def _require_file(data: str | None, reading: ReadOptions) -> None:
    if data is None and reading.settings():
        given = next(iter(reading.settings()))
        split = given == "split"  # which is the last of them
        raise ArgumentError(
            f"--{given.replace('_', '-')} without --data",
            expected="it only with a folder of datasets" if split else "columns of a file of pairs",
            fix="leave it out" if split else "leave it out, or name the file with --data",
        )


def _pairs(data: str, reading: ReadOptions) -> list[tuple[str, str]]:
    from sentune.data.sentence_pairs import read_sentence_pairs

    pairs = list(read_sentence_pairs(data, reading))
    if not pairs:
        raise DataError(
            f"{'standard input' if data == '-' else data} has no pairs",
            expected="at least one row with two sentences",
            fix="check that the export finished",
        )
    return pairs


def _rows(encoder: SentenceTransformer, pairs: list[tuple[str, str]]) -> list[dict[str, Cell]]:
    """The pairs in order, each with its similarity; every different text is encoded once."""
    import numpy as np

    from sentune.vectors import require_finite

    different = dict.fromkeys(text for pair in pairs for text in pair)
    index = {text: number for number, text in enumerate(different)}
    vectors = encoder.encode(list(index), show_progress_bar=interactive())
    left, right = (vectors[[index[pair[side]] for pair in pairs]] for side in (0, 1))
    scores = np.asarray(encoder.similarity_pairwise(left, right))
    require_finite(scores, "the similarities")
    return [
        {"sentence1": first, "sentence2": second, "similarity": round(float(score), 6)}
        for (first, second), score in zip(pairs, scores, strict=True)
    ]


def _print_matrix(encoder: SentenceTransformer, texts: list[str], as_json: bool) -> None:
    import numpy as np
    from rich.table import Table
    from rich.text import Text

    from sentune.vectors import require_finite

    vectors = encoder.encode(texts)
    scores = np.asarray(encoder.similarity(vectors, vectors))
    require_finite(scores, "the similarities")
    if as_json:
        rounded = [[round(score, 6) for score in row] for row in scores.tolist()]
        print_json({"texts": texts, "similarity": rounded})
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("text", overflow="fold")
    for number in range(1, len(texts) + 1):
        table.add_column(str(number), justify="right")
    for number, (text, row) in enumerate(zip(texts, scores.tolist(), strict=True), start=1):
        table.add_row(str(number), Text(text), *(f"{score:.3f}" for score in row))
    show(table)


def _print_pairs(rows: list[dict[str, Cell]], out: Path | None, as_json: bool) -> None:
    if out is not None:
        write_out(out, rows, "pair")
    if as_json:
        print_json(rows)
    elif out is None:
        for row in rows:
            texts = (one_line(str(row[name])) for name in ("sentence1", "sentence2"))
            print_line("\t".join((f"{row['similarity']:.3f}", *texts)))
