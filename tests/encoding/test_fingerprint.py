"""A fingerprint notices whatever changes vectors, and nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from sentune.encoding.fingerprint import Fingerprint, fingerprint
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ModelError


def load(folder: Path, **options: Any) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32", **options)


def test_of_the_published_model(model: SentenceTransformer) -> None:
    found = fingerprint(model)
    # As fingerprints are kept in people's folders, neither figure may ever change.
    assert found.weights.startswith("cff8e70d6e1f8b3c")
    assert found.tokenizer.startswith("cc89e415b1ac205e")
    assert dataclasses.asdict(found) == {
        "weights": found.weights,
        "tokenizer": found.tokenizer,
        "pooling": "mean",
        "normalize": True,
        "dimension": 384,
        "max_seq_length": 256,
        "query_prompt": "",
        "document_prompt": "",
        "similarity": "cosine",
        "number_format": "float32",
    }


def test_weights_hash_is_that_of_names_shapes_and_bytes(tiny: SentenceTransformer) -> None:
    digest = hashlib.sha256()
    for name, values in sorted(tiny.encoder.state_dict().items()):
        head = f'["{name}", [{", ".join(map(str, values.shape))}], "float32"]'
        digest.update(head.encode() + values.numpy().astype("<f4").tobytes())
    assert fingerprint(tiny).weights == digest.hexdigest()


def test_survives_a_folder(model: SentenceTransformer, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "saved")
    assert fingerprint(load(tmp_path / "saved")) == fingerprint(model)


def test_one_changed_weight_is_noticed(tiny_folder: Path) -> None:
    changed = load(tiny_folder)
    before = fingerprint(changed)
    with torch.no_grad():
        last = list(changed.encoder.parameters())[-1].view(-1)
        last[-1] = torch.nextafter(last[-1], torch.tensor(9.0))
    assert before.differences(fingerprint(changed)) == ["the weights differ"]


def test_each_setting_is_noticed_in_plain_words(tiny_folder: Path) -> None:
    before = fingerprint(load(tiny_folder))

    def words(**options: Any) -> list[str]:
        return before.differences(fingerprint(load(tiny_folder, **options)))

    assert words() == []
    assert words(truncate_dim=8) == ["dimension 8 instead of 32"]
    assert words(similarity_fn_name="dot") == ["similarity dot instead of cosine"]
    assert words(prompts={"query": ""}) == ["query prompt none instead of 'find '"]
    assert words(prompts={"passage": "p: "}) == ["document prompt 'p: ' instead of none"]
    shorter = load(tiny_folder)
    shorter.max_seq_length = 24
    assert before.differences(fingerprint(shorter)) == ["length limit 24 instead of 48"]
    shorter.normalize = False
    assert before.differences(fingerprint(shorter), ignoring=("max_seq_length",)) == [
        "scaling to unit length off instead of on"
    ]
    shorter.pooling.modes = ("cls",)
    assert "pooling cls instead of mean" in before.differences(fingerprint(shorter))
    shorter.pooling.include_prompt = False
    assert fingerprint(shorter).pooling == "cls without the prompt"
    half = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="bfloat16")
    assert before.differences(fingerprint(half)) == ["number format bfloat16 instead of float32"]


def test_another_vocabulary_is_noticed(tiny_folder: Path) -> None:
    other = load(tiny_folder)
    before = fingerprint(other)
    vocabulary = json.loads(other.tokenizer.to_json())
    tokens = vocabulary["model"]["vocab"]
    tokens["a"], tokens["b"] = tokens["b"], tokens["a"]
    import tokenizers

    from sentune.tokens.tokenizer import Tokenizer

    swapped = tokenizers.Tokenizer.from_str(json.dumps(vocabulary))
    other.tokenizer = Tokenizer(swapped, max_seq_length=48)
    assert before.differences(fingerprint(other)) == ["the tokenizer differs"]
    same = load(tiny_folder).tokenizer.parsed()
    other.tokenizer = Tokenizer(same, max_seq_length=48)
    assert before.differences(fingerprint(other)) == []
    other.tokenizer = Tokenizer(same, max_seq_length=48, truncation_side="left")
    assert before.differences(fingerprint(other)) == ["the tokenizer differs"]


def test_json_there_and_back(tiny: SentenceTransformer) -> None:
    found = fingerprint(tiny)
    assert Fingerprint.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"weights": None}, "weights"),
        ({"dimension": True}, "dimension"),
        ({"dimension": "384"}, "dimension"),
        ({"max_seq_length": 1.0}, "max_seq_length"),
        ({"normalize": 1}, "normalize"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_damaged_json_is_one_line(tiny: SentenceTransformer, change: Any, part: str) -> None:
    with pytest.raises(ModelError, match=part):
        Fingerprint.from_json({**fingerprint(tiny).to_json(), **change})


@pytest.mark.parametrize("value", [None, [], "x", {}, {"weights": "a"}, {1: 2}])
def test_other_json_is_refused(value: object) -> None:
    with pytest.raises(ModelError, match="fingerprint"):
        Fingerprint.from_json(value)
