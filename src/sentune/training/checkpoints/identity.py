"""The identity of a run: everything that its steps depend on, as plain values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from transformers import TrainingArguments, __version__

from sentune.encoding.fingerprint import Fingerprint
from sentune.training.batches.examples import TrainingData

__all__ = ["described_rows", "differences", "run_identity"]

# Settings that change nothing about the steps: a resumed run may have other values.
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
# These decide which steps are saved, so which of them can be the best in the end.
_WHERE_SAVED = frozenset({"save_strategy", "save_steps"})
_VERSION = "transformers"
_SHOWN = 5


def run_identity(
    settings: TrainingArguments,
    model: Fingerprint,
    data: TrainingData | None,
    watched: Iterable[object] | None,
    loss: Any,
) -> dict[str, Any]:
    """The identity, for JSON. Cost: one SHA-256 over all texts.

    ``model`` is the one before the first step, ``watched`` what evaluation during training uses:
    rows, or objects with texts. Losses are described by their arguments.
    """
    free = _FREE - _WHERE_SAVED if settings.load_best_model_at_end else _FREE
    kept = {name: value for name, value in settings.to_dict().items() if name not in free}
    plain: dict[str, Any] = json.loads(json.dumps(kept, default=str))
    return {
        **plain,
        **{f"model_{name}": value for name, value in model.to_json().items()},
        "data": _hash(described_rows(data)),
        "eval_data": _hash(watched),
        "loss": _in_words(loss),
        "processes": settings.world_size,
        _VERSION: __version__,
    }


def described_rows(data: TrainingData | None) -> Iterator[tuple[object, ...]]:
    """Each row with its epochs: (k, n) for every n-th epoch from the k-th on."""
    if data is None:
        return
    always = len(data.rows) - data.extra
    for number, row in enumerate(data.rows):
        extra = number - always
        label = row.label.tolist() if isinstance(row.label, np.ndarray) else row.label
        epochs = (0, 1) if extra < 0 else (extra % data.spread, data.spread)
        yield (row.texts, label, row.dataset, epochs)


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between two identities, in words; empty when nothing does.

    Another version of transformers is a difference only where it has other settings. The settings
    that both versions have must be equal.
    """
    before, after = (run.get(_VERSION, "unknown") for run in (then, now))
    common, every = then.keys() & now.keys(), then.keys() | now.keys()
    names = sorted((every if before == after else common) - {_VERSION})
    names = [name for name in names if then.get(name) != now.get(name)]
    words = [
        f"{name} was {_written(then.get(name))} and is {_written(now.get(name))}"
        for name in names[:_SHOWN]
    ]
    if before != after and every - common - {_VERSION}:
        words.append(f"another version of transformers: {before}, now {after}")
    return ", ".join(words)


def _written(value: object) -> str:
    """A value as people write it: 5, where a computation has 5.0."""
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _hash(rows: Iterable[object] | None) -> str:
    """SHA-256 of rows, in this order."""
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
