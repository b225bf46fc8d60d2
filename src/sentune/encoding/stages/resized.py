"""An encoder with fewer layers or more tokens than its folder has, as scripts make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from sentune.checks import require_whole
from sentune.errors import ArgumentError, UnsupportedModelError
from sentune.network.architectures import ARCHITECTURES
from sentune.network.config import EncoderConfig
from sentune.network.encoder import Encoder
from sentune.wording import named_kind

__all__ = ["add_embeddings", "config_values", "count_layers", "keep_layers"]

_KINDS = "layer_types"  # a list in config.json, with the kind of attention of each layer


def config_values(
    values: dict[str, Any], config: EncoderConfig, layers: Sequence[int]
) -> dict[str, Any]:
    """The content of ``config.json`` for these layers of a model."""
    changed = {**values, **dict.fromkeys(_known(values, config), len(layers))}
    if isinstance(values.get(_KINDS), list):
        changed[_KINDS] = [values[_KINDS][layer] for layer in layers]
    return changed


def _known(values: dict[str, Any], config: EncoderConfig) -> list[str]:
    """What ``config.json`` calls the number of layers."""
    names = ARCHITECTURES[config.model_type].spelling.get("num_hidden_layers", "num_hidden_layers")
    return [name for name in ((names,) if isinstance(names, str) else names) if name in values]


def keep_layers(encoder: Encoder, kept: nn.ModuleList, values: dict[str, Any]) -> None:
    """Compute with some of the encoder's layers from now on; ``values`` are of ``config.json``.

    Raises:
        ArgumentError: no layer, one of another model, or one twice.
        UnsupportedModelError: layers that share weights or differ in their attention.
    """
    known = [*map(id, encoder.layers)]
    given = [*map(id, kept)] if isinstance(kept, nn.ModuleList) else []
    if not given or len({*given}) < len(given) or not {*given} <= {*known}:
        raise ArgumentError(
            f"{named_kind(kept)} with {len(given)} layers for the encoder",
            expected="a ModuleList with some of its own layers, each once",
            fix="choose them from model[0].auto_model.encoder.layer",
        )
    if given != known:
        _require_alike(encoder.config)
    encoder.layers = kept
    count_layers(encoder, values)
    encoder.train(encoder.training)


def count_layers(encoder: Encoder, values: dict[str, Any]) -> None:
    """Let the sizes say how many layers there are, where a script has taken some out.

    Raises UnsupportedModelError as ``keep_layers``.
    """
    config, count = encoder.config, len(encoder.layers)
    if count == config.distinct_layers:
        return
    _require_alike(config)
    encoder.config = replace(config, num_hidden_layers=count)
    values.update(dict.fromkeys(_known(values, config), count))


def _require_alike(config: EncoderConfig) -> None:
    kinds = {config.attention_kind(number) for number in range(config.num_hidden_layers)}
    if len(kinds) > 1 or config.layer_groups or config.norm_first:
        raise UnsupportedModelError(
            f"{config.model_type} with fewer layers",
            expected="layers that are all of one kind, each with weights of its own",
            fix="use sentune distill with the option --layers, which chooses layers that fit",
        )


def add_embeddings(
    encoder: Encoder, count: int, values: dict[str, Any], multiple: int | None = None
) -> nn.Embedding:
    """Give the encoder ``count`` word embeddings; new ones are the mean of those there are.

    transformers draws them from a normal distribution around that mean, with a billionth of the
    embeddings' variance; here they are the mean itself, the same in every run.

    Raises ArgumentError for fewer than there are.
    """
    word = encoder.embeddings.word
    rows = word.num_embeddings
    count = require_whole("new_num_tokens", count)
    if multiple:
        count = -(-count // multiple) * multiple
    if count < rows:
        raise ArgumentError(
            f"resize_token_embeddings({count})",
            expected=f"at least the {rows:,} embeddings of the model",
            fix="keep them: embeddings of tokens that no text has cost no time",
        )
    if count > rows:
        old = word.weight.detach()
        added = old.mean(dim=0, keepdim=True).expand(count - rows, -1)
        word.weight = nn.Parameter(torch.cat([old, added]), word.weight.requires_grad)
        word.num_embeddings = count
        encoder.config = replace(encoder.config, vocab_size=count)
        values["vocab_size"] = count
    return word
