from __future__ import annotations

import subprocess
import sys

import pytest

from sentune import evaluation


def test_every_public_name_is_there_and_sorted() -> None:
    assert evaluation.__all__ == sorted(evaluation.__all__, key=sort_key)
    for name in evaluation.__all__:
        assert getattr(evaluation, name) is not None


def sort_key(name: str) -> tuple[int, str]:
    """Constants, classes, functions: the order that ruff asks for."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = evaluation.nothing


def test_importing_costs_no_heavy_package() -> None:
    code = (
        "import sys\n"
        "from sentune import evaluation\n"
        # SimilarityFunction is where the functions are, which need torch.
        "for name in {*evaluation.__all__} - {'SimilarityFunction'}:\n"
        "    getattr(evaluation, name)\n"
        "heavy = {'torch', 'bm25s', 'Stemmer', 'rich', 'matplotlib', 'scipy', 'pandas'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == "[]"
