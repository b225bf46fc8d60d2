"""``encode`` and its relatives: the part of the public model that makes vectors of texts."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, overload

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from sentune.checks import require_whole
from sentune.encoding.chunks import chunks
from sentune.encoding.collect import gather
from sentune.encoding.encode import (
    Block,
    EncodeSettings,
    LongText,
    OutputValue,
    encode_chunk,
    encode_chunks,
)
from sentune.encoding.inputs import Inputs
from sentune.encoding.pool import Pool
from sentune.encoding.precision import require_precision
from sentune.errors import ArgumentError
from sentune.hardware import Compute, choose_compute
from sentune.network.encoder import Encoder
from sentune.network.linear import use_eight_bits
from sentune.network.pack import Pack
from sentune.network.pooling import Pooling
from sentune.process import disable_cudnn_attention
from sentune.progress import Advance
from sentune.tokens.prompts import choose_prompt
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["EncodeOptions", "TextEncoder"]

logger = logging.getLogger(__name__)

Devices = str | torch.device | Sequence[str | torch.device] | None

# Texts that a worker is given at a time: enough to order by length, few enough to be shared out.
_MOST_FOR_A_WORKER = 1024
_USUAL_FOR_A_WORKER = 512


class EncodeOptions(TypedDict, total=False):
    """The options of ``encode``, for the methods that pass them on."""

    prompt_name: str | None
    prompt: str | None
    batch_size: int | None
    show_progress_bar: bool | None
    device: Devices
    normalize_embeddings: bool
    truncate_dim: int | None
    precision: str
    pool: Pool | None
    chunk_size: int | None
    long_text: LongText


class TextEncoder(nn.Module):
    """Tokenizer, encoder and pooling in the order of the data, and what is asked of them.

    One instance may be shared by any number of threads that encode.

    Attributes:
        tokenizer, encoder, pooling: the stages.
        normalize: whether vectors are scaled to unit length.
        prompts, default_prompt_name: prompts by name, and the one used when none is named.
        truncate_dim: leading dimensions kept of each vector; all when None.
        compute: device, number format and the reason for it.
        compute_dtype: the number format that was asked for.
        batch_invariant: compute every text by itself, so that its vector has the same bits in
            whatever company it is encoded. The price: see docs/encode.md.
    """

    tokenizer: Tokenizer
    encoder: Encoder
    pooling: Pooling
    normalize: bool
    prompts: dict[str, str]
    default_prompt_name: str | None
    truncate_dim: int | None
    compute: Compute
    compute_dtype: str
    batch_invariant: bool

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

    def write_into(self, folder: Path) -> None:
        """Write the model's files into an existing empty folder."""
        raise NotImplementedError

    # ── one pack ──────────────────────────────────────────────────────────────────────────────

    def forward(self, packed: Pack, prompt_length: int = 0) -> Tensor:
        """A pack of n texts → their vectors (n, dim), in the order in which they were packed.

        This is the whole computation, with gradients where they are enabled; ``truncate_dim``
        is not applied.
        """
        tokens = self.encoder(packed, self.reduced_dtype)
        pooled: Tensor = self.pooling(tokens, packed, prompt_length)
        return F.normalize(pooled, dim=1) if self.normalize else pooled

    @property
    def reduced_dtype(self) -> torch.dtype | None:
        """The format to cast the weights to; None where they are used as they are."""
        # float32 means "as the weights are", so that a model cast to float64 computes in float64.
        return None if self.compute.dtype == torch.float32 else self.compute.dtype

    def compute_as(self, compute: Compute) -> None:
        """Change the number format, and move the weights to the device."""
        self.compute = compute
        if compute.device.type == "cuda":
            disable_cudnn_attention()
        self.to(compute.device)
        use_eight_bits(self.encoder, compute.eight_bit)

    # ── any number of texts ───────────────────────────────────────────────────────────────────

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
        device: Devices = ...,
        normalize_embeddings: bool = ...,
        truncate_dim: int | None = ...,
        pool: Pool | None = ...,
        chunk_size: int | None = ...,
        long_text: LongText = ...,
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
        device: Devices = ...,
        normalize_embeddings: bool = ...,
        truncate_dim: int | None = ...,
        pool: Pool | None = ...,
        chunk_size: int | None = ...,
        long_text: LongText = ...,
    ) -> NDArray[Any] | Tensor | list[Tensor]: ...

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
        device: Devices = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: Pool | None = None,
        chunk_size: int | None = None,
        long_text: LongText = "truncate",
    ) -> NDArray[Any] | Tensor | list[Tensor]:
        """Vectors of texts.

        Memory: the result, and some thousand texts at a time; of a generator of unknown length,
        the result twice at the end.

        Args:
            inputs: a text, or texts in any iterable.
            prompt_name: a name from ``prompts``; the prompt is put before every text.
            prompt: a prompt as it stands; beats ``prompt_name``.
            batch_size: the most texts computed together; a token budget alone when None.
            show_progress_bar: when None, shown if this module's logger is at INFO or below.
            output_value: ``sentence_embedding``, or ``token_embeddings`` for the vectors of the
                tokens before pooling.
            precision: format of the result, see
                :func:`sentune.encoding.precision.quantize_embeddings`.
            convert_to_numpy: an array; otherwise a list of tensors.
            convert_to_tensor: one tensor; beats ``convert_to_numpy``.
            device: moves the model there first; several devices are a pool for this one call.
            normalize_embeddings: scale the (truncated) vectors to unit length.
            truncate_dim: leading dimensions to keep; the model's own setting when None.
            pool: processes to compute in, from ``start_multi_process_pool``; beats ``device``.
            chunk_size: texts that a process of the pool is given at a time.
            long_text: what becomes of texts beyond ``max_seq_length``: ``truncate`` cuts them
                off, as the reference does; ``chunk`` encodes overlapping windows of them, each
                with the prompt, and returns the windows' mean, see
                :class:`sentune.encoding.windows.Windows`.

        Returns:
            (n, dim) float32 array; (dim,) for a single text; a list of (tokens, hidden) tensors
            for token embeddings.

        Raises:
            ArgumentError: an input that is no text (with its position), an unknown prompt name,
                precision or output value, or another argument outside its range.
            PoolError: processes of the pool keep dying.
        """
        given = Inputs.of(inputs)
        require_precision(precision)
        if chunk_size is not None:
            require_whole("chunk_size", chunk_size, fix="leave it out to have it chosen")
        settings = self.encode_settings(
            prompt_name=prompt_name,
            prompt=prompt,
            output_value=output_value,
            batch_size=batch_size,
            truncate_dim=truncate_dim,
            normalize_embeddings=normalize_embeddings,
            long_text=long_text,
        )
        with self._placed(device, pool) as workers:
            size = None if workers is None else chunk_size or _share(given.count, len(workers))
            blocks = self.encode_blocks(
                chunks(given.texts, size),
                settings,
                pool=workers,
                total=given.count,
                show_progress_bar=show_progress_bar,
            )
            if output_value == "token_embeddings":
                tokens = [rows for block in blocks for rows in block.rows]
                return tokens[0] if given.single else tokens
            to_array = convert_to_numpy and not convert_to_tensor
            vectors = gather(
                (block.vectors.cpu() if to_array else block.vectors for block in blocks),
                count=given.count,
                width=min(self.pooling.output_dimension, settings.truncate_dim or sys.maxsize),
                precision=precision,
            )
        if convert_to_tensor or convert_to_numpy:
            shaped = vectors[0] if given.single else vectors
            return shaped if convert_to_tensor else shaped.numpy()
        return vectors[0] if given.single else list(vectors)

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

    def encode_settings(
        self,
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        truncate_dim: int | None = None,
        **others: Any,
    ) -> EncodeSettings:
        """The options of a call with this model's own filled in. Raises ArgumentError."""
        return EncodeSettings(
            prompt=choose_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt),
            truncate_dim=self.truncate_dim if truncate_dim is None else truncate_dim,
            **others,
        )

    def encode_blocks(
        self,
        texts: Iterable[Sequence[str]],
        settings: EncodeSettings,
        *,
        pool: Pool | None = None,
        total: int | None = None,
        show_progress_bar: bool | None = None,
    ) -> Generator[Block]:
        """Chunks of texts → a block of vectors for each, in order, as they are asked for.

        This is what ``encode`` is made of, for vectors that are not to be held all at once.

        Args:
            texts: chunks; of a pool, some are taken before their turn.
            settings: from ``encode_settings``.
            pool: processes to compute in.
            total: texts in all chunks together, for the progress bar.
            show_progress_bar: as for ``encode``.
        """

        def here(texts: Iterable[Sequence[str]], advance: Advance) -> Iterator[Block]:
            return (encode_chunk(self, chunk, settings, advance) for chunk in texts)

        def in_pool(texts: Iterable[Sequence[str]], advance: Advance) -> Iterator[Block]:
            return here(texts, advance) if pool is None else pool.blocks(texts, settings, advance)

        return encode_chunks(
            in_pool,
            texts,
            limit=self.max_seq_length,
            total=total,
            show_progress_bar=_shown(show_progress_bar),
        )

    # ── several processes ─────────────────────────────────────────────────────────────────────

    def start_multi_process_pool(
        self, target_devices: Sequence[str | torch.device] | None = None
    ) -> Pool:
        """Processes with a copy of this model, for ``encode(..., pool=...)``.

        Also a context manager; see :class:`sentune.encoding.pool.Pool` for what it costs.

        Args:
            target_devices: one for each process; every GPU when None, or else ``cpu`` as often as
                there are processors, four at most.

        Raises:
            ArgumentError: no device, or one that is not there.
            PoolError: a process cannot be started.
        """
        return Pool(self, target_devices)

    @staticmethod
    def stop_multi_process_pool(pool: Pool) -> None:
        """End the processes of a pool and wait until they are gone."""
        pool.close()

    @contextmanager
    def _placed(self, device: Devices, pool: Pool | None) -> Iterator[Pool | None]:
        """The processes to compute in; None for this one, on the device that was asked for."""
        if pool is not None:
            pool.require_for(self)
            yield pool
        elif isinstance(device, Sequence) and not isinstance(device, str):
            with self.start_multi_process_pool(device) as started:
                yield started
        else:
            if device is not None:
                self.compute_as(choose_compute(self.compute_dtype, device))
            yield None


def _shown(show_progress_bar: bool | None) -> bool:
    return logger.isEnabledFor(logging.INFO) if show_progress_bar is None else show_progress_bar


def _share(count: int | None, workers: int) -> int:
    """Texts to give a worker at a time: a tenth of its part, so that none waits long at the end."""
    if count is None:
        return _USUAL_FOR_A_WORKER
    return max(1, min(math.ceil(count / workers / 10), _MOST_FOR_A_WORKER))
