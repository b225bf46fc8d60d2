"""Tokenizers called as those of transformers are, beside transformers' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.tokens.truncation import Truncation

TEXTS = ["the words of a text", "find", "", "the file, the other file and " * 12]


@pytest.fixture(scope="module")
def ours(architecture_folder: Path) -> Any:
    return SentenceTransformer(architecture_folder, device="cpu").tokenizer


@pytest.fixture(scope="module")
def theirs(architecture_folder: Path) -> Any:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(architecture_folder)
    tokenizer.model_max_length = 64
    return tokenizer


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": True},
        {"padding": True, "truncation": True, "return_tensors": "pt"},
        {"padding": "max_length", "max_length": 9, "truncation": True, "return_tensors": "np"},
        {"padding": "longest", "pad_to_multiple_of": 8, "padding_side": "left"},
        {"truncation": True, "max_length": 7},
        {"truncation": "longest_first", "add_special_tokens": False},
        {"return_special_tokens_mask": True, "return_offsets_mapping": True, "padding": True},
        {"return_attention_mask": False, "return_token_type_ids": True, "return_length": True},
    ],
    ids=str,
)
def test_parts_are_those_of_transformers(options: dict[str, Any], ours: Any, theirs: Any) -> None:
    for given in (TEXTS, TEXTS[0], [(TEXTS[0], TEXTS[1]), (TEXTS[1], TEXTS[1])]):
        found, expected = ours(given, **options), theirs(given, **options)
        assert set(found.keys()) == set(expected.keys())
        for name, value in expected.items():
            assert type(found[name]) is type(value), name
            np.testing.assert_array_equal(_listed(found[name]), _listed(value), name)
    one, other = (t(TEXTS[0], TEXTS[1], **options) for t in (ours, theirs))
    np.testing.assert_array_equal(_listed(one["input_ids"]), _listed(other["input_ids"]))


def _listed(value: Any) -> Any:
    rows = value.tolist() if hasattr(value, "tolist") else value
    # Rows of several lengths are no array.
    return np.array(rows, dtype=object) if rows and not np.isscalar(rows[0]) else rows


def test_ids_and_tokens_and_text(ours: Any, theirs: Any) -> None:
    assert len(ours) == len(theirs)
    assert ours.get_vocab() == theirs.get_vocab()
    assert bool(ours)
    assert ours.all_special_ids == sorted(theirs.all_special_ids)
    for role in ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"):
        assert getattr(ours, role) == getattr(theirs, role)
        assert getattr(ours, f"{role}_id") == getattr(theirs, f"{role}_id")
    for text in TEXTS:
        ids = theirs.encode(text)
        assert ours.encode(text) == ids
        assert ours.tokenize(text) == theirs.tokenize(text)
        assert ours.convert_ids_to_tokens(ids) == theirs.convert_ids_to_tokens(ids)
        assert ours.convert_tokens_to_ids(theirs.tokenize(text)) == ids[1:-1]
        for skip in (False, True):
            expected = theirs.decode(ids, skip_special_tokens=skip)
            assert ours.decode(torch.tensor(ids), skip_special_tokens=skip) == expected
            assert ours.batch_decode([ids], skip_special_tokens=skip) == [expected]
    assert ours.decode([[5, 6], [7]]) == [ours.decode([5, 6]), ours.decode([7])]


def test_one_call_serves_both(tiny: SentenceTransformer) -> None:
    ids, truncation = tiny.tokenizer(TEXTS)
    assert isinstance(truncation, Truncation)
    assert truncation.truncated == 1
    found: Any = tiny.tokenizer(TEXTS)
    assert found[0] == ids
    assert found["input_ids"][:3] == ids[:3] == found.input_ids[:3]
    assert len(found["input_ids"][3]) > tiny.max_seq_length == len(ids[3])


def test_batches_move_and_tell_their_words(tiny: SentenceTransformer) -> None:
    batch = tiny.tokenizer(["the words"], return_tensors="pt")
    assert batch.to("cpu") is batch
    assert batch.input_ids is batch["input_ids"]
    assert batch.tokens() == ["[CLS]", *tiny.tokenizer.tokenize("the words"), "[SEP]"]
    assert batch.word_ids()[0] is None
    with pytest.raises(AttributeError, match="absent"):
        batch.absent  # noqa: B018
    with pytest.raises(AttributeError, match="absent"):
        tiny.tokenizer.absent  # noqa: B018


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        (["a", "b c d"], {"return_tensors": "pt"}, "texts of different lengths"),
        (["a"], {"return_tensors": "tf"}, "return_tensors is 'tf'"),
        (["a"], {"padding": "right"}, "padding is 'right'"),
        (["a"], {"truncation": "some"}, "truncation is 'some'"),
        ([3], {"padding": True}, "3: expected a text"),
        (["a", "b"], {"text_pair": ["c"]}, "of different lengths"),
    ],
)
def test_what_cannot_be_is_refused(
    given: Any, options: dict[str, Any], said: str, tiny: SentenceTransformer
) -> None:
    with pytest.raises(ArgumentError, match=said):
        tiny.tokenizer(given, **options)
