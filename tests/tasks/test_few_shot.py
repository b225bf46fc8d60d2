"""Tuning on a handful of labelled texts: what a step sees, and what it leads to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune.encoding.fingerprint import fingerprint
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.tasks import few_shot
from sentune.tasks.classifier_training import train_classifier
from sentune.tasks.few_shot import few_shot_model, label_rows

Labelled = tuple[list[str], list[str]]


@given(st.lists(st.integers(1, 12), min_size=2, max_size=40), st.integers(0, 9))
def test_rows_hold_whole_labels(sizes: list[int], seed: int) -> None:
    labels = [str(label) for label, size in enumerate(sizes) for _ in range(size)]
    texts = [f"{label}/{number}" for number, label in enumerate(labels)]
    rows, per_label = label_rows(texts, labels, seed)
    assert label_rows(texts, labels, seed) == (rows, per_label)
    assert per_label >= 2
    for row in rows:
        groups = [row[n : n + per_label] for n in range(0, len(row), per_label)]
        of = [{text.partition("/")[0] for text in group} for group in groups]
        assert all(len(names) == 1 for names in of)
        assert len(set.union(*of)) == len(of) == min(len(sizes), 16)
        for group, (name,) in zip(groups, of, strict=True):
            assert len(set(group)) == min(per_label, sizes[int(name)])


def test_every_text_gets_its_turns(labelled: Labelled) -> None:
    rows, _ = label_rows(*labelled, 0)
    times = Counter(text for row in rows for text in row)
    assert set(times) == set(labelled[0])
    mean = np.mean(list(times.values()))
    assert mean == pytest.approx(10, abs=1)
    assert max(times.values()) - min(times.values()) <= 5


def few(labelled: Labelled) -> Labelled:
    return labelled[0][::5], labelled[1][::5]


def test_draws_labels_together(model: SentenceTransformer, labelled: Labelled) -> None:
    before = fingerprint(model)
    texts, labels = few(labelled)
    tuned = few_shot_model(model, texts, labels)
    assert fingerprint(model) == before
    assert before.differences(fingerprint(tuned)) == ["the weights differ"]

    def contrast(used: SentenceTransformer) -> float:
        vectors = used.encode(texts, normalize_embeddings=True)
        same = np.array(labels)[:, None] == np.array(labels)
        scores = vectors @ vectors.T
        return float(scores[same].mean() - scores[~same].mean())

    assert contrast(tuned) > contrast(model) + 0.1


def test_is_repeatable(tiny: SentenceTransformer, labelled: Labelled) -> None:
    once, again, other = (
        fingerprint(few_shot_model(tiny, *few(labelled), seed=seed)) for seed in (3, 3, 4)
    )
    assert once == again != other


def test_prompts_stay_and_are_trained_with(tiny_folder: Path, labelled: Labelled) -> None:
    own = SentenceTransformer(tiny_folder, prompts={"classification": "is: "})
    tuned = few_shot_model(own, *few(labelled), prompt="is: ")
    kept = {"query": "find ", "document": "", "classification": "is: "}
    assert tuned.prompts == own.prompts == kept
    unprompted = few_shot_model(own, *few(labelled))
    assert fingerprint(unprompted).weights != fingerprint(tuned).weights


def test_figures_of_a_tuned_classifier_have_not_seen_their_texts(
    tiny: SentenceTransformer, labelled: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(few_shot, "LEARNING_RATE", 1e-3)  # random weights have far to go
    texts = few(labelled)[0]
    labels = ["a", "b"] * (len(texts) // 2)
    classifier = train_classifier(tiny, texts, labels, few_shot=True)
    report = classifier.report
    assert (report["few_shot"], report["folds"]) == (True, 3)
    assert set(report["systems"]) == {"classifier", "head_alone", "tfidf", "majority"}
    assert sum("the model as it was" in note for note in report["notes"]) == 1
    assert classifier.model is not tiny
    # Tuned on all texts, the model knows them by heart; of others it knows nothing.
    assert classifier.evaluate(texts, labels).accuracy.value > 0.8
    assert report["systems"]["classifier"]["accuracy"]["value"] < 0.8
