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

from sentune.errors import ArgumentError, DataError
from sentune.model_folder.base_models import DEFAULT_BASE_MODEL
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.tuning.recipes import DEFAULT_RECIPE, Recipe, recipe

__all__ = ["RunFile", "TuneSettings", "read_run_file"]

# Where a run writes, and what follows from that, is not for the file to say; a card lists these
# all the same, with values that say nothing.
_NOT_FOR_FILES = frozenset({"output_dir", "resume_from_checkpoint", "disable_tqdm", "prompts"})
# YAML reads a card's "no" as false.
_STRATEGIES = frozenset({"eval_strategy", "save_strategy", "logging_strategy"})
_EXPONENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")


def _training_names() -> frozenset[str]:
    names = {f.name for f in fields(SentenceTransformerTrainingArguments) if f.init}
    return frozenset(names) - _NOT_FOR_FILES


@dataclass(frozen=True, slots=True)
class TuneSettings:
    """What a person may choose; the rest is the recipe.

    Attributes:
        base: the model to start from: a folder or a name.
        recipe: a name from ``sentune.tuning.recipes``.
        training: settings of ``SentenceTransformerTrainingArguments`` that overrule the recipe.
        hard_negatives: passages to mine for each question before training; see
            ``sentune.training.mining.mine``.
        private_card: leave samples of the data out of the model card.
        show_progress: draw bars on standard error.

    Raises:
        ArgumentError: a name that is no setting, or a value outside its range.
    """

    base: str = DEFAULT_BASE_MODEL
    recipe: str = DEFAULT_RECIPE
    training: Mapping[str, Any] = field(default_factory=dict)
    hard_negatives: int = 0
    private_card: bool = False
    show_progress: bool = False

    def __post_init__(self) -> None:
        """Check what a run would find out only after it has loaded a model."""
        recipe(self.recipe)
        for name in ("private_card", "show_progress"):
            if not isinstance(getattr(self, name), bool):
                raise ArgumentError(
                    f"{name} {getattr(self, name)!r}", expected="true or false", fix="correct it"
                )
        for name in self.training:
            if name not in _training_names():
                raise _unknown(name, _training_names())
        values = self.resolved()
        # Wrong values are told now, and not when a model is loaded.
        SentenceTransformerTrainingArguments(**values)
        if type(self.hard_negatives) is not int or not 0 <= self.hard_negatives <= 100:
            raise ArgumentError(
                f"hard_negatives {self.hard_negatives!r}",
                expected="a number of passages from 0 to 100",
                fix="correct it",
            )
        if values["per_device_train_batch_size"] < 2:
            raise ArgumentError(
                f"per_device_train_batch_size {values['per_device_train_batch_size']}",
                expected="at least 2: the other pairs of a batch are what a pair learns from",
                fix="choose a larger batch",
            )

    @property
    def seed(self) -> int:
        """Settles every random choice."""
        seed: int = self.resolved()["seed"]
        return seed

    def resolved(self) -> dict[str, Any]:
        """The settings of training: the recipe's, overruled by those given."""
        chosen = {**self._recipe().settings, **self.training}
        if chosen.get("load_best_model_at_end"):
            chosen.setdefault("metric_for_best_model", "cosine_ndcg@10")
            # The best step can only be gone back to where it was saved.
            for name in ("strategy", "steps"):
                if f"eval_{name}" in chosen:
                    chosen.setdefault(f"save_{name}", chosen[f"eval_{name}"])
        return {"seed": 42, **chosen}

    def _recipe(self) -> Recipe:
        return recipe(self.recipe)


@dataclass(frozen=True, slots=True)
class RunFile:
    """What a ``run.yaml`` says.

    Attributes:
        settings: of the run.
        data, valid, test: files of pairs; None where the file names none.
    """

    settings: TuneSettings
    data: str | None = None
    valid: str | None = None
    test: str | None = None

    def text(self) -> str:
        """The file's content, every setting resolved."""
        settings = self.settings
        values: dict[str, Any] = {
            "data": self.data,
            "valid": self.valid,
            "test": self.test,
            "base": settings.base,
            "recipe": settings.recipe,
            "hard_negatives": settings.hard_negatives,
            "private_card": settings.private_card,
            **settings.resolved(),
        }
        # A null is told where leaving it out would mean the recipe's value.
        of_recipe = recipe(settings.recipe).settings
        kept = {
            name: _plain(value)
            for name, value in values.items()
            if value is not None or name in of_recipe
        }
        head = "# sentune tune --config THIS_FILE --out FOLDER does this run again.\n"
        return head + str(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))


_OWN = ("base", "recipe", "hard_negatives", "private_card")
_FILES = ("data", "valid", "test")


def read_run_file(path: str | Path | None, **given: Any) -> RunFile:
    """A run's file, overruled by what is given by name.

    Values are those of YAML; ``None``, and numbers such as ``5e-05`` that YAML takes for texts,
    are read as a model card writes them, so that a card's list of hyperparameters can be pasted.

    Args:
        path: the file; None for an empty one.
        given: settings, of training too, that overrule the file's; None leaves the file's.

    Raises:
        DataError: the file cannot be read, is no mapping, or has a name that is no setting.
        ArgumentError: a value outside its range.
    """
    found = {} if path is None else _read(Path(path))
    found |= {name: value for name, value in given.items() if value is not None}
    own = {name: found.pop(name) for name in (*_OWN, "show_progress") if name in found}
    files = {name: str(found.pop(name)) for name in _FILES if found.get(name) is not None}
    training = {name: value for name, value in found.items() if name not in _FILES}
    return RunFile(TuneSettings(training=training, **own), **files)


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
            expected="a YAML file of settings, such as the run.yaml beside a tuned model",
            fix="correct the file",
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise DataError(
            f"{path} holds a {type(content).__name__}",
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
    known = _training_names() | {*_OWN, *_FILES}
    for name, value in values.items():
        if name in _NOT_FOR_FILES:
            if value not in (None, False):
                raise ArgumentError(
                    f"{path}: {name}={value!r}",
                    expected="settings of training; this one is not for a file to say",
                    fix=f"leave out {name}",
                )
        elif name not in known:
            raise _unknown(str(name), known, f"{path}: ")


def _as_written(value: Any) -> Any:
    """A card's way of writing: None for null, and exponents without a point."""
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
        expected="a name of SentenceTransformerTrainingArguments, or data, valid, test, "
        + ", ".join(_OWN),
        fix=fix,
    )
