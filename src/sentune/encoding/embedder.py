"""The stages of a model as one module: a pack of texts → their vectors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.checks import require_whole
from sentune.encoding.features import embed_features
from sentune.hardware import Compute
from sentune.model_folder.folder import WEIGHTS, ModelFolder
from sentune.model_folder.weights import write_weights
from sentune.network.encoder import Encoder
from sentune.network.linear import use_eight_bits
from sentune.network.pack import Pack
from sentune.network.pooling import Pooling
from sentune.process import disable_cudnn_attention
from sentune.tokens.prompts import choose_prompt
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["Embedder"]


class Embedder(nn.Module):
    """Tokenizer, encoder and pooling in the order of the data.

    One instance may be shared by any number of threads that encode.

    Attributes:
        tokenizer, encoder, pooling: the stages.
        normalize: whether vectors are scaled to unit length.
        prompts, default_prompt_name: prompts by name, and the name of the usual one.
        compute: device, number format and the reason for it.
        compute_dtype: the requested number format.
        similarity_fn_name: the function that compares the vectors.
        extras: what sentune keeps in the folder beside the model (the weight of the fusion).
        model_card: the text that ``save_pretrained`` writes as ``README.md``.
        batch_invariant: compute every text alone, so that its vector has the same bits whatever
            it is encoded with. docs/encode.md says what that costs.
    """

    tokenizer: Tokenizer
    encoder: Encoder
    pooling: Pooling
    normalize: bool
    prompts: dict[str, str]
    default_prompt_name: str | None
    compute: Compute
    compute_dtype: str
    similarity_fn_name: str
    extras: dict[str, Any]
    model_card: str
    batch_invariant: bool
    _folder: ModelFolder

    def __init__(self) -> None:
        super().__init__()
        self._encoding = _Encoding()

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.encoder.embeddings.word.weight.device

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
        if isinstance(packed, Pack):
            return self._embedded(packed, prompt_length)[1]
        return embed_features(packed, self._embedded)

    def _embedded(self, packed: Pack, prompt_length: int = 0) -> tuple[Tensor, Tensor]:
        """The vectors of the tokens, in the order of the pack, and those of the texts."""
        tokens = self.encoder(packed, self.reduced_dtype)
        pooled: Tensor = self.pooling(tokens, packed, prompt_length)
        return tokens, F.normalize(pooled, dim=1) if self.normalize else pooled

    @property
    def reduced_dtype(self) -> torch.dtype | None:
        """The format to cast the weights to; None to use them as they are."""
        # float32 means "as the weights are", so that a model cast to float64 computes in float64.
        return None if self.compute.dtype == torch.float32 else self.compute.dtype

    def compute_as(self, compute: Compute) -> None:
        """Change the number format, and move the weights to the device."""
        self.compute = compute
        if compute.device.type == "cuda":
            disable_cudnn_attention()
        self.to(compute.device)
        use_eight_bits(self.encoder, compute.eight_bit)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Dropout is off while any thread encodes; after the last one it is as it was before."""
        state = self._encoding
        with state.lock:
            if not state.threads:
                state.was_training = self.training
                if self.training:
                    self.eval()
            state.threads += 1
        try:
            yield
        finally:
            with state.lock:
                state.threads -= 1
                if not state.threads and state.was_training:
                    self.train()

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


class _Encoding:
    """The threads that encode with a model now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.threads = 0
        self.was_training = False

    def __reduce__(self) -> tuple[type[_Encoding], tuple[()]]:
        return _Encoding, ()  # no thread encodes with a copy of the model
