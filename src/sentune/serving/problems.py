"""Requests that are refused: a status, an error with its three parts, and headers."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import to_json
from starlette.responses import Response

from sentune.errors import ArgumentError, IndexFolderError, PoolError, SentuneError

__all__ = ["RefusedError", "busy", "found_wrong", "problem", "stopped", "unprocessable"]

JSON = "application/json"

# The words that clients of text-embeddings-inference know.
_TYPES = {
    400: "Validation",
    401: "Unauthorized",
    404: "NotFound",
    408: "Timeout",
    413: "Validation",
    422: "Validation",
    429: "Overloaded",
    503: "Unhealthy",
}
_OPENAI_TYPES = {
    401: "authentication_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}


class RefusedError(Exception):
    """A request that gets no result; it never leaves the server's process.

    Attributes:
        status: of HTTP.
        error: what was given, what was expected, and what to do.
        headers: to send with it.
    """

    def __init__(
        self, status: int, error: SentuneError, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status)  # without the error's words: they can have a client's text
        self.status = status
        self.error = error
        self.headers = dict(headers or {})


def unprocessable(given: str, *, expected: str, fix: str) -> RefusedError:
    """A request that can be read and not be done: 422."""
    return RefusedError(422, ArgumentError(given, expected=expected, fix=fix))


def busy(seconds: int) -> RefusedError:
    """The queue is full: 429."""
    return RefusedError(
        429,
        PoolError(
            "the queue is full",
            expected="fewer requests at a time",
            fix=f"send it again in {seconds} seconds",
        ),
        {"retry-after": str(seconds)},
    )


def stopped(reason: str, *, fix: str = "send it again in a few seconds") -> RefusedError:
    """Nothing can be computed now: 503."""
    error = PoolError(reason, expected="a model that is ready", fix=fix)
    return RefusedError(503, error, {"retry-after": "2"})


def found_wrong(error: SentuneError) -> RefusedError:
    """What a process of the server found: with the request, with the index, or with itself."""
    if isinstance(error, IndexFolderError):
        fix = "put the index back as it was, or start the server again with the model of the index"
        return RefusedError(503, IndexFolderError(error.given, expected=error.expected, fix=fix))
    return RefusedError(400 if isinstance(error, ArgumentError) else 500, error)


def problem(path: str, status: int, error: SentuneError, headers: Mapping[str, str]) -> Response:
    """The answer, in the shape that the clients of a path read."""
    if path.startswith("/v1/") and not path.endswith("/rerank"):
        kind = _OPENAI_TYPES.get(status, "invalid_request_error")
        content: object = {
            "error": {"message": str(error), "type": kind, "param": None, "code": None}
        }
    else:
        kind = _TYPES.get(status, "Backend")
        content = {"error": str(error), "error_type": kind, "message": str(error)}
    return Response(to_json(content), status, dict(headers), JSON)
