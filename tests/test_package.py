"""``import sentune`` costs nothing, and every public name is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sentune


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_sentune_imports_no_heavy_package() -> None:
    code = (
        "import sys; before = set(sys.modules); import sentune; print(*set(sys.modules) - before)"
    )
    imported = {name.partition(".")[0] for name in run(code).split()}
    assert "sentune" in imported
    assert not imported - {"sentune"} - set(sys.stdlib_module_names)


def test_the_model_imports_no_training_package() -> None:
    code = "import sys, sentune; sentune.SentenceTransformer; print(*sys.modules)"
    imported = {name.partition(".")[0] for name in run(code).split()}
    assert {"torch", "tokenizers", "safetensors"} <= imported
    unwanted = {"transformers", "sentence_transformers", "datasets", "accelerate", "rich", "typer"}
    assert not imported & unwanted


def test_every_public_name_is_there_in_a_fresh_process() -> None:
    code = (
        "import sentune\n"
        "for name in sentune.__all__:\n"
        "    new = name not in vars(sentune) or name in sentune._MODULES\n"
        "    assert new or name == '__version__', name\n"
        "    assert getattr(sentune, name) is getattr(sentune, name) is not None\n"
        "from sentune import *\n"
        "print(SentenceTransformer.__name__, *map(callable, (similarity, count_truncation)))\n"
    )
    assert run(code) == "SentenceTransformer True True"


def test_public_names_are_sorted_and_listed() -> None:
    assert sentune.__all__ == sorted(sentune.__all__)
    assert dir(sentune) == sentune.__all__
    assert set(sentune._HOMES) <= set(sentune.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'sentune' has no attribute 'absent'"):
        sentune.absent  # noqa: B018
