"""What we use of transformers' insides is listed, there, and noticed when it is not."""

from __future__ import annotations

import ast
import inspect
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import transformers
from transformers import Trainer, TrainingArguments

from sentune.errors import TrainingError
from sentune.report.card import settings as card_settings
from sentune.training import arguments, fit, resuming, trainer
from sentune.training.private_transformers import (
    PRIVATE,
    REQUIREMENT,
    TESTED,
    require_known_transformers,
    used_names,
)


def private(names: Any) -> set[str]:
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def named_in(module: ModuleType) -> set[str]:
    """Every name of an attribute in the source, and every text, as one may be made of a text."""
    found = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return private(found)


def test_every_private_name_that_both_use_is_in_the_list() -> None:
    ours = (
        *(fit.ObjectivesTrainer, trainer.SentenceTransformerTrainer),
        arguments.SentenceTransformerTrainingArguments,
    )
    theirs = (Trainer, TrainingArguments)
    between = {kind for one in ours for kind in one.__mro__} - {
        kind for one in theirs for kind in one.__mro__
    }
    sources = (arguments, fit, trainer, resuming, card_settings)
    used = set().union(*(private(vars(kind)) for kind in between), *map(named_in, sources))
    known = private(set().union(*({*vars(kind)} | used_names(kind) for kind in theirs)))
    assert used & known == set().union(*PRIVATE.values())


def test_the_installed_version_has_them_all() -> None:
    assert transformers.__version__ in TESTED
    require_known_transformers()


@pytest.mark.parametrize("kind", PRIVATE)
def test_a_name_that_is_gone_is_named(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PRIVATE[kind]:
        with monkeypatch.context() as patch:
            patch.setitem(PRIVATE[kind], f"{name}_renamed", PRIVATE[kind][name])
            with pytest.raises(TrainingError) as caught:
                require_known_transformers()
        assert str(caught.value) == (
            f"transformers {transformers.__version__} has no {kind.__name__}.{name}_renamed: "
            "expected a version that sentune was tested with: 5.23.0 or 5.24.0. "
            f"Run: pip install '{REQUIREMENT}'"
        )


def test_a_method_that_is_removed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Trainer, "_load_rng_state")
    with pytest.raises(TrainingError, match=r"has no Trainer\._load_rng_state: expected"):
        require_known_transformers()


def test_another_parameter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def _save_checkpoint(self: Any, model: Any, trial: Any, metrics: Any = None) -> None: ...

    monkeypatch.setattr(Trainer, "_save_checkpoint", _save_checkpoint)
    with pytest.raises(TrainingError, match=r"\(model, trial, metrics\) in place of \(model, tri"):
        require_known_transformers()


def test_the_package_asks_for_the_versions_that_were_tested() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert REQUIREMENT in extras["train"]
