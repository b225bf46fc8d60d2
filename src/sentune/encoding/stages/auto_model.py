"""The encoder as scripts see it inside the first stage: ``model[0].auto_model``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sentune.encoding.features import embed_features
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

    def __init__(self, values: Mapping[str, Any], encoder: Encoder, name: str) -> None:
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
    """``encoder.layer`` of transformers' BERT."""

    def __init__(self, layers: nn.ModuleList) -> None:
        super().__init__()
        self.layer = layers


class AutoModel(nn.Module):
    """The encoder with the attributes of transformers' models that scripts read.

    ``config``, ``embeddings``, ``encoder.layer``, ``parameters()``, and a call with ``input_ids``
    and ``attention_mask``. The weights are the encoder's own, so freezing them here freezes them.
    """

    def __init__(self, encoder: Encoder, values: Mapping[str, Any], name: str) -> None:
        super().__init__()
        self.embeddings = encoder.embeddings
        self.encoder = _Layers(encoder.layers)
        self.final_norm, self.relative_bias = encoder.final_norm, encoder.relative_bias
        self.config = Configuration(values, encoder, name)
        self.__dict__["whole"] = encoder  # not once more among the modules
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
    ) -> TokenVectors:
        """Padded token ids → their vectors, zero where there is padding.

        Raises:
            ArgumentError: shapes that do not agree, or segments other than 0.
        """
        del return_dict  # the result is both
        given = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            given["token_type_ids"] = token_type_ids
        found = embed_features(given, self._embed)
        return TokenVectors(last_hidden_state=found["token_embeddings"])

    def resize_token_embeddings(self, new_num_tokens: int | None = None) -> None:
        """Refused unless the size stays. Raises ArgumentError."""
        if new_num_tokens not in (None, self.embeddings.word.num_embeddings):
            raise ArgumentError(
                f"resize_token_embeddings({new_num_tokens})",
                expected=f"the {self.embeddings.word.num_embeddings} tokens of the model's folder",
                fix="resize them with transformers, and save the folder",
            )

    def _embed(self, packed: Pack) -> tuple[Tensor, Tensor]:
        tokens: Tensor = self.__dict__["whole"](packed)
        return tokens, tokens[:0]
