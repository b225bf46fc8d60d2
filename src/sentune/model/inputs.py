"""What people pass to ``encode`` → texts and a prompt, or an error that names the place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sentune.errors import ArgumentError

__all__ = ["choose_prompt", "require_dimension", "require_output_value", "require_texts"]


def require_texts(inputs: Iterable[str] | str) -> tuple[list[str], bool]:
    """The texts as a list, and whether a single text was given.

    Raises:
        ArgumentError: something is no text; the message names its position.
    """
    if isinstance(inputs, str):
        _require_unicode("the input", inputs)
        return [inputs], True
    if isinstance(inputs, bytes | Mapping) or not isinstance(inputs, Iterable):
        raise _no_text("the input", inputs)
    if getattr(inputs, "ndim", 1) != 1:  # an array, whose rows are no texts
        raise _no_text("the input", inputs)
    texts = list(inputs)
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise _no_text(f"inputs[{position}]", text)
        _require_unicode(f"inputs[{position}]", text)
    return texts, False


def _require_unicode(place: str, text: str) -> None:
    """Refuse half of a surrogate pair: what is left of a character in badly decoded text."""
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ArgumentError(
            f"{place} is no valid Unicode text ({error.reason}, at character {error.start})",
            expected="text that can be written in UTF-8",
            fix="decode its source again, or use text.encode('utf-8', 'replace').decode()",
        ) from error


def _no_text(place: str, value: object) -> ArgumentError:
    return ArgumentError(
        f"{place} is {value if value is None else type(value).__name__}",
        expected="a text, or texts in a list, tuple, array or iterator",
        fix="convert it to str, or leave it out",
    )


def choose_prompt(
    prompts: Mapping[str, str], default: str | None, prompt_name: str | None, prompt: str | None
) -> str:
    """``prompt`` beats ``prompt_name`` beats the model's default; "" when there is none.

    Raises:
        ArgumentError: a name that the model has no prompt for, or a prompt that is no text.
    """
    if prompt is not None:
        return _prompt_text("prompt", prompt)
    name = prompt_name if prompt_name is not None else default
    if name is None:
        return ""
    if not isinstance(name, str) or name not in prompts:
        raise ArgumentError(
            f"prompt_name {name!r}",
            expected=f"one of the model's prompts ({', '.join(prompts) or 'it has none'})",
            fix="give the prompt itself as prompt=, or add it to model.prompts",
        )
    return _prompt_text(f"prompts[{name!r}]", prompts[name])


def _prompt_text(place: str, prompt: str) -> str:
    if not isinstance(prompt, str):
        raise _no_text(place, prompt)
    _require_unicode(place, prompt)
    return prompt


def require_dimension(truncate_dim: int | None) -> None:
    """Raise ArgumentError unless None or a positive whole number."""
    if truncate_dim is not None and (not isinstance(truncate_dim, int) or truncate_dim < 1):
        raise ArgumentError(
            f"truncate_dim {truncate_dim!r}",
            expected="a positive number of dimensions",
            fix="leave it out to keep them all",
        )


def require_output_value(output_value: str) -> None:
    """Raise ArgumentError unless vectors of sentences or of tokens are asked for."""
    if output_value not in ("sentence_embedding", "token_embeddings"):
        raise ArgumentError(
            f"output_value {output_value!r}",
            expected="sentence_embedding or token_embeddings",
            fix="leave it out for one vector a text",
        )
