"""Tokens that are named outside ``tokenizer.json``, in it, and in places that contradict."""

from __future__ import annotations

from typing import Any

from tests.parity.folders.change import (
    ADDED,
    ALL,
    NEW,
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

_OBJECT = {"content": NEW, "lstrip": True, "rstrip": False, "single_word": False}
_FLAGS = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False}


def _numbered(content: dict[str, Any]) -> int:
    """The first id that no token has."""
    model = content["model"]["vocab"]
    ids = list(model.values()) if isinstance(model, dict) else list(range(len(model)))
    return int(max([*ids, *(token["id"] for token in content["added_tokens"])])) + 1


def _in_tokenizer(**flags: Any) -> Apply:
    def _add(content: dict[str, Any]) -> None:
        token = {"id": _numbered(content), "content": NEW, **_FLAGS, "special": True, **flags}
        content["added_tokens"].append(token)

    return edit(TOKENIZER, _add)


def _decoder(*contents: str, **flags: Any) -> Apply:
    """``added_tokens_decoder`` with only these tokens."""
    tokens = {
        str(900 + number): {"content": content, **_FLAGS, "special": True, **flags}
        for number, content in enumerate(contents)
    }
    return put(SETTINGS, added_tokens_decoder=tokens)


def _forget(content: dict[str, Any]) -> None:
    del content["added_tokens"][-1]


_PLACES = [
    ("more in settings", put(SETTINGS, additional_special_tokens=[NEW])),
    ("more in settings of version 5", put(SETTINGS, extra_special_tokens=[NEW])),
    ("by names in settings", put(SETTINGS, extra_special_tokens={"new_token": NEW})),
    ("own name in settings", put(SETTINGS, new_token=NEW)),
    ("in the special map", put(SPECIAL, additional_special_tokens=[NEW])),
    (
        "in the special map, no decoder",
        both(
            drop(SETTINGS, "added_tokens_decoder"),
            put(SPECIAL, additional_special_tokens=[NEW]),
        ),
    ),
    ("objects in the special map", put(SPECIAL, cls_token=dict(_OBJECT, content="[CLS]"))),
    ("added_tokens.json", put(ADDED, **{NEW: 700})),
    (
        "added_tokens.json, no decoder",
        both(drop(SETTINGS, "added_tokens_decoder"), put(ADDED, **{NEW: 700, "words": 701})),
    ),
    ("decoder", _decoder(NEW)),
    ("decoder of a word", _decoder("list", NEW, normalized=True, special=False)),
    ("decoder, single word", _decoder("li", NEW, single_word=True)),
    ("empty decoder", put(SETTINGS, added_tokens_decoder={})),
    ("in tokenizer.json", _in_tokenizer()),
    ("in tokenizer.json, normalized", _in_tokenizer(normalized=True, special=False)),
    ("in tokenizer.json, lstrip", _in_tokenizer(lstrip=True)),
    ("one less in tokenizer.json", edit(TOKENIZER, _forget)),
    ("none in tokenizer.json", edit(TOKENIZER, lambda content: content.update(added_tokens=[]))),
    ("mask as an object", put(SETTINGS, mask_token=dict(_OBJECT, content="words"))),
    ("another mask", put(SETTINGS, mask_token="words")),
    ("another separator", put(SETTINGS, sep_token="words")),
    ("another word for unknown", put(SETTINGS, unk_token="words")),
    ("another padding", put(SETTINGS, pad_token="words")),
    ("eos and bos", put(SETTINGS, bos_token=NEW, eos_token="words")),
]
_WITHOUT = [
    (f"{name}, no tokenizer.json", both(apply, remove(TOKENIZER)))
    for name, apply in [
        _PLACES[0],
        *_PLACES[4:13],
        *_PLACES[18:],
    ]
]


def _renamed(folder: Any) -> None:
    """A vocabulary whose special tokens have names of their own."""
    path = folder / "vocab.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"@{n}" for n in range(5)] + lines[5:]) + "\n", encoding="utf-8")


_NAMES = dict(zip(("pad", "unk", "cls", "sep", "mask"), (f"@{n}" for n in range(5)), strict=True))
_OWN = [
    (
        "own names in settings",
        both(
            _renamed,
            remove(TOKENIZER, SPECIAL),
            put(SETTINGS, **{f"{name}_token": token for name, token in _NAMES.items()}),
        ),
    ),
    (
        "own names in the special map",
        both(
            _renamed,
            remove(TOKENIZER),
            drop(SETTINGS, "added_tokens_decoder"),
            put(SPECIAL, **{f"{name}_token": {"content": t} for name, t in _NAMES.items()}),
        ),
    ),
]

ADDED_TOKENS: list[Change] = [
    *named("added", _PLACES, ALL),
    *named("added", _WITHOUT, (*WORD_PIECE, "roberta")),
    *named("vocab.txt", _OWN, ("bert",)),
]
