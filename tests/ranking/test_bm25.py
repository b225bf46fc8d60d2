from __future__ import annotations

import json
import logging
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import pytest
import Stemmer
from hypothesis import given
from hypothesis import strategies as st

from sentune.errors import DataError, MissingExtraError
from sentune.evaluation.retrieval import question_metrics
from sentune.ranking.bm25 import BM25, stemmed_words
from sentune.ranking.rank import rank

GOVERNANCE = Path(__file__).parents[3] / "shared/data/governance"

PASSAGES = [
    "The committee reviews every risk of the system.",
    "Risky systems are reviewed by committees, and risks are listed.",
    "Bananas ripen in the sun.",
]


def test_shared_words_score_and_others_do_not() -> None:
    scores = BM25(PASSAGES).scores(
        ["Which risks does the committee review?", "How do bananas ripen"]
    )
    assert scores.shape == (2, 3)
    assert scores.dtype == np.float32
    assert (scores[0, :2] > 0).all()
    assert scores[0, 2] == 0
    assert scores[1].argmax() == 2
    assert (scores[1, :2] == 0).all()


def test_words_are_matched_by_their_stems() -> None:
    assert BM25(["he runs daily", "she sleeps"]).scores(["running"])[0].tolist()[0] > 0


@given(st.lists(st.text(max_size=60), max_size=4))
def test_words_are_those_of_bm25s(drawn: list[str]) -> None:
    texts = [*PASSAGES, *drawn, "", "Über naïve İstanbul's 3rd re-run, x_y and the DON'T of 42"]
    expected: Any = bm25s.tokenize(
        texts,
        stopwords="english_plus",
        stemmer=Stemmer.Stemmer("english"),
        return_ids=False,
        show_progress=False,
    )
    assert stemmed_words(texts) == expected


def test_stopwords_do_not_count() -> None:
    assert not BM25(PASSAGES).scores(["what is the, and how are we?"]).any()


def test_value_by_hand() -> None:
    # Lucene's BM25: idf · tf / (tf + k1 · (1 − b + b · length / mean length)).
    scores = BM25(["apple apple pear", "pear plum", "plum"]).scores(["apple", "apple apple"])
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    expected = idf * 2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2))
    assert scores[0].tolist() == pytest.approx([expected, 0, 0], rel=1e-6)
    assert scores[1].tolist() == pytest.approx([2 * expected, 0, 0], rel=1e-6)


@pytest.mark.parametrize("question", ["", "?!", "the", "zebra", "x", "\ud800", "日本語"])
def test_a_question_without_known_words_scores_zero(question: str) -> None:
    assert BM25(PASSAGES).scores([question]).tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("passages", [[""], ["", "the"], ["?", "a", "!"]])
def test_a_corpus_without_words_scores_zero(passages: list[str]) -> None:
    assert BM25(passages).scores(["a word"]).tolist() == [[0.0] * len(passages)]


def test_an_empty_passage_among_others() -> None:
    assert BM25(["", "word here"]).scores(["word"])[0].tolist()[0] == 0


def test_a_single_passage() -> None:
    scores = BM25(["the only passage"]).scores(["only passages", "other"])
    assert scores[0, 0] > 0
    assert scores[1, 0] == 0


def test_no_questions() -> None:
    assert BM25(PASSAGES).scores([]).shape == (0, 3)


def test_no_passages_are_refused() -> None:
    with pytest.raises(DataError, match="at least one passage"):
        BM25([])


def test_a_question_scores_the_same_alone_and_among_others() -> None:
    bm25 = BM25(PASSAGES)
    questions = ["risk of systems", "banana", "committee"]
    together = bm25.scores(questions)
    for row, question in enumerate(questions):
        assert bm25.scores([question])[0].tolist() == together[row].tolist()


def test_nothing_is_printed_or_logged(capfd: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        BM25(PASSAGES * 50).scores(["risk", ""])
    finally:
        root.removeHandler(handler)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_the_same_bits_under_every_hash_seed() -> None:
    code = (
        "from sentune.ranking.bm25 import BM25\n"
        f"bm25 = BM25({PASSAGES!r})\n"
        "print(bm25.scores(['Which risks does the committee of the system review and list?'])"
        ".tobytes().hex())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize(("module", "package"), [("bm25s", "bm25s"), ("Stemmer", "PyStemmer")])
def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, module: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"'{package}'.*sentune\[evaluate\]"):
        BM25(PASSAGES)


def test_a_broken_package_keeps_its_own_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bm25s.py").write_text("import no_such_package")
    monkeypatch.delitem(sys.modules, "bm25s", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package") as caught:
        BM25(PASSAGES)
    assert not isinstance(caught.value, MissingExtraError)


@pytest.mark.skipif(not GOVERNANCE.is_dir(), reason="needs the governance questions")
def test_as_good_on_real_questions_as_measured_before() -> None:
    parts = [
        json.loads((GOVERNANCE / f"governance600-{part}.json").read_text(encoding="utf-8"))
        for part in ("valid", "train")
    ]
    passages = list(dict.fromkeys(text for part in parts for text in part["corpus"].values()))
    positions = {text: position for position, text in enumerate(passages)}
    valid = parts[0]
    relevant = [
        frozenset(positions[valid["corpus"][name]] for name in valid["relevant_contexts"][key])
        for key in valid["questions"]
    ]
    ranking = rank(BM25(passages).scores(list(valid["questions"].values())))
    assert 0.89 < question_metrics(ranking, relevant)["ndcg@10"].mean() < 0.94
