"""``encode`` and the methods around it: any number of texts → vectors."""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypedDict, TypeVar, Unpack, overload

import torch
from numpy.typing import NDArray
from torch import Tensor

from sentune.checks import require_whole
from sentune.encoding.chunks import chunks
from sentune.encoding.collect import collect, collect_tokens
from sentune.encoding.embedder import Embedder
from sentune.encoding.encode import (
    Block,
    EncodeSettings,
    KeepTokens,
    LongText,
    OutputValue,
    all_values,
    encode_both,
    require_plain,
)
from sentune.encoding.inputs import Inputs, given_once
from sentune.encoding.precision import require_precision
from sentune.encoding.runners.pool import Pool
from sentune.encoding.runners.runner import Runner, runner_for
from sentune.machine.hardware import choose_compute
from sentune.progress import progress
from sentune.tokens.prompts import choose_prompt
from sentune.tokens.truncation import Truncation, record_truncation

__all__ = ["EncodeOptions", "TextEncoder"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

Devices = str | torch.device | Sequence[str | torch.device] | None


class EncodeOptions(TypedDict, total=False):
    """The options of ``encode`` with which it returns an array."""

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
    """A model that encodes any number of texts, here or in other processes."""

    @overload
    def encode(
        self,
        inputs: Iterable[str] | str | None = ...,
        *,
        sentences: Iterable[str] | str | None = ...,
        **options: Unpack[EncodeOptions],
    ) -> NDArray[Any]: ...

    @overload
    def encode(
        self,
        inputs: Iterable[str] | str | None = ...,
        *,
        output_value: None,
        sentences: Iterable[str] | str | None = ...,
        **options: Unpack[EncodeOptions],
    ) -> Any: ...

    @overload
    def encode(
        self,
        inputs: Iterable[str] | str | None = ...,
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
        *,
        sentences: Iterable[str] | str | None = ...,
    ) -> NDArray[Any] | Tensor | list[Tensor]: ...

    def encode(
        self,
        inputs: Iterable[str] | str | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        output_value: OutputValue | None = "sentence_embedding",
        precision: str = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Devices = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: Runner | None = None,
        chunk_size: int | None = None,
        long_text: LongText = "truncate",
        *,
        sentences: Iterable[str] | str | None = None,
    ) -> Any:
        """Vectors of texts.

        >>> from sentune import SentenceTransformer
        >>> model = SentenceTransformer("all-MiniLM-L6-v2")
        >>> model.encode(["a cat", "a dog"]).shape
        (2, 384)
        >>> model.encode("a cat", truncate_dim=64, normalize_embeddings=True).shape
        (64,)

        Memory: the result, and some thousand texts at a time. Texts from a generator need the
        result twice at the end, because their number is not known before.

        Args:
            inputs: a text, or texts in any iterable.
            prompt_name: a name from ``prompts``; the prompt is put before every text.
            prompt: the prompt itself; beats ``prompt_name``.
            batch_size: the most texts computed together; when None, a token budget decides alone.
            show_progress_bar: when None, shown if this module's logger is at INFO or below.
            output_value: ``sentence_embedding``; ``token_embeddings`` for the vectors of the
                tokens before pooling; or None for a mapping of all values of each text, see
                :func:`sentune.encoding.encode.all_values`.
            precision: format of the result, see
                :func:`sentune.encoding.precision.quantize_embeddings`.
            convert_to_numpy: an array; otherwise a list of tensors.
            convert_to_tensor: one tensor; beats ``convert_to_numpy``.
            device: moves the model there first; several devices are a pool for this one call.
            normalize_embeddings: scale the (truncated) vectors to unit length.
            truncate_dim: leading dimensions to keep; the model's setting when None.
            pool: processes to compute in, from ``start_multi_process_pool``; beats ``device``.
            chunk_size: texts that a process of the pool gets at a time.
            long_text: what to do with texts over ``max_seq_length``: ``truncate`` cuts them, as
                the reference does; ``chunk`` encodes overlapping windows, each with the prompt,
                and returns their mean, see :class:`sentune.encoding.windows.Windows`.
            sentences: the older name of ``inputs``.

        Returns:
            (n, dim) float32 array; (dim,) for a single text; for token embeddings a list of
            (tokens, hidden) tensors, or of arrays where ``precision`` is not float32; for None a
            list of mappings of tensors.

        Raises:
            ArgumentError: an input that is not a text (with its position), an unknown prompt
                name, precision or output value, or another argument outside its range.
            PoolError: processes of the pool keep dying.
        """
        given = Inputs.of(given_once(inputs, sentences))
        require_precision(precision)
        if chunk_size is not None:
            require_whole("chunk_size", chunk_size, fix="leave it out to have it chosen")
        settings = self.encode_settings(
            prompt_name=prompt_name,
            prompt=prompt,
            output_value="sentence_embedding" if output_value is None else output_value,
            batch_size=batch_size,
            truncate_dim=truncate_dim,
            normalize_embeddings=normalize_embeddings,
            long_text=long_text,
        )
        if output_value is None:
            quantized, windows = precision != "float32" and precision, long_text == "chunk"
            several = isinstance(device, list) and device
            require_plain(
                precision=quantized, pool=pool, long_text=windows and long_text, device=several
            )
            return self._all_values(given, settings, device)
        with self._runner(device, pool) as runner:
            blocks = self.encode_blocks(
                chunks(given.texts, runner.chunk_size(given.count, chunk_size)),
                settings,
                pool=runner,
                total=given.count,
                show_progress_bar=show_progress_bar,
            )
            if output_value == "token_embeddings":
                each = [rows for block in blocks for rows in block.rows]
                tokens = collect_tokens(each, precision)
                return tokens[0] if given.single else tokens
            to_array = convert_to_numpy and not convert_to_tensor
            vectors = collect(
                (block.vectors.cpu() if to_array else block.vectors for block in blocks),
                count=given.count,
                width=min(self.output_dimension, settings.truncate_dim or sys.maxsize),
                precision=precision,
            )
        if convert_to_tensor or convert_to_numpy:
            shaped = vectors[0] if given.single else vectors
            return shaped if convert_to_tensor else shaped.numpy()
        return vectors[0] if given.single else list(vectors)

    def _all_values(self, given: Inputs, settings: EncodeSettings, device: Devices) -> Any:
        if isinstance(device, str | torch.device):
            self.compute_as(choose_compute(self.compute_dtype, device))
        found, truncation = all_values(self, list(given.texts), settings)
        self._tell(truncation)
        return found[0] if given.single else found

    def _tell(self, truncation: Truncation) -> None:
        if not record_truncation(truncation) and truncation.truncated:
            logger.warning("%s", truncation.describe(self.max_seq_length))

    def encode_query(
        self,
        inputs: Iterable[str] | str | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        *args: Any,
        **options: Any,
    ) -> NDArray[Any]:
        """``encode`` with the prompt named ``query``, where the model has one."""
        chosen = self.query_prompt if prompt_name is None and prompt is None else prompt
        return self.encode(inputs, prompt_name, chosen, *args, **options)  # type: ignore[return-value]

    def encode_document(
        self,
        inputs: Iterable[str] | str | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        *args: Any,
        **options: Any,
    ) -> NDArray[Any]:
        """``encode`` with the prompt named ``document``, ``passage`` or ``corpus``."""
        chosen = self.document_prompt if prompt_name is None and prompt is None else prompt
        return self.encode(inputs, prompt_name, chosen, *args, **options)  # type: ignore[return-value]

    def encode_settings(
        self,
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        truncate_dim: int | None = None,
        **others: Any,
    ) -> EncodeSettings:
        """The options of a call; the model's where none is given. Raises ArgumentError."""
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
        """Chunks of texts → a block of vectors for each, in order, one at a time.

        ``encode`` collects these blocks; use them when all vectors together need too much memory.
        What the length limit cuts goes to the ``count_truncation`` block around the consumer, or
        is logged as a warning at the end.

        Args:
            texts: chunks; a pool takes some of them ahead.
            settings: from ``encode_settings``.
            total: texts in all chunks together, for the progress bar.
            pool, show_progress_bar: as for ``encode``.
        """
        runner = runner_for(self, pool)
        whole, counted = Truncation(), True
        if show_progress_bar is None:
            show_progress_bar = logger.isEnabledFor(logging.INFO)
        with (
            progress("encoding", total, unit="texts", show=show_progress_bar) as advance,
            closing(runner.blocks(texts, settings, advance)) as blocks,
        ):
            for block in blocks:
                whole.add(block.truncation)
                counted = record_truncation(block.truncation) and counted
                yield block
        if not counted and whole.truncated:
            logger.warning("%s", whole.describe(self.max_seq_length))

    def encode_with_tokens(
        self, texts: Sequence[str], prompt: str, keep: KeepTokens[T]
    ) -> tuple[NDArray[Any], list[T]]:
        """Vectors (n, dim) as ``encode`` gives them, and what ``keep`` makes of the token vectors.

        One computation gives both; :func:`sentune.encoding.encode.encode_both` says what ``keep``
        gets. All texts are ordered together, so give some hundred at a time.
        """
        block, kept = encode_both(self, texts, self.encode_settings(prompt=prompt), keep)
        self._tell(block.truncation)
        return block.vectors.cpu().numpy(), kept

    # ── several processes ─────────────────────────────────────────────────────────────────────

    def start_multi_process_pool(
        self, target_devices: Sequence[str | torch.device] | None = None
    ) -> Pool:
        """Processes with a copy of this model, for ``encode(..., pool=...)``.

        See :class:`sentune.encoding.runners.pool.Pool`, also for devices, cost and errors.
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
