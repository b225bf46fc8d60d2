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


@pytest.mark.parametrize("name", sentune.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(sentune, name) is not None
    assert run(f"from sentune import {name}; print({name!r})") == name


def test_public_names_are_sorted_and_listed() -> None:
    assert sentune.__all__ == sorted(sentune.__all__)
    assert dir(sentune) == sentune.__all__
    assert set(sentune._HOMES) | {"__version__"} == set(sentune.__all__)


def test_a_star_import_brings_them_all() -> None:
    assert run("from sentune import *; print(SentenceTransformer.__name__)") == (
        "SentenceTransformer"
    )


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'sentune' has no attribute 'absent'"):
        sentune.absent  # noqa: B018
