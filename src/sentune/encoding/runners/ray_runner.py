"""A runner over the machines of a Ray cluster.

::

    chunks ─ tasks ─┬─ machine ─┬─ worker ─┬─ blocks, in the order of the chunks
                    │           └─ worker ─┤
                    └─ machine ─── worker ─┘

A chunk is one task of plain Ray. A task depends on nothing but the model and its texts, so Ray
starts it again by itself when its worker or machine is gone, and a vector has the bits that it has
in one process: the same texts are computed together. Ray Data is not used, for three reasons. It
cuts blocks by size, so a text would be computed with other texts. It finds the finished blocks of
an earlier run only by columns of ids. Other readers of Parquet do not know the type of its tensors.
Here the caller knows which blocks are missing, and writes them.

A task takes one processor and computes in one thread: many short tasks fill machines of any size,
and no thread waits for another. Where the machines have too little memory for a copy of the model
for each processor, a task takes several.
"""

from __future__ import annotations

import json
import math
import tempfile
import uuid
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from sentune.encoding.embedder import Embedder
from sentune.encoding.encode import Block, EncodeSettings
from sentune.encoding.runners.frames import block_of
from sentune.encoding.runners.ray_cluster import Cluster, Machine
from sentune.encoding.stages.own import require_none_own
from sentune.errors import PoolError, SentuneError
from sentune.progress import Advance
from sentune.wording import counted

__all__ = ["RayRunner", "threads_of_a_task"]

_ATTEMPTS = 5  # machines that are lent for less money are often taken away
_USUAL_CHUNK = 512
_AHEAD = 2  # chunks under way for each task that can run at once
_PROCESS = 700 << 20  # bytes of a worker beside the weights, with what a chunk needs
_PATIENCE = 20.0  # seconds between two looks at the cluster


class RayRunner:
    """Encodes in a cluster with the model as it is now.

    Cost: the weights once in the memory of this process, once on every machine, and once in each
    worker; some seconds in each worker for its first chunk.

    Args:
        cluster: from :func:`sentune.encoding.runners.ray_cluster.join_cluster`.
        model: what to copy. The number format of this machine is that of all.

    Raises:
        OutputError: the disk has no room for the copy.
    """

    def __init__(self, cluster: Cluster, model: Embedder) -> None:
        require_none_own(model.pooling, "other processes")
        self.model = model
        self._cluster = cluster
        files = _files_of(model)
        self._weights = sum(map(len, files.values()))
        self._threads = threads_of_a_task(cluster.machines(), self._weights)
        # By its name: what a worker runs needs the whole model, which itself has runners.
        worker = import_module("sentune.encoding.workers.ray_worker")
        self._greeting = {
            "model": uuid.uuid4().hex,
            "threads": self._threads,
            "compute_dtype": model.compute.dtype_name,
            "batch_invariant": model.batch_invariant,
            "versions": worker.versions(),
        }
        self._files = cluster.ray.put(files)
        remote = cluster.ray.remote(num_cpus=self._threads, max_retries=_ATTEMPTS - 1)
        self._task = remote(worker.encode_chunk_of)

    def chunk_size(self, count: int | None, asked: int | None) -> int:
        """A tenth of a task's share of the texts; 512 for an unknown number."""
        if asked is not None:
            return asked
        if count is None:
            return _USUAL_CHUNK
        return max(1, min(math.ceil(count / max(1, self._slots()) / 10), 2 * _USUAL_CHUNK))

    def blocks(
        self, chunks: Iterable[Sequence[str]], settings: EncodeSettings, advance: Advance
    ) -> Generator[Block]:
        """Encode chunks in the cluster, two for each task that can run at once.

        Raises:
            PoolError: five workers ended with the same texts, the cluster lost its last processor,
                or a machine has other versions.
            SentuneError: what encoding these texts in this process would raise.
        """
        under_way: deque[tuple[Any, int]] = deque()
        try:
            for chunk in chunks:
                under_way.append((self._submit(chunk, settings), len(chunk)))
                if len(under_way) >= _AHEAD * max(1, self._slots()):
                    yield self._next(under_way, advance)
            while under_way:
                yield self._next(under_way, advance)
        finally:
            for reference, _ in under_way:
                self._cluster.ray.cancel(reference)

    def _slots(self) -> int:
        return sum(each.processors // self._threads for each in self._cluster.machines())

    def _submit(self, chunk: Sequence[str], settings: EncodeSettings) -> Any:
        head = {"settings": asdict(settings), "max_seq_length": self.model.max_seq_length}
        content = json.dumps(list(chunk)).encode()
        return self._task.remote(self._files, self._greeting, head, content)

    def _next(self, under_way: deque[tuple[Any, int]], advance: Advance) -> Block:
        reference, count = under_way[0]
        self._wait(reference)
        try:
            head, body = self._cluster.ray.get(reference)
        except self._cluster.ray.exceptions.RayError as error:
            raise _failed(error, count) from error
        under_way.popleft()
        if "error" in head:
            raise SentuneError.from_json(head)
        advance(count)
        return block_of(head, body)

    def _wait(self, reference: Any) -> None:
        while not self._cluster.ray.wait([reference], timeout=_PATIENCE)[0]:
            if not self._slots():
                raise PoolError(
                    "the cluster has lost its last processor",
                    expected="a machine to compute with",
                    fix="start machines again, and then the same command: it continues",
                )


def threads_of_a_task(machines: Sequence[Machine], weights: int) -> int:
    """Processors of a task: one, or as many as have to share a copy of the model.

    ``weights`` are bytes. No machine is left without a task for having few processors.
    """
    needed = weights + _PROCESS
    shares = (math.ceil(each.processors * needed / max(each.memory, 1)) for each in machines)
    return max(1, min(max(shares), *(each.processors for each in machines)))


def _files_of(model: Embedder) -> dict[str, bytes]:
    """The files of a model's folder, by their paths in it."""
    with tempfile.TemporaryDirectory(prefix="sentune-ray-") as folder:
        model.write_into(Path(folder))
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file()
        }


def _failed(error: Exception, count: int) -> PoolError:
    texts, kind = counted(count, "text"), type(error).__name__
    if kind in ("WorkerCrashedError", "NodeDiedError", "OutOfMemoryError"):
        return PoolError(
            f"{_ATTEMPTS} workers ended while encoding the same {texts} ({kind})",
            expected="machines with enough memory that stay",
            fix="give the cluster more memory, and run the same command: it continues",
        )
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    missing = next((line for line in reversed(lines) if "No module named" in line), None)
    return PoolError(
        f"a worker of the cluster failed ({(missing or (lines or [kind])[-1])[:200]})",
        expected="sentune, and the same versions, on every machine",
        fix="install sentune in the environment in which 'ray start' runs",
    )
