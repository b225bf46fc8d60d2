"""The map of the index's passages, single passages, and scores: what the page shows of hits."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from sentune.serving.http.bodies import ExplainBody, PassageBody, PlaceBody
from sentune.serving.http.documented import EXPLAINED, MAP, PASSAGE, PLACED
from sentune.serving.http.routes_search import indexed
from sentune.serving.route import CheckedRoute
from sentune.serving.service import Service

__all__ = ["map_routes"]

_MAP_COST = 4000  # tokens; of 20,000 passages about two seconds
_EXPLAIN_COST = 300
_COST = 50


def map_routes(service: Service) -> APIRouter:
    """``/map``, ``/passage`` and ``/explain``."""
    router = APIRouter(route_class=CheckedRoute)

    async def asked(op: str, body: bytes, cost: int) -> Response:
        indexed(service)
        _, content = await service.engine.ask(op, body, cost)
        return Response(content, 200, media_type="application/json")

    @router.get("/map", responses=MAP)
    async def whole() -> Response:
        """The places of passages in two dimensions, by each model; at most 20,000 of them."""
        return await asked("map", b"", _MAP_COST)

    @router.post("/map", responses=PLACED)
    async def placed(body: PlaceBody) -> Response:
        """The places of a question, and of passages by source and id."""
        return await asked("place", body.model_dump_json().encode(), _COST)

    @router.post("/passage", responses=PASSAGE)
    async def passage(body: PassageBody) -> Response:
        """A passage with its fields, by source and id."""
        return await asked("passage", body.model_dump_json().encode(), _COST)

    @router.post("/explain", responses=EXPLAINED)
    async def explain(body: ExplainBody) -> Response:
        """Why the late stage gives a text its score: each token of the question and its nearest."""
        return await asked("explain", body.model_dump_json().encode(), _EXPLAIN_COST)

    return router
