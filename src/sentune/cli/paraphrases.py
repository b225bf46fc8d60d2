"""``sentune paraphrases``: the most similar pairs among many texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sentune.checks import require_number, require_whole
from sentune.cli.distinct import DistinctTexts, read_distinct_texts
from sentune.cli.models import telling_truncation
from sentune.cli.options import BASE_MODEL, AsJson, ModelOption, Rows, Texts, reads
from sentune.cli.output import interactive, print_hanging, print_json, print_line, say, write_out

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.data.files.writing import Cell
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["NAME", "command"]

NAME = "paraphrases"
_MIN_SCORE = 0.7


@reads("text", "split", "no_header")
def command(
    file: Texts,
    model: ModelOption = BASE_MODEL,
    top: Annotated[int, typer.Option(help="The most pairs to give.")] = 100,
    min_score: Annotated[float, typer.Option(help="The least cosine of a pair.")] = _MIN_SCORE,
    out: Rows = None,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Find the pairs of texts that say nearly the same."""
    from sentune.encoding.sentence_transformer import SentenceTransformer

    require_whole("--top", top, fix="ask for more pairs")
    require_number("--min-score", min_score, least=-1, most=1, fix=f"{_MIN_SCORE} is usual")
    distinct = read_distinct_texts(file, reading)
    encoder = SentenceTransformer(model)
    with telling_truncation(encoder):
        rows = _mined(encoder, distinct, top, min_score)
        say(distinct.describe())
    if not rows:
        say(f"no two different texts have a cosine of {min_score:g} or more")
    if out is not None:
        write_out(out, rows, "pair")
    if as_json:
        print_json(rows)
    elif out is None:
        _show(rows)


def _mined(
    encoder: SentenceTransformer, distinct: DistinctTexts, top: int, min_score: float
) -> list[dict[str, Cell]]:
    from sentune.tasks.paraphrases import paraphrase_mining

    # With top_k = max_pairs the result is exact, even if all the best pairs share one text.
    found = paraphrase_mining(
        encoder, distinct.texts, show_progress_bar=interactive(), max_pairs=top, top_k=top
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
            print_hanging(f"  {pair[row]:>{width}}  ", str(pair[text]))
