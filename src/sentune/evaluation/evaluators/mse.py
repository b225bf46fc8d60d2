"""How far a model's vectors are from a teacher's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import ArgumentError, DataError
from sentune.evaluation.evaluators.base import SentenceEvaluator, append_row, named
from sentune.evaluation.evaluators.vectors import encode, encode_options, require_equal_lengths
from sentune.vectors import require_finite

__all__ = ["MSEEvaluator", "MSEEvaluatorFromDataFrame"]


class MSEEvaluator(SentenceEvaluator):
    """The mean squared error to a teacher's vectors, times 100 and negated.

    For knowledge distillation (Reimers and Gurevych 2020, arXiv:2004.09813): the sources are in a
    language that the teacher knows, the targets the same texts in the language to learn.

    Args:
        source_sentences: n texts, which the teacher encodes at once.
        target_sentences: the texts that the model encodes.
        teacher_model: the teacher.
        show_progress_bar, batch_size, truncate_dim: passed to both models.
        name: in front of every key.
        write_csv: append a row to ``mse_evaluation_{name}_results.csv`` when called with an
            ``output_path``.

    Attributes:
        primary_metric: ``{name}_negative_mse``.

    Raises:
        DataError: lengths that differ.
        ArgumentError: no teacher.
    """

    def __init__(
        self,
        source_sentences: Sequence[str],
        target_sentences: Sequence[str],
        teacher_model: Any = None,
        show_progress_bar: bool = False,
        batch_size: int = 32,
        name: str = "",
        write_csv: bool = True,
        truncate_dim: int | None = None,
    ) -> None:
        super().__init__()
        require_equal_lengths(
            "give each source its target",
            source_sentences=source_sentences,
            target_sentences=target_sentences,
        )
        _require_teacher(teacher_model)
        self.target_sentences = list(target_sentences)
        self.name = name
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        self.write_csv, self.truncate_dim = write_csv, truncate_dim
        self.csv_file = f"mse_evaluation_{named(name, 'results')}.csv"
        self.primary_metric = named(name, "negative_mse")
        self.source_embeddings = encode(teacher_model, list(source_sentences), **self._options())

    def _options(self) -> dict[str, Any]:
        return encode_options(
            self.batch_size, self.show_progress_bar, truncate_dim=self.truncate_dim
        )

    def __call__(
        self,
        model: Any,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Encode the targets and compare.

        Returns:
            ``{name}_negative_mse``. The CSV file has the error itself, times 100.

        Raises:
            DataError: the vectors have another dimension than the teacher's.
            ModelError: the vectors are not finite.
            OutputError: the CSV file cannot be written.
        """
        found = encode(model, self.target_sentences, **self._options())
        error = _error(self.source_embeddings, found)
        if output_path is not None and self.write_csv:
            append_row(output_path, self.csv_file, {"epoch": epoch, "steps": steps, "MSE": error})
        return self._finished(model, {"negative_mse": -error}, epoch, steps)

    @property
    def description(self) -> str:
        """As the base class."""
        return "Knowledge Distillation"

    def get_config_dict(self) -> dict[str, Any]:
        """As the base class."""
        return {} if self.truncate_dim is None else {"truncate_dim": self.truncate_dim}


class MSEEvaluatorFromDataFrame(SentenceEvaluator):
    """:class:`MSEEvaluator` over several pairs of languages: the mean of their errors.

    Args:
        dataframe: rows of texts by language: ``[{"en": "a cat", "de": "eine Katze"}, …]``.
        teacher_model: encodes the first language of each pair, at once.
        combinations: pairs of languages, such as ``[("en", "de")]``. Rows that lack one of the
            two, or have it empty, are left out.
        batch_size, truncate_dim: passed to both models.
        name: in front of every key.
        write_csv: append a row to ``mse_evaluation_{name}_results.csv`` when called with an
            ``output_path``.

    Attributes:
        primary_metric: ``{name}_negative_mse``.

    Raises:
        DataError: no row has both languages of a pair.
        ArgumentError: no teacher.
    """

    def __init__(
        self,
        dataframe: Sequence[Mapping[str, str]],
        teacher_model: Any,
        combinations: Sequence[tuple[str, str]],
        batch_size: int = 8,
        name: str = "",
        write_csv: bool = True,
        truncate_dim: int | None = None,
    ) -> None:
        super().__init__()
        _require_teacher(teacher_model)
        self.combinations = [(source, target) for source, target in combinations]
        self.name, self.batch_size = name, batch_size
        self.write_csv, self.truncate_dim = write_csv, truncate_dim
        self.csv_file = f"mse_evaluation_{named(name, 'results')}.csv"
        self.primary_metric = named(name, "negative_mse")
        self.data: dict[tuple[str, str], tuple[NDArray[Any], list[str]]] = {}
        for pair in self.combinations:
            rows = [
                row for row in dataframe if all(str(row.get(key) or "").strip() for key in pair)
            ]
            if not rows:
                raise DataError(
                    f"no row with both {pair[0]!r} and {pair[1]!r}",
                    expected="rows with a text in each language of combinations",
                    fix="correct combinations, or leave this pair out",
                )
            sources = encode(teacher_model, [row[pair[0]] for row in rows], **self._options())
            self.data[pair] = (sources, [row[pair[1]] for row in rows])

    def _options(self) -> dict[str, Any]:
        given = {} if self.truncate_dim is None else {"truncate_dim": self.truncate_dim}
        return {"batch_size": self.batch_size, **given}

    def __call__(
        self,
        model: Any,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Encode the second language of each pair and compare. Errors: as ``MSEEvaluator``.

        Returns:
            ``{name}_negative_mse``. The CSV file has the error of each pair, times 100.
        """
        errors = {}
        for (source, target), (wanted, texts) in self.data.items():
            errors[f"{source}-{target}"] = _error(wanted, encode(model, texts, **self._options()))
        if output_path is not None and self.write_csv:
            append_row(output_path, self.csv_file, {"epoch": epoch, "steps": steps, **errors})
        mean = float(np.mean(list(errors.values())))
        return self._finished(model, {"negative_mse": -mean}, epoch, steps)

    @property
    def description(self) -> str:
        """As the base class."""
        return "Knowledge Distillation"


def _given(text: str | None) -> bool:
    return text is not None and bool(str(text).strip())


def _error(wanted: NDArray[Any], found: NDArray[Any]) -> float:
    if wanted.shape != found.shape:
        raise DataError(
            f"vectors of {found.shape[-1]} dimensions beside the teacher's {wanted.shape[-1]}",
            expected="the same dimension",
            fix="set truncate_dim to the smaller one, or choose another teacher",
        )
    require_finite(found, "the vectors")
    return float(((wanted.astype(np.float64) - found) ** 2).mean() * 100)


def _require_teacher(model: Any) -> None:
    if not hasattr(model, "encode"):
        raise ArgumentError(
            f"teacher_model is {model!r}",
            expected="a model with encode",
            fix="pass teacher_model=SentenceTransformer(name)",
        )
