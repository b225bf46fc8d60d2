"""Classifiers of real texts: compared with scikit-learn, their figures, and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestCentroid

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, DataError, ModelError
from sentune.tasks import cross_validation
from sentune.tasks.calibration import fit_temperature
from sentune.tasks.classifier import Head, TextClassifier, softmax, text_vectors
from sentune.tasks.classifier_training import train_classifier
from sentune.tasks.cross_validation import (
    cross_validated,
    fold_rows,
    logistic,
    nearest_centroid,
    scaled_per_fold,
)

Labelled = tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def trained(model: SentenceTransformer, labelled: Labelled) -> TextClassifier:
    return train_classifier(model, *labelled)


@pytest.fixture(scope="module")
def vectors(model: SentenceTransformer, labelled: Labelled) -> Any:
    return text_vectors(model, labelled[0], "")


def test_labels_are_those_of_scikit_learn(
    model: SentenceTransformer, labelled: Labelled, vectors: Any, trained: TextClassifier
) -> None:
    texts, labels = labelled
    theirs = LogisticRegression(C=trained.report["strength"], max_iter=1000).fit(vectors, labels)
    found = trained.predict(texts)
    assert [each.label for each in found] == theirs.predict(vectors).tolist()
    assert [each.text for each in found] == texts
    scores = theirs.decision_function(vectors) / trained.head.temperature
    wanted = softmax(scores).max(axis=1)
    assert [each.probability for each in found] == pytest.approx(wanted.tolist(), abs=1e-6)
    for each in found:
        assert list(each.probabilities) == sorted(set(labels))
        assert sum(each.probabilities.values()) == pytest.approx(1)
        assert each.probability == each.probabilities[each.label]
    centroid = train_classifier(model, texts, labels, method="centroid")
    theirs = NearestCentroid().fit(vectors, labels)
    assert [each.label for each in centroid.predict(texts)] == theirs.predict(vectors).tolist()


def test_two_labels(model: SentenceTransformer, labelled: Labelled) -> None:
    texts, labels = labelled[0][:40], labelled[1][:40]
    classifier = train_classifier(model, texts, labels)
    theirs = LogisticRegression(C=classifier.report["strength"], max_iter=1000)
    theirs.fit(text_vectors(model, texts, ""), labels)
    new = ["Parse a header of a message.", "Run the event loop until stopped."]
    vectors = text_vectors(model, new, "")
    scores = classifier.head.scores(vectors)
    assert softmax(scores) == pytest.approx(theirs.predict_proba(vectors), abs=1e-9)
    assert [each.label for each in classifier.predict(new)] == ["email", "asyncio"]


def test_the_report(labelled: Labelled, trained: TextClassifier) -> None:
    report = trained.report
    assert report["texts"] == 80
    assert report["labels"] == {"asyncio": 20, "email": 20, "logging": 20, "xml": 20}
    assert report["folds"] == 5
    assert set(report["systems"]) == {"classifier", "tfidf", "majority"}
    assert set(report["differences"]) == {"classifier_minus_tfidf"}
    figures = report["systems"]["classifier"]["accuracy"]
    assert 0.7 < figures["low"] < figures["value"] < figures["high"] <= 1
    difference = report["differences"]["classifier_minus_tfidf"]["accuracy"]["value"]
    expected = figures["value"] - report["systems"]["tfidf"]["accuracy"]["value"]
    assert difference == pytest.approx(expected)
    assert sum("TF-IDF" in note for note in report["notes"]) == 1
    majority = cross_val_predict(
        DummyClassifier(),
        np.zeros((80, 1)),
        labelled[1],
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    )
    wanted = float(np.mean(majority == np.array(labelled[1])))
    assert report["systems"]["majority"]["accuracy"]["value"] == pytest.approx(wanted)


def test_no_figure_has_seen_its_texts(model: SentenceTransformer, labelled: Labelled) -> None:
    """Labels without any relation to the texts cannot be learned, only remembered."""
    texts = labelled[0]
    labels = np.random.default_rng(0).choice(["a", "b"], size=len(texts)).tolist()
    report = train_classifier(model, texts, labels).report
    for name in ("classifier", "tfidf"):
        assert report["systems"][name]["accuracy"]["value"] < 0.7
    assert report["calibration"]["after"]["log_loss"] > 0.6


def test_scores_are_of_classifiers_that_did_not_see_the_row(vectors: Any) -> None:
    truth = np.repeat(np.arange(4), 20)
    rows = fold_rows(truth, 5, 0)
    folds = [cross_validation.Fold(vectors[a], vectors[b], a, b) for a, b in rows]
    found = cross_validated(folds, truth, logistic, (10.0,))
    theirs = cross_val_predict(
        LogisticRegression(C=10, max_iter=1000), vectors, truth, cv=rows, method="predict_proba"
    )
    assert softmax(found.scores) == pytest.approx(theirs, abs=1e-9)
    assert (found.scores == found.final_scores).all()


def test_strength_is_chosen_on_other_folds() -> None:
    """Rows of a fold have no say in it: their scores follow what the other folds prefer."""

    def fit(features: Any, truth: Any, strength: float) -> tuple[Any, Any]:
        return np.array([[0.0], [strength]]), np.zeros(2)

    # Where x speaks for the label, strong weights are better; in the last fold x misleads badly.
    features = np.array([[-1.0], [1.0], [-1.0], [1.0], [9.0], [-9.0]])
    truth = np.array([0, 1, 0, 1, 0, 1])
    rows = [(np.setdiff1d(np.arange(6), b), b) for b in (np.arange(2), np.arange(2, 4))]
    rows.append((np.arange(4), np.arange(4, 6)))
    folds = [cross_validation.Fold(features[a], features[b], a, b) for a, b in rows]
    found = cross_validated(folds, truth, fit, (0.0, 1.0))
    assert found.strength == 0.0
    assert found.scores[:4].tolist() == [[0, 0]] * 4
    # Over all rows weak weights are better; the other folds prefer strong ones here.
    assert found.scores[4:, 1].tolist() == [9, -9]


def test_calibration_mends_overconfidence() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(size=(3000, 3)) * 1.5
    drawn = (softmax(honest).cumsum(axis=1) < rng.random((3000, 1))).sum(axis=1)
    for factor in (0.1, 1.0, 7.0):
        assert fit_temperature(honest * factor, drawn) == pytest.approx(factor, rel=0.1)


def test_temperature_is_that_of_the_other_folds() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.normal(size=(30, 3)), rng.integers(3, size=30)
    scores[10:] += 4 * np.eye(3)[truth[10:]]
    rows = fold_rows(truth, 3, 0)
    found = scaled_per_fold(scores, truth, rows)
    for others, here in rows:
        wanted = scores[here] / fit_temperature(scores[others], truth[others])
        assert found[here] == pytest.approx(wanted)


def test_a_perfect_fit_is_not_taken_for_certain() -> None:
    truth = np.arange(50) % 2
    scores = np.eye(2)[truth]
    top = softmax(scores / fit_temperature(scores, truth)).max()
    assert top == pytest.approx(51 / 52, abs=1e-4)  # Platt's target


def test_probabilities_of_centroids_are_calibrated(
    model: SentenceTransformer, labelled: Labelled
) -> None:
    report = train_classifier(model, *labelled, method="centroid").report
    found = report["calibration"]
    if found["after"]["log_loss"] < found["before"]["log_loss"]:
        assert found["temperature"] != 0.05
        assert any("are calibrated" in note for note in report["notes"])
    few = [texts[::4] for texts in labelled]
    report = train_classifier(model, *few, method="centroid").report
    assert report["calibration"]["after"] is None
    assert any("20 texts are too few" in note for note in report["notes"])


def test_repeats_count_once_and_disputes_are_told(
    model: SentenceTransformer, labelled: Labelled
) -> None:
    texts, labels = labelled
    report = train_classifier(
        model, [*texts, *texts[:3], texts[0]], [*labels, *labels[:3], "xml"], method="centroid"
    ).report
    assert report["texts"] == 81
    assert "3 repeated rows were left out" in report["notes"]
    assert "1 text has more than one label" in report["notes"]


def test_texts_without_words(model: SentenceTransformer) -> None:
    report = train_classifier(model, ["!", "?", ";", "()"], ["a", "b", "a", "b"]).report
    assert set(report["systems"]) == {"classifier", "majority"}
    assert any("no words" in note for note in report["notes"])


def test_evaluation(labelled: Labelled, trained: TextClassifier) -> None:
    texts, labels = labelled
    found = trained.evaluate(texts[::2], labels[::2])
    assert found.rows == 40
    assert found.accuracy.value > 0.9
    assert found.unknown == {}
    assert [each.support for each in found.per_label] == [10, 10, 10, 10]
    assert np.array(found.confusion).sum(axis=1).tolist() == [10, 10, 10, 10]


def test_unknown_labels_count_as_wrong(labelled: Labelled, trained: TextClassifier) -> None:
    texts, labels = labelled[0][:4], [*labelled[1][:3], "turtle"]
    found = trained.evaluate(texts, labels)
    assert found.unknown == {"turtle": 1}
    assert found.accuracy.value == 0.75
    assert found.per_label[-1].label == "turtle"
    assert (found.per_label[-1].f1, found.per_label[-1].support) == (0, 1)
    assert found.probabilities.log_loss < 1  # over the three known ones
    with pytest.raises(DataError, match="none of which"):
        trained.evaluate(texts, ["turtle"] * 4)


def test_no_text_no_label(trained: TextClassifier) -> None:
    assert trained.predict([]) == []


NAN = float("nan")


@pytest.mark.parametrize(
    ("texts", "labels", "part"),
    [
        ([], [], "0 labelled texts"),
        (["a", "b"], ["x", "x"], "1 label"),
        (["a", "b", "c"], ["x", "x", "y"], "'y'"),
        (["a", "a", "b", "c"], ["x", "x", "y", "y"], "'x'"),
        (["a", "b"], ["x"], "one label for each text"),
        ("ab", ["x", "y"], "one label for each text"),
        (["a", "b"], ["x", None], "position 1 is None"),
        (["a", "b"], ["x", NAN], "position 1 is nan"),
        (["a", "b"], ["x", 3], "position 1 is 3"),
        (["a", "b"], ["x", " "], "position 1"),
        (["a", None, "b", "c"], ["x", "x", "y", "y"], "position 1 is None"),
        (["a", NAN, "b", "c"], ["x", "x", "y", "y"], "position 1 is nan"),
    ],
)
def test_bad_examples_are_one_line(
    model: SentenceTransformer, texts: Any, labels: Any, part: str
) -> None:
    with pytest.raises(DataError, match=part):
        train_classifier(model, texts, labels)


def test_bad_arguments(
    model: SentenceTransformer, labelled: Labelled, trained: TextClassifier
) -> None:
    with pytest.raises(ArgumentError, match="logistic, centroid"):
        train_classifier(model, *labelled, method="forest")
    with pytest.raises(ArgumentError):
        trained.predict([None])  # type: ignore[list-item]
    with pytest.raises(DataError, match="at least 2"):
        trained.evaluate(["a"], ["xml"])


def test_vectors_that_are_not_finite(
    model: SentenceTransformer, labelled: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        SentenceTransformer, "encode", lambda self, texts, **_: np.full((len(texts), 384), NAN)
    )
    with pytest.raises(ModelError, match="not finite"):
        train_classifier(model, *labelled)


def test_the_models_prompt_for_classification(tiny_folder: Any, labelled: Labelled) -> None:
    prompted = SentenceTransformer(tiny_folder, prompts={"classification": "sort: "})
    classifier = train_classifier(prompted, *labelled, method="centroid")
    assert classifier.prompt == "sort: "
    plain = SentenceTransformer(tiny_folder)
    with_prompt = plain.encode(["sort: a text"], normalize_embeddings=True)
    assert (text_vectors(prompted, ["a text"], classifier.prompt) == with_prompt).all()


def test_centroids_of_vectors_of_any_length() -> None:
    rng = np.random.default_rng(0)
    features, truth = rng.normal(size=(60, 5)) * rng.uniform(0.1, 3, (60, 1)), np.arange(60) % 3
    head = Head(*nearest_centroid(features, truth, 1.0))
    theirs = NearestCentroid().fit(features, truth)
    assert (head.scores(features).argmax(axis=1) == theirs.predict(features)).all()
