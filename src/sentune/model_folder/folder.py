"""The model folder on disk: read in every layout that people have, and written in one.

Two layouts exist. sentence-transformers 3.1 and its predecessors name each pooling mode by a
flag and keep the length limit in ``sentence_bert_config.json``. Version 6 names the modes and
keeps the limit in ``tokenizer_config.json``. Both are read. The former is written, because every
later version loads it.

::

    config.json, model.safetensors                          here, weights
    tokenizer.json, tokenizer_config.json, …                tokenizer_files
    modules.json                                            modules
    1_Pooling/config.json                                   pooling
    2_Dense/model.safetensors, …                            vector_modules
    config_sentence_transformers.json, README.md            here
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sentune.errors import ArgumentError, ModelNotFoundError, UnsupportedModelError
from sentune.files import write_json, write_text
from sentune.model_folder.adapter import Adapter, read_adapter
from sentune.model_folder.json_files import read_object, unexpected
from sentune.model_folder.modules import ModuleEntry, read_modules, write_modules
from sentune.model_folder.pooling import read_pooling, require_order, write_pooling
from sentune.model_folder.resolve import resolve
from sentune.model_folder.tokenizer_files import read_tokenizer, write_tokenizer
from sentune.model_folder.tokenizer_settings import TokenizerChanges
from sentune.model_folder.weight_files import has_weights, require_weights
from sentune.network.architectures import ARCHITECTURES, read_config
from sentune.network.config import EncoderConfig, report_unknown
from sentune.network.names import SIMILARITY_FUNCTIONS
from sentune.tokens.prompts import all_prompts, choose_prompt
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["ModelFolder"]

_SETTINGS = "config_sentence_transformers.json"
_EXTRAS_KEY = "sentune"
_KIND = "SentenceTransformer"
_KEYS = {"__version__", "model_type", "prompts", "default_prompt_name", "similarity_fn_name"}
_KEYS |= {"truncate_dim", _EXTRAS_KEY}
# Written into the folder: sentence-transformers 3.1 warns about models newer than itself.
_LAYOUT_VERSIONS = {"sentence_transformers": "3.1.0", "transformers": "4.44.2"}


@dataclass(slots=True)
class ModelFolder:
    """What a folder says, apart from the weights themselves.

    Attributes:
        config_json: the content of ``config.json``.
        config: the part of it that the encoder computes with.
        tokenizer: with the folder's length limit.
        weights: the safetensors file that the weights are read from, or the index of several.
        adapter: LoRA that is merged into them; None without.
        pooling_modes: names from ``POOLING_MODES``.
        include_prompt: whether prompt tokens take part in pooling.
        after_pooling: the modules that follow pooling; with ``own_stages``, all that follow the
            transformer.
        prompts: name → prompt.
        default_prompt_name: the prompt used when none is named.
        similarity_fn_name: ``cosine``, ``dot``, ``euclidean`` or ``manhattan``.
        truncate_dim: dimensions kept of each vector; all when None.
        extras: sentune's additions (the fusion weight, what was kept and why).
        card: the text of ``README.md``.
    """

    config_json: dict[str, Any]
    config: EncoderConfig
    tokenizer: Tokenizer
    weights: Path
    adapter: Adapter | None
    pooling_modes: tuple[str, ...]
    include_prompt: bool
    after_pooling: tuple[ModuleEntry, ...]
    prompts: dict[str, str]
    default_prompt_name: str | None
    similarity_fn_name: str | None
    truncate_dim: int | None
    extras: dict[str, Any]
    card: str

    @classmethod
    def read(
        cls,
        path: Path,
        config_changes: Mapping[str, Any] = MappingProxyType({}),
        tokenizer_changes: TokenizerChanges | None = None,
        *,
        own_classes: bool = True,
    ) -> ModelFolder:
        """Read a model folder without its weights.

        Args:
            path: the folder.
            config_changes: values that take the place of those in ``config.json``.
            tokenizer_changes: the same for the files of the tokenizer.
            own_classes: whether a class that the program has imported may be among the modules.

        Raises:
            ArgumentError: a change of a value that ``config.json`` does not have.
            ModelError: a file is missing, damaged or contradicts another.
            UnsupportedModelError: an architecture or module that sentune does not run.
        """
        transformer, pooling, after_pooling = read_modules(path, own_classes=own_classes)
        adapter = read_adapter(transformer)
        weights = _with_weights(transformer, adapter)
        config_path = _holding(("config.json",), transformer, weights) / "config.json"
        config_json = _changed(read_object(config_path, required=True), config_changes)
        config = read_config(config_json, str(config_path))
        tokenizer = _holding(("tokenizer.json", "vocab.txt"), transformer, weights)
        modes, include_prompt = read_pooling(pooling)
        listing, card = path / _SETTINGS, path / "README.md"
        settings = read_object(listing)
        report_unknown(listing, settings, _KEYS)
        _require_kind(settings, listing)
        prompts = _prompts(settings, listing)
        return cls(
            config_json=config_json,
            config=config,
            tokenizer=read_tokenizer(
                tokenizer,
                config,
                tokenizer_changes,
                # Without a list of modules it is a folder of transformers, which has no such file.
                own_limits=transformer != path or (path / "modules.json").is_file(),
            ),
            weights=require_weights(weights),
            adapter=adapter,
            pooling_modes=modes,
            include_prompt=include_prompt,
            after_pooling=after_pooling,
            prompts=prompts,
            default_prompt_name=_choice(
                settings, "default_prompt_name", tuple(all_prompts(prompts)), listing
            ),
            similarity_fn_name=_choice(
                settings, "similarity_fn_name", SIMILARITY_FUNCTIONS, listing
            ),
            truncate_dim=_truncate_dim(settings, listing),
            extras=_extras(settings, listing),
            card=card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "",
        )

    @property
    def own_stages(self) -> bool:
        """Whether a class of one's own is among the modules."""
        return any(entry.own for entry in self.after_pooling)

    def write(self, path: Path) -> None:
        """Write every file but the weights into an existing, empty folder.

        Raises:
            ModelError: pooling modes in an order that the layout cannot express.
            OutputError: a file cannot be written.
        """
        require_order(self.pooling_modes)
        write_modules(path, self.after_pooling)
        if not self.own_stages:
            hidden = self.config.hidden_size
            write_pooling(path / "1_Pooling", self.pooling_modes, hidden, self.include_prompt)
        architecture = ARCHITECTURES[self.config.model_type]
        config = {k: v for k, v in self.config_json.items() if k not in ("dtype", "auto_map")}
        config |= {"architectures": [architecture.model_class], "torch_dtype": "float32"}
        config |= architecture.other_versions(self.config)
        write_json(path / "config.json", config)
        write_tokenizer(path, self.tokenizer, architecture.model_type)
        write_json(path / _SETTINGS, self._settings())
        write_text(path / "README.md", self.card)

    def _settings(self) -> dict[str, Any]:
        import torch  # only for its version: whoever reads a folder may do without PyTorch

        settings: dict[str, Any] = {
            "__version__": {**_LAYOUT_VERSIONS, "pytorch": torch.__version__},
            "prompts": self.prompts,
            "default_prompt_name": self.default_prompt_name,
            "similarity_fn_name": self.similarity_fn_name,
        }
        if self.truncate_dim is not None:
            settings["truncate_dim"] = self.truncate_dim
        return settings | ({_EXTRAS_KEY: self.extras} if self.extras else {})


def _changed(values: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in changes if name not in values]
    if unknown:
        raise ArgumentError(
            f"config_kwargs has {', '.join(unknown)}",
            expected="values that config.json of the model has",
            fix="leave it out, or write it into config.json of a local copy",
        )
    return {**values, **changes}


def _require_kind(settings: dict[str, Any], path: Path) -> None:
    """Raise UnsupportedModelError if the folder is that of another kind of model."""
    kind = settings.get("model_type")
    if kind not in (None, _KIND):
        is_cross = kind == "CrossEncoder"
        raise UnsupportedModelError(
            f"{path} says that this is a {kind}",
            expected=f"the folder of a {_KIND}",
            fix="load it with CrossEncoder, or sentune rerank"
            if is_cross
            else "choose another model",
        )


def _with_weights(transformer: Path, adapter: Adapter | None) -> Path:
    """The folder with the weights: this one, or that of the model that the adapter is for."""
    if adapter is None or not adapter.base or has_weights(transformer):
        return transformer
    try:
        base = resolve(adapter.base, local_files_only=True)
    except ModelNotFoundError as error:
        raise ModelNotFoundError(
            f"{transformer} has an adapter for the model {adapter.base!r}, which is not on this "
            "machine",
            expected="the model's weights in the folder, or the model",
            fix=error.fix,
        ) from error
    return read_modules(base.folder)[0]


def _holding(names: tuple[str, ...], first: Path, otherwise: Path) -> Path:
    """The folder with one of these files; ``otherwise`` if the first has none of them."""
    return first if any((first / name).is_file() for name in names) else otherwise


def _prompts(settings: dict[str, Any], path: Path) -> dict[str, str]:
    prompts = settings.get("prompts") or {}
    if not isinstance(prompts, dict):
        raise unexpected(path, "prompts", prompts, "a JSON object with a text for each name")
    prompts = {name: "" if text is None else text for name, text in prompts.items()}
    for name in prompts:
        try:
            choose_prompt(prompts, None, name, None)
        except ArgumentError as error:
            raise unexpected(path, f"prompts[{name!r}]", prompts[name], error.expected) from error
    return prompts


def _choice(
    settings: dict[str, Any], name: str, allowed: tuple[str, ...], path: Path
) -> str | None:
    value = settings.get(name)
    if value is None:
        return None
    if value not in allowed:
        raise unexpected(path, name, value, " or ".join([*allowed, "null"]))
    return str(value)


def _truncate_dim(settings: dict[str, Any], path: Path) -> int | None:
    value = settings.get("truncate_dim")
    if value is not None and (type(value) is not int or value < 1):
        raise unexpected(path, "truncate_dim", value, "a whole number of at least 1, or null")
    return value


def _extras(settings: dict[str, Any], path: Path) -> dict[str, Any]:
    value = settings.get(_EXTRAS_KEY) or {}
    if not isinstance(value, dict):
        raise unexpected(path, _EXTRAS_KEY, value, "a JSON object")
    weight = value.get("fusion_weight", 1)
    if type(weight) not in (int, float) or not 0 <= weight <= 1:
        raise unexpected(path, "fusion_weight", weight, "a number from 0 to 1")
    late = value.get("late_weight", 0)
    if type(late) not in (int, float) or not 0 <= late <= 1:
        raise unexpected(path, "late_weight", late, "a number from 0 to 1")
    depth = value.get("late_depth", 1)
    if type(depth) is not int or depth < 1:
        raise unexpected(path, "late_depth", depth, "a whole number of at least 1")
    return value
