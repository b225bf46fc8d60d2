"""Values that judge a pair: which mark it as right, which as wrong, and which columns hold them.

A column of a known name (``label``, ``score``, ``relevant``, …) judges. So may a column of any
other name, and then only its values show it: 0 and 1, true and false, words of inference, numbers
on a small scale. :class:`Watch` looks for such columns, so that no pair is taken as right that the
file marks as wrong. It looks into objects and lists, too: ``{"verified": false}``, ``["no"]``.
"""

from __future__ import annotations

import re

from sentune.data.files.records import is_blank, number_of, quoted
from sentune.data.roles import names
from sentune.errors import DataError

__all__ = ["Watch", "is_right"]

_RIGHT = frozenset(
    {
        *("yes", "y", "true", "t", "relevant", "highly_relevant", "perfectly_relevant"),
        *("entailment", "entails", "entailed", "correct", "right", "match", "matched"),
        *("duplicate", "similar", "same", "equivalent", "paraphrase", "positive", "pos"),
        *("supports", "supported", "support", "pass", "exact", "good", "related", "answerable"),
        *("approved", "approve", "accepted", "accept", "valid", "passed", "up", "thumbs_up"),
        *("upvote", "upvoted", "like", "liked", "helpful", "accurate", "e"),
        *("ja", "oui", "si", "sí", "sim", "da", "да", "wahr", "vrai", "verdadero", "verdadeiro"),
        *("vero", "richtig", "correcto", "是", "对", "正确", "はい", "✓", "✔", "☑", "✅", "👍"),
    }
)
_WRONG = frozenset(
    {
        *("no", "n", "false", "f", "irrelevant", "not_relevant", "non_relevant", "nonrelevant"),
        *("unrelevant", "not_related", "unrelated", "contradiction", "contradicts"),
        *("contradictory", "neutral", "not_entailment", "non_entailment", "incorrect", "wrong"),
        *("no_match", "mismatch", "not_match", "not_a_match", "not_duplicate", "non_duplicate"),
        *("not_a_duplicate", "different", "dissimilar", "not_similar", "not_equivalent"),
        *("not_paraphrase", "non_paraphrase", "negative", "neg", "refutes", "refuted"),
        *("not_enough_info", "fail", "bad", "partially_relevant", "somewhat_relevant"),
        *("partial", "unanswerable", "complement", "substitute", "unsupported", "not_supported"),
        *("dislike", "disliked", "reject"),
    }
)
# Any column can hold these, so that they judge only beside their opposite.
_WEAK = frozenset(
    {
        *("no", "n", "false", "f", "different", "negative", "neg", "bad", "partial", "down"),
        *("failed", "s", "c", "i"),  # the last ones: substitute, complement, irrelevant
        *("nein", "non", "não", "nee", "нет", "falsch", "faux", "falso", "incorrecto"),
        *("否", "错", "错误", "いいえ", "✗", "✘", "✕", "❌", "☒", "👎"),
    }
)
_WRONG |= _WEAK
# In some rows, beside nothing in the others, these set a part of the rows apart.
_MARKS = {word for word in _RIGHT if len(word) > 1 or not word.isascii()} | {"x", "*", "ok", "1"}
# These judge whatever stands beside them ("pending", say).
_PLAINLY_WRONG = frozenset(
    {
        *("rejected", "declined", "disapproved", "invalid", "inaccurate", "unhelpful"),
        *("not_helpful", "downvoted", "downvote", "thumbs_down", "incorrect", "wrong"),
        *("irrelevant", "not_relevant"),
    }
)
_WRONG |= _PLAINLY_WRONG
# A column with more words than these is none of verdicts.
_MOST_WORDS = 6
_MISSING = frozenset({"nan", "none", "null", "n/a", "na", "<na>"})
# Emoji may end in a sign that asks for a picture.
_PICTURE = "\ufe0f"
# A part of a name that says what small numbers are, other than a judgement.
_COUNTERS = frozenset(
    {
        *("page", "pages", "chunk", "chunks", "difficulty", "level", "year", "month", "day"),
        *("date", "id", "ids", "idx", "index", "no", "nr", "num", "number", "count", "n", "row"),
        *("line", "section", "chapter", "part", "paragraph", "position", "offset", "start", "end"),
        *("length", "len", "tokens", "words", "chars", "version", "split", "fold", "hop", "hops"),
        *("turn", "turns", "depth", "group", "cluster", "batch", "session", "seed", "rank"),
        *("order", "step", "epoch", "volume", "verse", "week", "hour", "minute", "time"),
        *("duration", "seconds", "price", "cost", "size", "width", "height", "lat", "lon"),
        *("latitude", "longitude", "temperature", "priority", "unnamed", "votes", "upvotes"),
        *("downvotes", "likes", "views", "stage", "grade_level", "done", "train", "test", "dev"),
        *("qid", "sid", "uid", "pid", "docid", "conversation", "speaker", "user", "edition"),
        *("slide", "slides", "sheet", "sheets"),
        *("weight", "quantity", "age", "author", "question_number", "made"),
    }
)
_JUDGES = re.compile(
    r"relevan|simil|score|label|correct|match|duplic|entail|rating|judg|grade(?!_level)|paraphras"
    r"|relat|answerable|valid|gold"
)
# A last part of a name that says that numbers are scores, on whatever scale.
_SCORES = frozenset(
    {
        *("score", "scores", "rating", "similarity", "sim", "relevance", "relevancy"),
        *("confidence", "probability", "prob", "judgment", "judgement"),
    }
)
_LARGEST, _LEAST = 10, -1
_DEEPEST = 3  # objects inside of objects that are looked into


def is_right(value: object) -> bool | None:
    """Whether a value marks a pair as right; ``None`` if it does neither.

    >>> [is_right(value) for value in (1, "0", True, "Not relevant", "entailment", 3, "often")]
    [True, False, True, False, True, None, None]
    """
    if isinstance(value, bool):
        return value
    number = number_of(value)
    if number is not None:
        return {1.0: True, 0.0: False, -1.0: False}.get(number)
    word = _word(value)
    return True if word in _RIGHT else False if word in _WRONG else None


def _word(value: object) -> str:
    if not isinstance(value, str) or len(value) >= 40:
        return ""
    return names.plain(value).strip("_").removesuffix(_PICTURE)


class _Column:
    """What the values of one column have in common; ``None`` and blanks only set rows apart."""

    def __init__(self, *, is_score: bool, judges: bool = True) -> None:
        self.is_score = is_score
        self.judges = judges  # whether any small numbers may be a judgement
        self.filled = 0
        self.numbers: list[float] = []  # least, largest, last
        self.words: set[str] = set()
        self.is_whole = self.is_counter = True
        self.differs = self.is_other = False

    def see(self, value: object) -> None:
        if is_blank(value) or _word(value) in _MISSING:
            return
        self.filled += 1
        number = float(value) if isinstance(value, bool) else number_of(value)
        if isinstance(value, bool):
            self.is_counter = False
        if number is not None:
            self._see_number(number)
        else:
            word = _word(value)
            self.is_other = not word or (len(self.words) == _MOST_WORDS and word not in self.words)
            self.words.add(word)
        self.is_other = self.is_other or bool(self.words and self.numbers)

    def _see_number(self, number: float) -> None:
        if not self.numbers:
            self.numbers = [number, number, number]
            self.is_counter = self.is_counter and number in (0, 1)
            self.is_whole = number.is_integer()
        else:
            least, largest, last = self.numbers
            self.is_counter = self.is_counter and number == last + 1
            self.differs = self.differs or number != last
            self.numbers = [min(least, number), max(largest, number), number]
            self.is_whole = self.is_whole and number.is_integer()
        if not self.is_score:
            self.is_other = self.numbers[0] < _LEAST or self.numbers[1] > _LARGEST

    def describe(self, rows: int) -> str | None:
        """What the column holds if that may be a judgement of the ``rows``, else ``None``."""
        if self.is_other:
            return None
        marks = self.words or ({"1"} if self.numbers[:2] == [1, 1] else set())
        if self.filled < rows and marks and marks <= _MARKS:
            return f"holds {quoted(sorted(marks), limit=4)} in some rows, and nothing in others"
        if self.words:
            wrong = self.words & _WRONG
            right = self.words & _RIGHT
            if self.words - wrong - right:
                judges = wrong & _PLAINLY_WRONG
            else:
                judges = wrong - _WEAK or (right and wrong)
            return f"holds {quoted(sorted(self.words), limit=4)}" if judges else None
        if not self.differs:
            return None
        least, largest, _ = self.numbers
        if (least, largest) == (0, 1) and self.is_whole:
            return "holds 0 and 1, or false and true"
        counts = (self.is_counter and self.is_whole) or not self.judges
        return None if counts else f"holds numbers from {least:g} to {largest:g}"


class Watch:
    """Looks at the columns without a role for one that judges the pairs."""

    def __init__(self) -> None:
        self._columns: dict[str, _Column | None] = {}
        self._outer: dict[str, str] = {}  # what is inside of a column → the column

    def see(self, name: str, value: object) -> bool:
        """Take note of a cell. Return whether the column may still judge the pairs.

        Most columns are known to be something else after one row.
        """
        if isinstance(value, dict | list):
            self._look_into(name, value, name)
            return True
        if name not in self._columns:
            self._columns[name] = None if _is_something_else(name) else _column(name)
        column = self._columns[name]
        if column is None:
            return False
        column.see(value)
        if column.is_other:
            self._columns[name] = None
        return not column.is_other

    def _look_into(self, name: str, value: object, outer: str, depth: int = 0) -> None:
        """Take note of what an object or a list holds; of a list, only words and objects.

        Numbers in a list are scores, places or parts of something else.
        """
        if depth > _DEEPEST:
            return
        if isinstance(value, dict):
            for key, item in value.items():
                self._look_into(f"{name}.{key}", item, outer, depth + 1)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict | str | bool):
                    self._look_into(name, item, outer, depth + 1)
        else:
            self._see_inner(name, value, outer)

    def _see_inner(self, name: str, value: object, outer: str) -> None:
        if name not in self._columns:
            judges = _JUDGES.search(names.plain(name.rsplit(".", 1)[-1])) is not None
            other = _is_something_else(name)
            self._columns[name] = None if other else _column(name, judges=judges)
            self._outer[name] = outer
        column = self._columns[name]
        if column is not None:
            column.see(value)
            if column.is_other:
                self._columns[name] = None

    def refuse_judgements(self, source: str, rows: int) -> None:
        """Raise DataError if a column seems to say which of the ``rows`` are right."""
        found = {name: column.describe(rows) for name, column in self._columns.items() if column}
        judging = {name: held for name, held in found.items() if held}
        if not judging:
            return
        first = next(iter(judging))
        held = "; ".join(f"column {quoted([name])} {held}" for name, held in judging.items())
        raise DataError(
            f"{source}: {held}, which may say which passages are right",
            expected="a column whose meaning is known, because no pair may be used as right that a "
            "file marks as wrong",
            fix=_inner_fix(self._outer[first]) if first in self._outer else _fix(first),
        )


def _fix(name: str) -> str:
    return (
        f"say what it is: --label-column {quoted([name])} if it marks the right passages, "
        f"--score-column {quoted([name])} (of evaluate) if it says how similar two sentences "
        f"are, or --ignore-column {quoted([name])} if it says nothing of the kind"
    )


def _inner_fix(name: str) -> str:
    return (
        "if it marks the right passages, write it as a column of texts or numbers and name that by "
        f"--label-column; if it says nothing of the kind, add --ignore-column {quoted([name])}"
    )


def _column(name: str, *, judges: bool = True) -> _Column:
    is_score = names.plain(name).rsplit("_", 1)[-1] in _SCORES
    return _Column(is_score=is_score, judges=judges)


def _is_something_else(name: str) -> bool:
    parts = re.findall(r"[^\W\d_]+", names.plain(name))
    counts = not parts or not _COUNTERS.isdisjoint(parts)
    return counts and not _JUDGES.search(names.plain(name))
