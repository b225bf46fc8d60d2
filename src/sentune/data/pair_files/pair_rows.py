"""Records of columns → rows of pairs, none of which the file marks as wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sentune.data.files.records import Record, checked_text, is_blank, kind_of, number_of, quoted
from sentune.data.pair_files.assembly import PairRow
from sentune.data.roles import names
from sentune.data.roles.cells import items_of, passages_in
from sentune.data.roles.columns import PairColumns, pair_columns
from sentune.data.roles.headers import pair_places, without_header
from sentune.data.roles.judgements import Watch, is_right
from sentune.data.roles.options import ReadOptions
from sentune.data.rows import LeftOut, Rows
from sentune.errors import DataError
from sentune.wording import agreeing, counted

__all__ = ["PairRows"]

_UNPROVEN = ": what a system found or said is not known to be right"


class PairRows:
    """The rows of a file of pairs. Iterate once; then ``notes`` has what was left out.

    If they are not ``judged``, only the passages are wanted, and all rows are taken.

    Raises DataError while iterating, as :func:`sentune.data.pair_files.reading.read_pairs`.
    """

    def __init__(
        self, records: Iterable[Record], source: str, options: ReadOptions, *, judged: bool = True
    ) -> None:
        if not options.header:
            records, options = without_header(records, options, pair_places)
        example = '{"anchor": "…", "positive": "…"}'
        self._rows = Rows(records, pair_columns, example, options)
        self._source, self._judged, self._skips = source, judged, options.skip_blank
        self._ignored = set(map(names.plain, options.ignore))
        self._watch = Watch()
        self._watched: dict[tuple[str, ...], list[str]] = {}
        self._read = 0
        self._labels = _Labels()
        self._unproven: dict[str, None] = {}
        self._without_answer = 0

    def __iter__(self) -> Iterator[PairRow]:
        """Yield every row that has a right or a wrong passage."""
        for record, row, columns in self._rows:
            self._unproven |= dict.fromkeys(columns.unproven)
            if self._judged:
                self._judge(record, row, columns)
            found = self._row(record, row, columns)
            if found is not None:
                yield found
        if self._judged:
            self._watch.refuse_judgements(self._source, self._read)
            self._labels.require_a_wrong_one(self._source)

    def notes(self) -> list[str]:
        """What was not used, one sentence each."""
        left_out = self._rows.left_out
        notes = left_out.notes(self._unproven)
        if self._unproven:
            notes.append(LeftOut.describe(self._unproven, _UNPROVEN))
        count = self._without_answer
        if count:
            notes.append(
                f"{counted(count, 'row')} without an answer in the passage "
                f"{agreeing(count, 'is')} left out"
            )
        return notes

    def _judge(self, record: Record, row: dict[str, object], columns: PairColumns) -> None:
        for name in columns.scores:
            if row[name] is not True and number_of(row[name]) != 1:
                raise _scored(row[name], f"{record.location}, column {quoted([name])}", name)
        self._read += 1
        # Of most rows, no column may judge after the first: this runs for every row.
        known = tuple(row)
        watched = self._watched.get(known)
        if watched is None:
            watched = self._watched[known] = self._to_watch(row, columns)
        seen = [name for name in watched if self._watch.see(name, row[name])]
        if len(seen) < len(watched):
            self._watched[known] = seen

    def _to_watch(self, row: Mapping[str, object], columns: PairColumns) -> list[str]:
        if columns.label is not None:
            return []  # a person has said which column judges
        used = {*columns.used, *columns.unproven}
        used |= {name for name, value in row.items() if _are_spans(value)}
        return [name for name in row if name not in used and names.plain(name) not in self._ignored]

    def _row(self, record: Record, row: dict[str, object], columns: PairColumns) -> PairRow | None:
        where = record.location
        question = checked_text(row[columns.question], where, columns.question)
        if _has_no_span(row):
            self._without_answer += 1
            return None
        passages = passages_in(row[columns.passage], record, columns.passage)
        if self._judged:
            _refuse_wrong_items(
                row[columns.passage], f"{where}, column {quoted([columns.passage])}"
            )
        if not passages and self._skips:
            self._rows.left_out.blank += 1
            return None
        if not passages:
            raise DataError(
                f"{where}, column {quoted([columns.passage])} is an empty list",
                expected="at least one passage",
                fix="fill it in, remove the row, or add --skip-blank to leave such rows out",
            )
        wrong = self._negatives(record, row, columns)
        if columns.label is not None and self._judged:
            right = self._labels.read(row[columns.label], where, columns.label)
            if not right:
                return PairRow(question, (), wrong, wrong=passages)
        return PairRow(question, passages, wrong)

    def _negatives(
        self, record: Record, row: dict[str, object], columns: PairColumns
    ) -> tuple[str, ...]:
        filled = (name for name in columns.negatives if not (self._skips and is_blank(row[name])))
        return tuple(text for name in filled for text in passages_in(row[name], record, name))


def _refuse_wrong_items(value: object, where: str) -> None:
    """Raise DataError if an object in a list of passages says that it is a wrong one."""
    for item in items_of(value):
        if not isinstance(item, dict):
            continue
        for key in names.named(tuple(item), names.ITEM_JUDGES):
            if is_right(item[key]) is False:
                raise DataError(
                    f"{where} holds a passage with {quoted([key])} {item[key]}, which marks a "
                    "wrong one",
                    expected="only passages that answer the question",
                    fix="write the wrong ones into a column negatives",
                )


def _has_no_span(row: dict[str, object]) -> bool:
    """Whether a row of SQuAD says that its passage does not answer the question."""
    spans = row.get("answers")
    return isinstance(spans, dict) and _are_spans(spans) and is_blank(spans.get("text"))


def _are_spans(value: object) -> bool:
    """Whether a value is SQuAD's: parts of a passage, and where they begin."""
    return isinstance(value, dict) and "answer_start" in value


class _Labels:
    """Reads the labels of the column that a person named."""

    def __init__(self) -> None:
        self._largest, self._some_wrong = 1.0, False

    def read(self, value: object, location: str, column: str) -> bool:
        """Whether a row is right. Raises DataError if the label says neither."""
        right = is_right(value)
        number = number_of(value)
        if right is None and number is not None and number.is_integer():
            right = number > 0
            self._largest = max(self._largest, number)
        if right is None:
            shown = quoted([value]) if isinstance(value, str) else kind_of(value)
            raise DataError(
                f"{location}, column {quoted([column])} holds {shown}",
                expected="a label: 1 or 0, true or false, entailment or another word of this kind",
                fix="correct it, or name another column with --label-column"
                + ("; --skip-blank leaves such rows out" if is_blank(value) else ""),
            )
        self._some_wrong |= not right
        return right

    def require_a_wrong_one(self, source: str) -> None:
        """Raise DataError if labels above 1 are a scale on which nothing shows what is wrong."""
        if self._largest > 1 and not self._some_wrong:
            raise DataError(
                f"{source}: the labels go up to {self._largest:g}, and none is 0",
                expected="0 for a passage that does not answer the question",
                fix="write 1 for right and 0 for wrong",
            )


def _scored(value: object, location: str, column: str) -> DataError:
    shown = quoted([str(value)]) if isinstance(value, str | int | float) else kind_of(value)
    name = quoted([column])
    return DataError(
        f"{location} holds {shown}",
        expected="1 in every row, because every row is read as a question and a passage that "
        "answers it",
        fix=f"keep only the right rows, or say what the column is: --label-column {name} if 0 "
        f"marks a wrong passage, --ignore-column {name} if it does not judge the row. To evaluate "
        "similarity instead, name the columns sentence1, sentence2 and score: sentune evaluate",
    )
