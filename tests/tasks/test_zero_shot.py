"""Labels by name: similarities of the model, on real texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.tasks.zero_shot import zero_shot

TEXTS = [
    "The striker scored twice and her team won the cup.",
    "Parliament passed the law after a long debate.",
    "Bake the bread for forty minutes in a hot oven.",
]
LABELS = ["politics", "cooking", "sport"]


def test_finds_what_texts_are_about(model: SentenceTransformer) -> None:
    found = zero_shot(model, TEXTS, LABELS)
    assert [LABELS[best] for best in found.argmax(axis=1)] == ["sport", "politics", "cooking"]
    sentences = [f"This text is about {label}." for label in LABELS]
    wanted = model.similarity(model.encode(TEXTS), model.encode(sentences)).numpy()
    assert np.abs(found - wanted).max() < 1e-6


def test_better_than_guessing_on_docstrings(model: SentenceTransformer, labelled: Any) -> None:
    texts, labels = labelled
    names = sorted(set(labels))
    best = zero_shot(model, texts, names).argmax(axis=1)
    assert np.mean([names[n] == label for n, label in zip(best, labels, strict=True)]) > 0.5


def test_names_and_template_are_taken_as_they_are(model: SentenceTransformer) -> None:
    found = zero_shot(model, TEXTS, ["{0}", "a {} b"], template="{}: {x}")
    wanted = model.similarity(model.encode(TEXTS), model.encode(["{0}: {x}", "a {} b: {x}"]))
    assert np.abs(found - wanted.numpy()).max() < 1e-6


def test_prompts_of_the_model(tiny_folder: Any) -> None:
    prompted = SentenceTransformer(tiny_folder, prompts={"query": "q: ", "document": "d: "})
    found = zero_shot(prompted, TEXTS, LABELS, template="{}")
    plain = SentenceTransformer(tiny_folder, prompts={"query": ""})
    texts = plain.encode([f"d: {text}" for text in TEXTS])
    names = plain.encode([f"q: {label}" for label in LABELS])
    assert np.abs(found - plain.similarity(texts, names).numpy()).max() < 1e-6


@pytest.mark.parametrize(
    "labels", [[], ["sport"], ["a", "a"], ["a", " "], ["a", None], "ab", ["a", float("nan")]]
)
def test_bad_labels(model: SentenceTransformer, labels: Any) -> None:
    with pytest.raises(ArgumentError, match="two different names"):
        zero_shot(model, TEXTS, labels)


def test_other_bad_input(model: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match="template"):
        zero_shot(model, TEXTS, LABELS, template="about")
    with pytest.raises(ArgumentError):
        zero_shot(model, ["a", None], LABELS)  # type: ignore[list-item]
    assert zero_shot(model, [], LABELS).shape == (0, 3)
