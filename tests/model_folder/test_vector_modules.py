"""Modules after pooling: read from the folders of sentence-transformers, and written for them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sentune.encoding.few.few_texts import encode_few
from sentune.encoding.fingerprint import fingerprint
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ModelError, SentuneError, UnsupportedModelError
from sentune.export import export_onnx
from sentune.model_folder.resolve import resolve
from sentune.network import vector_modules as ours
from sentune.network.names import DENSE_ACTIVATIONS

EditJson = Callable[[Path, Callable[[Any], Any]], None]
Weights = dict[str, Tensor]
Refusal = Callable[..., str]

TEXTS = ["a file is read", "sockets", "", "threads and locks " * 20]


def theirs() -> Any:
    """The module classes of sentence-transformers."""
    from sentence_transformers.base import modules as base
    from sentence_transformers.sentence_transformer import modules as others

    return type("Modules", (), {**vars(base), **vars(others)})


# Published layouts first: LaBSE, distiluse, EmbeddingGemma, a small MiniLM with a wider vector.
LAYOUTS: dict[str, Callable[[Any], Sequence[nn.Module]]] = {
    "Dense Normalize": lambda m: [m.Dense(32, 32), m.Normalize()],
    "Dense": lambda m: [m.Dense(32, 16, activation_function=nn.Tanh())],
    "two Dense": lambda m: [
        m.Dense(32, 128, bias=False, activation_function=nn.Identity()),
        m.Dense(128, 32, bias=False, activation_function=nn.Identity()),
        m.Normalize(),
    ],
    "wider": lambda m: [m.Dense(32, 64, activation_function=nn.Identity()), m.Normalize()],
    "Normalize twice": lambda m: [m.Normalize(), m.Normalize()],
    "nothing": lambda m: [],
    "every one": lambda m: [
        m.LayerNorm(32),
        m.Dropout(0.4),
        m.Normalize(),
        m.Dense(32, 40, activation_function=nn.GELU()),
        m.Normalize(),
        m.Dropout(0.1),
    ],
}


KEYS = (
    *("in_features", "out_features", "bias", "activation_function", "use_residual"),
    *("module_input_name", "module_output_name"),
)
anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.sampled_from([32, "torch.nn.modules.activation.ReLU", "torch.nn.Tanh", "x" * 5000]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=3,
)


def load(folder: Path, **options: Any) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32", **options)


def load_reference(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer as Reference

    return Reference(str(folder), device="cpu")


@pytest.fixture(scope="module")
def reference_parts(tiny_folder: Path) -> list[Any]:
    reference = load_reference(tiny_folder)
    return [reference[0], reference[1]]


@pytest.fixture(scope="module")
def dense_folder(reference_parts: list[Any], tmp_path_factory: Any) -> Path:
    return with_dense(reference_parts, tmp_path_factory.mktemp("dense"))


@pytest.fixture(params=LAYOUTS)
def reference(request: Any, reference_parts: list[Any]) -> Any:
    """A model of sentence-transformers with random modules after pooling."""
    from sentence_transformers import SentenceTransformer as Reference

    torch.manual_seed(3)
    modules = LAYOUTS[request.param](theirs())
    for module in modules:
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=0.3)
    return Reference(modules=[*reference_parts, *modules], device="cpu")


def close(found: Any, expected: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=0, atol=tolerance)


def test_folders_go_both_ways(reference: Any, tmp_path: Path, caplog: Any) -> None:
    expected = reference.encode(TEXTS)
    reference.save_pretrained(str(tmp_path / "theirs"))
    model = load(tmp_path / "theirs")
    close(model.encode(TEXTS), expected)
    unknown = [record for record in caplog.records if record.name == "sentune.network.config"]
    assert not unknown, "every key that version 6.2 writes is classed"
    assert model.get_embedding_dimension() == reference.get_embedding_dimension()
    names = [type(module).__name__ for module in reference][2:]
    assert [type(module).__name__ for module in model.after_pooling] == names
    for number, name in enumerate(names, 2):
        assert f"({number}): {name}(" in repr(model)
    model.save_pretrained(tmp_path / "ours")
    close(load_reference(tmp_path / "ours").encode(TEXTS), expected)
    np.testing.assert_array_equal(load(tmp_path / "ours").encode(TEXTS), model.encode(TEXTS))


def test_every_option_of_encode(reference: Any, tmp_path: Path) -> None:
    reference.save_pretrained(str(tmp_path / "theirs"))
    model = load(tmp_path / "theirs")
    for options in (
        {"truncate_dim": 7},
        {"truncate_dim": 7, "normalize_embeddings": True},
        {"precision": "ubinary"},
    ):
        found, expected = model.encode(TEXTS, **options), reference.encode(TEXTS, **options)
        assert found.dtype == expected.dtype
        close(found, expected)
    assert model.encode([]).shape == (0, reference.get_embedding_dimension())


def test_what_3_1_reads(reference: Any, tmp_path: Path) -> None:
    """Its modules are made of exactly these keys, and know no others."""
    reference.save_pretrained(str(tmp_path / "theirs"))
    load(tmp_path / "theirs").save_pretrained(tmp_path / "ours")
    keys = {
        "Dense": {"in_features", "out_features", "bias", "activation_function"},
        "LayerNorm": {"dimension"},
        "Dropout": {"dropout"},
    }
    weights = {"Dense": {"linear.weight"}, "LayerNorm": {"norm.weight", "norm.bias"}}
    for entry in json.loads((tmp_path / "ours" / "modules.json").read_text())[2:]:
        place, _, kind = entry["type"].rpartition(".")
        assert place == "sentence_transformers.models"
        folder = tmp_path / "ours" / entry["path"]
        assert folder.is_dir()
        if kind in keys:
            assert json.loads((folder / "config.json").read_text()).keys() == keys[kind]
        if kind in weights:
            assert load_file(folder / "model.safetensors").keys() >= weights[kind]


@pytest.mark.parametrize("name", DENSE_ACTIVATIONS)
def test_every_activation(name: str) -> None:
    from sentence_transformers.base.modules import Dense

    torch.manual_seed(0)
    theirs = Dense(5, 4, activation_function=ours.activation(name)).eval()
    mine = ours.Dense(5, 4, activation_function=ours.activation(name)).eval()
    mine.load_state_dict(theirs.state_dict())
    vectors = torch.randn(7, 5)
    expected = theirs({"sentence_embedding": vectors.clone()})["sentence_embedding"]
    assert torch.equal(mine(vectors), expected)
    # The name in the folder is the reference's, for the class that 3.1 makes.
    named = theirs.get_config_dict()["activation_function"]
    assert mine.get_config_dict()["activation_function"] == named


def test_names_of_activations_and_defaults(reference_parts: list[Any], tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer as Reference
    from sentence_transformers.base.modules import Dense

    theirs = Reference(modules=[*reference_parts, Dense(32, 8)], device="cpu")
    theirs.save_pretrained(str(tmp_path / "a"))
    config = tmp_path / "a" / "2_Dense" / "config.json"
    for change in ("torch.nn.Tanh", "torch.nn.modules.activation.Tanh", None):
        written: dict[str, Any] = {"in_features": 32, "out_features": 8}
        if change is not None:
            written["activation_function"] = change
        config.write_text(json.dumps(written), encoding="utf-8")
        close(load(tmp_path / "a").encode(TEXTS), load_reference(tmp_path / "a").encode(TEXTS))


def test_weights_of_16_bits_become_float32(reference_parts: list[Any], tmp_path: Path) -> None:
    folder = with_dense(reference_parts, tmp_path)
    path = folder / "2_Dense" / "model.safetensors"
    stored = {name: tensor.half() for name, tensor in load_file(path).items()}
    save_file(stored, path)
    dense = load(folder).after_pooling[0]
    assert {p.dtype for p in dense.parameters()} == {torch.float32}
    for name, tensor in dense.state_dict().items():
        assert torch.equal(tensor, stored[name].float())


def with_dense(reference_parts: list[Any], tmp_path: Path) -> Path:
    from sentence_transformers import SentenceTransformer as Reference

    modules = LAYOUTS["Dense Normalize"](theirs())
    Reference(modules=[*reference_parts, *modules], device="cpu").save_pretrained(str(tmp_path))
    return tmp_path


# ── through every path ────────────────────────────────────────────────────────────────────────


def test_loading_draws_no_random_number(reference_parts: list[Any], tmp_path: Path) -> None:
    folder = with_dense(reference_parts, tmp_path)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load(folder)
    assert torch.equal(torch.rand(3), expected)


def test_other_formats_and_processes(reference: Any, tmp_path: Path) -> None:
    reference.save_pretrained(str(tmp_path / "theirs"))
    model = load(tmp_path / "theirs")
    expected = model.encode(TEXTS)
    largest = max(1.0, float(np.abs(expected).max()))
    coarse = SentenceTransformer(tmp_path / "theirs", device="cpu", compute_dtype="bfloat16")
    close(coarse.encode(TEXTS), expected, 0.05 * largest)
    assert coarse.encode(TEXTS).dtype == np.float32
    exact = load(tmp_path / "theirs").double()
    close(exact.encode(TEXTS), expected)


def test_a_pool_and_a_graph(reference_parts: list[Any], tmp_path: Path) -> None:
    import onnxruntime

    folder = with_dense(reference_parts, tmp_path / "theirs")
    model = load(folder)
    with torch.no_grad():
        for parameter in model.after_pooling.parameters():
            parameter.mul_(2)  # what is in memory counts, not what is in the folder
    expected = model.encode(TEXTS)
    assert np.abs(expected - load(folder).encode(TEXTS)).max() > 0.01
    with model.start_multi_process_pool(["cpu"]) as pool:
        close(model.encode(TEXTS, pool=pool), expected)
    written = export_onnx(model, tmp_path / "out")
    assert written.difference < 1e-5
    session = onnxruntime.InferenceSession(written.graph, providers=["CPUExecutionProvider"])
    (ids,) = model.tokenizer(TEXTS[:1])[0]
    given = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64)}
    close(session.run(["sentence_embedding"], given)[0], expected[:1])


def test_long_texts_in_windows(reference_parts: list[Any], tmp_path: Path) -> None:
    model = load(with_dense(reference_parts, tmp_path))
    vectors = model.encode(TEXTS, long_text="chunk")
    close(np.linalg.norm(vectors, axis=1), np.ones(len(TEXTS)))
    model.normalize = False
    assert not np.allclose(np.linalg.norm(model.encode(TEXTS, long_text="chunk"), axis=1), 1)


def test_fingerprints(reference_parts: list[Any], tmp_path: Path) -> None:
    model = load(with_dense(reference_parts, tmp_path))
    first = fingerprint(model)
    assert fingerprint(load(tmp_path)) == first
    for changed in ("weights", "activation", "order"):
        other = load(tmp_path)
        if changed == "weights":
            with torch.no_grad():
                next(other.after_pooling.parameters()).add_(0.1)
        elif changed == "activation":
            dense = other.after_pooling[0]
            other.after_pooling[0] = ours.Dense(32, 32, activation_function=nn.ReLU())
            other.after_pooling[0].load_state_dict(dense.state_dict())
        else:
            other.after_pooling.append(ours.Normalize())
        assert fingerprint(other).weights != first.weights
    other = load(tmp_path)
    other.after_pooling.append(ours.Dropout())
    assert fingerprint(other) == first, "dropout changes no vector"


def test_normalize_is_the_last_module(reference_parts: list[Any], tmp_path: Path) -> None:
    model = load(with_dense(reference_parts, tmp_path))
    assert model.normalize
    model.after_pooling.append(ours.Dropout())
    assert model.normalize
    model.normalize = False
    assert [type(module).__name__ for module in model.after_pooling] == ["Dense", "Dropout"]
    assert not model.normalize
    model.normalize = True
    assert model.normalize


# ── what is refused ───────────────────────────────────────────────────────────────────────────


def test_a_dense_layer_without_a_width(
    reference_parts: list[Any], tmp_path: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    path = with_dense(reference_parts, tmp_path) / "2_Dense" / "config.json"
    edit_json(path, lambda config: {"out_features": 32})
    assert f"{path} has no in_features" in refusal(tmp_path, ModelError)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (
            {"activation_function": "torch.nn.modules.linear.Linear"},
            UnsupportedModelError,
            "Linear",
        ),
        ({"activation_function": "custom.Swish"}, UnsupportedModelError, "custom.Swish"),
        ({"activation_function": "torch.nn.GLU"}, UnsupportedModelError, "GLU"),
        ({"activation_function": 3}, UnsupportedModelError, "is 3"),
        ({"activation_function": None}, UnsupportedModelError, "is None"),
        ({"use_residual": True}, ModelError, "use_residual"),
        ({"module_input_name": "token_embeddings"}, UnsupportedModelError, "token_embeddings"),
        ({"module_output_name": "more"}, UnsupportedModelError, "'more'"),
        ({"in_features": 33}, ModelError, "another shape"),
        ({"in_features": "32"}, ModelError, "another shape"),
        ({"out_features": 10**9}, ModelError, "another shape"),
        ({"bias": False}, ModelError, "unknown weights linear.bias"),
        ({"bias": "yes"}, ModelError, "bias is 'yes'"),
    ],
)
def test_a_dense_layer_that_does_not_fit(
    change: dict[str, Any],
    kind: type[ModelError],
    said: str,
    reference_parts: list[Any],
    tmp_path: Path,
    edit_json: EditJson,
    refusal: Refusal,
) -> None:
    path = with_dense(reference_parts, tmp_path) / "2_Dense" / "config.json"
    edit_json(path, lambda config: {**config, **change})
    message = refusal(tmp_path, kind)
    assert said in message
    assert str(path.parent) in message


def test_a_dense_layer_for_other_vectors(
    reference_parts: list[Any], tmp_path: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    path = with_dense(reference_parts, tmp_path) / "2_Dense"
    edit_json(path / "config.json", lambda config: {**config, "in_features": 48})
    save_file(
        {"linear.weight": torch.ones(32, 48), "linear.bias": torch.ones(32)},
        path / "model.safetensors",
    )
    assert "vectors of 48 components after 32" in refusal(tmp_path, ModelError)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_files_that_a_module_needs(
    name: str, reference_parts: list[Any], tmp_path: Path, refusal: Refusal
) -> None:
    path = with_dense(reference_parts, tmp_path) / "2_Dense" / name
    path.unlink()
    message = refusal(tmp_path, ModelError)
    assert str(path.parent) in message
    assert name in message


def test_settings_that_a_folder_cannot_keep() -> None:
    from sentune.errors import ArgumentError

    for wrong in (nn.LeakyReLU(0.5), torch.tanh, nn.Linear(2, 2)):
        with pytest.raises(ArgumentError, match="activation_function"):
            ours.Dense(2, 2, activation_function=wrong)  # type: ignore[arg-type]
    assert ours.Dense(2, 2, activation_function=None).activation_name == "Identity"
    with pytest.raises(ArgumentError, match="after pooling"):
        ours.vector_width(2, [nn.Tanh()])


def test_a_key_that_no_one_knows_is_said_once(
    reference_parts: list[Any], tmp_path: Path, edit_json: EditJson, caplog: Any
) -> None:
    path = with_dense(reference_parts, tmp_path) / "2_Dense" / "config.json"
    expected = load(tmp_path).encode(TEXTS)
    edit_json(path, lambda config: {**config, "scale_factor": 3})
    for _ in range(2):
        np.testing.assert_array_equal(load(tmp_path).encode(TEXTS), expected)
    said = [record.args for record in caplog.records if record.name == "sentune.network.config"]
    assert said == [(str(path), "scale_factor")]


@given(content=st.dictionaries(st.sampled_from([*KEYS, "more"]), anything, max_size=4))
@settings(max_examples=40)
def test_any_configuration_at_all(content: dict[str, Any], dense_folder: Path) -> None:
    """It is loaded or refused, by both paths, and never ends in another error."""
    path = dense_folder / "2_Dense" / "config.json"
    path.write_text(json.dumps({"in_features": 32, "out_features": 32} | content), encoding="utf-8")
    refused, few = None, None
    with contextlib.suppress(SentuneError):
        few = encode_few(resolve(dense_folder), ["a"], bfloat16=False)
    try:
        model = load(dense_folder)
    except SentuneError as error:
        refused = str(error)
    assert refused is None or (few is None and str(path.parent) in refused)
    if few is not None:
        close(few.vectors, model.encode(["a"]))
