"""The encoder as scripts see it inside the first stage: ``model[0].auto_model``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sentune.encoding.features import embed_features
from sentune.encoding.stages.resized import add_embeddings, keep_layers
from sentune.errors import ArgumentError
from sentune.network.encoder import Encoder
from sentune.network.pack import Pack

__all__ = ["AutoModel", "Configuration"]


class Configuration:
    """The values of ``config.json`` as attributes; sizes also by the names that BERT has for them.

    Args:
        values: the content of the file.
        encoder: whose sizes are read where the file calls them otherwise.
        name: of the model.
    """

    def __init__(self, values: dict[str, Any], encoder: Encoder, name: str) -> None:
        self._values, self._encoder, self.name_or_path = values, encoder, name

    @property
    def _name_or_path(self) -> str:
        return self.name_or_path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._values:
            return self._values[name]
        return getattr(self._encoder.config, name)

    def to_dict(self) -> dict[str, Any]:
        """The content of ``config.json``."""
        return dict(self._values)


class TokenVectors(dict[str, Any]):
    """``last_hidden_state``, (texts, tokens, hidden), as an item, an attribute and number 0."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__([*self][key] if isinstance(key, int) else key)


class _Layers(nn.Module):
    """``encoder.layer`` of transformers' BERT; the encoder computes with a list that is set."""

    layer: nn.ModuleList

    def __init__(self, encoder: Encoder, values: dict[str, Any]) -> None:
        super().__init__()
        self.__dict__["_of"] = encoder, values
        self.layer = encoder.layers

    def __setattr__(self, name: str, value: Any) -> None:
        """As for any module. Raises ArgumentError for layers that are not the encoder's own."""
        encoder, values = self.__dict__.get("_of", (None, {}))
        if name == "layer" and value is not encoder.layers:
            keep_layers(encoder, value, values)
        super().__setattr__(name, value)


class AutoModel(nn.Module):
    """The encoder with the attributes of transformers' models that scripts read.

    ``config``, ``embeddings``, ``encoder.layer``, ``parameters()``, and a call with ``input_ids``
    and ``attention_mask``. The weights are the encoder's own, so freezing them here freezes them.
    """

    def __init__(self, encoder: Encoder, values: dict[str, Any], name: str) -> None:
        super().__init__()
        self.embeddings = encoder.embeddings
        self.encoder = _Layers(encoder, values)
        self.final_norm, self.relative_bias = encoder.final_norm, encoder.relative_bias
        self.config = Configuration(values, encoder, name)
        self.__dict__["whole"] = encoder  # not once more among the modules
        self.__dict__["tokenizer"] = None
        self.training = encoder.training

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.embeddings.word.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the weights."""
        return self.embeddings.word.weight.dtype

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        return_dict: bool = True,
        output_hidden_states: bool | None = None,
        **options: Any,
    ) -> TokenVectors:
        """Padded token ids → their vectors, zero where there is padding.

        With ``output_hidden_states``, also ``hidden_states``: the embeddings, and what each layer
        makes of them, each (texts, tokens, hidden).

        Raises:
            ArgumentError: shapes that do not agree, segments other than 0, or another argument.
        """
        del return_dict  # the result is both
        _refuse(options)
        given = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            given["token_type_ids"] = token_type_ids
        last = embed_features(given, self._embed)["token_embeddings"]
        if not output_hidden_states:
            return TokenVectors(last_hidden_state=last)
        return TokenVectors(last_hidden_state=last, hidden_states=self._hidden_states(given, last))

    def get_input_embeddings(self) -> nn.Embedding:
        """The table of word embeddings."""
        return self.embeddings.word

    def resize_token_embeddings(
        self,
        new_num_tokens: int | None = None,
        pad_to_multiple_of: int | None = None,
        mean_resizing: bool = True,
    ) -> nn.Embedding:
        """Add embeddings for new tokens; each begins as the mean of those there are.

        Raises ArgumentError for fewer than there are.
        """
        del mean_resizing
        count = self.embeddings.word.num_embeddings if new_num_tokens is None else new_num_tokens
        values = self.config._values
        grown = add_embeddings(self.__dict__["whole"], count, values, pad_to_multiple_of)
        if (tokenizer := self.__dict__["tokenizer"]) is not None:
            tokenizer.set_known_ids(grown.num_embeddings)
        return grown

    def _embed(self, packed: Pack) -> tuple[Tensor, Tensor]:
        tokens: Tensor = self.__dict__["whole"](packed)
        return tokens, tokens[:0]

    def _hidden_states(self, given: Mapping[str, Any], last: Tensor) -> tuple[Tensor, ...]:
        """The embeddings, and the tokens after each layer; ``last`` after the last one."""
        encoder: Encoder = self.__dict__["whole"]
        found: list[Tensor] = []

        def keep(_module: nn.Module, _arguments: Any, output: Tensor) -> None:
            found.append(output)

        hooks = [each.register_forward_hook(keep) for each in (encoder.embeddings, *encoder.layers)]
        try:
            embed_features(given, self._embed)
        finally:
            for hook in hooks:
                hook.remove()
        return (*(_padded(given, tokens) for tokens in found[:-1]), last)


def _padded(given: Mapping[str, Any], tokens: Tensor) -> Tensor:
    def embed(packed: Pack) -> tuple[Tensor, Tensor]:
        mine = tokens[: len(packed.token_ids)]  # a pack is computed with some tokens more
        return mine, mine[:0]

    padded: Tensor = embed_features(given, embed)["token_embeddings"]
    return padded


def _refuse(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if value is not None and value is not False:
            raise ArgumentError(
                f"the argument {name} of auto_model",
                expected="input_ids, attention_mask, token_type_ids and output_hidden_states",
                fix="load the folder with transformers.AutoModel for what only that computes",
            )
