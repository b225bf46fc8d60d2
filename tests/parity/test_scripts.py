"""Scripts for the reference run with sentune when their import lines change, and print the same."""

from __future__ import annotations

import logging
import random
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.conftest import SIZES, MakeFolder
from tests.long import LONG

_ALL = sorted(Path(__file__).with_name("scripts").glob("*.py"))
# Each takes a second or two: those that the ordinary run leaves out show what others show too.
_LONG = (
    "clustering",
    "fit_triplets",
    "matryoshka",
    "nli",
    "own_training",
    "paraphrases",
    "quantized",
    "sts_benchmark",
)
SCRIPTS = [path for path in _ALL if LONG or path.stem not in _LONG]
_IMPORT = re.compile(r"^(from|import) sentence_transformers\b", re.MULTILINE)


@pytest.fixture(scope="module")
def still_folder(make_folder: MakeFolder) -> Path:
    """A small model without dropout, whose masks are other random numbers in each library.

    It has no prompts either: sentune trains with those of the folder, the reference without.
    """
    folder = make_folder(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    (folder / "config_sentence_transformers.json").unlink()
    return folder


@pytest.fixture(scope="module")
def scoring_folder(still_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small cross-encoder: the same tokenizer, and a head of one label."""
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("scoring")
    tokenizer = AutoTokenizer.from_pretrained(still_folder)
    torch.manual_seed(0)
    config = BertConfig(**SIZES, vocab_size=len(tokenizer), num_labels=1, initializer_range=0.3)
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_moves_over_by_its_imports(
    script: Path,
    still_folder: Path,
    scoring_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Both compute in float32, also where this processor multiplies bfloat16.
    monkeypatch.setattr("sentune.machine.hardware.processor_bfloat16_unit", lambda: None)
    monkeypatch.setattr(sys, "argv", [str(script), str(still_folder), str(scoring_folder)])
    text = script.read_text(encoding="utf-8")
    moved = _IMPORT.sub(r"\1 sentune", text)
    assert moved != text
    printed = []
    for name, source in (("reference", text), ("sentune", moved)):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        capsys.readouterr()
        _run(source, script)
        printed.append(capsys.readouterr().out)
    printed = [_of_log(text) for text in printed]
    assert len(printed[0].splitlines()) > 1
    assert _numbers(printed[1]) == _numbers(printed[0])


def _of_log(text: str) -> str:
    """With the names alone in log entries: there are times in them, and rows in another order."""
    entry = re.compile(r"^\{'.*'epoch': '.*\}$", re.MULTILINE)
    return entry.sub(lambda found: re.sub(r": '[^']*'", "", found[0]), text)


def _run(source: str, script: Path) -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    logging.getLogger("script").handlers.clear()
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(script)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(source, str(script), "exec"), names)


def _numbers(text: str) -> list[Any]:
    """The text, with numbers that are equal if they print alike but for the last digit."""
    parts = re.split(r"(-?\d+\.\d+)", text)
    return [
        pytest.approx(float(part), abs=1.1 * 10 ** -len(part.partition(".")[2]))
        if number % 2
        else part
        for number, part in enumerate(parts)
    ]
