"""Differences of angles in the complex plane, in the order of their scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from sentune.training.losses.cosent import CoSENTLoss

__all__ = ["AnglELoss", "pairwise_angle_sim"]

_CITATION = """\
@misc{li2023angle,
    title = {{AnglE}-optimized Text Embeddings},
    author = {Xianming Li and Jing Li},
    year = {2023},
    eprint = {2309.12871},
    archivePrefix = {arXiv},
    primaryClass = {cs.CL}
}"""


def pairwise_angle_sim(x: Tensor, y: Tensor) -> Tensor:
    r"""How near the angles of the vectors are, row by row: (n, dim) and (n, dim) → (n,).

    The halves of a vector are the real and the imaginary parts of dim / 2 complex numbers
    (Li and Li 2023, arXiv:2309.12871, equations 5 to 8). With :math:`z` and :math:`w` these
    numbers of the two vectors:

    .. math::  \left| \sum_k \operatorname{Re} q_k + \operatorname{Im} q_k \right|, \qquad
               q_k = \frac{z_k \bar w_k}{\lVert w \rVert^2} \cdot
                     \frac{\lVert w \rVert}{\lVert z \rVert}

    The dimension must be even. Cost: n · dim operations.
    """
    real_x, imaginary_x = x.chunk(2, dim=1)
    real_y, imaginary_y = y.chunk(2, dim=1)
    lengths = x.norm(dim=1) * y.norm(dim=1)
    real = (real_x * real_y + imaginary_x * imaginary_y).sum(dim=1)
    imaginary = (imaginary_x * real_y - real_x * imaginary_y).sum(dim=1)
    near: Tensor = ((real + imaginary) / lengths).abs()
    return near


class AnglELoss(CoSENTLoss):
    """:class:`CoSENTLoss` over ``pairwise_angle_sim`` (Li and Li 2023, arXiv:2309.12871).

    The gradient of a cosine is nearly 0 where the cosine is nearly 1 or -1; that of an angle is
    not.

    Args:
        model: encodes texts where the loss is called with tokens.
        scale: inverse temperature.

    Raises:
        ArgumentError: more or fewer than two columns, or no labels.
    """

    citation = _CITATION
    optional: Mapping[str, Any] = {"similarity_fct": pairwise_angle_sim}

    def __init__(self, model: nn.Module | None = None, scale: float = 20.0) -> None:
        super().__init__(model, scale, similarity_fct=pairwise_angle_sim)
