"""Equality with sentence-transformers 6.2: the same folder, the same texts, the same numbers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.long import LONG

from sentune.encoding.precision import PRECISIONS, quantize_embeddings
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.similarity import similarity, similarity_pairwise
from sentune.network.names import POOLING_MODES, SIMILARITY_FUNCTIONS
from sentune.network.pooling import Pooling

# The reference pads a batch to its longest text, which takes ten times as long.
ALONE = {"batch_size": 1}
PROMPTS = {"query": "Represent this question: ", "passage": "text: ", "empty": ""}


def close(ours: Any, theirs: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=0, atol=tolerance)


def load_reference(folder: Path, **options: Any) -> Any:
    from sentence_transformers import SentenceTransformer as Reference

    return Reference(str(folder), device="cpu", **options)


def load(folder: Path, **options: Any) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32", **options)


@pytest.fixture(scope="module")
def compared(real_texts: list[str]) -> list[str]:
    """All texts in test-long; otherwise the odd ones, and every third."""
    return real_texts if LONG else [*real_texts[:6], *real_texts[6::3]]


@pytest.fixture(scope="module")
def our_vectors(model: SentenceTransformer, compared: list[str]) -> Any:
    return model.encode(compared)


@pytest.fixture(scope="module")
def their_vectors(reference: Any, compared: list[str]) -> Any:
    return reference.encode(compared, batch_size=8, show_progress_bar=False)


@pytest.fixture(scope="module")
def few(real_texts: list[str]) -> list[str]:
    """Empty and odd texts, short ones, and one beyond the limit."""
    long = next(text for text in real_texts if text.count(" ") > 300)
    short = [text for text in real_texts[6:] if len(text) < 100]
    return [*real_texts[:6], *short[:5], long]


# ── vectors ───────────────────────────────────────────────────────────────────────────────────


def test_the_texts_are_of_every_length(reference: Any, real_texts: list[str]) -> None:
    lengths = [len(reference.tokenizer.tokenize(text)) for text in real_texts]
    assert len(real_texts) == 1000
    assert len(set(real_texts)) > 900
    assert min(lengths) == 0
    assert max(lengths) > 512
    assert 1 in lengths
    for low, high in ((1, 8), (8, 32), (32, 128), (128, 254), (255, 10**6)):
        assert sum(low <= length < high for length in lengths) >= 50, (low, high)


def test_vectors(our_vectors: Any, their_vectors: Any, compared: list[str]) -> None:
    assert our_vectors.dtype == their_vectors.dtype
    assert our_vectors.shape == their_vectors.shape == (len(compared), 384)
    close(our_vectors, their_vectors)
    # The comparison has power: different texts are far apart.
    assert np.abs(our_vectors[100:200] - their_vectors[200:300]).max() > 0.1


def test_token_ids(model: SentenceTransformer, reference: Any, real_texts: list[str]) -> None:
    ours, _ = model.tokenizer(real_texts)
    theirs = reference.tokenizer(
        real_texts, truncation=True, max_length=reference.max_seq_length, padding=False
    )
    assert ours == theirs["input_ids"]
    assert model.max_seq_length == reference.max_seq_length == 256


def test_token_embeddings(model: SentenceTransformer, reference: Any, few: list[str]) -> None:
    ours = model.encode(few, output_value="token_embeddings")
    theirs = reference.encode(few, output_value="token_embeddings", **ALONE)
    assert [t.shape for t in ours] == [t.shape for t in theirs]
    for a, b in zip(ours, theirs, strict=True):
        close(a, b, 3e-5)  # components reach 6 before pooling


@pytest.mark.parametrize("precision", PRECISIONS[1:])
def test_quantized_token_embeddings(
    precision: str, model: SentenceTransformer, reference: Any, few: list[str]
) -> None:
    options: Any = {"output_value": "token_embeddings", "precision": precision}
    ours: Any = model.encode(few, **options)
    theirs = reference.encode(few, **options, **ALONE)
    assert type(ours) is type(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert (type(a), a.dtype, a.shape) == (type(b), b.dtype, b.shape)
        assert np.abs(a.astype(int) - b).max() <= 1  # values at the border of two levels


def test_shapes_and_types(model: SentenceTransformer, reference: Any) -> None:
    given: tuple[Any, ...] = ("text", ["text"], ("a", "b"), np.array(["a", "b"]))
    for inputs in given:
        every: tuple[dict[str, Any], ...] = ({}, {"convert_to_tensor": True})
        for options in (*every, {"convert_to_numpy": False}):
            ours, theirs = (m.encode(inputs, **options) for m in (model, reference))
            assert type(ours) is type(theirs)
            close(_stacked(ours), _stacked(theirs))


def _stacked(vectors: Any) -> Any:
    return torch.stack(vectors) if isinstance(vectors, list) else vectors


# ── options ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def prompted(model: SentenceTransformer, reference: Any) -> Iterator[None]:
    """Both models with the same prompts."""
    saved = model.prompts, reference.prompts
    model.prompts = reference.prompts = PROMPTS
    yield
    model.prompts, reference.prompts = saved
    model.default_prompt_name = reference.default_prompt_name = None
    model.pooling.include_prompt = reference[1].include_prompt = True


@pytest.mark.parametrize("include_prompt", [True, False])
@pytest.mark.parametrize("default", [None, "passage"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"prompt_name": "query"},
        {"prompt_name": "empty"},
        {"prompt": "Instruct: find [SEP] "},
        {"prompt": "no space at the end", "prompt_name": "query"},
        {"prompt": ""},
    ],
    ids=str,
)
def test_prompts(
    options: dict[str, str],
    default: str | None,
    include_prompt: bool,
    model: SentenceTransformer,
    reference: Any,
    few: list[str],
    prompted: None,
) -> None:
    model.default_prompt_name = reference.default_prompt_name = default
    model.pooling.include_prompt = reference[1].include_prompt = include_prompt
    ours = model.encode(few, **options)  # type: ignore[call-overload]
    close(ours, reference.encode(few, **options, **ALONE))


def test_queries_and_documents(
    model: SentenceTransformer, reference: Any, few: list[str], prompted: None
) -> None:
    queries, documents = model.encode_query(few), model.encode_document(few)
    close(queries, reference.encode_query(few, **ALONE))
    close(documents, reference.encode_document(few, **ALONE))
    assert np.abs(queries - documents).max() > 0.01


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("truncate_dim", [None, 1, 100, 1000])
def test_truncate_and_normalize(
    truncate_dim: int | None,
    normalize: bool,
    model: SentenceTransformer,
    reference: Any,
    few: list[str],
) -> None:
    close(
        model.encode(few, truncate_dim=truncate_dim, normalize_embeddings=normalize),
        reference.encode(few, truncate_dim=truncate_dim, normalize_embeddings=normalize, **ALONE),
    )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_precisions(precision: Any, their_vectors: Any) -> None:
    from sentence_transformers.util.quantization import quantize_embeddings as theirs

    narrow = their_vectors[:200, :93]  # not a multiple of 8
    for vectors in (their_vectors, narrow):
        low, high = vectors.min(axis=0), vectors.max(axis=0)
        for options in (
            {},
            {"calibration_embeddings": vectors[:100]},
            {"ranges": np.vstack([low, high]) / 2},
        ):
            expected = theirs(vectors, precision, **options)
            found = quantize_embeddings(vectors, precision, **options)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)
        assert (
            quantize_embeddings(vectors[:0], precision).shape
            == theirs(vectors[:0], precision).shape
        )


@pytest.mark.parametrize("name", SIMILARITY_FUNCTIONS)
def test_similarity(name: str, their_vectors: Any) -> None:
    from sentence_transformers.util import SimilarityFunction

    a, b = their_vectors[:40], their_vectors[40:80] * 3
    all_pairs = SimilarityFunction.to_similarity_fn(name)
    row_by_row = SimilarityFunction.to_similarity_pairwise_fn(name)
    close(similarity(a, b, name), all_pairs(a, b), 2e-6 if name == "cosine" else 2e-5)
    close(similarity_pairwise(a, b, name), row_by_row(a, b), 2e-5)
    assert similarity(a, b, name).dtype == all_pairs(a, b).dtype
    assert similarity(a[0], b, name).shape == all_pairs(a[0], b).shape
    # Its other functions compare matrices of token vectors.
    assert list(SIMILARITY_FUNCTIONS) == SimilarityFunction.possible_values()[:4]


# ── folders ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def tiny_reference(tiny_folder: Path) -> Any:
    """sentence-transformers' model of the small folder."""
    return load_reference(tiny_folder)


VARIANTS: dict[str, dict[str, Any]] = {
    "prompts": {"prompts": PROMPTS, "default_prompt_name": "passage"},
    "similarity": {"similarity_fn_name": "manhattan"},
    "truncate_dim": {"truncate_dim": 20},
    "length limit": {"max_seq_length": 64},
    "without normalize": {"normalize": False},
    "include_prompt": {"prompts": PROMPTS, "pooling": Pooling(32, ["mean"], include_prompt=False)},
    **{mode: {"pooling": Pooling(32, [mode]), "normalize": False} for mode in POOLING_MODES},
    "max and mean": {"pooling": Pooling(32, ["max", "mean"])},
    "cls, mean and weightedmean": {"pooling": Pooling(32, ["cls", "mean", "weightedmean"])},
}


@pytest.mark.parametrize(
    "prompts",
    [
        {},
        {"prompts": {"find": "find "}, "default_prompt_name": "find"},
        {"prompts": {"query": "ask: ", "document": "text: "}, "default_prompt_name": "document"},
        {"prompts": {"query": "", "document": ""}},
    ],
    ids=str,
)
def test_prompts_that_nobody_named(
    prompts: dict[str, Any], tiny_folder: Path, few: list[str], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts), "utf-8")
    ours, theirs = load(folder), load_reference(folder)
    assert ours.prompts == theirs.prompts
    for method in ("encode", "encode_query", "encode_document"):
        close(getattr(ours, method)(few), getattr(theirs, method)(few))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_folder_that_we_save_loads_there(
    variant: str, tiny_folder: Path, few: list[str], tmp_path: Path
) -> None:
    ours = load(tiny_folder)
    for changed, value in VARIANTS[variant].items():
        setattr(ours, changed, value)
    ours.save_pretrained(tmp_path / "saved")
    theirs = load_reference(tmp_path / "saved")
    again = load(tmp_path / "saved")
    for name in [None, *ours.prompts]:
        expected = ours.encode(few, prompt_name=name)
        close(theirs.encode(few, prompt_name=name), expected)
        np.testing.assert_array_equal(again.encode(few, prompt_name=name), expected)
    assert theirs.prompts.items() >= ours.prompts.items()
    assert theirs.default_prompt_name == again.default_prompt_name == ours.default_prompt_name
    assert theirs.similarity_fn_name == again.similarity_fn_name == ours.similarity_fn_name
    assert theirs.truncate_dim == again.truncate_dim == ours.truncate_dim
    assert theirs.max_seq_length == again.max_seq_length == ours.max_seq_length
    dimension = ours.encode("a").shape[0]
    assert theirs.get_embedding_dimension() == again.get_embedding_dimension() == dimension
    vectors = ours.encode(few)
    close(theirs.similarity(vectors, vectors), ours.similarity(vectors, vectors), 1e-4)


@pytest.mark.parametrize(
    "modes",
    [*((mode,) for mode in POOLING_MODES), ("max", "mean"), ("mean", "max"), ("mean", "cls")],
    ids=str,
)
@pytest.mark.parametrize("include_prompt", [True, False])
def test_a_folder_that_they_save_loads_here(
    modes: tuple[str, ...],
    include_prompt: bool,
    tiny_reference: Any,
    few: list[str],
    tmp_path: Path,
) -> None:
    from sentence_transformers import SentenceTransformer as Reference
    from sentence_transformers.sentence_transformer.modules import Pooling as TheirPooling

    pooling = TheirPooling(32, modes, include_prompt=include_prompt)
    theirs = Reference(
        modules=[tiny_reference[0], pooling],
        prompts=PROMPTS,
        default_prompt_name="passage",
        similarity_fn_name="dot",
        truncate_dim=30,
        device="cpu",
    )
    theirs.save_pretrained(str(tmp_path / "theirs"))
    ours = load(tmp_path / "theirs")
    assert ours.pooling.modes == modes
    assert ours.pooling.include_prompt is include_prompt
    assert not ours.normalize
    for name in ("query", "passage", "empty", None):
        close(ours.encode(few, prompt_name=name), theirs.encode(few, prompt_name=name))
    assert ours.prompts.items() >= PROMPTS.items()
    assert ours.default_prompt_name == "passage"
    assert ours.similarity_fn_name == "dot"
    assert ours.truncate_dim == 30
    assert ours.max_seq_length == theirs.max_seq_length


def test_flags_of_several_modes_mean_the_same_order(
    few: list[str], tmp_path: Path, tiny: SentenceTransformer
) -> None:
    """Published folders name modes by flags, of which none says which comes first."""
    tiny.save_pretrained(tmp_path / "saved")
    names = ("mean_tokens", "max_tokens", "lasttoken", "weightedmean_tokens", "cls_token")
    flags = {f"pooling_mode_{name}": True for name in (*names, "mean_sqrt_len_tokens")}
    path = tmp_path / "saved" / "1_Pooling" / "config.json"
    for kept in (2, 3, 6):
        some = dict(list(flags.items())[:kept])
        path.write_text(json.dumps({"word_embedding_dimension": 32, **some}))
        close(load(tmp_path / "saved").encode(few), load_reference(tmp_path / "saved").encode(few))


def test_the_base_model_crosses_over_and_back_without_drift(
    base_folder: Path, model: SentenceTransformer, few: list[str], tmp_path: Path
) -> None:
    ours = load(base_folder)
    ours.max_seq_length = 200
    ours.prompts = dict(PROMPTS)
    ours.save_pretrained(tmp_path / "ours")
    theirs = load_reference(tmp_path / "ours")
    theirs.save_pretrained(str(tmp_path / "theirs"))
    again = load(tmp_path / "theirs")
    expected = ours.encode(few, prompt_name="query")
    close(theirs.encode(few, prompt_name="query"), expected)
    np.testing.assert_array_equal(again.encode(few, prompt_name="query"), expected)
    assert again.tokenizer(few)[0] == ours.tokenizer(few)[0]
    assert again.max_seq_length == theirs.max_seq_length == 200
    again.save_pretrained(tmp_path / "again")
    for name in ("tokenizer.json", "vocab.txt", "modules.json", "sentence_bert_config.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "ours" / name).read_bytes()
    shutil.rmtree(tmp_path)
