"""Mining beside what its docstring says, computed in float64 question by question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.remembered import remember

from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, DataError, ModelError
from sentune.ranking.bm25 import BM25
from sentune.training.mining import mine
from sentune.training.mining.mine import Mined, mine_hard_negatives
from sentune.training.mining.settings import MiningOptions, MiningSettings

Matrix = NDArray[np.float64]


@pytest.fixture(scope="module", autouse=True)
def _encoded_once(model: SentenceTransformer) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        remember(model, patch)
        yield


@pytest.fixture(scope="module")
def pairs(real_texts: list[str]) -> Pairs:
    """Real texts: the first words ask for the whole; some ask for two, one text stands twice."""
    cut = (" ".join(text.split()[:25]) for text in real_texts if len(text.split()) > 12)
    texts = list(dict.fromkeys(cut))[:160]
    passages = {f"p{number}": text for number, text in enumerate(texts)}
    questions = {f"q{n}": " ".join(texts[n].split()[3:9]) + f" ({n})" for n in range(90)}
    relevant: dict[str, tuple[str, ...]] = {f"q{n}": (f"p{n}",) for n in range(90)}
    relevant |= {f"q{n}": (f"p{n}", f"p{n + 30}") for n in range(5)}
    passages["again"] = texts[7] + " ."
    return Pairs(questions, passages, relevant, negatives={"q3": (texts[100], "not in the corpus")})


@pytest.fixture(scope="module")
def scores(pairs: Pairs, model: SentenceTransformer) -> tuple[Matrix, Matrix]:
    """Cosines of questions to passages, and among passages."""
    questions = model.encode_query(list(pairs.questions.values())).astype(np.float64)
    passages = model.encode_document(list(pairs.passages.values())).astype(np.float64)
    return questions @ passages.T, passages @ passages.T


def expected(
    pairs: Pairs, scores: tuple[Matrix, Matrix], **given: Any
) -> tuple[dict[str, list[str]], Counter[str]]:
    """The documented rules one after another, on Python lists."""
    ids, names = list(pairs.passages), {key: n for n, key in enumerate(pairs.passages)}
    found, left_out = {}, Counter[str]()
    for row, (key, relevant) in enumerate(pairs.relevant.items()):
        of = scores[0][row]
        lowest = min(of[names[name]] for name in relevant)
        shared = {
            other
            for answers in pairs.relevant.values()
            if set(answers) & set(relevant)
            for other in answers
        }
        ranked = sorted(
            (
                name
                for name in ids
                if name not in relevant and pairs.passages[name] not in pairs.negatives.get(key, ())
            ),
            key=lambda name: -of[names[name]],
        )[: given.get("range_max")]
        kept = []
        for name in ranked:
            score = of[names[name]]
            guards = {
                "same": max(scores[1][names[other], names[name]] for other in relevant) > 0.95,
                "shared": name in shared,
                "absolute_margin": score > lowest - given.get("absolute_margin", -9),
                "relative_margin": score
                > lowest - abs(lowest) * given.get("relative_margin", 0.05),
                "max_score": score > given.get("max_score", 9),
                "min_score": score < given.get("min_score", -9),
            }
            first = next((guard for guard, out in guards.items() if out), None)
            left_out[first or "kept"] += 1
            if first is None:
                kept.append(name)
        found[key] = [pairs.passages[name] for name in kept[given.get("range_min", 0) :]]
    return found, left_out


def texts(mined: Mined) -> dict[str, list[str]]:
    return {key: [negative.text for negative in found] for key, found in mined.mined.items()}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"num_negatives": 5, "range_min": 2},
        {"range_max": 12, "range_min": 1},
        {"relative_margin": 0.3, "absolute_margin": 0.1},
        {"max_score": 0.4, "min_score": 0.2},
        {"relative_margin": 0.0, "num_negatives": 200},
    ],
)
def test_negatives_and_counts_as_documented(
    pairs: Pairs,
    scores: tuple[Matrix, Matrix],
    model: SentenceTransformer,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, Any],
) -> None:
    monkeypatch.setattr(mine, "_ELEMENTS", 3000)  # 18 questions a block
    mined = mine_hard_negatives(pairs, model, **given)
    wanted, left_out = expected(pairs, scores, **given)
    count = given.get("num_negatives", 3)
    assert texts(mined) == {key: found[:count] for key, found in wanted.items()}
    left_out.pop("kept")
    assert {guard: n for guard, n in mined.left_out.items() if n} == dict(left_out)
    assert mined.short == sum(len(found) < count for found in wanted.values())
    assert mined.negatives == sum(len(found[:count]) for found in wanted.values())
    for row, (key, relevant) in enumerate(pairs.relevant.items()):
        places = [list(pairs.passages).index(name) for name in relevant]
        assert mined.positives[key] == pytest.approx(scores[0][row, places], abs=1e-5)
        for negative in mined.mined[key]:
            place = list(pairs.passages.values()).index(negative.text)
            assert negative.similarity == pytest.approx(scores[0][row, place], abs=1e-5)


def test_the_guards_are_at_work_in_these_pairs(pairs: Pairs, model: SentenceTransformer) -> None:
    """Or the test above would compare nothing."""
    mined = mine_hard_negatives(pairs, model)
    assert mined.left_out["same"] >= 1
    assert mined.left_out["shared"] >= 1
    assert mined.left_out["relative_margin"] > 50
    assert mined.mean_negative is not None
    assert mined.mean_negative < mined.mean_positive


def test_random_draws_from_the_nearest_that_passed(
    pairs: Pairs, scores: tuple[Matrix, Matrix], model: SentenceTransformer
) -> None:
    wanted, _ = expected(pairs, scores, range_min=1)
    draws = [
        texts(mine_hard_negatives(pairs, model, range_min=1, sampling_strategy="random", seed=seed))
        for seed in (0, 0, 1)
    ]
    assert draws[0] == draws[1] != draws[2]
    ranks = Counter[int]()
    for key, found in draws[0].items():
        places = [wanted[key].index(text) for text in found]
        assert places == sorted(set(places))
        assert len(places) == min(3, len(wanted[key]))
        ranks.update(places)
    assert max(ranks) == 29


def test_negatives_that_were_there_come_first_and_are_not_mined_again(
    pairs: Pairs, model: SentenceTransformer
) -> None:
    mined = mine_hard_negatives(pairs, model, num_negatives=40, relative_margin=0.0)
    given = pairs.negatives["q3"]
    assert mined.pairs.negatives["q3"][:2] == given
    assert not set(given) & set(texts(mined)["q3"])
    assert mined.pairs.passages == pairs.passages


def test_a_question_with_too_few_gets_the_rest_at_random(
    pairs: Pairs, scores: tuple[Matrix, Matrix], model: SentenceTransformer
) -> None:
    """One question without a negative would cost all others theirs."""
    mined = mine_hard_negatives(pairs, model, min_score=0.45)
    assert 0 < mined.short < len(pairs.relevant)
    assert mined.drawn == 3 * len(pairs.relevant) - mined.negatives
    assert mined.pairs.negative_count == 3
    for key, negatives in mined.pairs.negatives.items():
        assert len(negatives) == len(set(negatives)) == 3 + len(pairs.negatives.get(key, ()))
        answers = {pairs.passages[name] for name in pairs.relevant[key]}
        assert not answers & set(negatives)
        if "p7" in pairs.relevant[key]:
            assert pairs.passages["again"] not in negatives
    assert mine_hard_negatives(pairs, model, min_score=0.45).pairs == mined.pairs


def test_words_rank_by_bm25_and_guards_by_the_model(
    pairs: Pairs, scores: tuple[Matrix, Matrix], model: SentenceTransformer
) -> None:
    mined = mine_hard_negatives(pairs, model, mode="words", num_negatives=4, max_score=0.5)
    found = BM25(list(pairs.passages.values())).scores(list(pairs.questions.values()))
    numbers = {text: number for number, text in enumerate(pairs.passages.values())}
    names = list(pairs.passages)
    assert mined.negatives > 100
    for row, (key, negatives) in enumerate(mined.mined.items()):
        ranked = found[row, [numbers[negative.text] for negative in negatives]].tolist()
        assert ranked == sorted(ranked, reverse=True)
        assert all(score > 0 for score in ranked)
        lowest = min(scores[0][row, names.index(name)] for name in pairs.relevant[key])
        chosen = {numbers[negative.text] for negative in negatives}
        for negative in negatives:
            cosine = scores[0][row, numbers[negative.text]]
            assert negative.similarity == pytest.approx(cosine, abs=1e-5)
            assert cosine <= min(0.5, lowest - 0.05 * abs(lowest)) + 1e-5
        better = (
            [
                number
                for number in np.flatnonzero(found[row] > ranked[-1]).tolist()
                if number not in chosen and names[number] not in pairs.relevant[key]
            ]
            if len(ranked) == 4
            else []
        )
        texts_of = list(pairs.passages.values())
        for number in better:  # only a guard leaves a better one out
            assert (
                scores[0][row, number] > min(0.5, lowest - 0.05 * abs(lowest)) - 1e-5
                or max(scores[1][names.index(n), number] for n in pairs.relevant[key]) > 0.95 - 1e-5
                or texts_of[number] in pairs.negatives.get(key, ())
                or any(
                    key_
                    for key_, ns in pairs.relevant.items()
                    if len(ns) > 1 and set(ns) & set(pairs.relevant[key]) and names[number] in ns
                )
            )


def test_hybrid_ranks_by_the_saved_weight(pairs: Pairs, model: SentenceTransformer) -> None:
    """The order of a search: by the model at a weight near 1, by words at one near 0."""
    found = {}
    for weight in (0.001, 0.999):
        model.extras["fusion_weight"] = weight
        try:
            found[weight] = texts(mine_hard_negatives(pairs, model, mode="hybrid"))
        finally:
            del model.extras["fusion_weight"]
    words = texts(mine_hard_negatives(pairs, model, mode="words"))
    dense = texts(mine_hard_negatives(pairs, model))
    assert dense != words
    same = [key for key in dense if found[0.999][key] == dense[key]]
    assert len(same) > 0.9 * len(dense)
    bm25 = BM25(list(pairs.passages.values())).scores(list(pairs.questions.values()))
    numbers = {text: number for number, text in enumerate(pairs.passages.values())}
    full = [(row, key) for row, key in enumerate(words) if len(words[key]) == 3]
    for row, key in full:  # texts of equal scores may change places
        given, wanted = (
            bm25[row, [numbers[text] for text in some[key]]] for some in (found[0.001], words)
        )
        assert given == pytest.approx(wanted, abs=0.02)


def test_nothing_left_to_mine(model: SentenceTransformer) -> None:
    both = Pairs({"q": "a cat"}, {"a": "a cat sleeps", "b": "tax law"}, {"q": ("a", "b")})
    mined = mine_hard_negatives(both, model)
    assert (mined.negatives, mined.drawn, mined.short, mined.mean_negative) == (0, 0, 1, None)
    assert mined.pairs.negatives == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"num_negatives": 0}, "num_negatives is 0"),
        ({"num_negatives": True}, "num_negatives is True"),
        ({"range_min": -1}, "range_min is -1"),
        ({"range_max": 4, "range_min": 2}, "range_max is 4.*at least 5"),
        ({"max_score": float("nan")}, "max_score is nan"),
        ({"min_score": 1.5}, "min_score is 1.5"),
        ({"min_score": 0.5, "max_score": 0.4}, "min_score is 0.5 and max_score is 0.4"),
        ({"absolute_margin": -0.1}, "absolute_margin is -0.1"),
        ({"relative_margin": 5}, "relative_margin is 5"),
        ({"sampling_strategy": "best"}, "sampling_strategy is 'best'.*top, random"),
        ({"seed": -1}, "seed is -1"),
        ({"mode": "bm25"}, "mode is 'bm25'.*dense, words, hybrid"),
    ],
)
def test_settings_out_of_range(
    pairs: Pairs, model: SentenceTransformer, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ArgumentError, match=said):
        mine_hard_negatives(pairs, model, **given)


def test_a_single_passage(pairs: Pairs, model: SentenceTransformer) -> None:
    one = replace(pairs.select(["q9"]), passages={"p9": pairs.passages["p9"]})
    with pytest.raises(DataError, match="1 different passage and 1 question"):
        mine_hard_negatives(one, model)


def test_a_model_that_gives_nan(
    pairs: Pairs, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(inputs: list[str], **_options: Any) -> NDArray[np.float32]:
        return np.full((len(inputs), 32), np.nan, np.float32)

    monkeypatch.setattr(tiny, "encode_document", broken)
    with pytest.raises(ModelError, match="not finite"):
        mine_hard_negatives(pairs, tiny)


def test_an_option_that_does_not_exist_is_refused(pairs: Pairs, model: SentenceTransformer) -> None:
    unknown: Any = {"num_negative": 3}
    with pytest.raises(TypeError, match="num_negative"):
        mine_hard_negatives(pairs, model, **unknown)


def test_every_option_has_a_default() -> None:
    names = [setting.name for setting in fields(MiningSettings)]
    assert names == list(MiningOptions.__annotations__)
    assert MiningSettings(**MiningOptions()) == MiningSettings()


def test_an_unknown_option_is_named_as_python_names_it(model: SentenceTransformer) -> None:
    pairs = Pairs({"q": "a"}, {"p": "b", "n": "c"}, relevant={"q": ("p",)})
    with pytest.raises(TypeError, match=r"^mine_hard_negatives\(\) got .* 'nmu_negatives'$"):
        mine_hard_negatives(pairs, model, nmu_negatives=1)  # type: ignore[call-arg]
