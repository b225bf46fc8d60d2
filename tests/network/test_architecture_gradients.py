"""Gradients of every architecture equal transformers', and each of its dropouts acts."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tests.long import ARCHITECTURES
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.model_folder.weights import export_weights
from sentune.network.encoder import Encoder, Layer
from sentune.network.pack import Pack, pack
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.trainer import SentenceTransformerTrainer

MakeFolder = Callable[..., Path]


def load(folder: Path, compute_dtype: str = "float32") -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype=compute_dtype)


def pack_of(model: SentenceTransformer, texts: list[str]) -> Pack:
    ids, _ = model.tokenizer(texts)
    lengths = [len(text) for text in ids]
    assert len(set(lengths)) < len(lengths), "some texts must share a run"
    assert max(lengths) > 30, "some must be longer than the window"
    return pack(ids)


def gradients(encoder: Encoder) -> dict[str, Tensor]:
    """Under transformers' names: what would be saved, had the weights these values."""
    holder = copy.deepcopy(encoder)
    with torch.no_grad():
        for held, parameter in zip(holder.parameters(), encoder.parameters(), strict=True):
            assert parameter.grad is not None
            held.copy_(parameter.grad)
    holder.unused = {}
    return export_weights(holder)


@pytest.mark.parametrize("recompute_every", [0, 2])
def test_gradients_equal_transformers(
    recompute_every: int,
    architecture: str,
    architecture_folder: Path,
    real_texts: list[str],
    tmp_path: Path,
) -> None:
    # The softmax of the plain implementation is in float32 for ModernBERT; MPNet has no other.
    implementation = "eager" if architecture == "mpnet" else "sdpa"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from transformers import AutoModel

        theirs = AutoModel.from_pretrained(
            architecture_folder, attn_implementation=implementation, dtype=torch.float64
        ).eval()
    model = load(architecture_folder)
    ours = model.encoder.double()
    ours.set_dropout(0.0)
    ours.train()
    ours.recompute_every = recompute_every
    texts = real_texts[100:124]
    packed = pack_of(model, texts)
    ids, _ = model.tokenizer(texts)

    # Any function of the token vectors will do; each token has its own.
    torch.manual_seed(0)
    weights = [torch.randn(len(text), 32, dtype=torch.float64) for text in ids]
    states = packed.split(ours(packed))
    torch.stack([(s * w).sum() for s, w in zip(states, weights, strict=True)]).sum().backward()

    for text, weight in zip(ids, weights, strict=True):
        (theirs(input_ids=torch.tensor([text])).last_hidden_state[0] * weight).sum().backward()

    found, expected = gradients(ours), theirs_by_file_name(theirs, tmp_path)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        scale = float(gradient.abs().max())
        # transformers turns queries and keys of ModernBERT in float32, and export rounds to it.
        torch.testing.assert_close(
            found[name].double(), gradient, rtol=0, atol=2e-6 * scale + 1e-9, msg=name
        )


def theirs_by_file_name(model: Any, folder: Path) -> dict[str, torch.Tensor]:
    """Gradients under the names of files, which transformers changes when it loads them."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(0 if name.startswith("pooler.") else parameter.grad)
    model.save_pretrained(folder)
    stored = {n.removeprefix("new."): w for n, w in load_file(folder / "model.safetensors").items()}
    return {name: w for name, w in stored.items() if not name.startswith("pooler.")}


@pytest.mark.parametrize("dropout", [0.0, 1e-30])
def test_gradients_in_bfloat16_point_where_exact_ones_do(
    dropout: float, architecture_folder: Path, real_texts: list[str]
) -> None:
    half, exact = load(architecture_folder, "bfloat16"), load(architecture_folder)
    exact.encoder.double()
    packed = pack_of(exact, real_texts[100:124])
    torch.manual_seed(6)
    direction = torch.randn(24, 32)
    for model in (half, exact):
        model.train()
        model.encoder.set_dropout(dropout)
        (model(packed) * direction).sum().backward()
    for (name, ours), right in zip(
        half.encoder.named_parameters(), exact.encoder.parameters(), strict=True
    ):
        assert ours.grad is not None
        assert right.grad is not None
        assert ours.grad.dtype == torch.float32
        if "qkv.bias" in name:
            # The keys' bias has no effect at all: its gradient is rounding and nothing else.
            ours.grad[32:64] = right.grad[32:64] = 0
        cosine = F.cosine_similarity(ours.grad.double().flatten(), right.grad.flatten(), dim=0)
        assert cosine.item() > 0.98, (name, cosine.item())


PLACES = {
    "distilbert": {"embeddings", "attention", "output"},
    "modernbert": {"embeddings", "attention", "attention_output", "inner"},
    "albert": {"embeddings", "attention", "attention_output"},
    "gte": {"embeddings", "attention", "attention_output", "inner", "output"},
}
USUAL = {"embeddings", "attention", "attention_output", "output"}


def test_dropout_is_where_the_architecture_has_it(
    architecture: str, architecture_folder: Path, real_texts: list[str]
) -> None:
    model = load(architecture_folder)
    packed = pack_of(model, real_texts[100:124])
    exact = model(packed)
    model.train()
    model.encoder.set_dropout(0.0)
    assert torch.equal(model(packed), exact)
    layer = cast(Layer, model.encoder.layers[-1])
    found = set()
    for places in (model.encoder.embeddings.dropouts, layer.dropouts):
        for place in places:
            places[place] = 0.5
            assert not torch.allclose(model(packed), exact, atol=1e-3), place
            places[place] = 0.0
            found.add(place)
    assert found == PLACES.get(architecture, USUAL)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("distilbert", {"dropout": 0.2, "attention_dropout": 0.3}),
        ("roberta", {"hidden_dropout_prob": 0.2, "attention_probs_dropout_prob": 0.3}),
        ("modernbert", {"embedding_dropout": 0.1, "attention_dropout": 0.3, "mlp_dropout": 0.2}),
    ],
)
def test_probabilities_are_read_by_the_architectures_names(
    name: str, changes: dict[str, float], make_architecture: MakeFolder
) -> None:
    config = load(make_architecture(name, **changes)).encoder.config
    expected = {
        "distilbert": {"embeddings": 0.2, "attention": 0.3, "output": 0.2},
        "roberta": {"embeddings": 0.2, "attention": 0.3, "attention_output": 0.2, "output": 0.2},
        "modernbert": {
            "embeddings": 0.1,
            "attention": 0.3,
            "attention_output": 0.3,
            "inner": 0.2,
        },
    }[name]
    assert config.dropout == expected
    assert config.attention_probs_dropout_prob == 0.3
    assert config.hidden_dropout_prob == (0.3 if name == "modernbert" else 0.2)


def test_casts_follow_the_weights(architecture_folder: Path, real_texts: list[str]) -> None:
    """Layers without a bias too; the fused optimizer leaves no trace in version counters."""
    model = load(architecture_folder, "bfloat16")
    texts = real_texts[100:108]
    packed = pack(model.tokenizer(texts)[0])
    before = model.encode(texts)
    step = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
    model(packed).square().mul(torch.arange(32)).sum().backward()
    step.step()
    step.zero_grad()
    after = model.encode(texts)
    fresh = load(architecture_folder, "bfloat16")
    fresh.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(after, fresh.encode(texts))
    assert np.abs(after - before).max() > 0.01


PAIRS: dict[str, Any] = {
    "anchor": ["copy a file", "wait for a thread", "parse a date", "open a socket"],
    "positive": [
        "shutil.copy(src, dst) copies the file src to dst.",
        "Thread.join() blocks until the thread ends.",
        "datetime.strptime parses a string by a format.",
        "socket.socket() creates an endpoint for the network.",
    ],
}


def loss_of(model: SentenceTransformer) -> float:
    anchors, positives = (model.encode(PAIRS[name], convert_to_tensor=True) for name in PAIRS)
    scores = 20 * F.cosine_similarity(anchors.unsqueeze(1), positives.unsqueeze(0), dim=-1)  # type: ignore[union-attr]
    return F.cross_entropy(scores, torch.arange(4)).item()


@pytest.mark.parametrize("architecture", ARCHITECTURES, indirect=True)
def test_training_in_bfloat16_with_dropout(architecture_folder: Path, tmp_path: Path) -> None:
    model = load(architecture_folder)
    before = loss_of(model)
    settings = SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path / "run"),
        per_device_train_batch_size=4,
        num_train_epochs=20,
        learning_rate=5e-3,
        dropout=0.05,
        bf16=True,
        disable_tqdm=True,
        save_strategy="no",
    )
    SentenceTransformerTrainer(model, settings, PAIRS).train()
    assert loss_of(model) < 0.6 * before
    model.save_pretrained(tmp_path / "saved")
    again = load(tmp_path / "saved", "bfloat16")
    np.testing.assert_array_equal(again.encode(PAIRS["anchor"]), model.encode(PAIRS["anchor"]))
