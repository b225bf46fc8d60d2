"""The first stage of a model, as scripts build it and look into it.

``Transformer("bert-base-uncased", max_seq_length=256)`` makes one, and ``model[0]`` is one over the
model's own encoder and tokenizer: what is changed here is changed there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sentune.checks import require_whole
from sentune.encoding.arguments import Loading, Options, merged
from sentune.encoding.features import embed_features
from sentune.errors import ArgumentError
from sentune.model_folder.folder import ModelFolder
from sentune.model_folder.resolve import BaseModel, resolve
from sentune.model_folder.tensors import read_tensors
from sentune.model_folder.tokenizer_settings import TokenizerChanges
from sentune.model_folder.weights import build_encoder
from sentune.network.architectures import ARCHITECTURES
from sentune.network.encoder import Encoder
from sentune.network.pack import Pack
from sentune.tokens.batch import TokenBatch
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["AutoModel", "Configuration", "Transformer", "set_length_limit", "without_stages"]


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


class Transformer(nn.Module):
    """Tokenizer and encoder: texts → token vectors.

    Args:
        model_name_or_path: a folder, or a name on the Hugging Face hub.
        max_seq_length: the most tokens of a text; when None, ``model_max_length`` of the folder's
            tokenizer, or the number of positions if that is less.
        do_lower_case: lower-case texts before the tokenizer sees them.
        model_kwargs, processor_kwargs, config_kwargs: as for :class:`SentenceTransformer`; the
            names that end in ``_args`` are the older ones.
        cache_dir, backend, tokenizer_name_or_path: as in the reference, as far as sentune has them.

    Attributes:
        auto_model: the encoder, see :class:`AutoModel`.
        tokenizer: see :class:`sentune.tokens.tokenizer.Tokenizer`.

    Raises:
        ModelNotFoundError: the name resolves to nothing.
        ModelError: the folder is incomplete, damaged or of an unsupported kind.
        ArgumentError: an argument outside its range.
    """

    encoder: Encoder
    tokenizer: Tokenizer
    folder: ModelFolder
    base: BaseModel
    loading: Loading

    def __init__(
        self,
        model_name_or_path: str | Path,
        max_seq_length: int | None = None,
        model_args: Options = None,
        tokenizer_args: Options = None,
        config_args: Options = None,
        cache_dir: str | None = None,
        do_lower_case: bool = False,
        tokenizer_name_or_path: str | None = None,
        backend: str = "torch",
        *,
        model_kwargs: Options = None,
        processor_kwargs: Options = None,
        config_kwargs: Options = None,
    ) -> None:
        loading = Loading.of(
            model_kwargs=merged("model_kwargs", model_kwargs, "model_args", model_args),
            processor_kwargs=merged(
                "processor_kwargs", processor_kwargs, "tokenizer_args", tokenizer_args
            ),
            config_kwargs=merged("config_kwargs", config_kwargs, "config_args", config_args),
            cache_folder=cache_dir,
            backend=backend,
        )
        if tokenizer_name_or_path not in (None, str(model_name_or_path)):
            raise ArgumentError(
                f"tokenizer_name_or_path is {tokenizer_name_or_path!r}",
                expected="the tokenizer of the model's own folder",
                fix="copy the tokenizer's files into the model's folder",
            )
        lower = bool(do_lower_case)
        first = Transformer.load(model_name_or_path, loading, do_lower_case=lower)
        self._take(first.encoder, first.tokenizer, first.folder, first.base, loading)
        if max_seq_length is not None:
            self.max_seq_length = max_seq_length

    @classmethod
    def load(
        cls,
        name: str | Path,
        loading: Loading,
        revision: str | None = None,
        device: torch.device | None = None,
        do_lower_case: bool | None = None,
    ) -> Transformer:
        """The first stage of a whole model folder, with that folder's length limit.

        With ``do_lower_case``, that and the limit are not read from the folder.
        """
        base = resolve(
            name,
            revision,
            cache_folder=loading.cache_folder,
            local_files_only=loading.local_files_only,
            token=loading.token,
        )
        changes = TokenizerChanges(loading.tokenizer, do_lower_case)
        found = ModelFolder.read(base.folder, loading.config, changes)
        where = device or torch.device("cpu")
        weights = read_tensors(found.weights)
        encoder = build_encoder(found.config, weights, str(found.weights), where, found.adapter)
        found.tokenizer.padding_side = loading.padding_side
        return cls.of(encoder, found.tokenizer, found, base, loading)

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        tokenizer: Tokenizer,
        folder: ModelFolder,
        base: BaseModel,
        loading: Loading | None = None,
    ) -> Transformer:
        """The stage over these parts, which are not copied."""
        stage = cls.__new__(cls)
        nn.Module.__init__(stage)
        stage._take(encoder, tokenizer, folder, base, loading or Loading())
        return stage

    def _take(
        self,
        encoder: Encoder,
        tokenizer: Tokenizer,
        folder: ModelFolder,
        base: BaseModel,
        loading: Loading,
    ) -> None:
        if "_modules" not in self.__dict__:
            nn.Module.__init__(self)
        self.auto_model = AutoModel(encoder, folder.config_json, base.name)
        self.__dict__["encoder"] = encoder
        self.tokenizer, self.folder, self.base, self.loading = tokenizer, folder, base, loading
        self.training = encoder.training

    @property
    def max_seq_length(self) -> int:
        """The most tokens of a text."""
        return self.tokenizer.max_seq_length

    @max_seq_length.setter
    def max_seq_length(self, length: int) -> None:
        set_length_limit(self.tokenizer, self.encoder, length)

    @property
    def do_lower_case(self) -> bool:
        """Whether texts are lower-cased before the tokenizer sees them."""
        return self.tokenizer.do_lower_case

    def get_embedding_dimension(self) -> int:
        """Width of a token vector."""
        return self.encoder.config.hidden_size

    get_word_embedding_dimension = get_embedding_dimension

    def tokenize(self, texts: Sequence[str], **options: Any) -> TokenBatch:
        """Padded token ids of texts, cut at ``max_seq_length``, as tensors."""
        usual = {"padding": True, "truncation": True, "return_tensors": "pt"}
        return self.tokenizer.batch(texts, **{**usual, **options})

    preprocess = tokenize

    def forward(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """Padded token ids → the same with ``token_embeddings``. Raises ArgumentError."""
        names = ("input_ids", "attention_mask", "token_type_ids")
        found = self.auto_model(**{name: features[name] for name in names if name in features})
        return {**features, "token_embeddings": found.last_hidden_state}

    def get_config_dict(self) -> dict[str, Any]:
        """The length limit, and whether texts are lower-cased."""
        return {"max_seq_length": self.max_seq_length, "do_lower_case": self.do_lower_case}

    def __repr__(self) -> str:
        model_class = ARCHITECTURES[self.encoder.config.model_type].model_class
        return f"Transformer({self.get_config_dict()}) with Transformer model: {model_class}"


def without_stages(folder: ModelFolder) -> ModelFolder:
    """What of a folder belongs to its transformer alone."""
    return replace(
        folder,
        prompts={},
        default_prompt_name=None,
        similarity_fn_name=None,
        truncate_dim=None,
        extras={},
        card="",
    )


def set_length_limit(tokenizer: Tokenizer, encoder: Encoder, length: int) -> None:
    """Set the most tokens of a text. Raises ArgumentError where the encoder has fewer positions."""
    tokenizer.max_seq_length = require_whole(
        "max_seq_length",
        length,
        most=encoder.config.longest_text,
        fix="choose a limit that the encoder has positions for",
    )
