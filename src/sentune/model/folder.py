"""The model folder on disk: read in every layout people have, written in one.

Two layouts exist. sentence-transformers 3.1 and its predecessors name each pooling mode by a
flag and keep the length limit in ``sentence_bert_config.json``; version 6 names the modes and
keeps the limit in ``tokenizer_config.json``. Both are read. The 3.1 layout is written, because
both load it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from sentune.errors import ModelError, UnsupportedModelError
from sentune.files import write_json, write_text
from sentune.model.bert import Bert, BertConfig
from sentune.model.pooling import POOLING_FLAGS, POOLING_MODES, Pooling
from sentune.model.tokenizer import Tokenizer
from sentune.model.weights import export_weights

__all__ = ["ModelFolder", "read_folder", "write_folder"]

_LIMIT_FILES = tuple(
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
_OWN_KEY = "sentune"
_NO_LIMIT = 10**6  # transformers writes 10**30 where a tokenizer has no limit of its own


@dataclass(slots=True)
class ModelFolder:
    """What a folder says, apart from the weights themselves.

    Attributes:
        config: ``config.json`` as it stands.
        bert_config: the part of it that the encoder computes with.
        tokenizer: with the folder's length limit.
        weights: the safetensors file.
        pooling_modes: names from ``POOLING_MODES``.
        include_prompt: whether prompt tokens take part in pooling.
        normalize: whether vectors are scaled to unit length.
        prompts: name → prompt.
        default_prompt_name: the prompt used when none is named.
        similarity_fn_name: ``cosine``, ``dot``, ``euclidean`` or ``manhattan``.
        truncate_dim: dimensions kept of each vector; all when None.
        own: sentune's additions (the fusion weight, what was kept and why).
    """

    config: dict[str, Any]
    bert_config: BertConfig
    tokenizer: Tokenizer
    weights: Path
    pooling_modes: tuple[str, ...]
    include_prompt: bool
    normalize: bool
    prompts: dict[str, str] = field(default_factory=dict)
    default_prompt_name: str | None = None
    similarity_fn_name: str | None = None
    truncate_dim: int | None = None
    own: dict[str, Any] = field(default_factory=dict)


def read_folder(folder: Path) -> ModelFolder:
    """Read a model folder without its weights.

    Raises:
        ModelError: a file is missing, damaged or contradicts another.
        UnsupportedModelError: an architecture or module that sentune does not run.
    """
    transformer, pooling, normalize = _modules(folder)
    config = _object(transformer / "config.json", required=True)
    bert_config = BertConfig.from_dict(config, str(transformer / "config.json"))
    modes, include_prompt = _pooling(pooling)
    settings = _object(folder / "config_sentence_transformers.json")
    return ModelFolder(
        config=config,
        bert_config=bert_config,
        tokenizer=_tokenizer(transformer, bert_config),
        weights=_weights_file(transformer),
        pooling_modes=modes,
        include_prompt=include_prompt,
        normalize=normalize,
        prompts=_prompts(settings, folder),
        default_prompt_name=settings.get("default_prompt_name"),
        similarity_fn_name=settings.get("similarity_fn_name"),
        truncate_dim=settings.get("truncate_dim"),
        own=dict(settings.get(_OWN_KEY) or {}),
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
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error


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
    except (KeyError, TypeError, AttributeError) as error:
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
    include_prompt = bool(values.get("include_prompt", True))
    if "pooling_mode" in values:
        named = values["pooling_mode"]
        modes = (named,) if isinstance(named, str) else tuple(named)
    else:
        modes = tuple(mode for mode, flag in POOLING_FLAGS.items() if values.get(flag))
    if not modes or any(mode not in POOLING_MODES for mode in modes):
        raise UnsupportedModelError(
            f"{path} asks for the pooling {list(modes)}",
            expected=f"some of {', '.join(POOLING_MODES)}",
            fix="choose another base model",
        )
    return modes, include_prompt


def _tokenizer(folder: Path, bert_config: BertConfig) -> Tokenizer:
    settings = _object(folder / "tokenizer_config.json")
    limits = next((_object(folder / f) for f in _LIMIT_FILES if (folder / f).is_file()), {})
    longest = bert_config.max_position_embeddings
    length = limits.get("max_seq_length") or settings.get("model_max_length") or longest
    if not isinstance(length, int | float) or length < 1:
        raise _damaged(folder, f"its length limit is {length!r}")
    return Tokenizer.from_folder(
        folder,
        max_seq_length=int(min(length, longest, _NO_LIMIT)),
        do_lower_case=bool(limits.get("do_lower_case", False)),
        settings=settings,
    )


def _prompts(settings: dict[str, Any], folder: Path) -> dict[str, str]:
    prompts = settings.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(p, str) for p in prompts.values()):
        raise _damaged(folder / "config_sentence_transformers.json", "prompts are no texts")
    return {str(name): prompt for name, prompt in prompts.items()}


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


def write_folder(
    folder: Path,
    bert: Bert,
    tokenizer: Tokenizer,
    pooling: Pooling,
    *,
    config: dict[str, Any],
    settings: dict[str, Any],
    normalize: bool,
    own: dict[str, Any],
    card: str,
) -> None:
    """Write every file of a model into an existing, empty folder.

    Args:
        config: ``config.json`` of the base model, of which the weights' format is corrected.
        settings: ``prompts``, ``default_prompt_name``, ``similarity_fn_name``, ``truncate_dim``
            and ``__version__``.
        own: sentune's additions.
        card: the text of ``README.md``.

    Raises:
        ModelError: pooling modes in an order that the layout cannot express.
        OutputError: a file cannot be written.
    """
    if pooling.modes != tuple(mode for mode in POOLING_FLAGS if mode in pooling.modes):
        raise ModelError(
            f"pooling modes in the order {', '.join(pooling.modes)}",
            expected=f"the order of the folder layout: {', '.join(POOLING_FLAGS)}",
            fix="list the modes in that order",
        )
    saved = {key: value for key, value in config.items() if key not in ("dtype", "auto_map")}
    saved |= {"architectures": ["BertModel"], "torch_dtype": "float32"}
    write_json(folder / "config.json", saved)
    save_file(export_weights(bert), folder / "model.safetensors", metadata={"format": "pt"})
    _write_tokenizer(folder, tokenizer)
    _write_modules(folder, pooling, normalize)
    extra = {_OWN_KEY: own} if own else {}
    write_json(folder / "config_sentence_transformers.json", {**settings, **extra})
    write_text(folder / "README.md", card)


def _write_modules(folder: Path, pooling: Pooling, normalize: bool) -> None:
    paths = {"Transformer": "", "Pooling": "1_Pooling"}
    if normalize:
        paths["Normalize"] = "2_Normalize"
    for path in filter(None, paths.values()):
        (folder / path).mkdir()
    write_json(folder / "1_Pooling" / "config.json", pooling.describe())
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (name, path) in enumerate(paths.items())
    ]
    write_json(folder / "modules.json", modules)


def _write_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    special = {
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
    special = {name: tokenizer.settings.get(name, token) for name, token in special.items()}
    settings = {"tokenizer_class": "BertTokenizer", **tokenizer.settings, **special}
    settings["model_max_length"] = tokenizer.max_seq_length
    limits = {
        "max_seq_length": tokenizer.max_seq_length,
        "do_lower_case": tokenizer.do_lower_case,
    }
    write_text(folder / "tokenizer.json", tokenizer.to_json())
    write_json(folder / "tokenizer_config.json", settings)
    write_json(folder / "special_tokens_map.json", special)
    write_text(folder / "vocab.txt", "\n".join(tokenizer.vocabulary()) + "\n")
    write_json(folder / "sentence_bert_config.json", limits)
