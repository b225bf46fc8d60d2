"""Tokens that are found in a text before it is split: where files list them, and their ids.

Five places can name them: ``added_tokens`` of ``tokenizer.json``; in ``tokenizer_config.json``
``added_tokens_decoder``, the special tokens by name, and lists of more special tokens;
``special_tokens_map.json``; ``added_tokens.json``. A token that is in the vocabulary keeps its id
there, and others get the next ids, in the order of this page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken

from sentune.model_folder.json_files import read_object, unexpected

__all__ = ["NAMED_TOKENS", "AddedTokens", "add_missing", "content_of", "described", "read_token"]

# In the order in which the tokens that no vocabulary has get their ids.
NAMED_TOKENS = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")
_MORE = ("additional_special_tokens", "extra_special_tokens", "model_specific_special_tokens")


@dataclass(slots=True)
class AddedTokens:
    """What the files beside ``tokenizer.json`` say.

    Attributes:
        by_id: from ``added_tokens_decoder`` or ``added_tokens.json``, by their ids there.
        complete: whether ``added_tokens_decoder`` was there, so that other files do not count.
        named: name → token, for the names in ``NAMED_TOKENS``; a text where no more is said.
        more: special tokens without such a name.
    """

    by_id: dict[int, AddedToken] = field(default_factory=dict)
    complete: bool = False
    named: dict[str, str | AddedToken] = field(default_factory=dict)
    more: list[AddedToken] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any]) -> AddedTokens:
        """Collect the tokens; ``settings`` is ``tokenizer_config.json``. Raises ModelError."""
        path, found = folder / "tokenizer_config.json", cls()
        found._take(settings, path)
        decoder = settings.get("added_tokens_decoder")
        found.complete = decoder is not None
        if decoder is not None:
            found._take_decoder(decoder, path)
            return found
        special = folder / "special_tokens_map.json"
        found._take(read_object(special), special)
        found._take_encoder(folder / "added_tokens.json")
        return found

    def _take(self, values: Mapping[str, Any], path: Path) -> None:
        for name in NAMED_TOKENS:
            value = values.get(name)
            if value is not None:
                token = read_token(value, path, name)
                self.named[name] = value if isinstance(value, str) else token
        custom = {n: v for n, v in values.items() if _is_custom(n) and isinstance(v, str | dict)}
        for name, value in custom.items():
            self._take_more([value], path, name)
        for name in _MORE:
            listed = values.get(name) or []
            self._take_more(listed.values() if isinstance(listed, dict) else listed, path, name)

    def _take_more(self, values: Iterable[Any], path: Path, name: str) -> None:
        if isinstance(values, str):
            raise unexpected(path, name, values, "a list of tokens")
        try:
            tokens = [read_token(value, path, name) for value in values]
        except TypeError as error:
            raise unexpected(path, name, values, "a list of tokens") from error
        known = {token.content for token in self.more}
        self.more += [token for token in tokens if token.content not in known]

    def _take_decoder(self, decoder: Any, path: Path) -> None:
        expected = "an id and a token with its content for each"
        if not isinstance(decoder, dict):
            raise unexpected(path, "added_tokens_decoder", decoder, expected)
        for number, value in decoder.items():
            if not str(number).isdecimal() or not isinstance(value, dict):
                raise unexpected(path, "added_tokens_decoder", {number: value}, expected)
            token = read_token(value, path, "added_tokens_decoder", special=False)
            self.by_id[int(number)] = token

    def _take_encoder(self, path: Path) -> None:
        special = {content_of(token) for token in (*self.named.values(), *self.more)}
        for content, number in read_object(path).items():
            if type(number) is not int or number < 0:
                raise unexpected(path, content, number, "the id of the token")
            marked = content in special
            self.by_id[number] = AddedToken(content, normalized=not marked, special=marked)


def content_of(token: str | AddedToken) -> str:
    """The text of a token."""
    return token if isinstance(token, str) else str(token.content)


def _is_custom(name: str) -> bool:
    return name.endswith("_token") and name not in NAMED_TOKENS and not name.startswith("add_")


def read_token(value: Any, path: Path, name: str, *, special: bool = True) -> AddedToken:
    """A token given as text, or as an object with its content. Raises ModelError."""
    content = value.get("content") if isinstance(value, dict) else value
    if not isinstance(content, str) or not content:
        raise unexpected(path, name, value, "a token: a text, or an object with its content")
    if isinstance(value, str):
        return AddedToken(value, special=special)
    flags = {flag: value[flag] for flag in _FLAGS if flag in value}
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise unexpected(path, name, value, "true or false for each property of a token")
    return AddedToken(content, **{"special": special, **flags})


def add_missing(tokenizer: tokenizers.Tokenizer, tokens: Iterable[AddedToken]) -> None:
    """Add those that the tokenizer does not find in texts yet."""
    known = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    missing = list({t.content: t for t in tokens if t.content not in known}.values())
    if missing:
        tokenizer.add_tokens(missing)


def described(token: AddedToken) -> tuple[Any, ...]:
    """What decides where the token is found in a text."""
    return (token.content, token.single_word, token.lstrip, token.rstrip, token.normalized)
