"""Texts → token ids in the server's process, with what the length limit cut of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import tokenizers

from sentune.errors import SentuneError
from sentune.serving.limits import Limits
from sentune.serving.problems import RefusedError, unprocessable
from sentune.tokens.tokenizer import Tokenizer
from sentune.tokens.truncation import Truncation
from sentune.wording import counted

__all__ = ["Read", "TextReader"]

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

    async def texts(self, texts: Sequence[str], *, prompt: str = "", truncate: bool = True) -> Read:
        """Token ids of texts. Raises RefusedError, also for a long text without ``truncate``."""
        given = [prompt + text for text in texts] if prompt else list(texts)
        return await self._read(given, truncate=truncate)

    async def pairs(self, query: str, texts: Sequence[str], *, truncate: bool = True) -> Read:
        """Token ids of a query with each text. Raises RefusedError."""
        return await self._read([(query, text) for text in texts], truncate=truncate)

    async def tokens(
        self, texts: list[str], *, special: bool, made: Callable[[list[dict[str, Any]]], T]
    ) -> list[T]:
        """What ``made`` makes of each text's tokens as clients see them, without the length limit.

        It is called in the thread, which is also where all these values end.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, lambda: [made(self._shown(text, special=special)) for text in texts]
        )

    def _shown(self, text: str, *, special: bool) -> list[dict[str, Any]]:
        if self._whole is None:
            self._whole = self.tokenizer.parsed()
        found = self._whole.encode(text, add_special_tokens=special)
        return [
            {"id": number, "text": token, "special": bool(mask), "start": start, "stop": stop}
            for number, token, mask, (start, stop) in zip(
                found.ids, found.tokens, found.special_tokens_mask, found.offsets, strict=True
            )
        ]

    async def _read(self, given: list[Any], *, truncate: bool) -> Read:
        size = sum(len(each) if isinstance(each, str) else sum(map(len, each)) for each in given)
        try:
            if size <= _AT_ONCE:
                return self._checked(given, truncate=truncate)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._threads, lambda: self._checked(given, truncate=truncate)
            )
        except SentuneError as error:  # a token that the model has no row for
            raise RefusedError(422, error) from error

    def _checked(self, given: list[Any], *, truncate: bool) -> Read:
        read = self._tokenized(given)
        if read.cut.truncated and not truncate:
            raise self._too_long(given)
        if read.tokens > self._limits.tokens:
            raise RefusedError(
                413,
                unprocessable(
                    f"the request has {counted(read.tokens, 'token')}",
                    expected=f"at most {self._limits.tokens:,}",
                    fix="send fewer texts at a time",
                ).error,
            )
        return read

    def _tokenized(self, given: list[Any]) -> Read:
        if given and isinstance(given[0], tuple):
            ids, segments, cut = self.tokenizer.pairs(given)
            return Read(ids, cut, segments)
        ids, cut = self.tokenizer(given)
        return Read(ids, cut)

    def _too_long(self, given: list[Any]) -> RefusedError:
        limit = self.tokenizer.max_seq_length
        number, cut = next(
            (number, cut)
            for number, each in enumerate(given)
            if (cut := self._tokenized([each]).cut).truncated
        )
        noun = "the pair" if isinstance(given[0], tuple) else "the text"
        return unprocessable(
            f"{noun} with the number {number} (counted from 0) has "
            f"{limit + cut.tokens_left_out:,} tokens",
            expected=f"at most {limit:,} tokens, special tokens among them, where truncate is "
            "false",
            fix="shorten it, or leave truncate out",
        )
