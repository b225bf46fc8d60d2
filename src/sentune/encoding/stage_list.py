"""A model as the list of its stages, which scripts index, add to and take from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

from torch import nn

from sentune.encoding.stages.transformer import Transformer, arranged
from sentune.encoding.text_encoder import TextEncoder
from sentune.errors import ArgumentError
from sentune.model_folder.resolve import BaseModel

__all__ = ["StageList"]


class StageList(TextEncoder):
    """A model that is also the list of its stages.

    Attributes:
        base: the name, folder and origin of the model that was loaded.
    """

    base: BaseModel

    def _stages(self) -> list[nn.Module]:
        first = Transformer.of(self.encoder, self.tokenizer, self._folder, self.base, owner=self)
        return [first, *self.following_stages()]

    def __getitem__(self, index: int | slice) -> Any:
        """A stage: 0 the transformer, 1 the pooling, then what follows it; several for a slice."""
        stages = self._stages()
        return nn.Sequential(*stages[index]) if isinstance(index, slice) else stages[index]

    def append(self, module: nn.Module) -> Self:
        """Add a stage at the end, of ``sentune.models`` or your own. Raises ArgumentError."""
        return self.insert(len(self), module)

    def extend(self, modules: Iterable[nn.Module]) -> Self:
        """Add stages at the end, all or none. Raises ArgumentError."""
        self._set_stages([*self._stages(), *modules])
        return self

    def insert(self, index: int, module: nn.Module) -> Self:
        """Add a stage before another one. Raises ArgumentError where it does not fit."""
        stages = self._stages()
        stages.insert(index, module)
        self._set_stages(stages)
        return self

    def pop(self, index: int | str = -1) -> Any:
        """Take a stage out and return it. Raises ArgumentError for the first two."""
        stages = self._stages()
        taken = stages.pop(int(index))
        self._set_stages(stages)
        return taken

    def __setitem__(self, index: int, module: nn.Module) -> None:
        """Put a stage in the place of another one. Raises ArgumentError where it does not fit."""
        stages = self._stages()
        stages[index] = module
        self._set_stages(stages)

    def __delitem__(self, index: int) -> None:
        self.pop(index)

    def add_module(self, name: str, module: nn.Module | None) -> None:
        """``append``; stages have no names here. Raises ArgumentError where it does not fit."""
        del name
        if module is not None:
            self.append(module)

    def _set_stages(self, stages: Sequence[nn.Module]) -> None:
        """Compute with these stages from now on. Raises ArgumentError, and then changes nothing."""
        pooling, after_pooling = arranged(stages)
        if stages[0].encoder is not self.encoder:
            raise ArgumentError(
                "another Transformer in place of the model's own",
                expected="the stages after it to change",
                fix="make a new model with SentenceTransformer(modules=[…])",
            )
        self.pooling, self.after_pooling = pooling, after_pooling
        self.to(self.device)

    def __len__(self) -> int:
        """The number of stages."""
        return 1 + len(self.following_stages())

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[nn.Module]:
        return iter(self._stages())

    def _first_module(self) -> Any:
        return self[0]

    def _last_module(self) -> Any:
        return self[-1]
