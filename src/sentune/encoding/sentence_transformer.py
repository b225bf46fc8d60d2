"""The public model: text → tokens → pack → encoder → pooling → modules after it → vector."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from sentune.encoding.arguments import Loading, Options, merged
from sentune.encoding.card_data import SentenceTransformerModelCardData
from sentune.encoding.scripted.encoder import ScriptedEncoder
from sentune.encoding.similarity import (
    SimilarityFunction,
    Vectors,
    similarity,
    similarity_name,
    similarity_pairwise,
)
from sentune.encoding.stages.own_folder import own_stages, shown
from sentune.encoding.stages.transformer import Transformer, arranged, without_stages
from sentune.errors import ArgumentError
from sentune.machine.hardware import choose_compute
from sentune.model_folder.resolve import DEFAULT_BASE_MODEL
from sentune.model_folder.vector_modules import build_modules
from sentune.network.architectures import ARCHITECTURES
from sentune.network.pooling import Pooling
from sentune.tokens.prompts import all_prompts, choose_prompt

__all__ = ["SentenceTransformer"]

logger = logging.getLogger(__name__)


class SentenceTransformer(ScriptedEncoder):
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
            ``all-MiniLM-L6-v2``, which None means too; :mod:`sentune.model_folder.resolve` says
            where it looks.
        modules: the stages instead of a name, made with :mod:`sentune.models`.
        device: ``"cpu"``, ``"cuda"``, …; chosen when None. On CUDA this disables cuDNN's attention
            in the whole process: it is slow for texts of many lengths.
        prompts: prompts by name, added to those of the folder.
        default_prompt_name: the prompt that is used when a call names none.
        cache_folder: the folder of the hub's cache, instead of the usual one.
        trust_remote_code: only False: code in a model folder is never run.
        revision: branch, tag or commit of a hub model.
        local_files_only: do not ask the hub.
        token, use_auth_token: for the hub; ``HF_TOKEN`` or a login when None.
        model_kwargs: ``dtype`` (or ``torch_dtype``) is the ``compute_dtype``;
            ``attn_implementation`` may be ``eager`` or ``sdpa``. What cannot change a vector is
            accepted, anything else refused.
        processor_kwargs, tokenizer_kwargs: changes to ``tokenizer_config.json``, such as
            ``model_max_length``.
        config_kwargs: changes to values of ``config.json``.
        model_card_data: what the card says of the model.
        backend: only ``"torch"``.
        similarity_fn_name: ``cosine`` (default), ``dot``, ``euclidean`` or ``manhattan``, or a
            member of ``SimilarityFunction``.
        truncate_dim: leading dimensions to keep of each vector; all when None.
        compute_dtype: ``"auto"`` (bfloat16 where the hardware multiplies it, else float32),
            ``"float32"``, ``"bfloat16"``, or ``"int8"`` for products of 8-bit integers, which are
            faster and less exact: see docs/encode.md. Weights always stay in float32.
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
        model_name_or_path: str | Path | None = None,
        *,
        modules: Iterable[nn.Module] | None = None,
        device: str | torch.device | None = None,
        prompts: dict[str, str] | None = None,
        default_prompt_name: str | None = None,
        cache_folder: str | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        token: bool | str | None = None,
        use_auth_token: bool | str | None = None,
        model_kwargs: Options = None,
        processor_kwargs: Options = None,
        tokenizer_kwargs: Options = None,
        config_kwargs: Options = None,
        model_card_data: SentenceTransformerModelCardData | None = None,
        backend: str = "torch",
        similarity_fn_name: SimilarityFunction | str | None = None,
        truncate_dim: int | None = None,
        compute_dtype: str = "auto",
        batch_invariant: bool = False,
    ) -> None:
        super().__init__()
        loading = Loading.of(
            compute_dtype=compute_dtype,
            model_kwargs=model_kwargs,
            processor_kwargs=merged(
                "processor_kwargs", processor_kwargs, "tokenizer_kwargs", tokenizer_kwargs
            ),
            config_kwargs=config_kwargs,
            cache_folder=cache_folder,
            local_files_only=local_files_only,
            token=token if use_auth_token is None else use_auth_token,
            trust_remote_code=trust_remote_code,
            backend=backend,
        )
        self.batch_invariant = batch_invariant
        self.compute_dtype = loading.compute_dtype
        self.compute = choose_compute(self.compute_dtype, device)
        self.model_card_data = model_card_data or SentenceTransformerModelCardData()
        if modules is None:
            self._load(model_name_or_path or DEFAULT_BASE_MODEL, loading, revision)
        else:
            self._compose(list(modules), model_name_or_path)
        self.compute_as(self.compute)
        found = self._folder
        self.prompts = all_prompts(found.prompts, prompts)
        self.default_prompt_name = default_prompt_name or found.default_prompt_name
        choose_prompt(self.prompts, self.default_prompt_name, None, None)
        self.similarity_fn_name = similarity_fn_name or found.similarity_fn_name
        self.truncate_dim = found.truncate_dim if truncate_dim is None else truncate_dim
        self.extras = found.extras
        self.model_card = found.card
        self.eval()
        for stage in self.following_stages():
            if callable(ready := getattr(stage, "on_model_ready", None)):
                ready(self)

    def _load(self, name: str | Path, loading: Loading, revision: str | None) -> None:
        first = Transformer.load(name, loading, revision, self.compute.device)
        self._begin(first)
        logger.info("model %s from %s (%s)", self.base.name, self.base.folder, self.base.origin)
        if self.base.origin != "local folder":
            self.model_card_data.base_model = self.base.name
            self.model_card_data.base_model_revision = self.base.revision
        found = first.folder
        if found.own_stages:
            self.pooling = own_stages(found, self.compute.device)
            self.after_pooling = nn.Sequential()
            return
        width = found.config.hidden_size
        self.pooling = Pooling(width, found.pooling_modes, include_prompt=found.include_prompt)
        width = self.pooling.output_dimension
        self.after_pooling = build_modules(found.after_pooling, width, self.compute.device)

    def _compose(self, modules: list[nn.Module], name: str | Path | None) -> None:
        """The model of these stages. Raises ArgumentError."""
        if name is not None:
            raise ArgumentError(
                f"modules beside the model {str(name)!r}",
                expected="one of the two",
                fix="leave the name out, or the modules",
            )
        pooling, after_pooling = arranged(modules)
        first = cast("Transformer", modules[0])
        self._begin(first)
        self._folder = without_stages(first.folder)
        self.pooling, self.after_pooling = pooling, after_pooling

    def _begin(self, first: Transformer) -> None:
        self.base, self._folder = first.base, first.folder
        self.encoder, self.tokenizer = first.encoder, first.tokenizer

    @staticmethod
    def load(input_path: str | Path) -> SentenceTransformer:
        """The model of a folder; the constructor does the same."""
        return SentenceTransformer(input_path)

    @property
    def similarity_fn_name(self) -> str:
        """The function behind ``similarity``."""
        return self._similarity_fn_name

    @similarity_fn_name.setter
    def similarity_fn_name(self, name: SimilarityFunction | str | None) -> None:
        name = "cosine" if name is None else name
        self._similarity_fn_name = similarity_name("similarity_fn_name", name)

    def __repr__(self) -> str:
        transformer = {
            "max_seq_length": self.max_seq_length,
            "do_lower_case": self.tokenizer.do_lower_case,
        }
        model_class = ARCHITECTURES[self.encoder.config.model_type].model_class
        lines = [f"(0): Transformer({transformer}) with Transformer model: {model_class}"]
        lines += [
            f"({number}): {shown(stage)}" for number, stage in enumerate(self.following_stages(), 1)
        ]
        return "SentenceTransformer(\n  " + "\n  ".join(lines) + "\n)"

    # ── training ──────────────────────────────────────────────────────────────────────────────

    def fit(self, train_objectives: Any, *arguments: Any, **options: Any) -> None:
        """Train this model in place; see :func:`sentune.fit` for the arguments and errors."""
        # Training lies above this room: the front of the package loads it.
        importlib.import_module("sentune").fit(self, train_objectives, *arguments, **options)

    # ── vectors → scores ──────────────────────────────────────────────────────────────────────

    def similarity(self, embeddings1: Vectors, embeddings2: Vectors) -> Tensor:
        """Similarity of all pairs, (n, m), by ``similarity_fn_name``. Raises ArgumentError."""
        return similarity(embeddings1, embeddings2, self.similarity_fn_name)

    def similarity_pairwise(self, embeddings1: Vectors, embeddings2: Vectors) -> Tensor:
        """Similarity row by row, (n,), by ``similarity_fn_name``. Raises ArgumentError."""
        return similarity_pairwise(embeddings1, embeddings2, self.similarity_fn_name)
