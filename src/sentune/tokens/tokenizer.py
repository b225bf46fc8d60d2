"""Text → token ids, with the length limit applied and counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, overload

import tokenizers

from sentune.checks import require_choice, require_text, require_whole
from sentune.errors import ModelError
from sentune.tokens.batch import TokenBatch
from sentune.tokens.caller import CallerTokenizer
from sentune.tokens.token_ids import TokenIds
from sentune.tokens.truncation import Truncation

__all__ = ["Tokenizer"]

# What add_special_tokens takes. The template of the special tokens around a text stays.
_ONE = ("pad_token", "unk_token", "mask_token", "bos_token", "eos_token")
_SEVERAL = ("additional_special_tokens", "extra_special_tokens")


class Tokenizer(CallerTokenizer):
    """A ``tokenizers`` tokenizer with this model's length limit.

    The truncation and padding in the file are ignored: the published file of all-MiniLM-L6-v2
    cuts and pads every text to 128 tokens.

    When the limit changes, the wrapped tokenizer is replaced, never modified. So threads can
    share it.

    Attributes:
        settings: the content of ``tokenizer_config.json``, with what other files add to it.
        do_lower_case: whether the folder asks for it beside the tokenizer, which then does it.
        truncation_side: the end of a text that the limit cuts, ``right`` or ``left``.
        split_special_tokens: whether special tokens in a text are split like other words.
        known_ids: rows of the table of embeddings; a text with a greater id is refused.
    """

    def __init__(
        self,
        tokenizer: tokenizers.Tokenizer,
        *,
        max_seq_length: int,
        do_lower_case: bool = False,
        settings: dict[str, Any] | None = None,
        truncation_side: str = "right",
        split_special_tokens: bool = False,
        known_ids: int | None = None,
    ) -> None:
        self.do_lower_case = do_lower_case
        self.settings = dict(settings or {})
        self.truncation_side = truncation_side
        self.split_special_tokens = split_special_tokens
        self._source: str = tokenizer.to_str()
        self.max_seq_length = max_seq_length
        self.set_known_ids(known_ids)

    def set_known_ids(self, rows: int | None) -> None:
        """Tell how many rows the table of embeddings has; None for enough."""
        # Only a tokenizer that has greater ids is checked with every text.
        self._rows = rows
        self.known_ids = rows if rows and rows < self.vocabulary_size else None

    def add_tokens(self, new_tokens: Any, special_tokens: bool = False) -> int:
        """Add tokens that are found in a text before it is split, and return how many are new.

        A text with one of them is refused until the model has an embedding for it:
        ``model[0].auto_model.resize_token_embeddings(len(tokenizer))`` adds them.

        Args:
            new_tokens: texts, or ``tokenizers.AddedToken``; one or several.
            special_tokens: whether ``skip_special_tokens`` leaves them out.

        Raises:
            ArgumentError: a token that is neither.
        """
        one = isinstance(new_tokens, str | tokenizers.AddedToken)
        tokens = [new_tokens] if one else list(new_tokens)
        for number, token in enumerate(tokens):
            if not isinstance(token, tokenizers.AddedToken):
                require_text(f"token {number}", token)
        tokenizer, rows = tokenizers.Tokenizer.from_str(self._source), self._rows
        add = tokenizer.add_special_tokens if special_tokens else tokenizer.add_tokens
        before = self.vocabulary_size
        count = int(add(tokens))
        self._source = tokenizer.to_str()
        for kept in ("_bare", "_kept_cutting"):
            self.__dict__.pop(kept, None)
        self.max_seq_length = self.max_seq_length
        self.set_known_ids(before if rows is None else rows)
        return count

    def add_special_tokens(self, special_tokens_dict: Mapping[str, Any], **options: Any) -> int:
        """Add special tokens by their roles, and return how many are new.

        Args:
            special_tokens_dict: a token for ``pad_token``, ``unk_token``, ``mask_token``,
                ``bos_token`` or ``eos_token``; several for ``additional_special_tokens``.
            options: the reference's, of which none has an effect here.

        Raises:
            ArgumentError: another role.
        """
        del options
        for role in special_tokens_dict:
            require_choice("the role of a token", role, (*_ONE, *_SEVERAL))
        count = 0
        for role, given in special_tokens_dict.items():
            count += self.add_tokens(given, special_tokens=True)
            if role in _ONE:
                self.settings[role] = str(given)
        return count

    @property
    def max_seq_length(self) -> int:
        """The most tokens of a text, special tokens included."""
        return self._max_seq_length

    @max_seq_length.setter
    def max_seq_length(self, length: int) -> None:
        tokenizer = self._parsed()
        special_ids = list(tokenizer.encode("").ids)
        fewest = len(special_ids) + 1
        length = require_whole(
            "max_seq_length",
            length,
            least=fewest,
            fix=f"choose a longer limit: {fewest - 1} of the tokens are special ones",
        )
        tokenizer.enable_truncation(length, direction=self.truncation_side)
        self._tokenizer, self._special_ids, self._max_seq_length = tokenizer, special_ids, length

    def _parsed(self) -> tokenizers.Tokenizer:
        """A copy that neither cuts nor pads."""
        tokenizer = tokenizers.Tokenizer.from_str(self._source)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = self.split_special_tokens
        return tokenizer

    @cached_property
    def _bare(self) -> tokenizers.Tokenizer:
        return self._parsed()  # takes 30 ms, and most models never need it

    @property
    def vocabulary_size(self) -> int:
        """One more than the largest token id, including those that the template adds."""
        ids = [*self._tokenizer.get_vocab().values(), *self._special_ids]
        return max(ids, default=-1) + 1

    @property
    def kind(self) -> str:
        """How it splits words: ``WordPiece``, ``BPE``, ``Unigram`` or ``WordLevel``."""
        return type(self._tokenizer.model).__name__

    @overload
    def __call__(self, text: Sequence[str]) -> TokenIds: ...

    @overload
    def __call__(self, text: Any, text_pair: Any = ..., **options: Any) -> TokenBatch: ...

    def __call__(self, text: Any, text_pair: Any = None, **options: Any) -> TokenIds | TokenBatch:
        """Token ids of each text, and the count of what the limit cut.

        With any option, with pairs or for one text: what ``batch`` returns. The ids of a text
        include the special tokens ([CLS] and [SEP] for BERT); there are at most
        ``max_seq_length``. Runs on all processors, outside the interpreter lock.
        """
        if options or isinstance(text, str) or text_pair is not None or _pairs(text):
            return self.batch(text, text_pair, **options)
        encodings = self._encoded(self._tokenizer, text)
        truncation = Truncation(texts=len(encodings), side=self.truncation_side)
        for encoding in encodings:
            if encoding.overflowing:
                truncation.truncated += 1
                truncation.tokens_left_out += sum(
                    len(piece.ids) - len(self._special_ids) for piece in encoding.overflowing
                )
        ids = [encoding.ids for encoding in encodings]
        return TokenIds.of(ids, truncation, partial(self.batch, text))

    def offsets(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Start and end, in characters, of each token that a call gives; of special ones (0, 0)."""
        encodings = _encode(self._tokenizer, list(texts), with_offsets=True)
        return [list(encoding.offsets) for encoding in encodings]

    def pairs(
        self, pairs: Sequence[tuple[str, str]]
    ) -> tuple[list[list[int]], list[list[int]], Truncation]:
        """Token ids of each pair of texts, the segment of each token, and the count of the cuts.

        The two texts share ``max_seq_length``: while a pair is too long, tokens are taken from
        the longer of its texts.
        """
        texts = [tuple(pair) for pair in pairs]
        encodings = self._encoded(self._tokenizer, texts)
        cut = [number for number, encoding in enumerate(encodings) if encoding.overflowing]
        whole = _encode(self._bare, [texts[number] for number in cut]) if cut else []
        left_out = sum(map(len, whole)) - sum(len(encodings[number]) for number in cut)
        return (
            [encoding.ids for encoding in encodings],
            [encoding.type_ids for encoding in encodings],
            Truncation(len(pairs), len(cut), left_out, side=self.truncation_side),
        )

    def pair_frame(self) -> int:
        """The number of special tokens of a pair: 3 for [CLS] … [SEP] … [SEP]."""
        return len(self._bare.encode("", "").ids)

    def pieces(self, text: str, most: int) -> list[str]:
        """A text cut into pieces of at most ``most`` tokens; ``piece_spans`` says where."""
        return [text[start:end] for start, end in self.piece_spans(text, most)]

    def piece_spans(self, text: str, most: int) -> list[tuple[int, int]]:
        """Start and end, in characters, of pieces of at most ``most`` tokens, about equally long.

        A word is cut only if it has more tokens than a piece. Special tokens are not counted.
        White space between the pieces is left out.
        """
        encoding = self._bare.encode(text, add_special_tokens=False)
        whole = (0, len(text))
        if len(encoding.ids) <= most:
            return [whole]
        ends = _even_ends(encoding.word_ids, most)
        found = _disjoint(
            (encoding.offsets[start][0], encoding.offsets[end - 1][1])
            for start, end in zip([0, *ends], ends, strict=False)
        )
        if whole in found:  # one character of many tokens: no cut makes it shorter
            return [whole]
        # A piece can have more tokens by itself than in its text, where a blank went before it.
        return [
            (start + first, start + last)
            for start, end in found
            for first, last in self.piece_spans(text[start:end], most)
        ]

    def whole(self, texts: Sequence[str]) -> list[list[int]]:
        """All token ids of each text, with special tokens and without the length limit."""
        return [encoding.ids for encoding in self._encoded(self._bare, texts)]

    def frame(self) -> tuple[int, int]:
        """The numbers of special tokens before and after a text: (1, 1) for [CLS] … [SEP]."""
        mask = self._bare.encode("a").special_tokens_mask
        before = next((index for index, special in enumerate(mask) if not special), len(mask))
        after = next((index for index, special in enumerate(mask[::-1]) if not special), 0)
        return before, after

    def prompt_length(self, prompt: str) -> int:
        """Tokens before the text: [CLS] and those of the prompt, without the final [SEP].

        Pooling skips so many tokens when prompts are excluded.
        """
        (ids,), _ = self([prompt])
        return len(ids) - (1 if ids and ids[-1] in self._special_ids else 0)

    def _encoded(
        self, tokenizer: tokenizers.Tokenizer, texts: Sequence[str] | Sequence[tuple[str, ...]]
    ) -> list[tokenizers.Encoding]:
        encodings = _encode(tokenizer, list(texts))
        if self.known_ids is not None:
            for number, encoding in enumerate(encodings):
                self._require_known(number, encoding.ids, self.known_ids)
        return encodings

    def _require_known(self, number: int, ids: Sequence[int], known: int) -> None:
        unknown = next((token for token in ids if token >= known), None)
        if unknown is not None:
            token = self._tokenizer.id_to_token(unknown)
            raise ModelError(
                f"text {number} has the token {token!r} with the id {unknown}",
                expected=f"ids below {known}, for which the model has embeddings",
                fix="take the token out of the text, or give the model more embeddings",
            )

    def added_tokens(self) -> dict[int, tokenizers.AddedToken]:
        """Id → token, for the tokens that are found in a text before it is split."""
        return dict(self._tokenizer.get_added_tokens_decoder())

    def parsed(self) -> tokenizers.Tokenizer:
        """A copy of the wrapped tokenizer, which neither cuts nor pads."""
        return self._parsed()

    def to_json(self) -> str:
        """The content of ``tokenizer.json``, with this model's truncation and no padding."""
        return str(self._tokenizer.to_str(pretty=True))

    def vocabulary(self) -> list[str]:
        """The tokens in the order of their ids: the lines of ``vocab.txt``."""
        vocabulary = self._tokenizer.get_vocab()
        return sorted(vocabulary, key=vocabulary.__getitem__)


def _pairs(texts: Any) -> bool:
    return len(texts) > 0 and isinstance(texts[0], tuple | list)


def _encode(
    tokenizer: tokenizers.Tokenizer, texts: list[Any], *, with_offsets: bool = False
) -> list[tokenizers.Encoding]:
    encode = tokenizer.encode_batch if with_offsets else tokenizer.encode_batch_fast
    try:
        return list(encode(texts))
    except Exception as error:  # the Rust side raises nothing narrower
        raise ModelError(
            f"the tokenizer cannot encode a text ({error})",
            expected="a tokenizer that takes any text",
            fix="copy tokenizer.json again from the source of the model",
        ) from error


def _disjoint(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans without what an earlier one has: a cut inside a character gives it to both."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        after = max(start, found[-1][1]) if found else start
        if after < end:
            found.append((after, end))
    return found


def _even_ends(words: Sequence[int | None], most: int) -> list[int]:
    """The ends of pieces of at most ``most`` tokens, given the word of each token."""
    ends: list[int] = []
    start, count = 0, len(words)
    while count - start > most:
        pieces = -(-(count - start) // most)
        even = start - (-(count - start) // pieces)
        end = next((end for end in range(even, start, -1) if words[end] != words[end - 1]), even)
        ends.append(end)
        start = end
    return [*ends, count]
