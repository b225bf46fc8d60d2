"""``encode`` and its relatives: the part of the public model that makes vectors of texts."""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypedDict, Unpack, overload

import torch
from numpy.typing import NDArray
from torch import Tensor

from sentune.checks import require_whole
from sentune.encoding.chunks import chunks
from sentune.encoding.collect import gather
from sentune.encoding.embedder import Embedder
from sentune.encoding.encode import Block, EncodeSettings, LongText, OutputValue
from sentune.encoding.inputs import Inputs
from sentune.encoding.pool import Pool
from sentune.encoding.precision import require_precision
from sentune.encoding.runner import Runner, encode_chunks, runner_for
from sentune.hardware import choose_compute
from sentune.tokens.prompts import choose_prompt

__all__ = ["EncodeOptions", "TextEncoder"]

logger = logging.getLogger(__name__)

Devices = str | torch.device | Sequence[str | torch.device] | None


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
    pool: Runner | None
    chunk_size: int | None
    long_text: LongText


class TextEncoder(Embedder):
    """What is asked of a model: vectors of any number of texts."""

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
        pool: Runner | None = ...,
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
        pool: Runner | None = ...,
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
        pool: Runner | None = None,
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
        with self._runner(device, pool) as runner:
            blocks = self.encode_blocks(
                chunks(given.texts, runner.chunk_size(given.count, chunk_size)),
                settings,
                pool=runner,
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
        pool: Runner | None = None,
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
        return encode_chunks(
            runner_for(self, pool),
            texts,
            settings,
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
    def _runner(self, device: Devices, pool: Runner | None) -> Iterator[Runner]:
        """Where to compute: ``pool``, a pool on several devices, or this process on ``device``."""
        if pool is not None or device is None:
            yield runner_for(self, pool)
        elif isinstance(device, Sequence) and not isinstance(device, str):
            with self.start_multi_process_pool(device) as started:
                yield started
        else:
            self.compute_as(choose_compute(self.compute_dtype, device))
            yield runner_for(self, None)


def _shown(show_progress_bar: bool | None) -> bool:
    return logger.isEnabledFor(logging.INFO) if show_progress_bar is None else show_progress_bar
