"""A tokenizer called as those of transformers are: texts → ``input_ids``, and back to text.

Code that people have calls ``model.tokenizer(texts, padding=True, return_tensors="pt")``, and
reads ``encode``, ``decode`` and ``len``. sentune itself needs only token ids under the length
limit, which ``Tokenizer`` gives without any option.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tokenizers

from sentune.checks import require_choice, require_text, require_whole
from sentune.errors import ArgumentError
from sentune.tokens.batch import TokenBatch

__all__ = ["CallerTokenizer"]

Text = str | Sequence[str]

_USUAL_SPECIAL = {
    "pad_token": ("[PAD]", "<pad>"),
    "unk_token": ("[UNK]", "<unk>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
    "bos_token": (),
    "eos_token": (),
}
_WITHOUT_SEGMENTS = ("DistilBert", "Roberta", "MPNet", "Camembert", "XLMRoberta", "Albert")
_SIDES = ("right", "left")
_PADDINGS = ("longest", "max_length", "do_not_pad")
_TRUNCATIONS = ("longest_first", "only_first", "only_second", "do_not_truncate")


class CallerTokenizer:
    """The methods and attributes of transformers' tokenizers, over one of ``tokenizers``.

    Attributes:
        settings: the content of ``tokenizer_config.json``.
        padding_side: where ``padding`` adds, ``right`` or ``left``.
    """

    settings: dict[str, Any]
    padding_side = "right"
    is_fast = True
    max_seq_length: int
    _tokenizer: tokenizers.Tokenizer

    @property
    def _bare(self) -> tokenizers.Tokenizer:
        raise NotImplementedError

    # ── text → ids ────────────────────────────────────────────────────────────────────────────

    def batch(
        self,
        text: Text | Sequence[tuple[str, str]],
        text_pair: Text | None = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        verbose: bool = True,
    ) -> TokenBatch:
        """Texts, or pairs of texts, as ``input_ids``, ``token_type_ids`` and ``attention_mask``.

        Arguments, defaults and result are those of transformers' tokenizers; ``truncation`` cuts at
        ``max_length``, or at the model's limit. Lists for several texts, single values for one.

        Raises:
            ArgumentError: an input that is not a text, or an argument outside its range.
        """
        del verbose
        single, rows = _rows(text, text_pair)
        cut = truncation if truncation is not None else max_length is not None and not padding
        encodings = self._encodings(rows, add_special_tokens, cut, max_length)
        width = self._width(encodings, padding, max_length, pad_to_multiple_of)
        side = require_choice("padding_side", padding_side or self.padding_side, _SIDES)
        parts: dict[str, list[list[Any]]] = {"input_ids": [e.ids for e in encodings]}
        fill: dict[str, Any] = {"input_ids": self.pad_token_id or 0}
        with_types = "token_type_ids" in self.model_input_names
        if with_types if return_token_type_ids is None else return_token_type_ids:
            parts["token_type_ids"] = [e.type_ids for e in encodings]
        if return_attention_mask is not False:
            parts["attention_mask"] = [e.attention_mask for e in encodings]
        if return_special_tokens_mask:
            parts["special_tokens_mask"] = [e.special_tokens_mask for e in encodings]
            fill["special_tokens_mask"] = 1
        if return_offsets_mapping:
            parts["offset_mapping"] = [e.offsets for e in encodings]
            fill["offset_mapping"] = (0, 0)
        if width is not None:
            parts = {
                n: [_padded(r, width, fill.get(n, 0), side) for r in p] for n, p in parts.items()
            }
        if return_length:
            parts["length"] = [len(row) for row in parts["input_ids"]]  # type: ignore[misc]
        return TokenBatch.of(parts, encodings, return_tensors, single=single)

    def encode(self, text: str, text_pair: str | None = None, **options: Any) -> Any:
        """The ``input_ids`` of one text, with the options of ``batch``."""
        return self.batch(text, text_pair, **options)["input_ids"]

    def encode_plus(self, text: str, text_pair: str | None = None, **options: Any) -> TokenBatch:
        """``batch`` under its older name for one text."""
        return self.batch(text, text_pair, **options)

    def batch_encode_plus(self, texts: Sequence[Any], **options: Any) -> TokenBatch:
        """``batch`` under its older name for several texts."""
        return self.batch(texts, **options)

    def tokenize(
        self, text: str, pair: str | None = None, add_special_tokens: bool = False
    ) -> list[str]:
        """The tokens of a text, without special ones unless asked for."""
        encoded = self._encodings([(text, pair)], add_special_tokens, False, None)
        return list(encoded[0].tokens)

    def _encodings(
        self,
        rows: Sequence[tuple[str, str | None]],
        special: bool,
        truncation: bool | str,
        max_length: int | None,
    ) -> list[tokenizers.Encoding]:
        strategy = "longest_first" if truncation is True else truncation or "do_not_truncate"
        strategy = require_choice("truncation", strategy, _TRUNCATIONS)
        if strategy == "do_not_truncate":
            tokenizer = self._bare
        elif strategy == "longest_first" and max_length in (None, self.max_seq_length):
            tokenizer = self._tokenizer
        else:
            length = self.max_seq_length if max_length is None else max_length
            tokenizer = self._cutting(require_whole("max_length", length), strategy)
        inputs = [first if second is None else (first, second) for first, second in rows]
        return list(tokenizer.encode_batch(inputs, add_special_tokens=special))

    def _cutting(self, length: int, strategy: str) -> tokenizers.Tokenizer:
        """A tokenizer with this limit; kept, since making one takes 30 ms."""
        kept: dict[tuple[int, str], tokenizers.Tokenizer]
        kept = self.__dict__.setdefault("_kept_cutting", {})
        if (length, strategy) not in kept:
            copy = tokenizers.Tokenizer.from_str(self._bare.to_str())
            side = (self._tokenizer.truncation or {}).get("direction", "right")
            copy.enable_truncation(length, strategy=strategy, direction=side)
            kept[length, strategy] = copy
        return kept[length, strategy]

    def _width(
        self,
        encodings: Sequence[tokenizers.Encoding],
        padding: bool | str,
        max_length: int | None,
        multiple: int | None,
    ) -> int | None:
        """The tokens that rows are padded to; None without padding."""
        kind = {True: "longest", False: "do_not_pad", None: "do_not_pad"}.get(padding, padding)  # type: ignore[arg-type]
        if require_choice("padding", kind, _PADDINGS) == "do_not_pad":
            return None
        width = max((len(each.ids) for each in encodings), default=0)
        if kind == "max_length":
            width = max(width, self.max_seq_length if max_length is None else max_length)
        return width if multiple is None else -(-width // multiple) * multiple

    # ── ids → text ────────────────────────────────────────────────────────────────────────────

    def decode(
        self, token_ids: Any, skip_special_tokens: bool = False, **options: Any
    ) -> str | list[str]:
        """The text of token ids (array, tensor or list); texts where lists of ids are given."""
        _refuse_unknown(options, "clean_up_tokenization_spaces")
        ids = token_ids.tolist() if hasattr(token_ids, "tolist") else token_ids
        ids = [ids] if isinstance(ids, int) else list(ids)
        if ids and not isinstance(ids[0], int):
            return [str(self.decode(each, skip_special_tokens)) for each in ids]
        return str(self._tokenizer.decode(ids, skip_special_tokens=skip_special_tokens))

    def batch_decode(
        self, sequences: Any, skip_special_tokens: bool = False, **options: Any
    ) -> list[str]:
        """``decode`` for several lists of ids."""
        return [str(self.decode(ids, skip_special_tokens, **options)) for ids in sequences]

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """The token of an id, or the tokens of several."""
        ids = ids.tolist() if hasattr(ids, "tolist") else ids
        if isinstance(ids, int):
            return self._tokenizer.id_to_token(ids)
        left_out = set(self.all_special_ids) if skip_special_tokens else set()
        return [self._tokenizer.id_to_token(each) for each in ids if each not in left_out]

    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> Any:
        """The id of a token, or the ids of several; that of ``unk_token`` for unknown ones."""
        if isinstance(tokens, str):
            found = self._tokenizer.token_to_id(tokens)
            return self.unk_token_id if found is None else found
        return [self.convert_tokens_to_ids(each) for each in tokens]

    # ── the vocabulary ────────────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        """Tokens in the vocabulary, added ones included."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def __bool__(self) -> bool:
        return True

    @property
    def vocab_size(self) -> int:
        """Tokens in the vocabulary without added ones."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=False))

    def get_vocab(self) -> dict[str, int]:
        """Token → id."""
        return dict(self._tokenizer.get_vocab(with_added_tokens=True))

    @property
    def vocab(self) -> dict[str, int]:
        """``get_vocab``."""
        return self.get_vocab()

    @property
    def model_max_length(self) -> int:
        """``max_seq_length`` under the name that transformers has for it."""
        return self.max_seq_length

    @model_max_length.setter
    def model_max_length(self, length: int) -> None:
        self.max_seq_length = length

    @property
    def model_input_names(self) -> list[str]:
        """The parts that ``batch`` gives when nothing else is asked for."""
        if names := self.settings.get("model_input_names"):
            return list(names)
        kind = str(self.settings.get("tokenizer_class") or "")
        with_types = not kind.startswith(_WITHOUT_SEGMENTS)
        return ["input_ids", *(["token_type_ids"] if with_types else []), "attention_mask"]

    @property
    def all_special_ids(self) -> list[int]:
        """The ids of the special tokens, in the order of the ids."""
        added = self._tokenizer.get_added_tokens_decoder()
        return sorted(number for number, token in added.items() if token.special)

    @property
    def all_special_tokens(self) -> list[str]:
        """The special tokens, in the order of their ids."""
        return [str(self._tokenizer.id_to_token(number)) for number in self.all_special_ids]

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """Role → special token, for the roles that have one."""
        named = {role: self._special(role) for role in _USUAL_SPECIAL}
        return {role: token for role, token in named.items() if token is not None}

    def _special(self, role: str) -> str | None:
        named = self.settings.get(role)
        token = named.get("content") if isinstance(named, Mapping) else named
        usual = (
            one for one in _USUAL_SPECIAL[role] if self._tokenizer.token_to_id(one) is not None
        )
        return str(token) if token is not None else next(usual, None)

    def __getattr__(self, name: str) -> Any:
        """``cls_token``, ``pad_token_id`` and the like."""
        role = name.removesuffix("_id")
        if role not in _USUAL_SPECIAL:
            kind = type(self).__name__
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")
        token = self._special(role)
        if role == name or token is None:
            return token
        return self._tokenizer.token_to_id(token)


def _rows(text: Any, pair: Any) -> tuple[bool, list[tuple[str, str | None]]]:
    """Whether one text (or pair) was given, and the rows."""
    if isinstance(text, str):
        second = None if pair is None else require_text("text_pair", pair)
        return True, [(require_text("text", text), second)]
    texts = list(text)
    if pair is not None:
        texts = list(zip(texts, list(pair), strict=True)) if len(pair) == len(texts) else [None]
    return False, [(row, None) if isinstance(row, str) else _pair(row) for row in texts]


def _pair(row: Any) -> tuple[str, str]:
    if not isinstance(row, tuple | list) or len(row) != 2:
        raise ArgumentError(
            f"{'texts and text_pair of different lengths' if row is None else repr(row)[:60]}",
            expected="a text, or a pair of texts",
            fix="pass a list of texts, or one of pairs",
        )
    return require_text("text", row[0]), require_text("text_pair", row[1])


def _padded(row: list[Any], width: int, fill: Any, side: str) -> list[Any]:
    missing = [fill] * (width - len(row))
    return [*missing, *row] if side == "left" else [*row, *missing]


def _refuse_unknown(options: Mapping[str, Any], *known: str) -> None:
    for name in options:
        if name not in known:
            raise ArgumentError(
                f"the argument {name}", expected="an argument of decode", fix="leave it out"
            )
