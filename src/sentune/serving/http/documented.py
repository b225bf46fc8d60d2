"""What the schema says of answers."""

from __future__ import annotations

from typing import Any

__all__ = [
    "EMBEDDINGS",
    "EXPLAINED",
    "FOUND",
    "HEALTH",
    "INFO",
    "MAP",
    "METRICS",
    "MODELS",
    "NUMBERS",
    "OLD_OLLAMA",
    "OLLAMA",
    "PASSAGE",
    "PLACED",
    "RERANKED",
    "TAGS",
    "TOKENS",
    "VECTORS",
    "VERSION",
]

Responses = dict[int | str, dict[str, Any]]

_NUMBER: dict[str, Any] = {"type": "number"}
_WHOLE: dict[str, Any] = {"type": "integer"}
_TEXT: dict[str, Any] = {"type": "string"}
_PROBLEM = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"anyOf": [_TEXT, {"type": "object"}]}},
}
_REFUSALS = {
    400: "It can be read, and this server cannot do it: another size, or token ids.",
    401: "The key is missing or wrong.",
    404: "There is no index, or no such route.",
    408: "The request took too long to arrive.",
    413: "Too many bytes, texts or tokens.",
    415: "It is not JSON.",
    422: "It does not fit the schema, or a text is too long and truncate is false.",
    429: "The queue is full; Retry-After says when to come again.",
    500: "The model failed.",
    503: "The model is not ready, or the server stops.",
}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _answers(schema: dict[str, Any], *, kind: str = "application/json") -> Responses:
    refusals: Responses = {
        status: {"description": told, "content": {"application/json": {"schema": _PROBLEM}}}
        for status, told in _REFUSALS.items()
    }
    done = {"description": "Done.", "content": {kind: {"schema": schema}}}
    return {200: done, **refusals}


_USAGE = _object(
    prompt_tokens=_WHOLE, total_tokens=_WHOLE, truncated_texts=_WHOLE, truncated_tokens=_WHOLE
)
_VECTOR = _list(_NUMBER)

EMBEDDINGS = _answers(
    _object(
        object=_TEXT,
        data=_list(_object(object=_TEXT, index=_WHOLE, embedding={"anyOf": [_VECTOR, _TEXT]})),
        model=_TEXT,
        usage=_USAGE,
    )
)
MODELS = _answers(_object(object=_TEXT, data=_list(_object(id=_TEXT, object=_TEXT))))
VECTORS = _answers(_list(_VECTOR))
NUMBERS = _answers(_VECTOR)
TOKENS = _answers(_list(_list(_object(id=_WHOLE, text=_TEXT, special={"type": "boolean"}))))
INFO = _answers(_object(model_id=_TEXT, model_dtype=_TEXT, max_input_length=_WHOLE))
RERANKED = _answers(
    {
        "anyOf": [
            _list(_object(index=_WHOLE, score=_NUMBER)),
            _object(results=_list(_object(index=_WHOLE, relevance_score=_NUMBER))),
        ]
    }
)
OLLAMA = _answers(_object(model=_TEXT, embeddings=_list(_VECTOR)))
OLD_OLLAMA = _answers(_object(embedding=_VECTOR))
TAGS = _answers(_object(models=_list(_object(name=_TEXT, model=_TEXT))))
VERSION = _answers(_object(version=_TEXT))
_HIT = _object(
    rank=_WHOLE,
    id=_TEXT,
    score=_NUMBER,
    similarity={"anyOf": [_NUMBER, {"type": "null"}]},
    text=_TEXT,
    piece=_TEXT,
    piece_number=_WHOLE,
    pieces=_WHOLE,
    source=_TEXT,
    fields={"type": "object"},
)
FOUND = _answers(
    _object(
        modes=_list(_TEXT),
        hits=_list(_HIT),
        results={"type": "object", "additionalProperties": _list(_HIT)},
    )
)
_POINTS = _object(source=_list(_TEXT), id=_list(_TEXT), text=_list(_TEXT))
MAP = _answers(_object(passages=_WHOLE, drawn=_WHOLE, points=_POINTS))
PLACED = _answers(_object(query={"type": "object"}, passages=_list({"type": "object"})))
_TOKENS = _list(_object(token=_TEXT, weight=_NUMBER, nearest=_TEXT, similarity=_NUMBER))
_OF_TEXT = _object(score=_NUMBER, tokens=_TOKENS)
_OF_PASSAGE = _object(
    score=_NUMBER, tokens=_TOKENS, piece=_TEXT, piece_number=_WHOLE, pieces=_WHOLE
)
EXPLAINED = _answers({"anyOf": [_OF_PASSAGE, _OF_TEXT]})
PASSAGE = _answers(
    _object(id=_TEXT, text=_TEXT, source=_TEXT, fields={"type": "object"}, pieces=_WHOLE)
)
HEALTH = _answers(_object(status=_TEXT))
METRICS = _answers(_TEXT, kind="text/plain; version=1.0.0; charset=utf-8")
