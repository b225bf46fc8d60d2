"""The shortest way from a path to the route that answers it.

FastAPI looks through all routes for each request, behind five layers of which none does anything
here. Those take longer than the rest of the server. Routes with a body of JSON are found by their
path at once, and everything else goes to FastAPI.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentune.serving.route import CheckedRoute, Handler

__all__ = ["Direct"]

Failed = Callable[[Request, Exception], Awaitable[Response]]


class Direct:
    """An ASGI application around FastAPI's.

    Args:
        app: with all routes.
        routes: those of them that are found by their path.
        failed: the answer to what nobody foresaw; the error is raised again after it was sent.
    """

    def __init__(self, app: FastAPI, routes: list[CheckedRoute], failed: Failed) -> None:
        self._app, self._failed = app, failed
        self._posted: dict[str, Handler] = {
            route.path: route.get_route_handler()
            for route in routes
            if "POST" in (route.methods or ())
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        handler = self._posted.get(scope["path"]) if scope.get("method") == "POST" else None
        if handler is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            answer = await handler(request)
        except Exception as error:
            answer = await self._failed(request, error)
            await answer(scope, receive, send)
            raise
        await answer(scope, receive, send)
