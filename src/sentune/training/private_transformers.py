"""The private names of transformers that training rests on, all of them, and a check.

Resuming to the same bits without pickles needs parts of ``Trainer`` that transformers may rename
in any release. A renamed ``_load_rng_state`` would leave the random numbers as they are, a renamed
``_save_checkpoint`` would write pickles, and neither would say so.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

from transformers import Trainer, TrainingArguments, __version__

from sentune.errors import TrainingError

__all__ = ["PRIVATE", "REQUIREMENT", "TESTED", "require_known_transformers"]

TESTED = ("5.23.0", "5.24.0")
REQUIREMENT = "transformers>=5.23,<5.25"  # also in pyproject.toml

# The parameters of each method that is overridden or called; None for attributes.
PRIVATE: Mapping[type, Mapping[str, str | None]] = {
    Trainer: {
        "_evaluate": "trial, ignore_keys_for_eval, skip_scheduler",
        "_get_grad_norm": "model, grad_norm",
        "_load_best_model": "",
        "_load_callback_state": "",
        "_load_from_checkpoint": "resume_from_checkpoint, model",
        "_load_optimizer_and_scheduler": "checkpoint",
        "_load_rng_state": "checkpoint",
        "_load_scaler": "checkpoint",
        "_run_epoch": "model, epoch, train_dataloader, steps_in_epoch, num_update_steps_per_epoch, "
        "trial, ignore_keys_for_eval, start_time, resume_from_checkpoint, epochs_trained, "
        "steps_trained_in_current_epoch",
        "_save_checkpoint": "model, trial",
        "_track_num_input_tokens": "inputs",
        "_globalstep_last_logged": None,
        "_initial_global_step": None,
        "_total_loss_scalar": None,
        "_tr_loss": None,
        "_train_batch_size": None,
    },
    TrainingArguments: {"_n_gpu": None, "_setup_devices": None},
}


def require_known_transformers() -> None:
    """Raise TrainingError when the installed transformers lacks or has changed a private name."""
    changes = [change for kind in PRIVATE for change in _changes(kind)]
    if changes:
        raise TrainingError(
            f"transformers {__version__} has {' and '.join(changes)}",
            expected=f"a version that sentune was tested with: {' or '.join(TESTED)}",
            fix=f"run: pip install '{REQUIREMENT}'",
        )


def used_names(kind: type) -> set[str]:
    """Every name that the methods and properties of a class read or write."""
    found: set[str] = set()
    for member in vars(kind).values():
        function = getattr(member, "fget", None) or getattr(member, "func", None) or member
        code = getattr(inspect.unwrap(function), "__code__", None)
        found.update(() if code is None else code.co_names)
    return found


def _changes(kind: type) -> Iterator[str]:
    methods, used = vars(kind), used_names(kind)
    for name, parameters in PRIVATE[kind].items():
        if name not in (used if parameters is None else methods):
            yield f"no {kind.__name__}.{name}"
        elif parameters is not None:
            found = ", ".join([*inspect.signature(methods[name]).parameters][1:])
            if found != parameters:
                yield f"{kind.__name__}.{name}({found}) in place of ({parameters})"
