"""One call that trains: turns, schedules, evaluations, checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from sentune import InputExample, SentenceTransformer, fit
from sentune.data import Pairs
from sentune.errors import ArgumentError, OutputError
from sentune.training.batches.collator import Batch
from sentune.training.losses import CosineSimilarityLoss, MultipleNegativesRankingLoss
from sentune.training.losses.base import Encode

EXAMPLES = [
    InputExample(texts=[f"question {i}", f"passage number {i}"], label=i / 10) for i in range(10)
]
QUICK: dict[str, Any] = {"show_progress_bar": False, "warmup_steps": 0}


class Ranked(MultipleNegativesRankingLoss):
    """Remembers its batches, with others'."""

    def __init__(self, seen: list[Batch]) -> None:
        super().__init__()
        self.seen = seen

    def compute(self, encode: Encode, batch: Batch) -> Tensor:
        self.seen.append(batch)
        return super().compute(encode, batch)


class Alike(CosineSimilarityLoss):
    """Remembers its batches, with others'."""

    def __init__(self, seen: list[Batch]) -> None:
        super().__init__()
        self.seen = seen

    def compute(self, encode: Encode, batch: Batch) -> Tensor:
        self.seen.append(batch)
        return super().compute(encode, batch)


class Scores:
    """An evaluator that says what it is told to."""

    primary_metric = "mine"

    def __init__(self, *values: float) -> None:
        self.values = list(values)
        self.asked: list[tuple[float, int]] = []

    def __call__(
        self, model: SentenceTransformer, output_path: object, epoch: float, steps: int
    ) -> dict[str, float]:
        assert not model.training
        assert output_path is None
        self.asked.append((epoch, steps))
        return {"mine": self.values[len(self.asked) - 1], "other": 0.0}


def loader(examples: Any = None, **options: Any) -> DataLoader[Any]:
    given: Any = EXAMPLES if examples is None else examples
    return DataLoader(given, collate_fn=list, **{"batch_size": 4, **options})


@pytest.fixture
def model(tiny_folder: Path) -> SentenceTransformer:
    """A tiny model of its own."""
    return SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")


def weights(model: SentenceTransformer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.encoder.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, second[name]) for name, value in first.items())


def test_batches_are_those_of_the_loader(model: SentenceTransformer) -> None:
    seen: list[Batch] = []
    fit(model, [(loader(), Ranked(seen))], epochs=2, **QUICK)
    texts = [example.texts[0] for example in EXAMPLES]
    assert [list(batch.texts[: batch.rows]) for batch in seen] == 2 * [
        texts[:4],
        texts[4:8],
        texts[8:],
    ]
    seen.clear()
    fit(model, [(loader(shuffle=True, drop_last=True), Ranked(seen))], epochs=2, **QUICK)
    assert [batch.rows for batch in seen] == [4] * 4
    assert seen[0].texts != seen[2].texts


def test_objectives_take_turns_until_the_shortest_ends(model: SentenceTransformer) -> None:
    seen: list[Batch] = []
    objectives = [
        (loader(), Ranked(seen)),
        (loader(EXAMPLES[:6], batch_size=3), Alike(seen)),
    ]
    fit(model, objectives, **QUICK)
    assert [(batch.dataset, batch.rows) for batch in seen] == [
        ("objective_1", 4),
        ("objective_2", 3),
        ("objective_1", 4),
        ("objective_2", 3),
    ]
    assert seen[1].labels is not None
    assert seen[1].labels.tolist() == pytest.approx([0.0, 0.1, 0.2])


def test_steps_per_epoch_overrule_the_data(model: SentenceTransformer) -> None:
    seen: list[Batch] = []
    fit(model, [(loader(), Ranked(seen))], epochs=2, steps_per_epoch=4, **QUICK)
    assert len(seen) == 8


def test_columns_and_pairs_need_no_loader(model: SentenceTransformer) -> None:
    columns = {"a": [f"text {i}" for i in range(10)], "b": [f"other {i}" for i in range(10)]}
    seen: list[Batch] = []
    fit(model, [(columns, Ranked(seen))], **QUICK)
    assert [batch.rows for batch in seen] == [8, 2]
    pairs = Pairs({"q": "a", "r": "c"}, {"p": "b", "s": "d"}, {"q": ("p",), "r": ("s",)})
    fit(model, [(pairs, Ranked(seen))], **QUICK)
    assert sorted(seen[-1].texts) == ["a", "b", "c", "d"]


def test_evaluations_choose_what_is_saved(model: SentenceTransformer, tmp_path: Path) -> None:
    scores, told, kept = Scores(0.3, 0.7, 0.5, 0.6), [], {}

    def callback(score: float, epoch: float, steps: int) -> None:
        told.append((score, epoch, steps))
        kept[steps] = weights(model)

    fit(
        model,
        [(loader(), MultipleNegativesRankingLoss())],
        scores,
        epochs=2,
        evaluation_steps=2,
        output_path=str(tmp_path / "best"),
        callback=callback,
        **QUICK,
    )
    assert [steps for _, steps in scores.asked] == [2, 3, 4, 6]
    assert [(score, steps) for score, _, steps in told] == [(0.3, 2), (0.7, 3), (0.5, 4), (0.6, 6)]
    assert told[1][1] == 1.0
    saved = SentenceTransformer(tmp_path / "best", device="cpu", compute_dtype="float32")
    assert same(weights(saved), kept[3])
    assert same(weights(model), kept[6])


def test_the_last_weights_are_saved_where_nothing_chooses(
    model: SentenceTransformer, tmp_path: Path
) -> None:
    fit(
        model,
        [(loader(), MultipleNegativesRankingLoss())],
        output_path=str(tmp_path / "out"),
        **QUICK,
    )
    assert same(weights(SentenceTransformer(tmp_path / "out", device="cpu")), weights(model))
    with pytest.raises(OutputError, match="not empty"):
        fit(model, [(loader(), MultipleNegativesRankingLoss())], output_path=str(tmp_path / "out"))


def test_nothing_is_written_unasked(
    model: SentenceTransformer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fit(model, [(loader(), MultipleNegativesRankingLoss())], lambda *_, **__: 0.5, **QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_fit_goes_on_to_the_same_bits(tiny_folder: Path, tmp_path: Path) -> None:
    found = []
    for stop in (None, 4):
        options: dict[str, Any] = {
            **QUICK,
            "epochs": 3,
            "checkpoint_path": str(tmp_path / str(stop)),
            "checkpoint_save_steps": 2,
            "checkpoint_save_total_limit": 2,
        }

        def kill(_: float, __: float, steps: int, stop: int | None = stop) -> None:
            if steps == stop:
                raise InterruptedError

        first, again = (
            SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
            for _ in range(2)
        )
        objectives = [(loader(shuffle=True), MultipleNegativesRankingLoss())]
        asked: dict[str, Any] = {
            "evaluator": lambda *_, **__: 0.5,
            "evaluation_steps": 2,
            "callback": kill,
        }
        if stop is None:
            fit(first, objectives, **asked, **options)
            found.append(weights(first))
            assert len(list((tmp_path / "None").glob("checkpoint-*"))) == 2
            continue
        with pytest.raises(InterruptedError):
            fit(first, objectives, **asked, **options)
        fit(again, objectives, resume_from_checkpoint=True, **options)
        found.append(weights(again))
    assert same(*found)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"scheduler": "Sideways"}, "scheduler is 'Sideways'"),
        ({"optimizer_params": {"lr": 1e-5, "amsgrad": True}}, "amsgrad"),
        ({"train_objectives": []}, "train_objectives"),
        ({"train_objectives": [(loader(), torch.nn.MSELoss())]}, "MSELoss"),
        ({"train_objectives": [(loader([]), MultipleNegativesRankingLoss())]}, "no example"),
        ({"train_objectives": [(loader(["a"]), MultipleNegativesRankingLoss())]}, "a str"),
        (
            {
                "train_objectives": [
                    (
                        loader([InputExample(texts=["a"]), InputExample(texts=["a", "b"])]),
                        MultipleNegativesRankingLoss(),
                    )
                ]
            },
            r"examples of \[1, 2\] texts",
        ),
        ({"evaluator": lambda *_, **__: {"other": 1.0}}, "without the metric"),
    ],
)
def test_what_cannot_be_is_named(
    model: SentenceTransformer, options: dict[str, Any], named: str
) -> None:
    given: dict[str, Any] = {
        "train_objectives": [(loader(), MultipleNegativesRankingLoss())],
        **QUICK,
        **options,
    }
    with pytest.raises(ArgumentError, match=named):
        fit(model, **given)
