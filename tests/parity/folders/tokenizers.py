"""Settings of tokenizers, in either file, and the files that are missing."""

from __future__ import annotations

from typing import Any

from tests.parity.folders.change import (
    ALL,
    CONFIG,
    LIMITS,
    SETTINGS,
    SPECIAL,
    TOKENIZER,
    WORD_PIECE,
    Apply,
    Change,
    both,
    drop,
    edit,
    named,
    put,
    remove,
)

_CASE = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")
_LOWER = {"type": "Lowercase"}
_NFC = {"type": "Sequence", "normalizers": [{"type": "NFC"}, _LOWER]}


def _normalizer(**values: Any) -> Apply:
    return edit(TOKENIZER, lambda content: content["normalizer"].update(values))


def _part(name: str, value: Any) -> Apply:
    return edit(TOKENIZER, lambda content: content.update({name: value}))


def _model(**values: Any) -> Apply:
    return edit(TOKENIZER, lambda content: content["model"].update(values))


def _ends(content: dict[str, Any]) -> None:
    """The template without the token at the end."""
    first = {"SpecialToken": {"id": "a", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    number = content["added_tokens"][0]["id"]
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [first, text],
        "pair": [first, text, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"a": {"id": "a", "ids": [number], "tokens": ["a"]}},
    }


_ANY = [
    ("truncation_side left", put(SETTINGS, truncation_side="left")),
    (
        "truncation left in tokenizer.json",
        both(
            drop(SETTINGS, "truncation_side"),
            _part(
                "truncation",
                {"direction": "Left", "max_length": 30, "strategy": "LongestFirst", "stride": 0},
            ),
        ),
    ),
    (
        "padding and truncation in tokenizer.json",
        both(
            _part(
                "truncation",
                {"direction": "Right", "max_length": 9, "strategy": "LongestFirst", "stride": 2},
            ),
            _part(
                "padding",
                {
                    "strategy": {"Fixed": 20},
                    "direction": "Right",
                    "pad_to_multiple_of": None,
                    "pad_id": 1,
                    "pad_type_id": 0,
                    "pad_token": "a",
                },
            ),
        ),
    ),
    ("split_special_tokens", put(SETTINGS, split_special_tokens=True)),
    ("padding_side left", put(SETTINGS, padding_side="left")),
    ("no tokenizer_config.json", remove(SETTINGS)),
    ("no special_tokens_map.json", remove(SPECIAL)),
    ("no class", drop(SETTINGS, "tokenizer_class")),
    ("generic class", put(SETTINGS, tokenizer_class="PreTrainedTokenizerFast")),
    ("generic class of version 5", put(SETTINGS, tokenizer_class="TokenizersBackend")),
    ("class of BERT", put(SETTINGS, tokenizer_class="BertTokenizer")),
    ("fast class of BERT", put(SETTINGS, tokenizer_class="BertTokenizerFast")),
    ("class of RoBERTa", put(SETTINGS, tokenizer_class="RobertaTokenizer")),
    ("class of XLM-RoBERTa", put(SETTINGS, tokenizer_class="XLMRobertaTokenizer")),
    ("unknown class", put(SETTINGS, tokenizer_class="NoSuchTokenizer")),
    (
        "class in config.json",
        both(drop(SETTINGS, "tokenizer_class"), put(CONFIG, tokenizer_class="MPNetTokenizer")),
    ),
    ("no template", _part("post_processor", None)),
    ("another template", edit(TOKENIZER, _ends)),
    ("normalizer NFC and lower", _part("normalizer", _NFC)),
    ("no normalizer", _part("normalizer", None)),
    ("pre-tokenizer Whitespace", _part("pre_tokenizer", {"type": "Whitespace"})),
    ("unknown key", put(SETTINGS, some_option=True)),
    ("do_lower_case in sentence_bert_config", put(LIMITS, do_lower_case=True)),
    ("do_lower_case null in sentence_bert_config", put(LIMITS, do_lower_case=None)),
    ("max_seq_length 10", put(LIMITS, max_seq_length=10)),
    ("max_seq_length null", put(LIMITS, max_seq_length=None)),
    ("no sentence_bert_config", remove(LIMITS)),
    (
        "limit in model_max_length",
        both(remove(LIMITS), put(SETTINGS, model_max_length=20)),
    ),
    ("limit in max_len", both(remove(LIMITS), drop(SETTINGS, "model_max_length"))),
    ("tokenizer_args", put(LIMITS, tokenizer_args={"truncation_side": "left"})),
    ("tokenizer_args limit", put(LIMITS, tokenizer_args={"model_max_length": 12})),
    ("processor_kwargs", put(LIMITS, processor_kwargs={"do_lower_case": False})),
    ("token type ids off", put(SETTINGS, model_input_names=["input_ids", "attention_mask"])),
]
_BERT_LIKE = [
    *((f"{name} false", put(SETTINGS, **{name: False})) for name in _CASE),
    *((f"{name} true", put(SETTINGS, **{name: True})) for name in _CASE),
    *((f"{name} absent", drop(SETTINGS, name)) for name in _CASE),
    ("strip_accents null", put(SETTINGS, strip_accents=None)),
    ("do_lower_case null", put(SETTINGS, do_lower_case=None)),
    ("normalizer not lowering", _normalizer(lowercase=False)),
    (
        "normalizer not lowering, do_lower_case absent",
        both(_normalizer(lowercase=False), drop(SETTINGS, "do_lower_case")),
    ),
    (
        "normalizer and class not lowering",
        both(_normalizer(lowercase=False), put(SETTINGS, do_lower_case=False)),
    ),
    (
        "generic class does not take do_lower_case",
        put(SETTINGS, tokenizer_class="PreTrainedTokenizerFast", do_lower_case=False),
    ),
    ("normalizer keeps accents", _normalizer(strip_accents=False)),
    ("normalizer not for Chinese", _normalizer(handle_chinese_chars=False)),
    ("normalizer not clean", _normalizer(clean_text=False)),
    ("short words only", _model(max_input_chars_per_word=3)),
    ("other prefix", _model(continuing_subword_prefix="@@")),
    ("vocab.txt alone", remove(TOKENIZER)),
    ("vocab.txt alone, cased", both(remove(TOKENIZER), put(SETTINGS, do_lower_case=False))),
    ("vocab.txt alone, no settings", remove(TOKENIZER, SETTINGS, SPECIAL)),
    ("vocab.txt alone, not basic", both(remove(TOKENIZER), put(SETTINGS, do_basic_tokenize=False))),
    (
        "vocab.txt alone, generic class",
        both(remove(TOKENIZER), put(SETTINGS, tokenizer_class="PreTrainedTokenizerFast")),
    ),
]
_ROBERTA = [
    ("add_prefix_space", put(SETTINGS, add_prefix_space=True)),
    ("add_prefix_space false", put(SETTINGS, add_prefix_space=False)),
    ("add_prefix_space absent", drop(SETTINGS, "add_prefix_space")),
    (
        "prefix in tokenizer.json",
        _part(
            "pre_tokenizer",
            {
                "type": "ByteLevel",
                "add_prefix_space": True,
                "trim_offsets": True,
                "use_regex": True,
            },
        ),
    ),
    (
        "no regex",
        _part(
            "pre_tokenizer",
            {
                "type": "ByteLevel",
                "add_prefix_space": False,
                "trim_offsets": True,
                "use_regex": False,
            },
        ),
    ),
    ("trim_offsets", put(SETTINGS, trim_offsets=False)),
    ("vocab.json and merges.txt", remove(TOKENIZER)),
    ("vocab.json, prefix", both(remove(TOKENIZER), put(SETTINGS, add_prefix_space=True))),
    ("vocab.json alone", remove(TOKENIZER, "merges.txt")),
    ("fuse_unk", _model(fuse_unk=True)),
]
_UNIGRAM = [
    ("add_prefix_space false", put(SETTINGS, add_prefix_space=False)),
    ("unk_id", _model(unk_id=1)),
    ("no files", remove(TOKENIZER)),
]

TOKENIZERS: list[Change] = [
    *named("tokenizer", _ANY, ALL),
    *named("word piece", _BERT_LIKE, WORD_PIECE),
    *named("byte level", _ROBERTA, ("roberta", "modernbert")),
    *named("unigram", _UNIGRAM, ("xlm-roberta",)),
]
