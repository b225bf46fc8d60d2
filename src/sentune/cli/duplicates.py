"""``sentune duplicates``: groups of near-duplicates, and which text of each to keep."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

NAME = "duplicates"
_THRESHOLD = 0.95
_GROUPS_SHOWN = 20
_MEMBERS_SHOWN = 5
_WIDTH = 77


@dataclass(frozen=True, slots=True)
class _Member:
    """A text of a group: its row, and its cosine to the text that is kept."""

    row: int
    text: str
    similarity: float


def command(
    file: Annotated[
        str, typer.Argument(help="Texts: one a line, or JSONL, CSV, Parquet; - for standard input.")
    ],
    model: Annotated[str, typer.Option(help="A model folder or name.")] = "all-MiniLM-L6-v2",
    threshold: Annotated[
        float, typer.Option(help="The least cosine to the text that is kept.")
    ] = _THRESHOLD,
    min_size: Annotated[int, typer.Option(help="The fewest texts in a group.")] = 2,
    out: Annotated[
        Path | None, typer.Option(help="The .jsonl or .csv file to write, one row a text.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find groups of near-duplicate texts, and which text of each group to keep."""
    from sentune.data.files.writing import require_row_file, write_rows
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.errors import ArgumentError
    from sentune.tokens.truncation import count_truncation
    from sentune.wording import counted

    require_similarity("--threshold", threshold, _THRESHOLD)
    if min_size < 2:
        raise ArgumentError(f"--min-size {min_size}", expected="at least 2", fix="2 is usual")
    if out is not None:
        require_row_file(out)
    distinct = read_distinct_texts(file)
    encoder = SentenceTransformer(model)
    with count_truncation() as truncation:
        groups = _groups(encoder, distinct, threshold, min_size)
    if truncation.truncated:
        say(truncation.describe(encoder.max_seq_length))
    say(_summary(distinct, groups))
    if out is not None:
        written = write_rows(out, _rows(distinct, groups))
        say(f"wrote {counted(written, 'row')} to {out}")
    if as_json:
        print_json(_as_json(distinct, groups, threshold))
    elif out is None:
        _show(groups)


def _groups(
    encoder: SentenceTransformer, distinct: DistinctTexts, threshold: float, min_size: int
) -> list[list[_Member]]:
    """The groups, the largest first; the first member of each is the one to keep.

    Each different text is compared once, and its repeats then join its group.
    """
    from sentune.encoding.similarity import similarity
    from sentune.tasks.communities import community_detection

    vectors = encoder.encode(distinct.texts, show_progress_bar=interactive())
    communities = community_detection(
        vectors, threshold, min_community_size=2, show_progress_bar=interactive()
    )
    grouped = {place for community in communities for place in community}
    communities += [
        [place]
        for place, rows in enumerate(distinct.rows)
        if len(rows) > 1 and place not in grouped
    ]
    groups: list[list[_Member]] = []
    for community in communities:
        alike = similarity(vectors[community], vectors[community[0]])[:, 0].tolist()
        alike[0] = 1.0
        groups.append(
            [
                _Member(row, distinct.texts[place], round(score, 6))
                for place, score in zip(community, alike, strict=True)
                for row in distinct.rows[place]
            ]
        )
    kept = [group for group in groups if len(group) >= min_size]
    return sorted(kept, key=lambda group: (-len(group), group[0].row))


def _rows(distinct: DistinctTexts, groups: list[list[_Member]]) -> list[dict[str, Cell]]:
    """One row a text, in the order of the file."""
    texts: list[str] = [""] * distinct.count
    for text, places in zip(distinct.texts, distinct.rows, strict=True):
        for place in places:
            texts[place - 1] = text
    rows: list[dict[str, Cell]] = [
        {"row": row, "text": text, "group": None, "keep": True, "similarity": None}
        for row, text in enumerate(texts, start=1)
    ]
    for number, group in enumerate(groups, start=1):
        for place, member in enumerate(group):
            rows[member.row - 1] |= {
                "group": number,
                "keep": place == 0,
                "similarity": member.similarity,
            }
    return rows


def _as_json(
    distinct: DistinctTexts, groups: list[list[_Member]], threshold: float
) -> dict[str, Any]:
    return {
        "texts": distinct.count,
        "exact_repeats": distinct.repeats,
        "threshold": threshold,
        "could_go": _could_go(groups),
        "groups": [
            {
                "group": number,
                "keep": group[0].row,
                "texts": [
                    {"row": member.row, "text": member.text, "similarity": member.similarity}
                    for member in group
                ],
            }
            for number, group in enumerate(groups, start=1)
        ],
    }


def _could_go(groups: list[list[_Member]]) -> int:
    return sum(len(group) - 1 for group in groups)


def _summary(distinct: DistinctTexts, groups: list[list[_Member]]) -> str:
    from sentune.wording import counted

    if not groups:
        return f"{distinct.describe()}; no near-duplicates among them"
    gone = _could_go(groups)
    return (
        f"{distinct.describe()}; {counted(len(groups), 'group')} of near-duplicates: with one "
        f"text of each kept, {gone:,} could go and {distinct.count - gone:,} would remain"
    )


def _show(groups: list[list[_Member]]) -> None:
    """The largest groups, each with the text to keep and those that could go."""
    from sentune.wording import counted

    width = max((len(str(member.row)) for group in groups for member in group), default=0)
    for number, group in enumerate(groups[:_GROUPS_SHOWN], start=1):
        print_line(f"group {number}: {len(group):,} texts")
        for place, member in enumerate(group[:_MEMBERS_SHOWN]):
            start = (
                f"  {f'{member.similarity:.3f}' if place else 'keep':>5}  {member.row:>{width}}  "
            )
            lines = textwrap.wrap(one_line(member.text), _WIDTH)
            print_line(start + ("\n" + " " * len(start)).join(lines))
        if len(group) > _MEMBERS_SHOWN:
            print_line(f"  and {len(group) - _MEMBERS_SHOWN:,} more")
    if len(groups) > _GROUPS_SHOWN:
        more = counted(len(groups) - _GROUPS_SHOWN, "group")
        print_line(f"and {more} more; --out writes all")
