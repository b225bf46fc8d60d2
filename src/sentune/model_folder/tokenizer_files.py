"""The files of a model's tokenizer: reading and writing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

from sentune.errors import ArgumentError, ModelError
from sentune.files import write_json, write_text
from sentune.model_folder.json_files import flag, read_object, unexpected
from sentune.network.config import EncoderConfig
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["read_tokenizer", "write_tokenizer"]

_LIMIT_FILES = tuple(
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
# The names in BERT's tokenizers and in RoBERTa's, for folders whose settings do not say.
_SPECIAL_TOKENS = {
    "unk_token": ("[UNK]", "<unk>"),
    "sep_token": ("[SEP]", "</s>"),
    "pad_token": ("[PAD]", "<pad>"),
    "cls_token": ("[CLS]", "<s>"),
    "mask_token": ("[MASK]", "<mask>"),
}


def read_tokenizer(folder: Path, config: EncoderConfig) -> Tokenizer:
    """The tokenizer of a folder, with its length limit. Raises ModelError."""
    settings = read_object(folder / "tokenizer_config.json")
    path = next((p for p in (folder / f for f in _LIMIT_FILES) if p.is_file()), None)
    limits = read_object(path) if path else {}
    longest = config.longest_text
    if path and limits.get("max_seq_length") is not None:
        name, length = "max_seq_length", limits["max_seq_length"]
        # Some RoBERTa folders name the size of the position table, whose first rows are not used.
        allowed = type(length) is int and 1 <= length <= config.max_position_embeddings
    else:
        path, name = folder / "tokenizer_config.json", "model_max_length"
        length = longest if settings.get(name) is None else settings[name]
        allowed = type(length) in (int, float) and length >= 1
    if not allowed:
        raise unexpected(path, name, length, f"a number of tokens of at most {longest}")
    try:
        tokenizer = Tokenizer(
            _read(folder, settings),
            max_seq_length=int(min(length, longest)),
            do_lower_case=flag(limits, "do_lower_case", False, path),
            settings=settings,
        )
    except ArgumentError as error:
        raise unexpected(path, name, length, error.expected) from error
    if tokenizer.vocabulary_size > config.vocab_size:
        raise ModelError(
            f"the tokenizer in {folder} has ids up to {tokenizer.vocabulary_size - 1}",
            expected=f"ids below vocab_size {config.vocab_size} of config.json",
            fix="copy the folder again from the source of the model",
        )
    return tokenizer


def _read(folder: Path, settings: dict[str, Any]) -> tokenizers.Tokenizer:
    """``tokenizer.json``, or a WordPiece tokenizer from ``vocab.txt``. Raises ModelError."""
    whole, vocabulary = folder / "tokenizer.json", folder / "vocab.txt"
    path = whole if whole.is_file() else vocabulary
    if not path.is_file():
        raise ModelError(
            f"{folder} has no tokenizer",
            expected="tokenizer.json or vocab.txt",
            fix="copy the file from the source of the model, or make it there with transformers: "
            "AutoTokenizer.from_pretrained(folder).save_pretrained(folder)",
        )
    try:
        if path == whole:
            text = path.read_text(encoding="utf-8")
            json.loads(text)
            tokenizer = tokenizers.Tokenizer.from_str(text)
        else:
            tokenizer = BertWordPieceTokenizer(
                str(path),
                lowercase=bool(settings.get("do_lower_case", True)),
                strip_accents=settings.get("strip_accents"),
                handle_chinese_chars=bool(settings.get("tokenize_chinese_chars", True)),
            )._tokenizer
        tokenizer.encode("a \N{SNOWMAN}")  # fails if the token for unknown words is missing
        return tokenizer
    except Exception as error:  # the Rust side raises nothing narrower
        raise ModelError(
            f"{path} cannot be read ({error})",
            expected="a tokenizer in the format of the tokenizers library",
            fix="copy the file again from the source of the model",
        ) from error


def write_tokenizer(folder: Path, tokenizer: Tokenizer, model_type: str) -> None:
    """Write all files of a tokenizer. Raises OutputError."""
    vocabulary = tokenizer.vocabulary()
    special = _special_tokens(tokenizer.settings, set(vocabulary))
    settings = {**_tokenizer_class(tokenizer, model_type), **special}
    settings["model_max_length"] = tokenizer.max_seq_length
    names = ("max_seq_length", "do_lower_case")
    limits = {name: getattr(tokenizer, name) for name in names}
    write_text(folder / "tokenizer.json", _tokenizer_json(tokenizer))
    write_json(folder / "tokenizer_config.json", settings)
    write_json(folder / "special_tokens_map.json", special)
    if tokenizer.kind == "WordPiece":
        write_text(folder / "vocab.txt", "\n".join(vocabulary) + "\n")
    write_json(folder / "sentence_bert_config.json", limits)


def _tokenizer_json(tokenizer: Tokenizer) -> str:
    """Merges of BPE are written as one text each: tokenizers before 0.20 cannot read pairs."""
    text = tokenizer.to_json()
    if tokenizer.kind != "BPE":
        return text
    content = json.loads(text)
    pairs = content["model"]["merges"]
    if any(" " in part for pair in pairs for part in pair):
        return text  # a token with a space in it can only be written as part of a pair
    content["model"]["merges"] = [" ".join(pair) for pair in pairs]
    return json.dumps(content, indent=2, ensure_ascii=False)


def _special_tokens(settings: dict[str, Any], vocabulary: set[str]) -> dict[str, Any]:
    named = {
        name: settings.get(name) or next((token for token in usual if token in vocabulary), None)
        for name, usual in _SPECIAL_TOKENS.items()
    }
    return {name: token for name, token in named.items() if token is not None}


def _tokenizer_class(tokenizer: Tokenizer, model_type: str) -> dict[str, Any]:
    """The settings, with a class that reads ``tokenizer.json`` and exists in every version."""
    settings = dict(tokenizer.settings)
    if isinstance(settings.get("extra_special_tokens"), list):  # version 5 calls it so
        settings["additional_special_tokens"] = settings.pop("extra_special_tokens")
    if settings.get("tokenizer_class") == "TokenizersBackend":  # only version 5 has it
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    if "tokenizer_class" in settings:
        return settings
    if model_type == "bert" and tokenizer.kind == "WordPiece":
        return {"tokenizer_class": "BertTokenizer", **settings}
    # By default this class makes segment numbers, which not every encoder takes.
    inputs = {"model_input_names": ["input_ids", "attention_mask"]}
    return {"tokenizer_class": "PreTrainedTokenizerFast", **inputs, **settings}
