"""The arguments that all cached losses have."""

from __future__ import annotations

from sentune.checks import require_whole
from sentune.errors import ArgumentError
from sentune.training.losses.base import EmbeddingLoss

__all__ = ["CACHING_CITATION", "set_mini_batches"]

CACHING_CITATION = """\
@misc{gao2021scaling,
    title = {Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup},
    author = {Luyu Gao and Yunyi Zhang and Jiawei Han and Jamie Callan},
    year = {2021},
    eprint = {2101.06983},
    archivePrefix = {arXiv},
    primaryClass = {cs.LG}
}"""


def set_mini_batches(
    loss: EmbeddingLoss, size: int, tokens: int | None, show_progress_bar: bool
) -> None:
    """Check the arguments and set them in the loss.

    Raises:
        ArgumentError: a size below 1, or a progress bar.
    """
    loss.mini_batch_size = require_whole("mini_batch_size", size)
    if tokens is not None:
        loss.mini_batch_num_tokens = require_whole("mini_batch_num_tokens", tokens)
    if show_progress_bar:
        raise ArgumentError(
            "show_progress_bar=True of a loss",
            expected="False: the bar of the training shows the steps",
            fix="leave it out",
        )
