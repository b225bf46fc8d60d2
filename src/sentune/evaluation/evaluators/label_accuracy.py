"""The share of rows whose class a softmax classifier finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sentune.errors import ArgumentError, DataError
from sentune.evaluation.evaluators.base import SentenceEvaluator, append_row, named

__all__ = ["LabelAccuracyEvaluator"]


class LabelAccuracyEvaluator(SentenceEvaluator):
    """The accuracy of a classifier over pairs, such as that of ``SoftmaxLoss``.

    Args:
        dataloader: a DataLoader over objects with ``.texts`` and ``.label``, for example
            ``InputExample``; its order and batch size are used.
        name: in front of every key.
        softmax_model: called as ``softmax_model(features, None)``; returns vectors and logits
            (rows, classes).
        write_csv: append a row to ``accuracy_evaluation_{name}_results.csv`` when called with an
            ``output_path``.

    Attributes:
        primary_metric: ``{name}_accuracy``.

    Raises:
        ArgumentError: no softmax_model.
    """

    def __init__(
        self, dataloader: Any, name: str = "", softmax_model: Any = None, write_csv: bool = True
    ) -> None:
        super().__init__()
        if not callable(softmax_model):
            raise ArgumentError(
                f"softmax_model is {softmax_model!r}",
                expected="a loss with a classifier, such as SoftmaxLoss",
                fix="pass the loss that trains the classifier as softmax_model",
            )
        self.dataloader, self.name = dataloader, name
        self.softmax_model, self.write_csv = softmax_model, write_csv
        self.csv_file = f"accuracy_evaluation_{named(name, 'results')}.csv"
        self.primary_metric = named(name, "accuracy")

    def __call__(
        self,
        model: Any,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Classify every row.

        Returns:
            ``{name}_accuracy``.

        Raises:
            DataError: no row.
            OutputError: the CSV file cannot be written.
        """
        right = total = 0
        training = getattr(model, "training", False)
        model.eval()
        try:
            for examples in _batches(self.dataloader):
                found, labels = self._classified(model, examples)
                right += int((found == labels).sum())
                total += len(examples)
        finally:
            model.train(training)
        if not total:
            raise DataError(
                "a dataloader without a row", expected="at least one row", fix="check the data"
            )
        accuracy = right / total
        if output_path is not None and self.write_csv:
            row = {"epoch": epoch, "steps": steps, "accuracy": accuracy}
            append_row(output_path, self.csv_file, row)
        return self._finished(model, {"accuracy": accuracy}, epoch, steps)

    def _classified(self, model: Any, examples: Sequence[Any]) -> tuple[Any, Any]:
        """The class of each row as the classifier finds it, and as it is."""
        import torch

        with torch.no_grad():
            _, logits = self.softmax_model(_features(model, examples), None)
        return logits.argmax(dim=1).cpu(), torch.tensor([int(one.label) for one in examples])


def _batches(loader: Any) -> Iterator[Sequence[Any]]:
    """Its batches as examples, whatever it makes of them otherwise."""
    usual = getattr(loader, "collate_fn", None)
    if usual is None:
        yield from loader
        return
    loader.collate_fn = list
    try:
        yield from loader
    finally:
        loader.collate_fn = usual


def _features(model: Any, examples: Sequence[Any]) -> list[Any]:
    """For each column of texts what a loss takes: tokens of the model, or vectors."""
    columns = [[one.texts[column] for one in examples] for column in range(len(examples[0].texts))]
    if hasattr(model, "tokenize"):
        return [_moved(model.tokenize(texts), model.device) for texts in columns]
    return [{"sentence_embedding": model.encode(t, convert_to_tensor=True)} for t in columns]


def _moved(features: Any, device: Any) -> dict[str, Any]:
    return {
        name: value.to(device) if hasattr(value, "to") else value
        for name, value in features.items()
    }
