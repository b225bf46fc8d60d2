"""A vocabulary, or ``tokenizer.json`` → a tokenizer, with all that other files say of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

from sentune.errors import ModelError
from sentune.model_folder.added_tokens import NAMED_TOKENS, AddedTokens, add_missing, described
from sentune.model_folder.tokenizer_classes import GENERIC, TokenizerClass

__all__ = ["TokenizerParts", "frame_of", "kind_of", "lower_first"]


@dataclass(frozen=True, slots=True)
class TokenizerParts:
    """What the files of a folder say of its tokenizer, before it is put together.

    Attributes:
        folder: the folder, for messages.
        name: the class of the tokenizer, without ``Fast``.
        known: what that class does.
        settings: the content of ``tokenizer_config.json``.
        added: tokens that files beside ``tokenizer.json`` list.
        vocab_size: rows of the table of embeddings.
    """

    folder: Path
    name: str
    known: TokenizerClass
    settings: dict[str, Any]
    added: AddedTokens
    vocab_size: int

    def from_json(self, text: str) -> tokenizers.Tokenizer:
        """The tokenizer of ``tokenizer.json``, as its class settles it. Raises ModelError."""
        tokenizer = tokenizers.Tokenizer.from_str(text)
        tokenizer.no_padding()
        # A class that cannot have made this file is no guide to what it means.
        fits = self.known.kind == kind_of(tokenizer)
        parts = self if fits else replace(self, known=GENERIC)
        parts.known.settle(tokenizer, self.settings, self._path)
        parts._add(tokenizer)
        return tokenizer

    def from_vocabulary(self, path: Path) -> tokenizers.Tokenizer:
        """A tokenizer of ``vocab.txt``, or of ``vocab.json`` and ``merges.txt``.

        Raises ModelError.
        """
        if self.known.kind == "WordPiece":
            model: Any = models.WordPiece.from_file(str(path), unk_token=self._content("unk_token"))
            pre_tokenizer: Any = pre_tokenizers.BertPreTokenizer()
            decoder: Any = decoders.WordPiece()
        else:
            model = models.BPE.from_file(str(path), str(path.with_name("merges.txt")))
            pre_tokenizer, decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
        tokenizer = tokenizers.Tokenizer(model)
        tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizer, decoder
        self.known.settle(tokenizer, self.settings, self._path)
        if self.known.kind == "WordPiece":
            self._id(model, "unk_token", path)
        self._add(tokenizer)
        before, after = (self._content(name) for name in self.known.ends)
        ids = {self._content(name): self._id(tokenizer, name, path) for name in self.known.ends}
        tokenizer.post_processor = processors.TemplateProcessing(
            single=[before, "$A", after],
            pair=[before, "$A", after, "$B:1", f"{after}:1"],
            special_tokens=list(ids.items()),
        )
        return tokenizer

    @property
    def _path(self) -> Path:
        return self.folder / "tokenizer_config.json"

    def _id(self, vocabulary: Any, name: str, path: Path) -> int:
        number = vocabulary.token_to_id(self._content(name))
        if number is None:
            raise ModelError(
                f"{path} has no token {self._content(name)!r}, the {name} of {self.name}",
                expected="a vocabulary with the special tokens of the model",
                fix="name those that it has in tokenizer_config.json: unk_token, cls_token, "
                "sep_token, pad_token, mask_token",
            )
        return int(number)

    def _content(self, name: str) -> str:
        return self._named(name)[0].content

    def _named(self, name: str) -> tuple[AddedToken, bool]:
        """A special token, and whether a file names it."""
        value = self.added.named.get(name)
        if value is None:
            return self.known.token(name, self.known.named[name]), False
        if not isinstance(value, str):
            return value, True
        return self.known.token(name, value), True

    def _special(self) -> Iterator[tuple[AddedToken, bool]]:
        for name in NAMED_TOKENS:
            if name in self.added.named or name in self.known.named:
                yield self._named(name)
        for token in self.added.more:
            yield token, True

    def _add(self, tokenizer: tokenizers.Tokenizer) -> None:
        tokens = [token for _, token in sorted(self.added.by_id.items(), key=lambda pair: pair[0])]
        add_missing(tokenizer, [*tokens, *self._wanted(tokenizer, tokenizer.get_vocab_size())])

    def _wanted(self, tokenizer: tokenizers.Tokenizer, size: int) -> list[AddedToken]:
        """The special tokens but those that no file names and that have no embedding.

        The class of the tokenizer has a mask token, say, and the vocabulary has none.
        """
        room = size < self.vocab_size
        return [
            token
            for token, named in self._special()
            if named or room or tokenizer.token_to_id(token.content) is not None
        ]

    def told_apart(self, tokenizer: tokenizers.Tokenizer, content: Mapping[str, Any]) -> list[str]:
        """The parts that transformers 5 would build otherwise from the same files.

        ``content`` is the parsed ``tokenizer.json``, or what it would be. Raises ModelError.
        """
        if self.known is GENERIC:
            return []
        parts = self.known.rebuilt_otherwise(tokenizer, content, self.settings)
        if self.known.kind != kind_of(tokenizer):
            return parts
        unknown = content["model"].get("unk_token")
        if self.known.kind == "WordPiece" and unknown != self._content("unk_token"):
            parts.append("its token for unknown words")
        ends = [self._content(name) for name in self.known.ends]
        if [*frame_of(tokenizer)] != [[token] for token in ends]:
            parts.append("the tokens before and after a text")
        if self._rebuilt_tokens(tokenizer, content) != _found_tokens(tokenizer):
            parts.append("its added tokens")
        return parts

    def _rebuilt_tokens(
        self, tokenizer: tokenizers.Tokenizer, content: Mapping[str, Any]
    ) -> dict[int, tuple[Any, ...]]:
        listed = dict(self.added.by_id)
        if not self.added.complete:
            for each in content.get("added_tokens") or []:
                listed[each["id"]] = AddedToken(**{k: v for k, v in each.items() if k != "id"})
        tokens = [token for _, token in sorted(listed.items(), key=lambda pair: pair[0])]
        size = tokenizer.get_vocab_size(with_added_tokens=False)
        wanted: dict[str, AddedToken] = {}
        for token in [*tokens, *self._wanted(tokenizer, size)]:
            wanted.setdefault(token.content, token)
        found: dict[int, tuple[Any, ...]] = {}
        for token in wanted.values():
            number = tokenizer.model.token_to_id(token.content)
            if number is None:
                number, size = size, size + 1
            found[number] = described(token)
        return found


def kind_of(tokenizer: tokenizers.Tokenizer) -> str:
    """How it splits words: ``WordPiece``, ``BPE``, ``Unigram`` or ``WordLevel``."""
    return type(tokenizer.model).__name__


def _found_tokens(tokenizer: tokenizers.Tokenizer) -> dict[int, tuple[Any, ...]]:
    return {n: described(t) for n, t in tokenizer.get_added_tokens_decoder().items()}


def frame_of(tokenizer: tokenizers.Tokenizer) -> tuple[list[str], list[str]]:
    """The special tokens before and after a text."""
    limit = tokenizer.truncation
    tokenizer.no_truncation()
    encoding = tokenizer.encode("a")
    if limit is not None:
        tokenizer.enable_truncation(**limit)
    mask = encoding.special_tokens_mask
    before = next((index for index, special in enumerate(mask) if not special), len(mask))
    after = next((index for index, special in enumerate(mask[::-1]) if not special), 0)
    return encoding.tokens[:before], encoding.tokens[len(mask) - after :]


def lowercasing(tokenizer: tokenizers.Tokenizer) -> bool:
    """Whether a part of the normalizer does nothing but to lower the case."""
    normalizer = tokenizer.normalizer
    state = json.loads(normalizer.__getstate__()) if normalizer is not None else {}
    parts = state.get("normalizers", [state])
    return any(part.get("type") == "Lowercase" for part in parts)


def lower_first(tokenizer: tokenizers.Tokenizer) -> None:
    """Lower the case of every text before the tokenizer's own normalizer."""
    if lowercasing(tokenizer):
        return
    present = tokenizer.normalizer
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), *([] if present is None else [present])]
    )
