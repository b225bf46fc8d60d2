"""Mined negatives beside the reference's ``mine_hard_negatives``, with the same settings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import datasets
import pytest
from tests.remembered import remember

from sentune import SentenceTransformer
from sentune.data.pairs import Pairs
from sentune.training.mining.mine import mine_hard_negatives


@pytest.fixture(scope="module", autouse=True)
def _encoded_once(model: SentenceTransformer, reference: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for each in (model, reference):
            remember(each, patch)
        yield


@pytest.fixture(scope="module")
def pairs(real_texts: list[str]) -> Pairs:
    """The opening of a real text asks for what follows."""
    texts = [text for text in dict.fromkeys(real_texts) if len(text.split()) > 20][:120]
    questions = {f"q{n}": " ".join(text.split()[:7]) + f" {n}" for n, text in enumerate(texts)}
    rest = {" ".join(text.split()[7:27]): None for text in texts}
    passages = {f"p{n}": text for n, text in enumerate(rest)}
    relevant = {f"q{n}": (f"p{n}",) for n in range(len(passages))}
    return Pairs({key: questions[key] for key in relevant}, passages, relevant)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "given",
    [
        {"relative_margin": 0.05},
        {"relative_margin": 0.2, "range_min": 2, "num_negatives": 5},
        {"relative_margin": None, "absolute_margin": 0.1, "max_score": 0.5},
        {"relative_margin": None, "min_score": 0.3, "range_max": 20},
    ],
)
def test_the_same_negatives_as_the_reference(
    pairs: Pairs, model: SentenceTransformer, reference: Any, given: dict[str, Any]
) -> None:
    from sentence_transformers.util import mine_hard_negatives as theirs

    mined = mine_hard_negatives(pairs, model, **given)
    rows = {"anchor": list(pairs.questions.values()), "positive": list(pairs.passages.values())}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Ours looks at all candidates where no range is given, theirs only at the first few.
        found = theirs(
            datasets.Dataset.from_dict(rows),
            reference,
            verbose=False,
            **{"range_max": len(pairs.passages), **given},
        )
    wanted: dict[str, list[str]] = {text: [] for text in pairs.questions.values()}
    for anchor, negative in zip(found["anchor"], found["negative"], strict=True):
        wanted[anchor].append(negative)
    agree = compared = 0
    for key, negatives in mined.mined.items():
        ours = [negative.text for negative in negatives]
        compared += len(ours)
        agree += ours == wanted[pairs.questions[key]]
    assert compared > 200
    assert mined.left_out["shared"] == 0
    # Ours leaves out what is nearly the positive, which theirs does not know.
    assert agree >= len(mined.mined) - mined.left_out["same"]
    assert mined.left_out["same"] < 5
