"""Gradients equal transformers'; dropout averages out; casts never outlive a weight update."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.network.attention import attend
from sentune.network.encoder import Encoder, Layer
from sentune.network.grouped_attention import attend_in_groups
from sentune.network.pack import Run, pack


def named_gradients(encoder: Encoder) -> Iterator[tuple[str, Tensor]]:
    """Our gradients under Hugging Face names, by a table of the test's own."""
    assert encoder.embeddings.position is not None
    assert encoder.embeddings.token_type is not None
    tables = {
        "word_embeddings.weight": encoder.embeddings.word.weight,
        "position_embeddings.weight": encoder.embeddings.position.weight,
        "token_type_embeddings.weight": encoder.embeddings.token_type.weight,
        "LayerNorm.weight": encoder.embeddings.norm.weight,
        "LayerNorm.bias": encoder.embeddings.norm.bias,
    }
    for name, parameter in tables.items():
        yield f"embeddings.{name}", gradient(parameter)
    for number, layer in enumerate(encoder.layers):
        start = f"encoder.layer.{number}."
        for kind in ("weight", "bias"):
            stacked = gradient(getattr(layer.qkv, kind)).chunk(3)
            for name, part in zip(("query", "key", "value"), stacked, strict=True):
                yield f"{start}attention.self.{name}.{kind}", part
            for theirs, ours in {
                "attention.output.dense": layer.attention_output,
                "attention.output.LayerNorm": layer.attention_norm,
                "intermediate.dense": layer.up,
                "output.dense": layer.down,
                "output.LayerNorm": layer.output_norm,
            }.items():
                yield f"{start}{theirs}.{kind}", gradient(getattr(ours, kind))


def gradient(parameter: Any) -> Tensor:
    assert parameter.grad is not None
    grad: Tensor = parameter.grad
    return grad


def test_gradients_equal_transformers_in_float64(tiny_folder: Path, real_texts: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from transformers import AutoModel

        theirs = AutoModel.from_pretrained(
            tiny_folder, attn_implementation="eager", dtype=torch.float64
        )
    theirs.eval()
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    ours = model.encoder.double()
    ours.set_dropout(0.0)
    ours.train()
    ids, _ = model.tokenizer(real_texts[100:124])
    lengths = [len(text) for text in ids]
    assert len(set(lengths)) < len(lengths), "some texts must share a run"

    # Any linear function of the token vectors will do; each token has its own.
    torch.manual_seed(0)
    weights = [torch.randn(length, 32, dtype=torch.float64) for length in lengths]
    packed = pack(ids)
    states = packed.split(ours(packed))
    torch.stack([(s * w).sum() for s, w in zip(states, weights, strict=True)]).sum().backward()

    longest = max(lengths)
    padded = torch.tensor([[*text, *[0] * (longest - len(text))] for text in ids])
    mask = torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)
    hidden = theirs(input_ids=padded, attention_mask=mask.long()).last_hidden_state
    wide = torch.nn.utils.rnn.pad_sequence(weights, batch_first=True)
    (hidden * wide).sum().backward()

    expected = dict(theirs.named_parameters())
    compared = set()
    for name, ours_grad in named_gradients(ours):
        grad = expected[name].grad
        torch.testing.assert_close(ours_grad, grad, rtol=1e-9, atol=1e-10, msg=name)
        compared.add(name)
    assert {name for name in expected if not name.startswith("pooler.")} == compared


@pytest.mark.parametrize(("texts", "length", "heads", "size"), [(3, 5, 2, 4), (1, 1, 1, 2)])
def test_the_written_out_gradient_by_finite_differences(
    texts: int, length: int, heads: int, size: int
) -> None:
    torch.manual_seed(1)
    qkv = torch.randn(texts * length, 3 * heads * size, dtype=torch.float64, requires_grad=True)
    runs = [Run(texts, length)]
    assert torch.autograd.gradcheck(lambda x: attend_in_groups(x, runs, heads), (qkv,))


def exact_attention(qkv: Tensor, heads: int) -> Tensor:
    """Attention from its definition, one head after the other."""
    outputs = []
    for head in range(heads):
        query, key, value = (part.chunk(heads, dim=-1)[head] for part in qkv.chunk(3, dim=-1))
        scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
        outputs.append(scores.softmax(dim=-1) @ value)
    return torch.cat(outputs, dim=-1)


def relative_error(value: Tensor, exact: Tensor) -> float:
    return float((value.double() - exact).norm() / exact.norm())


@pytest.mark.parametrize(("texts", "length"), [(4, 7), (1, 130), (2, 1)])
def test_the_written_out_attention_in_bfloat16(texts: int, length: int) -> None:
    torch.manual_seed(2)
    heads = 12
    half = (torch.randn(texts, length, 3 * 384) * 1.5).bfloat16()
    flow = torch.randn(texts, length, 384).bfloat16()

    exact_in = half.double().requires_grad_()
    exact_out = exact_attention(exact_in, heads)
    (exact_grad,) = torch.autograd.grad(exact_out, exact_in, flow.double())

    ours_in = half.clone().requires_grad_()
    packed = pack([[0] * length] * texts)
    ours_out = attend(ours_in.flatten(0, 1), packed, heads).view(texts, length, 384)
    assert "_Attention" in str(_ancestors(ours_out))
    (ours_grad,) = torch.autograd.grad(ours_out, ours_in, flow)

    # bfloat16 keeps 8 bits: 2**-9 for one rounding, a few of them on the way.
    assert ours_out.dtype == ours_grad.dtype == torch.bfloat16
    assert relative_error(ours_out.detach(), exact_out.detach()) < 0.01
    assert relative_error(ours_grad, exact_grad) < 0.015


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_in_training_packs_have_one_of_few_sizes(
    training: bool, dtype: torch.dtype, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    whole = Layer.forward

    def counted(layer: Layer, x: Tensor, *given: Any) -> Tensor:
        rows.append(len(x))
        return whole(layer, x, *given)

    monkeypatch.setattr(Layer, "forward", counted)
    encoder = copy.deepcopy(tiny.encoder).train(training)
    encoder.set_dropout(0.0)
    packed = pack([[7] * length for length in (40, 40, 33, 20, 9)])
    with torch.set_grad_enabled(training):
        tokens = encoder(packed, dtype)
    assert len(tokens) == 142
    assert set(rows) <= {144 if training else 142}
    assert rows or not training  # layers of inference are prepared
    plain = tiny.encoder(packed)
    assert (tokens - plain).norm() < 0.02 * plain.norm()


def _ancestors(tensor: Tensor) -> list[str]:
    names, stack = [], [tensor.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None:
            names.append(node.name())
            stack += [parent for parent, _ in node.next_functions]
    return names


def test_every_path_of_attention_agrees_in_float32(real_texts: list[str]) -> None:
    torch.manual_seed(3)
    packed = pack([[0] * length for length in (5, 3, 5, 1, 9)])
    qkv = torch.randn(len(packed.token_ids), 3 * 24)
    exact = torch.cat(
        [exact_attention(block, 4).flatten(0, 1) for block in packed.blocks(qkv.double())]
    )
    fused = attend(qkv, packed, 4)
    written = attend_in_groups(qkv, packed.runs, 4)
    almost_undropped = attend(qkv, packed, 4, dropout=1e-30)
    for result in (fused, written, almost_undropped):
        torch.testing.assert_close(result.double(), exact, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_attention_dropout_averages_out(dtype: torch.dtype) -> None:
    torch.manual_seed(4)
    draws, length, probability = 4000, 3, 0.3
    one = torch.randn(length, 3 * 8).to(dtype)
    packed = pack([[0] * length] * draws)
    mixed = attend(one.repeat(draws, 1), packed, 2, probability).view(draws, length, 8).double()
    exact = exact_attention(one.double().unsqueeze(0), 2)[0]
    standard_error = mixed.std(dim=0) / draws**0.5
    assert bool((standard_error > 0).all())
    slack = 0.0 if dtype == torch.float32 else 0.01
    assert bool(((mixed.mean(dim=0) - exact).abs() < 5 * standard_error + slack).all())


def test_attention_dropout_drops_weights_with_its_probability() -> None:
    torch.manual_seed(5)
    draws, length = 4000, 4
    qkv = torch.zeros(length, 3 * length)
    qkv[:, 2 * length :] = torch.eye(length)  # each output is then one row of the weights
    packed = pack([[0] * length] * draws)
    weights = attend(qkv.repeat(draws, 1), packed, 1, 0.25)
    kept = weights != 0
    assert abs(float(kept.double().mean()) - 0.75) < 0.01
    torch.testing.assert_close(weights[kept], torch.full_like(weights[kept], 0.25 / 0.75))


def test_dropout_is_on_in_training_and_off_otherwise(
    tiny_folder: Path, real_texts: list[str]
) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    packed = pack(model.tokenizer(real_texts[:8])[0])
    assert not model.training
    exact = model(packed)
    assert torch.equal(model(packed), exact)

    model.train()
    first, second = model(packed), model(packed)
    assert not torch.allclose(first, second, atol=1e-3)
    vectors = model.encode(real_texts[:8], convert_to_tensor=True)
    assert model.training, "encode must leave the mode as it found it"
    torch.testing.assert_close(vectors, exact.detach(), rtol=0, atol=1e-6)

    model.encoder.set_dropout(0.0)
    assert torch.equal(model(packed), exact)


def test_each_dropout_acts(tiny_folder: Path, real_texts: list[str]) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    packed = pack(model.tokenizer(real_texts[:8])[0])
    exact = model(packed)
    model.train()
    model.encoder.set_dropout(0.0)
    embeddings, layer = model.encoder.embeddings, cast(Layer, model.encoder.layers[1])
    places = [(module, place) for module in (embeddings, layer) for place in module.dropouts]
    assert [place for _, place in places] == [
        *("embeddings", "attention", "attention_output", "output")
    ]
    for module, place in places:
        module.dropouts[place] = 0.5
        assert not torch.allclose(model(packed), exact, atol=1e-3), place
        module.dropouts[place] = 0.0
    assert torch.equal(model(packed), exact)


def test_gradients_in_bfloat16_point_where_exact_ones_do(
    base_folder: Path, real_texts: list[str]
) -> None:
    half = SentenceTransformer(base_folder, device="cpu", compute_dtype="bfloat16")
    exact = SentenceTransformer(base_folder, device="cpu", compute_dtype="float32")
    half.max_seq_length = 24
    half.encoder.layers = half.encoder.layers[:3]
    exact.encoder.layers = exact.encoder.layers[:3]
    packed = pack(half.tokenizer(real_texts[100:106])[0])
    torch.manual_seed(6)
    direction = torch.randn(6, 384)
    exact.double()
    (half(packed) * direction).sum().backward()
    (exact(packed) * direction).sum().backward()
    for (name, ours), (_, right) in zip(
        half.named_parameters(), exact.named_parameters(), strict=True
    ):
        assert ours.grad is not None
        assert right.grad is not None
        assert ours.grad.dtype == torch.float32
        if "qkv.bias" in name:
            # The keys' bias has no effect at all: its gradient is rounding and nothing else.
            ours.grad[384:768] = right.grad[384:768] = 0
        cosine = F.cosine_similarity(ours.grad.double().flatten(), right.grad.flatten(), dim=0)
        assert float(cosine) > 0.99, name


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "fused": lambda p: torch.optim.AdamW(p, lr=1e-2, fused=True),  # the Trainer's default
    "foreach": lambda p: torch.optim.AdamW(p, lr=1e-2, foreach=True),
    "loop": lambda p: torch.optim.SGD(p, lr=1.0, foreach=False),
}


@pytest.mark.parametrize("moment", ["before the pass", "before the step"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_vectors_follow_the_weights_in_bfloat16(
    optimizer: str, moment: str, tiny_folder: Path, real_texts: list[str]
) -> None:
    """The fused optimizer changes weights without a trace in their version counters."""
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="bfloat16")
    texts = real_texts[:8]
    packed = pack(model.tokenizer(texts)[0])
    before = model.encode(texts)
    step = OPTIMIZERS[optimizer](model.parameters())
    for _ in range(2):
        model.train()
        model(packed).square().mul(torch.arange(32)).sum().backward()
        model.eval()
        if moment == "before the step":
            model.encode(texts)
        step.step()
        step.zero_grad()
        after = model.encode(texts)
        np.testing.assert_array_equal(after, model.encode(texts))
    fresh = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="bfloat16")
    fresh.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(after, fresh.encode(texts))
    assert np.abs(after - before).max() > 0.01


def test_a_model_made_in_inference_mode_works(tiny_folder: Path) -> None:
    with torch.inference_mode():
        model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="bfloat16")
    other = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="bfloat16")
    np.testing.assert_array_equal(model.encode(["a text"]), other.encode(["a text"]))


def test_a_model_is_copied_with_its_casts(tiny_folder: Path) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="bfloat16")
    before = model.encode(["a text"])
    copied = copy.deepcopy(model)
    with torch.no_grad():
        copied.encoder.layers[0].up.weight.zero_()  # type: ignore[union-attr,operator]
    assert not np.array_equal(copied.encode(["a text"]), before)
    np.testing.assert_array_equal(model.encode(["a text"]), before)


def test_training_moves_every_weight_that_computes(
    tiny_folder: Path, real_texts: list[str]
) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    packed = pack(model.tokenizer(real_texts[:16])[0])
    model.train()
    model(packed).mul(torch.randn(16, 32)).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.abs().sum() > 0), name
