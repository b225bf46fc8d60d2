"""The columns of a data set → questions with the numbers of their passages in a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentune.errors import DataError
from sentune.wording import counted, named_kind

__all__ = ["MiningRows"]


@dataclass(frozen=True, slots=True)
class MiningRows:
    """Question → the numbers of its passages in the corpus.

    Attributes:
        names: of the columns of questions and passages.
        corpus: texts, each once.
        most_positives: the most rows of a question.
        total: rows.
    """

    names: tuple[str, str]
    corpus: list[str]
    positives: Mapping[str, list[int]]
    most_positives: int
    total: int

    @classmethod
    def of(
        cls, dataset: Any, anchor: str | None, positive: str | None, corpus: Sequence[str] | None
    ) -> MiningRows:
        """Those of two columns. Raises DataError."""
        known = _column_names(dataset)
        for name in (anchor, positive):
            if name is not None and name not in known:
                raise DataError(
                    f"column {name!r}",
                    expected=f"one of the data set's columns: {', '.join(known)}",
                    fix="correct anchor_column_name or positive_column_name",
                )
        anchor = next(iter(known), None) if anchor is None else anchor
        positive = next(iter(known[1:]), None) if positive is None else positive
        questions = _texts(dataset, anchor) if anchor is not None else []
        if positive is None or not questions:
            raise DataError(
                f"{counted(len(known), 'column')} with {counted(len(questions), 'row')}",
                expected="pairs to mine negatives for: a column of questions and one of passages",
                fix="pass a data set with both",
            )
        answers = _texts(dataset, positive)
        texts = list(dict.fromkeys([*(answers if corpus is None else corpus), *answers]))
        number = {text: index for index, text in enumerate(texts)}
        rows: dict[str, list[int]] = {}
        for question, answer in zip(questions, answers, strict=True):
            rows.setdefault(question, []).append(number[answer])
        most = max(map(len, rows.values()))
        unique = {question: list(dict.fromkeys(found)) for question, found in rows.items()}
        return cls((str(anchor), str(positive)), texts, unique, most, len(questions))


def _column_names(dataset: Any) -> list[str]:
    known = getattr(dataset, "column_names", None) or dataset
    several = isinstance(known, Mapping) and known is not dataset  # as of datasets.DatasetDict
    if several or not hasattr(dataset, "__len__") or isinstance(dataset, list | tuple):
        raise DataError(
            f"{named_kind(dataset)} to mine negatives for",
            expected="one data set: columns, Pairs or a datasets.Dataset",
            fix="pass one of its parts" if several else "load the data as a datasets.Dataset",
        )
    return list(known)


def _texts(dataset: Any, column: str) -> list[str]:
    texts = list(dataset[column])
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(
                f"{named_kind(text)} in row {row} of the column {column!r}",
                expected="a text in every row of the columns of questions and of passages",
                fix="leave out the row, or name anchor_column_name and positive_column_name",
            )
    return texts
