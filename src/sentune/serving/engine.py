"""Requests of all clients → batches → one worker, replaced when it dies or hangs.

A batch is sent while another is computed, so the worker never waits for the server. When the
worker ends, the requests of the batches that it had fail; those that wait go to the next worker.
A worker whose model is not the one that the server started with is never used: its vectors would
mean something else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import PoolError, SentuneError
from sentune.serving.facts import read_tokenizer
from sentune.serving.jobs import Batch, Job, Waiting
from sentune.serving.limits import Limits
from sentune.serving.map.process import MapProcess
from sentune.serving.plan import Plan
from sentune.serving.problems import RefusedError, busy, found_wrong, stopped
from sentune.serving.texts import Read, TextReader
from sentune.serving.worker_handle import Reply, WorkerGoneError, WorkerHandle

__all__ = ["Engine"]

logger = logging.getLogger(__name__)

_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before another worker is started
_CHANGED = "the model's files have changed since the server started"
_LONGEST_WAIT = 60  # seconds that a client is told to wait
_START_RATE = 5000.0  # tokens a second, until some were measured

Array = NDArray[np.float32]
Told = Callable[[str, float], None]


class Engine:
    """One model for any number of clients, in the event loop that starts it.

    Attributes:
        limits: see :class:`sentune.serving.limits.Limits`.
        facts: what the worker has loaded; empty before ``start``.
        reader: reads texts for the model, ``pair_reader`` pairs for the reranker.
        map: the process that knows where the index's passages lie.
        draining: whether the server is about to stop.
        accepted: requests that were taken and are not answered yet.
    """

    reader: TextReader
    pair_reader: TextReader | None = None

    def __init__(self, plan: Plan, limits: Limits | None = None, tell: Told | None = None) -> None:
        self.plan = plan
        self.limits = limits or Limits()
        self.facts: dict[str, Any] = {}
        self.map = MapProcess(plan, self.limits.hung_seconds)
        self.draining = False
        self.accepted = 0
        self._tell = tell or (lambda _name, _value: None)
        self._reason = "the model is being loaded"
        self._worker: WorkerHandle | None = None
        self._waiting = Waiting(self.limits.batch_tokens)
        self._sent: deque[Batch] = deque()
        self._keeper: asyncio.Task[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._threads = ThreadPoolExecutor(1, "sentune-tokens")
        self._rate, self._began = _START_RATE, 0.0

    # ── life ──────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Load everything. Raises SentuneError: what is wrong with the plan."""
        worker = await WorkerHandle.start(self.plan)
        self._worker = worker
        self.facts = await worker.ready()
        tokenizer = read_tokenizer(self.facts["model"]["tokenizer"])
        self.reader = TextReader(tokenizer, self.limits, self._threads)
        if "reranker" in self.facts:
            tokenizer = read_tokenizer(self.facts["reranker"]["tokenizer"])
            self.pair_reader = TextReader(tokenizer, self.limits, self._threads)
        self._reason = ""
        self._keeper = asyncio.create_task(self._keep(worker))

    async def close(self) -> None:
        """End the worker; what waits fails."""
        self._reason = "the server stops"
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        self._fail(stopped(self._reason))
        await self.map.close()
        if self._worker is not None:
            await self._worker.end()
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def trouble(self) -> str:
        """Why nothing can be computed now; empty if something can."""
        return "the server stops" if self.draining else self._reason

    def refusal(self) -> RefusedError:
        """The answer while nothing can be computed."""
        if self._reason == _CHANGED:
            return stopped(_CHANGED, fix="restart the server")
        return stopped(self.trouble or "the model does not answer")

    @property
    def waiting_tokens(self) -> int:
        """Tokens that were accepted and are not in the worker."""
        return self._waiting.tokens

    @property
    def worker_pid(self) -> int | None:
        """The worker's process, if there is one."""
        return None if self._worker is None else self._worker.pid

    def require_room(self) -> None:
        """Raise RefusedError if nothing is accepted now."""
        if self.trouble:
            raise self.refusal()
        if self.accepted >= self.limits.requests or self._is_full:
            raise self._busy()

    @property
    def _is_full(self) -> bool:
        return self._waiting.tokens >= self.limits.waiting_tokens

    def _busy(self) -> RefusedError:
        return busy(min(_LONGEST_WAIT, 1 + int(self._waiting.tokens / self._rate)))

    # ── what clients ask ──────────────────────────────────────────────────────────────────────

    async def embed(self, read: Read, skipped: int = 0) -> Array:
        """Texts → what the model makes of them before scaling, (texts, width)."""
        head = {"skipped": skipped}
        rows: Array = await self._done(Job("embed", ("embed", skipped), read.ids, head=head))
        return rows

    async def score(self, read: Read) -> Array:
        """Pairs → (pairs, 2) scores of the reranker, after and before its activation."""
        rows: Array = await self._done(Job("score", ("score",), read.ids, read.segments))
        return rows

    async def ask(self, op: str, body: bytes, cost: int, *, begun: bool = False) -> Reply:
        """A question that the worker answers by itself; ``cost`` are its tokens, about.

        ``begun`` if the request has had an answer before: it is not refused half-way.
        """
        reply: Reply = await self._done(Job(op, None, body=body, cost=max(1, cost)), begun=begun)
        return reply

    async def alive(self) -> bool:
        """Whether the model answers, before all who wait."""
        if self.trouble:
            return False
        ids = (await self.reader.texts(["ready"])).ids
        job = Job("embed", ("embed", 0), ids, head={"skipped": 0})
        self._waiting.add(job, first=True)
        self._pump()
        try:
            rows = await asyncio.wait_for(job.done, self.limits.health_seconds)
        except (TimeoutError, RefusedError):
            return False
        return bool(np.isfinite(rows).all())

    async def _done(self, job: Job, *, begun: bool = False) -> Any:
        # Not refused because the server stops: what was accepted before is answered.
        if self._reason:
            raise self.refusal()
        if self._is_full and not begun:
            raise self._busy()
        self._waiting.add(job)
        self._pump()
        return await job.done

    # ── batches ───────────────────────────────────────────────────────────────────────────────

    def _pump(self) -> None:
        """Send batches while the worker has room for them."""
        while self._worker is not None and not self._reason and len(self._sent) < self.limits.ahead:
            batch = self._waiting.batch()
            if batch is None:
                return
            if not batch.parts:
                continue
            self._sent.append(batch)
            self._worker.send(*batch.message())
            if len(self._sent) == 1:
                self._watch()

    def _watch(self) -> None:
        """Start the time of the batch that is computed now, or stop it if there is none."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._sent and self._worker is not None:
            self._began = time.perf_counter()
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(self.limits.hung_seconds, self._worker.kill)

    def _answered(self, reply: Reply) -> None:
        head, body = reply
        batch = self._sent.popleft()
        if head["id"] != batch.number:
            raise WorkerGoneError
        seconds = max(1e-6, time.perf_counter() - self._began)
        self._rate += 0.1 * (batch.tokens / seconds - self._rate)
        self._tell("batch_texts", batch.size)
        self._tell("batch_seconds", seconds)
        self._watch()
        if "error" in head:
            batch.fail(found_wrong(SentuneError.from_json(head["error"])))
        elif batch.parts[0][0].key is None:
            job = batch.parts[0][0]
            if not job.done.done():
                job.done.set_result(reply)
        else:
            _share(batch, np.frombuffer(body, "<f4").reshape(head["shape"]))
        self._pump()

    def _fail(self, error: RefusedError) -> None:
        while self._sent:
            self._sent.popleft().fail(error)
        self._watch()
        self._waiting.fail(error)

    # ── workers ───────────────────────────────────────────────────────────────────────────────

    async def _keep(self, worker: WorkerHandle) -> None:
        """Hand out what the worker answers; when it has gone, get another one."""
        while True:
            with suppress(WorkerGoneError):
                while True:
                    self._answered(await worker.receive())
            self._reason, self._worker = "the model is being loaded again", None
            while self._sent:
                self._sent.popleft().fail(stopped("the worker that computed this has failed"))
            self._watch()
            # No kill before this: asyncio warns when it kills a process that has ended already.
            logger.warning("the model's process %s; a new one starts", await worker.end())
            self._tell("restarts", 1)
            worker = await self._another()
            self._worker, self._reason = worker, ""
            self._pump()

    async def _another(self) -> WorkerHandle:
        tries = 0
        while True:
            await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
            worker = None
            try:
                worker = await WorkerHandle.start(self.plan)
                self._worker = worker  # so that closing ends it
                facts = await worker.ready()
            except SentuneError as error:
                self._reason = f"the model cannot be loaded again: {error}"
                logger.warning("%s", self._reason)
                self._fail(stopped("the model cannot be loaded again"))
                continue
            if facts == self.facts:
                return worker
            if self._reason != _CHANGED:
                logger.warning("%s: restart the server to use them", _CHANGED)
            self._reason = _CHANGED
            self._fail(self.refusal())
            await worker.end()


def _share(batch: Batch, rows: Array) -> None:
    if not np.isfinite(rows).all() or len(rows) != batch.size:
        error = PoolError(
            "the model gave a value that is no number",
            expected="finite numbers",
            fix="check the model: a training that diverged gives such values",
        )
        batch.fail(RefusedError(500, error))
        return
    start = 0
    for job, places in batch.parts:
        end = start + places.stop - places.start
        job.put(places, rows[start:end])
        start = end
