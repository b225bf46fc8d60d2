"""The first stage of a model, as scripts build it and look into it.

``Transformer("bert-base-uncased", max_seq_length=256)`` makes one, and ``model[0]`` is one over the
model's own encoder and tokenizer: what is changed here is changed there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from sentune.checks import require_whole
from sentune.encoding.arguments import Loading, Options, merged
from sentune.encoding.stages.auto_model import AutoModel
from sentune.encoding.stages.given_tokenizer import usable_tokenizer
from sentune.encoding.stages.own import OwnStages, is_own
from sentune.errors import ArgumentError
from sentune.model_folder.folder import ModelFolder
from sentune.model_folder.resolve import BaseModel, resolve
from sentune.model_folder.tensors import read_tensors
from sentune.model_folder.tokenizer_settings import TokenizerChanges
from sentune.model_folder.weights import build_encoder
from sentune.network.architectures import ARCHITECTURES
from sentune.network.encoder import Encoder
from sentune.network.pooling import Pooling
from sentune.network.vector_modules import vector_width
from sentune.tokens.batch import TokenBatch
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["Transformer", "arranged", "set_length_limit", "without_stages"]


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
        own = base.origin == "local folder"  # nobody vouches for what a hub model names
        found = ModelFolder.read(base.folder, loading.config, changes, own_classes=own)
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
        owner: Any = None,
    ) -> Transformer:
        """The stage over these parts, which are not copied; ``owner`` is the model they are of."""
        stage = cls.__new__(cls)
        nn.Module.__init__(stage)
        stage._take(encoder, tokenizer, folder, base, loading or Loading())
        stage.__dict__["owner"] = owner  # not among the modules, of which it is the parent
        return stage

    def __setattr__(self, name: str, value: Any) -> None:
        """As for any module; a new tokenizer is the model's too. Raises ArgumentError."""
        if name == "auto_model" and self._modules.get(name, value) is not value:
            raise ArgumentError(
                f"{type(value).__name__} in place of auto_model",
                expected="the encoder that the model was loaded with",
                fix="save what you have as a folder, and load that with SentenceTransformer",
            )
        if name == "tokenizer" and self.__dict__.get(name, value) is not value:
            value = usable_tokenizer(value, self.encoder)
            if (owner := self.__dict__.get("owner")) is not None:
                owner.tokenizer = value
        super().__setattr__(name, value)

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
        self.auto_model.__dict__["tokenizer"] = tokenizer
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


def arranged(modules: Sequence[nn.Module]) -> tuple[Pooling | OwnStages, nn.Sequential]:
    """What pools, and what follows it, of the stages of a model.

    Raises ArgumentError unless the stages make a model: kinds, order and widths.
    """
    first, following = (modules[0] if modules else None), list(modules[1:])
    known = type(first) is Transformer and all(isinstance(each, nn.Module) for each in following)
    if known and any(map(is_own, following)):
        words = cast("Transformer", first)
        segments = "token_type_ids" in words.tokenizer.model_input_names
        return OwnStages(following, words.get_embedding_dimension(), segments), nn.Sequential()
    if not known or [type(module) for module in following[:1]] != [Pooling]:
        kinds = [type(module).__name__ for module in modules]
        raise ArgumentError(
            f"modules are {', '.join(kinds) or 'none'}",
            expected="a Transformer of sentune.models first, then a Pooling and any of Dense, "
            "LayerNorm, Dropout, Normalize, or a class of your own that takes the features",
            fix="import models from sentune, and begin the list with a Transformer",
        )
    _require_widths(cast("Transformer", first), cast("Pooling", following[0]), following[1:])
    return cast("Pooling", following[0]), nn.Sequential(*following[1:])


def _require_widths(first: Transformer, pooling: Pooling, following: Sequence[nn.Module]) -> None:
    if pooling.hidden_size != first.get_embedding_dimension():
        raise ArgumentError(
            f"a Pooling for vectors of {pooling.hidden_size} components after "
            f"{first.get_embedding_dimension()}",
            expected="the width of the transformer's token vectors",
            fix="pass get_word_embedding_dimension() of the Transformer to Pooling",
        )
    vector_width(pooling.output_dimension, following)


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
