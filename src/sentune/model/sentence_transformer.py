"""The public model: text → tokens → pack → encoder → pooling → vector."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, overload

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from sentune.errors import ArgumentError
from sentune.files import new_folder
from sentune.hardware import choose_compute
from sentune.model.architectures import ARCHITECTURES
from sentune.model.base_models import DEFAULT_BASE_MODEL, resolve
from sentune.model.encoding import Batching, token_groups
from sentune.model.folder import read_folder
from sentune.model.folder_writing import write_folder
from sentune.model.inputs import (
    choose_prompt,
    require_dimension,
    require_output_value,
    require_texts,
)
from sentune.model.pack import Pack, pack
from sentune.model.pooling import Pooling
from sentune.model.precision import quantize_embeddings, require_precision
from sentune.model.similarity import (
    SIMILARITY_FUNCTIONS,
    Vectors,
    similarity,
    similarity_pairwise,
)
from sentune.model.weights import build_encoder, read_weights

__all__ = ["SentenceTransformer"]

logger = logging.getLogger(__name__)

OutputValue = Literal["sentence_embedding", "token_embeddings"]
Groups = Iterable[tuple[list[int], list[list[int]]]]

# Written into saved folders: sentence-transformers 3.1 warns about models newer than itself.
_LAYOUT_VERSIONS = {"sentence_transformers": "3.1.0", "transformers": "4.44.2"}


class EncodeOptions(TypedDict, total=False):
    """The options of ``encode``, for the methods that pass them on."""

    prompt_name: str | None
    prompt: str | None
    batch_size: int | None
    show_progress_bar: bool | None
    device: str | torch.device | None
    normalize_embeddings: bool
    truncate_dim: int | None
    precision: str


class SentenceTransformer(nn.Module):
    """A sentence-embedding model.

    Args:
        model_name_or_path: a model folder, a name on the Hugging Face hub, or
            ``all-MiniLM-L6-v2``; see :mod:`sentune.model.base_models` for where it is looked for.
        device: ``"cpu"``, ``"cuda"``, …; chosen when None.
        compute_dtype: ``"auto"`` (bfloat16 where the hardware multiplies it, else float32),
            ``"float32"`` or ``"bfloat16"``. Weights are kept in float32 in any case.
        prompts: prompts by name, added to the folder's own.
        default_prompt_name: the prompt used when none is named.
        similarity_fn_name: ``cosine`` (default), ``dot``, ``euclidean`` or ``manhattan``.
        truncate_dim: leading dimensions kept of each vector; all when None.
        revision: branch, tag or commit of a hub model.

    Attributes:
        tokenizer, encoder, pooling: the stages, in the order of the data.
        normalize: whether vectors are scaled to unit length.
        base: the name, folder and origin of the model that was loaded.
        compute: device, number format and the reason for it.
        model_card: the text that ``save_pretrained`` writes as ``README.md``.
        own: what sentune keeps in the folder beside the model (the weight of the fusion).

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
    ) -> None:
        super().__init__()
        self._compute_dtype = compute_dtype
        self.compute = choose_compute(compute_dtype, device)
        self.base = resolve(model_name_or_path, revision)
        logger.info("model %s from %s (%s)", self.base.name, self.base.folder, self.base.origin)
        found = read_folder(self.base.folder)
        self.encoder = build_encoder(
            found.config,
            read_weights(found.weights, found.config.model_type),
            str(found.weights),
            self.compute.device,
        )
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
        require_dimension(self.truncate_dim)
        self.own = found.own
        self.model_card = _read_card(self.base.folder)
        self._config_json = found.config_json
        self.eval()

    # ── properties ────────────────────────────────────────────────────────────────────────────

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.encoder.embeddings.word.weight.device

    @property
    def max_seq_length(self) -> int:
        """The most tokens of a text, special tokens and prompt included; the rest is cut off."""
        return self.tokenizer.max_seq_length

    @max_seq_length.setter
    def max_seq_length(self, length: int) -> None:
        longest = self.encoder.config.longest_text
        if isinstance(length, int) and length > longest:
            raise ArgumentError(
                f"max_seq_length {length}",
                expected=f"at most {longest}, the positions that the encoder has",
                fix="choose a shorter limit",
            )
        self.tokenizer.max_seq_length = length

    @property
    def similarity_fn_name(self) -> str:
        """The function behind ``similarity``."""
        return self._similarity_fn_name

    @similarity_fn_name.setter
    def similarity_fn_name(self, name: str) -> None:
        if name not in SIMILARITY_FUNCTIONS:
            raise ArgumentError(
                f"similarity_fn_name {name!r}",
                expected=f"one of {', '.join(SIMILARITY_FUNCTIONS)}",
                fix="leave it out for cosine",
            )
        self._similarity_fn_name = name

    @property
    def query_prompt(self) -> str:
        """What ``encode_query`` puts before a text: the prompt ``query``, or the default one."""
        return self._first_prompt("query")

    @property
    def document_prompt(self) -> str:
        """What ``encode_document`` puts before a text: ``document``, ``passage`` or ``corpus``."""
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

    # ── text → vectors ────────────────────────────────────────────────────────────────────────

    def forward(self, packed: Pack, prompt_length: int = 0) -> Tensor:
        """A pack of n texts → their vectors (n, dim), in the order in which they were packed.

        This is the whole computation, with gradients where they are enabled; ``truncate_dim``
        is not applied.
        """
        tokens = self.encoder(packed, self._reduced_dtype)
        pooled: Tensor = self.pooling(tokens, packed, prompt_length)
        return F.normalize(pooled, dim=1) if self.normalize else pooled

    @property
    def _reduced_dtype(self) -> torch.dtype | None:
        # float32 means "as the weights are", so that a model cast to float64 computes in float64.
        return None if self.compute.dtype == torch.float32 else self.compute.dtype

    @overload
    def encode(
        self,
        inputs: Iterable[str] | str,
        prompt_name: str | None = ...,
        prompt: str | None = ...,
        batch_size: int | None = ...,
        show_progress_bar: bool | None = ...,
        output_value: Literal["sentence_embedding"] = ...,
        precision: str = ...,
        convert_to_numpy: Literal[True] = ...,
        convert_to_tensor: Literal[False] = ...,
        device: str | torch.device | None = ...,
        normalize_embeddings: bool = ...,
        truncate_dim: int | None = ...,
    ) -> NDArray[Any]: ...

    @overload
    def encode(
        self,
        inputs: Iterable[str] | str,
        prompt_name: str | None = ...,
        prompt: str | None = ...,
        batch_size: int | None = ...,
        show_progress_bar: bool | None = ...,
        output_value: OutputValue = ...,
        precision: str = ...,
        convert_to_numpy: bool = ...,
        convert_to_tensor: bool = ...,
        device: str | torch.device | None = ...,
        normalize_embeddings: bool = ...,
        truncate_dim: int | None = ...,
    ) -> NDArray[Any] | Tensor | list[Tensor]: ...

    @torch.inference_mode()
    def encode(
        self,
        inputs: Iterable[str] | str,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        output_value: OutputValue = "sentence_embedding",
        precision: str = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | torch.device | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
    ) -> NDArray[Any] | Tensor | list[Tensor]:
        """Vectors of texts.

        Args:
            inputs: a text, or texts in any iterable.
            prompt_name: a name from ``prompts``; the prompt is put before every text.
            prompt: a prompt as it stands; beats ``prompt_name``.
            batch_size: the most texts computed together; a token budget alone when None.
            show_progress_bar: when None, shown if this module's logger is at INFO or below.
            output_value: ``sentence_embedding``, or ``token_embeddings`` for the vectors of the
                tokens before pooling.
            precision: format of the result, see
                :func:`sentune.model.precision.quantize_embeddings`.
            convert_to_numpy: an array; otherwise a list of tensors.
            convert_to_tensor: one tensor; beats ``convert_to_numpy``.
            device: moves the model there first.
            normalize_embeddings: scale the (truncated) vectors to unit length.
            truncate_dim: leading dimensions to keep; the model's own setting when None.

        Returns:
            (n, dim) float32 array; (dim,) for a single text; a list of (tokens, hidden) tensors
            for token embeddings.

        Raises:
            ArgumentError: an input that is no text (with its position), an unknown prompt name,
                precision or output value, or another argument outside its range.
        """
        texts, single = require_texts(inputs)
        require_precision(precision)
        require_output_value(output_value)
        kept = self.truncate_dim if truncate_dim is None else truncate_dim
        require_dimension(kept)
        if device is not None:
            with torch.inference_mode(False):  # weights moved in that mode could not be tuned
                self.compute = choose_compute(self._compute_dtype, device)
                self.to(self.compute.device)
        chosen = choose_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        skipped = self.tokenizer.prompt_length(chosen) if chosen else 0
        groups = token_groups(
            [chosen + text for text in texts] if chosen else texts,
            self.tokenizer,
            Batching.for_device(self.device, batch_size),
            show_progress_bar=_shown(show_progress_bar),
        )
        with self._evaluating():
            if output_value == "token_embeddings":
                tokens = self._token_vectors(groups, len(texts))
                return tokens[0] if single else tokens
            vectors = self._sentence_vectors(groups, len(texts), skipped)
        vectors = vectors[:, :kept]
        vectors = F.normalize(vectors, dim=1) if normalize_embeddings else vectors
        if precision != "float32":
            vectors = torch.from_numpy(quantize_embeddings(vectors.cpu().numpy(), precision))
        if convert_to_tensor or convert_to_numpy:
            shaped = vectors[0] if single else vectors
            return shaped if convert_to_tensor else shaped.cpu().numpy()
        return vectors[0] if single else list(vectors)

    def encode_query(
        self, inputs: Iterable[str] | str, **options: Unpack[EncodeOptions]
    ) -> NDArray[Any]:
        """``encode`` with the prompt named ``query``, where the model has one."""
        return self._encode_as(self.query_prompt, inputs, options)

    def encode_document(
        self, inputs: Iterable[str] | str, **options: Unpack[EncodeOptions]
    ) -> NDArray[Any]:
        """``encode`` with the prompt named ``document``, ``passage`` or ``corpus``."""
        return self._encode_as(self.document_prompt, inputs, options)

    def _encode_as(
        self, prompt: str, inputs: Iterable[str] | str, options: EncodeOptions
    ) -> NDArray[Any]:
        if options.get("prompt") is None and options.get("prompt_name") is None:
            options = {**options, "prompt": prompt}
        result: NDArray[Any] = self.encode(inputs, **options)
        return result

    def _sentence_vectors(self, groups: Groups, count: int, skipped: int) -> Tensor:
        vectors = torch.empty(count, self.pooling.output_dimension, device=self.device)
        for places, token_ids in groups:
            vectors[places] = self(pack(token_ids).to(self.device), skipped).to(vectors.dtype)
        return vectors

    def _token_vectors(self, groups: Groups, count: int) -> list[Tensor]:
        vectors = [torch.empty(0)] * count
        for places, token_ids in groups:
            packed = pack(token_ids).to(self.device)
            tokens = self.encoder(packed, self._reduced_dtype).float()
            for place, rows in zip(places, packed.split(tokens), strict=True):
                vectors[place] = rows
        return vectors

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Switch dropout off, and on again if it was; threads that only encode change nothing."""
        if not self.training:
            yield
            return
        self.eval()
        try:
            yield
        finally:
            self.train()

    def activation_checkpointing_enable(
        self,
        activation_checkpointing_kwargs: dict[str, Any] | None = None,
        every_n_layers: int = 1,
        offload: bool = False,
    ) -> None:
        """Trade time for memory in training; the trainer calls it when a setting asks for it."""
        del activation_checkpointing_kwargs, offload
        self.encoder.recompute_every = every_n_layers

    # ── vectors → scores ──────────────────────────────────────────────────────────────────────

    def similarity(self, embeddings1: Vectors, embeddings2: Vectors) -> Tensor:
        """All pairs, (n, m), by ``similarity_fn_name``. Raises ArgumentError."""
        return similarity(embeddings1, embeddings2, self.similarity_fn_name)

    def similarity_pairwise(self, embeddings1: Vectors, embeddings2: Vectors) -> Tensor:
        """Row by row, (n,), by ``similarity_fn_name``. Raises ArgumentError."""
        return similarity_pairwise(embeddings1, embeddings2, self.similarity_fn_name)

    # ── model → folder ────────────────────────────────────────────────────────────────────────

    def save_pretrained(self, path: str | Path) -> None:
        """Write the model folder, whole or not at all, in the layout that every version of
        sentence-transformers from 3.1 on loads.

        Raises:
            OutputError: the folder exists and is not empty, or cannot be written.
        """
        with new_folder(path) as folder:
            self.write_into(folder)

    def write_into(self, folder: Path) -> None:
        """Write the model's files into an existing empty folder, for callers who add their own."""
        write_folder(
            folder,
            self.encoder,
            self.tokenizer,
            self.pooling,
            config=self._config_json,
            settings=self._settings(),
            normalize=self.normalize,
            own=self.own,
            card=self.model_card,
        )

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "__version__": {**_LAYOUT_VERSIONS, "pytorch": torch.__version__},
            "prompts": self.prompts,
            "default_prompt_name": self.default_prompt_name,
            "similarity_fn_name": self.similarity_fn_name,
        }
        if self.truncate_dim is not None:
            settings["truncate_dim"] = self.truncate_dim
        return settings


def _shown(show_progress_bar: bool | None) -> bool:
    return logger.isEnabledFor(logging.INFO) if show_progress_bar is None else show_progress_bar


def _read_card(folder: Path) -> str:
    card = folder / "README.md"
    return card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
