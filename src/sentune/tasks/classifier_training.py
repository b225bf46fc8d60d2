"""Labelled texts in, a classifier and its measured quality out."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_choice
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import DataError
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
    cross_validated,
    fold_rows,
    logistic,
    nearest_centroid,
    scaled_per_fold,
    tfidf_folds,
)
from sentune.tasks.few_shot import few_shot_model
from sentune.tasks.scikit_learn import import_extra
from sentune.tokens.prompts import choose_prompt
from sentune.wording import agreeing, counted

__all__ = ["require_trainable", "train_classifier"]

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_FITS = {"logistic": logistic, "centroid": nearest_centroid}
_FEWEST_TO_CALIBRATE = 50  # out-of-fold rows, for one number
_FOLDS, _FEW_SHOT_FOLDS = 5, 3
# Without calibration. For centroids it is small: distances between unit vectors differ by little.
_PLAIN_TEMPERATURE = {"logistic": 1.0, "centroid": 0.05}


@dataclass(frozen=True, slots=True)
class _Examples:
    texts: list[str]
    names: tuple[str, ...]
    truth: Numbers
    notes: list[str]


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
    """Train a classifier, and measure it by cross-validation beside simple baselines.

    All figures come from texts that the measured classifier was not trained on: 5 stratified
    folds (fewer where a label has fewer texts). The regularisation of each fold (C from 1, 10,
    …, 10,000, by log loss) and its temperature are chosen on the other folds. A text that occurs
    twice with the same label counts once; otherwise it could be trained on and predicted.

    With ``few_shot`` the model is tuned four times: once on all texts, and once for each of 3 folds
    without the texts of the fold, so that no figure comes from texts that the model was tuned on.

    >>> from sentune import SentenceTransformer
    >>> from sentune.tasks.classifier_training import train_classifier
    >>> texts = ["She scored twice.", "The team won.", "Bake the bread.", "Boil the rice."]
    >>> labels = ["sport", "sport", "food", "food"]
    >>> classifier = train_classifier(SentenceTransformer("all-MiniLM-L6-v2"), texts, labels)
    >>> classifier.predict(["Fry the fish in oil."])[0].label
    'food'

    Cost: encoding every text once, then 5 × 2 to 5 × 5 logistic regressions, and as many on TF-IDF.

    Args:
        model: gives the vectors; its prompt named ``classification`` is used if there is one, else
            its default prompt.
        labels: one for each text; at least two different ones, each with two different texts.
        method: ``logistic`` (regression), or (nearest) ``centroid``.
        few_shot: tune a copy of the model first; see :mod:`sentune.tasks.few_shot`.
        seed: for the folds, the tuning and the resampling.

    Raises:
        DataError: fewer than two labels, a label with a single text, a row without a label.
        ArgumentError: an unknown method; a value that is not a text, with its position.
        MissingExtraError: the extra ``tasks`` (with ``few_shot`` also ``train``) is not installed.
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

    kept, vectors, folds = model, plain, [Fold.of(plain, split) for split in rows]
    head_alone = None
    if few_shot:
        head_alone = folds
        folds = [
            Fold.of(text_vectors(tuned(split[0]), examples.texts, prompt), split) for split in rows
        ]
        kept = tuned(np.arange(len(examples.texts)))
        vectors = text_vectors(kept, examples.texts, prompt)
    systems = _systems(examples, rows, folds, head_alone, method, show=show_progress_bar)
    found = systems.pop("classifier")
    calibration, note = _calibrate(found, examples.truth, rows, method)
    weights, intercept = _FITS[method](vectors, examples.truth, found.strength)
    predictions = {name: system.scores.argmax(axis=1) for name, system in systems.items()}
    predictions["majority"] = _majority(examples.truth, rows)
    report = _report(examples, found.scores.argmax(axis=1), predictions, seed) | {
        "method": method,
        "few_shot": few_shot,
        "folds": len(rows),
        "seed": seed,
        "strength": found.strength if method == "logistic" else None,
        "calibration": calibration,
    }
    report["notes"] += [note, *examples.notes]
    head = Head(np.asarray(weights), intercept, calibration["temperature"])
    return TextClassifier(kept, examples.names, head, method, prompt, report)


def require_trainable(
    texts: Sequence[str], labels: Sequence[str], *, method: str = "logistic", few_shot: bool = False
) -> None:
    """Raise the errors of :func:`train_classifier` before a model is loaded."""
    require_choice("method", method, tuple(_FITS), fix="use logistic")
    _examples(texts, labels)
    import_extra("sklearn")
    if few_shot:
        importlib.import_module("sentune.training.arguments")  # needs the extra `train`


def _examples(texts: Sequence[str], labels: Sequence[str]) -> _Examples:
    require_labels(texts, labels)
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            given = f"the text at position {position} is {text!r}"
            raise DataError(given, expected="a text", fix="leave it out")
    rows = list(dict.fromkeys(zip(texts, labels, strict=True)))
    counts = Counter(label for _, label in rows)
    if len(counts) < 2:
        raise DataError(
            f"{counted(len(rows), 'labelled text')} with {counted(len(counts), 'label')}",
            expected="at least two different labels",
            fix="add texts of another label",
        )
    alone = [label for label, count in counts.items() if count < 2]
    if alone:
        shown = ", ".join(map(repr, alone[:3])) + f" and {len(alone) - 3} more" * (len(alone) > 3)
        raise DataError(
            f"a single text for the label {shown}",
            expected="at least two different texts of each label, one to train and one to test on",
            fix="add texts of this label, or leave it out",
        )
    notes = []
    if repeated := len(texts) - len(rows):
        notes.append(f"{counted(repeated, 'repeated row')} {agreeing(repeated, 'was')} left out")
    if disputed := len(rows) - len({text for text, _ in rows}):
        notes.append(f"{counted(disputed, 'text')} {agreeing(disputed, 'has')} more than one label")
    names = tuple(sorted(counts))
    truth = np.array([names.index(label) for _, label in rows], dtype=np.int64)
    return _Examples([text for text, _ in rows], names, truth, notes)


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
) -> tuple[dict[str, Any], str]:
    """Fit a temperature; keep it if temperatures fitted on other folds lower the log loss.

    Returns the report, with the temperature, and a note.
    """
    plain = _PLAIN_TEMPERATURE[method]
    before = probability_figures(truth, softmax(found.scores / plain))
    report: dict[str, Any] = {
        "rows": len(truth),
        "before": asdict(before),
        "after": None,
        "temperature": plain,
    }
    if len(truth) < _FEWEST_TO_CALIBRATE:
        note = (
            f"probabilities are not calibrated: {len(truth)} texts are too few "
            f"({_FEWEST_TO_CALIBRATE} are needed)"
        )
        return report, note
    after = probability_figures(truth, softmax(scaled_per_fold(found.scores, truth, rows)))
    report["after"] = asdict(after)
    errors = f"{before.calibration_error:.3f} before, {after.calibration_error:.3f} after"
    losses = f"log loss {before.log_loss:.3f} before, {after.log_loss:.3f} after"
    if after.log_loss < before.log_loss:
        report["temperature"] = fit_temperature(found.final_scores, truth)
        note = f"probabilities are calibrated: expected calibration error {errors}; {losses}"
    else:
        note = f"probabilities are not calibrated, because that did not improve them: {losses}"
    return report, note


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
        notes.append("no comparison with TF-IDF: the texts have no words")
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
