"""Losses that learn from a teacher: projections, and labels that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.training.losses import DistillKLDivLoss, EmbedDistillLoss, MarginMSELoss, MSELoss

DrawColumns = Callable[..., list[Tensor]]


def test_a_projection_is_written_and_read(tiny: SentenceTransformer, tmp_path: Path) -> None:
    file = tmp_path / "projection.safetensors"
    first, second = MSELoss(tiny, projection_dim=5), MSELoss(tiny, projection_dim=5)
    first.save_projection(file)
    second.load_projection(file)
    given, teacher = torch.randn(3, 32), torch.randn(3, 5)
    assert first([given], teacher).item() == second([given], teacher).item()
    with pytest.raises(ArgumentError, match=r"cannot be read as a projection.*same dimensions"):
        MSELoss(tiny, projection_dim=4).load_projection(file)
    file.write_bytes(b"nothing")
    with pytest.raises(ArgumentError, match="cannot be read as a projection"):
        first.load_projection(file)
    with pytest.raises(ArgumentError, match="without a projection"):
        MSELoss().save_projection(file)


def test_labels_that_do_not_fit_are_refused(draw: DrawColumns) -> None:
    with pytest.raises(ArgumentError, match="without labels"):
        MSELoss()(draw(2, 1))
    for shape in ((2,), (2, 5), (2, 3, 6)):
        with pytest.raises(ArgumentError, match=r"expected the teacher's vector of each row"):
            MSELoss()(draw(2, 2), torch.zeros(shape))
    with pytest.raises(ArgumentError, match="expected 3 scores in each row"):
        DistillKLDivLoss()(draw(2, 4), torch.zeros(2, 2))
    with pytest.raises(ArgumentError, match="expected 3 margins or 4 scores in each row"):
        MarginMSELoss()(draw(2, 5), torch.zeros(2))
    for loss in (DistillKLDivLoss(), MarginMSELoss()):
        with pytest.raises(ArgumentError, match="2 columns of texts"):
            loss(draw(2, 2), torch.zeros(2, 1))


def test_arguments_out_of_range_are_refused() -> None:
    with pytest.raises(ArgumentError, match="distance_metric is 'dot'"):
        EmbedDistillLoss(None, "dot")
    with pytest.raises(ArgumentError, match="projection_dim without a model"):
        MSELoss(projection_dim=4)
    for name in ("temperature", "student_temperature", "teacher_temperature"):
        with pytest.raises(ArgumentError, match=f"{name} is 0: expected a number greater than 0"):
            DistillKLDivLoss(**{name: 0})  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="similarity_fct is 'cos_sim'"):
        MarginMSELoss(similarity_fct="cos_sim")
