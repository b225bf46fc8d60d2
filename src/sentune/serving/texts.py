"""Texts → token ids in the server's process, with what the length limit cut of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import tokenizers
from pydantic_core import to_json

from sentune.errors import SentuneError
from sentune.serving.limits import Limits
from sentune.serving.problems import RefusedError, unprocessable
from sentune.tokens.tokenizer import Tokenizer
from sentune.tokens.truncation import Truncation
from sentune.wording import counted

__all__ = ["Read", "TextReader"]

_LISTED = 10_000  # tokens that are written at once, since each is a mapping of five values
_AT_ONCE = 4000  # characters that are tokenized in less time than a thread needs to start


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Read:
    """Texts as the model gets them.

    Attributes:
        ids: token ids of each, special tokens among them.
        segments: of each token of a pair; None for single texts.
        cut: what the length limit left out.
    """

    ids: list[list[int]]
    cut: Truncation
    segments: list[list[int]] | None = None

    @property
    def tokens(self) -> int:
        """Of all texts, as computed."""
        return sum(map(len, self.ids))


class TextReader:
    """Reads texts for one model; long ones in a thread, so that others are answered meanwhile."""

    def __init__(self, tokenizer: Tokenizer, limits: Limits, threads: ThreadPoolExecutor) -> None:
        self.tokenizer = tokenizer
        self._limits = limits
        self._threads = threads
        self._whole: tokenizers.Tokenizer | None = None

    async def texts(
        self, texts: Sequence[str], *, prompt: str = "", truncate: bool = True, first: str = ""
    ) -> Read:
        """Token ids of texts. Raises RefusedError, also for a long text without ``truncate``.

        ``first`` is what the client calls the first text, if it is not one of its list.
        """
        given = [prompt + text for text in texts] if prompt else list(texts)
        return await self._read(given, truncate=truncate, first=first)

    async def pairs(self, query: str, texts: Sequence[str], *, truncate: bool = True) -> Read:
        """Token ids of a query with each text. Raises RefusedError."""
        return await self._read([(query, text) for text in texts], truncate=truncate)

    async def tokens_listed(self, texts: list[str], *, special: bool) -> list[bytes]:
        """The tokens of each text as JSON, without the length limit. Raises RefusedError."""
        return await self._whole_texts(texts, _listed, special=special, most=self._limits.tokens)

    async def shortened(self, texts: list[str], most: int) -> list[str]:
        """The start of each text, of at most ``most`` tokens. Raises RefusedError."""

        def end(found: tokenizers.Encoding) -> int | None:
            return found.offsets[most - 1][1] if len(found) > most else None

        ends = await self._whole_texts(texts, end, special=False, most=None)
        return [text[:stop] for text, stop in zip(texts, ends, strict=True)]

    async def _whole_texts(
        self,
        texts: list[str],
        made: Callable[[tokenizers.Encoding], T],
        *,
        special: bool,
        most: int | None,
    ) -> list[T]:
        """What ``made`` makes of each text; in the thread, which is also where its values end.

        Raises RefusedError if there are more than ``most`` tokens.
        """

        def each() -> list[T]:
            if self._whole is None:
                self._whole = self.tokenizer.parsed()
            found, count = [], 0
            for text in texts:
                encoded = self._whole.encode(text, add_special_tokens=special)
                count += len(encoded)
                if most is not None and count > most:
                    raise _too_many(f"more than {counted(most, 'token')}", most)
                found.append(made(encoded))
            return found

        return await asyncio.get_running_loop().run_in_executor(self._threads, each)

    def _require_few(self, count: int) -> None:
        if count > self._limits.tokens:
            raise _too_many(counted(count, "token"), self._limits.tokens)

    async def _read(self, given: list[Any], *, truncate: bool, first: str = "") -> Read:
        size = sum(len(each) if isinstance(each, str) else sum(map(len, each)) for each in given)
        try:
            if size <= _AT_ONCE:
                return self._checked(given, truncate=truncate, first=first)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._threads, lambda: self._checked(given, truncate=truncate, first=first)
            )
        except SentuneError as error:  # a token that the model has no row for
            raise RefusedError(422, error) from error

    def _checked(self, given: list[Any], *, truncate: bool, first: str) -> Read:
        read = self._tokenized(given)
        if read.cut.truncated and not truncate:
            raise self._too_long(given, first)
        self._require_few(read.tokens)
        return read

    def _tokenized(self, given: list[Any]) -> Read:
        if given and isinstance(given[0], tuple):
            ids, segments, cut = self.tokenizer.pairs(given)
            return Read(ids, cut, segments)
        ids, cut = self.tokenizer(given)
        return Read(ids, cut)

    def _too_long(self, given: list[Any], first: str) -> RefusedError:
        limit = self.tokenizer.max_seq_length
        number, cut = next(
            (number, cut)
            for number, each in enumerate(given)
            if (cut := self._tokenized([each]).cut).truncated
        )
        noun = "the pair" if isinstance(given[0], tuple) else "the text"
        numbered = f"{noun} with the number {number - bool(first)} (counted from 0)"
        named = first if first and number == 0 else numbered
        return unprocessable(
            f"{named} has {limit + cut.tokens_left_out:,} tokens",
            expected=f"at most {limit:,} tokens, special tokens among them, where truncate is "
            "false",
            fix="shorten it, or leave truncate out",
        )


def _listed(found: tokenizers.Encoding) -> bytes:
    """The tokens of a text as clients see them, as a JSON array."""
    every = zip(found.ids, found.tokens, found.special_tokens_mask, found.offsets, strict=True)
    parts = []
    while part := list(islice(every, _LISTED)):
        shown = [
            {"id": number, "text": token, "special": bool(mask), "start": start, "stop": stop}
            for number, token, mask, (start, stop) in part
        ]
        parts.append(to_json(shown)[1:-1])
    return b"[%b]" % b",".join(parts)


def _too_many(given: str, most: int) -> RefusedError:
    return RefusedError(
        413,
        unprocessable(
            f"the request has {given}",
            expected=f"at most {most:,}",
            fix="send fewer texts at a time",
        ).error,
    )
