"""A runner over several processes, each with a copy of the model on its device.

::

    chunks ─ tasks ─┬─ thread ─ pipe ─ worker ─┬─ blocks, in the order of the chunks
                    └─ thread ─ pipe ─ worker ─┘

A worker is a new Python process with a copy of the model. It is not a fork, and it does not run
the main script again, so a pool can be started from a notebook and from a script without a main
guard. Each worker has a thread that waits at its pipe. When a worker dies, its pipe closes: the
thread starts another worker and sends it the same texts.
"""

from __future__ import annotations

import logging
import math
import os
import queue
import shutil
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from sentune.encoding.embedder import Embedder
from sentune.encoding.encode import Block, EncodeSettings
from sentune.encoding.runners.worker_process import WorkerGoneError, WorkerProcess
from sentune.encoding.stages.own import importable
from sentune.errors import ArgumentError, PoolError
from sentune.machine.hardware import choose_device
from sentune.progress import Advance
from sentune.wording import counted

__all__ = ["Pool"]

logger = logging.getLogger(__name__)

_ATTEMPTS = 3
_MOST_CPU_WORKERS = 4
# Texts in a chunk: enough to order by length, few enough to be shared out.
_MOST_IN_A_CHUNK = 1024
_USUAL_CHUNK = 512


@dataclass(frozen=True, slots=True)
class _Task:
    head: dict[str, Any]
    chunk: Sequence[str]
    future: Future[Block]


class Pool:
    """Worker processes with the model as it was when the pool was started.

    ``model.start_multi_process_pool`` makes one. It is a context manager; without that, ``close``
    (or ``model.stop_multi_process_pool``) ends the workers and removes the copy of the model on
    the disk. Ctrl-C reaches only the caller, never the workers.

    Cost: the weights once on the disk and once in the memory of each worker, and two to five
    seconds until the workers are ready. The workers on ``cpu`` share this process's threads
    equally.

    Args:
        model: what to copy.
        devices: one for each worker. When None: every GPU, or without any, ``cpu`` once for each
            processor, four times at most.

    Raises:
        ArgumentError: no device, or one that does not exist; a stage of a class of one's own that
            another process cannot import.
        PoolError: a worker cannot be started.
        OutputError: the disk has no room for the copy.
    """

    def __init__(
        self, model: Embedder, devices: Sequence[str | torch.device] | None = None
    ) -> None:
        self._own_modules = importable(model.pooling)
        chosen = _devices() if devices is None else [str(choose_device(name)) for name in devices]
        if not chosen:
            raise ArgumentError(
                "the list of devices is empty",
                expected="a device for each worker, for example ['cpu', 'cpu']",
                fix="leave the devices out to have them chosen",
            )
        self._model = weakref.ref(model)
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._folder = tempfile.mkdtemp(prefix="sentune-pool-")
        greetings = self._greetings(model, chosen)
        self._workers = [WorkerProcess(greeting, self._closed) for greeting in greetings]
        # Also called at the interpreter's exit, which does not wait: unfinished chunks are lost.
        self._end = weakref.finalize(
            self, _end, self._closed, self._tasks, self._workers, self._folder
        )
        try:
            model.write_into(Path(self._folder))
            for worker in self._workers:
                worker.start()
            for worker in self._workers:
                worker.require_ready()
        except BaseException:
            self._end()
            for worker in self._workers:
                worker.end()
            raise
        self._threads = [
            threading.Thread(target=_serve, args=(worker, self._tasks, self._closed), daemon=True)
            for worker in self._workers
        ]
        for thread in self._threads:
            thread.start()

    def __len__(self) -> int:
        """The number of workers."""
        return len(self._workers)

    def _greetings(self, model: Embedder, devices: list[str]) -> Iterator[dict[str, Any]]:
        shares = max(1, torch.get_num_threads() // max(1, devices.count("cpu")))
        for device in devices:
            yield {
                "folder": self._folder,
                "device": device,
                "compute_dtype": model.compute_dtype,
                "batch_invariant": model.batch_invariant,
                "own_modules": self._own_modules,
                "threads": shares if device == "cpu" else torch.get_num_threads(),
            }

    @property
    def model(self) -> Embedder | None:
        """The model that was copied, if it still exists. Raises ArgumentError once closed."""
        if self._closed.is_set():
            raise ArgumentError(
                "a pool that was closed", expected="an open pool", fix="start a new one"
            )
        return self._model()

    def chunk_size(self, count: int | None, asked: int | None) -> int:
        """A tenth of a worker's share of the texts, so that none waits long at the end."""
        if asked is not None:
            return asked
        if count is None:
            return _USUAL_CHUNK
        return max(1, min(math.ceil(count / len(self) / 10), _MOST_IN_A_CHUNK))

    def blocks(
        self, chunks: Iterable[Sequence[str]], settings: EncodeSettings, advance: Advance
    ) -> Generator[Block]:
        """Encode chunks of texts in the workers.

        A chunk is taken when a worker is free. At most two for each worker are under way.
        Several threads may use a pool at once.

        Yields:
            A block for each chunk, in their order.

        Raises:
            PoolError: three workers ended with the same texts, or a worker failed unexpectedly.
            SentuneError: what encoding these texts in this process would raise.
        """
        under_way: deque[Future[Block]] = deque()
        try:
            for chunk in chunks:
                under_way.append(self._submit(chunk, settings))
                if len(under_way) >= 2 * len(self):
                    yield _next(under_way, advance)
            while under_way:
                yield _next(under_way, advance)
        finally:
            # Chunks that a worker has begun end in the background; the others are not computed.
            for future in under_way:
                future.cancel()

    def _submit(self, chunk: Sequence[str], settings: EncodeSettings) -> Future[Block]:
        model = self._model()
        if model is None or self._closed.is_set():
            raise _closed_pool()
        head = {"settings": asdict(settings), "max_seq_length": model.max_seq_length}
        future: Future[Block] = Future()
        self._tasks.put(_Task(head, chunk, future))
        if self._closed.is_set():  # closed just now: perhaps no thread will see the task
            future.cancel()
        return future

    def close(self) -> None:
        """End the workers, whose chunks are lost, and wait until they are gone."""
        self._end()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _devices() -> list[str]:
    if torch.cuda.is_available():
        return [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return ["cpu"] * min(_MOST_CPU_WORKERS, os.cpu_count() or 1)


def _next(under_way: deque[Future[Block]], advance: Advance) -> Block:
    try:
        block = under_way.popleft().result()
    except CancelledError:
        raise _closed_pool() from None
    advance(block.truncation.texts)
    return block


def _serve(
    worker: WorkerProcess, tasks: queue.SimpleQueue[_Task | None], closed: threading.Event
) -> None:
    """Give tasks to one worker until a None comes or the pool is closed."""
    while (task := tasks.get()) is not None:
        if not task.future.set_running_or_notify_cancel():
            continue
        try:
            task.future.set_result(_encode(worker, task, closed))
        except Exception as error:  # noqa: BLE001 — raised where the result is waited for
            task.future.set_exception(error)
    worker.end()


def _encode(worker: WorkerProcess, task: _Task, closed: threading.Event) -> Block:
    attempts, texts = 0, counted(len(task.chunk), "text")
    while not closed.is_set():
        try:
            return worker.encode(task.head, task.chunk)
        except WorkerGoneError as gone:
            attempts += 1
            if attempts == _ATTEMPTS:
                raise PoolError(
                    f"{_ATTEMPTS} workers on {worker.device} ended while encoding the same "
                    f"{texts}; the last one {gone}",
                    expected="workers with enough memory",
                    fix="use fewer workers or a smaller chunk_size",
                ) from None
            if not closed.is_set():
                message = "the worker on %s %s; another one encodes its %s again"
                logger.warning(message, worker.device, gone, texts)
    raise _closed_pool()


def _closed_pool() -> PoolError:
    return PoolError("the pool was closed", expected="an open pool", fix="start a new one")


def _end(
    closed: threading.Event,
    tasks: queue.SimpleQueue[_Task | None],
    workers: list[WorkerProcess],
    folder: str,
) -> None:
    closed.set()
    for worker in workers:
        worker.kill()
        tasks.put(None)
    shutil.rmtree(folder, ignore_errors=True)
