"""The stages of a model as one module: a pack of texts → their vectors."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sentune.checks import require_whole
from sentune.encoding.computing import Computing
from sentune.encoding.features import embed_features
from sentune.encoding.stages.given_tokenizer import usable_tokenizer
from sentune.encoding.stages.own import OwnStages
from sentune.encoding.stages.own_folder import require_saving, stage_entries, write_own_stages
from sentune.encoding.stages.resized import count_layers
from sentune.encoding.stages.transformer import set_length_limit
from sentune.errors import ArgumentError
from sentune.model_folder.folder import ModelFolder
from sentune.model_folder.vector_modules import write_module_weights
from sentune.model_folder.weight_files import WEIGHTS
from sentune.model_folder.weights import write_weights
from sentune.network.names import VECTORS
from sentune.network.pack import Pack
from sentune.network.pooling import Pooling
from sentune.network.vector_modules import Dropout, Normalize, vector_width
from sentune.tokens.prompts import PASSAGE_PROMPTS, choose_prompt
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["Embedder"]


class Embedder(Computing):
    """Tokenizer, encoder, pooling and what follows it, in the order of the data.

    One instance may be shared by any number of threads that encode.

    Attributes:
        tokenizer, encoder, pooling: the stages. With classes of a script's own among them, pooling
            is all that follows the encoder.
        after_pooling: the modules that follow pooling, from ``sentune.network.vector_modules``.
        prompts, default_prompt_name: prompts by name, and the name of the usual one.
        similarity_fn_name: the function that compares the vectors.
        extras: what sentune keeps in the folder beside the model (the weight of the fusion).
        model_card: the text that ``save_pretrained`` writes as ``README.md``.
        batch_invariant: compute every text alone, so that its vector has the same bits whatever
            it is encoded with. docs/encode.md says what that costs.
    """

    pooling: Pooling | OwnStages
    after_pooling: nn.Sequential
    prompts: dict[str, str]
    default_prompt_name: str | None
    similarity_fn_name: str
    extras: dict[str, Any]
    model_card: str
    batch_invariant: bool
    _folder: ModelFolder

    @property
    def tokenizer(self) -> Tokenizer:
        """Text → token ids.

        One of transformers can be set; the model then has a copy of it. Raises ArgumentError.
        """
        return self._tokenizer

    @tokenizer.setter
    def tokenizer(self, given: Any) -> None:
        first = "_tokenizer" not in self.__dict__
        self._tokenizer: Tokenizer = given if first else usable_tokenizer(given, self.encoder)

    @property
    def max_seq_length(self) -> int:
        """The most tokens of a text, with special tokens and prompt; the rest is cut off."""
        return self.tokenizer.max_seq_length

    @max_seq_length.setter
    def max_seq_length(self, length: int) -> None:
        set_length_limit(self.tokenizer, self.encoder, length)

    @property
    def truncate_dim(self) -> int | None:
        """Leading dimensions to keep of each vector; all when None."""
        return self._truncate_dim

    @truncate_dim.setter
    def truncate_dim(self, dimension: int | None) -> None:
        fix = "leave it out to keep all dimensions"
        given = dimension is not None
        self._truncate_dim = require_whole("truncate_dim", dimension, fix=fix) if given else None

    @property
    def query_prompt(self) -> str:
        """The prompt of ``encode_query``: the one named ``query``."""
        return self._first_prompt("query")

    @property
    def document_prompt(self) -> str:
        """As ``query_prompt``, with the names ``document``, ``passage`` and ``corpus``."""
        return self._first_prompt(*PASSAGE_PROMPTS)

    def _first_prompt(self, *names: str) -> str:
        known = next((name for name in names if name in self.prompts), None)
        return choose_prompt(self.prompts, self.default_prompt_name, known, None)

    def get_max_seq_length(self) -> int:
        """``max_seq_length``."""
        return self.max_seq_length

    def get_sentence_embedding_dimension(self) -> int:
        """The older name of ``get_embedding_dimension``, which most snippets use."""
        return self.get_embedding_dimension()

    def get_embedding_dimension(self) -> int:
        """Dimensions of a vector, after ``truncate_dim``."""
        whole = self.output_dimension
        return whole if self.truncate_dim is None else min(whole, self.truncate_dim)

    @property
    def output_dimension(self) -> int:
        """Dimensions of a whole vector, before ``truncate_dim``."""
        return vector_width(self.pooling.output_dimension, self.after_pooling)

    @property
    def normalize(self) -> bool:
        """Whether vectors are of unit length, because Normalize is the last module.

        Setting it adds that module at the end, or removes it there.
        """
        lasting = [each for each in self.following_stages() if not isinstance(each, Dropout)]
        return bool(lasting) and isinstance(lasting[-1], Normalize)

    @normalize.setter
    def normalize(self, wanted: bool) -> None:
        if isinstance(self.pooling, OwnStages):
            raise ArgumentError(
                f"normalize is set on a model with {self.pooling.own_names}",
                expected="its stages to change",
                fix="use model.append(models.Normalize()) or model.pop()",
            )
        kept = list(self.after_pooling)
        end = len(kept)
        while end and isinstance(kept[end - 1], Normalize | Dropout):
            end -= 1
        kept[end:] = [module for module in kept[end:] if isinstance(module, Dropout)]
        self.after_pooling = nn.Sequential(*kept, *([Normalize()] if wanted else []))

    def forward(self, packed: Any, prompt_length: int = 0) -> Any:
        """A pack of n texts → their vectors (n, dim), in the order of the texts.

        This is the whole computation, with gradients where they are enabled; ``truncate_dim``
        is not applied. Padded token ids in a mapping are taken too, and give a mapping: see
        :func:`sentune.encoding.features.embed_features`.
        """
        if isinstance(packed, Pack):
            return self._vectors(packed, prompt_length)
        skipped = int(packed.get("prompt_length", prompt_length))
        if isinstance(self.pooling, OwnStages):
            with_tokens = embed_features(packed, self._token_vectors)
            del with_tokens[VECTORS]
            return self.pooling.run(with_tokens)
        return embed_features(packed, partial(self.embedded, prompt_length=skipped))

    def embedded(self, packed: Pack, prompt_length: int = 0) -> tuple[Tensor, Tensor]:
        """The vectors of the tokens, in the order of the pack, and those of the texts.

        One computation gives both.
        """
        tokens = self.encoder(packed, self.reduced_dtype)
        if isinstance(self.pooling, OwnStages):
            return self.pooling.both(tokens, packed, prompt_length)
        vectors: Tensor = self.after_pooling(self.pooling(tokens, packed, prompt_length))
        return tokens, vectors

    def _vectors(self, packed: Pack, prompt_length: int) -> Tensor:
        if not isinstance(self.pooling, OwnStages):
            return self.embedded(packed, prompt_length)[1]
        tokens = self.encoder(packed, self.reduced_dtype)
        vectors: Tensor = self.pooling(tokens, packed, prompt_length)
        return vectors

    def token_vectors(self, packed: Pack) -> Tensor:
        """The vectors of the tokens alone, in the order of the pack."""
        own = isinstance(self.pooling, OwnStages)  # they may change them
        return self.embedded(packed)[0] if own else self.encoder(packed, self.reduced_dtype)

    def _token_vectors(self, packed: Pack) -> tuple[Tensor, Tensor]:
        tokens: Tensor = self.encoder(packed, self.reduced_dtype)
        tokens = tokens.to(torch.promote_types(tokens.dtype, torch.float32))
        return tokens, tokens[:0]

    def following_stages(self) -> list[nn.Module]:
        """What follows the encoder: a pooling and modules after it, or stages of any class."""
        pooling = self.pooling
        first = [*pooling.stages] if isinstance(pooling, OwnStages) else [pooling]
        return [*first, *self.after_pooling]

    def write_into(self, path: Path) -> None:
        """Write the model's files into an existing empty folder, for callers who add more files.

        Raises:
            ArgumentError: a stage of one's own that has no ``save``.
            ModelError: pooling modes in an order that the folder layout cannot express.
            OutputError: a file cannot be written.
        """
        own = isinstance(self.pooling, OwnStages)
        stages = self.following_stages()
        require_saving(stages)
        count_layers(self.encoder, self._folder.config_json)
        replace(
            self._folder,
            config=self.encoder.config,
            tokenizer=self.tokenizer,
            pooling_modes=self._folder.pooling_modes if own else self.pooling.modes,
            include_prompt=self.pooling.include_prompt,
            after_pooling=stage_entries(stages if own else self.after_pooling),
            prompts=self.prompts,
            default_prompt_name=self.default_prompt_name,
            similarity_fn_name=self.similarity_fn_name,
            truncate_dim=self.truncate_dim,
            extras=self.extras,
            card=self.model_card,
        ).write(path)
        write_weights(path / WEIGHTS, self.encoder)
        if own:
            write_own_stages(path, stages)
        else:
            write_module_weights(path, self.after_pooling)
