"""What people pass: pairs, names of older versions, and settings of other libraries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sentune.checks import require_choice, require_text
from sentune.errors import ArgumentError

__all__ = ["LoadOptions", "Pair", "pairs_of", "with_new_names"]

Pair = tuple[str, str]

_MISMATCH = "ignore_mismatched_sizes"
# Settings of transformers without an effect on the scores: name → the values that may be given.
_IGNORED = {"attn_implementation": ("sdpa", "eager"), "use_safetensors": ("True",)}
# Arguments of the reference: name → the values that sentune follows, and what to do instead.
_FOREIGN: Mapping[str, tuple[tuple[Any, ...], str]] = {
    "trust_remote_code": ((False, None), "leave it out: code in a folder is never run"),
    "backend": (("torch",), "leave it out: sentune has a fast computation of its own"),
    "modules": ((None,), "name a folder: a model for pairs has an encoder and a head"),
    "keep_in_fp32_modules": ((None,), "leave it out: weights always stay in float32"),
}
# Where to look for a hub model, for ``resolve``.
_WHERE = ("cache_folder", "local_files_only", "token")
# Today's names and those of older versions → today's.
_NAMES = {
    "activation_fn": "activation_fn",
    "default_activation_function": "activation_fn",
    "model_kwargs": "model_kwargs",
    "automodel_args": "model_kwargs",
    "processor_kwargs": "processor_kwargs",
    "tokenizer_kwargs": "processor_kwargs",
    "tokenizer_args": "processor_kwargs",
    "config_kwargs": "config_kwargs",
    "classifier_dropout": "classifier_dropout",
    "cache_dir": "cache_folder",
    **{name: name for name in _WHERE},
}


def pairs_of(inputs: Any) -> tuple[list[Pair], bool]:
    """The pairs that were given, and whether it was one alone.

    Raises:
        ArgumentError: something else than a pair of texts; the message names its position.
    """
    if isinstance(inputs, str | bytes | Mapping) or not isinstance(inputs, Iterable):
        raise _no_pair("the input", inputs)
    given = list(inputs)
    if given and isinstance(given[0], str):
        return [_pair("the input", given)], True
    return [_pair(f"inputs[{number}]", pair) for number, pair in enumerate(given)], False


def _pair(name: str, given: Any) -> Pair:
    if not isinstance(given, list | tuple | np.ndarray) or len(given) != 2:
        raise _no_pair(name, given)
    first, second = (require_text(f"{name}[{side}]", text) for side, text in enumerate(given))
    return first, second


def _no_pair(name: str, given: object) -> ArgumentError:
    kind = type(given).__name__
    size = f" of {len(given)}" if isinstance(given, list | tuple | np.ndarray) else ""
    return ArgumentError(
        f"{name} is a {kind}{size}",
        expected="a pair of texts, or pairs of texts in a list",
        fix="pass [(text, other text), …]",
    )


def with_new_names(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of older versions under today's names; "" in ``names`` drops one without effect.

    Raises:
        ArgumentError: an unknown name, or a name given twice.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name not in names:
            raise ArgumentError(
                f"the argument {name!r}",
                expected="an argument of CrossEncoder",
                fix="leave it out, or correct its name",
            )
        if names[name] and value is not None:
            found[names[name]] = value
    return found


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """The arguments of the constructor that have several names, or come inside a mapping.

    Attributes:
        activation_fn: the function on top of the scores, if one was given.
        compute_dtype: the number format; None for the constructor's own.
        max_length: the limit inside ``processor_kwargs``.
        new_labels_allowed: whether the last layer may be a new one.
        config: values that overrule those of ``config.json``.
        where: where to look for a hub model, as arguments of ``resolve``.
    """

    activation_fn: Any
    compute_dtype: str | None
    max_length: int | None
    new_labels_allowed: bool
    config: dict[str, Any]
    where: dict[str, Any]

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> LoadOptions:
        """Check and translate. Raises ArgumentError for what sentune cannot follow, by name."""
        left = {name: value for name, value in given.items() if name not in _FOREIGN}
        for name, (allowed, fix) in _FOREIGN.items():
            if (value := given.get(name, allowed[0])) not in allowed:
                raise ArgumentError(
                    f"{name} is {value!r}", expected=" or ".join(map(repr, allowed)), fix=fix
                )
        new = with_new_names(left, _NAMES)
        model, processor = new.get("model_kwargs") or {}, new.get("processor_kwargs") or {}
        _refuse_unknown("model_kwargs", model, ("dtype", "torch_dtype", _MISMATCH, *_IGNORED))
        _refuse_unknown("processor_kwargs", processor, ("model_max_length", "use_fast"))
        for name, allowed in _IGNORED.items():
            require_choice(f"model_kwargs[{name!r}]", str(model.get(name, allowed[0])), allowed)
        asked = model.get("dtype", model.get("torch_dtype"))
        config = dict(new.get("config_kwargs") or {})
        if "classifier_dropout" in new:
            config["classifier_dropout"] = new["classifier_dropout"]
        return cls(
            activation_fn=new.get("activation_fn"),
            compute_dtype=None if asked is None else str(asked).removeprefix("torch."),
            max_length=processor.get("model_max_length"),
            new_labels_allowed=bool(model.get(_MISMATCH)),
            config=config,
            where={name: new[name] for name in _WHERE if name in new},
        )


def _refuse_unknown(argument: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    unknown = sorted({*given} - {*known})
    if unknown:
        raise ArgumentError(
            f"{argument} with {', '.join(map(repr, unknown))}",
            expected=f"only {', '.join(known)}",
            fix="leave it out, because sentune computes the model itself",
        )
