"""Long passages are cut into pieces, and each question is trained on the one that answers it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune.data import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.ranking.bm25 import BM25
from sentune.tuning.passages import cut_passages

COPY = "The function shutil.copy takes the path of a file and makes a copy of that file. "
WAIT = "The method Thread.join blocks the caller until the thread has come to its end. "
LONG = COPY * 8 + WAIT * 8


def pairs_of(**changes: object) -> Pairs:
    values = {
        "questions": {"q1": "how do I copy a file", "q2": "how do I wait for a thread"},
        "passages": {"long": LONG, "short": COPY},
        "relevant": {"q1": ("long",), "q2": ("long", "short")},
        **changes,
    }
    return Pairs(**values)  # type: ignore[arg-type]


def test_each_question_gets_the_piece_that_is_about_it(model: SentenceTransformer) -> None:
    cut = cut_passages(pairs_of(), model, 48)
    rows = list(cut.rows())
    copied, waited = rows[0][1], rows[1][1]
    assert "copy" in copied
    assert "join" not in copied
    assert "join" in waited
    assert "copy" not in waited
    assert rows[2][1] == COPY
    assert cut.notes[-1].startswith("1 passage of more than 48 tokens became ")


def test_the_piece_has_the_greatest_sum_of_z_scores(
    model: SentenceTransformer, real_texts: list[str]
) -> None:
    passages = {f"p{place}": "\n".join(real_texts[place : place + 3]) for place in range(0, 24, 3)}
    questions = {f"q{name}": text.split("\n")[-1] for name, text in passages.items()}
    relevant = {f"q{name}": (name,) for name in passages}
    whole = pairs_of(questions=questions, passages=passages, relevant=relevant)
    cut = cut_passages(whole, model, 40)
    pieces = {name: model.tokenizer.pieces(text, 38) for name, text in passages.items()}
    texts = [piece for found in pieces.values() if len(found) > 1 for piece in found]
    words, vectors, places = BM25(texts), model.encode(texts).astype(np.float64), []
    for key, names in cut.relevant.items():
        cosines, shared = vectors @ model.encode(questions[key]), words.scores([questions[key]])[0]
        rows = (cosines, shared.astype(np.float64))
        total = sum((row - row.mean()) / (row.std() or 1.0) for row in rows)
        own = pieces[key[1:]]
        best = own if len(own) == 1 else sorted(own, key=lambda text: -total[texts.index(text)])
        assert cut.passages[names[0]] == best[0]
        places.append(own.index(best[0]))
    assert len({*places}) > 1


def test_nothing_to_cut_changes_nothing(model: SentenceTransformer) -> None:
    pairs = pairs_of()
    assert cut_passages(pairs, model, 512) is pairs


def test_negatives_and_passages_without_a_question_stay_whole(model: SentenceTransformer) -> None:
    pairs = pairs_of(
        passages={"long": LONG, "short": COPY, "spare": WAIT * 20},
        negatives={"q1": (WAIT * 20,), "q2": (COPY * 20,)},
    )
    cut = cut_passages(pairs, model, 48)
    assert cut.passages["spare"] == WAIT * 20
    assert cut.negatives == pairs.negatives
    assert "long" not in cut.passages


def test_pieces_need_room_beside_the_special_tokens(model: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match="pieces of 2 tokens"):
        cut_passages(pairs_of(), model, 2)


@given(
    words=st.lists(st.sampled_from(["a", "file", "unbelievable", "Thread.join", "naïve", "\n"])),
    most=st.integers(1, 40),
)
def test_pieces_hold_every_token_once_and_are_even(
    words: list[str], most: int, model: SentenceTransformer
) -> None:
    text = " ".join(words)
    pieces = model.tokenizer.pieces(text, most)
    ids = [model.tokenizer([piece])[0][0][1:-1] for piece in pieces]
    assert [one for part in ids for one in part] == model.tokenizer([text])[0][0][1:-1]
    assert all(len(part) <= most for part in ids)
    if most > 8:  # longer than any word: then none is cut, and pieces differ by a word at most
        assert max(map(len, ids)) - min(map(len, ids)) <= 8
        assert "".join("".join(pieces).split()) == "".join(text.split())
