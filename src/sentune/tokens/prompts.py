"""Prompts: text that is put before every text of a kind."""

from __future__ import annotations

from collections.abc import Mapping

from sentune.checks import require_text
from sentune.errors import ArgumentError

__all__ = ["choose_prompt"]


def choose_prompt(
    prompts: Mapping[str, str], default: str | None, prompt_name: str | None, prompt: str | None
) -> str:
    """``prompt`` beats ``prompt_name`` beats the model's default; "" when there is none.

    Raises:
        ArgumentError: a name that the model has no prompt for, or a prompt that is not a text.
    """
    if prompt is not None:
        return require_text("prompt", prompt)
    name = prompt_name if prompt_name is not None else default
    if name is None:
        return ""
    if not isinstance(name, str) or name not in prompts:
        raise ArgumentError(
            f"prompt_name is {name!r}",
            expected=f"one of the model's prompts ({', '.join(prompts) or 'it has none'})",
            fix="pass the prompt itself as prompt=, or add it to model.prompts",
        )
    return require_text(f"prompts[{name!r}]", prompts[name])
