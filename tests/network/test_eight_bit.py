"""Products of 8-bit integers: as exact as their steps, a row at a time, and asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.machine import hardware
from sentune.network.eight_bit import eight_bit_linear, quantize_weight
from sentune.network.linear import Linear, use_eight_bits
from sentune.training.trainer import SentenceTransformerTrainer

# What a result may be off by beside the steps: the format's own rounding, some times over.
FORMATS = [(torch.float32, 1e-6), (torch.bfloat16, 0.02)]


@pytest.fixture(autouse=True)
def exact_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact sums on a processor without instructions for them, too."""
    if not hardware.int8_is_exact():
        monkeypatch.setattr(torch, "_int_mm", lambda x, weight: (x.long() @ weight.long()).int())
        monkeypatch.setattr(hardware, "int8_is_exact", lambda: True)


def bound(x: Tensor, weight: Tensor) -> Tensor:
    """The most that rounding x and the weight to their steps can do to each result, in float64."""
    x, weight = x.double(), weight.double()
    of_x = x.abs().amax(1, keepdim=True) / 126 * 0.51
    of_weight = weight.abs().amax(1, keepdim=True) / 127 * 0.51
    return (
        of_x * weight.abs().sum(1)
        + x.abs().sum(1, keepdim=True) * of_weight.T
        + of_x * of_weight.T * x.shape[1]
    )


def assert_within_steps(x: Tensor, weight: Tensor, bias: Tensor, slack: float) -> None:
    y = eight_bit_linear(x, quantize_weight(weight, bias, x.dtype))
    exact = x.double() @ weight.double().T + bias.double()
    size = (x.double().abs() @ weight.double().abs().T) + bias.double().abs()
    assert y.dtype == x.dtype
    assert bool(((y.double() - exact).abs() <= bound(x, weight) + slack * size).all())


@pytest.mark.parametrize(("dtype", "slack"), FORMATS)
@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(1, 9),
    inputs=st.sampled_from([8, 24, 96]),
    magnitude=st.floats(1e-4, 1e4),
)
def test_as_exact_as_the_steps(
    dtype: torch.dtype, slack: float, seed: int, rows: int, inputs: int, magnitude: float
) -> None:
    draw = torch.Generator().manual_seed(seed)
    x = (torch.randn(rows, inputs, generator=draw) * magnitude).to(dtype)
    weight = torch.randn(16, inputs, generator=draw)
    assert_within_steps(x, weight, torch.randn(16, generator=draw), slack)


@pytest.mark.parametrize(("dtype", "slack"), FORMATS)
def test_the_largest_value_of_a_row_does_not_wrap_around(dtype: torch.dtype, slack: float) -> None:
    # In bfloat16 both the scale and the scaled value are rounded, perhaps up.
    largest = torch.linspace(1, 2, 257).reshape(-1, 1)
    x = torch.cat([largest, torch.zeros(len(largest), 7)], dim=1).to(dtype)
    x = torch.cat([x, -x])
    assert_within_steps(x, torch.eye(8), torch.zeros(8), slack)


def test_weights_in_bfloat16_do_not_wrap_around_either() -> None:
    weight = torch.cat([torch.linspace(1, 2, 257).reshape(-1, 1), torch.zeros(257, 7)], dim=1)
    rounded = quantize_weight(weight.bfloat16(), None, torch.float32)
    assert bool((rounded.values[0] == 127).all())


def test_a_row_of_zeros_is_the_bias() -> None:
    weight, bias = torch.randn(16, 8), torch.randn(16)
    for kept in (bias, None):
        y = eight_bit_linear(torch.zeros(2, 8), quantize_weight(weight, kept, torch.float32))
        torch.testing.assert_close(y, (torch.zeros(16) if kept is None else kept).expand(2, 16))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_does_not_depend_on_the_others(dtype: torch.dtype) -> None:
    x = torch.randn(40, 96).to(dtype)
    weight = quantize_weight(torch.randn(32, 96), torch.randn(32), dtype)
    together = eight_bit_linear(x, weight)
    for row in range(len(x)):
        assert torch.equal(eight_bit_linear(x[row : row + 1], weight)[0], together[row])


@pytest.mark.parametrize("activation", [None, "gelu"])
def test_a_layer_follows_its_weights(activation: str | None) -> None:
    torch.manual_seed(0)
    layer, x = Linear(48, 80, activation=activation), torch.randn(5, 48)
    with torch.inference_mode():
        exact = layer(x)
    use_eight_bits(layer, True)
    with torch.no_grad():
        rounded = layer(x)
        assert not torch.equal(rounded, exact)
        torch.testing.assert_close(rounded, exact, atol=0.03, rtol=0.03)
        assert torch.equal(layer(x), rounded)
        layer.weight.mul_(-1)
        assert not torch.equal(layer(x), rounded)
        layer.weight.mul_(-1)
        use_eight_bits(layer, False)
        torch.testing.assert_close(layer(x), exact)
    use_eight_bits(layer, True)
    torch.testing.assert_close(layer(x), exact)  # with gradients


def test_vectors_of_real_texts(
    base_folder: Path, model: SentenceTransformer, real_texts: list[str]
) -> None:
    made = SentenceTransformer(base_folder, device="cpu", compute_dtype="int8")
    assert made.compute.dtype_name == "int8"
    texts = real_texts[:40]
    exact, found = model.encode(texts), made.encode(texts)
    cosines = (exact * found).sum(axis=1)
    assert 0.98 < cosines.min() < 0.9999
    assert cosines.mean() > 0.99
    made.compute_as(hardware.choose_compute("float32", "cpu"))
    np.testing.assert_allclose(made.encode(texts), exact, atol=1e-6)


def test_where_it_cannot_be_had(
    base_folder: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="int8")
    with pytest.raises(ArgumentError, match="training a model of compute_dtype 'int8'"):
        SentenceTransformerTrainer(model)
    monkeypatch.setattr(hardware, "int8_is_exact", lambda: False)
    with pytest.raises(ArgumentError, match="compute_dtype 'int8' on cpu"):
        SentenceTransformer(base_folder, device="cpu", compute_dtype="int8")


def test_a_processor_that_adds_up_in_16_bits_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def saturating(x: Tensor, weight: Tensor) -> Tensor:
        # One factor has to be without a sign, so 128 is added, and taken off at the end.
        products: Tensor = (x.long() + 128).unsqueeze(2) * weight.long()
        pairs = products.unflatten(1, (-1, 2)).sum(2).clamp(-(2**15), 2**15 - 1)
        sums: Tensor = pairs.sum(1) - 128 * weight.long().sum(0)
        return sums.int()

    for product, exact in ((saturating, False), (lambda x, w: (x.long() @ w.long()).int(), True)):
        monkeypatch.setattr(torch, "_int_mm", product)
        assert hardware.int8_is_exact.__wrapped__() is exact
