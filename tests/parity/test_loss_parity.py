"""Every loss beside the reference's of the same name, in float64, on the same vectors."""

from __future__ import annotations

import inspect
import warnings
from itertools import combinations
from typing import Any

import pytest
import torch
from tests.parity.given_vectors import ROWS, Given, assert_equal, columns

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.training import losses
from sentune.training.losses import (
    CachedMultipleNegativesRankingLoss,
    ContrastiveLoss,
    CoSENTLoss,
    CosineSimilarityLoss,
    EmbeddingLoss,
    GISTEmbedLoss,
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
    TripletLoss,
)

SCORES = torch.linspace(0, 1, ROWS, dtype=torch.float64)
LABELS = (SCORES > 0.4).double()


@pytest.fixture(scope="module")
def theirs(reference: Any) -> Any:
    """The module of the reference's losses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers.sentence_transformer import losses

        return losses


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("similarity_fct", ["cos_sim", "dot_score"])
def test_multiple_negatives_ranking(theirs: Any, count: int, similarity_fct: str) -> None:
    import sentence_transformers.util as util

    options = {"scale": 5.0, "similarity_fct": getattr(util, similarity_fct)}
    ours = MultipleNegativesRankingLoss(None, **options)
    plain = theirs.MultipleNegativesRankingLoss(None, **options)
    assert_equal(ours, lambda c: plain.compute_loss_from_embeddings(c, None), columns(count))


def test_cached_multiple_negatives_ranking(theirs: Any, reference: Any) -> None:
    ours = CachedMultipleNegativesRankingLoss(None, mini_batch_size=4)
    cached = theirs.CachedMultipleNegativesRankingLoss(reference, mini_batch_size=4)
    assert_equal(ours, lambda c: cached.calculate_loss([[x] for x in c]), columns(3))


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize(
    ("further", "partition_mode"),
    [
        (("doc_to_query",), "per_direction"),
        *(
            (further, "joint")
            for number in range(4)
            for further in combinations(("query_to_query", "doc_to_query", "doc_to_doc"), number)
        ),
    ],
)
def test_directions(
    theirs: Any, reference: Any, count: int, further: tuple[str, ...], partition_mode: str
) -> None:
    options: dict[str, Any] = {
        "scale": 5.0,
        "directions": ("query_to_doc", *further),
        "partition_mode": partition_mode,
    }
    ours = MultipleNegativesRankingLoss(None, **options)
    plain = theirs.MultipleNegativesRankingLoss(None, **options)
    assert_equal(ours, lambda c: plain.compute_loss_from_embeddings(c, None), columns(count))
    cached = theirs.CachedMultipleNegativesRankingLoss(reference, mini_batch_size=4, **options)
    ours = CachedMultipleNegativesRankingLoss(None, mini_batch_size=4, **options)
    assert_equal(ours, lambda c: cached.calculate_loss([[x] for x in c]), columns(count))


def test_the_defaults_are_those_of_the_reference(theirs: Any) -> None:
    for name in ("MultipleNegativesRankingLoss", "CachedMultipleNegativesRankingLoss"):
        ours, plain = (
            inspect.signature(one).parameters
            for one in (getattr(losses, name), getattr(theirs, name))
        )
        for argument in ("scale", "directions", "partition_mode", "gather_across_devices"):
            assert ours[argument].default == plain[argument].default


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("strategy", "margin"), [("absolute", 0.0), ("absolute", 0.2),
                                                  ("relative", 0.3)])  # fmt: skip
@pytest.mark.parametrize("contrast", [True, False])
def test_gist_embed(
    theirs: Any,
    reference: Any,
    tiny: SentenceTransformer,
    count: int,
    strategy: str,
    margin: float,
    contrast: bool,
) -> None:
    options: dict[str, Any] = {
        "temperature": 0.1,
        "margin_strategy": strategy,
        "margin": margin,
        "contrast_anchors": contrast,
        "contrast_positives": contrast,
    }
    guide = [column.detach() for column in columns(count, dim=5, seed=1)]
    guided = theirs.GISTEmbedLoss(Given("student", reference), Given("guide", reference), **options)
    ours = GISTEmbedLoss(None, tiny, **options)
    assert_equal(
        lambda c: ours(c, guide_columns=guide),
        lambda c: guided([{"student": s, "guide": g} for s, g in zip(c, guide, strict=True)], None),
        columns(count),
    )


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "manhattan"])
@pytest.mark.parametrize("margin", [0.5, 5.0])
def test_triplet(theirs: Any, metric: str, margin: float) -> None:
    distances = vars(theirs.TripletDistanceMetric)
    theirs_name = {"cosine": "COSINE", "euclidean": "EUCLIDEAN", "manhattan": "MANHATTAN"}[metric]
    plain = theirs.TripletLoss(None, distances[theirs_name], margin)
    ours = TripletLoss(None, metric, margin)
    # PyTorch's pairwise_distance adds 1e-6 to every difference.
    assert_equal(ours, lambda c: plain.compute_loss_from_embeddings(c, None), columns(3), 1e-5)


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "manhattan"])
@pytest.mark.parametrize("size_average", [True, False])
def test_contrastive(theirs: Any, metric: str, size_average: bool) -> None:
    name = "COSINE_DISTANCE" if metric == "cosine" else metric.upper()
    distances = vars(theirs.SiameseDistanceMetric)
    plain = theirs.ContrastiveLoss(None, distances[name], 1.2, size_average)
    ours = ContrastiveLoss(None, metric, 1.2, size_average)
    given = [column / 4 for column in columns(2)] if metric != "cosine" else columns(2)
    given = [column.detach().requires_grad_() for column in given]
    assert_equal(
        lambda c: ours(c, LABELS),
        lambda c: plain.compute_loss_from_embeddings(c, LABELS),
        given,
        1e-10 if metric == "cosine" else 1e-4,  # as above, over 16 dimensions
    )


def test_cosent_and_cosine_similarity(theirs: Any) -> None:
    for ours, plain in [
        (CoSENTLoss(None, scale=7.0), theirs.CoSENTLoss(None, scale=7.0)),
        (CosineSimilarityLoss(None), theirs.CosineSimilarityLoss(None)),
    ]:
        found: EmbeddingLoss = ours
        assert_equal(
            lambda c, found=found: found(c, SCORES),  # type: ignore[misc]
            lambda c, plain=plain: plain.compute_loss_from_embeddings(c, SCORES),  # type: ignore[misc]
            columns(2),
        )


def test_matryoshka(theirs: Any, reference: Any) -> None:
    student = Given("student", reference)
    plain = theirs.MatryoshkaLoss(
        student, theirs.MultipleNegativesRankingLoss(student), [16, 8, 3], [1, 0.5, 2]
    )
    ours = MatryoshkaLoss(None, MultipleNegativesRankingLoss(), [16, 8, 3], [1, 0.5, 2])
    assert_equal(ours, lambda c: plain([{"student": x} for x in c], None), columns(3))
