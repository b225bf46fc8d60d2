"""GISTEmbedLoss against its formula, number by number, and what it asks of its guide."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.training.batches.collator import Batch
from sentune.training.losses import CachedGISTEmbedLoss, GISTEmbedLoss

DrawColumns = Callable[..., list[Tensor]]
MakeBatch = Callable[..., Batch]

TEMPERATURE = 0.5


def cosine(a: Tensor, b: Tensor) -> float:
    x: list[float] = a.tolist()
    y: list[float] = b.tolist()
    dot = sum(p * q for p, q in zip(x, y, strict=True))
    return dot / math.sqrt(sum(p * p for p in x) * sum(q * q for q in y))


def by_hand(
    columns: list[Tensor],
    guide: list[Tensor],
    strategy: str,
    margin: float,
    anchors: bool,
    positives: bool,
) -> tuple[float, int]:
    """The loss, and how many candidates were left out."""
    total, left_out = 0.0, 0
    rows = len(columns[0])
    for i in range(rows):
        own = cosine(guide[0][i], guide[1][i])
        threshold = own - margin if strategy == "absolute" else own - margin * abs(own)
        pairs = [(0, i, c, j) for c in range(1, len(columns)) for j in range(rows)]
        pairs += [(0, i, 0, j) for j in range(rows) if anchors and j != i]
        pairs += [(1, i, 1, j) for j in range(rows) if positives and j != i]
        inside = 0.0
        for c, k, d, j in pairs:
            if (c, d, j) != (0, 1, i) and cosine(guide[c][k], guide[d][j]) >= threshold:
                left_out += 1
                continue
            inside += math.exp(cosine(columns[c][k], columns[d][j]) / TEMPERATURE)
        total += math.log(inside) - cosine(columns[0][i], columns[1][i]) / TEMPERATURE
    return total / rows, left_out


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize(
    ("strategy", "margin"),
    [("absolute", 0.0), ("absolute", 0.3), ("absolute", -0.2), ("relative", 0.2)],
)
@pytest.mark.parametrize(("anchors", "positives"), [(True, True), (True, False), (False, True)])
def test_the_value_is_the_formula(
    tiny: SentenceTransformer,
    draw: DrawColumns,
    count: int,
    strategy: str,
    margin: float,
    anchors: bool,
    positives: bool,
) -> None:
    columns, guide = draw(5, count), draw(5, count, dim=3, seed=1)
    wanted, left_out = by_hand(columns, guide, strategy, margin, anchors, positives)
    loss = GISTEmbedLoss(None, tiny, TEMPERATURE, strategy, margin, anchors, positives)
    assert loss(columns, guide_columns=guide).item() == pytest.approx(wanted, abs=1e-12)
    assert 0 < left_out < 5 * 5 * (count - 1) + 5 * 4 * (anchors + positives)


def test_autograd_agrees_with_differences(tiny: SentenceTransformer, draw: DrawColumns) -> None:
    guide = draw(3, 3, seed=1)
    loss = GISTEmbedLoss(None, tiny, TEMPERATURE)
    assert torch.autograd.gradcheck(lambda *given: loss(given, guide_columns=guide), draw(3, 3))
    assert all(column.grad is None for column in guide)


def test_a_positive_equal_to_its_anchor_stays(tiny: SentenceTransformer) -> None:
    same = torch.eye(3, dtype=torch.float64)
    loss = GISTEmbedLoss(None, tiny, 1.0)([same, same], guide_columns=[same, same])
    # Each row: the own positive at 1, and two positives, two anchors, two positives at 0.
    assert loss.item() == pytest.approx(math.log(math.e + 6) - 1, abs=1e-12)


def test_a_second_copy_of_the_positive_is_no_negative(tiny: SentenceTransformer) -> None:
    anchors, positives = torch.eye(2, 4), torch.ones(2, 4)
    loss = GISTEmbedLoss(None, tiny, 1.0, contrast_anchors=False, contrast_positives=False)
    assert loss([anchors, positives], guide_columns=[anchors, positives]).item() == 0.0


def test_the_guide_reads_each_text_once(
    tiny: SentenceTransformer, make_batch: MakeBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = GISTEmbedLoss(None, tiny)
    read: list[str] = []
    encode = tiny.encode

    def counting(texts: list[str], **options: Any) -> object:
        read.extend(texts)
        return encode(texts, **options)

    monkeypatch.setattr(tiny, "encode", counting)
    texts = ["a lock", "a thread", "a queue"], ["a mutex", "a lock", "a pipe"]
    batch = make_batch(tiny, *texts)
    first = loss.context(batch)["guide_columns"]
    again = loss.context(make_batch(tiny, ["a pipe"], ["a socket"]))["guide_columns"]
    assert sorted(read) == ["a lock", "a mutex", "a pipe", "a queue", "a socket", "a thread"]
    for column, vectors in zip(texts, first, strict=True):
        assert torch.allclose(vectors, torch.from_numpy(encode(column)), atol=1e-6)
    assert torch.equal(again[0][0], first[1][2])


def test_training_leaves_the_guide_alone(tiny: SentenceTransformer) -> None:
    assert not list(GISTEmbedLoss(None, tiny).parameters())


def test_a_guide_must_be_another_model(tiny: SentenceTransformer, draw: DrawColumns) -> None:
    with pytest.raises(ArgumentError, match="the trained model as guide"):
        GISTEmbedLoss(tiny, tiny)
    with pytest.raises(ArgumentError, match="guide 'all-MiniLM-L6-v2'"):
        GISTEmbedLoss(None, "all-MiniLM-L6-v2")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="guide's vectors"):
        GISTEmbedLoss(None, tiny)(draw(2, 2))


def test_bad_arguments_are_refused(tiny: SentenceTransformer, draw: DrawColumns) -> None:
    with pytest.raises(ArgumentError, match="1 column"):
        GISTEmbedLoss(None, tiny)(draw(2, 1), guide_columns=draw(2, 1))
    with pytest.raises(ArgumentError, match="'percentage': expected one of absolute, relative"):
        GISTEmbedLoss(None, tiny, margin_strategy="percentage")
    for temperature in (0.0, -1.0, math.nan):
        with pytest.raises(ArgumentError, match="temperature"):
            GISTEmbedLoss(None, tiny, temperature)
    with pytest.raises(ArgumentError, match="mini_batch_size is 0"):
        CachedGISTEmbedLoss(None, tiny, mini_batch_size=0)


def test_the_card_states_its_parameters(tiny: SentenceTransformer) -> None:
    loss = CachedGISTEmbedLoss(None, tiny, 0.05, 8, margin_strategy="relative", margin=0.1)
    assert loss.describe() == {
        "guide": tiny.base.name,
        "temperature": 0.05,
        "margin_strategy": "relative",
        "margin": 0.1,
        "contrast_anchors": True,
        "contrast_positives": True,
        "mini_batch_size": 8,
    }
    assert "2402.16829" in loss.citation
    assert "2101.06983" in loss.citation
    assert "2101.06983" not in GISTEmbedLoss(None, tiny).citation
