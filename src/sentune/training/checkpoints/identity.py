"""What makes two runs the same one: everything that their steps depend on, as plain values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from transformers import TrainingArguments

from sentune.encoding.fingerprint import Fingerprint
from sentune.training.batches.examples import Row

__all__ = ["differences", "run_identity"]

# Settings that change nothing about the steps: a run may go on under others.
_FREE = frozenset(
    {
        *("output_dir", "disable_tqdm", "log_level", "log_level_replica", "log_on_each_node"),
        *("report_to", "run_name", "project", "resume_from_checkpoint", "skip_memory_metrics"),
        *("save_strategy", "save_steps", "save_total_limit", "save_on_each_node", "hub_token"),
        *("dataloader_num_workers", "dataloader_prefetch_factor", "dataloader_pin_memory"),
        *("dataloader_persistent_workers", "ddp_timeout", "ddp_backend", "local_rank"),
        *("restore_callback_states_from_checkpoint", "do_train", "do_eval", "do_predict"),
    }
)
# The best step can only be gone back to where it was saved.
_WHERE_SAVED = frozenset({"save_strategy", "save_steps"})
_SHOWN = 5


def run_identity(
    settings: TrainingArguments,
    model: Fingerprint,
    rows: list[Row] | None,
    watched: Sequence[object] | None,
    loss: Any,
) -> dict[str, Any]:
    """Names and values, for JSON.

    Args:
        settings: of training; those that steps do not depend on are left out.
        model: what it was before the first step.
        rows: the training data.
        watched: what evaluation during training looks at: rows, or whatever holds texts.
        loss: one, or one for each data set; described by their arguments.

    Cost: one SHA-256 over all texts.
    """
    free = _FREE - _WHERE_SAVED if settings.load_best_model_at_end else _FREE
    kept = {name: value for name, value in settings.to_dict().items() if name not in free}
    plain: dict[str, Any] = json.loads(json.dumps(kept, default=str))
    return {
        **plain,
        **{f"model_{name}": value for name, value in model.to_json().items()},
        "data": _hash(rows),
        "eval_data": _hash(watched),
        "loss": _in_words(loss),
        "processes": settings.world_size,
    }


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between two identities, in words; empty when nothing does."""
    names = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    told = [f"{name} was {then.get(name)!r} and is {now.get(name)!r}" for name in names[:_SHOWN]]
    return ", ".join(told)


def _hash(rows: Sequence[object] | None) -> str:
    """SHA-256 of rows, in their order."""
    digest = hashlib.sha256()
    for row in rows or ():
        line = json.dumps(row, ensure_ascii=True, default=_plain)
        digest.update(line.encode("ascii") + b"\n")
    return digest.hexdigest()


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, set | frozenset) else type(value).__name__


def _in_words(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _in_words(part) for name, part in value.items()}
    describe = getattr(value, "describe", None)
    return value if describe is None else {type(value).__name__: str(describe())}
