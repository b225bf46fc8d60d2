"""A model with some of the layers of another one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.stages.resized import config_values
from sentune.errors import UnsupportedModelError
from sentune.network.architectures import read_config
from sentune.network.config import EncoderConfig
from sentune.network.encoder import Encoder

__all__ = ["chosen_layers", "with_layers"]


def chosen_layers(config: EncoderConfig, count: int) -> list[int]:
    """The numbers of ``count`` layers, from 0, spread from the first to the last.

    Where layers differ in their attention, the kinds of the chosen ones are those with which the
    model begins.
    """
    last = config.num_hidden_layers - 1
    period = _period(config)
    spread = [round(place * last / max(1, count - 1)) for place in range(count)]
    return [place + (layer - place) // period * period for place, layer in enumerate(spread)]


def _period(config: EncoderConfig) -> int:
    """After how many layers the kinds of attention repeat."""
    kinds = [config.attention_kind(number) for number in range(config.num_hidden_layers)]
    steps = range(1, len(kinds))
    return next((step for step in steps if kinds[step:] == kinds[:-step]), len(kinds))


def with_layers(model: SentenceTransformer, layers: Sequence[int]) -> SentenceTransformer:
    """A copy of a model with these of its layers; what surrounds them is the same.

    Raises:
        UnsupportedModelError: several groups of layers that share their weights.
    """
    config = model.encoder.config
    if config.layer_groups > 1:
        raise UnsupportedModelError(
            f"a model with {config.layer_groups} groups of layers that share weights",
            expected="layers with weights of their own, or one group",
            fix="choose another teacher",
        )
    student = copy.deepcopy(model)
    values = config_values(student._folder.config_json, config, layers)
    smaller = read_config(values, "the student's config.json")
    student._folder = replace(student._folder, config_json=values, config=smaller)
    _keep(student.encoder, smaller, layers)
    return student


def _keep(encoder: Encoder, config: EncoderConfig, layers: Sequence[int]) -> None:
    encoder.config = config
    if not config.layer_groups:
        encoder.layers = nn.ModuleList(encoder.layers[layer] for layer in layers)
    encoder.train(encoder.training)  # drops what was prepared of the old layers
