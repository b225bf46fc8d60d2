"""What a class of tokenizer takes from ``tokenizer_config.json``, and what it builds itself.

transformers 4 reads ``tokenizer.json`` and lets the class of the tokenizer replace some settings.
transformers 5 keeps only the vocabulary, and lets the class build the rest. For files that agree
both give the same tokenizer. ``settle`` does the former, and ``rebuilt_otherwise`` finds what the
latter would build otherwise. The generic class reads ``tokenizer.json`` as it is in every version.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, normalizers, pre_tokenizers

from sentune.model_folder.json_files import flag, unexpected

__all__ = ["GENERIC", "GENERIC_CLASSES", "TokenizerClass", "class_name", "known_class"]

GENERIC_CLASSES = ("PreTrainedTokenizerFast", "TokenizersBackend", "PreTrainedTokenizer")

Settings = dict[str, Any]
_BERT = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_ROBERTA = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}
_ALBERT = {**_BERT, "bos_token": "[CLS]", "eos_token": "[SEP]", "unk_token": "<unk>"} | {
    "pad_token": "<pad>"
}


def _word_piece_normalizer(settings: Settings, path: Path) -> dict[str, Any]:
    strip = settings.get("strip_accents")
    if strip is not None and not isinstance(strip, bool):
        raise unexpected(path, "strip_accents", strip, "true, false or null")
    return {
        "lowercase": flag(settings, "do_lower_case", True, path),
        "strip_accents": strip,
        "handle_chinese_chars": flag(settings, "tokenize_chinese_chars", True, path),
    }


def _settle_word_piece(tokenizer: tokenizers.Tokenizer, settings: Settings, path: Path) -> None:
    state = _state(tokenizer.normalizer)
    if state is None or state["type"] == "BertNormalizer":
        clean = (state or {}).get("clean_text", True)
        options = _word_piece_normalizer(settings, path)
        tokenizer.normalizer = normalizers.BertNormalizer(clean_text=clean, **options)


def _settle_byte_level(tokenizer: tokenizers.Tokenizer, settings: Settings, path: Path) -> None:
    state = _state(tokenizer.pre_tokenizer)
    if state is None or state["type"] == "ByteLevel":
        prefix = flag(settings, "add_prefix_space", False, path)
        regex = (state or {}).get("use_regex", True)
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)


def _settle_nothing(tokenizer: tokenizers.Tokenizer, settings: Settings, path: Path) -> None:
    del tokenizer, settings, path


def _like_bert(settings: Settings, path: Path, found: Any) -> tuple[Any, Any]:
    del found
    normalizer = {"type": "BertNormalizer", "clean_text": True}
    return normalizer | _word_piece_normalizer(settings, path), {"type": "BertPreTokenizer"}


def _like_roberta(settings: Settings, path: Path, found: Any) -> tuple[Any, Any]:
    del found
    prefix = flag(settings, "add_prefix_space", False, path)
    return None, {"type": "ByteLevel", "add_prefix_space": prefix, "use_regex": True}


def _like_unigram(settings: Settings, path: Path, found: Any) -> tuple[Any, Any]:
    scheme = "always" if flag(settings, "add_prefix_space", True, path) else "never"
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": True}
    parts = [{"type": "WhitespaceSplit"}, metaspace]
    charsmap = next((p for p in _parts(found) if p["type"] == "Precompiled"), None)
    return charsmap, {"type": "Sequence", "pretokenizers": parts}


def _like_albert(settings: Settings, path: Path, found: Any) -> tuple[Any, Any]:
    charsmap, before = _like_unigram(settings, path, found)
    quotes = [_replaced("``", '"'), _replaced("''", '"')]
    keeps = flag(settings, "keep_accents", False, path)
    accents = [] if keeps else [{"type": "NFKD"}, {"type": "StripAccents"}]
    lower = [{"type": "Lowercase"}] if flag(settings, "do_lower_case", True, path) else []
    parts = [*quotes, *accents, *lower, *([charsmap] if charsmap else [])]
    return {"type": "Sequence", "normalizers": parts}, before


def _replaced(old: str, new: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"String": old}, "content": new}


@dataclass(frozen=True, slots=True)
class TokenizerClass:
    """A class of tokenizer that replaces or builds parts of a tokenizer.

    Attributes:
        name: in every version of transformers.
        kind: the model of the tokenizer: ``WordPiece``, ``BPE`` or ``Unigram``; "" for any.
        named: its special tokens, where no file names others.
        ends: the names of the tokens before and after a text.
        model: options of the model of the tokenizer that the class sets.
        mask_takes_blank: whether the mask token takes the blank before it.
        settle: replaces what the class replaces.
        like: settings, their path and the present normalizer → normalizer and pre-tokenizer that
            the class builds.
    """

    name: str
    kind: str
    named: Mapping[str, str]
    ends: tuple[str, str]
    settle: Callable[[tokenizers.Tokenizer, Settings, Path], None]
    like: Callable[[Settings, Path, Any], tuple[Any, Any]]
    model: Mapping[str, Any] = field(default_factory=dict)
    mask_takes_blank: bool = False

    def token(self, name: str, content: str) -> AddedToken:
        """A special token of which files say no more than the text."""
        lstrip = self.mask_takes_blank and name == "mask_token"
        return AddedToken(content, special=True, lstrip=lstrip)

    def rebuilt_otherwise(
        self, tokenizer: tokenizers.Tokenizer, content: Mapping[str, Any], settings: Settings
    ) -> list[str]:
        """The parts that the class would build otherwise; none when every version agrees.

        ``content`` is the parsed ``tokenizer.json``. Raises ModelError.
        """
        model = content["model"]
        if type(tokenizer.model).__name__ != self.kind:
            return ["its vocabulary"]
        path = Path("tokenizer_config.json")
        found = _state(tokenizer.normalizer)
        normalizer, before = self.like(settings, path, found)
        changed = []
        if any(model.get(name, usual) != usual for name, usual in self.model.items()):
            changed.append("options of its model")
        without_effect = _BLANKS if self.kind == "Unigram" else ()
        if [part for part in _parts(found) if part not in without_effect] != _parts(normalizer):
            changed.append("its normalizer")
        splitter = _state(tokenizer.pre_tokenizer) or {}
        if {k: v for k, v in splitter.items() if k != "trim_offsets"} != before:
            changed.append("its pre-tokenizer")
        return changed


GENERIC = TokenizerClass(
    GENERIC_CLASSES[0], "", {}, ("cls_token", "sep_token"), _settle_nothing, _like_roberta
)
# A splitter at blanks follows: it makes these without effect.
_BLANKS = (
    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    {"type": "Strip", "strip_left": False, "strip_right": True},
    {"type": "Strip", "strip_left": True, "strip_right": True},
)
_WORD_PIECE = {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
_BPE = {"dropout": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False}
_KNOWN = {
    "BertTokenizer": TokenizerClass(
        "BertTokenizer",
        "WordPiece",
        _BERT,
        ("cls_token", "sep_token"),
        _settle_word_piece,
        _like_bert,
        _WORD_PIECE,
    ),
    "MPNetTokenizer": TokenizerClass(
        "MPNetTokenizer",
        "WordPiece",
        {**_ROBERTA, "unk_token": "[UNK]"},
        ("cls_token", "sep_token"),
        _settle_word_piece,
        _like_bert,
        _WORD_PIECE,
        mask_takes_blank=True,
    ),
    "RobertaTokenizer": TokenizerClass(
        "RobertaTokenizer",
        "BPE",
        _ROBERTA,
        ("cls_token", "sep_token"),
        _settle_byte_level,
        _like_roberta,
        _BPE,
    ),
    "XLMRobertaTokenizer": TokenizerClass(
        "XLMRobertaTokenizer",
        "Unigram",
        _ROBERTA,
        ("bos_token", "eos_token"),
        _settle_nothing,
        _like_unigram,
        {"unk_id": 3, "byte_fallback": False},
    ),
    "CamembertTokenizer": TokenizerClass(
        "CamembertTokenizer",
        "Unigram",
        _ROBERTA,
        ("bos_token", "eos_token"),
        _settle_nothing,
        _like_unigram,
        {"byte_fallback": False},
        mask_takes_blank=True,
    ),
    "AlbertTokenizer": TokenizerClass(
        "AlbertTokenizer",
        "Unigram",
        _ALBERT,
        ("cls_token", "sep_token"),
        _settle_nothing,
        _like_albert,
        {"unk_id": 1, "byte_fallback": False},
    ),
}
_SAME = {"DistilBertTokenizer": "BertTokenizer", "ElectraTokenizer": "BertTokenizer"}
_OF_MODEL = {
    "bert": "BertTokenizer",
    "distilbert": "DistilBertTokenizer",
    "electra": "ElectraTokenizer",
    "nomic_bert": "BertTokenizer",
    "mpnet": "MPNetTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
    "albert": "AlbertTokenizer",
    "gte": "XLMRobertaTokenizer",
}
# Their tokenizer is the generic one, whatever the file names.
_GENERIC_MODELS = ("modernbert",)


def class_name(model_type: str, named: object) -> str:
    """The class that reads a folder, without ``Fast``; ``named`` is what the files say, or None."""
    if model_type in _GENERIC_MODELS:
        return GENERIC_CLASSES[0]
    if isinstance(named, str) and named:
        return named if named in GENERIC_CLASSES else named.removesuffix("Fast")
    return _OF_MODEL.get(model_type, GENERIC_CLASSES[0])


def known_class(name: str) -> TokenizerClass:
    """The class with this name; ``GENERIC`` for those that read ``tokenizer.json`` as it is."""
    return _KNOWN.get(_SAME.get(name, name), GENERIC)


def _state(part: Any) -> dict[str, Any] | None:
    """The options of a part of a tokenizer, as ``tokenizer.json`` has them."""
    if part is None:
        return None
    state: dict[str, Any] = json.loads(part.__getstate__())
    return state


def _parts(normalizer: Any) -> list[dict[str, Any]]:
    if normalizer is None:
        return []
    if normalizer["type"] == "Sequence":
        return [part for inner in normalizer["normalizers"] for part in _parts(inner)]
    return [normalizer]
