"""Which settings a resumed run may change, and what is said of the others."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Any

import pytest

from sentune.encoding.fingerprint import fingerprint
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.examples import Row, TrainingData
from sentune.training.checkpoints.identity import differences, run_identity

# They change where a run writes, what it prints and how batches are fetched, and no step of it.
FREE = {
    *("output_dir", "run_name", "project", "hub_token", "report_to", "disable_tqdm", "ddp_backend"),
    *("log_level", "log_level_replica", "log_on_each_node", "save_on_each_node", "ddp_timeout"),
    *("dataloader_num_workers", "dataloader_prefetch_factor", "dataloader_pin_memory"),
    *("dataloader_persistent_workers", "resume_from_checkpoint", "skip_memory_metrics"),
    *("save_total_limit", "restore_callback_states_from_checkpoint", "local_rank"),
    *("do_train", "do_eval", "do_predict"),
}
SAVING = {"save_strategy", "save_steps"}


class Another(str):
    """A value that no setting has by default."""

    def to_json(self) -> str:
        return str(self)


ANOTHER = Another("another")
ROWS = [Row(("what is a lock", "a lock lets one in"), 0.5, "locks"), *[Row(("a", "b"))] * 3]
DATA = TrainingData(ROWS, {}, extra=3, spread=2)


@pytest.fixture(scope="module")
def settings() -> SentenceTransformerTrainingArguments:
    return SentenceTransformerTrainingArguments()


def identity(settings: Any, model: SentenceTransformer) -> dict[str, Any]:
    return run_identity(settings, fingerprint(model), DATA, None, None)


@pytest.mark.parametrize("best", [False, True])
def test_only_these_settings_may_change(
    settings: SentenceTransformerTrainingArguments,
    tiny: SentenceTransformer,
    monkeypatch: pytest.MonkeyPatch,
    best: bool,
) -> None:
    monkeypatch.setattr(settings, "load_best_model_at_end", best)
    before, free = identity(settings, tiny), set()
    for setting in fields(settings):
        with monkeypatch.context() as patch:
            patch.setattr(settings, setting.name, ANOTHER)
            found = differences(before, identity(settings, tiny))
        if setting.name != "load_best_model_at_end" and not found:
            free.add(setting.name)
        elif setting.name != "load_best_model_at_end":
            assert f"{setting.name} was " in found
    assert free == (FREE if best else FREE | SAVING)


def test_the_data_has_the_hash_that_earlier_checkpoints_hold(
    settings: SentenceTransformerTrainingArguments, tiny: SentenceTransformer
) -> None:
    lines = """[["what is a lock", "a lock lets one in"], 0.5, "locks", [0, 1]]
[["a", "b"], null, "", [0, 2]]
[["a", "b"], null, "", [1, 2]]
[["a", "b"], null, "", [0, 2]]
"""
    assert identity(settings, tiny)["data"] == hashlib.sha256(lines.encode("ascii")).hexdigest()


RUN = {"transformers": "5.23.0", "seed": 42, "weight_decay": 0.0}


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (RUN, ""),
        (RUN | {"transformers": "5.24.0"}, ""),
        (RUN | {"seed": 7}, "seed was 42 and is 7"),
        (RUN | {"new": 1}, "new was None and is 1"),
        (RUN | {"weight_decay": 3.0}, "weight_decay was 0 and is 3"),
        (RUN | {"weight_decay": 5e-05}, "weight_decay was 0 and is 5e-05"),
        (
            RUN | {"transformers": "5.24.0", "new": 1},
            "another version of transformers: 5.23.0, now 5.24.0",
        ),
        (
            {"transformers": "5.24.0", "seed": 7},
            "seed was 42 and is 7, another version of transformers: 5.23.0, now 5.24.0",
        ),
    ],
)
def test_another_version_is_named_where_it_has_other_settings(
    now: dict[str, Any], said: str
) -> None:
    assert differences(RUN, now) == said


def test_a_checkpoint_that_names_no_version_is_read() -> None:
    then = {name: value for name, value in RUN.items() if name != "transformers"}
    assert differences(then, RUN) == ""
    assert differences(then, RUN | {"new": 1}) == (
        "another version of transformers: unknown, now 5.23.0"
    )
