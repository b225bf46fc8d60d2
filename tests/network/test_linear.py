"""Linear layers: the product in one pass with its activation equals the two passes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.network import linear
from sentune.network.linear import ACTIVATIONS, Linear, fused_linear, fused_sum

FORMATS = [(torch.float32, 2e-6), (torch.bfloat16, 8e-3)]


@pytest.fixture
def without_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch as if it had no such operator."""
    monkeypatch.setattr(linear, "fused_linear", lambda _: None)


@pytest.fixture
def probe_again() -> Iterator[None]:
    fused_linear.cache_clear()
    fused_sum.cache_clear()
    yield
    fused_linear.cache_clear()
    fused_sum.cache_clear()


def layer(activation: str | None, bias: bool = True) -> Linear:
    torch.manual_seed(0)
    return Linear(48, 80, bias, activation)


def exact(made: Linear, x: torch.Tensor, activation: str | None) -> torch.Tensor:
    bias = None if made.bias is None else made.bias.double()
    y = torch.nn.functional.linear(x.double(), made.weight.double(), bias)
    return y if activation is None else ACTIVATIONS[activation](y)


@pytest.mark.parametrize(("dtype", "within"), FORMATS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
@pytest.mark.parametrize("rows", [1, 33])
def test_equals_the_formula_in_float64(
    activation: str | None, bias: bool, dtype: torch.dtype, within: float, rows: int
) -> None:
    made = layer(activation, bias)
    x = torch.randn(rows, 48).to(dtype)
    with torch.inference_mode():
        y = made(x)
    assert y.dtype == dtype
    torch.testing.assert_close(y.double(), exact(made, x, activation), rtol=within, atol=within)


@pytest.mark.usefixtures("without_operator")
@pytest.mark.parametrize(("dtype", "within"), FORMATS)
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
def test_without_the_operator(activation: str | None, dtype: torch.dtype, within: float) -> None:
    made = layer(activation)
    x = torch.randn(9, 48).to(dtype)
    with torch.inference_mode():
        y = made(x)
    torch.testing.assert_close(y.double(), exact(made, x, activation), rtol=within, atol=within)


def test_real_texts_without_the_operator(
    base_folder: Path,
    model: SentenceTransformer,
    real_texts: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = real_texts[:20]
    expected = model.encode(texts)
    monkeypatch.setattr(linear, "fused_linear", lambda _: None)
    other = SentenceTransformer(base_folder, device="cpu", compute_dtype="float32")
    np.testing.assert_allclose(other.encode(texts), expected, atol=1e-6)


@pytest.mark.usefixtures("probe_again")
def test_an_operator_that_computes_something_else_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert fused_linear(torch.float32) is not None  # torch of the constraints has it
    assert fused_linear(torch.float64) is None
    fused_linear.cache_clear()
    monkeypatch.setattr(torch.nn.functional, "gelu", torch.relu)
    assert fused_linear(torch.float32) is None
    assert fused_sum(torch.float32) is not None
    assert fused_sum(torch.bfloat16) is None
    fused_sum.cache_clear()
    monkeypatch.setattr(torch.nn.functional, "linear", lambda x, weight, _: x @ weight.T)
    assert fused_sum(torch.float32) is None


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("activation", [None, "gelu", "silu"])
@pytest.mark.parametrize(("dtype", "within"), [(torch.float32, 1e-5), (torch.bfloat16, 0.1)])
def test_a_sum_with_another_tensor(
    fused: bool,
    activation: str | None,
    dtype: torch.dtype,
    within: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not fused:
        monkeypatch.setattr(linear, "fused_linear", lambda _: None)
    made = layer(activation)
    x = torch.randn(5, 48).to(dtype)
    with torch.no_grad():
        plain = made.product(dtype, keep=True)(x)
        added = torch.randn(plain.shape).to(dtype)
        before = added.clone()
        found = made.product(dtype, keep=True)(x, added)
    assert torch.equal(added, before)
    assert found.dtype == dtype
    torch.testing.assert_close(found, plain + added, rtol=0, atol=within)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_changed_weights_are_seen(dtype: torch.dtype) -> None:
    made = layer("gelu")
    x = torch.randn(5, 48).to(dtype)
    with torch.no_grad():
        before = made(x)
        made.weight.mul_(2)
        assert not torch.equal(made(x), before)
        made.weight.div_(2)
        assert torch.equal(made(x), before)
        made.bias.add_(1)
        assert not torch.equal(made(x), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_optimizer_step_is_seen(dtype: torch.dtype) -> None:
    made = layer("gelu")
    x = torch.randn(5, 48).to(dtype)
    optimizer = torch.optim.AdamW(made.parameters(), lr=0.1, fused=True)
    with torch.no_grad():
        before = made(x)
    made(x).float().sum().backward()
    optimizer.step()
    for _ in range(2):  # with the gradient still there, and without
        with torch.no_grad():
            torch.testing.assert_close(
                made(x).double(), exact(made, x, "gelu"), rtol=0.02, atol=0.02
            )
            assert not torch.equal(made(x), before)
        optimizer.zero_grad()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_step_after_a_look_in_between_is_seen(dtype: torch.dtype) -> None:
    made = layer("gelu").train()
    x = torch.randn(5, 48).to(dtype)
    optimizer = torch.optim.AdamW(made.parameters(), lr=0.1, fused=True)
    loss = made(x).float().sum()
    with torch.no_grad():
        before = made(x)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    with torch.no_grad():
        assert not torch.equal(made(x), before)
        torch.testing.assert_close(made(x).double(), exact(made, x, "gelu"), rtol=0.02, atol=0.02)


def test_weights_at_the_address_of_others_are_seen() -> None:
    made, x = Linear(384, 1536, activation="gelu"), torch.randn(3, 384)
    for _ in range(10):
        with torch.no_grad():
            made(x)
            for _ in range(2):  # the second often gets the address of the first
                made.weight = torch.nn.Parameter(torch.randn(1536, 384) / 20)
            torch.testing.assert_close(
                made(x).double(), exact(made, x, "gelu"), rtol=1e-4, atol=1e-4
            )


def test_a_format_that_the_processor_lacks_takes_two_passes(
    monkeypatch: pytest.MonkeyPatch, probe_again: None
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("mkldnn_reorder_linear_weight: bf16 path needs the cpu support avx512bw")

    monkeypatch.setattr(torch.ops.mkldnn, "_reorder_linear_weight", refuse)
    x = torch.randn(5, 48).bfloat16()
    with torch.inference_mode():
        assert layer("gelu")(x).dtype == torch.bfloat16


def test_copies_leave_the_layout_behind() -> None:
    made = layer("gelu")
    x = torch.randn(5, 48)
    with torch.inference_mode():
        y = made(x)
        assert torch.equal(copy.deepcopy(made)(x), y)


@pytest.mark.parametrize("part", ["encoder.layers.1", "encoder.layers.0.up"])
def test_hooks_are_called_in_inference(tiny: SentenceTransformer, part: str) -> None:
    before = tiny.encode("a text")
    seen: list[torch.Tensor] = []
    handle = tiny.get_submodule(part).register_forward_hook(lambda _m, _x, y: seen.append(y))
    np.testing.assert_allclose(tiny.encode("a text"), before, atol=1e-6)
    assert len(seen) == 1
    handle.remove()
    np.testing.assert_array_equal(tiny.encode("a text"), before)
    assert len(seen) == 1


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
def test_two_layers_and_their_gradients(activation: str | None, bias: bool) -> None:
    torch.manual_seed(0)
    first, second = (made.double() for made in (Linear(6, 8, bias, activation), Linear(8, 3, bias)))
    x = torch.randn(5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.equal(first.then(second, x), second(first(x)))
    weights = [*first.parameters(), *second.parameters()]

    def run(x: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return first.then(second, x)

    assert torch.autograd.gradcheck(run, (x, *weights))


def test_the_activation_between_two_layers_is_not_kept() -> None:
    first, second = Linear(6, 512, activation="gelu"), Linear(512, 6)
    x, kept = torch.randn(5, 6), []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.shape)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        first.then(second, x)
    assert kept.count(torch.Size([5, 512])) == 1  # what the activation is given


def test_hooks_between_two_layers_are_called() -> None:
    first, second, seen = layer("gelu"), Linear(80, 3), []
    second.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    first.then(second, torch.randn(5, 48))
    assert len(seen) == 1
