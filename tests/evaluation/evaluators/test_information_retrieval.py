from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.evaluation.evaluators.conftest import TableModel

from sentune.errors import ArgumentError, DataError, ModelError
from sentune.evaluation.evaluators import InformationRetrievalEvaluator

MakeModel = Callable[..., Any]
RetrievalCase = tuple[dict[str, str], dict[str, str], dict[str, set[str]], dict[str, list[float]]]


def retrieval_case(
    seed: int, questions: int, passages: int, most_relevant: int, levels: int
) -> RetrievalCase:
    """Vectors on a coarse grid, so that with few ``levels`` scores tie all over the corpus."""
    rng = np.random.default_rng(seed)
    # Ids whose order is not the order of the corpus.
    names = [f"p{number}" for number in rng.permutation(passages)]
    queries = {f"q{number}": f"question {number}" for number in range(questions)}
    corpus = {name: f"passage {name}" for name in names}
    relevant = {
        key: set(rng.choice(names, rng.integers(0, most_relevant + 1), replace=False).tolist())
        for key in queries
    }
    relevant["q0"] = {names[0]}
    vectors = {
        text: (rng.integers(0, levels, 4) + np.eye(4)[0]).tolist()
        for text in (*queries.values(), *corpus.values())
    }
    return queries, corpus, relevant, vectors


@pytest.mark.parametrize("function", ["cosine", "dot"])
@pytest.mark.parametrize(
    "case",
    [
        (1, 30, 200, 3, 6),  # ties here and there
        (2, 30, 250, 5, 2),  # ties everywhere, also at the cut after 100
        (3, 20, 150, 140, 3),  # more relevant passages than any cutoff
        (4, 20, 6, 3, 3),  # cutoffs larger than the corpus
        (5, 1, 1, 1, 2),
    ],
)
def test_retrieval_equals_the_reference(
    reference: Any,
    make_model: MakeModel,
    case: tuple[int, int, int, int, int],
    function: str,
) -> None:
    queries, corpus, relevant, vectors = retrieval_case(*case)
    model = make_model(vectors, function)
    expected = reference.InformationRetrievalEvaluator(queries, corpus, relevant, name="held-out")
    ours = InformationRetrievalEvaluator(queries, corpus, relevant, name="held-out")
    theirs = expected(model)
    measured = ours(model)
    assert measured.keys() == theirs.keys()
    assert measured == pytest.approx({key: float(value) for key, value in theirs.items()})
    assert ours.primary_metric == expected.primary_metric == f"held-out_{function}_ndcg@10"


@pytest.mark.parametrize("levels", [2, 6])
@pytest.mark.parametrize("main", [None, "dot", "euclidean"])
def test_score_functions_equal_the_reference(
    reference: Any, compare: Callable[..., Any], levels: int, main: str | None
) -> None:
    from sentence_transformers.util import cos_sim, dot_score

    queries, corpus, relevant, vectors = retrieval_case(3, 20, 150, 4, levels)
    options: dict[str, Any] = {
        "score_functions": {"cos_sim": cos_sim, "dot": dot_score},
        "main_score_function": main,
        "corpus_chunk_size": 40,
        "name": "dev",
    }
    compare(
        InformationRetrievalEvaluator(queries, corpus, relevant, **options),
        reference.InformationRetrievalEvaluator(queries, corpus, relevant, **options),
        TableModel(vectors),
    )


def test_arguments_by_place(reference: Any, compare: Callable[..., Any], tmp_path: Path) -> None:
    queries, corpus, relevant, vectors = retrieval_case(3, 20, 150, 4, 6)
    kind = reference.SimilarityFunction
    cutoffs = ([2], [3, 5], [1], [1, 4], [7])
    given = (queries, corpus, relevant, 30, *cutoffs, False, 16, "dev", True, 3, None, kind.COSINE)
    prompts = ("q: ", None, None, "passage")
    model = TableModel(vectors)
    compare(
        InformationRetrievalEvaluator(*given, *prompts, True),
        reference.InformationRetrievalEvaluator(*given, *prompts, True),
        model,
    )
    queried = [options for options in model.options if options.get("prompt") == "q: "]
    assert len(queried) == 4
    assert all(options["truncate_dim"] == 3 for options in model.options)
    name = "Information-Retrieval_evaluation_dev_predictions_cosine.jsonl"
    ours, theirs = (
        [json.loads(line) for line in (tmp_path / side / name).read_text().splitlines()]
        for side in ("ours", "theirs")
    )
    assert len(ours) == len(theirs) > 10
    for one, other in zip(ours, theirs, strict=True):
        scores = [[hit.pop("score") for hit in line["results"]] for line in (one, other)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-6)
        assert one == other


def test_functions_that_are_none_are_refused(make_model: MakeModel) -> None:
    given = ({"a": "A"}, {"p": "P"}, {"a": {"p"}})
    for wrong in ("cosine", {"cosine": "cosine"}):
        with pytest.raises(ArgumentError, match="score_functions"):
            InformationRetrievalEvaluator(*given, score_functions=wrong)  # type: ignore[arg-type]
    flat = InformationRetrievalEvaluator(*given, score_functions={"x": lambda q, p: (q * p).sum(1)})
    with pytest.raises(ArgumentError, match=r"shape \(1,\): expected \(1, 1\)"):
        flat(make_model({"A": [1, 0], "P": [0, 1]}))


@pytest.mark.parametrize("chunk", [1, 7, 50, 199, 200])
@pytest.mark.usefixtures("small_blocks")
def test_chunks_of_the_corpus_change_nothing(make_model: MakeModel, chunk: int) -> None:
    queries, corpus, relevant, vectors = retrieval_case(6, 25, 200, 4, 2)
    model = make_model(vectors, "dot")
    whole = InformationRetrievalEvaluator(queries, corpus, relevant)(model)
    cut = InformationRetrievalEvaluator(queries, corpus, relevant, corpus_chunk_size=chunk)(model)
    assert cut == whole


def test_other_cutoffs_equal_the_reference(reference: Any, make_model: MakeModel) -> None:
    queries, corpus, relevant, vectors = retrieval_case(7, 25, 60, 4, 3)
    cutoffs: dict[str, Any] = {
        "mrr_at_k": [1, 20],
        "ndcg_at_k": [3, 50],
        "accuracy_at_k": [2],
        "precision_recall_at_k": [4, 70],
        "map_at_k": [5],
    }
    model = make_model(vectors, "dot")
    expected = reference.InformationRetrievalEvaluator(queries, corpus, relevant, **cutoffs)
    ours = InformationRetrievalEvaluator(queries, corpus, relevant, **cutoffs)
    assert ours(model) == pytest.approx({k: float(v) for k, v in expected(model).items()})
    assert ours.primary_metric == expected.primary_metric == "dot_ndcg@50"


def test_relevant_passages_outside_the_corpus_were_never_found(
    reference: Any, make_model: MakeModel
) -> None:
    queries, corpus, _, vectors = retrieval_case(8, 1, 5, 1, 3)
    relevant = {"q0": {"p0", "gone", "lost"}}
    model = make_model(vectors)
    expected = reference.InformationRetrievalEvaluator(queries, corpus, relevant)(model)
    measured = InformationRetrievalEvaluator(queries, corpus, relevant)(model)
    assert measured == pytest.approx({key: float(value) for key, value in expected.items()})
    assert measured["cosine_recall@10"] == pytest.approx(1 / 3)


def test_queries_without_answers_are_not_even_encoded(make_model: MakeModel) -> None:
    model = make_model({"one": [1, 0], "P": [1, 0]})
    evaluator = InformationRetrievalEvaluator(
        {"a": "one", "b": "two", "c": "three"}, {"p": "P"}, {"a": ["p"], "b": []}
    )
    assert evaluator.primary_metric == "cosine_ndcg@10"
    assert evaluator(model)["cosine_accuracy@1"] == 1.0
    assert model.asked == [("query", ["one"]), ("document", ["P"])]


def test_retrieval_csv_equals_the_reference(
    reference: Any, make_model: MakeModel, tmp_path: Path
) -> None:
    queries, corpus, relevant, vectors = retrieval_case(9, 10, 30, 2, 4)
    model = make_model(vectors)
    tables = []
    for library, folder in ((reference, "theirs"), (None, "ours")):
        kind = library.InformationRetrievalEvaluator if library else InformationRetrievalEvaluator
        evaluator = kind(queries, corpus, relevant, name="dev")
        (tmp_path / folder).mkdir()
        for epoch in (1, 2):
            evaluator(model, str(tmp_path / folder), epoch, 10 * epoch)
        path = tmp_path / folder / "Information-Retrieval_evaluation_dev_results.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            tables.append(list(csv.DictReader(stream)))
    assert len(tables[1]) == 2
    for theirs, ours in zip(*tables, strict=True):
        assert list(ours) == list(theirs)
        assert {key: float(value) for key, value in ours.items()} == pytest.approx(
            {key: float(value) for key, value in theirs.items()}
        )


def test_no_csv_unless_wanted(make_model: MakeModel, tmp_path: Path) -> None:
    queries, corpus, relevant, vectors = retrieval_case(9, 3, 5, 2, 4)
    model = make_model(vectors)
    InformationRetrievalEvaluator(queries, corpus, relevant, write_csv=False)(model, tmp_path)
    InformationRetrievalEvaluator(queries, corpus, relevant)(model)
    assert list(tmp_path.iterdir()) == []
    InformationRetrievalEvaluator(queries, corpus, relevant)(model, tmp_path / "new" / "folder")
    names = [path.name for path in (tmp_path / "new" / "folder").iterdir()]
    assert names == ["Information-Retrieval_evaluation_results.csv"]


def test_a_diverged_model_is_named(make_model: MakeModel) -> None:
    model = make_model({"one": [1, 0], "P": [np.nan, 0]})
    with pytest.raises(ModelError, match="similarities are not finite"):
        InformationRetrievalEvaluator({"a": "one"}, {"p": "P"}, {"a": ["p"]})(model)


@pytest.mark.parametrize(
    ("queries", "corpus", "relevant"),
    [
        ({"a": "A"}, {"p": "P"}, {"other": {"p"}}),
        ({}, {"p": "P"}, {}),
        ({"a": "A"}, {}, {"a": {"p"}}),
    ],
)
def test_nothing_to_rank_is_refused(
    queries: dict[str, str], corpus: dict[str, str], relevant: dict[str, set[str]]
) -> None:
    with pytest.raises(DataError, match="at least one of each"):
        InformationRetrievalEvaluator(queries, corpus, relevant)


@pytest.mark.parametrize("wrong", [{"mrr_at_k": [0]}, {"corpus_chunk_size": 0}, {"ndcg_at_k": []}])
def test_unusable_cutoffs_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="at least 1"):
        InformationRetrievalEvaluator({"a": "A"}, {"p": "P"}, {"a": {"p"}}, **wrong)
