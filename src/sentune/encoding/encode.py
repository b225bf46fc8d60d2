"""A chunk of texts → vectors: packs under a token budget, then the original order again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sentune.checks import require_choice, require_whole
from sentune.encoding.computing import Computing
from sentune.encoding.embedder import Embedder
from sentune.encoding.windows import Windows
from sentune.errors import ArgumentError
from sentune.machine.threads import compute_apart, threads_for
from sentune.network.pack import pack, plan_packs, share_packs
from sentune.network.private_torch import has_any_hooks
from sentune.progress import Advance
from sentune.tokens.truncation import Truncation

__all__ = [
    "Block",
    "EncodeSettings",
    "KeepTokens",
    "LongText",
    "OutputValue",
    "all_values",
    "encode_both",
    "encode_chunk",
    "encode_ids",
    "pack_plan",
    "require_plain",
]

T = TypeVar("T")
KeepTokens = Callable[[NDArray[np.int32], NDArray[Any]], T]

Values = dict[str, Tensor]
OutputValue = Literal["sentence_embedding", "token_embeddings"]
LongText = Literal["truncate", "chunk"]

_TOKEN_BUDGET = {"cpu": 4096, "cuda": 65536}
# Tokens of a pack that one thread computes. A thread that gets less time computes fewer packs, so
# there are two for each thread, unless they would be small: packs of 256 tokens take 4% longer.
_LEAST, _EACH = 256, 1024


@dataclass(frozen=True, slots=True)
class EncodeSettings:
    """The checked options of a call of ``encode``, as plain values that can be sent to a process.

    Raises:
        ArgumentError: a value outside its range.
    """

    prompt: str = ""
    output_value: OutputValue = "sentence_embedding"
    batch_size: int | None = None
    truncate_dim: int | None = None
    normalize_embeddings: bool = False
    long_text: LongText = "truncate"

    def __post_init__(self) -> None:
        fixes = {
            "batch_size": "leave it out to have it chosen",
            "truncate_dim": "leave it out to keep all dimensions",
        }
        for name, fix in fixes.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, require_whole(name, value, fix=fix))
        require_choice("output_value", self.output_value, get_args(OutputValue))
        require_choice("long_text", self.long_text, get_args(LongText))
        if self.long_text == "chunk" and self.output_value == "token_embeddings":
            raise ArgumentError(
                "long_text is 'chunk' and output_value is 'token_embeddings'",
                expected="sentence embeddings with long_text='chunk', because it takes their mean",
                fix="leave one of the two out",
            )


@dataclass(frozen=True, slots=True)
class Block:
    """The result for a chunk of texts.

    Attributes:
        rows: (texts, dim); for token embeddings, (tokens, hidden) for each text.
        truncation: what the length limit cut.
    """

    rows: Tensor | list[Tensor]
    truncation: Truncation = field(default_factory=Truncation)

    @property
    def vectors(self) -> Tensor:
        """The rows of sentence embeddings."""
        return cast("Tensor", self.rows)


@torch.inference_mode()
def encode_chunk(
    model: Embedder, texts: Sequence[str], settings: EncodeSettings, advance: Advance
) -> Block:
    """Encode texts together, the longest first: the slowest pack comes early.

    Raises:
        ArgumentError: with ``long_text="chunk"``, a prompt that fills the length limit.
    """
    if settings.prompt:
        texts = [settings.prompt + text for text in texts]
    skipped = model.tokenizer.prompt_length(settings.prompt) if settings.prompt else 0
    with model.evaluating():
        if settings.long_text == "chunk":
            return _encode_windows(model, texts, settings, skipped, advance)
        token_ids, truncation = model.tokenizer(texts)
        if settings.output_value == "token_embeddings":
            tokens = _token_vectors(model, token_ids, settings.batch_size, advance)
            return Block(tokens, truncation)
        vectors = _sentence_vectors(model, token_ids, settings.batch_size, skipped, advance)
        return Block(_finished(vectors, settings), truncation)


@torch.inference_mode()
def encode_both(
    model: Embedder,
    texts: Sequence[str],
    settings: EncodeSettings,
    keep: KeepTokens[T],
) -> tuple[Block, list[T]]:
    """The vectors that ``encode_chunk`` gives, and those of the tokens, computed once.

    ``keep`` gets the token ids of each text and their vectors, (tokens,) and (tokens, hidden) with
    special tokens and prompt, and returns what is kept of them. Memory: the tokens of a pack, and
    what is kept.
    """
    whole = [settings.prompt + text for text in texts] if settings.prompt else texts
    skipped = model.tokenizer.prompt_length(settings.prompt) if settings.prompt else 0
    with model.evaluating():
        token_ids, truncation = model.tokenizer(whole)
        vectors = torch.empty(len(texts), model.output_dimension, device=model.device)
        kept: dict[int, T] = {}

        def embedded(ids: list[list[int]]) -> tuple[Tensor, list[T]]:
            packed = pack(ids).to(model.device)
            tokens, pooled = model.embedded(packed, skipped)
            rows = packed.split(tokens.float().cpu())
            each = zip(ids, rows, strict=True)
            return pooled, [keep(np.array(own, np.int32), row.numpy()) for own, row in each]

        def take(positions: list[int], found: tuple[Tensor, list[T]]) -> None:
            vectors[positions] = found[0].to(vectors.dtype)
            kept.update(zip(positions, found[1], strict=True))

        _each_pack(model, token_ids, settings.batch_size, embedded, take)
    return Block(_finished(vectors, settings), truncation), [kept[at] for at in range(len(texts))]


def all_values(
    model: Embedder, texts: Sequence[str], settings: EncodeSettings
) -> tuple[list[Values], Truncation]:
    """For each text what the reference's model passes on, and what the length limit cut.

    ``input_ids``, ``attention_mask`` and, for models with segments, ``token_type_ids``, all
    (tokens,) int64; ``token_embeddings`` (tokens, hidden); ``sentence_embedding`` (dim,). There is
    no padding. Memory: all of it, so give some thousand texts at a time.
    """
    names = [name for name in model.tokenizer.model_input_names if name != "input_ids"]

    def keep(ids: NDArray[np.int32], tokens: NDArray[Any]) -> Values:
        values = {"input_ids": torch.from_numpy(ids).long()}
        for name in names:
            fill = torch.ones_like if name == "attention_mask" else torch.zeros_like
            values[name] = fill(values["input_ids"])
        return {**values, "token_embeddings": torch.from_numpy(tokens)}

    block, kept = encode_both(model, texts, settings, keep)
    vectors = block.vectors.cpu()
    for values, vector in zip(kept, vectors, strict=True):
        values["sentence_embedding"] = vector
    return kept, block.truncation


def require_plain(**options: Any) -> None:
    """Raise ArgumentError for an option of ``encode`` that its separate values do not have."""
    for name, value in options.items():
        if value:
            raise ArgumentError(
                f"{name} is {value!r} and output_value is None",
                expected="one of the two",
                fix="leave one of them out",
            )


@torch.inference_mode()
def encode_ids(model: Embedder, token_ids: Sequence[list[int]], skipped: int = 0) -> Tensor:
    """Whole vectors (texts, dim) of texts whose token ids are known, special tokens among them.

    ``skipped`` tokens at the start of each are a prompt that pooling leaves out, if the model
    does so.
    """
    with model.evaluating():
        return _sentence_vectors(model, token_ids, None, skipped)


def _encode_windows(
    model: Embedder,
    texts: Sequence[str],
    settings: EncodeSettings,
    skipped: int,
    advance: Advance,
) -> Block:
    frame = model.tokenizer.frame()
    windows = Windows.of(
        model.tokenizer.whole(texts),
        limit=model.max_seq_length,
        frame=frame,
        prompt=max(0, skipped - frame[0]),
    )
    vectors = _sentence_vectors(model, windows.token_ids, settings.batch_size, skipped)
    advance(len(texts))
    pooled = windows.pool(vectors, normalize=model.normalize)
    cut = Truncation(texts=len(texts), windowed=sum(count > 1 for count in windows.counts))
    return Block(_finished(pooled, settings), cut)


def _finished(vectors: Tensor, settings: EncodeSettings) -> Tensor:
    vectors = vectors[:, : settings.truncate_dim]
    return F.normalize(vectors, dim=1) if settings.normalize_embeddings else vectors


def pack_plan(
    model: Computing, token_ids: Sequence[Sequence[int]], most: int | None
) -> tuple[list[list[int]], int]:
    """The texts of each pack, at most ``most``, and how many threads share the packs.

    One thread alone calls the modules of a model that calls something else as well (hooks).
    """
    lengths = [len(ids) for ids in token_ids]
    budget = _TOKEN_BUDGET.get(model.device.type, _TOKEN_BUDGET["cpu"])
    total, threads = sum(lengths), 1
    if model.device.type == "cpu" and total >= 2 * _LEAST and not has_any_hooks(model):
        threads = threads_for(total // _LEAST)
    if threads < 2:
        return plan_packs(lengths, budget, most), 1
    each = max(round(total / threads / _EACH), 2 if total >= threads * _EACH else 1)
    packs = share_packs(lengths, threads * each, most)
    return packs, min(threads, len(packs))


def _each_pack(
    model: Embedder,
    token_ids: Sequence[list[int]],
    batch_size: int | None,
    compute: Callable[[list[list[int]]], T],
    take: Callable[[list[int], T], None],
) -> None:
    """Compute every pack of texts; ``take`` gets their positions and what was computed."""
    packs, threads = pack_plan(model, token_ids, 1 if model.batch_invariant else batch_size)
    if model.batch_invariant:
        threads = 1  # as for one text: a product that threads share can round in another way
    compute_apart(
        lambda positions: (positions, compute([token_ids[index] for index in positions])),
        packs,
        lambda found: take(*found),
        threads,
    )


def _sentence_vectors(
    model: Embedder,
    token_ids: Sequence[list[int]],
    batch_size: int | None,
    skipped: int,
    advance: Advance = lambda _: None,
) -> Tensor:
    vectors = torch.empty(len(token_ids), model.output_dimension, device=model.device)

    def take(positions: list[int], found: Tensor) -> None:
        vectors[positions] = found.to(vectors.dtype)
        advance(len(positions))

    def computed(ids: list[list[int]]) -> Tensor:
        found: Tensor = model(pack(ids).to(model.device), skipped)
        return found

    _each_pack(model, token_ids, batch_size, computed, take)
    return vectors


def _token_vectors(
    model: Embedder, token_ids: Sequence[list[int]], batch_size: int | None, advance: Advance
) -> list[Tensor]:
    vectors = [torch.empty(0)] * len(token_ids)

    def take(positions: list[int], found: list[Tensor]) -> None:
        for position, rows in zip(positions, found, strict=True):
            vectors[position] = rows
        advance(len(positions))

    def computed(ids: list[list[int]]) -> list[Tensor]:
        packed = pack(ids).to(model.device)
        return packed.split(model.token_vectors(packed).float())

    _each_pack(model, token_ids, batch_size, computed, take)
    return vectors
