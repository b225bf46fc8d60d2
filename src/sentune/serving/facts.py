"""What a worker tells of its models: the server reads texts with the very same tokenizers."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import tokenizers

from sentune.encoding.fingerprint import fingerprint
from sentune.tokens.prompts import choose_prompt
from sentune.tokens.tokenizer import Tokenizer

if TYPE_CHECKING:
    from sentune.cross_encoder import CrossEncoder
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.model_folder.resolve import BaseModel

__all__ = ["model_facts", "read_tokenizer", "reranker_facts"]

_JSON_BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)


def model_facts(model: SentenceTransformer) -> dict[str, Any]:
    """The settings of a model, as plain values."""
    return {
        "name": _name(model.base),
        "kind": model.encoder.config.model_type,
        "fingerprint": fingerprint(model).to_json(),
        "device": str(model.device),
        "width": model.output_dimension,
        "dimension": model.get_embedding_dimension(),
        "smaller": _smaller(model),
        "normalize": model.normalize,
        "pooling": model.pooling.modes[0] if len(model.pooling.modes) == 1 else "concatenated",
        "prompts": dict(model.prompts),
        "default_prompt_name": model.default_prompt_name,
        "query_prompt": model.query_prompt,
        "document_prompt": model.document_prompt,
        "skips_prompt": not model.pooling.include_prompt,
        "similarity": model.similarity_fn_name,
        "bytes": sum(each.numel() * each.element_size() for each in model.parameters()),
        "tokenizer": _tokenizer(model.tokenizer),
    }


def reranker_facts(model: CrossEncoder) -> dict[str, Any]:
    """The settings of a cross-encoder, as plain values."""
    digest = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        digest.update(name.encode())
        values = parameter.detach().float().cpu().contiguous().numpy()
        digest.update(np.ascontiguousarray(values, "<f4").data)
    return {
        "name": _name(model.base),
        "weights": digest.hexdigest(),
        "prompt": choose_prompt(model.prompts, model.default_prompt_name, None, None),
        "tokenizer": _tokenizer(model.tokenizer),
    }


def _name(base: BaseModel) -> str:
    """What clients call the model: of a folder the last part, since the rest is nobody's affair."""
    return base.folder.resolve().name if base.origin == "local folder" else base.name


def _smaller(model: SentenceTransformer) -> list[int]:
    """The dimensions below the whole one that training prepared, the largest first.

    They are in the settings of the folder, or in a card that lists the parameters of its loss.
    """
    most = model.get_embedding_dimension()
    given = model.extras.get("matryoshka_dims") or _of_card(model.model_card)
    found = {size for size in given if type(size) is int and 0 < size < most}
    return sorted(found, reverse=True)


def _of_card(card: str) -> list[Any]:
    for block in _JSON_BLOCK.findall(card):
        try:
            content = json.loads(block)
        except ValueError:
            continue
        sizes = content.get("matryoshka_dims") if isinstance(content, dict) else None
        if isinstance(sizes, list):
            return sizes
    return []


def _tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    return {
        "content": tokenizer.to_json(),
        "max_seq_length": tokenizer.max_seq_length,
        "truncation_side": tokenizer.truncation_side,
        "split_special_tokens": tokenizer.split_special_tokens,
        "known_ids": tokenizer.known_ids,
    }


def read_tokenizer(facts: dict[str, Any]) -> Tokenizer:
    """The tokenizer that a worker told of."""
    parsed = tokenizers.Tokenizer.from_str(facts["content"])
    return Tokenizer(parsed, **{name: facts[name] for name in facts if name != "content"})
