"""Prompts: text that is put before every text of a kind."""

from __future__ import annotations

from collections.abc import Mapping

from sentune.checks import require_text
from sentune.errors import ArgumentError

__all__ = ["PASSAGE_PROMPTS", "all_prompts", "choose_prompt"]

PASSAGE_PROMPTS = ("document", "passage", "corpus")
"""Names of the prompt for passages; the first that a model has is used."""

_OTHERS = PASSAGE_PROMPTS[1:]


def all_prompts(
    of_folder: Mapping[str, str], given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The prompts of a model: ``given`` beat those of its folder, and two are never missing.

    An empty prompt ``query``, and ``document``, are there as in the reference: code looks them up,
    and the default prompt is then for ``encode`` alone. Where only ``passage`` or ``corpus`` is
    named, ``document`` is the same; in the reference it is empty, and hides them. A folder that is
    saved has it, so the reference then encodes passages as this model does.
    """
    given = given or {}
    prompts = {"query": "", "document": "", **of_folder, **given}
    said = given if any(name in given for name in PASSAGE_PROMPTS) else of_folder
    if not prompts["document"] and "document" not in said:
        prompts["document"] = next((said[name] for name in _OTHERS if name in said), "")
    return prompts


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
