"""What training prints: log entries on standard output, as the reference's trainer prints them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sentune import SentenceTransformer, SentenceTransformerTrainer
from sentune.losses import MultipleNegativesRankingLoss
from sentune.training.arguments import SentenceTransformerTrainingArguments

PAIRS = {"anchor": ["a file", "a list"] * 2, "positive": ["the file", "the names"] * 2}


def trainer(folder: Path, out: Path, **settings: Any) -> SentenceTransformerTrainer:
    model = SentenceTransformer(folder, device="cpu")
    arguments = SentenceTransformerTrainingArguments(
        str(out),
        num_train_epochs=1,
        per_device_train_batch_size=2,
        logging_steps=1,
        save_strategy="no",
        **settings,
    )
    loss = MultipleNegativesRankingLoss(model)
    return SentenceTransformerTrainer(model, arguments, PAIRS, PAIRS, loss=loss)


@pytest.mark.parametrize("quiet", [True, False])
def test_entries_of_the_log_are_printed(
    quiet: bool, tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer(tiny_folder, tmp_path, disable_tqdm=quiet, eval_strategy="epoch").train()
    printed = capsys.readouterr()
    names = [re.findall(r"'(\w+)': '", line) for line in printed.out.splitlines()]
    step = ["loss", "grad_norm", "learning_rate", "epoch"]
    rates = ["runtime", "samples_per_second", "steps_per_second"]
    evaluated = ["eval_loss", *(f"eval_{rate}" for rate in rates), "epoch"]
    end = [*(f"train_{rate}" for rate in rates), "train_loss", "epoch"]
    assert names == [step, step, evaluated, end]
    assert ("2/2 steps" in printed.err) is not quiet


def test_a_caller_can_keep_them_off(
    tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = trainer(tiny_folder, tmp_path, disable_tqdm=False)
    made.print_no_logs()
    made.train()
    assert capsys.readouterr().out == ""
    assert "loss" in made.state.log_history[0]
