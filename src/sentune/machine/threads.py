"""Several tasks at once, each computed by one thread: what takes the place of parallel regions.

PyTorch divides each product among threads, which wait for each other at its end. Beside another
busy process, one of them is often not running, and the rest wait for it thousands of times a
second. A thread that computes a whole task waits for nobody. It needs no setting of the process:
how many threads a parallel region has is a setting of the thread that starts it.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

__all__ = ["compute_apart", "threads_for"]

T = TypeVar("T")
R = TypeVar("R")


def threads_for(tasks: int) -> int:
    """How many threads share so many tasks; 1 where a thread cannot compute by itself.

    No more than PyTorch uses (``torch.set_num_threads``, ``OMP_NUM_THREADS``). Automatic casting
    belongs to the thread that turned it on, so others would not do it.
    """
    import torch

    if tasks < 2 or torch.is_autocast_enabled("cpu") or _openmp() is None:
        return 1
    return min(tasks, torch.get_num_threads())


def compute_apart(
    work: Callable[[T], R], tasks: Iterable[T], take: Callable[[R], None], threads: int
) -> None:
    """Give ``work``'s result of each task to ``take``, in the order of the tasks.

    The calling thread is one of the ``threads``. ``work`` is called by several at once; a task is
    taken from ``tasks``, and a result given to ``take``, by one at a time. With one thread, it is
    a loop in which PyTorch divides the products as usual.

    Raises:
        Whatever one of them raises; tasks that have not begun are then left.
    """
    if threads < 2:
        for task in tasks:
            take(work(task))
        return
    shared = _Shared(work, tasks, take)
    others = [threading.Thread(target=shared.help, daemon=True) for _ in range(threads - 1)]
    try:
        for other in others:
            other.start()
        with _one_thread():
            shared.compute()
    except BaseException:
        shared.stopped = True
        raise
    finally:
        for other in others:
            if other.ident is not None:
                other.join()
    if shared.error is not None:
        raise shared.error


class _Shared(Generic[T, R]):
    """The tasks that are left, and the results that wait for an earlier one."""

    def __init__(
        self, work: Callable[[T], R], tasks: Iterable[T], take: Callable[[R], None]
    ) -> None:
        import torch

        self._work, self._take = work, take
        self._tasks = enumerate(tasks)
        self._ready: dict[int, R] = {}
        self._taken = 0
        self._taking, self._giving = threading.Lock(), threading.Lock()
        self._inference = torch.is_inference_mode_enabled()
        self._gradients = torch.is_grad_enabled()
        self.stopped = False
        self.error: BaseException | None = None

    def help(self) -> None:
        """Compute in a thread of its own; what goes wrong is kept for the caller."""
        import torch

        try:
            with (  # these are settings of a thread
                torch.inference_mode(self._inference),
                torch.set_grad_enabled(self._gradients),
                _one_thread(),
            ):
                self.compute()
        except BaseException as error:  # noqa: BLE001 — the caller raises it
            self.error, self.stopped = error, True

    def compute(self) -> None:
        """Compute one task after the other, until none is left."""
        while not self.stopped:
            with self._giving:
                number, task = next(self._tasks, (None, None))
            if number is None:
                return
            result = self._work(task)  # type: ignore[arg-type]
            with self._taking:
                self._ready[number] = result
                while self._taken in self._ready and not self.stopped:
                    self._take(self._ready.pop(self._taken))
                    self._taken += 1


@contextmanager
def _one_thread() -> Iterator[None]:
    """Parallel regions of this thread have one thread; afterwards as many as before."""
    import torch

    libraries = _openmp()
    if libraries is None:
        yield
        return
    set_threads, set_local = libraries
    before = torch.get_num_threads()  # a new thread gets PyTorch's number at its first question
    set_threads(1)
    local = set_local(1)
    try:
        yield
    finally:
        set_threads(before)
        set_local(local)


@cache
def _openmp() -> tuple[Callable[[int], Any], Callable[[int], int]] | None:
    """The functions that set the number of OpenMP's and of MKL's threads for the thread itself.

    ``torch.set_num_threads`` sets it for threads that start later, too.
    """
    import torch

    path = Path(torch.__file__).with_name("lib") / "libtorch_cpu.so"
    try:
        library = ctypes.CDLL(str(path))
        set_threads = library.omp_set_num_threads
    except (OSError, AttributeError):  # another system, or another kind of threads
        return None
    try:
        return set_threads, library.MKL_Set_Num_Threads_Local
    except AttributeError:  # products by another library, which follows OpenMP
        return set_threads, lambda _: 0
