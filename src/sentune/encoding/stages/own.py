"""Stages of a script's own class: they take the values of a batch by name, and pass them on.

A model that has one computes what follows its transformer with :class:`OwnStages`, on padded
batches. Other models compute on packs, and do not come here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from sentune.errors import ArgumentError
from sentune.network.names import VECTORS
from sentune.network.pack import Pack, pack
from sentune.network.pooling import Pooling
from sentune.network.vector_modules import MODULES
from sentune.wording import named_kind

__all__ = ["OwnStages", "importable", "is_own", "require_none_own"]

Features = dict[str, Any]


def is_own(module: nn.Module) -> bool:
    """Whether a stage is neither a Pooling nor one of ``MODULES``."""
    return type(module) is not Pooling and type(module) not in MODULES.values()


def require_none_own(pooling: nn.Module, work: str) -> None:
    """Raise ArgumentError for a model with stages of one's own, where only sentune's are run."""
    if isinstance(pooling, OwnStages):
        raise ArgumentError(
            f"a model with {pooling.own_names} for {work}",
            expected="a model of stages of sentune.models, because no other code is known there",
            fix="encode in this process with SentenceTransformer",
        )


def importable(pooling: nn.Module) -> list[str]:
    """The modules that another process imports for the stages of one's own; none without such.

    Raises ArgumentError for a class of the script itself, or one made within a function.
    """
    kinds = [type(each) for each in pooling.stages] if isinstance(pooling, OwnStages) else []
    own = [kind for kind in kinds if kind is not Pooling and kind not in MODULES.values()]
    for kind in own:
        found = getattr(sys.modules.get(kind.__module__), kind.__name__, None)
        if kind.__module__ == "__main__" or found is not kind:
            raise ArgumentError(
                f"a model with {kind.__name__} of {kind.__module__} for other processes",
                expected="a class that another process can import from a module",
                fix="put the class into a file of its own, and import it from there",
            )
    return [kind.__module__ for kind in own]


def _calls_more(*_: object) -> None:
    """A hook: a model that has any is called by one thread at a time."""


class OwnStages(nn.Module):
    """All stages after the transformer, of which at least one is of a script's own class.

    It stands in the place of a model's Pooling, with the same attributes. A stage of one's own is
    called with a dictionary, and returns one: ``input_ids`` and ``attention_mask`` (texts, tokens)
    int64, ``token_type_ids`` alike where the model has segments, ``token_embeddings`` (texts,
    tokens, hidden) float32, zero where there is padding, and ``sentence_embedding`` (texts, dim)
    after a Pooling. ``prompt_length`` is there if a prompt is. Padding comes last.

    Attributes:
        modes: the names of the stages.

    Args:
        stages: in order.
        hidden_size: width of a token vector.
        segments: whether the model has segments.

    Raises:
        ArgumentError: a module of torch.nn or one derived from a stage of sentune; when it is
            called, a stage that returns something else.
    """

    def __init__(self, stages: Sequence[nn.Module], hidden_size: int, segments: bool) -> None:
        super().__init__()
        for stage in stages:
            _require_stage(stage)
        self.stages = nn.ModuleList(stages)
        self.modes = tuple(type(stage).__name__ for stage in stages)
        self.hidden_size, self._segments = hidden_size, segments
        self._width: int | None = None
        # Code that is not ours may not bear several threads at once.
        self.register_forward_pre_hook(_calls_more)

    @property
    def own_names(self) -> str:
        """The classes that are not sentune's."""
        return ", ".join(type(stage).__name__ for stage in self.stages if is_own(stage))

    @property
    def include_prompt(self) -> bool:
        """Whether every Pooling among the stages pools the tokens of a prompt too."""
        return all(each.include_prompt for each in self._poolings())

    @include_prompt.setter
    def include_prompt(self, wanted: bool) -> None:
        for each in self._poolings():
            each.include_prompt = wanted

    def _poolings(self) -> list[Pooling]:
        return [stage for stage in self.stages if isinstance(stage, Pooling)]

    @property
    def output_dimension(self) -> int:
        """Width of a vector, found by computing one of zeros, once."""
        if self._width is None:
            self._width = self._measured()
        return self._width

    def forward(self, tokens: Tensor, packed: Pack, prompt_length: int = 0) -> Tensor:
        """(tokens, hidden) → (texts, output_dimension), in the order in which texts were given."""
        vectors: Tensor = self._run(tokens, packed, prompt_length)[VECTORS]
        return vectors

    def both(self, tokens: Tensor, packed: Pack, prompt_length: int) -> tuple[Tensor, Tensor]:
        """As ``forward``, with the token vectors in the order of the pack, as stages leave them.

        Raises ArgumentError where the stages leave other tokens than they were given.
        """
        features = self._run(tokens, packed, prompt_length)
        after: Tensor = features["token_embeddings"]
        lengths = [len(row) for row in packed.split(packed.token_ids)]
        if after.shape[:2] != (len(lengths), max(lengths)) or _last(features) != lengths:
            raise ArgumentError(
                f"{self.own_names} with other tokens after it than before",
                expected="stages that leave each token in its place where its vector is asked for",
                fix="ask for sentence_embedding, or leave out no tokens in forward",
            )
        vectors: Tensor = features[VECTORS]
        return _in_pack_order(after, lengths, packed), vectors

    def _run(self, tokens: Tensor, packed: Pack, prompt_length: int) -> Features:
        features = self._features(tokens, packed)
        if prompt_length:
            features["prompt_length"] = prompt_length
        return {**features, **self.run(dict(features))}  # a stage may leave out what it was given

    def run(self, features: Features) -> Features:
        """The values after all stages. Raises ArgumentError where there is no vector of a text."""
        texts = len(features["attention_mask"])
        for stage in self.stages:
            features = self._after(stage, features)
        vectors = features.get(VECTORS)
        if not isinstance(vectors, Tensor) or vectors.ndim != 2 or len(vectors) != texts:
            shape = tuple(vectors.shape) if isinstance(vectors, Tensor) else type(vectors).__name__
            raise ArgumentError(
                f"{VECTORS} is {shape} after {', '.join(self.modes)}",
                expected=f"a tensor of shape ({texts}, dim)",
                fix=f"set features[{VECTORS!r}] in the forward of {self.own_names}",
            )
        return features

    def _after(self, stage: nn.Module, features: Features) -> Features:
        if isinstance(stage, Pooling):
            return {**features, VECTORS: _pooled(stage, features)}
        if not is_own(stage):
            if VECTORS not in features:
                raise ArgumentError(
                    f"{named_kind(stage)} before there is a {VECTORS}",
                    expected="a Pooling, or a stage of your own that pools, before it",
                    fix="put it later in the list of modules",
                )
            return {**features, VECTORS: stage(features[VECTORS])}
        found = stage(features)
        if not isinstance(found, Mapping):
            raise ArgumentError(
                f"forward of {type(stage).__name__} returned {named_kind(found)}",
                expected="the dictionary of features",
                fix="end it with return features",
            )
        return dict(found)

    def _features(self, tokens: Tensor, packed: Pack) -> Features:
        exact = tokens.to(torch.promote_types(tokens.dtype, torch.float32))
        ids = packed.split(packed.token_ids)
        there = [torch.ones_like(row) for row in ids]
        features: Features = {
            "input_ids": pad_sequence(ids, batch_first=True),
            "attention_mask": pad_sequence(there, batch_first=True),
            "token_embeddings": pad_sequence(packed.split(exact), batch_first=True),
        }
        if self._segments:
            features["token_type_ids"] = torch.zeros_like(features["input_ids"])
        return features

    def _measured(self) -> int:
        weights = next(chain(self.parameters(), self.buffers()), torch.zeros(1))
        packed = pack([[0, 0, 0]]).to(weights.device)
        tokens = torch.zeros(3, self.hidden_size, device=weights.device)
        training = [(module, module.training) for module in self.modules()]
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            self.eval()
            try:
                return self(tokens, packed).shape[1]  # type: ignore[no-any-return]
            finally:
                for module, before in training:
                    module.training = before


def _pooled(pooling: Pooling, features: Features) -> Tensor:
    """What a Pooling of packs makes of a padded batch."""
    mask, tokens = features["attention_mask"], features["token_embeddings"]
    lengths = mask.sum(dim=1)
    first = torch.arange(mask.shape[1], device=mask.device) < lengths.unsqueeze(1)
    if not bool((first == mask.bool()).all()) or not bool(lengths.all()):
        raise ArgumentError(
            "an attention_mask with gaps, or with a text without tokens, before a Pooling",
            expected="the mask that the stage was given",
            fix="pool in the stage itself, which can leave tokens out",
        )
    counts: list[int] = lengths.tolist()
    packed = pack([[0] * count for count in counts]).to(tokens.device)
    prompt = int(features.get("prompt_length", 0))
    return pooling(_in_pack_order(tokens, counts, packed), packed, prompt)  # type: ignore[no-any-return]


def _last(features: Features) -> list[int]:
    """For each text the number of its last token, from 1; a mask may have gaps before it."""
    mask = features["attention_mask"].bool()
    numbers = torch.arange(1, mask.shape[1] + 1, device=mask.device)
    found: list[int] = (mask * numbers).amax(1).tolist()
    return found


def _in_pack_order(padded: Tensor, lengths: Sequence[int], packed: Pack) -> Tensor:
    """(texts, length, hidden) → (tokens, hidden)."""
    order = torch.argsort(packed.index_in_pack).tolist()
    return torch.cat([padded[text, : lengths[text]] for text in order])


def _require_stage(stage: nn.Module) -> None:
    kind = type(stage)
    if not is_own(stage):
        return
    derived = next((c for c in kind.__mro__ if c is Pooling or c in MODULES.values()), kind)
    if derived is not kind:
        raise ArgumentError(
            f"the class {kind.__name__}, derived from {derived.__name__}",
            expected="a class derived from torch.nn.Module or models.Module",
            fix=f"hold a {derived.__name__} in it, or write what it computes",
        )
    if kind.__module__.startswith(("torch.", "sentune.")):
        raise ArgumentError(
            f"a {kind.__name__} among the modules after the first",
            expected="a Pooling, modules of sentune.models, or a class of your own whose forward "
            "takes and returns the features",
            fix="use Dense or LayerNorm of sentune.models, or call it in a class of your own",
        )
