"""The stages of a model as one module: a pack of texts → their vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from sentune.checks import require_whole
from sentune.encoding.computing import Computing
from sentune.encoding.features import embed_features
from sentune.model_folder.folder import WEIGHTS, ModelFolder
from sentune.model_folder.weights import write_weights
from sentune.network.pack import Pack
from sentune.network.pooling import Pooling
from sentune.tokens.prompts import choose_prompt
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["Embedder"]


class Embedder(Computing):
    """Tokenizer, encoder and pooling in the order of the data.

    One instance may be shared by any number of threads that encode.

    Attributes:
        tokenizer, encoder, pooling: the stages.
        normalize: whether vectors are scaled to unit length.
        prompts, default_prompt_name: prompts by name, and the name of the usual one.
        similarity_fn_name: the function that compares the vectors.
        extras: what sentune keeps in the folder beside the model (the weight of the fusion).
        model_card: the text that ``save_pretrained`` writes as ``README.md``.
        batch_invariant: compute every text alone, so that its vector has the same bits whatever
            it is encoded with. docs/encode.md says what that costs.
    """

    tokenizer: Tokenizer
    pooling: Pooling
    normalize: bool
    prompts: dict[str, str]
    default_prompt_name: str | None
    similarity_fn_name: str
    extras: dict[str, Any]
    model_card: str
    batch_invariant: bool
    _folder: ModelFolder

    @property
    def max_seq_length(self) -> int:
        """The most tokens of a text, with special tokens and prompt; the rest is cut off."""
        return self.tokenizer.max_seq_length

    @max_seq_length.setter
    def max_seq_length(self, length: int) -> None:
        self.tokenizer.max_seq_length = require_whole(
            "max_seq_length",
            length,
            most=self.encoder.config.longest_text,
            fix="choose a limit that the encoder has positions for",
        )

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
        """The prompt of ``encode_query``: the one named ``query``, or the default one."""
        return self._first_prompt("query")

    @property
    def document_prompt(self) -> str:
        """As ``query_prompt``, with the names ``document``, ``passage`` and ``corpus``."""
        return self._first_prompt("document", "passage", "corpus")

    def _first_prompt(self, *names: str) -> str:
        known = next((name for name in names if name in self.prompts), None)
        return choose_prompt(self.prompts, self.default_prompt_name, known, None)

    def get_sentence_embedding_dimension(self) -> int:
        """The older name of ``get_embedding_dimension``, which most snippets use."""
        return self.get_embedding_dimension()

    def get_embedding_dimension(self) -> int:
        """Dimensions of a vector, after ``truncate_dim``."""
        whole = self.pooling.output_dimension
        return whole if self.truncate_dim is None else min(whole, self.truncate_dim)

    def forward(self, packed: Any, prompt_length: int = 0) -> Any:
        """A pack of n texts → their vectors (n, dim), in the order of the texts.

        This is the whole computation, with gradients where they are enabled; ``truncate_dim``
        is not applied. Padded token ids in a mapping are taken too, and give a mapping: see
        :func:`sentune.encoding.features.embed_features`.
        """
        if isinstance(packed, Mapping):
            return embed_features(packed, self._embedded)
        return self._embedded(packed, prompt_length)[1]

    def _embedded(self, packed: Pack, prompt_length: int = 0) -> tuple[Tensor, Tensor]:
        """The vectors of the tokens, in the order of the pack, and those of the texts."""
        tokens = self.encoder(packed, self.reduced_dtype)
        pooled: Tensor = self.pooling(tokens, packed, prompt_length)
        return tokens, F.normalize(pooled, dim=1) if self.normalize else pooled

    def write_into(self, path: Path) -> None:
        """Write the model's files into an existing empty folder, for callers who add more files.

        Raises:
            ModelError: pooling modes in an order that the folder layout cannot express.
            OutputError: a file cannot be written.
        """
        replace(
            self._folder,
            config=self.encoder.config,
            tokenizer=self.tokenizer,
            pooling_modes=self.pooling.modes,
            include_prompt=self.pooling.include_prompt,
            normalize=self.normalize,
            prompts=self.prompts,
            default_prompt_name=self.default_prompt_name,
            similarity_fn_name=self.similarity_fn_name,
            truncate_dim=self.truncate_dim,
            extras=self.extras,
            card=self.model_card,
        ).write(path)
        write_weights(path / WEIGHTS, self.encoder)
