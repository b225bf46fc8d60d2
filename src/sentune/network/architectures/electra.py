"""ELECTRA (Clark et al. 2020): BERT, with embeddings that may be narrower than the layers."""

from __future__ import annotations

from dataclasses import replace

from sentune.network.architectures.architecture import Options
from sentune.network.architectures.bert import BERT
from sentune.network.config import ConfigReader

__all__ = ["ELECTRA"]


def _options(given: ConfigReader) -> Options:
    width, hidden = given.size("embedding_size", 128), given.size("hidden_size")
    # Tables of the layers' width have no linear layer after them.
    return {**BERT.options(given), "embedding_size": 0 if width == hidden else width}


ELECTRA = replace(
    BERT,
    model_type="electra",
    model_class="ElectraModel",
    names={**BERT.names, "embeddings.project": "embeddings_project"},
    prefix="electra.",
    heads=("discriminator_predictions.", "generator_predictions.", "generator_lm_head."),
    kept=(),
    ignored=(
        *("summary_activation", "summary_first_dropout", "summary_last_dropout", "summary_type"),
        "summary_use_proj",
    ),
    options=_options,
)
