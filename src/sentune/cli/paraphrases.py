"""``sentune paraphrases``: the most alike pairs among many texts."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.distinct import (
    DistinctTexts,
    read_distinct_texts,
    require_similarity,
)
from sentune.cli.output import interactive, one_line, print_json, print_line, say

if TYPE_CHECKING:
    from sentune.data.files.writing import Cell
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["NAME", "command"]

NAME = "paraphrases"
_MIN_SCORE = 0.7
_WIDTH = 77


def command(
    file: Annotated[
        str, typer.Argument(help="Texts: one a line, or JSONL, CSV, Parquet; - for standard input.")
    ],
    model: Annotated[str, typer.Option(help="A model folder or name.")] = "all-MiniLM-L6-v2",
    top: Annotated[int, typer.Option(help="The most pairs to give.")] = 100,
    min_score: Annotated[float, typer.Option(help="The least cosine of a pair.")] = _MIN_SCORE,
    out: Annotated[Path | None, typer.Option(help="The .jsonl or .csv file to write.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Find the pairs of texts that say nearly the same."""
    from sentune.data.files.writing import require_row_file, write_rows
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.errors import ArgumentError
    from sentune.tokens.truncation import count_truncation
    from sentune.wording import counted

    if top < 1:
        raise ArgumentError(f"--top {top}", expected="at least 1", fix="ask for more pairs")
    require_similarity("--min-score", min_score, _MIN_SCORE)
    if out is not None:
        require_row_file(out)
    distinct = read_distinct_texts(file)
    encoder = SentenceTransformer(model)
    with count_truncation() as truncation:
        rows = _mined(encoder, distinct, top, min_score)
    say(distinct.describe())
    if truncation.truncated:
        say(truncation.describe(encoder.max_seq_length))
    if not rows:
        say(f"no two different texts have a cosine of {min_score:g} or more")
    if out is not None:
        write_rows(out, rows)
        say(f"wrote {counted(len(rows), 'pair')} to {out}")
    if as_json:
        print_json(rows)
    elif out is None:
        _show(rows)


def _mined(
    encoder: SentenceTransformer, distinct: DistinctTexts, top: int, min_score: float
) -> list[dict[str, Cell]]:
    from sentune.tasks.paraphrases import paraphrase_mining

    # With as many neighbours as pairs, no pair of the best is missed, however they cluster.
    found = paraphrase_mining(
        encoder,
        distinct.texts,
        show_progress_bar=interactive(),
        max_pairs=top,
        top_k=top,
    )
    rows: list[dict[str, Cell]] = []
    for score, first, second in found:
        if score >= min_score:
            i, j = int(first), int(second)
            rows.append(
                {
                    "similarity": round(float(score), 6),
                    "row1": distinct.rows[i][0],
                    "row2": distinct.rows[j][0],
                    "sentence1": distinct.texts[i],
                    "sentence2": distinct.texts[j],
                }
            )
    return rows


def _show(rows: list[dict[str, Cell]]) -> None:
    """One paragraph a pair: the similarity, and both texts with their rows."""
    for pair in rows:
        print_line(f"{pair['similarity']:.3f}")
        width = max(len(f"{pair[name]}") for name in ("row1", "row2"))
        for row, text in (("row1", "sentence1"), ("row2", "sentence2")):
            number = f"  {pair[row]:>{width}}  "
            shown = textwrap.wrap(one_line(str(pair[text])), _WIDTH)
            print_line(number + ("\n" + " " * len(number)).join(shown))
