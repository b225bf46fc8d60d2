"""Modules under the reference's names hold what it has under them, and the one implementation."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from sentune.errors import ArgumentError
from sentune.left_out import LeftOut

DOORS = (
    "backend",
    "data_collator",
    "datasets",
    "losses",
    "model_card",
    "models",
    "quantization",
    "readers",
    "sampler",
    "similarity_functions",
    "sparse_encoder",
    "trainer",
    "training_args",
    "util",
)
OURS_ALONE = {"EmbeddingLoss", "SupervisedContrastiveLoss"}


@pytest.mark.parametrize("name", DOORS)
def test_every_name_is_one_of_the_reference(name: str) -> None:
    door = importlib.import_module(f"sentune.{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = importlib.import_module(f"sentence_transformers.{name}")
        ours = getattr(door, "__all__", [])
        for each in ours:
            assert getattr(door, each) is not None
            assert each in OURS_ALONE or hasattr(reference, each), each
    assert ours == sorted(ours)


LISTED = (
    *("", ".backend", ".cross_encoder", ".cross_encoder.evaluation", ".cross_encoder.losses"),
    *(".data_collator", ".datasets", ".evaluation", ".losses", ".models", ".quantization"),
    *(".readers", ".sparse_encoder", ".training_args", ".util"),
)


@pytest.mark.parametrize("name", LISTED)
def test_every_public_name_of_the_reference_is_there_or_says_why_not(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = importlib.import_module(f"sentence_transformers{name}")
    door = importlib.import_module(f"sentune{name}")
    public = getattr(reference, "__all__", None) or [
        each
        for each, value in vars(reference).items()
        if getattr(value, "__module__", "").startswith("sentence_transformers") and each[0] != "_"
    ]
    assert len(public) > 1
    for each in public:
        found = getattr(door, each)
        if isinstance(found, type) and issubclass(found, LeftOut):
            refused: Any = found
            with pytest.raises(ArgumentError, match=f"^{each}, which sentune does not have"):
                refused("anything")


def _modules_of_the_reference() -> list[Any]:
    import sentence_transformers

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pkgutil.walk_packages(sentence_transformers.__path__, "sentence_transformers.")
        return [importlib.import_module(each.name) for each in found]


def test_every_name_is_found_where_the_reference_defines_it() -> None:
    missing = []
    for reference in _modules_of_the_reference():
        path = reference.__name__.replace("sentence_transformers", "sentune", 1)
        door = importlib.import_module(path)
        own = {
            name
            for name, value in vars(reference).items()
            if name[0] != "_" and getattr(value, "__module__", None) == reference.__name__
        }
        public = own | {*getattr(reference, "__all__", ())}
        missing += [f"{path}.{name}" for name in public if not hasattr(door, name)]
    # A path of sentune's own module, and a name for type checkers.
    expected = ["sentune.cross_encoder.losses.lambda_loss.BaseWeightingScheme"]
    assert sorted(missing) == [*expected, "sentune.util.decorators.F"]


def test_deriving_from_what_is_left_out_says_so() -> None:
    models: Any = importlib.import_module("sentune.models")
    sparse: Any = importlib.import_module("sentune.sparse_encoder.losses")
    with pytest.raises(ArgumentError, match=r"^InputModule, which .* a pooling and modules"):
        type("Mine", (models.InputModule,), {"__module__": "mine"})
    with pytest.raises(ArgumentError, match="SpladeLoss"):
        sparse.SpladeLoss(1)
    for absent in ("Absent", "__wrapped__"):
        with pytest.raises(AttributeError, match=absent):
            getattr(models, absent)


def test_a_door_opens_on_the_public_names() -> None:
    import sentune
    from sentune.training_args import SentenceTransformerTrainingArguments
    from sentune.util import semantic_search

    assert semantic_search is sentune.semantic_search
    assert SentenceTransformerTrainingArguments is sentune.SentenceTransformerTrainingArguments
    assert sentune.losses is importlib.import_module("sentune.losses")


def test_modules_of_the_reference_are_found_by_their_older_paths_and_newer_ones() -> None:
    from sentence_transformers.util.deprecated_import import DEPRECATED_MODULE_PATHS

    start, missing = "sentence_transformers.", []
    for older, newer in DEPRECATED_MODULE_PATHS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reference = importlib.import_module(newer)
        for path in (older, newer):
            module = importlib.import_module("sentune." + path.removeprefix(start))
            name = older.rpartition(".")[2]
            if hasattr(reference, name) and not hasattr(module, name):
                missing.append(f"{path}.{name}")
    assert missing == []


def test_a_path_gives_what_the_door_has_and_nothing_else() -> None:
    import sentune
    from sentune.old_paths import OldPath

    path = importlib.import_module("sentune.losses.CoSENTLoss")
    assert isinstance(path, OldPath)
    assert path.CoSENTLoss is sentune.losses.CoSENTLoss
    assert isinstance(sentune.losses.CoSENTLoss, type)
    assert isinstance(sentune.SentenceTransformer, type)
    for name in ("__file__", "MSELoss", "add"):
        assert not hasattr(path, name)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("sentune.losses.NoLoss")
    with pytest.raises(ArgumentError, match="MultiVectorEncoder, which sentune does not have"):
        importlib.import_module("sentune.multi_vector_encoder").MultiVectorEncoder("x")


def test_no_path_hides_a_module_of_sentune() -> None:
    from sentune import old_paths

    root = Path(old_paths.__file__).parent
    for path in old_paths._FOUND:
        at = root.joinpath(*path.split(".")[1:])
        assert not at.with_suffix(".py").exists(), path
        assert not at.is_dir(), path


def test_a_path_is_used_by_its_dotted_name_with_a_star_and_found_by_importlib() -> None:
    code = """
import importlib.util
import sentune.sentence_transformer.losses
assert sentune.sentence_transformer.losses.CoSENTLoss
import sentune.cross_encoder.losses.mse, sentune.util.similarity, sentune.losses.CoSENTLoss
assert sentune.cross_encoder.losses.mse.MSELoss
assert sentune.util.similarity.cos_sim is sentune.util.cos_sim
assert isinstance(sentune.losses.CoSENTLoss, type)
from sentune.sentence_transformer.losses import *
assert CoSENTLoss is sentune.losses.CoSENTLoss
from sentune.models.Pooling import *
assert Pooling is sentune.models.Pooling
for name in ("sentence_transformer", "sentence_transformer.losses", "losses.CoSENTLoss"):
    assert importlib.util.find_spec("sentune." + name).name == "sentune." + name
"""
    subprocess.run([sys.executable, "-c", code], check=True)
