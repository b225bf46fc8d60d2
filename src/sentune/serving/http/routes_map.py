"""The map of the index's passages, single passages, and scores: what the page shows of hits."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from sentune.serving.http.bodies import ExplainBody, PassageBody, PlaceBody
from sentune.serving.http.documented import EXPLAINED, MAP, PASSAGE, PLACED
from sentune.serving.http.routes_search import indexed
from sentune.serving.problems import unprocessable
from sentune.serving.route import CheckedRoute
from sentune.serving.service import Service

__all__ = ["map_routes"]

_EXPLAIN_COST = 300
_COST = 50


def map_routes(service: Service) -> APIRouter:
    """``/map``, ``/passage`` and ``/explain``."""
    router = APIRouter(route_class=CheckedRoute)

    async def by_map(op: str, head: dict[str, Any], query: str = "") -> bytes:
        """Ask the map's process, with the vectors of a question if there is one."""
        indexed(service)
        head, vectors = {**head, "model": service.model["fingerprint"]}, b""
        if query:
            told, vectors = await service.engine.ask("question", _json({"query": query}), _COST)
            head = {**head, "widths": told["widths"]}
        return await service.engine.map.ask(op, head, vectors)

    @router.get("/map", responses=MAP)
    async def whole() -> Response:
        """The places of passages in two dimensions, by each model; at most 20,000 of them."""
        return _answer(await by_map("map", {}))

    @router.post("/map", responses=PLACED)
    async def placed(body: PlaceBody) -> Response:
        """The places of a question, and of passages by source and id."""
        passages = [each.model_dump() for each in body.passages]
        return _answer(await by_map("place", {"passages": passages}, body.query))

    @router.post("/passage", responses=PASSAGE)
    async def passage(body: PassageBody) -> Response:
        """A passage with its fields, by source and id."""
        return _answer(await by_map("passage", body.model_dump()))

    @router.post("/explain", responses=EXPLAINED)
    async def explain(body: ExplainBody) -> Response:
        """Why the late stage gives a text its score: each token of the question and its nearest.

        Of a passage it is the piece that the late stage reads, which the answer has too.
        """
        indexed(service)
        read: dict[str, Any] = {}
        text = body.text
        if text is None or body.source is not None or body.id is not None:
            name = _named(body)
            read = json.loads(await by_map("read", {**name, "query": body.query}, body.query))
            text = read["piece"]
        asked = _json({"query": body.query, "text": text})
        _, content = await service.engine.ask("explain", asked, _EXPLAIN_COST, begun=bool(read))
        return _answer(_json({**json.loads(content), **read}) if read else content)

    return router


def _named(body: ExplainBody) -> dict[str, str]:
    if body.text is not None or body.source is None or body.id is None:
        raise unprocessable(
            "a text and a passage" if body.text is not None else "neither a text nor a passage",
            expected="text, or source and id",
            fix="send one of the two",
        )
    return {"source": body.source, "id": body.id}


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


def _answer(content: bytes) -> Response:
    return Response(content, 200, media_type="application/json")
