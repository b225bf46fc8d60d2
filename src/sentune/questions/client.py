"""One request to an OpenAI-compatible server, and what went wrong if it gave no answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from sentune.errors import ArgumentError, MissingExtraError
from sentune.questions.prompt import SCHEMA

__all__ = [
    "MOST_ANSWER_TOKENS",
    "ChatClient",
    "FaultError",
    "Reply",
    "estimated_tokens",
    "is_unencrypted",
    "require_endpoint",
    "require_openai",
]

MOST_ANSWER_TOKENS = 2048
_SHOWN = 200  # characters of a server's message
_NO_KEY = "none"  # the package wants one; local servers do not
_LEAST_SECRET = 12  # characters of a key
_BYTES_OF_TOKEN = 3  # for servers that do not count


class FaultError(Exception):
    """A request without a usable answer; its text is the reason in a few words.

    Attributes:
        again: whether to send it again.
        stop: whether no other request could do better.
        busy: whether the server wants fewer requests.
        wait: seconds that the server asks to wait; None if it does not say.
        tokens: what it cost all the same.
    """

    def __init__(
        self,
        reason: str,
        *,
        again: bool = True,
        stop: bool = False,
        busy: bool = False,
        wait: float | None = None,
        tokens: int = 0,
    ) -> None:
        super().__init__(reason)
        self.again, self.stop, self.busy = again, stop, busy
        self.wait, self.tokens = wait, tokens


@dataclass(frozen=True, slots=True)
class Reply:
    """The text that a model wrote, and the tokens of question and answer.

    ``counted`` says whether the server counted them; if not, they are estimated by bytes.
    """

    text: str
    tokens: int
    counted: bool


def require_openai() -> ModuleType:
    """The package ``openai``. Raises MissingExtraError."""
    try:
        return import_module("openai")
    except ModuleNotFoundError as error:
        if error.name != "openai":
            raise
        raise MissingExtraError("openai", "questions") from None


def require_endpoint(url: str) -> str:
    """The address of a server's API, without a slash at its end.

    Raises ArgumentError unless it is HTTP or HTTPS, without a user, a password or a query, in which
    keys would stand.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        secret = bool(parts.username or parts.password or parts.query or parts.fragment)
        _ = parts.port
    except ValueError:
        usable, secret = False, False
    if secret:
        raise ArgumentError(
            "the endpoint has a user, a password or a query",
            expected="an address alone: http://localhost:8080/v1",
            fix="put a key into the environment, and name its variable with --api-key-env",
        )
    if not usable:
        raise ArgumentError(
            f"the endpoint is {url!r}",
            expected="the address of an API: http://localhost:8080/v1",
            fix="correct --endpoint",
        )
    return url.rstrip("/")


def is_unencrypted(url: str) -> bool:
    """Whether what is sent leaves this machine, and others may read it."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")


class ChatClient:
    """Sends requests to ``{endpoint}/chat/completions``.

    Args:
        endpoint: see :func:`require_endpoint`.
        model: the name that the server knows.
        key: sent as a bearer token; it is taken out of all that the server says, unless it is
            shorter than 12 characters.
        timeout: seconds until an answer must be whole.

    The package's own repeats are switched off: they are not in the journal.
    """

    def __init__(self, endpoint: str, model: str, key: str | None, timeout: float) -> None:
        self._openai = require_openai()
        self._model, self._timeout = model, timeout
        # Local servers take any word as a key, which is no secret and may stand in answers.
        self._secret = key if key and len(key) >= _LEAST_SECRET else None
        self._client = self._openai.AsyncOpenAI(
            api_key=key or _NO_KEY,
            base_url=endpoint,
            max_retries=0,
            timeout=timeout,
            # Passages go to the server that was named, and to no other.
            http_client=self._openai.DefaultAsyncHttpxClient(follow_redirects=False),
        )
        # What not every server takes; a refusal that names one changes it for all requests.
        self._options: dict[str, Any] = {
            "max_tokens": MOST_ANSWER_TOKENS,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "questions", "strict": True, "schema": SCHEMA},
            },
        }

    async def __aenter__(self) -> Self:
        """Keep connections open."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        await self._client.close()

    async def send(self, messages: list[dict[str, str]]) -> Reply:
        """The answer to messages. Raises FaultError."""
        options = dict(self._options)
        try:
            async with asyncio.timeout(self._timeout):
                raw = await self._client.chat.completions.with_raw_response.create(
                    model=self._model, messages=messages, **options
                )
        except (TimeoutError, self._openai.APITimeoutError):
            raise FaultError(f"no answer within {self._timeout:g} s") from None
        except self._openai.APIStatusError as error:
            raise self._refused(error.response, options) from None
        except self._openai.APIConnectionError as error:
            raise FaultError(self._clean(f"no connection ({_cause(error)})")) from None
        except self._openai.OpenAIError as error:
            raise FaultError(self._clean(_cause(error)), again=False) from None
        return self._reply(raw.http_response.content, messages)

    def _reply(self, body: bytes, messages: list[dict[str, str]]) -> Reply:
        try:
            found = json.loads(body.decode("utf-8"))
            choice = found["choices"][0]
            text, ended = choice["message"]["content"], choice.get("finish_reason")
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            raise FaultError(_not_an_answer(body)) from None
        tokens, counted = _tokens(found, messages)
        if ended == "length":
            raise FaultError(f"an answer cut at {MOST_ANSWER_TOKENS:,} tokens", tokens=tokens)
        if not isinstance(text, str) or not text.strip():
            raise FaultError("an empty answer", tokens=tokens)
        return Reply(self._without_key(_unescaped(text)), tokens, counted)

    def _refused(self, response: Any, options: dict[str, Any]) -> FaultError:
        status, body = response.status_code, response.text
        said = self._clean(_message(body))
        reason = f"status {status}" + (f": {said}" if said else "")
        if status in (400, 422) and self._adapt(said, options):
            return FaultError(reason, wait=0.0)
        if status == 429 and "insufficient_quota" not in body:
            return FaultError(reason, busy=True, wait=_wait(response.headers))
        if 300 <= status < 400:
            elsewhere = self._clean(f"{response.headers.get('location', 'elsewhere')}")
            reason = f"status {status}: it wants requests to go to {elsewhere}"
            return FaultError(reason, again=False, stop=True)
        if status in (401, 402, 403, 404, 405, 429):
            return FaultError(reason, again=False, stop=True)
        if status in (408, 409, 425) or status >= 500:
            return FaultError(reason, wait=_wait(response.headers))
        return FaultError(reason, again=False)

    def _adapt(self, said: str, options: dict[str, Any]) -> bool:
        """Whether a server refused an option that it can do without."""
        if "max_tokens" in options and "max_tokens" in said:
            self._options.pop("max_tokens", None)
            self._options["max_completion_tokens"] = MOST_ANSWER_TOKENS
            return True
        if "response_format" in options and ("response_format" in said or "json_schema" in said):
            self._options.pop("response_format", None)
            return True
        return False

    def _without_key(self, text: str) -> str:
        return text.replace(self._secret, "[key]") if self._secret else text

    def _clean(self, text: str) -> str:
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        line = self._without_key(line)
        return line if len(line) <= _SHOWN else line[:_SHOWN] + " …"


def _unescaped(text: str) -> str:
    """JSON without escapes of letters, behind which a key could stand; other texts as they are."""
    if "\\u" not in text:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _cause(error: Exception) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__


def _message(body: str) -> str:
    """What a server says in an error; nothing of a page of HTML."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return "" if body.lstrip().startswith("<") else body
    error = found.get("error", found) if isinstance(found, dict) else found
    said = error.get("message") if isinstance(error, dict) else error
    return said if isinstance(said, str) else body


def _not_an_answer(body: bytes) -> str:
    if not body.strip():
        return "an empty body"
    if body.lstrip()[:1] == b"<":
        return "HTML instead of JSON"
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return "no whole JSON"
    return "JSON that is no chat completion"


def _tokens(found: Mapping[str, Any], messages: list[dict[str, str]]) -> tuple[int, bool]:
    usage = found.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    if isinstance(total, int) and not isinstance(total, bool) and total >= 0:
        return total, True
    text = json.dumps(found.get("choices"), ensure_ascii=False)
    return estimated_tokens(messages) + len(text.encode("utf-8", "replace")) // _BYTES_OF_TOKEN, (
        False
    )


def estimated_tokens(messages: list[dict[str, str]]) -> int:
    """About how many tokens messages have; rather too many."""
    size = sum(len(message["content"].encode("utf-8", "replace")) for message in messages)
    return size // _BYTES_OF_TOKEN


def _wait(headers: Mapping[str, str]) -> float | None:
    """The seconds of a Retry-After, which may be a date."""
    exact = headers.get("retry-after-ms", "")
    if exact.strip().isdecimal():
        return int(exact) / 1000
    given = headers.get("retry-after", "").strip()
    try:
        seconds = float(given)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(given).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
        if seconds <= 0:  # the clocks differ
            return None
    return max(0.0, seconds) if seconds == seconds else None
