"""Whether the server can answer, and its figures."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from sentune.serving.answers import answer
from sentune.serving.figures import Figures
from sentune.serving.http.documented import HEALTH, METRICS
from sentune.serving.route import CheckedRoute
from sentune.serving.service import Service

__all__ = ["state_routes"]


def state_routes(service: Service, figures: Figures) -> APIRouter:
    """``/health`` and ``/metrics``."""
    router = APIRouter(route_class=CheckedRoute)

    @router.get("/health", responses=HEALTH)
    async def health() -> Response:
        """200 if the model has just computed a text, else 503."""
        engine = service.engine
        if engine.trouble or not await engine.alive():
            raise engine.refusal()
        return answer({"status": "ready"})

    @router.get("/metrics", responses=METRICS)
    async def metrics() -> Response:
        """Figures in the text format of Prometheus."""
        return Response(figures.text(), 200, media_type=figures.content_type)

    return router
