"""``sentune mine-negatives``: pairs in, pairs with hard negatives out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.options import OF_PAIRS, AsJson, ModelOption, Pairs, Seed, reads
from sentune.cli.output import interactive, one_line, print_json, print_line, say
from sentune.cli.paths import require_pair_files, require_there
from sentune.errors import ArgumentError, DataError
from sentune.wording import counted

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.training.mining.mine import Mined
    from sentune.training.mining.settings import MiningOptions

__all__ = ["NAME", "command"]

NAME = "mine-negatives"
_EXAMPLES = 3
_SHOWN = 100
_GUARDS = {
    "same": "nearly the same as a passage that answers the question",
    "shared": "answer another question together with it",
    "absolute_margin": "too near to the score of the right passage (absolute margin)",
    "relative_margin": "too near to the score of the right passage (relative margin)",
    "max_score": "above the greatest score",
    "min_score": "below the least score",
}


@reads(*OF_PAIRS)
def command(
    pairs: Pairs,
    out: Annotated[Path, typer.Option(help="The .jsonl or .csv file to write.")],
    model: ModelOption = "all-MiniLM-L6-v2",
    num_negatives: Annotated[int, typer.Option(help="Negatives for each question.")] = 3,
    relative_margin: Annotated[
        float, typer.Option(help="Stay below the right passage's score by this share of it.")
    ] = 0.05,
    absolute_margin: Annotated[
        float | None, typer.Option(help="Stay below the right passage's score by this much.")
    ] = None,
    max_score: Annotated[float | None, typer.Option(help="The greatest cosine.")] = None,
    min_score: Annotated[float | None, typer.Option(help="The least cosine.")] = None,
    range_min: Annotated[int, typer.Option(help="Nearest candidates to skip.")] = 0,
    range_max: Annotated[
        int | None, typer.Option(help="Nearest candidates to consider; all when left out.")
    ] = None,
    sampling_strategy: Annotated[
        str, typer.Option(help="top: the nearest; random: drawn from the nearest.")
    ] = "top",
    mode: Annotated[
        str,
        typer.Option(help="What ranks the candidates: dense (the model), words (BM25) or hybrid."),
    ] = "dense",
    corpus: Annotated[
        Path | None, typer.Option(help="Passages that nobody asked about, to mine from as well.")
    ] = None,
    output_format: Annotated[
        str, typer.Option(help="n-tuple, triplet, labeled-pair or labeled-list.")
    ] = "n-tuple",
    output_scores: Annotated[
        bool, typer.Option("--output-scores", help="Write the model's cosines, in place of labels.")
    ] = False,
    seed: Seed = 42,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Add hard negatives to pairs.

    These passages look like the answer but are not.
    """
    require_there(corpus)
    require_pair_files(reading, pairs)
    from sentune.checks import require_choice
    from sentune.data import read_corpus, read_pairs, require_row_file, with_corpus, write_rows
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.tokens.truncation import count_truncation
    from sentune.training.mining.layouts import mined_rows
    from sentune.training.mining.mine import mine_hard_negatives
    from sentune.training.mining.outputs import FORMATS
    from sentune.training.mining.settings import MiningSettings

    require_row_file(out)
    require_choice("output_format", output_format, FORMATS)
    if output_scores or output_format == "labeled-list":
        _require_lists(out, output_format)
    options: MiningOptions = {
        "num_negatives": num_negatives,
        "range_min": range_min,
        "range_max": range_max,
        "max_score": max_score,
        "min_score": min_score,
        "absolute_margin": absolute_margin,
        "relative_margin": relative_margin,
        "sampling_strategy": sampling_strategy,
        "seed": seed,
        "mode": mode,
    }
    MiningSettings(**options)  # refuses values out of range before a model is loaded
    given = read_pairs(pairs, replace(reading, part="train"))
    if corpus is not None:
        given = with_corpus(given, read_corpus(corpus, reading))
    for note in given.notes:
        reading.tell(note)
    encoder = SentenceTransformer(model)
    with count_truncation() as truncation:
        mined = mine_hard_negatives(given, encoder, show_progress_bar=interactive(), **options)
    _require_some(mined)
    if truncation.truncated:
        say(truncation.describe(encoder.max_seq_length))
    written = write_rows(out, mined_rows(mined, encoder, output_format, scores=output_scores))
    if as_json:
        print_json(_as_json(mined, written, num_negatives, mode))
    else:
        for line in _summary(mined, num_negatives):
            print_line(line)
        for line in _examples(mined):
            print_line(line)
    width = counted(mined.pairs.negative_count, "negative")
    each = f" with {width} each" if output_format == "n-tuple" else ""
    say(f"wrote {counted(written, 'row')}{each} to {out}")


def _require_lists(out: Path, output_format: str) -> None:
    """Refuse lists where a cell cannot hold one. Raises ArgumentError."""
    if out.suffix.lower() == ".csv":
        raise ArgumentError(
            f"{out} for {output_format} with lists",
            expected="a .jsonl file, because a cell of CSV holds no list",
            fix="end the name in .jsonl, or leave out --output-scores and labeled-list",
        )


def _require_some(mined: Mined) -> None:
    if not mined.pairs.negative_count:
        raise DataError(
            f"{mined.pairs.source} has no negative for some question",
            expected="for every question a passage that is clearly not its answer",
            fix="add pairs on other subjects",
        )


def _summary(mined: Mined, num_negatives: int) -> Iterator[str]:
    questions = counted(len(mined.mined), "question")
    yield (
        f"{questions}, {counted(len(mined.pairs.passages), 'passage')}: "
        f"{counted(mined.negatives, 'negative')} mined"
    )
    if mined.mean_negative is not None:
        yield (
            f"mean cosine to the question: {mined.mean_positive:.3f} of the passages that answer "
            f"it, {mined.mean_negative:.3f} of the negatives"
        )
    for guard, count in mined.left_out.items():
        if count:
            yield f"left out: {counted(count, 'candidate')}, {_GUARDS[guard]}"
    if mined.short:
        yield (
            f"{mined.short:,} of {questions} had fewer than {num_negatives}; "
            f"{counted(mined.drawn, 'passage')} drawn at random were added"
        )


def _examples(mined: Mined) -> Iterator[str]:
    """The questions whose negatives are nearest: a false negative is likeliest there."""
    pairs = mined.pairs
    found = [key for key, negatives in mined.mined.items() if negatives]
    found.sort(key=lambda key: -mined.mined[key][0].similarity)
    for key in found[:_EXAMPLES]:
        yield ""
        yield f"question  {one_line(pairs.questions[key], _SHOWN)}"
        for name, score in zip(pairs.relevant[key], mined.positives[key], strict=True):
            yield f"  answer    {score:.3f}  {one_line(pairs.passages[name], _SHOWN)}"
        for negative in mined.mined[key]:
            yield f"  negative  {negative.similarity:.3f}  {one_line(negative.text, _SHOWN)}"


def _as_json(mined: Mined, written: int, num_negatives: int, mode: str) -> dict[str, Any]:
    mean = mined.mean_negative
    return {
        "questions": len(mined.mined),
        "passages": len(mined.pairs.passages),
        "rows": written,
        "mode": mode,
        "num_negatives": num_negatives,
        "negatives_per_row": mined.pairs.negative_count,
        "mined": mined.negatives,
        "drawn": mined.drawn,
        "questions_short": mined.short,
        "mean_positive": round(mined.mean_positive, 6),
        "mean_negative": None if mean is None else round(mean, 6),
        "left_out": dict(mined.left_out),
    }
