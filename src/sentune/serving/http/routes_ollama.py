"""Routes that the client of ollama speaks, and programs that know only it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from importlib import metadata

from fastapi import APIRouter
from starlette.responses import Response

from sentune.serving.answers import answer, vectors_listed, with_list
from sentune.serving.http.bodies import OldOllamaBody, OllamaBody
from sentune.serving.http.documented import OLD_OLLAMA, OLLAMA, TAGS, VERSION
from sentune.serving.route import CheckedRoute
from sentune.serving.service import Service

__all__ = ["ollama_routes"]


def ollama_routes(service: Service, started: int) -> APIRouter:
    """``/api/embed``, ``/api/tags`` and ``/api/version``."""
    router = APIRouter(route_class=CheckedRoute)

    @router.post("/api/embed", responses=OLLAMA)
    async def embed(body: OllamaBody) -> Response:
        """Vectors of texts."""
        began = time.perf_counter_ns()
        found = await service.embed(body.input, truncate=body.truncate, dimensions=body.dimensions)
        vectors = await vectors_listed(found.vectors)
        told = {
            "total_duration": time.perf_counter_ns() - began,
            "load_duration": 0,
            "prompt_eval_count": found.tokens,
            "truncated_texts": found.cut.truncated,
            "truncated_tokens": found.cut.tokens_left_out,
        }
        content = with_list({"model": service.model["name"]}, "embeddings", vectors, told)
        return answer(content, found.cut)

    @router.post("/api/embeddings", responses=OLD_OLLAMA)
    async def embeddings(body: OldOllamaBody) -> Response:
        """The vector of a text."""
        found = await service.embed(body.prompt)
        return answer({"embedding": found.vectors[0].tolist()}, found.cut)

    @router.get("/api/tags", responses=TAGS)
    async def tags() -> Response:
        """The model."""
        return answer({"models": [_tag(service, started)]})

    @router.get("/api/version", responses=VERSION)
    async def version() -> Response:
        """The version of sentune."""
        return answer({"version": metadata.version("sentune")})

    return router


def _tag(service: Service, started: int) -> dict[str, object]:
    model = service.model
    known = model["fingerprint"]
    return {
        "name": model["name"],
        "model": model["name"],
        "modified_at": datetime.fromtimestamp(started, UTC).isoformat(),
        "size": model["bytes"],
        "digest": known["weights"],
        "details": {
            "parent_model": "",
            "format": "safetensors",
            "family": model["kind"],
            "families": [model["kind"]],
            "parameter_size": f"{model['bytes'] / 4e6:.0f}M",
            "quantization_level": known["number_format"],
        },
    }
