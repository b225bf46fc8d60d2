"""Search in the index of the server, in one way or in several at once."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from sentune.errors import ArgumentError
from sentune.serving.answers import answer
from sentune.serving.http.bodies import SearchBody
from sentune.serving.http.documented import FOUND
from sentune.serving.problems import RefusedError, unprocessable
from sentune.serving.route import CheckedRoute
from sentune.serving.service import Service
from sentune.tokens.truncation import Truncation

__all__ = ["indexed", "search_routes"]

_LATE_COST = 4000  # tokens: about twenty passages
_COST = 50


def search_routes(service: Service) -> APIRouter:
    """``/search``."""
    router = APIRouter(route_class=CheckedRoute)

    @router.post("/search", responses=FOUND)
    async def search(body: SearchBody) -> Response:
        """The passages that answer a question: ``results`` has a list for each mode."""
        known = indexed(service)
        modes = _modes(body, known["mode"], known["modes"])
        asked = body.model_dump(include={"query", "top", "where", "marks"}) | {"modes": modes}
        cost = _LATE_COST if "late" in modes else _COST * len(modes)
        told, content = await service.engine.ask("search", json.dumps(asked).encode(), cost)
        return answer(content, Truncation(1, told["truncated"], told["left_out"]))

    return router


def _modes(body: SearchBody, usual: str, known: list[str]) -> list[str]:
    if body.mode is not None and body.modes is not None:
        raise unprocessable(
            "mode and modes", expected="one of them", fix="leave one of the two out"
        )
    given: list[str] = [*(body.modes or [])] or [usual if body.mode is None else body.mode]
    asked = list(dict.fromkeys(given))
    unknown = [mode for mode in asked if mode not in (*known, "base")]
    if unknown:
        raise unprocessable(
            f"the mode {unknown[0]!r}",
            expected=f"one of {', '.join(known)}",
            fix="name one of them",
        )
    if "base" in asked and "base" not in known:
        raise RefusedError(
            400,
            ArgumentError(
                "the mode base",
                expected=f"one of {', '.join(known)}",
                fix="start the server with --compare BASE to have it",
            ),
        )
    return asked


def indexed(service: Service) -> dict[str, Any]:
    """The facts of the index. Raises RefusedError: there is none, or it is not known yet."""
    if not service.engine.facts:
        raise service.engine.refusal()
    known: dict[str, Any] | None = service.engine.facts.get("index")
    if known is not None:
        return known
    raise RefusedError(
        404,
        ArgumentError(
            "a search without an index",
            expected="a server that was started with --index INDEX",
            fix="start it with an index: sentune serve MODEL --index INDEX",
        ),
    )
