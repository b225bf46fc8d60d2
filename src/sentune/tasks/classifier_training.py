"""Labelled texts in, a classifier and an honest account of it out."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, DataError
from sentune.evaluation.classification import (
    classification_differences,
    classification_intervals,
    confusion_matrix,
    label_figures,
    probability_figures,
)
from sentune.progress import progress
from sentune.tasks.calibration import fit_temperature
from sentune.tasks.classifier import Head, TextClassifier, require_labels, softmax, text_vectors
from sentune.tasks.cross_validation import (
    STRENGTHS,
    CrossValidated,
    Fold,
    centroids,
    cross_validated,
    fold_rows,
    logistic,
    require_sklearn,
    scaled_per_fold,
    tfidf_folds,
)
from sentune.tasks.few_shot import few_shot_model
from sentune.tokens.prompts import choose_prompt

__all__ = ["FEWEST_TO_CALIBRATE", "METHODS", "require_trainable", "train_classifier"]

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_FITS = {"logistic": logistic, "centroid": centroids}
METHODS = tuple(_FITS)
FEWEST_TO_CALIBRATE = 50  # out-of-fold rows, for one number
_FOLDS, _FEW_SHOT_FOLDS = 5, 3
# What scores are divided by without calibration. Distances between unit vectors differ by little.
_PLAIN_TEMPERATURE = {"logistic": 1.0, "centroid": 0.05}


@dataclass(frozen=True, slots=True)
class _Examples:
    texts: list[str]
    names: tuple[str, ...]
    truth: Numbers
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _Calibration:
    temperature: float
    report: dict[str, Any]
    note: str


def train_classifier(
    model: SentenceTransformer,
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    method: str = "logistic",
    few_shot: bool = False,
    seed: int = 0,
    show_progress_bar: bool = False,
) -> TextClassifier:
    """Train a classifier and measure it by cross-validation, next to plain baselines.

    All figures come from texts that the measured classifier was not trained on: 5 stratified
    folds (fewer where a label has fewer texts). The regularisation of each fold (C from 1, 10,
    …, 10,000, by log loss) and its temperature are chosen on the other folds. A text that stands
    twice with the same label counts once, as it would otherwise be on both sides.

    With ``few_shot`` the encoder is tuned first, and tuned anew in each of 3 folds: four tunings
    in all, so that no figure has seen its texts.

    Cost: encoding every text once, then 5 × 2 to 5 × 5 logistic regressions, twice with TF-IDF.

    Args:
        model: gives the vectors; its prompt named ``classification`` is used if there is one, else
            its default prompt.
        texts: what to classify.
        labels: one a text; at least two different ones, each with at least two different texts.
        method: ``logistic`` (regression), or (nearest) ``centroid``.
        few_shot: tune a copy of the encoder first; see :mod:`sentune.tasks.few_shot`.
        seed: of the folds, the tuning and the resamples.
        show_progress_bar: draw bars on standard error.

    Raises:
        DataError: fewer than two labels, a label with a single text, a row without a label.
        ArgumentError: an unknown method; something that is no text, with its position.
        MissingExtraError: the extra ``tasks`` (with ``few_shot`` also ``train``) is missing.
    """
    require_trainable(texts, labels, method=method, few_shot=few_shot)
    examples = _examples(texts, labels)
    most = _FEW_SHOT_FOLDS if few_shot else _FOLDS
    rows = fold_rows(examples.truth, min(most, int(np.bincount(examples.truth).min())), seed)
    name = "classification" if "classification" in model.prompts else None
    prompt = choose_prompt(model.prompts, model.default_prompt_name, name, None)
    plain = text_vectors(model, examples.texts, prompt, show_progress_bar=show_progress_bar)

    def tuned(some: Numbers) -> SentenceTransformer:
        chosen = [examples.texts[row] for row in some], [str(examples.truth[row]) for row in some]
        return few_shot_model(
            model, *chosen, prompt=prompt, seed=seed, show_progress_bar=show_progress_bar
        )

    kept, vectors, folds = model, plain, _folds(plain, rows)
    head_alone = None
    if few_shot:
        head_alone = folds
        folds = _tuned_folds(tuned, examples.texts, prompt, rows)
        kept = tuned(np.arange(len(examples.texts)))
        vectors = text_vectors(kept, examples.texts, prompt)
    systems = _systems(examples, rows, folds, head_alone, method, show=show_progress_bar)
    found = systems.pop("classifier")
    calibration = _calibrate(found, examples.truth, rows, method)
    weights, intercept = _FITS[method](vectors, examples.truth, found.strength)
    predictions = {name: system.scores.argmax(axis=1) for name, system in systems.items()}
    predictions["majority"] = _majority(examples.truth, rows)
    report = _report(examples, found.scores.argmax(axis=1), predictions, seed)
    report |= {
        "method": method,
        "few_shot": few_shot,
        "folds": len(rows),
        "seed": seed,
        "strength": found.strength if method == "logistic" else None,
        "calibration": calibration.report,
    }
    report["notes"] += [calibration.note, *examples.notes]
    return TextClassifier(
        kept,
        examples.names,
        Head(np.asarray(weights), intercept, calibration.temperature),
        method,
        prompt,
        report,
    )


def require_trainable(
    texts: Sequence[str], labels: Sequence[str], *, method: str = "logistic", few_shot: bool = False
) -> None:
    """Raise what :func:`train_classifier` would raise, before a model is loaded."""
    if method not in METHODS:
        raise ArgumentError(
            f"method {method!r}", expected=f"one of {', '.join(METHODS)}", fix="use logistic"
        )
    _examples(texts, labels)
    require_sklearn()
    if few_shot:
        importlib.import_module("sentune.training.arguments")


def _examples(texts: Sequence[str], labels: Sequence[str]) -> _Examples:
    require_labels(texts, labels)
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(
                f"the text at position {place} is {text!r}", expected="a text", fix="leave it out"
            )
    rows = list(dict.fromkeys(zip(texts, labels, strict=True)))
    counts = Counter(label for _, label in rows)
    if len(counts) < 2:
        raise DataError(
            f"{len(rows)} labelled texts with {len(counts)} label{'s' * (len(counts) != 1)}",
            expected="at least two different labels",
            fix="add texts of another label",
        )
    alone = [label for label, count in counts.items() if count < 2]
    if alone:
        shown = ", ".join(map(repr, alone[:3])) + (f" and {len(alone) - 3} more") * (len(alone) > 3)
        raise DataError(
            f"a single text for the label {shown}",
            expected="at least two different texts of each label, one to train and one to test on",
            fix="add texts of this label, or leave it out",
        )
    notes = []
    if len(rows) < len(texts):
        notes.append(f"{len(texts) - len(rows):,} repeated rows were left out")
    if disputed := len(rows) - len({text for text, _ in rows}):
        notes.append(f"{disputed:,} texts stand there with more than one label")
    names = tuple(sorted(counts))
    number = {name: place for place, name in enumerate(names)}
    truth = np.array([number[label] for _, label in rows], dtype=np.int64)
    return _Examples([text for text, _ in rows], names, truth, notes)


def _folds(vectors: Floats, rows: Sequence[tuple[Numbers, Numbers]]) -> list[Fold]:
    return [Fold(vectors[train], vectors[test], train, test) for train, test in rows]


def _tuned_folds(
    tuned: Callable[[Numbers], SentenceTransformer],
    texts: Sequence[str],
    prompt: str,
    rows: Sequence[tuple[Numbers, Numbers]],
) -> list[Fold]:
    folds = []
    for train, test in rows:
        vectors = text_vectors(tuned(train), texts, prompt)
        folds.append(Fold(vectors[train], vectors[test], train, test))
    return folds


def _systems(
    examples: _Examples,
    rows: Sequence[tuple[Numbers, Numbers]],
    folds: list[Fold],
    head_alone: list[Fold] | None,
    method: str,
    *,
    show: bool,
) -> dict[str, CrossValidated]:
    fit, strengths = _FITS[method], STRENGTHS if method == "logistic" else (1.0,)
    found = {}
    with progress("cross-validation", 3, unit="systems", show=show) as advance:
        found["classifier"] = cross_validated(folds, examples.truth, fit, strengths)
        advance(1)
        if head_alone is not None:
            found["head_alone"] = cross_validated(head_alone, examples.truth, fit, strengths)
        advance(1)
        if (words := tfidf_folds(examples.texts, rows)) is not None:
            found["tfidf"] = cross_validated(words, examples.truth, logistic)
        advance(1)
    return found


def _majority(truth: Numbers, rows: Sequence[tuple[Numbers, Numbers]]) -> Numbers:
    predicted = np.empty_like(truth)
    for train, test in rows:
        predicted[test] = np.bincount(truth[train]).argmax()
    return predicted


def _calibrate(
    found: CrossValidated, truth: Numbers, rows: Sequence[tuple[Numbers, Numbers]], method: str
) -> _Calibration:
    """Keep a fitted temperature if, chosen on other folds, it lowers the log loss."""
    plain = _PLAIN_TEMPERATURE[method]
    before = probability_figures(truth, softmax(found.scores / plain))
    report: dict[str, Any] = {"rows": len(truth), "before": before.to_json(), "after": None}
    if len(truth) < FEWEST_TO_CALIBRATE:
        note = (
            f"probabilities are not calibrated: {len(truth)} texts are too few "
            f"({FEWEST_TO_CALIBRATE} are needed)"
        )
        return _Calibration(plain, {**report, "temperature": plain}, note)
    after = probability_figures(truth, softmax(scaled_per_fold(found.scores, truth, rows)))
    report["after"] = after.to_json()
    errors = f"{before.calibration_error:.3f} before, {after.calibration_error:.3f} after"
    losses = f"log loss {before.log_loss:.3f} before, {after.log_loss:.3f} after"
    if after.log_loss < before.log_loss:
        temperature = fit_temperature(found.final_scores, truth)
        note = f"probabilities are calibrated: expected calibration error {errors}; {losses}"
    else:
        temperature = plain
        note = f"probabilities are as fitted, since calibrating did not improve them: {losses}"
    return _Calibration(temperature, {**report, "temperature": temperature}, note)


def _report(
    examples: _Examples, predicted: Numbers, others: dict[str, Numbers], seed: int
) -> dict[str, Any]:
    truth, count = examples.truth, len(examples.names)
    systems, differences, notes = {}, {}, []
    for name, numbers in {"classifier": predicted, **others}.items():
        intervals = classification_intervals(truth, numbers, count, seed=seed)
        systems[name] = {figure: asdict(interval) for figure, interval in intervals.items()}
    for name in ("head_alone", "tfidf"):
        if name in others:
            found = classification_differences(truth, predicted, others[name], count, seed=seed)
            differences[f"classifier_minus_{name}"] = {k: asdict(v) for k, v in found.items()}
            notes.append(_comparison(name, found["accuracy"].low, found["accuracy"].high))
    if "tfidf" not in others:
        notes.append("the texts have no words that TF-IDF could count")
    confusion = confusion_matrix(truth, predicted, count)
    per_label = label_figures(confusion, examples.names)
    return {
        "texts": len(truth),
        "labels": {figures.label: figures.support for figures in per_label},
        "systems": systems,
        "differences": differences,
        "per_label": [asdict(figures) for figures in per_label],
        "notes": notes,
    }


def _comparison(name: str, low: float, high: float) -> str:
    other = {"tfidf": "TF-IDF with logistic regression", "head_alone": "the model as it was"}[name]
    between = f"the difference in accuracy is between {low:+.3f} and {high:+.3f}"
    if low > 0:
        return f"better than {other}: {between}"
    if high < 0:
        return f"{other} is better, and should be used instead: {between}"
    return f"not shown to be better than {other}: {between}"
