"""A route whose body is checked once, in one pass over its bytes.

FastAPI reads a body into Python values and checks these again; and its reader fails on a body of
ten thousand brackets. Here pydantic reads the bytes. The schema that FastAPI writes is the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from sentune.serving.problems import RefusedError, problem, unprocessable

__all__ = ["CheckedRoute", "Handler"]

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_SHOWN = 3
_WORDS = {
    "extra_forbidden": "a field that this route does not know",
    "missing": "missing",
    "json_invalid": "no valid JSON",
}


class CheckedRoute(APIRoute):
    """A route that reads its body itself, where its endpoint has the argument ``body``."""

    def get_route_handler(self) -> Handler:
        """The function that answers a request."""
        endpoint = self.endpoint
        parameter = inspect.signature(endpoint, eval_str=True).parameters.get("body")
        model: type[BaseModel] | None = None if parameter is None else parameter.annotation

        async def handle(request: Request) -> Response:
            try:
                if model is None:
                    found: Response = await endpoint()
                    return found
                content = await request.body()
                found = await endpoint(body=_read(model, content, request))
            except RefusedError as refused:
                path = request.url.path
                return problem(path, refused.status, refused.error, refused.headers)
            return found

        return handle


def _read(model: type[BaseModel], content: bytes, request: Request) -> BaseModel:
    kind = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if not (kind == "application/json" or kind.endswith("+json")):
        refused = unprocessable(
            f"the content type is {kind[:80]}",
            expected="application/json",
            fix="send the header content-type: application/json",
        )
        raise RefusedError(415, refused.error)
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        explain = getattr(model, "explain", None)
        explained: RefusedError | None = None if explain is None else explain(content)
        raise explained or _wrong(error, model) from None


def _wrong(error: ValidationError, model: type[BaseModel]) -> RefusedError:
    """What is wrong with a body, without a word of its texts."""
    found = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part)[:60] for part in each["loc"]) or "the body"
        told = _WORDS.get(each["type"], each["msg"])
        found.append(f"{place}: {told}")
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return unprocessable(
        f"the request does not fit ({'; '.join(found[:_SHOWN])}{more})",
        expected=f"a JSON object with {', '.join(model.model_fields)}",
        fix="correct it; /openapi.json describes every route",
    )
