"""What routes share: texts → vectors for one request, with the counts of what was cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import ArgumentError
from sentune.serving.engine import Engine
from sentune.serving.problems import RefusedError, unprocessable
from sentune.serving.vectors import Shape
from sentune.tokens.prompts import choose_prompt
from sentune.tokens.truncation import Truncation

__all__ = ["Embedded", "Service"]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors (texts, dimensions), the tokens that were computed, and what was cut."""

    vectors: NDArray[np.float32]
    tokens: int
    cut: Truncation


class Service:
    """An engine, asked in the words of requests."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def model(self) -> dict[str, Any]:
        """The facts of the model."""
        if not self.engine.facts:
            raise self.engine.refusal()
        facts: dict[str, Any] = self.engine.facts["model"]
        return facts

    @property
    def reranker(self) -> dict[str, Any] | None:
        """The facts of the cross-encoder; None where the late stage reranks."""
        found: dict[str, Any] | None = self.engine.facts.get("reranker")
        return found

    @property
    def models(self) -> list[dict[str, Any]]:
        """The facts of each model."""
        return [self.model, *([] if self.reranker is None else [self.reranker])]

    @property
    def ranks_with(self) -> str:
        """The name of the model that reranks."""
        name: str = self.models[-1]["name"]
        return name

    async def embed(
        self,
        texts: str | Sequence[str],
        *,
        truncate: bool | None = True,
        direction: str | None = None,
        normalize: bool | None = None,
        prompt_name: str | None = None,
        dimensions: int | None = None,
        first: str = "",
    ) -> Embedded:
        """Vectors of texts; ``first`` as in ``TextReader.texts``. Raises RefusedError."""
        listed = [texts] if isinstance(texts, str) else texts
        self.require_few(len(listed))
        self.require_side(direction)
        shape = Shape(self.model, dimensions, normalize)
        prompt = self.prompt(prompt_name)
        reader = self.engine.reader
        read = await reader.texts(
            listed, prompt=prompt, truncate=truncate is not False, first=first
        )
        skips = self.model["skips_prompt"] and prompt
        skipped = reader.tokenizer.prompt_length(prompt) if skips else 0
        return Embedded(shape(await self.engine.embed(read, skipped)), read.tokens, read.cut)

    def prompt(self, name: str | None) -> str:
        """The prompt with a name, or the model's default one. Raises RefusedError."""
        try:
            return choose_prompt(
                self.model["prompts"], self.model["default_prompt_name"], name, None
            )
        except ArgumentError as error:
            known = ", ".join(self.model["prompts"])
            raise RefusedError(
                400,
                ArgumentError(
                    error.given,
                    expected=f"one of the model's prompts: {known}" if known else "none",
                    fix="leave it out, or put the prompt before the text",
                ),
            ) from error

    def require_few(self, count: int) -> None:
        """Raise RefusedError for more texts than a request may have."""
        most = self.engine.limits.inputs
        if count > most:
            raise RefusedError(
                413,
                ArgumentError(
                    f"{count:,} texts",
                    expected=f"at most {most:,} in a request",
                    fix="send them in several requests",
                ),
            )

    def require_side(self, direction: str | None) -> None:
        """Raise RefusedError if a client asks to cut the end that the model keeps."""
        side = self.engine.reader.tokenizer.truncation_side
        if direction is not None and direction.lower() != side:
            raise unprocessable(
                f"truncation_direction is {direction}",
                expected=f"{side}, the end that this model cuts",
                fix="leave it out",
            )
