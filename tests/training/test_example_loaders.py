"""Data sets and loaders of older scripts: what they promise, and training with them."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune import InputExample, SentencesDataset, SentenceTransformer, datasets
from sentune.errors import ArgumentError, DataError


@given(
    texts=st.lists(st.tuples(st.integers(0, 40), st.integers(41, 80)), min_size=1, max_size=60),
    size=st.integers(1, 6),
)
@settings(max_examples=100, deadline=None)
def test_no_text_twice_in_a_batch(texts: list[tuple[int, int]], size: int) -> None:
    examples = [InputExample(texts=[f"Text {a}", f" text {b}"]) for a, b in texts]
    loader = datasets.NoDuplicatesDataLoader(examples, batch_size=size)
    assert len(loader) == len(texts) // size
    try:
        batches = list(loader)
    except ArgumentError:  # too few different texts
        return
    assert len(batches) == len(loader)
    for batch in batches:
        assert len(batch) == size
        seen = [text.strip().lower() for example in batch for text in example.texts]
        assert len(seen) == len(set(seen))


def test_every_example_comes_once_where_texts_differ() -> None:
    examples = [InputExample(str(i), [f"a{i}", f"b{i}"]) for i in range(12)]
    loader = datasets.NoDuplicatesDataLoader(list(examples), batch_size=4)
    loader.collate_fn = lambda batch: [example.guid for example in batch]
    assert sorted(guid for batch in loader for guid in batch) == sorted(str(i) for i in range(12))


def test_too_few_texts_for_a_batch_are_named() -> None:
    loader = datasets.NoDuplicatesDataLoader([InputExample(texts=["same", "same"])] * 4, 2)
    with pytest.raises(ArgumentError, match="1 example without a common text"):
        list(loader)


@given(
    labels=st.lists(st.integers(0, 5), max_size=40),
    together=st.integers(1, 3),
    again=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_labels_come_together(labels: list[int], together: int, again: bool) -> None:
    examples = [InputExample(texts=[f"text {i}"], label=label) for i, label in enumerate(labels)]
    data = datasets.SentenceLabelDataset(examples, together, again)
    counts = Counter(labels)
    assert len(data) == sum(count for count in counts.values() if count >= together)
    found = list(data)
    assert len(data) <= len(found) < len(data) + together or not found
    for start in range(0, len(found), together):
        group = found[start : start + together]
        assert len({example.label for example in group}) == 1
        assert len({id(example) for example in group}) == len(group)


def test_a_list_may_be_wrapped(tiny: SentenceTransformer) -> None:
    examples = [InputExample(texts=["a"]), InputExample(texts=["b"])]
    data = SentencesDataset(examples, tiny)
    assert len(data) == 2
    assert [data[0], data[1]] == examples


def test_translations_have_the_vectors_of_their_originals(
    tiny: SentenceTransformer, tmp_path: Path
) -> None:
    lines = "hello world\thallo welt\thola mundo\nlong " + "x" * 200 + "\tlang\ngood\tgut\n"
    (tmp_path / "talks.tsv.gz").write_bytes(gzip.compress(lines.encode("utf-8")))
    data = datasets.ParallelSentencesDataset(tiny, tiny)
    data.load_data(tmp_path / "talks.tsv.gz", weight=2)
    data.add_dataset([["one", "eins"]], weight=1)
    assert len(data) == 3 + 2 + 2
    wanted = {
        "hello world": "hello world",
        "hallo welt": "hello world",
        "hola mundo": "hello world",
        "good": "good",
        "gut": "good",
        "one": "one",
        "eins": "one",
    }
    seen = [data[number] for number in range(len(data))]
    assert sorted(example.texts[0] for example in seen) == sorted(wanted)  # type: ignore[index]
    vectors = {text: tiny.encode(text) for text in set(wanted.values())}
    for example in seen:
        (text,) = example.texts or ()
        assert np.allclose(example.label, vectors[wanted[text]], atol=1e-6)
    with pytest.raises(IndexError):
        data[len(data)]
    with pytest.raises(DataError, match="cannot be read"):
        data.load_data(tmp_path / "none.tsv")


def test_what_needs_a_decoder_is_refused_by_name() -> None:
    missing: Any = datasets
    with pytest.raises(ArgumentError, match="DenoisingAutoEncoderDataset, which sentune"):
        missing.DenoisingAutoEncoderDataset(["a text"])
    with pytest.raises(AttributeError):
        missing.Nothing  # noqa: B018
