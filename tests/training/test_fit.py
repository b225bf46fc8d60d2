"""One call that trains: turns, schedules, evaluations, checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from sentune import EmbeddingSimilarityEvaluator, InputExample, SentenceTransformer, fit
from sentune.data import Pairs
from sentune.datasets import NoDuplicatesDataLoader, SentenceLabelDataset
from sentune.errors import ArgumentError, OutputError
from sentune.network.pack import pack
from sentune.training.batches.collator import Batch
from sentune.training.losses import CosineSimilarityLoss, MultipleNegativesRankingLoss
from sentune.training.losses.base import Encode

EXAMPLES: list[Any] = [
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
        self.folders: list[object] = []

    def __call__(
        self, model: SentenceTransformer, output_path: object, epoch: float, steps: int
    ) -> dict[str, float]:
        assert not model.training
        self.folders.append(output_path)
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


def test_objectives_take_turns_until_the_shortest_ends(
    model: SentenceTransformer, caplog: pytest.LogCaptureFixture
) -> None:
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
    assert "2 rows of 16 are in no batch of an epoch" in caplog.text
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
    assert {*scores.folders} == {str(tmp_path / "best" / "eval")}
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
    model.save_pretrained(tmp_path / "out")  # a script that saves there once more


def test_a_place_that_is_not_free_is_refused_before_the_first_step(
    model: SentenceTransformer, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    before = weights(model)
    with pytest.raises(OutputError, match="not empty"):
        fit(model, [(loader(), MultipleNegativesRankingLoss())], output_path=str(tmp_path))
    assert same(before, weights(model))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_the_best_weights_survive_a_run_that_fails(
    model: SentenceTransformer, tmp_path: Path
) -> None:
    kept: list[dict[str, Tensor]] = []

    def callback(_: float, __: float, steps: int) -> None:
        kept.append(weights(model))
        if steps == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fit(
            model,
            [(loader(), MultipleNegativesRankingLoss())],
            Scores(0.7, 0.3),
            epochs=2,
            evaluation_steps=4,
            output_path=str(tmp_path / "out"),
            callback=callback,
            **QUICK,
        )
    saved = SentenceTransformer(tmp_path / "out", device="cpu", compute_dtype="float32")
    assert same(weights(saved), kept[0])


def test_the_method_of_the_model_is_the_function(tiny_folder: Path) -> None:
    first, second = (
        SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32") for _ in range(2)
    )
    options: dict[str, Any] = {**QUICK, "epochs": 2, "optimizer_params": {"lr": 1e-3}}
    fit(first, [(loader(), MultipleNegativesRankingLoss())], None, **options)
    second.fit([(loader(), MultipleNegativesRankingLoss)], None, **options)
    assert same(weights(first), weights(second))


def test_any_optimizer_of_torch(tiny_folder: Path) -> None:
    """Plain gradient descent, against the same step written out."""
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    model.encoder.set_dropout(0.0)
    batch = loader(EXAMPLES[:4], batch_size=4)
    before = weights(model)
    columns = [[example.texts[side] for example in EXAMPLES[:4]] for side in range(2)]
    tokens = [model.tokenizer(column)[0] for column in columns]
    vectors = model(pack([*tokens[0], *tokens[1]]))
    loss = CosineSimilarityLoss()(
        torch.split(vectors, 4), torch.tensor([e.label for e in EXAMPLES[:4]])
    )
    names, parameters = zip(*model.encoder.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, parameters)
    model.fit(
        [(batch, CosineSimilarityLoss())],
        optimizer_class=torch.optim.SGD,
        optimizer_params={"lr": 0.1},
        weight_decay=0.0,
        max_grad_norm=1e9,
        scheduler="ConstantLR",
        **QUICK,
    )
    after = weights(model)
    for name, gradient in zip(names, gradients, strict=True):
        assert (after[name] - (before[name] - 0.1 * gradient)).abs().max() < 1e-6, name


def test_loaders_that_plan_their_batches(model: SentenceTransformer) -> None:
    repeated = [InputExample(texts=[f"q{i}", f"p{i % 4}"]) for i in range(16)]
    seen: list[Batch] = []
    model.fit([(NoDuplicatesDataLoader(repeated, batch_size=4), Ranked(seen))], **QUICK)
    assert [batch.rows for batch in seen] == [4] * 4
    assert all(len({*batch.texts}) == 8 for batch in seen)
    seen.clear()
    labelled = [InputExample(texts=[f"a{i}", f"b{i}"], label=i % 2) for i in range(16)]
    data = SentenceLabelDataset(labelled)
    model.fit([(DataLoader(data, batch_size=4), Alike(seen))], **QUICK)
    for batch in seen:
        assert batch.labels is not None
        assert sorted(batch.labels.tolist()) == [0, 0, 1, 1]


def test_the_evaluators_write_where_the_reference_writes(
    model: SentenceTransformer, tmp_path: Path
) -> None:
    evaluator = EmbeddingSimilarityEvaluator(["a", "b", "c"], ["d", "e", "f"], [0.1, 0.5, 0.9])
    other = Scores(0.1, 0.2)
    model.fit(
        [(loader(), CosineSimilarityLoss())],
        [other, evaluator],
        epochs=2,
        output_path=str(tmp_path / "out"),
        **QUICK,
    )
    file = tmp_path / "out" / "eval" / "similarity_evaluation_results.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("epoch,steps")
    assert [line.split(",")[:2] for line in lines[1:]] == [["1.0", "3"], ["2.0", "6"]]
    assert SentenceTransformer(tmp_path / "out").encode("a").shape == (32,)


def test_a_sampler_that_is_not_used_is_told(
    model: SentenceTransformer, caplog: pytest.LogCaptureFixture
) -> None:
    given: Any = EXAMPLES
    sampler = BatchSampler(SequentialSampler(given), 5, drop_last=False)
    seen: list[Batch] = []
    model.fit([(DataLoader(given, batch_sampler=sampler, collate_fn=list), Ranked(seen))], **QUICK)
    assert [batch.rows for batch in seen] == [5, 5]
    assert "batch_sampler of a DataLoader is not used" in caplog.text


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
        ({"optimizer_params": {"lr": 1e-5, "sharpness": 1}}, "sharpness"),
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
