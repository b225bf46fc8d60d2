"""What the late stage compared, beside its own score."""

from __future__ import annotations

import numpy as np
import pytest
from tests.serving.running import Running

from sentune import SentenceTransformer
from sentune.ranking.late_interaction import late_scores
from sentune.ranking.token_vectors import passage_tokens, question_tokens
from sentune.serving.explained import explained

TEXT = "Copy a file with shutil.copy."


def test_the_parts_make_up_the_score(server: Running, served_model: SentenceTransformer) -> None:
    found = server.post("/explain", {"query": "copy the file", "text": TEXT}).body
    parts = [each["weight"] * each["similarity"] for each in found["tokens"]]
    tokens = served_model.tokenizer(["copy the file"])[0][0]
    assert sum(parts) / (len(tokens) - 2) == pytest.approx(found["score"], abs=1e-3)
    assert {each["token"] for each in found["tokens"]} <= {"copy", "file", "c", "opy"}
    assert all(each["nearest"] in TEXT for each in found["tokens"])


def test_of_a_passage(server: Running) -> None:
    found = server.post("/explain", {"query": "copy the file", "source": "", "id": "a"}).body
    alone = server.post("/explain", {"query": "copy the file", "text": TEXT}).body
    assert found == {**alone, "piece": TEXT, "piece_number": 1, "pieces": 1}
    for wrong in ({}, {"source": "", "id": "a", "text": TEXT}, {"id": "a"}):
        assert server.post("/explain", {"query": "copy", **wrong}).status == 422
    assert server.post("/explain", {"query": "copy", "source": "", "id": "z"}).status == 400


def test_the_score_is_that_of_the_late_stage(tiny: SentenceTransformer) -> None:
    query = "copy a file quickly"
    found = explained(tiny, query, TEXT, lambda word: float(len(word)))
    expected = late_scores(tiny, query, [TEXT], lambda word: float(len(word)))
    np.testing.assert_allclose(found["score"], expected[0, 0], atol=1e-4)


def test_tokens_are_named_by_their_place(tiny: SentenceTransformer) -> None:
    query, vocabulary = "copy a file quickly", tiny.tokenizer.vocabulary()
    (asked,) = question_tokens(tiny, [query], lambda _: 1.0)
    ((known,),) = passage_tokens(tiny, [TEXT])
    names = []
    for text, prompt, count in (
        (query, tiny.query_prompt, len(asked)),
        (TEXT, tiny.document_prompt, len(known)),
    ):
        ids = tiny.tokenizer([prompt + text])[0][0][-count - 1 : -1]
        names.append([vocabulary[each].removeprefix("##") for each in ids])
    best = (asked @ known.T).argmax(axis=1)
    expected = [
        (names[0][row], names[1][place])
        for row, place in enumerate(best.tolist())
        if np.linalg.norm(asked[row]) > 0
    ]
    found = explained(tiny, query, TEXT, lambda _: 1.0)["tokens"]
    assert [(each["token"], each["nearest"].lower()) for each in found] == expected


def test_a_text_without_tokens(tiny: SentenceTransformer) -> None:
    assert explained(tiny, "copy", " ", lambda _: 1.0) == {"score": 0.0, "tokens": []}
