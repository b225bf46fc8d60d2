"""Routes that clients of text-embeddings-inference speak, and those of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from sentune.serving.answers import answer, vectors_listed
from sentune.serving.http.bodies import (
    EmbedBody,
    SimilarityBody,
    SimilarityParameters,
    TokenizeBody,
)
from sentune.serving.http.documented import INFO, NUMBERS, TOKENS, VECTORS
from sentune.serving.page.report import report_of
from sentune.serving.route import CheckedRoute
from sentune.serving.service import Service
from sentune.serving.vectors import compared

__all__ = ["tei_routes"]


def tei_routes(service: Service) -> APIRouter:
    """``/embed`` and what belongs to it."""
    router = APIRouter(route_class=CheckedRoute)

    # A client of the hub posts to exactly the address that it is given.
    @router.post("/", responses=VECTORS)
    @router.post("/embed", responses=VECTORS)
    async def embed(body: EmbedBody) -> Response:
        """Vectors of texts, one list for each."""
        found = await service.embed(
            body.inputs,
            truncate=body.truncate,
            direction=body.truncation_direction,
            normalize=body.normalize,
            prompt_name=body.prompt_name,
            dimensions=body.dimensions,
        )
        return answer(await vectors_listed(found.vectors), found.cut)

    @router.post("/similarity", responses=NUMBERS)
    async def similarity(body: SimilarityBody) -> Response:
        """The similarity of one sentence to each of the others, by the model's function."""
        given = body.parameters or SimilarityParameters()
        found = await service.embed(
            [body.inputs.source_sentence, *body.inputs.sentences],
            truncate=given.truncate,
            direction=given.truncation_direction,
            prompt_name=given.prompt_name,
            first="the source sentence",
        )
        first, others = found.vectors[:1], found.vectors[1:]
        return answer(compared(first, others, service.model["similarity"]), found.cut)

    @router.post("/tokenize", responses=TOKENS)
    async def tokenize(body: TokenizeBody) -> Response:
        """The tokens of texts, without the length limit."""
        texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
        service.require_few(len(texts))
        prompt = service.prompt(body.prompt_name)
        found = await service.engine.reader.tokens_listed(
            [prompt + text for text in texts], special=body.add_special_tokens
        )
        return answer(b"[%b]" % b",".join(found))

    @router.get("/info", responses=INFO)
    async def info() -> Response:
        """What is served, and the limits."""
        return answer(_info(service))

    return router


def _info(service: Service) -> dict[str, Any]:
    model, limits = service.model, service.engine.limits
    known = model["fingerprint"]
    content = {
        "model_id": model["name"],
        "model_sha": known["weights"],
        "model_dtype": known["number_format"],
        "model_type": {"embedding": {"pooling": model["pooling"]}},
        "dimensions": [model["dimension"], *model["smaller"]],
        "normalize": model["normalize"],
        "prompts": _names(model["prompts"]),
        "similarity": model["similarity"],
        "max_concurrent_requests": limits.requests,
        "max_input_length": known["max_seq_length"],
        "max_batch_tokens": limits.batch_tokens,
        "max_batch_requests": None,
        "max_client_batch_size": limits.inputs,
        "auto_truncate": True,
        "tokenization_workers": 1,
        "version": version("sentune"),
        "sha": None,
        "docker_label": None,
        "index": service.engine.facts.get("index"),
        "report": report_of(service.engine.plan) is not None,
    }
    if service.reranker is not None:
        content["reranker"] = service.reranker["name"]
    return content


def _names(prompts: dict[str, str]) -> Sequence[str]:
    return list(prompts)
