"""Every ``>>>`` example in a docstring gives the output that it shows, in either number format."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import sentune

_SOURCE = Path(sentune.__file__).parent
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# Public names that people use first: each docstring, or one of its methods', has an example.
_WITH_EXAMPLE = (
    "EmbeddingSimilarityEvaluator",
    "Index",
    "InformationRetrievalEvaluator",
    "SentenceTransformer",
    "SentenceTransformerTrainer",
    "community_detection",
    "count_truncation",
    "fit",
    "mine_hard_negatives",
    "paraphrase_mining",
    "quantize_embeddings",
    "semantic_search",
    "similarity",
)


def _modules_with_examples() -> list[str]:
    paths = [path for path in _SOURCE.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8")]
    parts = [path.relative_to(_SOURCE.parent).with_suffix("").parts for path in paths]
    return sorted(".".join(part).removesuffix(".__init__") for part in parts)


@pytest.mark.parametrize("bfloat16", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("module", _modules_with_examples())
def test_examples_give_what_they_show(
    module: str, bfloat16: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What "auto" means must not depend on the processor that the tests run on.
    unit = "for this test" if bfloat16 else None
    monkeypatch.setattr("sentune.machine.hardware._bfloat16_unit", lambda _: unit)
    runner = doctest.DocTestRunner(optionflags=_OPTIONS)
    for number, test in enumerate(doctest.DocTestFinder().find(importlib.import_module(module))):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        said: list[str] = []
        failed, _ = runner.run(test, out=said.append)
        assert not failed, "".join(said)


def test_names_that_people_use_first_have_an_example() -> None:
    for name in _WITH_EXAMPLE:
        value = getattr(sentune, name)
        found = doctest.DocTestFinder().find(value, name, inspect.getmodule(value))
        assert any(test.examples for test in found), f"{name} has no example"
