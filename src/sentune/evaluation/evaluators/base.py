"""The base of every evaluator, and the file of results that they append to."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentune.errors import OutputError
from sentune.files import write_text

__all__ = ["SentenceEvaluator", "append_row", "named"]


class SentenceEvaluator:
    """Measures a model; the trainer and ``fit`` call it between steps.

    A subclass defines ``__call__`` and sets ``primary_metric`` if it returns several figures::

        >>> from sentune.evaluation import SentenceEvaluator
        >>> class Dimension(SentenceEvaluator):
        ...     def __call__(self, model, output_path=None, epoch=-1, steps=-1):
        ...         return {"dimension": float(model.encode(["a cat"]).shape[1])}
        >>> from sentune import SentenceTransformer
        >>> Dimension()(SentenceTransformer("all-MiniLM-L6-v2"))
        {'dimension': 384.0}

    Attributes:
        greater_is_better: whether a higher ``primary_metric`` is better.
        primary_metric: the key of the figure that decides which model is best.
        name: put in front of the keys.
    """

    greater_is_better: bool = True
    primary_metric: str | None = None
    name: str = ""

    def __init__(self) -> None:
        self.greater_is_better = True

    def __call__(
        self,
        model: Any,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> Mapping[str, float] | float:
        """Measure the model.

        Args:
            model: what is measured.
            output_path: the folder of the file of results; none is written when None.
            epoch, steps: written into the file; -1 where training does not call.

        Returns:
            A figure, or figures by name.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define __call__")

    @property
    def description(self) -> str:
        """The class in words: ``Information Retrieval``."""
        words = type(self).__name__.removesuffix("Evaluator")
        return " ".join(re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z]+|[A-Z]+|\d+", words)) or words

    def prefix_name_to_metrics(self, metrics: Mapping[str, Any], name: str) -> dict[str, float]:
        """Put ``name`` and an underscore in front of every key, and of ``primary_metric``."""
        if not name:
            return dict(metrics)
        if self.primary_metric is not None and not self.primary_metric.startswith(f"{name}_"):
            self.primary_metric = f"{name}_{self.primary_metric}"
        return {f"{name}_{key}": float(value) for key, value in metrics.items()}

    def store_metrics_in_model_card_data(
        self, model: Any, metrics: Mapping[str, float], epoch: int = 0, step: int = 0
    ) -> None:
        """Hand the figures to the data of the model's card, if the model has any."""
        store = getattr(getattr(model, "model_card_data", None), "set_evaluation_metrics", None)
        if store is not None:
            store(self, metrics, epoch, step)

    def get_config_dict(self) -> dict[str, Any]:
        """The settings that bear on the figures and are not at their defaults."""
        return {}

    def _finished(
        self, model: Any, metrics: Mapping[str, float], epoch: int, steps: int
    ) -> dict[str, float]:
        """The figures under their full keys, after they went to the card."""
        full = {named(self.name, key): float(value) for key, value in metrics.items()}
        self.store_metrics_in_model_card_data(model, full, epoch, steps)
        return full


def named(name: str, key: str) -> str:
    """``key`` with the name in front, if there is one."""
    return f"{name}_{key}" if name else key


def append_row(
    folder: str | Path, file: str, row: Mapping[str, object], *, end: str = "\r\n"
) -> None:
    """Add a line to a CSV file, with a header if the file is new; ``end`` ends each line.

    Raises:
        OutputError: the folder cannot be made, or the file cannot be written.
    """
    path = Path(folder) / file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_bytes().decode("utf-8") if path.exists() else _line(list(row), end)
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(
            f"{path} cannot be written ({getattr(error, 'strerror', None) or error})",
            expected="a folder that can be created and written",
            fix="name another output_path",
        ) from error
    write_text(path, before + _line(list(row.values()), end))


def _line(cells: Sequence[object], end: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerow(cells)
    return text.getvalue()
