"""Checkpoints and resuming: what transformers pickles, without pickles.

A resumed run takes the same steps as one that was never stopped. So the checkpoint has everything
that later steps depend on: weights, optimizer, schedule, random numbers, the sum of the losses
since the last log entry, the state of callbacks.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor
from transformers import Trainer, TrainerCallback
from transformers.trainer_callback import ExportableState

from sentune.encoding.fingerprint import fingerprint
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import OutputError, TrainingError
from sentune.files import move_into, remove_folder, remove_partials
from sentune.training.batches.examples import TrainingData
from sentune.training.checkpoints.identity import described_rows, differences, run_identity
from sentune.training.checkpoints.on_disk import (
    checkpoints,
    damage,
    last_checkpoint,
    prune_checkpoints,
    read_state,
    set_aside,
    write_checkpoint,
)
from sentune.training.checkpoints.state import not_plain, random_state, set_random_state
from sentune.training.private_transformers import require_known_transformers
from sentune.training.watch import Watch

__all__ = ["ClearGradients", "Restore", "ResumableTrainer"]

logger = logging.getLogger(__name__)

# Left out of checkpoints: a share such as 0.25 would be saved as a number of steps such as 3, and
# transformers would warn of a difference.
_INTERVALS = ("logging_steps", "eval_steps", "save_steps")
_ANY_LENGTH = {"num_train_epochs": None, "max_steps": None}


require_known_transformers()


class ResumableTrainer(Trainer):  # type: ignore[misc]
    """transformers' loop with checkpoints that are atomic, checked, and free of pickles."""

    watch: Watch
    train_data: TrainingData | None
    eval_data: TrainingData | None
    loss_weights: dict[str, torch.nn.Parameter]

    def train(
        self, resume_from_checkpoint: str | bool | None = None, *args: Any, **options: Any
    ) -> Any:
        """Run to the end.

        Args:
            resume_from_checkpoint: True continues from the last whole checkpoint in
                ``output_dir``, or starts a new run if there is none. A path continues from that
                checkpoint.
            args, options: further arguments of transformers.

        Raises:
            TrainingError: the checkpoint is damaged, or of a run with other settings or data; or
                a run that saves would mix its checkpoints with those of an earlier run.
        """
        self._resumed: dict[str, Any] | None = None
        self._began, self._seconds_before = time.perf_counter(), 0.0
        self._identity = self._run_identity()
        folder = self._checkpoint_to_resume(resume_from_checkpoint)
        if folder is not None:
            self._resumed = read_state(folder)
            _require_same_run(self._resumed["run"], self._identity, folder)
            self._seconds_before = self._resumed["seconds"]
            self.watch.first = self._resumed["likeness_at_first"]
        self._remove_later_checkpoints(folder)
        return super().train(None if folder is None else str(folder), *args, **options)

    @property
    def seconds(self) -> float:
        """Time spent training; for a resumed run also the time before its checkpoint."""
        return self._seconds_before + time.perf_counter() - self._began

    def _checkpoint_to_resume(self, asked: str | bool | None) -> Path | None:
        if asked is None or asked is False:
            return None
        if asked is True:
            root, found = Path(self.args.output_dir), None
            if self.args.should_save:
                best = self.args.load_best_model_at_end
                found = last_checkpoint(root, logger.warning, with_best=best)
            self._wait()
            if self.args.should_save and found is None:
                _tell_of_earlier_runs(root)
            return found if self.args.should_save else next(iter(checkpoints(root)), None)
        problem = damage(Path(asked))
        if problem is not None:
            raise TrainingError(
                f"{asked} cannot be resumed ({problem})",
                expected="a whole checkpoint of sentune",
                fix="name another one, or pass True for the last whole one",
            )
        return Path(asked)

    def _remove_later_checkpoints(self, resumed: Path | None) -> None:
        """Remove checkpoints later than the resumed one: their steps are about to be redone.

        Otherwise their weights could be taken for the best of this run. Pruning keeps the highest
        steps, so it would also remove the new ones. Checkpoints of another run are refused.
        """
        root = Path(self.args.output_dir)
        self._written: set[str] = set()
        self._beside_earlier = False
        if self.args.save_strategy == "no":
            return
        found = checkpoints(root)
        inside = resumed is not None and resumed.resolve().parent == root.resolve()
        # They are moved aside once this run has a checkpoint: until then, nothing else is there.
        self._beside_earlier = bool(found) and not inside and self.args.saves_by_default
        if found and not inside and not self._beside_earlier:
            raise TrainingError(
                f"{root} holds {found[0].name} of an earlier run",
                expected="a folder without checkpoints for a run that saves",
                fix="resume that run with resume_from_checkpoint=True, name another output_dir, "
                "or remove the checkpoints",
            )
        # Every process has looked before the first one changes anything. All wait alike, since the
        # checkpoints may be on the disk of the first one only.
        self._wait()
        if resumed is not None and inside:
            self._written.add(resumed.name)
            later = found[: [folder.name for folder in found].index(resumed.name)]
            for folder in later if self.args.should_save else ():
                remove_folder(folder)
            self._wait()

    def _run_identity(self) -> dict[str, Any]:
        return run_identity(
            self.args,
            self._fingerprint(),
            self.train_data,
            self._watched() if self.args.eval_strategy != "no" else None,
            getattr(self, "loss", None),
        )

    def _fingerprint(self) -> Any:
        """Of the model, with ``to_json``."""
        return fingerprint(self.model)

    def _watched(self) -> list[object]:
        """What evaluation uses: the rows, and the attributes of the evaluator."""
        held = getattr(getattr(self, "evaluator", None), "__dict__", {})
        return [*described_rows(self.eval_data), held]

    def _save_checkpoint(self, model: Any, trial: Any) -> None:  # noqa: ARG002
        root = Path(self.args.output_dir)
        folder = root / f"checkpoint-{self.state.global_step}"
        states = self._random_states()
        # In every process, because all of them load the best model at the end.
        self._find_best(being_saved=self.state.global_step)
        if self.args.should_save:
            # A step may be saved twice: for itself and for its epoch.
            if folder.name not in self._written or damage(folder) is not None:
                if folder.is_dir() and not self._beside_earlier:
                    remove_folder(folder)
                self._write_or_tell(folder, states)
            prune_checkpoints(root, self.args.save_total_limit, self.state.best_model_checkpoint)
        self._wait()

    def _find_best(self, being_saved: int | None = None) -> None:
        best = self.state.best_global_step
        folder = Path(self.args.output_dir) / f"checkpoint-{best}"
        if best and (best == being_saved or (folder.is_dir() and not self._beside_earlier)):
            self.state.best_model_checkpoint = str(folder)

    def _write_or_tell(self, folder: Path, random_states: list[dict[str, Any]]) -> None:
        try:
            if self._beside_earlier:
                self._write_first(folder, random_states)
            else:
                self._write(folder, random_states)
        except (OutputError, TrainingError) as error:
            if not self.args.saves_by_default:
                raise
            # Nobody asked for it, and the run may have hours behind it.
            logger.warning("%s was not written: %s", folder, error)
        else:
            self._written.add(folder.name)

    def _write_first(self, folder: Path, random_states: list[dict[str, Any]]) -> None:
        """Write a checkpoint beside those of an earlier run, and only then move these aside."""
        root = folder.parent
        remove_partials(root)
        staged = root / ".first.checkpoint.partial"
        self._write(staged / folder.name, random_states)
        logger.warning("the checkpoints of an earlier run are in %s now", set_aside(root))
        move_into(root, staged / folder.name)
        remove_folder(staged)
        self._beside_earlier = False

    def _write(self, folder: Path, random_states: list[dict[str, Any]]) -> None:
        state = {
            "run": self._identity,
            "seconds": self.seconds,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.lr_scheduler.state_dict(),
            "random": random_states,
            "loss_since_logged": self._tr_loss,
            "loss_logged": self._total_loss_scalar,
            "step_logged": self._globalstep_last_logged,
            "likeness_at_first": self.watch.first,
            "stopped": self.control.should_training_stop,
            "loss_weights": {name: one.detach() for name, one in self.loss_weights.items()},
            "callbacks": {type(c).__name__: c.state() for c in self._stateful()},
        }
        of_transformers = asdict(self.state) | dict.fromkeys(_INTERVALS)
        write_checkpoint(
            folder,
            write_model=self.model.write_into,
            state=state,
            trainer_state=json.dumps(of_transformers, indent=2, default=_refuse),
        )

    def _stateful(self) -> list[TrainerCallback]:
        return [c for c in self.callback_handler.callbacks if isinstance(c, ExportableState)]

    def _random_states(self) -> list[dict[str, Any]]:
        """One for each process; Python's and NumPy's are the same in all of them."""
        here, device = random_state(), self.args.device
        if self.args.world_size == 1:
            return [here]
        columns = {key: _gathered(here[key], device) for key in ("torch", "cuda") if key in here}
        return [
            here | {key: column[rank] for key, column in columns.items()}
            for rank in range(self.args.world_size)
        ]

    def _wait(self) -> None:
        if self.args.world_size > 1:
            torch.distributed.barrier()

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        saved = SentenceTransformer(resume_from_checkpoint, device="cpu")
        (model or self.model).load_state_dict(saved.state_dict())

    def _run_epoch(self, *args: Any, **options: Any) -> None:
        if self._resumed is not None and self._resumed.get("stopped"):
            self.control.should_training_stop = True  # the run had stopped early at that step
            return
        super()._run_epoch(*args, **options)

    def _evaluate(self, *args: Any, skip_scheduler: bool = False, **options: Any) -> Any:
        # transformers skips the scheduler for eval_on_start only, which the run has done already.
        if skip_scheduler and self._resumed is not None:
            return {}
        return super()._evaluate(*args, skip_scheduler=skip_scheduler, **options)

    def _load_best_model(self) -> None:
        folder = Path(self.state.best_model_checkpoint)
        problem = damage(folder)
        if problem is not None:
            raise TrainingError(
                f"{folder}, the best checkpoint, is damaged ({problem})",
                expected="the checkpoint as it was written",
                fix="resume the run: it goes back to an earlier checkpoint and makes it again",
            )
        self._load_from_checkpoint(str(folder))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None and self._resumed is not None:
            self.optimizer.load_state_dict(self._resumed["optimizer"])
            self.lr_scheduler.load_state_dict(self._resumed["scheduler"])
            for name, value in self._resumed.get("loss_weights", {}).items():
                self.loss_weights[name].data.copy_(value)

    def _load_scaler(self, checkpoint: str | None) -> None:
        """There is no scaler, because bfloat16 has the range of float32."""

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None and self._resumed is not None:
            set_random_state(self._resumed["random"][self.args.process_index])

    def _load_callback_state(self) -> None:
        if self._resumed is None:
            return
        for callback in self._stateful():
            stored = self._resumed["callbacks"].get(type(callback).__name__, {})
            for name, value in stored.get("attributes", {}).items():
                setattr(callback, name, value)

    def restore(self) -> None:
        """Set the counters of the checkpoint; transformers has just set them to zero."""
        if self._resumed is not None:
            self._tr_loss = self._resumed["loss_since_logged"].to(self.args.device)
            self._total_loss_scalar = self._resumed["loss_logged"]
            self._globalstep_last_logged = self._resumed["step_logged"]
            self._initial_global_step = 0
            self.state.compute_steps(self.args, self.state.max_steps)
            self._find_best()  # the folder may have moved since; transformers has its old path


class Restore(TrainerCallback):  # type: ignore[misc]
    """Calls the trainer after transformers has reset the counters of a resumed run."""

    def __init__(self, restore: Callable[[], None]) -> None:
        self._restore = restore

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Just before the first step."""
        self._restore()


class ClearGradients(TrainerCallback):  # type: ignore[misc]
    """Clears the gradients of the losses' own weights: transformers clears the model's only."""

    def on_train_begin(self, *_: Any, optimizer: Any, **__: Any) -> None:
        """Just before the first step."""
        optimizer.zero_grad()

    def on_step_end(self, *_: Any, optimizer: Any, **__: Any) -> None:
        """After each step."""
        optimizer.zero_grad()


def _refuse(value: object) -> NoReturn:
    raise not_plain(value)


def _require_same_run(then: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    differing = differences(then, now)
    if differing and not differences(*({**run, **_ANY_LENGTH} for run in (then, now))):
        raise TrainingError(
            f"{folder} belongs to a run of another length ({differing})",
            expected="the same length, because the learning rate of every step depends on it",
            fix="use the same one; to train further, load the model from that folder, and start a "
            "new run in another one",
        )
    if differing:
        raise TrainingError(
            f"{folder} belongs to another run ({differing})",
            expected="the settings, data and packages that the run began with",
            fix="use the same ones, or start a new run in another folder",
        )


def _gathered(tensor: Tensor, device: torch.device) -> list[Tensor]:
    here = tensor.to(device)
    parts = [torch.empty_like(here) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(parts, here)
    return [part.cpu() for part in parts]


def _tell_of_earlier_runs(root: Path) -> None:
    """Where the checkpoints are that a run without ``resume_from_checkpoint`` has moved aside."""
    if earlier := sorted(root.glob("earlier-run-*")):
        logger.warning(
            "no checkpoint in %s to continue from, so a new run starts; those of an earlier run "
            "are in %s",
            *(root, earlier[-1]),
        )
