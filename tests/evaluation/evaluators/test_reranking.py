from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sentune.errors import ArgumentError, DataError
from sentune.evaluation import RerankingEvaluator

Any_ = Callable[..., Any]
Q, D = [f"q{number}" for number in range(20)], [f"d{number}" for number in range(60)]


def samples(seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    found = []
    for query in Q:
        chosen = rng.choice(D, rng.integers(2, 20), replace=False).tolist()
        cut = int(rng.integers(0, len(chosen)))
        found.append({"query": query, "positive": chosen[:cut], "negative": chosen[cut:]})
    found[0] = {"query": "q0", "positive": "d1", "negative": "d2"}
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("levels", [0, 3])
@pytest.mark.parametrize("batched", [True, False])
def test_equals_the_reference(
    reference: Any, make_table: Any_, compare: Any_, seed: int, levels: int, batched: bool
) -> None:
    model = make_table(Q, D, levels=levels, seed=seed, dim=3 if levels else 8)
    options: Any = {"name": "dev", "at_k": 3 + seed, "use_batched_encoding": batched}
    compare(
        RerankingEvaluator(samples(seed), **options),
        reference.RerankingEvaluator(samples(seed), **options),
        model,
    )


def test_another_similarity(reference: Any, make_table: Any_, compare: Any_) -> None:
    from sentence_transformers.util import dot_score

    given = (samples(5), 10, "", True, dot_score, 16, False, True, 4)
    compare(RerankingEvaluator(*given), reference.RerankingEvaluator(*given), make_table(Q, D))
    by_name = dict(enumerate(samples(5)))
    assert RerankingEvaluator(by_name, mrr_at_k=7).primary_metric == "ndcg@7"


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(DataError, match="0 samples, none"):
        RerankingEvaluator([])
    with pytest.raises(DataError, match="1 samples, none"):
        RerankingEvaluator([{"query": "q", "positive": ["p"], "negative": []}])
    with pytest.raises(DataError, match="sample 0 without positive, negative"):
        RerankingEvaluator([{"query": "q", "documents": ["p"]}])
    with pytest.raises(ArgumentError, match="at_k"):
        RerankingEvaluator(samples(0), at_k=0)
