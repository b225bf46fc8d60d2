"""The arguments that the reference's constructors have beside ours: used, or refused by name.

A value that cannot change a vector here is accepted, because programs that build on
sentence-transformers pass some of them always. Any other is refused, with what to use instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sentune.checks import require_choice
from sentune.errors import ArgumentError

__all__ = ["Loading", "merged"]

Options = Mapping[str, Any] | None

_ATTENTION = ("eager", "sdpa")
_SIDES = ("right", "left")
_FORMATS = {"auto": "auto", "float32": "float32", "float": "float32", "bfloat16": "bfloat16"}


@dataclass(frozen=True, slots=True)
class Loading:
    """What the arguments ask for.

    Attributes:
        compute_dtype: the number format to compute in.
        config: changes to ``config.json``.
        tokenizer: changes to ``tokenizer_config.json``.
        padding_side: where the tensors that scripts ask for are padded.
        cache_folder, local_files_only, token: where to look for a hub model.
    """

    compute_dtype: str = "auto"
    config: Mapping[str, Any] = field(default_factory=dict)
    tokenizer: Mapping[str, Any] = field(default_factory=dict)
    padding_side: str = "right"
    cache_folder: str | None = None
    local_files_only: bool = False
    token: bool | str | None = None

    @classmethod
    def of(
        cls,
        *,
        compute_dtype: str = "auto",
        model_kwargs: Options = None,
        processor_kwargs: Options = None,
        config_kwargs: Options = None,
        cache_folder: str | None = None,
        local_files_only: bool = False,
        token: bool | str | None = None,
        trust_remote_code: bool = False,
        backend: str = "torch",
    ) -> Loading:
        """Check the arguments of a constructor. Raises ArgumentError."""
        _trust_remote_code("trust_remote_code", trust_remote_code)
        if backend != "torch":
            raise ArgumentError(
                f"backend is {backend!r}",
                expected="'torch', the only one that computes here",
                fix="leave it out; sentune export writes an ONNX graph for other programs",
            )
        chosen = _from_model_kwargs(compute_dtype, model_kwargs or {})
        config = {**(config_kwargs or {})}
        _checked(config, "config_kwargs", _EVERYWHERE)
        tokenizer = {**(processor_kwargs or {})}
        _checked(tokenizer, "processor_kwargs", _EVERYWHERE)
        side = require_choice("padding_side", tokenizer.pop("padding_side", "right"), _SIDES)
        return cls(
            compute_dtype=chosen,
            config={n: v for n, v in config.items() if n not in _EVERYWHERE},
            tokenizer={n: v for n, v in tokenizer.items() if n not in _EVERYWHERE},
            padding_side=side,
            cache_folder=cache_folder,
            local_files_only=local_files_only,
            token=token,
        )


def merged(name: str, given: Options, older_name: str, older: Options) -> Options:
    """An argument that has two names. Raises ArgumentError if both are given and differ."""
    if given is not None and older is not None and given != older:
        raise ArgumentError(
            f"{name} and {older_name} that differ",
            expected="one of the two, which mean the same",
            fix=f"leave {older_name} out",
        )
    return older if given is None else given


def _from_model_kwargs(compute_dtype: str, options: Mapping[str, Any]) -> str:
    formats = ("dtype", "torch_dtype")
    for name in options:
        if name not in (*_ACCEPTED, *_EVERYWHERE, *formats):
            raise ArgumentError(
                f"model_kwargs has {name}",
                expected=f"some of {', '.join((*formats, *_ACCEPTED))}",
                fix=_INSTEAD.get(name, "leave it out: nothing here depends on it"),
            )
    _checked(options, "model_kwargs", {**_ACCEPTED, **_EVERYWHERE})
    for name in formats:
        if options.get(name) is not None:
            compute_dtype = _format(f"model_kwargs[{name!r}]", options[name], compute_dtype)
    return compute_dtype


def _format(name: str, value: Any, compute_dtype: str) -> str:
    written = str(value).removeprefix("torch.")
    if written not in _FORMATS:
        raise ArgumentError(
            f"{name} is {value}",
            expected="float32, bfloat16 or auto, the formats that sentune computes in",
            fix="leave it out, or use compute_dtype='bfloat16' for 16 bits",
        )
    if compute_dtype not in ("auto", _FORMATS[written]):
        raise ArgumentError(
            f"compute_dtype is {compute_dtype!r} and {name} is {value}",
            expected="the same format",
            fix="leave one of the two out",
        )
    return _FORMATS[written]


Check = Callable[[str, Any], None]


def _checked(options: Mapping[str, Any], argument: str, checks: Mapping[str, Check]) -> None:
    if not all(isinstance(name, str) for name in options):
        raise ArgumentError(
            f"{argument} with keys that are no texts", expected="a dict by name", fix="correct it"
        )
    for name in checks.keys() & options.keys():
        checks[name](f"{argument}[{name!r}]", options[name])


def _anything(name: str, value: Any) -> None:
    """Accept what cannot change a vector."""


def _trust_remote_code(name: str, value: Any) -> None:
    if value:
        raise ArgumentError(
            f"{name} is {value!r}",
            expected="False, because code in a model folder is never run",
            fix="leave it out: docs/models.md lists the architectures that run without it",
        )


def _attention(name: str, value: Any) -> None:
    if value is not None:
        fix = "leave it out: texts are computed without padding already"
        require_choice(name, value, _ATTENTION, fix=fix)


def _safetensors(name: str, value: Any) -> None:
    if value is False:
        raise ArgumentError(
            f"{name} is False",
            expected="True, because other weight files are pickles, which can run code",
            fix="leave it out",
        )


def _one_device(name: str, value: Any) -> None:
    if value not in (None, "cpu", "auto"):
        raise ArgumentError(
            f"{name} is {value!r}", expected="None: a model is on one device", fix="pass device="
        )


_EVERYWHERE: dict[str, Check] = {
    "trust_remote_code": _trust_remote_code,
    "cache_dir": _anything,
    "local_files_only": _anything,
    "revision": _anything,
    "token": _anything,
    "use_auth_token": _anything,
    "use_fast": _anything,
    "clean_up_tokenization_spaces": _anything,
}
_ACCEPTED: dict[str, Check] = {
    "attn_implementation": _attention,
    "use_safetensors": _safetensors,
    "device_map": _one_device,
    "low_cpu_mem_usage": _anything,
    "add_pooling_layer": _anything,
    "use_cache": _anything,
}
_INSTEAD = {
    "quantization_config": "use compute_dtype='int8'",
    "load_in_8bit": "use compute_dtype='int8'",
    "load_in_4bit": "use compute_dtype='int8'",
    "file_name": "leave it out; sentune export writes an ONNX graph for other programs",
    "provider": "leave it out; sentune export writes an ONNX graph for other programs",
    "export": "leave it out; sentune export writes an ONNX graph for other programs",
}
