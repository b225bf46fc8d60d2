"""Routes that OpenAI's clients speak."""

from __future__ import annotations

import base64
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from sentune.serving.http.bodies import EmbeddingsBody
from sentune.serving.http.documented import EMBEDDINGS, MODELS
from sentune.serving.route import CheckedRoute
from sentune.serving.service import Embedded, Service, answer

__all__ = ["openai_routes"]


def openai_routes(service: Service, started: int) -> APIRouter:
    """``/v1/embeddings`` and ``/v1/models``; ``started`` is when the server did, in seconds."""
    router = APIRouter(route_class=CheckedRoute)

    @router.post("/v1/embeddings", responses=EMBEDDINGS)
    async def embeddings(body: EmbeddingsBody) -> Response:
        """Vectors of texts."""
        found = await service.embed(body.input, dimensions=body.dimensions)
        return answer(_content(found, body.encoding_format, service.model["name"]), found.cut)

    @router.get("/v1/models", responses=MODELS)
    async def models() -> Response:
        """The models: there is one for vectors, and perhaps one that reranks."""
        names = [part["name"] for part in service.models]
        listed = [
            {"id": name, "object": "model", "created": started, "owned_by": "sentune"}
            for name in names
        ]
        return answer({"object": "list", "data": listed})

    return router


def _content(found: Embedded, encoding: str, name: str) -> dict[str, Any]:
    rows: list[Any]
    if encoding == "base64":
        little = found.vectors.astype("<f4", copy=False)
        rows = [base64.b64encode(row.tobytes()).decode() for row in little]
    else:
        rows = found.vectors.tolist()
    usage = {
        "prompt_tokens": found.tokens,
        "total_tokens": found.tokens,
        "truncated_texts": found.cut.truncated,
        "truncated_tokens": found.cut.tokens_left_out,
    }
    data = [
        {"object": "embedding", "index": number, "embedding": row}
        for number, row in enumerate(rows)
    ]
    return {"object": "list", "data": data, "model": name, "usage": usage}
