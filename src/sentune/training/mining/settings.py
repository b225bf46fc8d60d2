"""The settings of mining, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from sentune.errors import ArgumentError

__all__ = ["SAMPLING_STRATEGIES", "MiningOptions", "MiningSettings"]

SAMPLING_STRATEGIES = ("top", "random")


class MiningOptions(TypedDict):
    """The settings by name, as they are passed on."""

    num_negatives: int
    range_min: int
    range_max: int | None
    max_score: float | None
    min_score: float | None
    absolute_margin: float | None
    relative_margin: float | None
    sampling_strategy: str
    seed: int


@dataclass(frozen=True, slots=True)
class MiningSettings:
    """The arguments of :func:`sentune.training.mining.mine.mine_hard_negatives`.

    Raises:
        ArgumentError: one of them is outside its range.
    """

    num_negatives: int
    range_min: int
    range_max: int | None
    max_score: float | None
    min_score: float | None
    absolute_margin: float | None
    relative_margin: float | None
    sampling_strategy: str
    seed: int

    def __post_init__(self) -> None:
        for name, least in (("num_negatives", 1), ("range_min", 0), ("seed", 0)):
            self._require_whole(name, least, f"a whole number of at least {least}")
        if self.range_max is not None:
            least = self.range_min + self.num_negatives
            self._require_whole(
                "range_max", least, f"at least range_min + num_negatives, which is {least}"
            )
        self._require_within("max_score", -1, 1, "a cosine from -1 to 1")
        self._require_within("min_score", -1, 1, "a cosine from -1 to 1")
        self._require_within("absolute_margin", 0, 2, "from 0 to 2")
        self._require_within("relative_margin", 0, 1, "from 0 to 1; 0.05 is usual")
        both = None not in (self.max_score, self.min_score)
        if both and self.min_score > self.max_score:  # type: ignore[operator]
            raise self._refused("min_score", f"at most max_score, which is {self.max_score}")
        if self.sampling_strategy not in SAMPLING_STRATEGIES:
            raise self._refused("sampling_strategy", " or ".join(SAMPLING_STRATEGIES))

    def _require_whole(self, name: str, least: int, expected: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self._refused(name, expected)

    def _require_within(self, name: str, least: float, most: float, expected: str) -> None:
        value = getattr(self, name)
        if value is None:
            return
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:
            raise self._refused(name, expected)

    def _refused(self, name: str, expected: str) -> ArgumentError:
        return ArgumentError(
            f"{name} {getattr(self, name)!r}", expected=expected, fix=f"correct {name}"
        )
