"""The model folder, written in the 3.1 layout, which every later version loads as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import save

from sentune.errors import ModelError
from sentune.files import write_bytes, write_json, write_text
from sentune.model.architectures import ARCHITECTURES
from sentune.model.encoder import Encoder
from sentune.model.folder import OWN_KEY
from sentune.model.pooling import POOLING_MODES, Pooling
from sentune.model.tokenizer import Tokenizer
from sentune.model.weights import export_weights

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
    if pooling.modes != tuple(mode for mode in POOLING_MODES if mode in pooling.modes):
        raise ModelError(
            f"pooling modes in the order {', '.join(pooling.modes)}",
            expected=f"the order of the folder layout: {', '.join(POOLING_MODES)}",
            fix="list the modes in that order",
        )
    model_class = ARCHITECTURES[encoder.config.model_type].model_class
    saved = {key: value for key, value in config.items() if key not in ("dtype", "auto_map")}
    saved |= {"architectures": [model_class], "torch_dtype": "float32"}
    write_json(folder / "config.json", saved)
    weights = save(export_weights(encoder), metadata={"format": "pt"})
    write_bytes(folder / "model.safetensors", weights)
    _write_tokenizer(folder, tokenizer)
    _write_modules(folder, pooling, normalize)
    extra = {OWN_KEY: own} if own else {}
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
