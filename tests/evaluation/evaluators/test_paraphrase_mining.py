from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sentune.errors import ArgumentError
from sentune.evaluation import ParaphraseMiningEvaluator

Any_ = Callable[..., Any]
TEXTS = {f"id{number}": f"text {number}" for number in range(30)}


def pairs(seed: int) -> list[tuple[str, str]]:
    rng = np.random.default_rng(seed)
    found = [tuple(rng.choice(list(TEXTS), 2, replace=False).tolist()) for _ in range(25)]
    return [*found, found[0], ("id1", "gone"), ("id3", "id3")]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("closure", [True, False])
@pytest.mark.parametrize("options", [{}, {"top_k": 3}, {"max_pairs": 40}, {"name": "dev"}])
def test_equals_the_reference(
    reference: Any, make_table: Any_, compare: Any_, seed: int, closure: bool, options: Any
) -> None:
    model = make_table(TEXTS.values(), seed=seed, dim=3)
    given = (TEXTS, pairs(seed)[: 8 if closure else None], None, closure)
    compare(
        ParaphraseMiningEvaluator(*given, **options),
        reference.ParaphraseMiningEvaluator(*given, **options),
        model,
    )


def test_duplicates_as_a_mapping(reference: Any, make_table: Any_, compare: Any_) -> None:
    known = {"id1": {"id2": True, "id4": False}, "id2": {"id1": True}, "id4": {"id1": False}}
    both = ParaphraseMiningEvaluator(TEXTS, [("id5", "id6")], known)
    assert both.total_num_duplicates == 2
    # The reference raises KeyError for a plain dictionary.
    lenient: Any = defaultdict(lambda: defaultdict(bool))
    lenient.update({one: defaultdict(bool, others) for one, others in known.items()})
    compare(
        ParaphraseMiningEvaluator(TEXTS, None, known),
        reference.ParaphraseMiningEvaluator(TEXTS, None, lenient),
        make_table(TEXTS.values()),
    )


def test_nothing_found(reference: Any, make_table: Any_, compare: Any_) -> None:
    given = ({"a": "x", "b": "y"}, [("a", "z")])
    compare(
        ParaphraseMiningEvaluator(*given),
        reference.ParaphraseMiningEvaluator(*given),
        make_table(["x", "y"]),
    )
    assert not any(ParaphraseMiningEvaluator({"a": "x"})(make_table(["x"])).values())


def test_closure() -> None:
    graph = {"a": {"b": True}, "b": {"a": True, "c": True}, "c": {"b": True}}
    assert ParaphraseMiningEvaluator.add_transitive_closure(graph) == {
        one: dict.fromkeys({"a", "b", "c"} - {one}, True) for one in "abc"
    }


@pytest.mark.parametrize("name", ["top_k", "max_pairs", "query_chunk_size", "corpus_chunk_size"])
def test_sizes_below_one_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match=name):
        ParaphraseMiningEvaluator(TEXTS, **{name: 0})  # type: ignore[arg-type]
