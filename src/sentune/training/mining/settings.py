"""The settings of mining, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from sentune.checks import require_choice, require_number, require_whole
from sentune.errors import ArgumentError

__all__ = ["MODES", "MiningOptions", "MiningSettings"]

MODES = ("dense", "words", "hybrid")
"""What ranks the candidates: the model, BM25, or the fusion of both."""


class MiningOptions(TypedDict, total=False):
    """The settings as keyword arguments; :class:`MiningSettings` has the defaults."""

    num_negatives: int
    range_min: int
    range_max: int | None
    max_score: float | None
    min_score: float | None
    absolute_margin: float | None
    relative_margin: float | None
    sampling_strategy: str
    seed: int
    mode: str


@dataclass(frozen=True, slots=True)
class MiningSettings:
    """The settings of :func:`sentune.training.mining.mine.mine_hard_negatives`.

    Raises:
        ArgumentError: one of them is outside its range.
    """

    num_negatives: int = 3
    range_min: int = 0
    range_max: int | None = None
    max_score: float | None = None
    min_score: float | None = None
    absolute_margin: float | None = None
    relative_margin: float | None = 0.05
    sampling_strategy: str = "top"
    seed: int = 0
    mode: str = "dense"

    def __post_init__(self) -> None:
        require_whole("num_negatives", self.num_negatives)
        require_whole("range_min", self.range_min, least=0)
        require_whole("seed", self.seed, least=0)
        if self.range_max is not None:
            least = self.range_min + self.num_negatives
            fix = "raise range_max, or lower range_min or num_negatives"
            require_whole("range_max", self.range_max, least=least, fix=fix)
        cosine = "a cosine from -1 to 1"
        for name, least, most, expected in (
            ("max_score", -1, 1, cosine),
            ("min_score", -1, 1, cosine),
            ("absolute_margin", 0, 2, None),
            ("relative_margin", 0, 1, "a share from 0 to 1, usually 0.05"),
        ):
            value = getattr(self, name)
            if value is not None:
                require_number(name, value, least=least, most=most, expected=expected)
        both = None not in (self.max_score, self.min_score)
        if both and self.min_score > self.max_score:  # type: ignore[operator]
            raise ArgumentError(
                f"min_score is {self.min_score} and max_score is {self.max_score}",
                expected="min_score of at most max_score",
                fix="lower min_score, or raise max_score",
            )
        require_choice("sampling_strategy", self.sampling_strategy, ("top", "random"))
        require_choice("mode", self.mode, MODES)
