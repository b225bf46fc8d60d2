"""What a model card is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sentune.data.pairs import Pairs
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.evaluation.facts import Facts
    from sentune.evaluation.report import Report
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
        recipe: the name of the way to train; empty if there is none.
        prepared: what was done to the pairs before the training, one sentence each.
        sentences: how many sentences of passages were trained on as questions.
        rows_an_epoch: pairs and sentences in the first epoch.
        report: the figures; None if nothing was measured.
        result: what the figures show, from which every claim follows; None as ``report``.
        evaluated_on: what was held out, in a sentence.
        caution: what the figures cannot show, if nobody asked the questions; None otherwise.
        private: leave every text of the data out; counts and statistics stay.
        pictures: files beside the card → what they show; a report is then there, too.
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
    recipe: str
    prepared: Sequence[str]
    sentences: int
    rows_an_epoch: int
    report: Report | None
    result: Facts | None
    evaluated_on: str
    private: bool
    pictures: Mapping[str, str] = field(default_factory=dict)
    caution: str | None = None

    @property
    def kept(self) -> Literal["tuned", "base"]:
        """Whether the folder holds the tuned model or the unchanged base model."""
        return "tuned" if self.result is None else self.result.kept or "tuned"

    @property
    def base_name(self) -> str:
        """The base model's name on the hub; the last name of a local folder, never its path."""
        base = self.model.base
        return base.name if self.base_is_public else base.folder.resolve().name

    @property
    def base_is_public(self) -> bool:
        """Whether the base model has a name on the hub."""
        return self.model.base.origin != "local folder"
