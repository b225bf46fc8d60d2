"""The files of the page, each under its own address."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from sentune.serving.page.headers import PAGE_HEADERS
from sentune.serving.page.report import REPORT, report_response
from sentune.serving.route import CheckedRoute
from sentune.serving.service import Service

__all__ = ["OPEN", "page_routes"]

_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_FOLDER = files("sentune.serving.page") / "static"
_NAMES = (
    *("index.html", "style.css", "main.js", "api.js", "columns.js", "document.js", "dom.js"),
    *("map.js", "painting.js", "reading.js"),
)
_ADDRESSES = {("/" if name == "index.html" else f"/page/{name}"): name for name in _NAMES}

OPEN = frozenset(_ADDRESSES)
"""What is served without a key."""


def page_routes(service: Service) -> APIRouter:
    """``/``, its scripts and its style, and the report. They are read once, now."""
    router = APIRouter(route_class=CheckedRoute, include_in_schema=False)
    for address, name in _ADDRESSES.items():
        kind = _KINDS[name[name.rindex(".") :]]
        router.get(address)(_file((_FOLDER / name).read_bytes(), kind))

    @router.get(REPORT)
    async def report() -> Response:
        return report_response(service.engine.plan)

    return router


def _file(content: bytes, kind: str) -> Callable[[], Coroutine[Any, Any, Response]]:
    async def serve() -> Response:
        return Response(content, 200, PAGE_HEADERS, kind)

    return serve
