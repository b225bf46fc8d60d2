"""A classifier's folder: its numbers, its labels, its figures, and the model it belongs to.

::

    classifier.json          labels, method, prompt, the model's name and fingerprint, the report
    classifier.safetensors   weights (L, dim), intercept (L,), temperature (1,), all float64
    encoder/                 the model, if loading it by its name would give another one
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from sentune.encoding.fingerprint import Fingerprint, fingerprint
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ModelError, ModelNotFoundError, SentuneError
from sentune.files import new_folder, write_json
from sentune.tasks.classifier import Head, TextClassifier

__all__ = ["load_classifier", "save_classifier"]

_JSON, _TENSORS, _ENCODER = "classifier.json", "classifier.safetensors", "encoder"
_FORMAT = 1
_KEYS = {
    "format": int,
    "method": str,
    "labels": list,
    "prompt": str,
    "model": dict,
    "report": dict,
}
_MODEL_KEYS = {"name", "revision", "truncate_dim", "fingerprint"}
# The classifier has a prompt, and compares no vectors; the number format only rounds them.
_IGNORED = ("query_prompt", "document_prompt", "similarity", "number_format")
_COPY = "copy the folder again, or train the classifier again"


def save_classifier(classifier: TextClassifier, path: str | Path) -> None:
    """Write the folder, whole or not at all.

    If loading the model by its name or path gives the same weights, only the name or the absolute
    path is saved. Otherwise the model is saved too: a model tuned for this classifier, say.

    Raises:
        OutputError: the folder exists and is not empty, or cannot be written.
    """
    model, found = classifier.model, fingerprint(classifier.model)
    stored = not _as_named(model, found)
    local = model.base.origin == "local folder"
    name = str(model.base.folder.resolve()) if local else model.base.name
    with new_folder(path) as folder:
        if stored:
            (folder / _ENCODER).mkdir()
            model.write_into(folder / _ENCODER)
        head = classifier.head
        save_file(
            {
                "weights": np.ascontiguousarray(head.weights, dtype=np.float64),
                "intercept": np.ascontiguousarray(head.intercept, dtype=np.float64),
                "temperature": np.array([head.temperature]),
            },
            folder / _TENSORS,
        )
        write_json(
            folder / _JSON,
            {
                "format": _FORMAT,
                "method": classifier.method,
                "labels": list(classifier.labels),
                "prompt": classifier.prompt,
                "model": {
                    "name": None if stored else name,
                    "revision": None if stored or local else model.base.revision,
                    "truncate_dim": model.truncate_dim,
                    "fingerprint": found.to_json(),
                },
                "report": classifier.report,
            },
        )


def load_classifier(path: str | Path, model: SentenceTransformer | None = None) -> TextClassifier:
    """Read a folder that :func:`save_classifier` wrote; the predictions are the same to the bit.

    On hardware without bfloat16 a classifier that was trained with it computes in float32, and
    its probabilities change in the third digit.

    Args:
        model: the model that it was trained with, if that is loaded already or was moved.

    Raises:
        ModelError: the folder is damaged, or its model was changed; the message says what differs.
        ModelNotFoundError: the folder or its model does not exist.
    """
    folder = Path(path)
    settings = _read_settings(folder)
    recorded = _RecordedModel(folder, settings)
    head = _read_head(folder / _TENSORS, len(settings["labels"]), recorded.fingerprint.dimension)
    used = recorded.load() if model is None else model
    differences = recorded.fingerprint.differences(fingerprint(used), ignoring=_IGNORED)
    if differences:
        raise ModelError(
            f"{folder} was not trained with the model {used.base.name} ({', '.join(differences)})",
            expected="the model that it was trained with",
            fix="restore that model, or train the classifier again with this one",
        )
    labels, method = tuple(settings["labels"]), settings["method"]
    return TextClassifier(used, labels, head, method, settings["prompt"], settings["report"])


class _RecordedModel:
    """The name, settings and fingerprint of the model, from the folder."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        model = settings["model"]
        path = folder / _JSON
        if set(model) != _MODEL_KEYS or not all(
            isinstance(model[name], str | None) for name in ("name", "revision")
        ):
            raise _damaged(path, f"'model' holds {', '.join(map(repr, model)) or 'nothing'}")
        dimension = model["truncate_dim"]
        if dimension is not None and (type(dimension) is not int or dimension < 1):
            raise _damaged(path, f"'truncate_dim' is {dimension!r}")
        self.fingerprint = Fingerprint.from_json(model["fingerprint"])
        self._folder, self._name, self._truncate_dim = folder, model["name"], dimension
        self._revision = model["revision"]

    def load(self) -> SentenceTransformer:
        """The model with the settings that it was trained with, where they can be set."""
        exact = self.fingerprint.number_format == "float32"
        try:
            model = SentenceTransformer(
                self._folder / _ENCODER if self._name is None else self._name,
                revision=self._revision,
                compute_dtype="float32" if exact else "auto",
                truncate_dim=self._truncate_dim,
            )
        except ModelNotFoundError as error:
            gone = self._folder / _ENCODER if self._name is None else self._name
            raise ModelNotFoundError(
                f"{self._folder} was trained with the model {gone}, which was not found",
                expected="that model, under that name",
                fix="restore it, or train the classifier again",
            ) from error
        limit = self.fingerprint.max_seq_length
        if 3 <= limit <= model.encoder.config.longest_text:
            model.max_seq_length = limit
        return model


def _as_named(model: SentenceTransformer, found: Fingerprint) -> bool:
    """Whether loading the model by its name, with its settings, gives the same vectors."""
    try:
        named = SentenceTransformer(
            model.base.folder, device="cpu", truncate_dim=model.truncate_dim
        )
        named.max_seq_length = model.max_seq_length
    except SentuneError:
        return False
    return not found.differences(fingerprint(named), ignoring=_IGNORED)


def _read_settings(folder: Path) -> dict[str, Any]:
    path = folder / _JSON
    if not path.is_file():
        raise ModelNotFoundError(
            f"{folder} holds no {_JSON}",
            expected="a folder that 'sentune classify train' wrote",
            fix="check the path, or train a classifier into it",
        )
    try:
        settings = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, f"it cannot be read: {error}") from error
    if not isinstance(settings, dict):
        raise _damaged(path, "it is not a JSON object")
    wrong = [name for name, kind in _KEYS.items() if type(settings.get(name)) is not kind]
    unknown = [name for name in settings if name not in _KEYS]
    if wrong or unknown:
        raise _damaged(path, f"missing or of another type: {wrong}; unknown: {unknown}")
    if settings["format"] != _FORMAT:
        raise ModelError(
            f"{path} has the format {settings['format']}",
            expected=f"format {_FORMAT}, which this version of sentune reads",
            fix="use the version of sentune that wrote it, or train the classifier again",
        )
    labels = settings["labels"]
    texts = all(isinstance(label, str) and label.strip() for label in labels)
    if not texts or len(labels) < 2 or len(set(labels)) < len(labels):
        raise _damaged(path, "'labels' must be at least two different texts")
    return settings


def _read_head(path: Path, labels: int, dimension: int) -> Head:
    try:
        tensors: dict[str, NDArray[Any]] = load_file(path)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path, f"it cannot be read: {error}") from error
    shapes = {"weights": (labels, dimension), "intercept": (labels,), "temperature": (1,)}
    given = {name: (tensor.dtype.name, tensor.shape) for name, tensor in tensors.items()}
    if given != {name: ("float64", shape) for name, shape in shapes.items()}:
        held = ", ".join(f"{name} {kind} {shape}" for name, (kind, shape) in given.items())
        raise ModelError(
            f"{path} holds {held or 'nothing'}",
            expected=", ".join(f"{name} float64 {shape}" for name, shape in shapes.items()),
            fix=_COPY,
        )
    finite = all(np.isfinite(tensor).all() for tensor in tensors.values())
    if not finite or tensors["temperature"][0] <= 0:
        raise _damaged(path, "it has numbers that are not finite, or a temperature of 0 or less")
    return Head(tensors["weights"], tensors["intercept"], float(tensors["temperature"][0]))


def _damaged(path: Path, problem: str) -> ModelError:
    return ModelError(
        f"{path} is damaged ({problem})",
        expected="the file that 'sentune classify train' wrote",
        fix=_COPY,
    )
