"""Reranking, in both shapes: that of text-embeddings-inference and that of Cohere."""

from __future__ import annotations

import json
import uuid
from typing import Any

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from starlette.responses import Response

from sentune.serving.answers import answer
from sentune.serving.http.bodies import RerankBody
from sentune.serving.http.documented import RERANKED
from sentune.serving.problems import unprocessable
from sentune.serving.route import CheckedRoute
from sentune.serving.service import Service
from sentune.serving.texts import Read

__all__ = ["rerank_routes"]


def rerank_routes(service: Service) -> APIRouter:
    """``/rerank``, ``/v1/rerank`` and ``/v2/rerank``: the field that is there decides the shape."""
    router = APIRouter(route_class=CheckedRoute)

    @router.post("/rerank", responses=RERANKED)
    @router.post("/v1/rerank", responses=RERANKED)
    @router.post("/v2/rerank", responses=RERANKED)
    async def rerank(body: RerankBody) -> Response:
        """Texts in the order of their scores for a query, the best first."""
        texts = _texts(body)
        service.require_few(len(texts))
        service.require_side(body.truncation_direction)
        if body.max_tokens_per_doc is not None:
            texts = await service.engine.reader.shortened(texts, body.max_tokens_per_doc)
        read, scores = await _scored(service, body, texts)
        chosen = scores[:, 1 if body.raw_scores else 0]
        order = np.argsort(-chosen, kind="stable")[: body.top_n]
        results = [(int(number), float(chosen[number])) for number in order]
        if body.texts is not None:
            return answer(_as_tei(results, texts if body.return_text else None), read.cut)
        shown = texts if body.return_documents or body.return_text else None
        return answer(_as_cohere(results, shown, service.ranks_with, read), read.cut)

    return router


def _texts(body: RerankBody) -> list[str]:
    if (body.texts is None) == (body.documents is None):
        raise unprocessable(
            "texts and documents" if body.texts is not None else "neither texts nor documents",
            expected="one of them",
            fix="send texts for a list of scores, or documents for the field results",
        )
    given = body.texts if body.texts is not None else body.documents or []
    return [each if isinstance(each, str) else each.text for each in given]


async def _scored(
    service: Service, body: RerankBody, texts: list[str]
) -> tuple[Read, NDArray[np.float32]]:
    """What was read, and (texts, 2) scores after and before the activation."""
    engine, truncate = service.engine, body.truncate is not False
    if engine.pair_reader is not None and service.reranker is not None:
        query = service.reranker["prompt"] + body.query
        read = await engine.pair_reader.pairs(query, texts, truncate=truncate)
        return read, await engine.score(read)
    prompt = service.model["document_prompt"]
    asked = await engine.reader.texts(
        [body.query], prompt=service.model["query_prompt"], truncate=truncate, first="the query"
    )
    read = await engine.reader.texts(texts, prompt=prompt, truncate=truncate)
    read.cut.add(asked.cut)
    parts: list[NDArray[np.float32]] = []
    for group, tokens in _groups(read, engine.limits.batch_tokens):
        message = json.dumps({"query": body.query, "texts": [texts[place] for place in group]})
        cost = tokens + asked.tokens
        head, content = await engine.ask("late", message.encode(), cost, begun=bool(parts))
        parts.append(np.frombuffer(content, "<f4").reshape(head["shape"]))
    return read, np.concatenate(parts)


def _groups(read: Read, most: int) -> list[tuple[list[int], int]]:
    """Places of texts that are computed together, and their tokens."""
    groups: list[tuple[list[int], int]] = []
    for place, ids in enumerate(read.ids):
        if groups and groups[-1][1] + len(ids) <= most:
            groups[-1] = ([*groups[-1][0], place], groups[-1][1] + len(ids))
        else:
            groups.append(([place], len(ids)))
    return groups


def _as_tei(results: list[tuple[int, float]], texts: list[str] | None) -> list[dict[str, Any]]:
    return [
        {"index": number, "score": score} | ({} if texts is None else {"text": texts[number]})
        for number, score in results
    ]


def _as_cohere(
    results: list[tuple[int, float]], texts: list[str] | None, model: str, read: Read
) -> dict[str, Any]:
    listed = [
        {"index": number, "relevance_score": score}
        | ({} if texts is None else {"document": {"text": texts[number]}})
        for number, score in results
    ]
    usage = {
        "prompt_tokens": read.tokens,
        "total_tokens": read.tokens,
        "truncated_texts": read.cut.truncated,
        "truncated_tokens": read.cut.tokens_left_out,
    }
    return {"id": str(uuid.uuid4()), "results": listed, "model": model, "usage": usage}
