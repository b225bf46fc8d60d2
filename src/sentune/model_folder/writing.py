"""The model folder, written in the 3.1 layout, which every later version loads as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save

from sentune.errors import ModelError
from sentune.files import write_bytes, write_json, write_text
from sentune.model_folder.reading import EXTRAS_KEY
from sentune.model_folder.weights import export_weights
from sentune.network.architectures import ARCHITECTURES
from sentune.network.encoder import Encoder
from sentune.network.names import POOLING_MODES
from sentune.network.pooling import Pooling
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["write_folder"]


def write_folder(
    folder: Path,
    encoder: Encoder,
    tokenizer: Tokenizer,
    pooling: Pooling,
    *,
    config: dict[str, Any],
    settings: dict[str, Any],
    normalize: bool,
    extras: dict[str, Any],
    card: str,
) -> None:
    """Write every file of a model into an existing, empty folder.

    Args:
        config: ``config.json`` of the base model, of which the weights' format is corrected.
        settings: ``prompts``, ``default_prompt_name``, ``similarity_fn_name``, ``truncate_dim``
            and ``__version__``.
        extras: sentune's additions.
        card: the text of ``README.md``.

    Raises:
        ModelError: pooling modes in an order that the layout cannot express.
        OutputError: a file cannot be written.
    """
    if pooling.modes != tuple(mode for mode in POOLING_MODES if mode in pooling.modes):
        raise ModelError(
            f"pooling modes in the order {', '.join(pooling.modes)}",
            expected=f"the order of the folder layout: {', '.join(POOLING_MODES)}",
            fix="list the modes in that order",
        )
    architecture = ARCHITECTURES[encoder.config.model_type]
    saved = {key: value for key, value in config.items() if key not in ("dtype", "auto_map")}
    saved |= {"architectures": [architecture.model_class], "torch_dtype": "float32"}
    saved |= architecture.older_names(encoder.config)
    write_json(folder / "config.json", saved)
    weights = save(export_weights(encoder), metadata={"format": "pt"})
    write_bytes(folder / "model.safetensors", weights)
    _write_tokenizer(folder, tokenizer, architecture.model_type)
    _write_modules(folder, pooling, normalize)
    extra = {EXTRAS_KEY: extras} if extras else {}
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


# As BERT's tokenizers and RoBERTa's call them; for folders whose settings do not say.
_SPECIAL_TOKENS = {
    "unk_token": ("[UNK]", "<unk>"),
    "sep_token": ("[SEP]", "</s>"),
    "pad_token": ("[PAD]", "<pad>"),
    "cls_token": ("[CLS]", "<s>"),
    "mask_token": ("[MASK]", "<mask>"),
}


def _write_tokenizer(folder: Path, tokenizer: Tokenizer, model_type: str) -> None:
    vocabulary = tokenizer.vocabulary()
    special = _special_tokens(tokenizer.settings, set(vocabulary))
    settings = {**_tokenizer_class(tokenizer, model_type), **special}
    settings["model_max_length"] = tokenizer.max_seq_length
    limits = {
        "max_seq_length": tokenizer.max_seq_length,
        "do_lower_case": tokenizer.do_lower_case,
    }
    write_text(folder / "tokenizer.json", _tokenizer_json(tokenizer))
    write_json(folder / "tokenizer_config.json", settings)
    write_json(folder / "special_tokens_map.json", special)
    if tokenizer.kind == "WordPiece":
        write_text(folder / "vocab.txt", "\n".join(vocabulary) + "\n")
    write_json(folder / "sentence_bert_config.json", limits)


def _tokenizer_json(tokenizer: Tokenizer) -> str:
    """With each merge of BPE as one text: tokenizers before 0.20 read no pairs, later ones both."""
    text = tokenizer.to_json()
    if tokenizer.kind != "BPE":
        return text
    content = json.loads(text)
    pairs = content["model"]["merges"]
    if any(" " in part for pair in pairs for part in pair):
        return text  # such a merge can only be told as a pair
    content["model"]["merges"] = [" ".join(pair) for pair in pairs]
    return json.dumps(content, indent=2, ensure_ascii=False)


def _special_tokens(settings: dict[str, Any], vocabulary: set[str]) -> dict[str, Any]:
    named = {
        name: settings.get(name) or next((token for token in usual if token in vocabulary), None)
        for name, usual in _SPECIAL_TOKENS.items()
    }
    return {name: token for name, token in named.items() if token is not None}


def _tokenizer_class(tokenizer: Tokenizer, model_type: str) -> dict[str, Any]:
    """The settings, with a class that reads ``tokenizer.json`` and is in every version."""
    settings = dict(tokenizer.settings)
    if isinstance(settings.get("extra_special_tokens"), list):  # the name of version 5
        settings["additional_special_tokens"] = settings.pop("extra_special_tokens")
    if settings.get("tokenizer_class") == "TokenizersBackend":  # so is this
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    if "tokenizer_class" in settings:
        return settings
    if model_type == "bert" and tokenizer.kind == "WordPiece":
        return {"tokenizer_class": "BertTokenizer", **settings}
    # Left to itself, this class makes segment numbers, which not every encoder takes.
    inputs = {"model_input_names": ["input_ids", "attention_mask"]}
    return {"tokenizer_class": "PreTrainedTokenizerFast", **inputs, **settings}
