"""What a person may choose about a run, and the file that repeats it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from sentune.checks import require_whole
from sentune.data.roles.options import AS_NAMED, READ_SETTINGS, ReadOptions
from sentune.errors import ArgumentError, DataError
from sentune.model_folder.resolve import DEFAULT_BASE_MODEL
from sentune.ranking.pieces import LongText, require_long_text
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.tuning.recipes import DEFAULT_RECIPE, recipe
from sentune.tuning.run_paths import FILES, beside, model_relative_to, relative_to
from sentune.wording import named_kind

__all__ = ["RunFile", "TuneSettings", "read_run_file"]

# A file does not set where a run writes. A card lists these names, too, with empty values.
_NOT_FOR_FILES = frozenset({"output_dir", "resume_from_checkpoint", "disable_tqdm", "prompts"})
# YAML reads a card's "no" as false.
_STRATEGIES = frozenset({"eval_strategy", "save_strategy", "logging_strategy"})
_EXPONENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")


def _training_names() -> frozenset[str]:
    names = {f.name for f in fields(SentenceTransformerTrainingArguments) if f.init}
    return frozenset(names) - _NOT_FOR_FILES


@dataclass(frozen=True, slots=True)
class TuneSettings:
    """What a person may choose; the recipe sets the rest.

    Attributes:
        base: the model to start from: a folder or a name.
        recipe: a name from ``sentune.tuning.recipes``.
        training: settings of ``SentenceTransformerTrainingArguments`` that override the recipe's.
        hard_negatives: passages to mine for each question before training; see
            ``sentune.training.mining.mine``.
        long_text: what is done with passages over the length limit, in training and measuring:
            ``pieces`` or ``truncate``; see ``sentune.ranking.pieces``.
        layers: end in a student of so many of the model's layers, see
            :mod:`sentune.tuning.smaller`; None keeps all.
        private_card: leave samples of the data out of the model card and the report.
        curve: also tune on parts of the pairs, which shows whether more pairs would help.
        show_progress: draw bars on standard error.

    Raises:
        ArgumentError: a name that is not a setting, or a value outside its range.
    """

    base: str = DEFAULT_BASE_MODEL
    recipe: str = DEFAULT_RECIPE
    training: Mapping[str, Any] = field(default_factory=dict)
    hard_negatives: int = 0
    long_text: LongText = "pieces"
    layers: int | None = None
    private_card: bool = False
    curve: bool = False
    show_progress: bool = False

    def __post_init__(self) -> None:
        """Check the values now, before a run loads a model."""
        recipe(self.recipe)
        require_long_text(self.long_text)
        for name in ("private_card", "curve", "show_progress"):
            if not isinstance(getattr(self, name), bool):
                raise ArgumentError(
                    f"{name} is {getattr(self, name)!r}",
                    expected="true or false",
                    fix=f"correct {name}",
                )
        for name in self.training:
            if name not in _training_names():
                raise _unknown(name, _training_names())
        values = self.resolved()
        SentenceTransformerTrainingArguments(**values)
        require_whole("hard_negatives", self.hard_negatives, least=0, most=100)
        if self.layers is not None:
            require_whole("layers", self.layers, fix="leave it out to keep all layers")
            if self.curve:
                raise ArgumentError(
                    "curve with layers",
                    expected="one of the two: the curve tunes whole models, and the result is none",
                    fix="leave one of them out",
                )
        name = "per_device_train_batch_size"
        fix = "choose a larger batch: a pair learns from the other pairs of its batch"
        require_whole(name, values[name], least=2, fix=fix)

    @property
    def seed(self) -> int:
        """Of every random choice."""
        seed: int = self.resolved()["seed"]
        return seed

    def resolved(self) -> dict[str, Any]:
        """The settings of training: the recipe's, overridden by those given."""
        chosen = {**recipe(self.recipe).settings, **self.training}
        if chosen.get("load_best_model_at_end"):
            chosen.setdefault("metric_for_best_model", "cosine_ndcg@10")
            # Only a step that was saved can be loaded again.
            for name in ("strategy", "steps"):
                if f"eval_{name}" in chosen:
                    chosen.setdefault(f"save_{name}", chosen[f"eval_{name}"])
        return {"seed": 42, **chosen}


@dataclass(frozen=True, slots=True)
class RunFile:
    """The content of a ``run.yaml``.

    Attributes:
        settings: of the run.
        reading: what is said about the columns of the files.
        data, valid, test: files of pairs; None if the file names none. A file that is read names
            them relative to itself.
        corpus: a file of further passages, or None.
    """

    settings: TuneSettings
    reading: ReadOptions = AS_NAMED
    data: str | None = None
    valid: str | None = None
    test: str | None = None
    corpus: str | None = None

    def text(self, folder: Path) -> str:
        """The content of the file in ``folder``: every setting resolved, paths relative to it."""
        settings = self.settings
        values: dict[str, Any] = {
            "data": relative_to(folder, self.data),
            "valid": relative_to(folder, self.valid),
            "test": relative_to(folder, self.test),
            "corpus": relative_to(folder, self.corpus),
            **self.reading.settings(),
            "base": model_relative_to(folder, settings.base),
            "recipe": settings.recipe,
            "hard_negatives": settings.hard_negatives,
            "long_text": settings.long_text,
            "layers": settings.layers,
            "private_card": settings.private_card,
            "curve": settings.curve or None,
            **settings.resolved(),
        }
        # A null is written if without it the recipe's value would be used.
        of_recipe = recipe(settings.recipe).settings
        kept = {
            name: _plain(value)
            for name, value in values.items()
            if value is not None or name in of_recipe
        }
        head = _NO_FILE if self.data is None else _AGAIN
        return head + str(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))


_OF_TUNING = ("base", "recipe", "hard_negatives", "long_text", "layers", "private_card", "curve")


def read_run_file(path: str | Path | None, **given: Any) -> RunFile:
    """Read a run's file; settings given by name override it.

    Values are those of YAML. ``None``, and numbers like ``5e-05`` that YAML reads as texts, are
    read as a model card writes them, so that a card's list of hyperparameters can be pasted.

    Args:
        path: the file; None for an empty one.
        given: settings, of training too, that override the file's; None keeps the file's.

    Raises:
        DataError: the file cannot be read, or is not a mapping.
        ArgumentError: a name that is not a setting, or a value outside its range.
    """
    found = {} if path is None else beside(Path(path), _read(Path(path)))
    found |= {name: value for name, value in given.items() if value is not None}
    chosen = {name: found.pop(name) for name in (*_OF_TUNING, "show_progress") if name in found}
    files = {name: str(found.pop(name)) for name in FILES if found.get(name) is not None}
    said = {name: found.pop(name) for name in READ_SETTINGS if found.get(name) is not None}
    reading = ReadOptions.of_settings(said)
    training = {name: value for name, value in found.items() if name not in FILES}
    return RunFile(TuneSettings(training=training, **chosen), reading, **files)


_AGAIN = "# sentune tune --config THIS_FILE --out FOLDER does this run again.\n"
_NO_FILE = (
    "# The settings of a run whose pairs came from no file. To use them for others:\n"
    "# sentune tune DATA --config THIS_FILE --out FOLDER\n"
)


def _plain(value: Any) -> Any:
    """Enumerations and NumPy's numbers as YAML writes them."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(
            f"{path} cannot be read ({' '.join(str(error).split())})",
            expected="a YAML file of settings, like the run.yaml of a tuned model",
            fix="correct the file",
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise DataError(
            f"{path} holds {named_kind(content)}",
            expected="lines of the form name: value",
            fix="correct the file",
        )
    values = {name: _as_written(value) for name, value in content.items()}
    _require_known(values, path)
    return {
        name: "no" if name in _STRATEGIES and value is False else value
        for name, value in values.items()
        if name not in _NOT_FOR_FILES
    }


def _require_known(values: Mapping[str, Any], path: Path) -> None:
    known = _training_names() | {*_OF_TUNING, *FILES, *READ_SETTINGS}
    for name, value in values.items():
        if name in _NOT_FOR_FILES:
            if value not in (None, False):
                raise ArgumentError(
                    f"{path} sets {name} to {value!r}",
                    expected="a file without this setting",
                    fix=f"leave out {name}",
                )
        elif name not in known:
            raise _unknown(str(name), known, f"{path}: ")


def _as_written(value: Any) -> Any:
    """Values as a card writes them: None for null, and exponents without a point."""
    if isinstance(value, dict):
        return {key: _as_written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_written(item) for item in value]
    if value == "None":
        return None
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    return value


def _unknown(name: str, known: frozenset[str], where: str = "") -> ArgumentError:
    near = difflib.get_close_matches(name, known, 1)
    fix = f"did you mean {near[0]}?" if near else "leave it out"
    return ArgumentError(
        f"{where}{name} is no setting",
        expected="a name of SentenceTransformerTrainingArguments, or data, valid, test, corpus, "
        + ", ".join(_OF_TUNING),
        fix=fix,
    )
