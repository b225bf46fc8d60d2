"""The files of a model's tokenizer: reading and writing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tokenizers

from sentune.errors import ArgumentError, ModelError
from sentune.files import write_json, write_text
from sentune.model_folder.added_tokens import NAMED_TOKENS, AddedTokens, content_of
from sentune.model_folder.json_files import flag, unexpected
from sentune.model_folder.notes import tell
from sentune.model_folder.tokenizer_classes import GENERIC, GENERIC_CLASSES, class_name, known_class
from sentune.model_folder.tokenizer_parts import TokenizerParts, lower_first
from sentune.model_folder.tokenizer_settings import (
    LIMITS,
    SETTINGS,
    SPECIAL,
    TokenizerChanges,
    TokenizerSettings,
)
from sentune.network.config import EncoderConfig
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["read_tokenizer", "write_tokenizer"]

# The names in BERT's tokenizers and in RoBERTa's, for folders whose settings do not say.
_USUAL = {
    "unk_token": ("[UNK]", "<unk>"),
    "sep_token": ("[SEP]", "</s>"),
    "pad_token": ("[PAD]", "<pad>"),
    "cls_token": ("[CLS]", "<s>"),
    "mask_token": ("[MASK]", "<mask>"),
}


def read_tokenizer(
    folder: Path,
    config: EncoderConfig,
    changes: TokenizerChanges | None = None,
    *,
    own_limits: bool = True,
    task: str = "feature-extraction",
) -> Tokenizer:
    """The tokenizer of a folder, with its length limit.

    Logs what versions of sentence-transformers read otherwise, and what is capped.
    ``own_limits``: whether ``sentence_bert_config.json`` counts.

    Raises:
        ModelError: a file is missing or damaged, or the tokenizer is that of another model.
        UnsupportedModelError: an option that changes vectors and is not computed.
    """
    settings = TokenizerSettings.read(folder, config, changes, own_limits=own_limits, task=task)
    parts = _parts(folder, settings.values, settings.class_named, config)
    tokenizer = _read(folder, parts)
    if settings.do_lower_case:
        lower_first(tokenizer)
    side = _side(settings, folder / SETTINGS, tokenizer)
    try:
        found = Tokenizer(
            tokenizer,
            max_seq_length=settings.max_seq_length,
            do_lower_case=settings.do_lower_case,
            settings={**settings.values, **_named(parts), "tokenizer_class": parts.name},
            truncation_side=side,
            split_special_tokens=flag(
                settings.values, "split_special_tokens", False, folder / SETTINGS
            ),
            known_ids=config.vocab_size,
        )
    except ArgumentError as error:
        raise unexpected(*settings.limit_source, error.expected) from error
    _require_embeddings(found, tokenizer, folder, config.vocab_size)
    return found


def _parts(
    folder: Path, values: dict[str, Any], named: str | None, config: EncoderConfig
) -> TokenizerParts:
    name = class_name(config.model_type, named)
    return TokenizerParts(
        folder=folder,
        name=name,
        known=known_class(name),
        settings=values,
        added=AddedTokens.read(folder, values),
        vocab_size=config.vocab_size,
    )


def _named(parts: TokenizerParts) -> dict[str, Any]:
    """The special tokens by name, where a file or the class says them."""
    named = {name: content_of(token) for name, token in parts.added.named.items()}
    return {**parts.known.named, **named}


def _side(settings: TokenizerSettings, path: Path, tokenizer: tokenizers.Tokenizer) -> str:
    side = settings.values.get("truncation_side")
    if side is None:  # transformers takes it from tokenizer.json then
        side = (tokenizer.truncation or {}).get("direction", "right")
    if side not in ("right", "left"):
        source = settings.sources.get("truncation_side", path)
        raise unexpected(source, "truncation_side", side, "right or left")
    return str(side)


def _require_embeddings(
    found: Tokenizer, tokenizer: tokenizers.Tokenizer, folder: Path, known: int
) -> None:
    """Refuse the vocabulary of another model; tell of added tokens without embeddings."""
    if found.known_ids is None:
        return
    vocabulary = tokenizer.get_vocab(with_added_tokens=False).values()
    needed = max([*vocabulary, *tokenizer.encode("").ids], default=0)
    if needed >= known:
        raise ModelError(
            f"the tokenizer in {folder} has ids up to {needed}",
            expected=f"ids below vocab_size {known} of config.json, one for each embedding",
            fix="put the tokenizer files of this model into the folder",
        )
    beyond = [t.content for n, t in sorted(found.added_tokens().items()) if n >= known]
    shown = ", ".join(beyond[:5]) + (f" and {len(beyond) - 5} more" if len(beyond) > 5 else "")
    tell(
        f"the tokenizer in {folder} has tokens without embeddings (vocab_size is {known}), and a "
        f"text with one of them is refused: {shown}"
    )


# ── reading ───────────────────────────────────────────────────────────────────────────────────


def _read(folder: Path, parts: TokenizerParts) -> tokenizers.Tokenizer:
    """``tokenizer.json``, or a tokenizer from a vocabulary. Raises ModelError."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        path = _vocabulary(folder, parts)
    try:
        if path.name == "tokenizer.json":
            text = path.read_text(encoding="utf-8")
            content = json.loads(text)
            tokenizer = parts.from_json(text)
        else:
            content = {}
            tokenizer = parts.from_vocabulary(path)
        tokenizer.encode("a \N{SNOWMAN}")  # fails if the token for unknown words is missing
        if content:
            _tell(path, parts, parts.told_apart(tokenizer, content))
        return tokenizer
    except ModelError:
        raise
    except Exception as error:  # the Rust side raises nothing narrower
        raise ModelError(
            f"{path} cannot be read ({error})",
            expected="a tokenizer in the format of the tokenizers library",
            fix="copy the file again from the source of the model",
        ) from error


def _vocabulary(folder: Path, parts: TokenizerParts) -> Path:
    """The vocabulary file that the class of the tokenizer can be made from. Raises ModelError."""
    kind = parts.known.kind
    words, pieces = folder / "vocab.txt", folder / "vocab.json"
    if kind == "WordPiece" and words.is_file():
        return words
    if kind == "BPE" and pieces.is_file() and (folder / "merges.txt").is_file():
        return pieces
    others = [path.name for path in (words, pieces) if path.is_file()]
    has = f"{' and '.join(others)}, but no tokenizer.json" if others else "no tokenizer"
    raise ModelError(
        f"{folder} has {has}, and its tokenizer is a {parts.name}",
        expected="tokenizer.json or vocab.txt (for BERT's tokenizers), or vocab.json and "
        "merges.txt (for RoBERTa's)",
        fix="copy the file from the source of the model, or make it there with transformers: "
        "AutoTokenizer.from_pretrained(folder).save_pretrained(folder)",
    )


def _tell(path: Path, parts: TokenizerParts, changed: list[str]) -> None:
    if parts.known is GENERIC and parts.name not in GENERIC_CLASSES:
        tell(
            f"{path.with_name(SETTINGS)} names the class {parts.name}, which is not known here: "
            "tokenizer.json is read as it is"
        )
    if changed:
        tell(
            f"{path} is read as sentence-transformers 3 reads it; version 6 makes another "
            f"tokenizer of it, because its class {parts.name} builds {', '.join(changed)} anew: "
            "save the model to write a folder that all versions read alike"
        )


# ── writing ───────────────────────────────────────────────────────────────────────────────────


def write_tokenizer(folder: Path, tokenizer: Tokenizer, model_type: str) -> None:
    """Write all files of a tokenizer, so that every version reads it alike. Raises OutputError."""
    vocabulary = tokenizer.vocabulary()
    text = _tokenizer_json(tokenizer)
    special = _special_tokens(tokenizer, set(vocabulary))
    settings = _written(tokenizer, special)
    name = str(tokenizer.settings.get("tokenizer_class") or class_name(model_type, None))
    write_text(folder / "tokenizer.json", text)
    write_json(folder / SETTINGS, settings | _class(tokenizer, settings, name, json.loads(text)))
    write_json(folder / SPECIAL, special)
    if tokenizer.kind == "WordPiece":
        write_text(folder / "vocab.txt", "\n".join(vocabulary) + "\n")
    # tokenizer.json lowers the case itself.
    limits = {"max_seq_length": tokenizer.max_seq_length, "do_lower_case": False}
    write_json(folder / LIMITS, limits)


def _special_tokens(tokenizer: Tokenizer, vocabulary: set[str]) -> dict[str, str]:
    """The named ones; where no file names any, those with the usual names."""
    settings = tokenizer.settings
    named = {n: settings[n] for n in NAMED_TOKENS if settings.get(n) in vocabulary}
    found = {token.content for token in tokenizer.added_tokens().values()}
    for name, usual in _USUAL.items():
        # sentence-transformers needs a padding token even if no text can contain it.
        known = vocabulary if name == "pad_token" else found
        first = next((token for token in usual if token in known), None)
        if name not in named and first is not None:
            named[name] = first
    return named


def _written(tokenizer: Tokenizer, special: dict[str, str]) -> dict[str, Any]:
    left_out = {
        *NAMED_TOKENS,
        "extra_special_tokens",
        "model_specific_special_tokens",
        "max_len",
        "auto_map",
    }
    settings = {
        name: value
        for name, value in tokenizer.settings.items()
        if name not in left_out and not (name.endswith("_token") and not isinstance(value, bool))
    }
    added = tokenizer.added_tokens()
    settings["added_tokens_decoder"] = {
        str(number): json.loads(json.dumps(token.__getstate__()))
        for number, token in sorted(added.items())
    }
    more = [t.content for t in added.values() if t.special and t.content not in special.values()]
    settings["additional_special_tokens"] = more
    settings["truncation_side"] = tokenizer.truncation_side
    return {**settings, **special, "model_max_length": tokenizer.max_seq_length}


def _class(
    tokenizer: Tokenizer, settings: dict[str, Any], name: str, content: dict[str, Any]
) -> dict[str, Any]:
    """A class with which every version reads ``tokenizer.json`` as it is."""
    parts = TokenizerParts(
        folder=Path(),
        name=name,
        known=known_class(name),
        settings=settings,
        added=AddedTokens.read(Path("/nonexistent"), settings),
        vocab_size=0,
    )
    if parts.known is not GENERIC and not parts.told_apart(tokenizer.parsed(), content):
        return {"tokenizer_class": name}
    # By default this class makes segment numbers, which not every encoder takes.
    inputs = settings.get("model_input_names") or ["input_ids", "attention_mask"]
    return {"tokenizer_class": GENERIC_CLASSES[0], "model_input_names": inputs}


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
