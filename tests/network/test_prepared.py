"""Inference with prepared layers: the vectors of calling the modules, whatever happens to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.network.encoder import Encoder
from sentune.network.linear import Linear
from sentune.network.pack import pack

TEXTS = ["a text", "another text of some more words", "the third"]
Layers = list[nn.Module]
Change = Callable[[SentenceTransformer, Layers], object]


def vectors(model: SentenceTransformer) -> NDArray[np.float32]:
    return model.encode(TEXTS)


@pytest.fixture
def tiny(tiny_folder: Path) -> SentenceTransformer:
    """One of its own for each test, to be changed."""
    return SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")


@pytest.fixture
def as_modules(monkeypatch: pytest.MonkeyPatch) -> Callable[..., NDArray[np.float32]]:
    """Vectors with nothing prepared."""

    def encode(model: SentenceTransformer) -> NDArray[np.float32]:
        with monkeypatch.context() as patched:
            patched.setattr(Encoder, "_states", lambda *_: None)
            return vectors(model)

    return encode


def new_norms(model: SentenceTransformer, layers: Layers) -> None:
    for layer in layers:
        layer.output_norm = nn.Identity()


def new_weights(model: SentenceTransformer, layers: Layers) -> None:
    for _ in range(2):  # the second often gets the address of the first
        for part in model.encoder.layers.modules():
            if isinstance(part, Linear):
                part.weight = nn.Parameter(torch.randn(part.weight.shape) / 10)


def new_layers(model: SentenceTransformer, layers: Layers) -> None:
    model.encoder.layers[0] = layers[1]


def fused_step(model: SentenceTransformer, layers: Layers) -> None:
    step = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    model(pack(model.tokenizer(TEXTS)[0])).square().sum().backward()
    model.encoder.layers.eval()
    step.step()
    step.zero_grad()


def pruned(model: SentenceTransformer, layers: Layers) -> None:
    prune.l1_unstructured(layers[0].up, "weight", 0.5)


class Doubled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


class Around(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        given: Tensor = self.inner(x)
        return 2 * given


def parametrized(model: SentenceTransformer, layers: Layers) -> None:
    parametrize.register_parametrization(
        model.get_submodule("encoder.layers.0.qkv"), "weight", Doubled()
    )


def wrapped(model: SentenceTransformer, layers: Layers) -> None:
    for layer in layers:
        layer.qkv, layer.up = Around(layer.qkv), Around(layer.up)  # type: ignore[arg-type]


def loaded(model: SentenceTransformer, layers: Layers) -> None:
    state = {name: value + 0.1 for name, value in model.state_dict().items()}
    model.load_state_dict(state)


@pytest.mark.parametrize(
    "change",
    [new_norms, new_weights, new_layers, fused_step, pruned, parametrized, wrapped, loaded],
)
def test_changes_are_seen(
    tiny: SentenceTransformer, as_modules: Callable[..., NDArray[np.float32]], change: Change
) -> None:
    before = vectors(tiny)
    np.testing.assert_allclose(before, as_modules(tiny), atol=1e-6)
    vectors(tiny)  # prepared again
    change(tiny, list(tiny.encoder.layers))
    after = vectors(tiny)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, as_modules(tiny), atol=1e-6)
    tiny.train()
    tiny(pack(tiny.tokenizer(TEXTS)[0])).sum().backward()  # and it can be trained


def test_layers_in_training_drop_out(tiny: SentenceTransformer) -> None:
    tiny.encoder.set_dropout(0.5)
    before = vectors(tiny)
    packed = pack(tiny.tokenizer(TEXTS)[0])
    tiny.encoder.layers.train()
    with torch.no_grad():
        assert not torch.equal(tiny(packed), tiny(packed))
    tiny.encoder.layers.eval()
    np.testing.assert_array_equal(vectors(tiny), before)


def test_autocast(tiny: SentenceTransformer) -> None:
    before, packed = vectors(tiny), pack(tiny.tokenizer(TEXTS)[0])
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_allclose(vectors(tiny), before, atol=0.05)
        tiny(packed).float().sum().backward()
    np.testing.assert_allclose(vectors(tiny), before, atol=1e-6)


@pytest.fixture
def seen_by_all() -> Iterator[list[type]]:
    seen: list[type] = []
    hook = nn.modules.module.register_module_forward_hook(lambda m, *_: seen.append(type(m)))
    yield seen
    hook.remove()


def test_a_hook_on_all_modules_sees_all(tiny: SentenceTransformer, seen_by_all: list[type]) -> None:
    vectors(tiny)
    assert seen_by_all.count(Linear) == 4 * len(tiny.encoder.layers)


def test_backward_hooks_are_called(tiny: SentenceTransformer) -> None:
    calls: list[int] = []
    for layer in tiny.encoder.layers:
        for part in (layer.up, layer.down):
            part.register_full_backward_hook(lambda *_: calls.append(1))  # type: ignore[union-attr]
    tiny.train()
    tiny(pack(tiny.tokenizer(TEXTS)[0])).sum().backward()
    assert len(calls) == 2 * len(tiny.encoder.layers)
