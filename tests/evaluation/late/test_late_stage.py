"""The late stage measured, beside the same written out with whole matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sentune import SentenceTransformer
from sentune.evaluation.late import late_scores
from sentune.evaluation.late.late_scores import LateScores
from sentune.evaluation.late.late_stage import LATE_DEPTHS, choose_late
from sentune.evaluation.report import LateStage, Report
from sentune.evaluation.retrieval import RetrievalTask, question_metrics
from sentune.evaluation.systems import evaluate_models, evaluate_systems
from sentune.evaluation.tables import report_markdown
from sentune.evaluation.weights import WEIGHTS, weight_curves
from sentune.ranking import blocks
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import dense_candidates, fuse, word_candidates
from sentune.ranking.late_interaction import LATE_DEPTH, LATE_WEIGHT, LateChoice, max_sim
from sentune.ranking.token_vectors import passage_tokens, question_tokens
from sentune.ranking.token_weights import Idf
from sentune.search import PassageSearch

Matrix = NDArray[Any]
_METRIC = "ndcg@10"


@pytest.fixture(scope="module")
def task(real_texts: list[str]) -> RetrievalTask:
    """Words from the middle of a passage ask for it; two questions on each are a group."""
    passages = list(dict.fromkeys(text for text in real_texts if len(text.split()) > 12))[:70]
    asked = np.arange(48) // 2
    return RetrievalTask(
        questions=[
            " ".join(passages[place].split()[2 + row % 2 * 4 : 8 + row % 2 * 4])
            for row, place in enumerate(asked)
        ],
        passages=passages,
        relevant=[frozenset({int(place)}) for place in asked],
        groups=asked * 2 + 1,
    )


@pytest.fixture(scope="module")
def cut(tiny: SentenceTransformer, task: RetrievalTask) -> list[list[str]]:
    """The pieces of each passage; few passages have only one."""
    found = [tiny.tokenizer.pieces(text, 46) for text in task.passages]
    assert sum(map(len, found)) > 3 * len(found)
    return found


@pytest.fixture(scope="module")
def parts(
    tiny: SentenceTransformer, task: RetrievalTask, cut: list[list[str]]
) -> tuple[Matrix, Matrix, Matrix]:
    """Similarities, BM25 scores and MaxSim of everything with everything: (Q, P) each."""
    return parts_of(tiny, task, cut)


def parts_of(
    model: SentenceTransformer, task: RetrievalTask, cut: list[list[str]]
) -> tuple[Matrix, Matrix, Matrix]:
    """A passage has the best scores of its pieces, and the MaxSim of one of them.

    That is the best one by words, and the most similar one where no word is shared.
    """
    texts = [piece for own in cut for piece in own]
    ends = np.cumsum([len(own) for own in cut])
    dense = np.asarray(
        model.similarity(model.encode_query(task.questions), model.encode_document(texts))
    )
    by_words = BM25(texts)
    words = by_words.scores(task.questions)
    late = max_sim_of(model, task.questions, texts, by_words.idf)
    best = np.empty((3, len(dense), len(cut)))
    for number, end in enumerate(ends):
        own = slice(end - len(cut[number]), end)
        best[0, :, number] = dense[:, own].max(axis=1)
        best[1, :, number] = words[:, own].max(axis=1)
        for row in range(len(dense)):
            scores = words[row, own] if words[row, own].any() else dense[row, own]
            best[2, row, number] = late[row, own][int(np.argmax(scores))]
    return best[0].astype(np.float32), best[1], best[2]


def max_sim_of(
    model: SentenceTransformer, questions: list[str], texts: list[str], idf: Idf
) -> Matrix:
    tokens = [one for block in passage_tokens(model, texts) for one in block]
    return max_sim(question_tokens(model, questions, idf), tokens)


def ranked(parts: tuple[Matrix, Matrix, Matrix], share: float, late: LateChoice) -> Any:
    """The ranking written out: one question after the other."""
    dense, words, tokens = parts
    fused = fuse(dense_candidates(dense), word_candidates(words), share)
    rows = []
    for scores, compared in zip(fused, tokens, strict=True):
        order = np.argsort(-scores, kind="stable")
        first = order[: late.depth]
        shares = (1 - late.weight) * standardised(scores[first])
        shares += late.weight * standardised(compared[first])
        again = np.argsort(-shares, kind="stable")
        rows.append([*first[again], *order[late.depth :]])
    return np.array(rows)[:, :100]


def standardised(values: Matrix) -> Matrix:
    z: Matrix = (values - values.mean()) / values.std()
    return z


@pytest.mark.parametrize("late", [LateChoice(0.4, 7), LateChoice(1.0, 50), LateChoice(0.0, 20)])
@pytest.mark.parametrize("small", [False, True])
def test_the_figures_are_those_of_the_ranking_written_out(
    tiny: SentenceTransformer,
    task: RetrievalTask,
    parts: tuple[Matrix, Matrix, Matrix],
    monkeypatch: pytest.MonkeyPatch,
    late: LateChoice,
    small: bool,
) -> None:
    if small:
        monkeypatch.setattr(blocks, "_ELEMENTS", 500)
        monkeypatch.setattr(late_scores, "_QUESTIONS", 3)
    report = evaluate_systems(task, model=tiny, fusion_weight=0.3, late=late)
    expected = question_metrics(ranked(parts, 0.3, late), task.relevant)
    assert report.late == LateStage(late.weight, late.depth, "given")
    for metric, values in expected.items():
        assert report.systems["late"][metric].value == pytest.approx(float(values.mean()))
    change = report.differences["late_minus_fusion"][_METRIC].value
    alone = report.systems["fusion"][_METRIC].value
    assert change == pytest.approx(expected[_METRIC].mean() - alone)
    assert list(report.differences)[-2:] == ["late_minus_fusion", "late_minus_bm25"]


def test_truncated_passages_are_compared_by_what_they_begin_with(
    tiny: SentenceTransformer, task: RetrievalTask
) -> None:
    late = LateChoice(0.6, 15)
    whole = parts_of(tiny, task, [[text] for text in task.passages])
    report = evaluate_systems(task, model=tiny, fusion_weight=0.3, late=late, long_text="truncate")
    for metric, values in question_metrics(ranked(whole, 0.3, late), task.relevant).items():
        assert report.systems["late"][metric].value == pytest.approx(float(values.mean()))


def restless_weight(curve: Matrix) -> float:
    """Another weight for almost every set of questions."""
    return WEIGHTS[int(curve.mean() * 1e4 + 0.3) % len(WEIGHTS)]


def restless_choice(curves: dict[int, Matrix]) -> LateChoice:
    """Another weight and depth for almost every set of questions."""
    digits = int(curves[50].mean() * 1e4 + 0.3)
    return LateChoice(WEIGHTS[digits % len(WEIGHTS)], LATE_DEPTHS[digits % 2])


def test_every_fold_is_measured_with_what_the_others_chose(
    tiny: SentenceTransformer,
    task: RetrievalTask,
    parts: tuple[Matrix, Matrix, Matrix],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sentune.evaluation.weights.best_weight", restless_weight)
    monkeypatch.setattr("sentune.evaluation.late.late_stage.choose_late", restless_choice)
    report = evaluate_systems(task, model=tiny)
    _, members = np.unique(task.groups, return_inverse=True)
    fold_of_group = np.empty(members.max() + 1, dtype=np.int64)
    dealt = np.random.default_rng(0).permutation(len(fold_of_group))
    fold_of_group[dealt] = np.arange(len(fold_of_group)) % 5
    folds = fold_of_group[members]
    fusion = weight_curves(*parts[:2], task.relevant)[_METRIC]
    values, used = np.empty(len(folds)), set()
    for fold in range(5):
        others = folds != fold
        share = restless_weight(fusion[others])
        curves = {
            depth: np.stack(
                [
                    question_metrics(
                        ranked(parts, share, LateChoice(weight, depth)), task.relevant
                    )[_METRIC]
                    for weight in WEIGHTS
                ],
                axis=1,
            )
            for depth in LATE_DEPTHS
        }
        chosen = restless_choice({depth: curve[others] for depth, curve in curves.items()})
        used.add((share, chosen))
        found = curves[chosen.depth][:, WEIGHTS.index(chosen.weight)]
        values[~others] = found[~others]
    assert len(used) > 3
    assert report.late is not None
    assert report.late.weight_from == "cross-fitted"
    assert report.systems["late"][_METRIC].value == pytest.approx(values.mean())


def test_each_piece_is_encoded_once_for_its_tokens(
    tiny: SentenceTransformer,
    task: RetrievalTask,
    cut: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def counted(model: SentenceTransformer, texts: list[str]) -> Any:
        asked.extend(texts)
        return passage_tokens(model, texts)

    monkeypatch.setattr(late_scores, "passage_tokens", counted)
    evaluate_systems(task, model=tiny)
    assert len(asked) == len(set(asked))
    assert set(asked) < {piece for own in cut for piece in own}


def test_scores_of_pairs_in_any_order(tiny: SentenceTransformer, task: RetrievalTask) -> None:
    idf = BM25(task.passages).idf
    every = max_sim_of(tiny, task.questions, task.passages, idf)
    rng = np.random.default_rng(0)
    wanted = [(rng.permutation(48)[:9], rng.integers(0, 70, (9, width))) for width in (1, 4, 11)]
    found = LateScores(tiny, task.questions, task.passages, idf, wanted)
    for questions, passages in wanted:
        expected = every[questions[:, None], passages]
        np.testing.assert_allclose(found.of(questions, passages), expected, atol=1e-5)


def curve(*means: float, questions: int = 50) -> Matrix:
    return np.tile(np.array(means), (questions, 1))


def test_the_weight_is_zero_where_the_late_stage_does_not_help() -> None:
    falling = curve(*(0.8 - 0.01 * step for step in range(11)))
    flat = curve(*[0.8] * 11)
    slightly = curve(0.8, *[0.802] * 10)
    for each in (falling, flat, slightly):
        assert choose_late({20: each, 50: each}) == LateChoice(0.0, 20)


def test_the_weight_and_the_depth_that_help_are_chosen() -> None:
    peak = curve(0.8, 0.81, 0.83, 0.84, 0.83, 0.81, 0.8, 0.8, 0.8, 0.8, 0.8)
    plateau = curve(0.8, 0.81, *[0.82] * 9)
    rising = curve(*(0.8 + 0.002 * step for step in range(11)))
    assert choose_late({20: rising}) == LateChoice(0.9, 20)
    assert choose_late({20: peak}) == LateChoice(0.3, 20)
    assert choose_late({20: plateau}) == LateChoice(LATE_WEIGHT, 20)
    assert choose_late({20: plateau, 50: plateau + 0.004}).depth == 20
    assert choose_late({20: plateau, 50: plateau + 0.006}).depth == 50


def test_one_group_gets_the_usual_weight(tiny: SentenceTransformer, task: RetrievalTask) -> None:
    one = RetrievalTask(
        task.questions[:4], task.passages[:9], [frozenset({0})] * 4, np.zeros(4, dtype=np.int64)
    )
    report = evaluate_systems(one, model=tiny)
    assert report.late == LateStage(LATE_WEIGHT, LATE_DEPTH, "default")


def test_a_model_without_tokens_has_no_late_stage(
    task: RetrievalTask, make_model: Callable[..., Any]
) -> None:
    rng = np.random.default_rng(0)
    texts = [*task.questions, *task.passages]
    fake = make_model({text: rng.normal(size=8).tolist() for text in texts})
    report = evaluate_systems(task, model=fake)
    assert report.late is None
    assert "late" not in report.systems
    assert report.to_json()["late"] is None
    assert "late" not in report_markdown(report)


def test_several_models_have_each_its_own(tiny: SentenceTransformer, task: RetrievalTask) -> None:
    chosen = LateChoice(0.2, 10)
    reports = evaluate_models(task, {"a": tiny, "b": tiny}, lates={"b": chosen})
    assert reports["b"].late == LateStage(0.2, 10, "given")
    assert reports["a"].late is not None
    assert reports["a"].late.weight_from == "cross-fitted"
    assert reports["b"] == evaluate_systems(task, model=tiny, base=tiny, late=chosen)


def test_search_ranks_as_the_evaluation_does(
    tiny: SentenceTransformer, task: RetrievalTask, parts: tuple[Matrix, Matrix, Matrix]
) -> None:
    late = LateChoice(0.6, 15)
    tiny.extras = {"fusion_weight": 0.4, "late_weight": 0.6, "late_depth": 15}
    try:
        search = PassageSearch(tiny, dict(enumerate(task.passages)))  # type: ignore[arg-type]
        assert (search.mode, search.late) == ("late", late)
        for row, expected in list(zip(task.questions, ranked(parts, 0.4, late), strict=True))[:12]:
            hits = search.search(row, top=30)
            assert [hit.id for hit in hits] == expected[:30].tolist()
            scores = [hit.score for hit in hits]
            assert scores == sorted(scores, reverse=True)
    finally:
        tiny.extras = {}


def test_the_mode_overrides_what_is_saved(tiny: SentenceTransformer) -> None:
    passages = {"a": "copy a file", "b": "join a thread"}
    assert PassageSearch(tiny, passages).mode == "dense"
    search = PassageSearch(tiny, passages, mode="late")
    assert (search.mode, search.fusion_weight, search.late) == ("late", 0.5, LateChoice())
    assert {hit.id for hit in search.search("a file")} == {"a", "b"}
    tiny.extras = {"fusion_weight": 0.4, "late_weight": 0.6, "late_depth": 15}
    try:
        assert PassageSearch(tiny, passages, mode="hybrid").mode == "hybrid"
        assert PassageSearch(tiny, passages, fusion_weight=0.5).mode == "hybrid"
    finally:
        tiny.extras = {}


def test_notes_and_saved_weights_follow_from_what_is_shown(
    tiny: SentenceTransformer, task: RetrievalTask
) -> None:
    report = evaluate_systems(task, model=tiny, fusion_weight=0.3, late=LateChoice(0.0, 20))
    (note,) = [note for note in report.to_json()["notes"] if "late stage" in note]
    assert "chose the weight 0 for it" in note
    assert saved(report, 0.6, value=0.02, shown=True) == 0.6
    assert saved(report, 0.6, value=0.02, shown=False) == 0
    assert saved(report, 0.6, value=-0.02, shown=True) == 0


def saved(report: Report, weight: float, *, value: float, shown: bool) -> float:
    """The late weight that a folder keeps, if the difference to the fusion is this."""
    from dataclasses import replace

    found = report.differences["late_minus_fusion"][_METRIC]
    bounds = (value / 2, value * 2) if shown else (-0.1, 0.1)
    changed = replace(
        found, value=value, low=min(bounds), high=max(bounds), p_value=0.01 if shown else 0.5
    )
    differences = {"late_minus_fusion": changed}
    facts = replace(report.facts, differences=differences, late_weight=weight, late_depth=20)
    return float(facts.saved["late_weight"])
