"""One example as scripts for ``fit`` make it: texts, a label and a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sentune.errors import ArgumentError
from sentune.wording import named_kind

__all__ = ["InputExample"]


@dataclass(eq=False)  # two examples with the same texts are two
class InputExample:
    """One example, with the names and the order of the reference.

    >>> InputExample("row 7", ["a dog runs", "the dog is running"], 0.9).texts
    ['a dog runs', 'the dog is running']

    Attributes:
        guid: a name for it; not used.
        texts: anchor, positive, negatives; or the two texts of a pair; or one text.
        label: a similarity, a class, or the vector that the text should have.

    Raises:
        ArgumentError: texts in the place of the name, so that the example would have no text.
    """

    guid: str = ""
    texts: Sequence[str] | None = None
    label: Any = 0

    def __post_init__(self) -> None:
        """Refuse texts by place: they would become the name."""
        if not isinstance(self.guid, str | int) and self.guid is not None:
            raise ArgumentError(
                f"guid is {named_kind(self.guid)}",
                expected="the name of the example first, then its texts, then its label",
                fix="write InputExample(texts=[…], label=…)",
            )

    def __str__(self) -> str:
        return f"<InputExample> label: {self.label}, texts: {'; '.join(self.texts or ())}"
