"""A few texts without PyTorch have the vectors that SentenceTransformer gives them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sentune.encoding.few import few_texts
from sentune.encoding.few.few_texts import FewVectors, encode_few
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, ModelError
from sentune.model_folder.resolve import resolve
from sentune.network.config import GROUPED_FROM
from sentune.network.kernels import KernelError, Kernels
from sentune.network.linear import fused_linear
from sentune.network.names import POOLING_FLAGS
from sentune.network.vector_modules import Dense, Dropout, LayerNorm, Normalize

Weights = dict[str, Tensor]
EditJson = Callable[[Path, Callable[[Any], Any]], None]
EditWeights = Callable[[Path, Callable[[Weights], Weights]], None]


def few(folder: Path, texts: list[str], **options: Any) -> FewVectors:
    found = encode_few(resolve(folder), texts, **{"bfloat16": False, **options})
    assert found is not None
    return found


def close(found: Any, expected: Any) -> None:
    atol = 1e-6 * max(1, np.abs(expected).max())  # vectors that are not of unit length
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def test_the_published_model(
    model: SentenceTransformer, base_folder: Path, real_texts: list[str]
) -> None:
    texts = real_texts[:20]
    found = few(base_folder, texts)
    close(found.vectors, model.encode(texts))
    assert found.vectors.dtype == np.float32
    _, truncation = model.tokenizer(texts)
    assert found.truncation == truncation
    assert found.truncation.truncated
    assert found.max_seq_length == model.max_seq_length


@pytest.mark.parametrize("bfloat16", [False, True])
def test_the_number_format(bfloat16: bool, base_folder: Path, real_texts: list[str]) -> None:
    texts = [text[:60] for text in real_texts[:40]]
    base = resolve(base_folder)
    found = encode_few(base, texts, bfloat16=bfloat16)
    dtype = torch.bfloat16 if bfloat16 else torch.float32
    if fused_linear(dtype) is None:  # a processor for which oneDNN has no such product
        assert found is None
        return
    assert found is not None
    other = SentenceTransformer(base_folder, device="cpu", compute_dtype=str(dtype)[6:])
    close(found.vectors, other.encode(texts))
    long = "word " * GROUPED_FROM
    assert (encode_few(base, [*texts[:2], long], bfloat16=bfloat16) is None) == bfloat16


def test_without_the_library(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise KernelError("no library")

    monkeypatch.setattr("sentune.network.kernels.Kernels.load", classmethod(fail))
    assert encode_few(resolve(tiny_folder), ["a text"], bfloat16=False) is None


def test_only_versions_that_were_run(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentune.network.kernels.version", lambda _: "2.14.0")
    Kernels.load.cache_clear()
    with pytest.raises(KernelError, match=r"torch 2\.14\.0"):
        Kernels.load()
    assert encode_few(resolve(tiny_folder), ["a text"], bfloat16=False) is None


@pytest.mark.parametrize("missing", ["torch_call_dispatcher", "aoti_torch_cpu_add_Tensor"])
def test_another_version_of_the_library(
    missing: str, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Kernels.load()

    class Lacking:
        def __getattr__(self, name: str) -> Any:
            if name == missing:
                raise AttributeError(name)
            return getattr(whole._library, name)

    lacking = Kernels(cast("Any", Lacking()))
    monkeypatch.setattr("sentune.network.kernels.Kernels.load", lambda: lacking)
    assert encode_few(resolve(tiny_folder), ["a text"], bfloat16=False) is None


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"prompt_name": "query"},
        {"prompt": "something before: "},
        {"truncate_dim": 5},
        {"truncate_dim": 7, "normalize_embeddings": True},
        {"truncate_dim": 100},
    ],
    ids=str,
)
def test_options(
    options: dict[str, Any], tiny: SentenceTransformer, tiny_folder: Path, real_texts: list[str]
) -> None:
    found = few(tiny_folder, real_texts[:9], **options)
    close(found.vectors, tiny.encode(real_texts[:9], **options))


@pytest.mark.parametrize("options", [{"truncate_dim": 0}, {"prompt_name": "absent"}], ids=str)
def test_bad_options(options: dict[str, Any], tiny_folder: Path) -> None:
    with pytest.raises(ArgumentError, match=str(next(iter(options.values())))):
        encode_few(resolve(tiny_folder), ["a text"], bfloat16=False, **options)


@pytest.fixture
def copy(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


def same_as_torch(folder: Path, texts: list[str], **options: Any) -> None:
    loaded = SentenceTransformer(folder, device="cpu", compute_dtype="float32")
    close(few(folder, texts, **options).vectors, loaded.encode(texts, **options))


@pytest.mark.parametrize("modes", [("cls",), ("max",), ("max", "mean"), ("cls", "max", "mean")])
def test_pooling(modes: tuple[str, ...], copy: Path, real_texts: list[str]) -> None:
    pool(copy, modes)
    same_as_torch(copy, real_texts[:9])


def pool(folder: Path, modes: tuple[str, ...], **more: Any) -> None:
    flags = {flag: mode in modes for mode, flag in POOLING_FLAGS.items()}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({**flags, **more}))


def test_settings_of_the_folder(copy: Path, edit_json: EditJson, real_texts: list[str]) -> None:
    edit_json(copy / "modules.json", lambda modules: modules[:2])  # not normalized
    edit_json(
        copy / "config_sentence_transformers.json",
        lambda settings: settings.update(truncate_dim=11, default_prompt_name="query"),
    )
    same_as_torch(copy, real_texts[:9])
    same_as_torch(copy, real_texts[:9], truncate_dim=4, prompt="")


def test_what_is_left_to_the_other(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = resolve(copy)
    assert encode_few(base, ["a text"], bfloat16=False) is not None
    with monkeypatch.context() as patched:
        patched.setattr(few_texts, "_MOST_MULTIPLICATIONS", 1000)
        assert encode_few(base, ["a text"], bfloat16=False) is None
    pool(copy, ("mean",), include_prompt=False)
    assert encode_few(base, ["a text"], bfloat16=False) is not None
    assert encode_few(base, ["a text"], bfloat16=False, prompt_name="query") is None
    pool(copy, ("mean", "lasttoken"))
    assert encode_few(base, ["a text"], bfloat16=False) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e38])
def test_numbers_that_are_none(value: float, copy: Path, edit_weights: EditWeights) -> None:
    def change(weights: Weights) -> Weights:
        weights["encoder.layer.0.output.dense.weight"][3, 5] = value
        weights["encoder.layer.0.output.dense.weight"][4, 5] = value
        return weights

    edit_weights(copy, change)
    if value == 1e38:  # a number, of which no vector can be made
        found = encode_few(resolve(copy), ["a text"], bfloat16=False)
        expected = SentenceTransformer(copy, device="cpu", compute_dtype="float32").encode("a text")
        assert found is None or np.array_equal(found.vectors[0], expected)
        return
    assert encode_few(resolve(copy), ["a text"], bfloat16=False) is None
    with pytest.raises(ModelError, match="not finite"):
        SentenceTransformer(copy)


def test_long_texts_are_not_even_tokenized(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*_: object) -> None:
        raise AssertionError("nothing may be tokenized")

    base = resolve(copy)
    monkeypatch.setattr("sentune.tokens.tokenizer.Tokenizer.__call__", touched)
    assert encode_few(base, ["word " * 10_000] * 3, bfloat16=False) is None
    pool(copy, ("lasttoken",))
    assert encode_few(base, ["a text"], bfloat16=False) is None


def test_a_damaged_tokenizer_is_told(copy: Path) -> None:
    (copy / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=r"tokenizer\.json cannot be read"):
        encode_few(resolve(copy), ["a text"], bfloat16=False)


def test_a_text_without_a_token(copy: Path, edit_json: EditJson) -> None:
    edit_json(copy / "tokenizer.json", lambda content: content.update(post_processor=None))
    assert encode_few(resolve(copy), ["a text"], bfloat16=False) is not None
    assert encode_few(resolve(copy), ["a text", ""], bfloat16=False) is None
    loaded = SentenceTransformer(copy)
    assert not loaded.encode("").any()
    assert loaded.encode(["a text", ""]).any(axis=1).tolist() == [True, False]


# ── modules after pooling ─────────────────────────────────────────────────────────────────────


def with_modules(tiny_folder: Path, path: Path, modules: list[nn.Module]) -> Path:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    torch.manual_seed(4)
    for parameter in nn.Sequential(*modules).parameters():
        nn.init.normal_(parameter, std=0.3)
    model.after_pooling = nn.Sequential(*modules)
    model.save_pretrained(path)
    return path


@pytest.mark.parametrize(
    "modules",
    [
        lambda: [Dense(32, 16), Normalize()],
        lambda: [Dense(32, 64, bias=False, activation_function=nn.Identity())],
        lambda: [LayerNorm(32), Dropout(), Dense(32, 8, activation_function=nn.ReLU())],
        lambda: [Normalize(), Dense(32, 48), Dense(48, 16), Normalize()],
    ],
)
def test_modules_after_pooling(
    modules: Callable[[], list[nn.Module]], tiny_folder: Path, tmp_path: Path
) -> None:
    folder = with_modules(tiny_folder, tmp_path / "model", modules())
    texts = ["a text", "another", ""]
    other = SentenceTransformer(folder, device="cpu", compute_dtype="float32")
    close(few(folder, texts).vectors, other.encode(texts))
    how: Any = {"truncate_dim": 5, "normalize_embeddings": True}
    close(few(folder, texts, **how).vectors, other.encode(texts, **how))


@pytest.mark.parametrize(
    "change",
    [
        {"activation_function": "torch.nn.modules.activation.GELU"},
        {"in_features": 31},
        {"out_features": "16"},
        {"bias": False},
        {"bias": 1},
        {"use_residual": True},
    ],
)
def test_modules_that_are_left_to_torch(
    change: dict[str, Any], tiny_folder: Path, tmp_path: Path, edit_json: EditJson
) -> None:
    folder = with_modules(tiny_folder, tmp_path / "model", [Dense(32, 16)])
    assert encode_few(resolve(folder), ["a"], bfloat16=False) is not None
    edit_json(folder / "2_Dense" / "config.json", lambda config: {**config, **change})
    assert encode_few(resolve(folder), ["a"], bfloat16=False) is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int8])
def test_weights_of_modules_that_are_left_to_torch(
    dtype: torch.dtype, tiny_folder: Path, tmp_path: Path
) -> None:
    folder = with_modules(tiny_folder, tmp_path / "model", [Dense(32, 16)])
    path = folder / "2_Dense" / "model.safetensors"
    save_file({name: w.to(dtype) for name, w in load_file(path).items()}, path)
    assert encode_few(resolve(folder), ["a"], bfloat16=False) is None
