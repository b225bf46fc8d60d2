"""Why the late stage gives a passage its score: the nearest token for each token of a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sentune.ranking.token_vectors import Compared, passage_tokens, question_tokens
from sentune.ranking.token_weights import Idf

if TYPE_CHECKING:
    from sentune.encoding.text_encoder import TextEncoder

__all__ = ["explained"]

_DIGITS = 4


def explained(model: TextEncoder, query: str, text: str, idf: Idf) -> dict[str, Any]:
    """``tokens`` of the question, each with its ``weight`` and its ``nearest`` token of the text.

    ``score`` is their MaxSim: the mean of weight times ``similarity``, from −1 to 1. An index with
    stored tokens has packed ones, whose scores differ a little.

    Cost: that of encoding both texts.
    """
    (asked,) = question_tokens(model, [query], idf)
    ((known,),) = passage_tokens(model, [text])
    if not len(asked) or not len(known):
        return {"score": 0.0, "tokens": []}
    products = asked @ known.T
    best = products.argmax(axis=1)
    weights = np.linalg.norm(asked, axis=1)
    names = _tokens(model, query, model.query_prompt)
    others = _tokens(model, text, model.document_prompt)
    return {
        "score": round(float(products.max(axis=1).mean()), _DIGITS),
        "tokens": [
            {
                "token": names[row],
                "weight": round(float(weight), _DIGITS),
                "nearest": others[place],
                "similarity": round(float(products[row, place] / max(weight, 1e-12)), _DIGITS),
            }
            for row, (weight, place) in enumerate(zip(weights, best.tolist(), strict=True))
            if weight > 0
        ],
    }


def _tokens(model: TextEncoder, text: str, prompt: str) -> list[str]:
    """The characters of each token that is compared."""
    (places,) = model.tokenizer.offsets([prompt + text])
    compared = Compared.of(model.tokenizer, prompt).of_text(len(places))
    return [(prompt + text)[a:b] for a, b in places[compared]]
