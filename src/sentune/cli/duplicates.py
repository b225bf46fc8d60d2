"""``sentune duplicates``: groups of near-duplicates, and which text of each to keep."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.checks import require_number, require_whole
from sentune.cli.distinct import DistinctTexts, read_distinct_texts
from sentune.cli.models import telling_truncation
from sentune.cli.options import BASE_MODEL, AsJson, ModelOption, Rows, Texts, reads
from sentune.cli.output import interactive, print_hanging, print_json, print_line, say, write_out
from sentune.wording import counted

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.data.files.writing import Cell
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["NAME", "command"]

NAME = "duplicates"
_THRESHOLD = 0.95
_GROUPS_SHOWN = 20
_MEMBERS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Member:
    """A text of a group: its row, and its cosine to the text that is kept."""

    row: int
    text: str
    similarity: float


@reads("text", "split", "no_header")
def command(
    file: Texts,
    model: ModelOption = BASE_MODEL,
    threshold: Annotated[
        float, typer.Option(help="The least cosine to the text that is kept.")
    ] = _THRESHOLD,
    min_size: Annotated[int, typer.Option(help="The fewest texts in a group.")] = 2,
    out: Rows = None,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Find near-duplicate texts, and which of them to keep."""
    from sentune.encoding.sentence_transformer import SentenceTransformer

    require_number("--threshold", threshold, least=-1, most=1, fix=f"{_THRESHOLD} is usual")
    require_whole("--min-size", min_size, least=2, fix="2 is usual")
    distinct = read_distinct_texts(file, reading)
    encoder = SentenceTransformer(model)
    with telling_truncation(encoder):
        groups = _groups(encoder, distinct, threshold, min_size)
    say(_summary(distinct, groups))
    if out is not None:
        write_out(out, _rows(distinct, groups))
    if as_json:
        print_json(_as_json(distinct, groups, threshold))
    elif out is None:
        _show(groups)


def _groups(
    encoder: SentenceTransformer, distinct: DistinctTexts, threshold: float, min_size: int
) -> list[list[_Member]]:
    """The groups, the largest first; the first member of each is the one to keep.

    Only different texts are compared; then the repeats of a text join its group.
    """
    from sentune.encoding.similarity import similarity
    from sentune.tasks.communities import community_detection

    vectors = encoder.encode(distinct.texts, show_progress_bar=interactive())
    communities = community_detection(
        vectors, threshold, min_community_size=2, show_progress_bar=interactive()
    )
    grouped = {index for community in communities for index in community}
    communities += [
        [index]
        for index, rows in enumerate(distinct.rows)
        if len(rows) > 1 and index not in grouped
    ]
    groups: list[list[_Member]] = []
    for community in communities:
        scores = similarity(vectors[community], vectors[community[0]])[:, 0].tolist()
        scores[0] = 1.0
        groups.append(
            [
                _Member(row, distinct.texts[index], round(score, 6))
                for index, score in zip(community, scores, strict=True)
                for row in distinct.rows[index]
            ]
        )
    kept = [group for group in groups if len(group) >= min_size]
    return sorted(kept, key=lambda group: (-len(group), group[0].row))


def _rows(distinct: DistinctTexts, groups: list[list[_Member]]) -> list[dict[str, Cell]]:
    """One row a text, in the order of the file."""
    found: dict[int, dict[str, Cell]] = {
        member.row: {
            "group": number,
            "keep": member is group[0],
            "similarity": member.similarity,
        }
        for number, group in enumerate(groups, start=1)
        for member in group
    }
    alone: dict[str, Cell] = {"group": None, "keep": True, "similarity": None}
    rows = (
        (row, text)
        for text, numbers in zip(distinct.texts, distinct.rows, strict=True)
        for row in numbers
    )
    return [{"row": row, "text": text, **found.get(row, alone)} for row, text in sorted(rows)]


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
                "texts": [asdict(member) for member in group],
            }
            for number, group in enumerate(groups, start=1)
        ],
    }


def _could_go(groups: list[list[_Member]]) -> int:
    return sum(len(group) - 1 for group in groups)


def _summary(distinct: DistinctTexts, groups: list[list[_Member]]) -> str:
    if not groups:
        return f"{distinct.describe()}; no near-duplicates"
    gone = _could_go(groups)
    return (
        f"{distinct.describe()}; {counted(len(groups), 'group')} of near-duplicates. Keep one "
        f"text of each group: {gone:,} could go, {distinct.count - gone:,} would remain"
    )


def _show(groups: list[list[_Member]]) -> None:
    """The largest groups, each with the text to keep and those that could go."""
    width = max((len(str(member.row)) for group in groups for member in group), default=0)
    for number, group in enumerate(groups[:_GROUPS_SHOWN], start=1):
        print_line(f"group {number}: {len(group):,} texts")
        for member in group[:_MEMBERS_SHOWN]:
            figure = "keep" if member is group[0] else f"{member.similarity:.3f}"
            print_hanging(f"  {figure:>5}  {member.row:>{width}}  ", member.text)
        if len(group) > _MEMBERS_SHOWN:
            print_line(f"  and {len(group) - _MEMBERS_SHOWN:,} more")
    if len(groups) > _GROUPS_SHOWN:
        more = counted(len(groups) - _GROUPS_SHOWN, "group")
        print_line(f"and {more} more; --out writes all of them")
