"""The model folder on disk, read in every layout that people have.

Two layouts exist. sentence-transformers 3.1 and its predecessors name each pooling mode by a
flag and keep the length limit in ``sentence_bert_config.json``; version 6 names the modes and
keeps the limit in ``tokenizer_config.json``. Both are read; ``folder_writing`` writes the former.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentune.errors import ArgumentError, ModelError, UnsupportedModelError
from sentune.network.architectures import read_config
from sentune.network.config import EncoderConfig
from sentune.network.names import POOLING_FLAGS, POOLING_MODES, SIMILARITY_FUNCTIONS
from sentune.tokens.prompts import choose_prompt
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["EXTRAS_KEY", "ModelFolder", "read_folder"]

_LIMIT_FILES = tuple(
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
EXTRAS_KEY = "sentune"


@dataclass(slots=True)
class ModelFolder:
    """What a folder says, apart from the weights themselves.

    Attributes:
        config_json: ``config.json`` as it stands.
        config: the part of it that the encoder computes with.
        tokenizer: with the folder's length limit.
        weights: the safetensors file.
        pooling_modes: names from ``POOLING_MODES``.
        include_prompt: whether prompt tokens take part in pooling.
        normalize: whether vectors are scaled to unit length.
        prompts: name → prompt.
        default_prompt_name: the prompt used when none is named.
        similarity_fn_name: ``cosine``, ``dot``, ``euclidean`` or ``manhattan``.
        truncate_dim: dimensions kept of each vector; all when None.
        extras: sentune's additions (the fusion weight, what was kept and why).
    """

    config_json: dict[str, Any]
    config: EncoderConfig
    tokenizer: Tokenizer
    weights: Path
    pooling_modes: tuple[str, ...]
    include_prompt: bool
    normalize: bool
    prompts: dict[str, str] = field(default_factory=dict)
    default_prompt_name: str | None = None
    similarity_fn_name: str | None = None
    truncate_dim: int | None = None
    extras: dict[str, Any] = field(default_factory=dict)


def read_folder(folder: Path) -> ModelFolder:
    """Read a model folder without its weights.

    Raises:
        ModelError: a file is missing, damaged or contradicts another.
        UnsupportedModelError: an architecture or module that sentune does not run.
    """
    transformer, pooling, normalize = _modules(folder)
    config_json = _object(transformer / "config.json", required=True)
    config = read_config(config_json, str(transformer / "config.json"))
    modes, include_prompt = _pooling(pooling)
    listing = folder / "config_sentence_transformers.json"
    settings = _object(listing)
    prompts = _prompts(settings, listing)
    return ModelFolder(
        config_json=config_json,
        config=config,
        tokenizer=_tokenizer(transformer, config),
        weights=_weights_file(transformer),
        pooling_modes=modes,
        include_prompt=include_prompt,
        normalize=normalize,
        prompts=prompts,
        default_prompt_name=_choice(settings, "default_prompt_name", tuple(prompts), listing),
        similarity_fn_name=_choice(settings, "similarity_fn_name", SIMILARITY_FUNCTIONS, listing),
        truncate_dim=_truncate_dim(settings, listing),
        extras=_extras(settings, listing),
    )


def _object(path: Path, *, required: bool = False) -> dict[str, Any]:
    if not required and not path.is_file():
        return {}
    value = _json(path)
    if not isinstance(value, dict):
        raise _damaged(path, "it holds no JSON object")
    return value


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error


def _flag(values: dict[str, Any], name: str, default: bool, path: Path) -> bool:
    value = values.get(name, default)
    if not isinstance(value, bool):
        raise _unexpected(path, name, value, "true or false")
    return value


def _unexpected(path: Path, name: str, value: object, expected: str) -> ModelError:
    return ModelError(
        f"{path}: {name} is {value!r}",
        expected=expected,
        fix="correct the value, or copy the file again from where the model came from",
    )


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(
        f"{path} cannot be read ({reason})",
        expected="the configuration of a sentence-embedding model",
        fix="give the folder of a model, or copy the file again from where it came from",
    )


def _modules(folder: Path) -> tuple[Path, Path | None, bool]:
    """Folder of the transformer, folder of the pooling (None: mean), and whether to normalize."""
    listing = folder / "modules.json"
    if not listing.is_file():
        nested = folder / "0_Transformer"
        return (nested if nested.is_dir() else folder), None, False
    entries = _json(listing)
    try:
        kinds = [str(entry["type"]) for entry in entries]
        places = [_inside(folder, str(entry.get("path", ""))) for entry in entries]
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise _damaged(listing, "it is no list of modules with a type") from error
    names = [_module_name(kind, listing) for kind in kinds]
    if names[:2] != ["Transformer", "Pooling"] or names[2:] not in ([], ["Normalize"]):
        raise UnsupportedModelError(
            f"{listing} lists the modules {', '.join(names) or 'none'}",
            expected="Transformer, Pooling and, at the end, Normalize or nothing",
            fix="choose a model made of these modules",
        )
    return places[0], places[1], "Normalize" in names


def _module_name(kind: str, listing: Path) -> str:
    if not kind.startswith("sentence_transformers."):
        raise UnsupportedModelError(
            f"{listing} names the module {kind!r}",
            expected="modules of sentence_transformers only: code in a model folder is never run",
            fix="choose a model without custom modules",
        )
    return kind.rsplit(".", 1)[-1]


def _inside(folder: Path, relative: str) -> Path:
    place = (folder / relative).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise ModelError(
            f"{folder / 'modules.json'} points outside its folder ({relative!r})",
            expected="paths inside the model folder",
            fix="do not use this folder unless you trust where it came from",
        )
    return place


def _pooling(folder: Path | None) -> tuple[tuple[str, ...], bool]:
    if folder is None:
        return ("mean",), True
    path = folder / "config.json"
    values = _object(path, required=True)
    include_prompt = _flag(values, "include_prompt", True, path)
    modes = _pooling_modes(values, path)
    if not modes or any(mode not in POOLING_MODES for mode in modes):
        raise UnsupportedModelError(
            f"{path} asks for the pooling {list(modes)}",
            expected=f"some of {', '.join(POOLING_MODES)}",
            fix="choose another base model",
        )
    return modes, include_prompt


def _pooling_modes(values: dict[str, Any], path: Path) -> tuple[str, ...]:
    if "pooling_mode" in values:
        named = values["pooling_mode"]
        return tuple(named) if isinstance(named, list) else (named,)
    if not any(flag in values for flag in POOLING_FLAGS.values()):
        return ("mean",)
    return tuple(mode for mode in POOLING_MODES if _flag(values, POOLING_FLAGS[mode], False, path))


def _tokenizer(folder: Path, config: EncoderConfig) -> Tokenizer:
    settings = _object(folder / "tokenizer_config.json")
    path = next((p for p in (folder / f for f in _LIMIT_FILES) if p.is_file()), None)
    limits = _object(path) if path else {}
    longest = config.longest_text
    if path and limits.get("max_seq_length") is not None:
        name, length = "max_seq_length", limits["max_seq_length"]
        # Some RoBERTa folders ask for the whole table of positions, whose first rows no text uses.
        allowed = type(length) is int and 1 <= length <= config.max_position_embeddings
    else:
        path, name = folder / "tokenizer_config.json", "model_max_length"
        length = longest if settings.get(name) is None else settings[name]
        allowed = type(length) in (int, float) and length >= 1
    if not allowed:
        raise _unexpected(path, name, length, f"a number of tokens, at most {longest}")
    try:
        tokenizer = Tokenizer.from_folder(
            folder,
            max_seq_length=int(min(length, longest)),
            do_lower_case=_flag(limits, "do_lower_case", False, path),
            settings=settings,
        )
    except ArgumentError as error:
        raise _unexpected(path, name, length, error.expected) from error
    if tokenizer.vocabulary_size > config.vocab_size:
        raise ModelError(
            f"the tokenizer in {folder} has ids up to {tokenizer.vocabulary_size - 1}",
            expected=f"ids below vocab_size {config.vocab_size} of config.json",
            fix="copy the folder again from where the model came from",
        )
    return tokenizer


def _prompts(settings: dict[str, Any], path: Path) -> dict[str, str]:
    prompts = settings.get("prompts") or {}
    if not isinstance(prompts, dict):
        raise _unexpected(path, "prompts", prompts, "an object of texts")
    for name in prompts:
        try:
            choose_prompt(prompts, None, name, None)
        except ArgumentError as error:
            raise _unexpected(path, f"prompts[{name!r}]", prompts[name], error.expected) from error
    return prompts


def _choice(
    settings: dict[str, Any], name: str, allowed: tuple[str, ...], path: Path
) -> str | None:
    value = settings.get(name)
    if value is None:
        return None
    if value not in allowed:
        raise _unexpected(path, name, value, f"one of {', '.join(allowed) or 'none'}, or null")
    return str(value)


def _truncate_dim(settings: dict[str, Any], path: Path) -> int | None:
    value = settings.get("truncate_dim")
    if value is not None and (type(value) is not int or value < 1):
        raise _unexpected(path, "truncate_dim", value, "a positive number of dimensions, or null")
    return value


def _extras(settings: dict[str, Any], path: Path) -> dict[str, Any]:
    value = settings.get(EXTRAS_KEY) or {}
    if not isinstance(value, dict):
        raise _unexpected(path, EXTRAS_KEY, value, "an object")
    weight = value.get("fusion_weight", 1)
    if type(weight) not in (int, float) or not 0 <= weight <= 1:
        raise _unexpected(path, "fusion_weight", weight, "a number from 0 to 1")
    return value


def _weights_file(folder: Path) -> Path:
    path = folder / "model.safetensors"
    if path.is_file():
        return path
    if (folder / "pytorch_model.bin").is_file():
        raise ModelError(
            f"{folder} holds its weights as pytorch_model.bin, a pickle, which can run code",
            expected="model.safetensors",
            fix="convert it where you trust it: torch.load(..., weights_only=True), then "
            "safetensors.torch.save_file(..., metadata={'format': 'pt'})",
        )
    raise ModelError(
        f"{folder} has no weights",
        expected="model.safetensors in one piece",
        fix="give the folder of a model, or copy the file from where it came from",
    )
