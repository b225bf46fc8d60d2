"""MSEEvaluator, MSEEvaluatorFromDataFrame and TranslationEvaluator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sentune.errors import ArgumentError, DataError
from sentune.evaluation import MSEEvaluator, MSEEvaluatorFromDataFrame, TranslationEvaluator

Any_ = Callable[..., Any]
A, B, C = ([f"{side}{number}" for number in range(12)] for side in "abc")


@pytest.mark.parametrize("truncate_dim", [None, 3])
def test_mse_equals_the_reference(
    reference: Any, make_table: Any_, compare: Any_, truncate_dim: int | None
) -> None:
    model, teacher = make_table(A, B), make_table(A, B, seed=1)
    given = (A, B, teacher, False, 4, "dev", True, truncate_dim)
    found = compare(MSEEvaluator(*given), reference.MSEEvaluator(*given), model, near=1e-4)
    assert found["dev_negative_mse"] < -1


def test_several_languages_equal_the_reference(
    reference: Any, make_table: Any_, compare: Any_
) -> None:
    model, teacher = make_table(A, B, C), make_table(A, B, C, seed=1)
    rows = [{"en": a, "de": b, "fr": c} for a, b, c in zip(A, B, C, strict=True)]
    rows[3]["de"] = ""
    del rows[4]["fr"]
    given = (rows, teacher, [("en", "de"), ("en", "fr")], 8, "dev")
    found = MSEEvaluatorFromDataFrame(*given)
    complete = [row for row in rows if row.get("de") and row.get("fr")]
    assert [len(texts) for _, texts in found.data.values()] == [11, 11]
    given = (complete, *given[1:])
    compare(
        MSEEvaluatorFromDataFrame(*given),
        reference.MSEEvaluatorFromDataFrame(*given),
        model,
        near=1e-4,
    )
    with pytest.raises(DataError, match="'en' and 'xx'"):
        MSEEvaluatorFromDataFrame(complete, teacher, [("en", "xx")])


def test_teachers_that_do_not_fit_are_refused(make_table: Any_) -> None:
    model = make_table(A, B)
    with pytest.raises(ArgumentError, match="teacher_model is None"):
        MSEEvaluator(A, B)
    with pytest.raises(DataError, match="the same number of each"):
        MSEEvaluator(A, B[:3], teacher_model=model)
    with pytest.raises(DataError, match="8 dimensions beside the teacher's 5"):
        MSEEvaluator(A, B, teacher_model=make_table(A, dim=5))(model)


@pytest.mark.parametrize("seed", range(3))
def test_translation_equals_the_reference(
    reference: Any, make_table: Any_, compare: Any_, seed: int
) -> None:
    targets = [*B[:9], "b1", "b2", "b2"]  # another text with the same words is right
    model = make_table(A, B, seed=seed, dim=2)
    given = (A, targets, False, 16, "dev")
    compare(TranslationEvaluator(*given), reference.TranslationEvaluator(*given), model)


def test_wrong_translations_are_printed(
    make_table: Any_, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_table(["x", "y"], ["u", "v"])
    model.vectors = {"x": [1, 0], "y": [1, 1], "u": [1, 0.2], "v": [3, 0]}
    found = TranslationEvaluator(["x", "y"], ["u", "v"], print_wrong_matches=True)(model)
    assert found["src2trg_accuracy"] == 0.0
    printed = capsys.readouterr().out
    assert "source 0: x\n  translation 0 (0.9806): u\n  near 1 (1.0000): v\n" in printed
    with pytest.raises(DataError, match="the same number of each"):
        TranslationEvaluator(["x"], [])
