"""Rows of pairs → training, validation and test rows that share nothing which would leak."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentune.checks import require_number
from sentune.data import Pairs, ReadOptions, hold_out_groups
from sentune.data.files.reading import ROW_SUFFIXES
from sentune.data.files.records import Record, checked_text
from sentune.data.guards import normalised
from sentune.data.pair_files.reading import pairs_or_records
from sentune.data.passages import Passage
from sentune.data.roles.cells import passages_in
from sentune.data.roles.columns import PairColumns, pair_columns
from sentune.data.roles.headers import pair_places, without_header
from sentune.data.roles.options import AS_NAMED
from sentune.data.rows import Rows
from sentune.errors import ArgumentError, DataError
from sentune.questions.near_duplicates import near_duplicates
from sentune.questions.source import source_passages
from sentune.wording import counted

__all__ = ["PARTS", "PairRecord", "PairSplit", "read_pair_records", "split_records"]

PARTS = ("train", "valid", "test")


@dataclass(frozen=True, slots=True)
class PairRecord:
    """One row of a file of pairs, as it is, and what of it may leak.

    Attributes:
        values: the row.
        question: its text.
        passages: their texts.
        section: document and headings, or document and page; None if unknown.
        made: whether the row says that nobody asked its question.
    """

    values: Mapping[str, Any]
    question: str
    passages: tuple[str, ...]
    section: Hashable | None = None
    made: bool = False


@dataclass(frozen=True, slots=True)
class PairSplit:
    """Rows in parts.

    Attributes:
        parts: name → rows, in the order of the file.
        groups: name → the number of groups. Groups share no question, passage and section.
        largest_group: the rows of the largest.
        near: the pairs of different passages that are nearly the same.
        shared: what is on more than one side, by its name: 0 of each, unless something is wrong.
    """

    parts: Mapping[str, list[PairRecord]]
    groups: Mapping[str, int]
    largest_group: int
    near: int
    shared: Mapping[str, int] = field(default_factory=dict)


def read_pair_records(path: Path, options: ReadOptions = AS_NAMED) -> list[PairRecord]:
    """Read a file of rows with a question and a passage. Every column of a row is kept.

    Raises:
        DataError: as :func:`sentune.data.read_pairs`; or the texts of the file have ids, and stand
            apart from the pairs.
    """
    found = None if path.is_dir() else pairs_or_records(_row_file(path), options)
    if found is None or isinstance(found, Pairs):
        raise DataError(
            f"{path} has texts and pairs apart from each other",
            expected="a file of rows with a question and a passage each",
            fix="hold pairs out with tune itself, or write rows: JSONL, CSV or Parquet",
        )
    records: Iterable[Record] = found
    if not options.header:
        records, options = without_header(records, options, pair_places)
    rows = Rows(records, pair_columns, '{"question": "…", "passage": "…"}', options)
    made = [_record(record, row, columns) for record, row, columns in rows]
    for note in rows.left_out.blank_notes():
        options.tell(note)
    if not made:
        raise DataError(f"{path} has no pairs", expected="at least three", fix="add pairs")
    return made


def _row_file(path: Path) -> Path:
    from sentune.data.files.lines import check_suffix

    check_suffix(path, ROW_SUFFIXES)
    return path


def _record(record: Record, row: Mapping[str, Any], columns: PairColumns) -> PairRecord:
    passages = passages_in(row[columns.passage], record, columns.passage)
    if not passages:
        raise DataError(
            f"{record.location} has no passage",
            expected="at least one",
            fix="fill it in, or remove the row",
        )
    question = checked_text(row[columns.question], record.location, columns.question)
    fields: dict[str, Any] = {
        name: value for name, value in row.items() if isinstance(value, str | int | float)
    }
    fields["headings"] = row.get("headings")
    [place] = source_passages([Passage("", passages[0], fields)], record.location)
    section = place.section if place.source else None
    return PairRecord(row, question, passages, section, str(row.get("made")).lower() == "true")


def split_records(
    records: Sequence[PairRecord], valid: float, test: float, seed: int, name: str = "the file"
) -> PairSplit:
    """Split rows, so that no part knows what another one asks.

    Rows are in one group if they have the same question, the same or nearly the same passage
    (:func:`~sentune.questions.near_duplicates.near_duplicates`), or the same section. Groups are
    not divided, so the shares are only as near as whole groups allow. A hash of the seed and a text
    decides, not the order of the file, as in :func:`sentune.data.hold_out`.

    Args:
        records: at least one group for each part.
        valid: the share of the rows for validation; 0 for none.
        test: the share for the test; 0 for none.
        seed: decides which groups.
        name: of the file, for messages.

    Raises:
        ArgumentError: the shares are below 0, are both 0, or leave nothing to train on.
        DataError: there are too few groups.

    Cost: linear, but for texts that share runs of words.
    """
    wanted = _shares(valid, test)
    texts = list(dict.fromkeys(text for record in records for text in record.passages))
    near = near_duplicates(texts)
    group_of = _grouped(records, texts, near)
    sizes = _counts(group_of)
    if len(sizes) < len(wanted) + 1:
        raise DataError(
            f"{name} can't be split, because sections, questions and nearly equal passages connect "
            f"its pairs in {counted(len(sizes), 'group')}",
            expected=f"at least {len(wanted) + 1} groups",
            fix="add pairs about other sections, or ask for fewer parts: --valid 0",
        )
    part_of = dict.fromkeys(group_of, "train")
    for part, groups_of_part in _chosen(_as_pairs(group_of, name), wanted, seed).items():
        part_of |= dict.fromkeys(groups_of_part, part)
    parts = {
        part: [
            each for each, group in zip(records, group_of, strict=True) if part_of[group] == part
        ]
        for part in PARTS
        if part == "train" or part in wanted
    }
    groups = {part: sum(part_of[group] == part for group in sizes) for part in parts}
    return PairSplit(parts, groups, max(sizes.values()), len(near), shared_between(parts))


def _shares(valid: float, test: float) -> dict[str, float]:
    given = {"test": test, "valid": valid}
    for part, share in given.items():
        require_number(f"--{part}", share, least=0, most=1)
    if not 0 < valid + test < 1:
        raise ArgumentError(
            f"--valid {valid:g} and --test {test:g}",
            expected="shares above 0 that leave a share to train on",
            fix="use 0.1 and 0.2, say",
        )
    return {part: share for part, share in given.items() if share}


def _chosen(rows: Pairs, wanted: Mapping[str, float], seed: int) -> dict[str, set[str]]:
    """The groups of each part but the first, at least one for each: there are more than parts."""
    train, held = hold_out_groups(rows, _names(rows), sum(wanted.values()), seed)
    if len(wanted) == 1:
        return {part: set(_names(held).values()) for part in wanted}
    (one, share), (other, rest) = wanted.items()
    if len(set(_names(held).values())) > 1:
        second, first = hold_out_groups(held, _names(held), share / (share + rest), seed)
    else:
        first = held
        _, second = hold_out_groups(train, _names(train), rest / (1 - share), seed)
    return {one: set(_names(first).values()), other: set(_names(second).values())}


class _Groups:
    """Things that are connected."""

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}

    def root(self, node: Hashable) -> Hashable:
        above = self._above
        above.setdefault(node, node)
        while above[node] != node:
            above[node] = above[above[node]]
            node = above[node]
        return node

    def join(self, first: Hashable, second: Hashable) -> None:
        self._above[self.root(first)] = self.root(second)


def _marks(record: PairRecord) -> list[Hashable]:
    """What no other part may have."""
    marks: list[Hashable] = [("question", normalised(record.question))]
    marks += [("passage", normalised(text)) for text in record.passages]
    if record.section is not None:
        marks.append(("section", record.section))
    return marks


def _grouped(
    records: Sequence[PairRecord], texts: Sequence[str], near: Sequence[tuple[int, int]]
) -> list[str]:
    """The name of each row's group: its least question, whatever the order of the rows."""
    groups = _Groups()
    for record in records:
        first, *others = _marks(record)
        for other in others:
            groups.join(first, other)
    for place, other in near:
        groups.join(("passage", normalised(texts[place])), ("passage", normalised(texts[other])))
    roots = [groups.root(_marks(record)[0]) for record in records]
    least: dict[Hashable, str] = {}
    for record, root in zip(records, roots, strict=True):
        question = normalised(record.question)
        least[root] = min(least.get(root, question), question)
    return [least[root] for root in roots]


def _counts(group_of: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for group in group_of:
        counts[group] = counts.get(group, 0) + 1
    return counts


def _as_pairs(group_of: Sequence[str], name: str) -> Pairs:
    """Rows as questions and groups as their passages, for the split of pairs."""
    return Pairs(
        {str(row): group for row, group in enumerate(group_of)},
        {group: group for group in group_of},
        {str(row): (group,) for row, group in enumerate(group_of)},
        source=name,
    )


def _names(pairs: Pairs) -> dict[str, str]:
    return {key: groups[0] for key, groups in pairs.relevant.items()}


def shared_between(parts: Mapping[str, Sequence[PairRecord]]) -> dict[str, int]:
    """Count what more than one part has: looked for again in the parts themselves."""
    found = {"questions": 0, "passages": 0, "near-duplicate passages": 0, "sections": 0}
    ways: dict[str, Callable[[PairRecord], list[Hashable]]] = {
        "questions": lambda record: [normalised(record.question)],
        "passages": lambda record: [normalised(text) for text in record.passages],
        "sections": lambda record: [] if record.section is None else [record.section],
    }
    for kind, way in ways.items():
        sides: dict[Hashable, set[str]] = {}
        for part, records in parts.items():
            for record in records:
                for mark in way(record):
                    sides.setdefault(mark, set()).add(part)
        found[kind] = sum(len(where) > 1 for where in sides.values())
    where_is = {
        text: part for part, records in parts.items() for each in records for text in each.passages
    }
    texts = list(where_is)
    found["near-duplicate passages"] = sum(
        where_is[texts[place]] != where_is[texts[other]] for place, other in near_duplicates(texts)
    )
    return found
