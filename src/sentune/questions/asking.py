"""Asks a model about many passages at once: within caps, again after faults, never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sentune.checks import require_number, require_whole
from sentune.errors import ModelError
from sentune.questions.answers import UnusableAnswerError, answer_of
from sentune.questions.client import (
    MOST_ANSWER_TOKENS,
    ChatClient,
    FaultError,
    Reply,
    estimated_tokens,
    require_endpoint,
)
from sentune.questions.journal import Journal
from sentune.questions.prompt import messages_for, request_key
from sentune.questions.source import SourcePassage

__all__ = ["AskSettings", "Asked", "answers_in", "ask_about"]

_TRIES, _TRIES_WHEN_BUSY = 4, 8
_LONGEST_WAIT = 600.0  # seconds
# Passages given up one after the other, after which the next would fare no better.
_IN_A_ROW, _FROM_THE_START = 10, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSettings:
    """How to ask.

    Attributes:
        endpoint: the address of an OpenAI-compatible API: ``http://localhost:8080/v1``.
        model: the name that the server knows.
        key: sent as a bearer token; it is in no message and in no file.
        max_requests: the most requests, repeats and those of earlier runs included.
        max_tokens: the most tokens of questions and answers, those of earlier runs included.
        concurrency: requests at a time.
        timeout: seconds until an answer must be whole.
        pause: seconds before the first repeat; each further one waits twice as long.

    Raises ArgumentError.
    """

    endpoint: str
    model: str
    key: str | None = field(default=None, repr=False)
    max_requests: int = 300
    max_tokens: int | None = None
    concurrency: int = 4
    timeout: float = 120.0
    pause: float = 1.0

    def __post_init__(self) -> None:
        require_endpoint(self.endpoint)
        require_whole("max_requests", self.max_requests)
        if self.max_tokens is not None:
            require_whole("max_tokens", self.max_tokens)
        require_whole("concurrency", self.concurrency, most=256)
        require_number("timeout", self.timeout, least=0.01)
        require_number("pause", self.pause, least=0.0)


@dataclass
class Asked:
    """What became of the requests of one run.

    Attributes:
        answered: passages with an answer in this run.
        given_up: id of a passage → why it has no answer, after all repeats.
        not_asked: passages without an answer because a cap left no request, or no repeat.
        faults: reason → how often a request failed for it, whatever came after.
        estimated: whether the server did not count tokens, so that they are estimated.
    """

    answered: int = 0
    given_up: dict[str, str] = field(default_factory=dict)
    not_asked: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    estimated: bool = False

    def failed(self, reason: str) -> None:
        """Count a fault."""
        self.faults[reason] = self.faults.get(reason, 0) + 1


def ask_about(
    passages: Sequence[SourcePassage],
    settings: AskSettings,
    journal: Journal,
    advance: Callable[[int], None] = lambda _: None,
) -> Asked:
    """Ask about passages that have no answer in the journal yet, in order, up to the caps.

    A request without a usable answer is sent again, up to 4 times in all, and 8 times if the server
    says that it is busy (429). Waits grow twofold; a Retry-After is obeyed by all requests. What is
    given up is in the result, and is asked again by the next run. A request that a kill cut off is
    sent again, for its answer is lost.

    Args:
        passages: the most important first.
        settings: server and caps.
        journal: takes every answer as soon as it is there.
        advance: called with 1 for every passage that is done.

    Raises:
        ModelError: the server refuses the key, does not know the model, wants to wait for more
            than 10 minutes, gives no answer to passage after passage, or none at all within the
            caps. Answers are kept.
        OutputError: the journal cannot be written.
        MissingExtraError: openai is not installed.
    """
    asker = _Asker(settings, journal, advance)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(asker.run(passages))
    with ThreadPoolExecutor(1) as pool:  # a notebook has a loop of its own
        return pool.submit(lambda: asyncio.run(asker.run(passages))).result()


class _Asker:
    def __init__(
        self, settings: AskSettings, journal: Journal, advance: Callable[[int], None]
    ) -> None:
        self._settings, self._journal, self._advance = settings, journal, advance
        self._asked = Asked()
        self._reserved = 0  # tokens of requests under way
        self._resume_at = 0.0
        self._in_a_row = 0
        self._stopped: str | None = None
        self._one_ended = asyncio.Event()

    async def run(self, passages: Sequence[SourcePassage]) -> Asked:
        settings = self._settings
        keys = {passage.id: request_key(settings.model, passage) for passage in passages}
        left = [each for each in passages if keys[each.id] not in self._journal.answers]
        waiting = iter(left)
        async with ChatClient(
            settings.endpoint, settings.model, settings.key, settings.timeout
        ) as client:

            async def work() -> None:
                for passage in waiting:  # each takes the next one
                    await self._ask(client, passage, keys[passage.id])

            workers = [asyncio.ensure_future(work()) for _ in range(settings.concurrency)]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        faults = self._asked.faults
        if self._stopped is None and faults and not self._journal.answers:
            self._stopped = max(faults, key=faults.__getitem__)
        if self._stopped is not None:
            raise _no_answers(self._stopped)
        return self._asked

    def _affords(self, messages: list[dict[str, str]]) -> bool:
        settings, journal = self._settings, self._journal
        if journal.requests >= settings.max_requests:
            return False
        most = settings.max_tokens
        return most is None or journal.tokens + self._reserved + _reserve(messages) <= most

    async def _has_room(self, messages: list[dict[str, str]]) -> bool:
        """Whether the caps leave a request; what is under way may free some of its tokens."""
        while not self._affords(messages):
            if not self._reserved or self._journal.requests >= self._settings.max_requests:
                return False
            self._one_ended.clear()
            await self._one_ended.wait()
        return True

    async def _ask(self, client: ChatClient, passage: SourcePassage, key: str) -> None:
        messages = messages_for(passage)
        for attempt in range(1, _TRIES_WHEN_BUSY + 1):
            await self._until_free()
            if self._stopped is not None or not await self._has_room(messages):
                self._asked.not_asked += 1
                return
            fault = await self._send(client, passage, key, messages)
            if fault is None:
                return
            if fault.stop:
                self._stopped = str(fault)
            elif not fault.again or attempt >= (_TRIES_WHEN_BUSY if fault.busy else _TRIES):
                self._give_up(passage, str(fault))
                return
            else:
                await self._wait(fault, attempt)

    async def _send(
        self, client: ChatClient, passage: SourcePassage, key: str, messages: list[dict[str, str]]
    ) -> FaultError | None:
        """Send a request once; its answer is in the journal, or the fault is returned."""
        reserved = _reserve(messages)
        self._reserved += reserved
        self._journal.sent(key)
        try:
            reply = await client.send(messages)
            _require_answer(reply)
        except FaultError as fault:
            self._asked.failed(str(fault))
            self._journal.failed(key, str(fault), fault.tokens)
            return fault
        finally:
            self._reserved -= reserved
            self._one_ended.set()
        self._journal.answered(key, passage.id, reply.text, reply.tokens)
        self._asked.answered += 1
        self._asked.estimated |= not reply.counted
        self._in_a_row = 0
        self._advance(1)
        return None

    def _give_up(self, passage: SourcePassage, reason: str) -> None:
        self._asked.given_up[passage.id] = reason
        self._advance(1)
        self._in_a_row += 1
        if self._in_a_row >= (_IN_A_ROW if self._journal.answers else _FROM_THE_START):
            self._stopped = reason

    async def _wait(self, fault: FaultError, attempt: int) -> None:
        wait = fault.wait
        if wait is None:
            wait = min(self._settings.pause * 2 ** (attempt - 1), 60.0)
        if wait > _LONGEST_WAIT:
            self._stopped = f"{fault} (asks to wait {wait:,.0f} s)"
            return
        if fault.busy:
            # The others would only make it busier.
            self._resume_at = max(self._resume_at, _now() + wait)
        else:
            await asyncio.sleep(wait)

    async def _until_free(self) -> None:
        while (left := self._resume_at - _now()) > 0:
            await asyncio.sleep(left)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _reserve(messages: list[dict[str, str]]) -> int:
    return estimated_tokens(messages) + MOST_ANSWER_TOKENS


def _require_answer(reply: Reply) -> None:
    try:
        answer_of(reply.text)
    except UnusableAnswerError as error:
        raise FaultError(str(error), tokens=reply.tokens) from None


def _no_answers(reason: str) -> ModelError:
    return ModelError(
        f"the server gives no answers: {reason}",
        expected="an OpenAI-compatible server that knows the model and takes the key",
        fix="check --endpoint, --model and the key; then the same command goes on from here",
    )


def answers_in(
    journal: Journal, passages: Sequence[SourcePassage], model: str
) -> Mapping[str, str]:
    """Id of a passage → the answer about it, for those that have one, in their order."""
    found = {}
    for passage in passages:
        answer = journal.answers.get(request_key(model, passage))
        if answer is not None:
            found[passage.id] = answer
    return found
