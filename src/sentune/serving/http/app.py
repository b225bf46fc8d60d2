"""All routes together, behind the gate."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sentune.errors import ArgumentError, PoolError
from sentune.serving.engine import Engine
from sentune.serving.figures import Figures
from sentune.serving.http.direct import Direct
from sentune.serving.http.gate import Gate
from sentune.serving.http.routes_map import map_routes
from sentune.serving.http.routes_ollama import ollama_routes
from sentune.serving.http.routes_openai import openai_routes
from sentune.serving.http.routes_rerank import rerank_routes
from sentune.serving.http.routes_search import search_routes
from sentune.serving.http.routes_state import state_routes
from sentune.serving.http.routes_tei import tei_routes
from sentune.serving.page import OPEN, REPORT, page_routes
from sentune.serving.problems import problem
from sentune.serving.route import CheckedRoute
from sentune.serving.service import Service

__all__ = ["application"]


def application(engine: Engine, figures: Figures, key: str | None = None) -> Gate:
    """The ASGI application for an engine, which may start later; requests get 503 until then."""
    service, started = Service(engine), int(time.time())
    # FastAPI's own pages load scripts from elsewhere.
    app = FastAPI(title="sentune", version=version("sentune"), docs_url=None, redoc_url=None)
    routers = (
        openai_routes(service, started),
        tei_routes(service),
        rerank_routes(service),
        ollama_routes(service, started),
        search_routes(service),
        state_routes(service, figures),
        map_routes(service),
        page_routes(service),
    )
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(HTTPException, _unknown)
    app.add_exception_handler(Exception, _failed)
    figures.watch("sentune_accepted_requests", "Accepted, not answered.", lambda: engine.accepted)
    figures.watch(
        "sentune_waiting_tokens", "Accepted, not computed.", lambda: engine.waiting_tokens
    )
    figures.watch("sentune_ready", "1 if requests are accepted.", lambda: float(not engine.trouble))
    routes = frozenset({*app.openapi()["paths"], *OPEN, REPORT})
    checked = [each for router in routers for each in router.routes]
    direct = Direct(app, [each for each in checked if isinstance(each, CheckedRoute)], _failed)
    return Gate(direct, engine, figures, routes, key, OPEN)


async def _failed(request: Request, error: Exception) -> Response:
    """The answer to what nobody foresaw; the gate writes where it happened."""
    told = PoolError(
        f"the server failed ({type(error).__name__})",
        expected="an answer",
        fix="read what the server wrote to standard error",
    )
    return problem(request.url.path, 500, told, {})


async def _unknown(request: Request, error: Any) -> Response:
    """A path or a method that there is none of."""
    given = "there is no such route" if error.status_code == 404 else "the method does not fit"
    told = ArgumentError(
        given, expected="a route of /openapi.json", fix="correct the address or the method"
    )
    return problem(request.url.path, error.status_code, told, dict(error.headers or {}))
