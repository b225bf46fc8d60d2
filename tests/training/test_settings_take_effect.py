"""Every setting that shapes a run does, as an independent computation of the run says."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sentune import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.network.pack import Pack, pack
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.collator import Batch
from sentune.training.losses import CoSENTLoss, MultipleNegativesRankingLoss
from sentune.training.losses.base import Encode
from sentune.training.trainer import SentenceTransformerTrainer

TOPICS = "files threads dates sockets locks paths bytes sets queues heaps trees maps rows keys"
COLUMNS = {
    "anchor": [f"how does {topic} work" for topic in TOPICS.split()],
    "positive": [f"{topic} number {i} is described here" for i, topic in enumerate(TOPICS.split())],
}
RATE, STEPS = 1e-3, 6


class Recorder(MultipleNegativesRankingLoss):
    """The default loss, which remembers its batches."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.batches: list[Batch] = []

    def compute(self, encode: Encode, batch: Batch) -> Tensor:
        if torch.is_grad_enabled():
            self.batches.append(batch)
        return super().compute(encode, batch)

    @property
    def anchors(self) -> list[tuple[str, ...]]:
        return [batch.texts[: batch.rows] for batch in self.batches]


def new_model(folder: Path, **options: Any) -> SentenceTransformer:
    return SentenceTransformer(folder, **{"device": "cpu", "compute_dtype": "float32", **options})


def make(
    out: Path,
    folder: Path,
    columns: Any = None,
    model: SentenceTransformer | None = None,
    loss: Any = None,
    eval_dataset: Any = None,
    **changes: Any,
) -> Any:
    values: dict[str, Any] = {
        "output_dir": str(out),
        "per_device_train_batch_size": 4,
        "num_train_epochs": 1,
        "learning_rate": RATE,
        "lr_scheduler_type": "constant",
        "max_grad_norm": 0.0,
        "dropout": 0.0,
        "prompts": "",
        "logging_steps": 1,
        "disable_tqdm": True,
        "save_strategy": "no",
        **changes,
    }
    return SentenceTransformerTrainer(
        model or new_model(folder),
        SentenceTransformerTrainingArguments(**values),
        columns or COLUMNS,
        eval_dataset,
        loss=loss or Recorder(),
    )


def train(out: Path, folder: Path, **changes: Any) -> Any:
    trainer = make(out, folder, **changes)
    trainer.train()
    return trainer


# ── the run by hand ───────────────────────────────────────────────────────────────────────────


class Adam:
    """Decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), in float64."""

    def __init__(self, betas: tuple[float, float], epsilon: float, decay: float) -> None:
        self.betas, self.epsilon, self.decay = betas, epsilon, decay
        self.steps = 0
        self.first: dict[str, Tensor] = {}
        self.second: dict[str, Tensor] = {}

    def step(self, name: str, weight: Tensor, gradient: Tensor, rate: float) -> Tensor:
        (one, two), zero = self.betas, torch.zeros_like(gradient)
        first = one * self.first.get(name, zero) + (1 - one) * gradient
        second = two * self.second.get(name, zero) + (1 - two) * gradient**2
        self.first[name], self.second[name] = first, second
        decay = 0.0 if "bias" in name or "norm" in name else self.decay
        corrected = first / (1 - one**self.steps)
        size = (second / (1 - two**self.steps)).sqrt() + self.epsilon
        return weight - rate * decay * weight - rate * corrected / size


class Descent:
    """Plain gradient descent."""

    steps = 0

    def step(self, name: str, weight: Tensor, gradient: Tensor, rate: float) -> Tensor:
        del name
        return weight - rate * gradient


def by_hand(
    folder: Path,
    batches: Sequence[Batch],
    rule: Adam | Descent,
    rate: Callable[[int], float] = lambda _: RATE,
    accumulate: int = 1,
    max_norm: float = math.inf,
    loss: MultipleNegativesRankingLoss | None = None,
) -> dict[str, Tensor]:
    """The weights after all ``batches``, computed apart from the trainer."""
    model, loss = new_model(folder), loss or MultipleNegativesRankingLoss()
    for start in range(0, len(batches), accumulate):
        taken = batches[start : start + accumulate]
        total: dict[str, Tensor] = {}
        for batch in taken:
            model.zero_grad()
            loss.compute(model, batch).backward()
            for name, weight in model.named_parameters():
                if weight.grad is not None:
                    part = weight.grad.double() / len(taken)
                    total[name] = total.get(name, torch.zeros_like(part)) + part
        norm = math.sqrt(sum(float(g.square().sum()) for g in total.values()))
        rule.steps += 1
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if name in total:
                    gradient = total[name] * min(1.0, max_norm / norm)
                    now = rate(rule.steps - 1)
                    weight.copy_(rule.step(name, weight.double(), gradient, now).float())
    return {name: weight.detach() for name, weight in model.named_parameters()}


def agree(trainer: Any, expected: dict[str, Tensor], tolerance: float = 1e-5) -> None:
    weights = dict(trainer.model.named_parameters())
    assert weights.keys() == expected.keys()
    apart: dict[str, float] = {
        name: float((weights[name].detach() - value).abs().max())
        for name, value in expected.items()
        # A bias on all keys moves every score alike: its gradient is rounding, which Adam blows up.
        if "qkv.bias" not in name
    }
    worst = max(apart, key=apart.__getitem__)
    assert apart[worst] < tolerance, (worst, apart[worst])


def adam(
    betas: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-3, decay: float = 0.0
) -> Adam:
    # An epsilon that keeps the rounding of tiny gradients from being blown up to whole steps.
    return Adam(betas, epsilon, decay)


@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9)])
@pytest.mark.parametrize("epsilon", [1e-3, 1e-2])
def test_optimizer_settings_give_the_weights_of_the_formula(
    tmp_path: Path, tiny_folder: Path, decay: float, betas: tuple[float, float], epsilon: float
) -> None:
    trainer = train(
        tmp_path,
        tiny_folder,
        weight_decay=decay,
        adam_beta1=betas[0],
        adam_beta2=betas[1],
        adam_epsilon=epsilon,
    )
    assert len(trainer.loss.batches) == 4
    agree(trainer, by_hand(tiny_folder, trainer.loss.batches, adam(betas, epsilon, decay)))


# ── the schedule ──────────────────────────────────────────────────────────────────────────────


def linear(step: int, warm: int) -> float:
    return step / warm if step < warm else (STEPS - step) / (STEPS - warm)


def cosine(step: int, warm: int) -> float:
    done = (step - warm) / (STEPS - warm)
    return step / warm if step < warm else (1 + math.cos(math.pi * done)) / 2


def constant_with_warmup(step: int, warm: int) -> float:
    return min(1.0, step / warm) if warm else 1.0


@pytest.mark.parametrize("warm", [{}, {"warmup_steps": 2}, {"warmup_ratio": 0.5}])
@pytest.mark.parametrize("schedule", [linear, cosine, constant_with_warmup])
def test_the_learning_rate_follows_its_schedule(
    tmp_path: Path, tiny_folder: Path, schedule: Callable[[int, int], float], warm: dict[str, Any]
) -> None:
    trainer = train(
        tmp_path,
        tiny_folder,
        lr_scheduler_type=schedule.__name__,
        max_steps=STEPS,
        adam_epsilon=1e-3,
        **warm,
    )
    steps = warm.get("warmup_steps") or round(warm.get("warmup_ratio", 0) * STEPS)

    def rate(step: int) -> float:
        return RATE * schedule(step, steps)

    logged = [e["learning_rate"] for e in trainer.state.log_history if "learning_rate" in e]
    assert logged == pytest.approx([rate(step) for step in range(STEPS)])
    agree(trainer, by_hand(tiny_folder, trainer.loss.batches, adam(), rate))


def test_a_schedule_takes_its_own_arguments(tmp_path: Path, tiny_folder: Path) -> None:
    trainer = train(
        tmp_path,
        tiny_folder,
        lr_scheduler_type="cosine",
        lr_scheduler_kwargs={"num_cycles": 1.0},
        max_steps=4,
    )
    logged = [e["learning_rate"] for e in trainer.state.log_history if "learning_rate" in e]
    expected = [RATE * (1 + math.cos(2 * math.pi * k / 4)) / 2 for k in range(4)]
    assert logged == pytest.approx(expected)


# ── gradients ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("most", [0.5, 1e6])
def test_the_gradient_is_clipped_to_its_norm(
    tmp_path: Path, tiny_folder: Path, most: float
) -> None:
    trainer = train(tmp_path, tiny_folder, optim="sgd", max_grad_norm=most, learning_rate=0.01)
    batches = trainer.loss.batches

    def expected(norm: float) -> dict[str, Tensor]:
        return by_hand(tiny_folder, batches, Descent(), lambda _: 0.01, max_norm=norm)

    agree(trainer, expected(most))
    norms = [e["grad_norm"] for e in trainer.state.log_history if "grad_norm" in e]
    assert min(norms) > 0.5  # so that the smaller limit cuts
    if most < 1:
        with pytest.raises(AssertionError):
            agree(trainer, expected(math.inf))


def test_accumulated_gradients_are_the_mean_of_their_batches(
    tmp_path: Path, tiny_folder: Path
) -> None:
    trainer = train(
        tmp_path, tiny_folder, optim="sgd", gradient_accumulation_steps=2, learning_rate=0.01
    )
    assert trainer.state.global_step == 2
    assert [batch.rows for batch in trainer.loss.batches] == [4, 4, 4, 2]
    expected = by_hand(tiny_folder, trainer.loss.batches, Descent(), lambda _: 0.01, accumulate=2)
    agree(trainer, expected)
    model, loss = new_model(tiny_folder), MultipleNegativesRankingLoss()
    first = [loss.compute(model, batch).item() for batch in trainer.loss.batches[:2]]
    assert trainer.state.log_history[0]["loss"] == pytest.approx(sum(first) / 2, abs=1e-4)


class _Saved:
    """Bytes that autograd keeps for the backward."""

    def __init__(self) -> None:
        self.bytes = 0
        self._seen: set[int] = set()

    def __enter__(self) -> _Saved:
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._keep, lambda x: x)
        self._hooks.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._hooks.__exit__()

    def _keep(self, tensor: Tensor) -> Tensor:
        if not isinstance(tensor, torch.nn.Parameter):
            self.bytes += tensor.numel() * tensor.element_size()
        return tensor


@pytest.mark.parametrize("name", ["gradient_checkpointing", "activation_checkpointing"])
def test_recomputing_saves_memory_and_changes_nothing(
    tmp_path: Path, tiny_folder: Path, name: str
) -> None:
    kept, weights = [], []
    for value in (False, True):
        changes: dict[str, Any] = {"optim": "sgd", "dropout": 0.1, name: value}
        trainer = make(tmp_path, tiny_folder, **changes)
        with _Saved() as saved:
            trainer.train()
        kept.append(saved.bytes)
        weights.append({n: w.detach() for n, w in trainer.model.named_parameters()})
    for parameter, weight in weights[0].items():
        assert (weights[1][parameter] - weight).abs().max() < 1e-6, parameter
    # Inside a layer that is computed again, tensors are kept by no hook of ours.
    assert kept[1] < 0.6 * kept[0]


# ── which rows, and how often ─────────────────────────────────────────────────────────────────


def order(out: Path, folder: Path, **changes: Any) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = train(out, folder, **changes).loss.anchors
    return found


def test_seeds_settle_the_order(tmp_path: Path, tiny_folder: Path) -> None:
    first, other = (order(tmp_path, tiny_folder, seed=seed) for seed in (1, 2))
    assert first != other
    assert order(tmp_path, tiny_folder, seed=2, data_seed=1) == first
    assert order(tmp_path, tiny_folder, seed=1) == first
    assert {text for batch in first for text in batch} == {*COLUMNS["anchor"]}


def test_the_seed_settles_the_dropout_where_the_data_has_its_own(
    tmp_path: Path, tiny_folder: Path
) -> None:
    settings = {"data_seed": 1, "dropout": 0.2}
    first, again, other = (
        train(tmp_path, tiny_folder, seed=seed, **settings) for seed in (5, 5, 6)
    )
    weights = [next(run.model.parameters()) for run in (first, again, other)]
    assert first.loss.anchors == other.loss.anchors
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("sampler", ["no_duplicates", "batch_sampler"])
def test_small_batches_are_left_out_when_asked(
    tmp_path: Path, tiny_folder: Path, sampler: str
) -> None:
    sizes = [
        [
            len(b)
            for b in order(tmp_path, tiny_folder, batch_sampler=sampler, dataloader_drop_last=d)
        ]
        for d in (False, True)
    ]
    assert sizes == [[4, 4, 4, 2], [4, 4, 4]]


@pytest.mark.parametrize(
    ("length", "steps"),
    [
        ({"max_steps": 3}, 3),
        ({"max_steps": 9, "num_train_epochs": 1}, 9),
        ({"num_train_epochs": 1.5}, 6),
        ({"num_train_epochs": 0.5}, 2),
        ({"num_train_epochs": 2}, 8),
    ],
)
def test_a_run_is_as_long_as_asked(
    tmp_path: Path, tiny_folder: Path, length: dict[str, Any], steps: int
) -> None:
    trainer = train(tmp_path, tiny_folder, **length)
    assert trainer.state.global_step == len(trainer.loss.batches) == steps
    seen = trainer.loss.anchors
    for start in range(0, steps - 3, 4):  # each epoch has every row, in another order
        assert {text for batch in seen[start : start + 4] for text in batch} == {*COLUMNS["anchor"]}
    if steps > 4:
        assert seen[4] != seen[0]


def test_a_sequential_run_takes_the_rows_as_they_stand(tmp_path: Path, tiny_folder: Path) -> None:
    trainer = make(tmp_path, tiny_folder, train_sampling_strategy="sequential")
    rows = [row for batch in trainer.get_train_dataloader().batch_sampler for row in batch]
    assert rows == list(range(len(trainer.train_data.rows)))


@pytest.mark.parametrize(
    "setting", [{"group_by_length": True}, {"train_sampling_strategy": "group_by_length"}]
)
def test_texts_of_like_length_come_together(
    tmp_path: Path, tiny_folder: Path, setting: dict[str, Any]
) -> None:
    lengths = [1 + (i * 37) % 64 for i in range(64)]
    columns = {
        "anchor": [f"{i:02d}" + " x" * length for i, length in enumerate(lengths)],
        "positive": [f"{i:02d} y" for i in range(64)],
    }

    def spread(found: list[tuple[str, ...]]) -> float:
        return sum(len(max(b, key=len)) - len(min(b, key=len)) for b in found) / len(found)

    changes = {"columns": columns, "learning_rate": 0.0}
    plain = order(tmp_path, tiny_folder, **changes)
    grouped = order(tmp_path, tiny_folder, **changes, **setting)
    assert spread(grouped) < spread(plain) / 2
    assert sorted(t for b in grouped for t in b) == sorted(columns["anchor"])
    assert max(columns["anchor"], key=len) in grouped[0]


# ── noise, smoothing, dropout, formats ────────────────────────────────────────────────────────


def words(model: SentenceTransformer, pack: Pack) -> Tensor:
    """What the embeddings' normalization gets."""
    found: list[Tensor] = []
    hook = model.encoder.embeddings.norm.register_forward_pre_hook(
        lambda _, given: found.append(given[0].detach())
    )
    model(pack)
    hook.remove()
    return found[0]


def test_noise_is_uniform_up_to_its_bound(tmp_path: Path, tiny_folder: Path) -> None:
    alpha, texts = 5.0, ["files", "how do heaps work when there are many keys"]
    trainer = make(tmp_path, tiny_folder, neftune_noise_alpha=alpha)
    model = trainer.model
    token_ids, _ = model.tokenizer(texts)
    for text_ids in token_ids:  # one at a time, so that each length is known
        packed = pack([text_ids])
        clean = words(model.eval(), packed)
        model.train()
        noise = torch.stack([words(model, packed) - clean for _ in range(200)])
        bound = alpha / math.sqrt(len(text_ids) * 32)
        assert noise.abs().max() <= bound * (1 + 1e-5)
        assert noise.abs().max() > 0.99 * bound
        assert noise.var().item() == pytest.approx(bound**2 / 3, rel=0.03)
        assert abs(noise.mean().item()) < 0.02 * bound


def test_each_text_of_a_pack_has_noise_of_its_own_length(tmp_path: Path, tiny_folder: Path) -> None:
    model = make(tmp_path, tiny_folder, neftune_noise_alpha=5.0).model
    texts = ["files", "how do heaps work when there are many keys", "a b"]
    token_ids, _ = model.tokenizer(texts)
    packed = pack(token_ids)
    clean = words(model.eval(), packed)
    model.train()
    most = torch.stack([words(model, packed) - clean for _ in range(100)]).abs().amax(dim=(0, 2))
    bounds = sorted(5.0 / math.sqrt(len(ids) * 32) for ids in token_ids for _ in ids)
    assert sorted(most.tolist()) == pytest.approx(bounds, rel=0.05)


def test_no_noise_in_evaluation_or_after_training(tmp_path: Path, tiny_folder: Path) -> None:
    clean, noisy = (
        train(
            tmp_path,
            tiny_folder,
            learning_rate=0.0,
            eval_strategy="steps",
            eval_steps=2,
            eval_dataset=COLUMNS,
            neftune_noise_alpha=alpha,
        )
        for alpha in (None, 50.0)
    )

    def logged(trainer: Any, key: str) -> list[float]:
        return [entry[key] for entry in trainer.state.log_history if key in entry]

    assert logged(clean, "eval_loss") == logged(noisy, "eval_loss")
    pairs = zip(logged(clean, "loss"), logged(noisy, "loss"), strict=True)
    assert all(abs(one - other) > 1e-3 for one, other in pairs)
    model = noisy.model.train()
    packed = noisy.loss.batches[0].pack()
    assert torch.equal(words(model, packed), words(model.eval(), packed))


def test_labels_are_smoothed_as_by_hand(tmp_path: Path, tiny_folder: Path) -> None:
    smoothing = 0.3
    trainer = make(
        tmp_path, tiny_folder, max_steps=1, label_smoothing_factor=smoothing, eval_dataset=COLUMNS
    )
    trainer.args.per_device_eval_batch_size = len(COLUMNS["anchor"])
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    model = new_model(tiny_folder)

    def expected(batch: Batch) -> float:
        anchors, positives = batch.columns(model(batch.pack()).detach().double())
        logs = (20.0 * anchors @ positives.T).log_softmax(dim=1)
        target = (1 - smoothing) * torch.eye(batch.rows) + smoothing / batch.rows
        return -float((target * logs).sum(dim=1).mean())

    (batch,) = trainer.loss.batches
    logged = trainer.state.log_history
    assert next(e["loss"] for e in logged if "loss" in e) == pytest.approx(
        expected(batch), abs=1e-4
    )
    everything = trainer.data_collator(trainer.eval_data.rows)["batch"]
    assert before == pytest.approx(expected(everything), abs=1e-4)


def test_smoothing_is_refused_where_there_are_no_classes(tmp_path: Path, tiny_folder: Path) -> None:
    with pytest.raises(ArgumentError, match=r"label_smoothing_factor=0\.1 with CoSENTLoss"):
        make(tmp_path, tiny_folder, loss=CoSENTLoss(), label_smoothing_factor=0.1)


@pytest.mark.parametrize(("dropout", "expected"), [(0.4, 0.4), (0.0, 0.0), (None, 0.1)])
def test_dropout_is_that_of_the_settings_everywhere(
    tmp_path: Path, tiny_folder: Path, dropout: float | None, expected: float
) -> None:
    trainer = make(tmp_path, tiny_folder, dropout=dropout)
    model = trainer.model.train()
    packed = trainer.data_collator(trainer.train_data.rows)["batch"].pack()
    dropped: list[Tensor] = []
    model.encoder.embeddings.register_forward_hook(lambda *given: dropped.append(given[2]))
    vectors = torch.stack([model(packed).detach() for _ in range(5)])
    zeros = torch.stack(dropped).eq(0).float().mean().item()
    assert zeros == pytest.approx(expected, abs=0.02)
    assert (vectors.std(dim=0).max().item() < 1e-7) == (expected == 0)
    for layer in model.encoder.layers:
        layer.hidden_dropout = 0.0
    model.encoder.embeddings.hidden_dropout = 0.0
    first, second = (model(packed).detach() for _ in range(2))
    assert torch.equal(first, second) == (expected == 0)  # what is left is attention's
    model.eval()
    assert torch.equal(model(packed), model(packed))


@pytest.mark.parametrize(("bf16", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_the_encoder_computes_in_the_format_asked_for(
    tmp_path: Path, tiny_folder: Path, bf16: bool, expected: torch.dtype
) -> None:
    # The model begins in the other format.
    model: Any = new_model(tiny_folder, compute_dtype="float32" if bf16 else "bfloat16")
    trainer = make(tmp_path, tiny_folder, model=model, bf16=bf16, adam_epsilon=1e-3)
    seen = set()
    model.encoder.layers[1].up.register_forward_hook(lambda *given: seen.add(given[2].dtype))
    trainer.train()
    assert seen == {expected}
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    exact = by_hand(tiny_folder, trainer.loss.batches, adam())
    if not bf16:
        agree(trainer, exact)
        return
    with pytest.raises(AssertionError):
        agree(trainer, exact)
    # Single weights may go the other way where their gradient is next to nothing; the whole of
    # them moves as it should, to a few units of bfloat16's 8 bits.
    before = dict(new_model(tiny_folder).named_parameters())
    moved, apart = (
        torch.cat([(after[name].detach() - since[name].detach()).flatten() for name in exact])
        for after, since in ((exact, before), (dict(trainer.model.named_parameters()), exact))
    )
    assert apart.norm() < 0.1 * moved.norm()


# ── prompts ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("prompts", "anchor", "positive"),
    [
        ("read: ", "read: ", "read: "),
        ({"anchor": "ask: ", "positive": "text: "}, "ask: ", "text: "),
        ({"positive": "text: "}, "", "text: "),
        (None, "", ""),  # as in the reference, although the model has prompts
        ({}, "", ""),
    ],
)
def test_prompts_are_put_before_the_texts_of_training_and_evaluation(
    tmp_path: Path, tiny_folder: Path, prompts: Any, anchor: str, positive: str
) -> None:
    trainer = make(tmp_path, tiny_folder, prompts=prompts, max_steps=1, eval_dataset=COLUMNS)
    trainer.train()
    (batch,) = trainer.loss.batches
    evaluated = trainer.data_collator(trainer.eval_data.rows)["batch"]
    for found in (batch, evaluated):
        places = range(len(found.texts))
        prompted = [
            (anchor if place < found.rows else positive) + found.texts[place] for place in places
        ]
        expected, _ = trainer.model.tokenizer(prompted)
        assert [list(ids) for ids in found.token_ids] == [list(ids) for ids in expected]


def test_each_data_set_has_its_prompts(tmp_path: Path, tiny_folder: Path) -> None:
    trainer = make(
        tmp_path,
        tiny_folder,
        columns={"one": COLUMNS, "two": COLUMNS, "three": COLUMNS},
        prompts={"one": "read: ", "two": {"anchor": "ask: "}},
    )
    trainer.train()
    wanted = {"one": ("read: ", "read: "), "two": ("ask: ", ""), "three": ("", "")}
    model = trainer.model
    assert {batch.dataset for batch in trainer.loss.batches} == {*wanted}
    for batch in trainer.loss.batches:
        first, second = wanted[batch.dataset]
        texts = batch.texts
        prompted = [
            (first if place < batch.rows else second) + text for place, text in enumerate(texts)
        ]
        expected, _ = model.tokenizer(prompted)
        assert [list(ids) for ids in batch.token_ids] == [list(ids) for ids in expected]


@pytest.mark.parametrize("prompts", [{"anchr": "x"}, 3, {"one": "x"}])
def test_prompts_for_no_column_are_refused(tmp_path: Path, tiny_folder: Path, prompts: Any) -> None:
    with pytest.raises(ArgumentError, match="prompts="):
        make(tmp_path, tiny_folder, prompts=prompts)


# ── evaluation and the rest ───────────────────────────────────────────────────────────────────


def test_the_eval_batch_is_what_the_held_out_loss_ranks_among(
    tmp_path: Path, tiny_folder: Path
) -> None:
    trainer = make(tmp_path, tiny_folder, eval_dataset=COLUMNS, per_device_eval_batch_size=5)
    model, rows = trainer.model.eval(), trainer.eval_data.rows
    total = 0.0
    for start in (0, 5, 10):
        batch = trainer.data_collator(rows[start : start + 5])["batch"]
        anchors, positives = batch.columns(model(batch.pack()).detach().double())
        logs = (20.0 * anchors @ positives.T).log_softmax(dim=1)
        total -= float(logs.diagonal().sum())
    assert trainer.evaluate()["eval_loss"] == pytest.approx(total / len(rows), abs=1e-5)


# Those that need no further package.
@pytest.mark.parametrize(
    "optimizer", ["sgd", "rmsprop", "adafactor", "adamw_torch", "adamw_torch_fused"]
)
def test_an_optimizer_is_the_one_named(tmp_path: Path, tiny_folder: Path, optimizer: str) -> None:
    trainer = train(tmp_path, tiny_folder, optim=optimizer, max_steps=1)
    inner = getattr(trainer.optimizer, "optimizer", trainer.optimizer)
    assert type(inner).__name__.lower() in optimizer
    assert inner.param_groups[0].get("fused") or optimizer != "adamw_torch_fused"


@pytest.mark.parametrize(
    "changes",
    [
        {"dataloader_num_workers": 2, "dataloader_prefetch_factor": 3},
        {"torch_empty_cache_steps": 1},
        {"auto_find_batch_size": True},
        {"full_determinism": True},
        {"skip_memory_metrics": False},
        {"logging_nan_inf_filter": False},
        {"remove_unused_columns": False, "label_names": ["x"]},
        {"dataloader_pin_memory": False},
        {"logging_first_step": True, "logging_steps": 0.5},
        {"debug": "underflow_overflow"},
        {"optim_args": "a=1"},
        {"accelerator_config": {"non_blocking": True}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_settings_that_change_no_step(
    tmp_path: Path, tiny_folder: Path, changes: dict[str, Any]
) -> None:
    plain, other = (train(tmp_path, tiny_folder, **given) for given in ({}, changes))
    for name, weight in plain.model.named_parameters():
        assert torch.equal(weight, dict(other.model.named_parameters())[name]), name
    torch.use_deterministic_algorithms(False)


def test_the_loader_is_made_as_asked(tmp_path: Path, tiny_folder: Path) -> None:
    loader = make(
        tmp_path,
        tiny_folder,
        dataloader_num_workers=1,
        dataloader_persistent_workers=True,
        dataloader_prefetch_factor=3,
    ).get_train_dataloader()
    assert (loader.num_workers, loader.persistent_workers, loader.prefetch_factor) == (1, True, 3)


@pytest.mark.parametrize("which", [True, "all", "non_padding"])
def test_tokens_are_counted(tmp_path: Path, tiny_folder: Path, which: Any) -> None:
    trainer = train(tmp_path, tiny_folder, include_num_input_tokens_seen=which)
    expected = sum(len(ids) for batch in trainer.loss.batches for ids in batch.token_ids)
    assert trainer.state.num_input_tokens_seen == expected > 100
    assert trainer.state.log_history[-2]["num_input_tokens_seen"] == expected


def test_evaluation_at_the_start_and_by_steps(tmp_path: Path, tiny_folder: Path) -> None:
    trainer = train(
        tmp_path,
        tiny_folder,
        eval_dataset=COLUMNS,
        eval_strategy="steps",
        eval_steps=2,
        eval_on_start=True,
    )
    logged = [e["step"] for e in trainer.state.log_history if "eval_loss" in e]
    assert logged == [0, 2, 4]
