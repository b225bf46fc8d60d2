"""What clients wait for: jobs, cut into batches by tokens, in turns."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Batch", "Job", "Waiting"]

_TURN = 4  # a job takes at most this part of a batch before the others have had their turn


@dataclass(slots=True, eq=False)
class Job:
    """The texts of a request, or a question to the worker that is not cut.

    Attributes:
        op: what the worker does.
        key: jobs with the same one may be computed together; None for never.
        ids: token ids of each text.
        segments: of each token of a pair.
        head, body: of a message that is sent as it is.
        cost: its tokens, for a message that is sent as it is.
        done: the result.
    """

    op: str
    key: tuple[Any, ...] | None
    ids: list[list[int]] = field(default_factory=list)
    segments: list[list[int]] | None = None
    head: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""
    cost: int = 0
    done: asyncio.Future[Any] = field(default_factory=lambda: asyncio.Future())
    taken: int = 0
    missing: int = 0
    rows: NDArray[np.float32] | None = None

    def put(self, places: slice, rows: NDArray[np.float32]) -> None:
        """Results of some of its texts; the last ones complete the job."""
        if self.done.done():
            return
        if self.rows is None:
            self.rows = np.empty((len(self.ids), rows.shape[1]), np.float32)
        self.rows[places] = rows
        self.missing -= len(rows)
        if not self.missing:
            self.done.set_result(self.rows)

    def fail(self, error: BaseException) -> None:
        """End it without a result."""
        if not self.done.done():
            self.done.set_exception(error)


@dataclass(slots=True, eq=False)
class Batch:
    """What is computed together: places of each job's texts, in the order of the batch."""

    number: int
    parts: list[tuple[Job, slice]] = field(default_factory=list)
    tokens: int = 0

    def message(self) -> tuple[dict[str, Any], bytes]:
        """Head and body of the message to the worker."""
        first = self.parts[0][0]
        head = {"id": self.number, "op": first.op, **first.head}
        if first.key is None:
            return head, first.body
        ids = [each for job, places in self.parts for each in job.ids[places]]
        head["lengths"] = list(map(len, ids))
        body = _joined(ids)
        if first.segments is not None:
            body += _joined(
                each for job, places in self.parts for each in (job.segments or [])[places]
            )
        return head, body

    @property
    def size(self) -> int:
        """Texts."""
        return sum(places.stop - places.start for _, places in self.parts)

    def fail(self, error: BaseException) -> None:
        """End all its jobs without a result."""
        for job, _ in self.parts:
            job.fail(error)


def _joined(rows: Iterable[list[int]]) -> bytes:
    flat: list[int] = []
    for row in rows:
        flat += row
    return np.array(flat, np.int32).tobytes()


class Waiting:
    """Jobs that wait, and the tokens of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: deque[Job] = deque()
        self._number = 0
        self.tokens = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job, *, first: bool = False) -> None:
        """Put a job at the end, or before all others."""
        job.missing = len(job.ids)
        job.cost = sum(map(len, job.ids)) or job.cost
        self.tokens += job.cost
        (self._jobs.appendleft if first else self._jobs.append)(job)

    def fail(self, error: BaseException) -> None:
        """End all jobs without a result."""
        while self._jobs:
            self._jobs.popleft().fail(error)
        self.tokens = 0

    def batch(self) -> Batch | None:
        """The next texts under the budget, of jobs that may be computed together.

        Jobs take turns, so that one text does not wait for the thousands before it.
        """
        self._drop_abandoned()
        if not self._jobs:
            return None
        self._number += 1
        batch = Batch(self._number)
        key = self._jobs[0].key
        if key is None:
            job = self._jobs.popleft()
            batch.parts.append((job, slice(0, 0)))
            self._count(batch, job.cost)
            return batch
        passed: list[Job] = []
        while self._jobs and batch.tokens < self._most:
            job = self._jobs.popleft()
            fits = job.key == key and not job.done.done()
            if fits and not self._take(batch, job):
                self._jobs.appendleft(job)
                break
            if not job.done.done() and (not fits or job.taken < len(job.ids)):
                (self._jobs if fits else passed).append(job)
        self._jobs.extendleft(reversed(passed))
        return batch

    def _take(self, batch: Batch, job: Job) -> bool:
        """Put some of a job's texts into a batch; False if there is no room."""
        start, room = job.taken, self._most - batch.tokens
        turn = min(room, self._most // _TURN)
        tokens = 0
        while job.taken < len(job.ids):
            more = len(job.ids[job.taken])
            if tokens + more > turn and (tokens or batch.parts):
                break
            tokens += more
            job.taken += 1
        if job.taken == start:
            return turn < room and self._take_one(batch, job, room)
        batch.parts.append((job, slice(start, job.taken)))
        self._count(batch, tokens)
        return True

    def _take_one(self, batch: Batch, job: Job, room: int) -> bool:
        """A text that is longer than a turn."""
        more = len(job.ids[job.taken])
        if more > room:
            return False
        job.taken += 1
        batch.parts.append((job, slice(job.taken - 1, job.taken)))
        self._count(batch, more)
        return True

    def _count(self, batch: Batch, tokens: int) -> None:
        batch.tokens += tokens
        self.tokens -= tokens

    def _drop_abandoned(self) -> None:
        if not any(job.done.done() for job in self._jobs):
            return
        kept = [job for job in self._jobs if not job.done.done()]
        self._jobs = deque(kept)
        self.tokens = sum(
            job.cost if job.key is None else sum(map(len, job.ids[job.taken :])) for job in kept
        )
