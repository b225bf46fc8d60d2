"""Routes that OpenAI's clients speak."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from starlette.responses import Response

from sentune.serving.answers import answer, vectors_listed, with_list
from sentune.serving.http.bodies import EmbeddingsBody
from sentune.serving.http.documented import EMBEDDINGS, MODELS
from sentune.serving.route import CheckedRoute
from sentune.serving.service import Embedded, Service

__all__ = ["openai_routes"]


def openai_routes(service: Service, started: int) -> APIRouter:
    """``/v1/embeddings`` and ``/v1/models``; ``started`` is when the server did, in seconds."""
    router = APIRouter(route_class=CheckedRoute)

    @router.post("/v1/embeddings", responses=EMBEDDINGS)
    async def embeddings(body: EmbeddingsBody) -> Response:
        """Vectors of texts."""
        found = await service.embed(body.input, dimensions=body.dimensions)
        content = await _content(found, body.encoding_format, service.model["name"])
        return answer(content, found.cut)

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


async def _content(found: Embedded, encoding: str, name: str) -> bytes:
    def shown(part: NDArray[np.float32], start: int) -> list[Any]:
        rows = _base64(part) if encoding == "base64" else part.tolist()
        return [
            {"object": "embedding", "index": number, "embedding": row}
            for number, row in enumerate(rows, start)
        ]

    usage = {
        "prompt_tokens": found.tokens,
        "total_tokens": found.tokens,
        "truncated_texts": found.cut.truncated,
        "truncated_tokens": found.cut.tokens_left_out,
    }
    data = await vectors_listed(found.vectors, shown)
    return with_list({"object": "list"}, "data", data, {"model": name, "usage": usage})


def _base64(vectors: NDArray[np.float32]) -> list[Any]:
    little = vectors.astype("<f4", copy=False)
    return [base64.b64encode(row.tobytes()).decode() for row in little]
