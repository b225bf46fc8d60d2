"""The public model: text → tokens → pack → encoder → pooling → vector."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sentune.checks import require_choice
from sentune.encoding.similarity import Vectors, similarity, similarity_pairwise
from sentune.encoding.text_encoder import TextEncoder
from sentune.files import new_folder
from sentune.hardware import choose_compute
from sentune.model_folder.folder import ModelFolder
from sentune.model_folder.resolve import DEFAULT_BASE_MODEL, resolve
from sentune.model_folder.weights import build_encoder, read_weights
from sentune.network.architectures import ARCHITECTURES
from sentune.network.names import SIMILARITY_FUNCTIONS
from sentune.network.pooling import Pooling
from sentune.tokens.prompts import choose_prompt

__all__ = ["SentenceTransformer"]

logger = logging.getLogger(__name__)


class SentenceTransformer(TextEncoder):
    """A sentence-embedding model.

    >>> from sentune import SentenceTransformer
    >>> model = SentenceTransformer("all-MiniLM-L6-v2")
    >>> texts = ["The cat sits outside", "A cat is in the garden", "The new film is great"]
    >>> vectors = model.encode(texts)
    >>> vectors.shape
    (3, 384)
    >>> model.similarity(vectors[0], vectors).argsort(descending=True).tolist()
    [[0, 1, 2]]

    Args:
        model_name_or_path: a model folder, a name on the Hugging Face hub, or
            ``all-MiniLM-L6-v2``; :mod:`sentune.model_folder.resolve` says where it looks.
        device: ``"cpu"``, ``"cuda"``, …; chosen when None. On CUDA this disables cuDNN's attention
            in the whole process: it is slow for texts of many lengths.
        compute_dtype: ``"auto"`` (bfloat16 where the hardware multiplies it, else float32),
            ``"float32"``, ``"bfloat16"``, or ``"int8"`` for products of 8-bit integers, which are
            faster and less exact: see docs/encode.md. Weights always stay in float32.
        prompts: prompts by name, added to those of the folder.
        default_prompt_name: the prompt that is used when a call names none.
        similarity_fn_name: ``cosine`` (default), ``dot``, ``euclidean`` or ``manhattan``.
        truncate_dim: leading dimensions to keep of each vector; all when None.
        revision: branch, tag or commit of a hub model.
        batch_invariant: compute every text alone, so that its vector has the same bits whatever
            it is encoded with; docs/encode.md says what that costs.

    Attributes:
        base: the name, folder and origin of the model that was loaded.

    The other attributes are those of :class:`sentune.encoding.embedder.Embedder`.

    Raises:
        ModelNotFoundError: the name resolves to nothing.
        ModelError: the folder is incomplete, damaged or of an unsupported kind.
        ArgumentError: an argument outside its range.
    """

    def __init__(
        self,
        model_name_or_path: str | Path = DEFAULT_BASE_MODEL,
        *,
        device: str | torch.device | None = None,
        compute_dtype: str = "auto",
        prompts: dict[str, str] | None = None,
        default_prompt_name: str | None = None,
        similarity_fn_name: str | None = None,
        truncate_dim: int | None = None,
        revision: str | None = None,
        batch_invariant: bool = False,
    ) -> None:
        super().__init__()
        self.batch_invariant = batch_invariant
        self.compute_dtype = compute_dtype
        self.compute = choose_compute(compute_dtype, device)
        self.base = resolve(model_name_or_path, revision)
        logger.info("model %s from %s (%s)", self.base.name, self.base.folder, self.base.origin)
        self._folder = found = ModelFolder.read(self.base.folder)
        self.encoder = build_encoder(
            found.config,
            read_weights(found.weights, found.config.model_type),
            str(found.weights),
            self.compute.device,
        )
        self.compute_as(self.compute)
        self.tokenizer = found.tokenizer
        self.pooling = Pooling(
            found.config.hidden_size, found.pooling_modes, include_prompt=found.include_prompt
        )
        self.normalize = found.normalize
        self.prompts = {**found.prompts, **(prompts or {})}
        self.default_prompt_name = default_prompt_name or found.default_prompt_name
        choose_prompt(self.prompts, self.default_prompt_name, None, None)
        self.similarity_fn_name = similarity_fn_name or found.similarity_fn_name or "cosine"
        self.truncate_dim = found.truncate_dim if truncate_dim is None else truncate_dim
        self.extras = found.extras
        self.model_card = found.card
        self.eval()

    @property
    def similarity_fn_name(self) -> str:
        """The function behind ``similarity``."""
        return self._similarity_fn_name

    @similarity_fn_name.setter
    def similarity_fn_name(self, name: str) -> None:
        self._similarity_fn_name = require_choice("similarity_fn_name", name, SIMILARITY_FUNCTIONS)

    def __repr__(self) -> str:
        transformer = {
            "max_seq_length": self.max_seq_length,
            "do_lower_case": self.tokenizer.do_lower_case,
        }
        model_class = ARCHITECTURES[self.encoder.config.model_type].model_class
        lines = [
            f"(0): Transformer({transformer}) with Transformer model: {model_class}",
            f"(1): Pooling({self.pooling.describe()})",
            *(["(2): Normalize()"] if self.normalize else []),
        ]
        return "SentenceTransformer(\n  " + "\n  ".join(lines) + "\n)"

    # ── training ──────────────────────────────────────────────────────────────────────────────

    def activation_checkpointing_enable(
        self,
        activation_checkpointing_kwargs: dict[str, Any] | None = None,
        every_n_layers: int = 1,
        offload: bool = False,
    ) -> None:
        """Train with less memory in more time; the trainer calls it when a setting asks for it."""
        del activation_checkpointing_kwargs, offload
        self.encoder.recompute_every = every_n_layers

    def fit(self, train_objectives: Any, *arguments: Any, **options: Any) -> None:
        """Train this model in place; see :func:`sentune.fit` for the arguments and errors."""
        import sentune  # whose front loads the rooms above this one

        sentune.fit(self, train_objectives, *arguments, **options)

    # ── vectors → scores ──────────────────────────────────────────────────────────────────────

    def similarity(self, embeddings1: Vectors, embeddings2: Vectors) -> Tensor:
        """Similarity of all pairs, (n, m), by ``similarity_fn_name``. Raises ArgumentError."""
        return similarity(embeddings1, embeddings2, self.similarity_fn_name)

    def similarity_pairwise(self, embeddings1: Vectors, embeddings2: Vectors) -> Tensor:
        """Similarity row by row, (n,), by ``similarity_fn_name``. Raises ArgumentError."""
        return similarity_pairwise(embeddings1, embeddings2, self.similarity_fn_name)

    # ── model → folder ────────────────────────────────────────────────────────────────────────

    def save_pretrained(self, path: str | Path) -> None:
        """Write the model folder, whole or not at all.

        Every version of sentence-transformers from 3.1 on loads it.

        Raises:
            OutputError: the folder exists and is not empty, or cannot be written.
        """
        with new_folder(path) as folder:
            self.write_into(folder)
