"""Methods of the reference's model that scripts call, over the model's own ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentune.encoding.card_data import SentenceTransformerModelCardData, said_when_saving
from sentune.encoding.runners.pool import Pool
from sentune.encoding.scripted.model import ScriptedModel
from sentune.encoding.stage_list import StageList
from sentune.encoding.stages.auto_model import AutoModel
from sentune.errors import ArgumentError
from sentune.machine.hardware import choose_compute
from sentune.tokens.batch import TokenBatch

__all__ = ["ScriptedEncoder"]

_LAYERS, _LAYERS_THERE = "encoder.layers.", "encoder.layer."


class ScriptedEncoder(StageList, ScriptedModel):
    """What the reference's model has beside ``encode``: its stages, its folder, its pools.

    Attributes:
        model_card_data: what the caller says of the model.
    """

    model_card_data: SentenceTransformerModelCardData

    @property
    def transformers_model(self) -> AutoModel:
        """``model[0].auto_model``."""
        found: AutoModel = self[0].auto_model
        return found

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the weights."""
        return self.encoder.embeddings.word.weight.dtype

    @property
    def _target_device(self) -> torch.device:
        return self.device

    def set_pooling_include_prompt(self, include_prompt: bool) -> None:
        """Whether the tokens of a prompt are pooled too."""
        self.pooling.include_prompt = include_prompt

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """As for any module; layers are named ``encoder.layer.0`` and so on.

        Scripts choose what to freeze by these parts of the reference's names.
        """
        found = super().named_parameters(prefix, recurse, remove_duplicate)
        return ((name.replace(_LAYERS, _LAYERS_THERE), weight) for name, weight in found)

    # ── token ids by hand ─────────────────────────────────────────────────────────────────────

    def tokenize(self, texts: Sequence[str], **options: Any) -> TokenBatch:
        """Padded token ids of texts as tensors, cut at ``max_seq_length``, on the CPU.

        The model takes them: ``model(model.tokenize(texts))["sentence_embedding"]``. ``encode``
        is faster, because it computes no padding. Raises ArgumentError.
        """
        return self._first_module().tokenize(texts, **options)  # type: ignore[no-any-return]

    def preprocess(
        self,
        inputs: Sequence[str],
        prompt: str | None = None,
        task: str | None = None,
        **options: Any,
    ) -> TokenBatch:
        """``tokenize``, with ``prompt`` before every text.

        ``task`` has no effect: in the reference it chooses a route of a ``Router``, which is not
        part of sentune. Trainers built on the reference pass it always.
        """
        del task
        texts = [prompt + text for text in inputs] if prompt else inputs
        found = self.tokenize(texts, **options)
        if prompt and not self.pooling.include_prompt:
            found["prompt_length"] = self.tokenizer.prompt_length(prompt)
        return found

    def smart_batching_collate(self, batch: Sequence[Any]) -> tuple[list[TokenBatch], Tensor]:
        """Examples with ``.texts`` and ``.label`` → the token ids of each column, and labels."""
        columns = zip(*(example.texts for example in batch), strict=True)
        labels = torch.tensor([example.label for example in batch])
        return [self.tokenize(list(column)) for column in columns], labels

    # ── encode under other names ──────────────────────────────────────────────────────────────

    def encode_multi_process(
        self,
        sentences: Sequence[str],
        pool: Pool,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        chunk_size: int | None = None,
        show_progress_bar: bool | None = None,
        precision: str = "float32",
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
    ) -> NDArray[Any]:
        """``encode`` in the processes of a pool, under its older name. Raises as ``encode``."""
        return self.encode(
            sentences,
            prompt_name=prompt_name,
            prompt=prompt,
            batch_size=batch_size,
            chunk_size=chunk_size,
            show_progress_bar=show_progress_bar,
            pool=pool,
            precision=precision,
            normalize_embeddings=normalize_embeddings,
            truncate_dim=truncate_dim,
        )

    @contextmanager
    def truncate_sentence_embeddings(self, truncate_dim: int | None) -> Iterator[None]:
        """Keep so many dimensions within the block. Raises ArgumentError."""
        before = self.truncate_dim
        self.truncate_dim = truncate_dim
        try:
            yield
        finally:
            self.truncate_dim = before

    truncate_embeddings = truncate_sentence_embeddings

    # ── number formats and devices ────────────────────────────────────────────────────────────

    def to(self, *args: Any, **options: Any) -> Self:
        """Move the weights. ``torch.bfloat16`` is the format to compute in; weights keep theirs.

        Raises:
            ArgumentError: ``torch.float16``.
        """
        given = [*args, *options.values()]
        if any(one is torch.float16 for one in given):
            raise _half("torch.float16")
        if not any(one is torch.bfloat16 for one in given):
            return super().to(*args, **options)
        others = {name: value for name, value in options.items() if value is not torch.bfloat16}
        super().to(*(one for one in args if one is not torch.bfloat16), **others)
        return self.bfloat16()

    def half(self) -> Self:
        """Refused: sentune does not compute in float16. Raises ArgumentError."""
        raise _half("half()")

    def bfloat16(self) -> Self:
        """Compute in bfloat16 from now on; the weights keep their format."""
        self.compute_dtype = "bfloat16"
        self.compute_as(choose_compute("bfloat16", self.device))
        return self

    def float(self) -> Self:
        """Weights in float32, and compute in it."""
        super().float()
        self.compute_dtype = "float32"
        self.compute_as(choose_compute("float32", self.device))
        return self

    # ── model → folder ────────────────────────────────────────────────────────────────────────

    def _card(self, model_name: str | None, train_datasets: Sequence[str] | None) -> str:
        """The model's own card, unless the caller says something of the model, or it has none."""
        said = said_when_saving(self.model_card_data, model_name, train_datasets)
        if self.model_card and not said.given:
            return self.model_card
        return said.card(repr(self), self.get_embedding_dimension())


def _half(given: str) -> ArgumentError:
    return ArgumentError(
        given,
        expected="float32 or bfloat16, the formats that sentune computes in",
        fix="use compute_dtype='bfloat16', which has 16 bits as well",
    )
