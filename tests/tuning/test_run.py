"""Splitting and the order of the main job, apart from its command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sentune import SentenceTransformer
from sentune.data import Pairs
from sentune.errors import ArgumentError, DataError, OutputError
from sentune.evaluation import Report, evaluate_systems, remarks
from sentune.evaluation.report import read_report
from sentune.evaluation.significance import Difference
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning import Split, Tuned, TuneSettings, read_run_file, read_split, tune
from sentune.tuning.run.measuring import used_in_searches
from sentune.tuning.run.preparing import prepared_pairs

# BM25 finds four of the passages, and two wrong ones.
MEANINGS = [
    ("a feline rests on the sofa", "The cat is sleeping on the sofa."),
    ("a physician examines the ill", "The doctor looks at people who are ill."),
    ("an automobile without fuel or food", "My car is out of petrol."),
    ("an infant is crying", "The baby is crying."),
    ("rainfall tomorrow, says the forecast", "Bring an umbrella, the forecast is wet."),
    ("purchase groceries at a supermarket", "I am buying food at the supermarket."),
    ("pupils and people learn arithmetic", "Children study sums at school."),
    ("a vessel leaves the harbour", "The ship is sailing out of the harbour."),
]


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    lines = (json.dumps({"anchor": anchor, "positive": positive}) for anchor, positive in rows)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def rows(start: int, count: int) -> list[tuple[str, str]]:
    return [(f"question number {i}", f"passage number {i}") for i in range(start, start + count)]


def questions(pairs: Pairs | None) -> set[str]:
    assert pairs is not None
    return set(pairs.questions.values())


def test_without_validation_a_fifth_is_held_out_by_passage(tmp_path: Path) -> None:
    split = read_split(write(tmp_path / "all.jsonl", rows(0, 50)), None, None, 42)
    assert len(split.valid) == 10
    assert len(split.train) == 40
    assert not questions(split.train) & questions(split.valid)
    assert not set(split.train.passages.values()) & set(split.valid.passages.values())
    assert "held out by passage (seed 42)" in split.description
    assert split.test is None


def test_leaked_questions_are_left_out_and_counted(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", rows(0, 10))
    valid = write(tmp_path / "valid.jsonl", rows(8, 10))
    test = write(tmp_path / "test.jsonl", rows(16, 10))
    split = read_split(train, valid, test, 1)
    assert questions(split.valid) == {f"question number {i}" for i in range(10, 18)}
    assert questions(split.test) == {f"question number {i}" for i in range(18, 26)}
    assert any("2 of 10 questions" in note for note in split.valid.notes)


def test_every_passage_known_is_ranked(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", rows(0, 10))
    valid = write(tmp_path / "valid.jsonl", rows(10, 5))
    test = write(tmp_path / "test.jsonl", rows(15, 5))
    split = read_split(train, valid, test, 1)
    assert split.test is not None
    assert len(split.task(split.test).passages) == 20
    assert len(split.task(split.test).questions) == 5


def test_a_test_set_reports_and_validation_chooses(tiny_folder: Path, tmp_path: Path) -> None:
    files = [write(tmp_path / f"{n}.jsonl", rows(n * 20, 20)) for n in range(3)]
    split = read_split(files[0], files[1], files[2], 1)
    tuned = tune(
        split,
        tmp_path / "out",
        TuneSettings(
            base=str(tiny_folder),
            training={"num_train_epochs": 1, "per_device_train_batch_size": 10},
        ),
    )
    assert tuned.report is not None
    assert tuned.report.fusion.weight_from == "given"
    assert tuned.report.questions == 20
    assert tuned.summary["fusion_weight"] == tuned.model.extras["fusion_weight"]
    assert SentenceTransformer(tmp_path / "out").extras == tuned.model.extras


@pytest.mark.parametrize(
    ("long", "recipe"), [(True, "sentences"), (False, "sentences"), (True, "plain")]
)
def test_what_takes_time_before_the_first_step_is_told(
    long: bool, recipe: str, tiny: SentenceTransformer, tmp_path: Path
) -> None:
    asked = [(question, text * (900 if long else 1)) for question, text in rows(0, 5)]
    split = read_split(write(tmp_path / "pairs.jsonl", asked), None, None, 1)
    done: list[str] = []
    told: list[str] = []
    prepared_pairs(split, tiny, TuneSettings(recipe=recipe), done.append, told.append)
    expected = f"preparing {len(split.train)} pairs: long passages are cut"
    assert [line[: len(expected)] for line in told] == [expected] * (long and recipe != "plain")


@pytest.fixture(scope="module")
def discarded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tuned, Report]:
    """A tuning on wrong answers, which is discarded; and what the base model measures."""
    folder = tmp_path_factory.mktemp("discarded")
    wrong = [(f"so: {asked}", MEANINGS[row - 1][1]) for row, (asked, _) in enumerate(MEANINGS)]
    pairs, valid = write(folder / "pairs.jsonl", wrong), write(folder / "valid.jsonl", MEANINGS)
    training = {"num_train_epochs": 5, "per_device_train_batch_size": 8, "learning_rate": 3e-4}
    split = read_split(pairs, valid, None, 1)
    tuned = tune(split, folder / "out", TuneSettings(recipe="plain", training=training))
    return tuned, evaluate_systems(split.task(split.valid), model=SentenceTransformer())


def test_a_kept_base_model_has_its_own_weight(discarded: tuple[Tuned, Report]) -> None:
    tuned, base = discarded
    assert not tuned.verdict.keep
    assert tuned.report is not None
    assert base.fusion.weight != tuned.report.fusion.weight
    saved = SentenceTransformer(tuned.folder).extras
    assert base.late is not None
    assert saved == {
        "kept": "base",
        "fusion_weight": base.fusion.weight,
        "late_weight": base.facts.search_late_weight,
        "late_depth": base.late.depth,
    }
    assert tuned.summary["fusion_weight"] == base.fusion.weight
    assert json.loads((tuned.folder / "evaluation.json").read_text("utf-8")) == tuned.summary


def test_what_searches_with_a_kept_base_model_use_has_its_figures(
    discarded: tuple[Tuned, Report],
) -> None:
    tuned, base = discarded
    assert base.facts.search_weight in (0, 1)
    assert tuned.report is not None
    assert tuned.report.base_alone == {}  # the table has BM25 and the base model
    card = (tuned.folder / "README.md").read_text("utf-8")
    assert card.count(", used in searches |") == 1
    both = replace(base.facts, weight=0.5, differences={}, tunes=True)
    assert used_in_searches(base, both) == {"fusion": base.systems["fusion"]}
    more = {"late_minus_fusion": Difference(0.1, 0.05, 0.15, 0.01)}
    late = replace(both, late_weight=0.4, differences=more)
    assert used_in_searches(base, late) == {"late": base.systems["late"]}
    used = replace(tuned.report, base_alone=used_in_searches(base, both))
    assert read_report(json.loads(json.dumps(used.to_json()))).base_alone.keys() == {"fusion"}


def test_what_is_said_of_a_kept_base_model_is_about_it(discarded: tuple[Tuned, Report]) -> None:
    tuned, base = discarded
    assert tuned.report is not None
    of_tuned = set(remarks(tuned.report)) - set(remarks(base))
    assert any(note.startswith("BM25 alone") for note in of_tuned)
    # The verdict of a tuning has the number of groups, so its notes do not.
    notes, few = tuned.summary["notes"], "Only 8 independent groups of questions"
    of_base = [note for note in notes if note.startswith("With the base model, ")]
    assert of_base
    told = [note.removeprefix("With the base model, ") for note in notes]
    told = [note[0].upper() + note[1:] for note in told]
    assert [note.replace("So few groups of questions", few) for note in told] == remarks(base)
    card = (tuned.folder / "README.md").read_text("utf-8")
    assert not any(note in card for note in of_tuned)
    assert all(note in card for note in notes)
    weight = base.fusion.weight
    assert f"The fusion weight saved here, {weight:g}, is the base model's" in card
    assert "this folder has the weights" in card


def test_the_same_seed_gives_the_same_model(tmp_path: Path) -> None:
    pairs = write(tmp_path / "all.jsonl", rows(0, 20))
    folders = [tmp_path / name for name in ("a", "b")]
    quick = {"num_train_epochs": 1, "per_device_train_batch_size": 8}
    for folder in folders:
        split = read_split(pairs, None, None, 7)
        tune(split, folder, TuneSettings(training=quick | {"seed": 7}))
    first, second = ((folder / "model.safetensors").read_bytes() for folder in folders)
    assert first == second


def test_an_occupied_folder_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    pairs = Pairs({"q": "a"}, {"p": "b"}, {"q": ("p",)})
    said: list[str] = []
    with pytest.raises(OutputError, match="not empty"):
        tune(Split(pairs, pairs, None, ""), tmp_path / "out", TuneSettings(), said.append)
    assert said == []


def test_one_pair_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"one\.jsonl"):
        read_split(write(tmp_path / "one.jsonl", rows(0, 1)), None, None, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_train_epochs", 0),
        ("num_train_epochs", float("nan")),
        ("per_device_train_batch_size", 1),
        ("learning_rate", -1.0),
        ("seed", -1),
        ("learning_rat", 1.0),
    ],
)
def test_settings_outside_their_range_are_named(name: str, value: float) -> None:
    with pytest.raises(ArgumentError, match=name):
        TuneSettings(training={name: value})


def test_a_model_is_tuned_with_its_own_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SentenceTransformer(prompts={"query": "ask: ", "passage": "text: "})
    model.save_pretrained(tmp_path / "base")
    seen: list[object] = []

    def _stop(trainer: SentenceTransformerTrainer, **_: object) -> None:
        seen.append(trainer.args.prompts)
        raise KeyboardInterrupt

    monkeypatch.setattr(SentenceTransformerTrainer, "train", _stop)
    split = read_split(write(tmp_path / "all.jsonl", rows(0, 12)), None, None, 1)
    settings = TuneSettings(base=str(tmp_path / "base"), recipe="plain")
    with pytest.raises(KeyboardInterrupt):
        tune(split, tmp_path / "out", settings)
    ((prompts,),) = [found.values() for found in seen if isinstance(found, dict)]
    assert list(prompts.values()) == ["ask: ", "text: "]


def _long_pages() -> list[tuple[str, str]]:
    """Pages of about 90 tokens, which begin alike and are asked for by what stands at their end."""
    same = "the file of a thread is read and then the thread ends and the file is read again " * 2
    return [(asked, same + passage) for asked, passage in MEANINGS * 2][: len(MEANINGS)]


@pytest.mark.parametrize("long_text", ["pieces", "truncate"])
def test_long_passages_are_measured_as_they_are_searched(
    tmp_path: Path, tiny_folder: Path, long_text: Any
) -> None:
    split = read_split(write(tmp_path / "all.jsonl", _long_pages()), None, None, 1)
    settings = TuneSettings(
        base=str(tiny_folder),
        long_text=long_text,
        training={"num_train_epochs": 1, "per_device_train_batch_size": 4},
    )
    tuned = tune(split, tmp_path / "out", settings)
    model, base = tuned.model, SentenceTransformer(tiny_folder)
    expected = evaluate_systems(split.task(split.valid), model=base, long_text=long_text)
    assert tuned.report is not None
    assert tuned.report.systems["base"] == expected.systems["model"]
    counts = tuned.summary["evaluation_truncation"]
    assert (counts["in_pieces"], counts["truncated"]) == (
        (8, 0) if long_text == "pieces" else (0, 8)
    )
    told = f"8 of more than 48 tokens in {counts['pieces']} pieces, none cut"
    cut = f"8 cut at 48 tokens: {counts['tokens_left_out']:,} tokens left out"
    assert (told if long_text == "pieces" else cut) in tuned.summary["measured_on"]
    assert (told if long_text == "pieces" else cut) in (tmp_path / "out/README.md").read_text()
    trained = tuned.summary["training"]["truncation"]["truncated"]
    assert (trained == 0) == (long_text == "pieces")
    run_file = read_run_file(tmp_path / "out" / "run.yaml")
    assert run_file.settings.long_text == long_text
    assert model.max_seq_length == 48


def test_another_way_with_long_texts_is_refused() -> None:
    with pytest.raises(ArgumentError, match="long_text is 'chunk'"):
        TuneSettings(long_text="chunk")  # type: ignore[arg-type]
