"""The folder that a run writes. At any instant it is free, unfinished or finished.

::

    DIR/data/                        of documents: passages and made pairs, before and after
    DIR/checkpoints/checkpoint-N/    while training
    DIR/checkpoints/finished/        everything that DIR will hold, whole
    DIR/…                            moved there file by file, config.json last
    DIR/checkpoints/                 removed

Without ``config.json`` no library loads DIR, so a half-moved folder is never taken for a model.
The files not yet moved are still in ``checkpoints/finished``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sentune.errors import OutputError
from sentune.files import (
    move_into,
    new_folder,
    remove_empty,
    remove_folder,
    remove_partials,
    require_free,
)

__all__ = ["RECORD", "RunFolder"]

_LAST = "config.json"
DATA, RECORD = "data", "documents.json"
"""The folder with what a run made of documents, and the file there that says of which."""


class RunFolder:
    """The states of a folder that ``tune`` writes; it need not exist."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.data = self.path / DATA
        self._staged = self.checkpoints / "finished"
        self._existed = self.path.is_dir()

    @property
    def unfinished(self) -> bool:
        """Whether a run was started here and has not ended."""
        return self.checkpoints.is_dir() or (self.prepared and not self.finished)

    @property
    def resumable(self) -> bool:
        """Whether a run can be continued: there is a checkpoint, or a result to move."""
        return any(self.checkpoints.glob("checkpoint-*")) or self._staged.is_dir()

    @property
    def step(self) -> int:
        """The step of the last checkpoint; 0 without one."""
        from sentune.training.checkpoints.on_disk import checkpoints, step_of  # torch

        return max((step_of(path) for path in checkpoints(self.checkpoints)), default=0)

    @property
    def prepared(self) -> bool:
        """Whether a run has begun to read documents here."""
        return (self.data / RECORD).is_file()

    @property
    def finished(self) -> bool:
        """Whether a run has ended here: there is a model with its evaluation."""
        return all((self.path / name).is_file() for name in (_LAST, "evaluation.json"))

    @property
    def whole(self) -> bool:
        """Whether the result is complete, and only has to be moved to its place."""
        return self._staged.is_dir()

    def begin(self, *, resume: bool) -> bool:
        """Make sure that a run can write here; False if the run has already ended here.

        With ``resume``, an unfinished run is continued; if there is none, a new one starts.

        Raises:
            OutputError: the folder holds something else, or an unfinished run without ``resume``.
            TrainingError: another program's checkpoints are there.
        """
        if resume and self.unfinished:
            self._require_alone()
            if self.checkpoints.is_dir():
                from sentune.training.checkpoints.on_disk import require_only_ours  # torch

                require_only_ours(self.checkpoints)
                remove_partials(self.checkpoints)
            if self._staged.is_dir():
                self._publish()
        if resume and self.finished:
            if self.checkpoints.is_dir():
                remove_folder(self.checkpoints)
            # A process killed while it removed the checkpoints leaves them under a hidden name.
            remove_partials(self.path, self.checkpoints.name)
            return False
        self.require_usable(resume=resume)
        return True

    def require_usable(self, *, resume: bool) -> None:
        """Check that a run could begin here, without a change and without torch.

        Raises OutputError as :meth:`begin`.
        """
        if self.unfinished and not resume:
            raise OutputError(
                f"{self.path} holds an unfinished run",
                expected="a folder that does not exist yet, or an empty one",
                fix="continue it with --resume, name another folder, or remove this one",
            )
        if not self.unfinished and not (resume and self.finished):
            require_free(self.path)

    def _require_alone(self) -> None:
        """While a run trains, its folder holds nothing but checkpoints and what it reads."""
        if self._staged.is_dir() or self.finished:
            return
        others = sorted(
            path.name
            for path in self.path.iterdir()
            if path not in (self.checkpoints, self.data) and not _is_hidden(path)
        )
        if others:
            raise OutputError(
                f"{self.path} holds {others[0]} beside checkpoints",
                expected="only the checkpoints of an unfinished run",
                fix="name another folder, or move the other files away",
            )

    def finish(self, write: Callable[[Path], None]) -> None:
        """Replace the checkpoints by the result, whose files ``write`` puts into an empty folder.

        Raises OutputError if the disk is full; the checkpoints are kept.
        """
        with new_folder(self._staged) as folder:
            write(folder)
        self._publish()

    def tidy(self) -> None:
        """After a run that ended early: remove empty folders, and files half written."""
        for folder in (self.checkpoints, self.data):
            remove_partials(folder)
            remove_empty(folder)
        if not self._existed:
            remove_empty(self.path)

    def _publish(self) -> None:
        entries = sorted(self._staged.iterdir(), key=lambda path: path.name == _LAST)
        for entry in entries:
            move_into(self.path, entry)
        remove_folder(self.checkpoints)


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".")
