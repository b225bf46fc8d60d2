"""Classifiers of short texts beside TF-IDF, by the number of labelled texts.

    .venv/bin/python bench/tasks_classification.py

Two sets of real texts, both with labels that people gave: the one-line descriptions of Debian
packages with their section, one package a source (from ``apt-cache dumpavail``; left out where
there is none), and the summaries of the standard library's docstrings with their module. Of each
label 30 texts (a third where there are fewer than 90) are held out; 8, 32 or all others are there
to train on, all with one seed only, since that takes minutes. The strength of the regularisation
is chosen on the training texts, for TF-IDF as for the vectors. Differences are paired over the
held-out texts of all seeds, drawn by text.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from sentune import SentenceTransformer
from sentune.data import python_docs
from sentune.evaluation.significance import paired_difference
from sentune.tasks.classifier import Head, text_vectors
from sentune.tasks.cross_validation import (
    Fold,
    cross_validated,
    fold_rows,
    logistic,
    nearest_centroid,
    tfidf_folds,
)
from sentune.tasks.few_shot import few_shot_model
from sentune.tasks.zero_shot import TEMPLATE, zero_shot

Numbers = NDArray[np.int64]

SEEDS = (0, 1, 2)
SIZES = (8, 32, 0)  # 0: all
HELD_OUT = 30
FEW = 8
SECTIONS = (
    *("admin", "database", "editors", "electronics", "fonts", "games", "graphics", "hamradio"),
    *("mail", "math", "net", "science", "sound", "text", "video", "web"),
)


@dataclass(frozen=True)
class Texts:
    """Labelled texts and what is computed once for all splits."""

    name: str
    texts: list[str]
    names: list[str]
    truth: Numbers
    vectors: NDArray[np.float64]


@dataclass
class Right:
    """Which held-out texts a system got right, over all seeds."""

    rows: list[Numbers] = field(default_factory=list)
    right: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, rows: Numbers, right: NDArray[np.bool_]) -> None:
        """Those of one more seed."""
        self.rows.append(rows)
        self.right.append(right.astype(np.float64))

    def accuracy(self) -> float:
        """The mean over seeds; all hold out equally many."""
        return float(np.concatenate(self.right).mean())

    def minus(self, other: Right) -> str:
        """The paired difference in words."""
        found = paired_difference(
            np.concatenate(self.right), np.concatenate(other.right), np.concatenate(self.rows)
        )
        return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def debian() -> list[tuple[str, str]]:
    """Descriptions and sections of Debian packages, the first of each source."""
    if shutil.which("apt-cache") is None:
        return []
    dump = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=False)
    rows: dict[str, tuple[str, str]] = {}
    fields = re.compile(r"^(Package|Source|Section|Description): (.*)$", re.MULTILINE)
    for block in dump.stdout.split("\n\n"):
        entry: dict[str, str] = dict(fields.findall(block))
        section = entry.get("Section", "").rpartition("/")[2]
        source = entry.get("Source", entry.get("Package", "")).split(" ")[0]
        if section in SECTIONS and "Description" in entry:
            rows.setdefault(source, (entry["Description"], section))
    return list(rows.values())


def docstrings() -> list[tuple[str, str]]:
    """Summaries of docstrings and their modules, of the modules with at least 30."""
    docs = python_docs()
    counts = Counter(docs.module_of.values())
    kept = {name for name, count in counts.items() if count >= 30 and not name.startswith("_")}
    found = ((text, docs.module_of[name]) for name, text in docs.pairs.questions.items())
    return [(text, module) for text, module in found if module in kept]


def prepare(name: str, rows: list[tuple[str, str]], model: SentenceTransformer) -> Texts:
    """Merge repeats and encode."""
    rows = list(dict.fromkeys(rows))
    names = sorted({label for _, label in rows})
    truth = np.array([names.index(label) for _, label in rows], dtype=np.int64)
    texts = [text for text, _ in rows]
    return Texts(name, texts, names, truth, text_vectors(model, texts, ""))


def split(data: Texts, size: int, seed: int) -> tuple[Numbers, Numbers]:
    """Rows to train on and rows held out; the latter do not depend on the size."""
    rng = np.random.default_rng(seed)
    train, test = [], []
    for label in range(len(data.names)):
        rows = rng.permutation(np.flatnonzero(data.truth == label))
        held = min(HELD_OUT, len(rows) // 3)
        test.append(rows[:held])
        train.append(rows[held:][: size or None])
    return np.concatenate(train), np.concatenate(test)


def linear(fit: Any, folds: list[Fold], train: Any, truth: Numbers, test: Any) -> Numbers:
    """Predictions by ``fit``, with the strength that cross-validation chose."""
    weights, intercept = fit(train, truth, cross_validated(folds, truth, fit).strength)
    return np.asarray(Head(weights, intercept).scores(test).argmax(axis=1))


def by_tfidf(data: Texts, train: Numbers, test: Numbers, seed: int) -> Numbers:
    """Predictions of TF-IDF with logistic regression."""
    texts, truth = [data.texts[row] for row in train], data.truth[train]
    folds = tfidf_folds(texts, fold_rows(truth, 5, seed))
    assert folds is not None
    words = TfidfVectorizer(sublinear_tf=True)
    features = words.fit_transform(texts)
    held_out = words.transform([data.texts[row] for row in test])
    weights, intercept = logistic(features, truth, cross_validated(folds, truth, logistic).strength)
    return np.asarray((held_out @ weights.T + intercept).argmax(axis=1))


def by_vectors(fit: Any, vectors: Any, truth: Numbers, test: Any, seed: int) -> Numbers:
    """Predictions of a head on vectors."""
    rows = fold_rows(truth, 5, seed)
    folds = [Fold(vectors[a], vectors[b], a, b) for a, b in rows]
    return linear(fit, folds, vectors, truth, test)


def measured(data: Texts, size: int, model: SentenceTransformer) -> Iterator[tuple[str, Right]]:
    """Every system on every seed."""
    found: dict[str, Right] = {}
    for seed in SEEDS if size else SEEDS[:1]:
        train, test = split(data, size, seed)
        truth, wanted = data.truth[train], data.truth[test]
        vectors = data.vectors[train], truth, data.vectors[test], seed
        predicted = {
            "TF-IDF, logistic": by_tfidf(data, train, test, seed),
            "vectors, logistic": by_vectors(logistic, *vectors),
            "vectors, centroid": by_vectors(nearest_centroid, *vectors),
        }
        if size == FEW:
            texts = [data.texts[row] for row in train]
            started = time.perf_counter()
            tuned = few_shot_model(model, texts, [str(label) for label in truth], seed=seed)
            print(f"  tuned on {len(texts)} texts in {time.perf_counter() - started:.0f} s")
            held_out = text_vectors(tuned, [data.texts[row] for row in test], "")
            new = text_vectors(tuned, texts, ""), truth, held_out, seed
            predicted["few-shot, logistic"] = by_vectors(logistic, *new)
        for name, labels in predicted.items():
            found.setdefault(name, Right()).add(test, labels == wanted)
    yield from found.items()


def report(data: Texts, model: SentenceTransformer) -> None:
    """Print the table of one set."""
    print(f"\n{data.name}: {len(data.texts)} texts, {len(data.names)} labels")
    for template in (TEMPLATE, "{}"):
        best = zero_shot(model, data.texts, data.names, template=template).argmax(axis=1)
        print(f"  zero-shot with {template!r}: accuracy {np.mean(best == data.truth):.3f}")
    for size in SIZES:
        print(f"{size or 'all'} texts a label, {len(SEEDS) if size else 1} seeds")
        systems = dict(measured(data, size, model))
        words, head = systems["TF-IDF, logistic"], systems["vectors, logistic"]
        for name, right in systems.items():
            line = f"  {name:20} {right.accuracy():.3f}"
            if right is not words:
                line += f"  minus TF-IDF {right.minus(words)}"
            if name.startswith("few-shot"):
                line += f"  minus untuned {right.minus(head)}"
            print(line, flush=True)


def main() -> None:
    """Both sets, one after the other."""
    model = SentenceTransformer()
    print(f"{model.base.name}, {model.compute.dtype_name} on {model.device}")
    packages = debian()
    if packages:
        report(prepare("Debian packages by section", packages, model), model)
    else:
        print("Debian packages: left out, since apt-cache has no list of packages here")
    report(prepare("docstrings by module", docstrings(), model), model)
