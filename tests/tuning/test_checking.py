"""What is said of the data before the first step."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sentune.data import Pairs
from sentune.data.pair_files.assembly import PairRow, pairs_of_rows
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.examples import TrainingData
from sentune.tuning import Split, check_data
from sentune.tuning.checking import lonely_batches, what_matters

FILLER = [(f"how is thing {n} done?", f"Thing {n} is done by hand, with care.") for n in range(30)]


def pairs(*rows: tuple[str, str]) -> Pairs:
    return pairs_of_rows((PairRow(question, (passage,)) for question, passage in rows), "x.csv")


def matters(base: Any, *rows: tuple[str, str], measured: int = 30) -> list[str]:
    valid = pairs(*((f"valid {a}", f"valid {b}") for a, b in FILLER[:measured]))
    return what_matters(Split(pairs(*rows), valid, None, ""), base)


def card(folder: Path, language: str, vocabulary: int = 1000) -> Any:
    """A base model whose card names these languages."""
    folder.joinpath("README.md").write_text(f"---\ntags:\n- x\n{language}---\nlanguage: de\n")
    tokenizer = SimpleNamespace(vocabulary_size=vocabulary)
    return SimpleNamespace(base=SimpleNamespace(folder=folder), tokenizer=tokenizer)


def test_usual_pairs_need_no_word(model: SentenceTransformer) -> None:
    assert matters(model, *FILLER) == []


def test_swapped_columns(model: SentenceTransformer) -> None:
    split = Split(pairs(*((b * 3, a) for a, b in FILLER[:20])), pairs(*FILLER[20:]), None, "")
    assert not any("longer" in line for line in what_matters(split, model))
    split = Split(pairs(*((b * 3, a) for a, b in FILLER[:21])), pairs(*FILLER[21:]), None, "")
    found = what_matters(split, model)[0]
    assert found.startswith("21 of 30 questions are longer than their passages: are the columns")


def test_swapped_columns_of_short_answers(model: SentenceTransformer) -> None:
    rows = [(f"by hand {n}", f"how is it {n}?") for n in range(30)]
    found = what_matters(Split(pairs(*rows[:20]), pairs(*rows[20:]), None, ""), model)[0]
    assert found.startswith("30 of 30 passages end in a question mark, and no question does")


def test_placeholders_and_equal_texts(model: SentenceTransformer) -> None:
    rows = [*FILLER, ("what is nan?", "nan"), ("what is it?", "N/A"), ("Same", "same.")]
    missing, same = matters(model, *rows)
    assert missing == (
        "2 texts stand for a missing one ('nan' 1, 'N/A' 1) and are trained on as texts: leave "
        "these rows out"
    )
    assert same == "1 question is the same as its passage: nothing is learnt from that"


def test_cells_of_several_answers_and_tags_of_web_pages(model: SentenceTransformer) -> None:
    rows = [(f"{a} again", f"<p>{b}</p>&nbsp; || no {a}") for a, b in FILLER]
    several, tags = matters(model, *rows)
    assert several.startswith("30 of 60 passages have '||' inside")
    assert tags.startswith("30 of 120 texts hold tags of web pages")
    few = [("what is <p>?", "a || b"), *FILLER]
    assert matters(model, *few) == []


def test_passages_that_are_alike(model: SentenceTransformer) -> None:
    (found,) = matters(model, *FILLER, ("a thing", "It is so."), ("another", "it is  so"))
    assert found.startswith("1 passage repeats another but for case, blanks or punctuation")


GERMAN = [("Wie geht das denn und warum?", "Das ist so, und das wird auch so sein.")]


def test_texts_in_another_language_than_the_base(model: SentenceTransformer) -> None:
    (found,) = matters(
        model, *FILLER, *((f"{a} {n}", f"{b} {n}") for a, b in GERMAN for n in range(9))
    )
    assert "18 of 138 texts are in a language that the base model was not made for" in found
    assert "(German 18; its card says English)" in found
    few = matters(model, *FILLER, *GERMAN)
    assert few == []  # a quotation or two


@pytest.mark.parametrize(
    ("language", "vocabulary", "said"),
    [
        ("language: de\n", 1000, None),
        ("language:\n- en\n- de\n", 1000, None),
        ("language: multilingual\n", 1000, "make sure that the base model knows"),
        ("language: multilingual\n", 250_000, None),
        ("", 250_000, None),
        ("", 30_000, "4 of 4 texts are not in English (German 4): make sure"),
        ("language: ['fr', 'it']\n", 1000, "its card says French and Italian"),
    ],
)
def test_what_the_card_of_the_base_says(
    tmp_path: Path, language: str, vocabulary: int, said: str | None
) -> None:
    base = card(tmp_path, language, vocabulary)
    split = Split(
        pairs(*GERMAN), pairs(("Wo ist das und warum?", "Hier ist es, und da.")), None, ""
    )
    found = [line for line in what_matters(split, base) if "measured" not in line]
    assert len(found) == (said is not None)
    if said:
        assert said in found[0]


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (5, "measured on 5 questions in 5 groups (those that share passages are one group): fewer"),
        (6, None),
    ],
)
def test_how_many_groups_a_verdict_needs(
    model: SentenceTransformer, groups: int, said: str | None
) -> None:
    found = matters(model, *FILLER, measured=groups)
    assert len(found) == (said is not None)
    if said:
        assert said in found[0]


@pytest.mark.parametrize("groups", [6, 29, 30])
def test_a_check_says_what_few_groups_mean(model: SentenceTransformer, groups: int) -> None:
    held = pairs(*((f"how is it {n}?", f"by hand {n}") for n in range(groups)))
    found = check_data(Split(pairs(*FILLER), held, None, ""), model).concerns
    told = "only a large gain can be shown; about 30 groups show more"
    assert any(told in line for line in found) == (groups < 30)


def test_at_most_five_lines(model: SentenceTransformer) -> None:
    rows = [
        ("nan", "nan"),
        ("A", "a"),
        ("It is so, is it not, and so on and on?", "b"),
        ("c c", "B."),
    ]
    rows += [(f"{b} {n}", "?") for n in range(9) for _, b in GERMAN]
    assert len(matters(model, *rows, measured=3)) == 5


# ── batches of one pair ───────────────────────────────────────────────────────────────────────


def lonely(rows: list[tuple[str, str]], tmp_path: Path, **settings: Any) -> str | None:
    chosen = {"per_device_train_batch_size": 4, "batch_sampler": "no_duplicates", **settings}
    arguments = SentenceTransformerTrainingArguments(output_dir=str(tmp_path), **chosen)
    return lonely_batches(TrainingData.of(pairs(*rows)), arguments)


def test_batches_of_one_pair_are_counted(tmp_path: Path) -> None:
    rows = [*FILLER[:4], *((f"question {n}", "nan") for n in range(8))]
    found = lonely(rows, tmp_path)
    assert found is not None
    assert found.startswith("6 of the 8 batches of an epoch hold a single pair")
    assert "one text is in 8 of 12 pairs" in found


@pytest.mark.parametrize("rows", [FILLER[:5], FILLER[:8], [*FILLER[:8], ("again", FILLER[0][1])]])
def test_what_is_left_over_is_no_matter(rows: list[tuple[str, str]], tmp_path: Path) -> None:
    assert lonely(rows, tmp_path) is None


def test_negatives_teach_a_pair_that_is_alone(tmp_path: Path) -> None:
    rows = {"a": ["1", "2"], "b": ["x", "x"], "c": ["n", "m"]}
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path), per_device_train_batch_size=2, batch_sampler="no_duplicates"
    )
    assert lonely_batches(TrainingData.of(rows), arguments) is None


def test_the_whole_check(model: SentenceTransformer) -> None:
    split = Split(pairs(*FILLER[:20]), pairs(*FILLER[20:]), None, "")
    found = check_data(split, model)
    assert (found.data.pairs, found.data.groups, found.measured.questions) == (30, 30, 10)
    assert found.caution is None
    assert found.lengths["questions"].texts == found.lengths["passages"].texts == 30
    assert found.lengths["passages"].beyond == 0
    ids = model.tokenizer([passage for _, passage in FILLER])[0]
    assert found.lengths["passages"].longest == max(map(len, ids))
    long = check_data(Split(pairs(*FILLER, ("q", "word " * 400)), split.valid, None, ""), model)
    assert long.lengths["passages"].beyond == 1
    assert long.lengths["passages"].longest == 402
