"""What a model card is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sentune.data.pairs import Pairs
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.evaluation.report import Report
    from sentune.evaluation.verdict import Verdict
    from sentune.tokens.truncation import Truncation
    from sentune.training.arguments import SentenceTransformerTrainingArguments
    from sentune.training.losses.base import EmbeddingLoss

__all__ = ["CardFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """The facts of a run that :func:`sentune.report.card.model_card` states.

    Attributes:
        model: the model that the folder holds.
        name: the card's title, and the folder's name in its examples.
        training: the training pairs.
        loss: the loss of the training.
        arguments: every setting, as training resolved it.
        steps: number of optimizer steps.
        seconds: wall time of the training alone.
        loss_log: (epoch, step, training loss), in order; may be empty.
        compute: number format and device of the encoder, in words.
        truncation: what the length limit cut off the training texts.
        report: the figures; None if nothing was measured.
        notes: remarks on the figures of the kept model, one sentence each.
        verdict: what the figures show; None without a base to compare with.
        evaluated_on: what was held out, in a sentence.
        kept: whether the folder holds the tuned model or the unchanged base model.
        private: leave every text of the data out; counts and statistics stay.
    """

    model: SentenceTransformer
    name: str
    training: Pairs
    loss: EmbeddingLoss
    arguments: SentenceTransformerTrainingArguments
    steps: int
    seconds: float
    loss_log: Sequence[tuple[float, int, float]]
    compute: str
    truncation: Truncation
    report: Report | None
    notes: Sequence[str]
    verdict: Verdict | None
    evaluated_on: str
    kept: Literal["tuned", "base"]
    private: bool

    @property
    def base_name(self) -> str:
        """The base model's name on the hub; the last name of a local folder, never its path."""
        base = self.model.base
        return base.name if self.base_is_public else base.folder.resolve().name

    @property
    def base_is_public(self) -> bool:
        """Whether the base model has a name on the hub."""
        return self.model.base.origin != "local folder"
