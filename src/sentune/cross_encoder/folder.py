"""The folder of a model that scores pairs: reading every layout, and writing one.

sentence-transformers up to 5 keeps a plain model of transformers, and the activation in
``config.json``. Version 6 lists one module in ``modules.json``, and keeps the activation in
``config_sentence_transformers.json``. Both are read. The former is written, because every version
loads it; a model with prompts gets the files of version 6 as well, which alone knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentune.cross_encoder.activations import named_activation, usual
from sentune.cross_encoder.head import HeadKind, head_kind
from sentune.errors import ModelError, UnsupportedModelError
from sentune.files import write_json, write_text
from sentune.model_folder.json_files import damaged, read_json, read_object, unexpected
from sentune.model_folder.tokenizer_files import read_tokenizer, write_tokenizer
from sentune.model_folder.weight_files import require_weights
from sentune.network.architectures import ARCHITECTURES, read_config
from sentune.network.config import EncoderConfig
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["PairModelFolder"]

_SETTINGS, _LIMITS = "config_sentence_transformers.json", "sentence_bert_config.json"
_LAYOUT_VERSION = "4.1.0"  # the first with the names that are written
_OLD_ACTIVATION = "sbert_ce_default_activation_function"
_MODULE = "sentence_transformers.base.modules.transformer.Transformer"
# Modules of a model that makes vectors; a model that scores pairs has a head instead.
_OF_VECTORS = ("Pooling", "Normalize", "Dense", "LayerNorm", "Dropout")
# Classes whose tokenizers number the segments of a pair.
_WITH_SEGMENTS = ("Bert", "Electra")
_MODELS_WITH_SEGMENTS = ("bert", "electra", "nomic_bert")


@dataclass(slots=True)
class PairModelFolder:
    """What a folder says, apart from the weights themselves.

    Attributes:
        config_json: the content of ``config.json``.
        config: the part of it that the encoder computes with.
        head: the kind of its head.
        has_head: whether the folder says that it has one.
        num_labels: scores of each pair.
        tokenizer: with the folder's length limit.
        segmented: whether the tokenizer numbers the two segments of a pair.
        weights: the file that the weights are read from.
        activation: the function on top of the scores.
        prompts, default_prompt_name: text to put before the first text of a pair, by name.
        card: the text of ``README.md``.
    """

    config_json: dict[str, Any]
    config: EncoderConfig
    head: HeadKind
    has_head: bool
    num_labels: int
    tokenizer: Tokenizer
    segmented: bool
    weights: Path
    activation: Any
    prompts: dict[str, str]
    default_prompt_name: str | None
    card: str

    @classmethod
    def read(cls, path: Path, changes: Mapping[str, Any] | None = None) -> PairModelFolder:
        """Read a folder without its weights; ``changes`` overrule its ``config.json``.

        Raises:
            ModelError: a file is missing, damaged or contradicts another.
            UnsupportedModelError: an architecture, module or activation that sentune does not run.
        """
        transformer, listed = _transformer(path)
        source = transformer / "config.json"
        values = read_object(source, required=True) | dict(changes or {})
        config = read_config(values, str(source))
        has_head = _has_head(values)
        labels = _labels(values, source) if has_head else 1
        settings = read_object(path / _SETTINGS) if listed else {}
        tokenizer = read_tokenizer(transformer, config, task="sequence-classification")
        _limit(tokenizer, config)
        prompts, default = _prompts(settings, path / _SETTINGS)
        card = path / "README.md"
        return cls(
            config_json=values,
            config=config,
            head=head_kind(config.model_type, str(source)),
            has_head=has_head,
            num_labels=labels,
            tokenizer=tokenizer,
            segmented=_segmented(tokenizer.settings, config),
            weights=require_weights(transformer),
            activation=_activation(settings, values, path, source) or usual(labels),
            prompts=prompts,
            default_prompt_name=default,
            card=card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "",
        )

    def write(self, path: Path, activation: str | None) -> None:
        """Write every file but the weights into an existing, empty folder.

        ``activation`` is the name of the function; none is written when None. Raises OutputError.
        """
        write_json(path / "config.json", self._config(activation))
        names = ["input_ids", *(["token_type_ids"] if self.segmented else []), "attention_mask"]
        self.tokenizer.settings["model_input_names"] = names
        write_tokenizer(path, self.tokenizer, self.config.model_type)
        (path / _LIMITS).unlink()  # only models that make vectors have a limit of their own
        if self.prompts:
            self._write_prompts(path, activation)
        write_text(path / "README.md", self.card)

    def _config(self, activation: str | None) -> dict[str, Any]:
        given = self.config_json
        config = {k: v for k, v in given.items() if k not in ("dtype", "auto_map", "num_labels")}
        config |= {"architectures": [self.head.model_class], "torch_dtype": "float32"}
        config |= ARCHITECTURES[self.config.model_type].other_versions(self.config)
        if len(given.get("id2label") or {}) != self.num_labels:
            names = [f"LABEL_{number}" for number in range(self.num_labels)]
            config["id2label"] = {str(number): name for number, name in enumerate(names)}
            config["label2id"] = {name: number for number, name in enumerate(names)}
        config.pop(_OLD_ACTIVATION, None)
        config["sentence_transformers"] = {"version": _LAYOUT_VERSION}
        if activation is not None:
            config["sentence_transformers"]["activation_fn"] = activation
            config[_OLD_ACTIVATION] = activation
        return config

    def _write_prompts(self, path: Path, activation: str | None) -> None:
        settings = {
            "__version__": {"sentence_transformers": "6.2.0"},
            "model_type": "CrossEncoder",
            "activation_fn": activation,
            "prompts": self.prompts,
            "default_prompt_name": self.default_prompt_name,
        }
        form = {"method": "forward", "method_output_name": "logits"}
        task: dict[str, Any] = {
            "transformer_task": "sequence-classification",
            "modality_config": {"text": form},
            "module_output_name": "scores",
        }
        write_json(path / _SETTINGS, {k: v for k, v in settings.items() if v is not None})
        write_json(path / _LIMITS, task)
        write_json(path / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": _MODULE}])


def _transformer(folder: Path) -> tuple[Path, bool]:
    """The folder of the transformer, and whether ``modules.json`` lists it as the only module."""
    listing = folder / "modules.json"
    if not listing.is_file():
        return folder, False
    try:
        found = [(str(e["type"]).rsplit(".", 1)[-1], str(e["path"])) for e in read_json(listing)]
        inside = (folder / found[0][1]).resolve().is_relative_to(folder.resolve())
    except (KeyError, TypeError, IndexError, ValueError, OSError) as error:
        raise damaged(listing, "it is not a list of modules with types") from error
    names = [name for name, _ in found]
    if names[0] != "Transformer" or not inside or not {*names[1:]} <= {*_OF_VECTORS}:
        raise UnsupportedModelError(
            f"{listing} lists the modules {', '.join(names)}",
            expected="one Transformer, in this folder",
            fix="choose another model for scoring pairs; docs/rerank.md lists those that run",
        )
    return folder / found[0][1], not names[1:]


def _has_head(values: Mapping[str, Any]) -> bool:
    named = values.get("architectures") or []
    return any(str(one).endswith("ForSequenceClassification") for one in named)


def _labels(values: Mapping[str, Any], source: Path) -> int:
    """As transformers: the labels that are named, else ``num_labels``, else 2."""
    named = values.get("id2label")
    if named is not None and (not isinstance(named, dict) or not named):
        raise unexpected(source, "id2label", named, "an object with a name for each label")
    found = values.get("num_labels", 2) if named is None else len(named)
    if type(found) is not int or found < 1:
        raise unexpected(source, "num_labels", found, "a whole number of at least 1")
    return found


def _limit(tokenizer: Tokenizer, config: EncoderConfig) -> None:
    """The limit of the tokenizer alone: that of a model for vectors is for one text."""
    longest, named = config.longest_text, tokenizer.settings.get("model_max_length")
    if isinstance(named, int | float) and named >= 1:
        longest = int(min(named, longest))
    tokenizer.max_seq_length = longest


def _segmented(settings: Mapping[str, Any], config: EncoderConfig) -> bool:
    if config.type_vocab_size < 2:
        return False
    if isinstance(names := settings.get("model_input_names"), list):
        return "token_type_ids" in names
    kind = settings.get("tokenizer_class")
    if not isinstance(kind, str):
        return config.model_type in _MODELS_WITH_SEGMENTS
    return kind.removesuffix("Fast").removesuffix("Tokenizer") in _WITH_SEGMENTS


def _activation(
    settings: Mapping[str, Any], values: Mapping[str, Any], path: Path, source: Path
) -> Any:
    newer = values.get("sentence_transformers")
    newer = newer.get("activation_fn") if isinstance(newer, dict) else None
    for name, file in (
        (settings.get("activation_fn"), path / _SETTINGS),
        (newer, source),
        (values.get(_OLD_ACTIVATION), source),
    ):
        if name is not None:
            return named_activation(name, str(file))
    return None


def _prompts(settings: Mapping[str, Any], path: Path) -> tuple[dict[str, str], str | None]:
    prompts, default = settings.get("prompts") or {}, settings.get("default_prompt_name")
    texts = isinstance(prompts, dict) and all(isinstance(p, str) for p in prompts.values())
    if not texts or default not in (None, *prompts):
        raise ModelError(
            f"{path}, prompts are {prompts!r} and default_prompt_name is {default!r}",
            expected="an object with a text for each name, and one of the names or null",
            fix="correct the file, or copy it again from the source of the model",
        )
    return prompts, default
