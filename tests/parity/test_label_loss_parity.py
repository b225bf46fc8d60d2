"""The losses of pairs and triplets with labels, and of a teacher, beside the reference's."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from tests.parity.given_vectors import ROWS, Given, assert_equal, columns
from torch import Tensor, nn

from sentune.errors import ArgumentError
from sentune.training import losses
from sentune.training.losses import EmbeddingLoss

SCORES = torch.linspace(0, 1, ROWS, dtype=torch.float64)


@pytest.fixture(scope="module")
def theirs(reference: Any) -> Any:
    """The module of the reference's losses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers.sentence_transformer import losses

        return losses


@pytest.fixture(scope="module")
def student(reference: Any) -> Given:
    return Given("v", reference)


def features(given: list[Tensor]) -> list[dict[str, Tensor]]:
    return [{"v": column} for column in given]


def compare(
    ours: EmbeddingLoss, plain: Any, given: list[Tensor], labels: Tensor | None, near: float = 1e-10
) -> None:
    assert_equal(
        lambda c: ours(c, labels), lambda c: plain(features(c), labels), given, tolerance=near
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("metric", ["COSINE_DISTANCE", "EUCLIDEAN", "MANHATTAN"])
def test_online_contrastive(theirs: Any, student: Given, seed: int, metric: str) -> None:
    labels = torch.randint(0, 2, (ROWS,), generator=torch.Generator().manual_seed(seed))
    ours = losses.OnlineContrastiveLoss(None, vars(losses.SiameseDistanceMetric)[metric], 6.5)
    distance = vars(theirs.SiameseDistanceMetric)[metric]
    plain = theirs.OnlineContrastiveLoss(student, distance, 6.5)
    # PyTorch's pairwise_distance adds 1e-6 to every difference, and the loss squares and sums.
    near = 1e-10 if metric == "COSINE_DISTANCE" else 1e-2
    compare(ours, plain, columns(2, seed=seed), labels, near)
    # A function of the reference does as well.
    compare(losses.OnlineContrastiveLoss(None, distance, 6.5), plain, columns(2), labels)


@pytest.mark.parametrize("ones", [0, 1, 2, 7, 8, 9])
@pytest.mark.parametrize("seed", range(5))
def test_online_contrastive_of_few(theirs: Any, student: Given, ones: int, seed: int) -> None:
    labels = (torch.arange(ROWS) < ones).long()
    ours = losses.OnlineContrastiveLoss(margin=1.5)
    plain = theirs.OnlineContrastiveLoss(student, margin=1.5)
    given = columns(2, seed=seed)
    found, wanted = ours(given, labels), plain(features(given), labels)
    assert found.item() == pytest.approx(wanted.item(), abs=1e-10)


@pytest.mark.parametrize("metric", ["euclidean_distance", "cosine_distance", "eucledian_distance"])
@pytest.mark.parametrize(
    "name",
    [
        "BatchAllTripletLoss",
        "BatchHardTripletLoss",
        "BatchHardSoftMarginTripletLoss",
        "BatchSemiHardTripletLoss",
    ],
)
@pytest.mark.parametrize("classes", [1, 2, 4, 9])
def test_triplets_of_a_batch(
    theirs: Any, student: Given, name: str, metric: str, classes: int
) -> None:
    labels = torch.arange(ROWS) % classes
    margin = [] if "Soft" in name else [0.7]
    ours = getattr(losses, name)(
        None, getattr(losses.BatchHardTripletLossDistanceFunction, metric), *margin
    )
    distance = getattr(theirs.BatchHardTripletLossDistanceFunction, metric)
    plain = getattr(theirs, name)(student, distance, *margin)
    given = columns(1)
    found, wanted = ours(given, labels), plain(features(given), labels)
    assert found.item() == pytest.approx(wanted.item(), abs=1e-7)
    if found.requires_grad and wanted.requires_grad:
        one, other = torch.autograd.grad(found, given), torch.autograd.grad(wanted, given)
        assert torch.allclose(one[0], other[0], atol=1e-7)
    assert ours.get_config_dict().keys() == plain.get_config_dict().keys()


@pytest.mark.parametrize("squared", [True, False])
def test_distances_of_all_pairs(theirs: Any, squared: bool) -> None:
    (given,) = columns(1)
    ours = losses.BatchHardTripletLossDistanceFunction
    plain = theirs.BatchHardTripletLossDistanceFunction
    found = ours.eucledian_distance(given, squared=squared)
    assert torch.allclose(found, plain.euclidean_distance(given, squared=squared), atol=1e-6)
    assert torch.allclose(ours.cosine_distance(given), plain.cosine_distance(given))


def test_angle(theirs: Any, student: Given) -> None:
    ours, plain = losses.AnglELoss(None, 3.0), theirs.AnglELoss(student, 3.0)
    compare(ours, plain, columns(2), SCORES)
    assert ours.get_config_dict() == plain.get_config_dict()


def test_cosent_with_another_function(theirs: Any, student: Given) -> None:
    from sentence_transformers import util

    for function in (util.pairwise_dot_score, util.pairwise_euclidean_sim):
        ours = losses.CoSENTLoss(None, 0.5, function)
        compare(ours, theirs.CoSENTLoss(student, 0.5, function), columns(2), SCORES)
        assert ours.describe() == {"scale": 0.5, "similarity_fct": function.__name__}


def test_cosine_similarity_with_its_options(theirs: Any, student: Given) -> None:
    options = (nn.L1Loss(), nn.Sigmoid())
    plain = theirs.CosineSimilarityLoss(student, *options)
    compare(losses.CosineSimilarityLoss(None, *options), plain, columns(2), SCORES)


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("similarity_fct", ["cos_sim", "dot_score"])
@pytest.mark.parametrize("mode", ["in_batch_negatives", "hard_negatives", "all_negatives"])
@pytest.mark.parametrize(
    "further", [(), ("doc_to_query",), ("query_to_query", "doc_to_query", "doc_to_doc")]
)
def test_hardness(
    theirs: Any, student: Given, count: int, similarity_fct: str, mode: str, further: Any
) -> None:
    from sentence_transformers import util

    arguments = (2.0, getattr(util, similarity_fct), False, ("query_to_doc", *further), "joint")
    ours = losses.MultipleNegativesRankingLoss(None, *arguments, mode, 3.0)
    plain = theirs.MultipleNegativesRankingLoss(student, *arguments, mode, 3.0)
    compare(ours, plain, columns(count), None)
    config = ours.get_config_dict()
    assert config.pop("label_smoothing") == 0.0
    assert config == plain.get_config_dict()


@pytest.mark.parametrize("count", [2, 3])
def test_symmetric_ranking(theirs: Any, student: Given, reference: Any, count: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        plain = theirs.MultipleNegativesSymmetricRankingLoss(student, scale=3.0)
    compare(losses.MultipleNegativesSymmetricRankingLoss(None, 3.0), plain, columns(count), None)
    cached = losses.CachedMultipleNegativesSymmetricRankingLoss(None, 3.0)
    compare(cached, plain, columns(count), None)


def test_mega_batch_margin(theirs: Any, student: Given) -> None:
    arguments = (0.7, 0.1, False)
    ours = losses.MegaBatchMarginLoss(None, *arguments)
    compare(ours, theirs.MegaBatchMarginLoss(student, *arguments), columns(2), None)


@pytest.mark.parametrize("similarity_fct", ["pairwise_dot_score", "pairwise_cos_sim"])
@pytest.mark.parametrize("shape", [(ROWS,), (ROWS, 1), (ROWS, 2), (ROWS, 3), (ROWS, 4)])
@pytest.mark.parametrize("count", [3, 4, 5])
def test_margins_of_a_teacher(
    theirs: Any, student: Given, similarity_fct: str, shape: tuple[int, ...], count: int
) -> None:
    from sentence_transformers import util

    labels = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    function = getattr(util, similarity_fct)
    ours, plain = losses.MarginMSELoss(None, function), theirs.MarginMSELoss(student, function)
    try:
        plain(features(columns(count)), labels)
    except ValueError:
        with pytest.raises(ArgumentError, match="margins or"):
            ours(columns(count), labels)
        return
    compare(ours, plain, columns(count), labels)


@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("temperatures", [(), (2.0,), (2.0, 1.5), (2.0, None, 0.5)])
def test_scores_of_a_teacher(
    theirs: Any, student: Given, count: int, temperatures: tuple[Any, ...]
) -> None:
    from sentence_transformers import util

    labels = columns(1, dim=count - 1, seed=3)[0].detach()
    options = (util.pairwise_cos_sim, *temperatures)
    ours = losses.DistillKLDivLoss(None, *options)
    compare(ours, theirs.DistillKLDivLoss(student, *options), columns(count), labels)


@pytest.mark.parametrize("metric", ["mse", "l2", "cosine"])
@pytest.mark.parametrize(("count", "each"), [(1, False), (2, False), (3, True)])
def test_vectors_of_a_teacher(
    theirs: Any, student: Given, metric: str, count: int, each: bool
) -> None:
    labels = torch.stack([c.detach() for c in columns(count, seed=5)], dim=1)
    labels = labels if each else labels[:, 0]
    ours, plain = losses.EmbedDistillLoss(None, metric), theirs.EmbedDistillLoss(student, metric)
    compare(ours, plain, columns(count), labels)
    if metric == "mse":
        compare(losses.MSELoss(), theirs.MSELoss(student), columns(count), labels)


def test_a_projection_begins_as_the_reference_does(theirs: Any, student: Given) -> None:
    class Model(nn.Module):
        def get_embedding_dimension(self) -> int:
            return 16

    labels = columns(1, dim=5, seed=5)[0].detach()
    torch.manual_seed(3)
    ours = losses.MSELoss(Model(), 5).double()
    torch.manual_seed(3)
    compare(ours, theirs.MSELoss(student, projection_dim=5).double(), columns(1), labels)


@pytest.mark.parametrize(
    "parts", [(True, True, False), (False, True, True), (True, False, False), (True, True, True)]
)
def test_softmax(theirs: Any, student: Given, parts: tuple[bool, bool, bool]) -> None:
    labels = torch.arange(ROWS) % 3
    torch.manual_seed(3)
    ours = losses.SoftmaxLoss(None, 16, 3, *parts).double()
    torch.manual_seed(3)
    plain = theirs.SoftmaxLoss(student, 16, 3, *parts).double()
    compare(ours, plain, columns(2), labels)
    given = columns(2)
    vectors, logits = ours(given)
    assert torch.allclose(logits, plain(features(given), None)[1])
    assert [one is other for one, other in zip(vectors, given, strict=True)] == [True, True]
    found = torch.autograd.grad(ours(given, labels), ours.classifier.weight)
    wanted = torch.autograd.grad(plain(features(given), labels), plain.classifier.weight)
    assert torch.allclose(found[0], wanted[0])
    assert ours.get_config_dict() == plain.get_config_dict()


def test_every_loss_of_the_reference_has_a_name_here(theirs: Any) -> None:
    from sentune import losses as door

    public = {name for name in dir(theirs) if name[0].isupper()}
    assert public <= set(door.__all__)
