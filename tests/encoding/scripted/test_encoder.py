"""What scripts for the reference do with a model, beside the reference's own model."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sentune import models, util
from sentune.encoding.card_data import SentenceTransformerModelCardData
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.similarity import SimilarityFunction
from sentune.errors import ArgumentError, ModelNotFoundError, OutputError, SentuneError
from sentune.model_folder.resolve import resolve
from sentune.progress import LoggingHandler

TEXTS = ["the words of a text", "find", "the file and the other file"]


def close(ours: Any, theirs: Any, tolerance: float = 1e-5) -> None:
    ours, theirs = (v.detach() if isinstance(v, torch.Tensor) else v for v in (ours, theirs))
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=0, atol=tolerance)


def load(folder: Path, **options: Any) -> SentenceTransformer:
    options = {"device": "cpu", "compute_dtype": "float32"} | options
    return SentenceTransformer(str(folder), **options)


@pytest.fixture(scope="module")
def theirs(tiny_folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer as Reference

    return Reference(str(tiny_folder), device="cpu")


# ── arguments of the constructor ──────────────────────────────────────────────────────────────

USUAL: list[dict[str, Any]] = [
    {"modules": None, "prompts": None, "cache_folder": None, "trust_remote_code": False},
    {"local_files_only": False, "token": None, "use_auth_token": None, "revision": None},
    {"model_kwargs": None, "tokenizer_kwargs": None, "config_kwargs": None, "backend": "torch"},
    {"model_kwargs": {}, "processor_kwargs": {}, "config_kwargs": {}, "model_card_data": None},
    {"model_kwargs": {"torch_dtype": "float32", "attn_implementation": "sdpa"}},
    {"model_kwargs": {"dtype": torch.float32, "use_safetensors": True, "device_map": None}},
    {"model_kwargs": {"attn_implementation": "eager", "trust_remote_code": False}},
    {"tokenizer_kwargs": {"padding_side": "left", "use_fast": True}},
    {"local_files_only": True, "token": "secret", "similarity_fn_name": SimilarityFunction.COSINE},
]


@pytest.mark.parametrize("options", USUAL, ids=str)
def test_arguments_that_change_no_vector(
    options: dict[str, Any], tiny_folder: Path, tiny: SentenceTransformer
) -> None:
    np.testing.assert_array_equal(load(tiny_folder, **options).encode(TEXTS), tiny.encode(TEXTS))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"trust_remote_code": True}, "trust_remote_code is True"),
        ({"backend": "onnx"}, "backend is 'onnx'"),
        ({"model_kwargs": {"torch_dtype": torch.float16}}, "model_kwargs['torch_dtype'] is"),
        ({"model_kwargs": {"dtype": "float64"}}, "model_kwargs['dtype'] is float64"),
        ({"model_kwargs": {"dtype": "bfloat16"}}, "compute_dtype is 'float32' and model_kwargs"),
        (
            {"model_kwargs": {"attn_implementation": "flash_attention_2"}},
            "model_kwargs['attn_implementation'] is 'flash_attention_2'",
        ),
        ({"model_kwargs": {"load_in_8bit": True}}, "Use compute_dtype='int8'"),
        ({"model_kwargs": {"use_safetensors": False}}, "model_kwargs['use_safetensors'] is False"),
        ({"model_kwargs": {"device_map": "balanced"}}, "Pass device="),
        ({"config_kwargs": {"trust_remote_code": True}}, "config_kwargs['trust_remote_code']"),
        ({"config_kwargs": {"absent": 3}}, "config_kwargs has absent"),
        ({"tokenizer_kwargs": {"absent": 3}}, "processor_kwargs has absent"),
        ({"tokenizer_kwargs": {"padding_side": "up"}}, "padding_side is 'up'"),
        (
            {"tokenizer_kwargs": {"model_max_length": 9}, "processor_kwargs": {}},
            "processor_kwargs and tokenizer_kwargs that differ",
        ),
        ({"similarity_fn_name": "jaccard"}, "similarity_fn_name is 'jaccard'"),
        ({"modules": []}, "modules beside the model"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_are_named(
    options: dict[str, Any], said: str, tiny_folder: Path
) -> None:
    with pytest.raises(SentuneError) as caught:
        load(tiny_folder, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"processor_kwargs": {"model_max_length": 9}},
        {"processor_kwargs": {"model_max_length": 64}},
        {"processor_kwargs": {"do_lower_case": False}},
        {"processor_kwargs": {"truncation_side": "left"}},
        {"config_kwargs": {"hidden_act": "relu"}},
        {"config_kwargs": {"layer_norm_eps": 0.1}},
    ],
    ids=str,
)
def test_arguments_that_change_vectors(options: dict[str, Any], tiny_folder: Path) -> None:
    from sentence_transformers import SentenceTransformer as Reference

    texts = [*TEXTS, "THE Words", "the words of a file and " * 20]
    ours = load(tiny_folder, **options)
    reference = Reference(str(tiny_folder), device="cpu", **options)
    assert ours.max_seq_length == reference.max_seq_length
    close(ours.encode(texts), reference.encode(texts))


def test_number_formats(tiny_folder: Path) -> None:
    auto = SentenceTransformer(str(tiny_folder), model_kwargs={"torch_dtype": "bfloat16"})
    assert auto.compute.dtype_name == "bfloat16"
    assert auto.dtype == torch.float32
    assert auto.float() is auto
    assert auto.compute.dtype_name == "float32"
    for given in ((torch.bfloat16,), ("cpu", torch.bfloat16)):
        assert load(tiny_folder).to(*given).compute.dtype_name == "bfloat16"
    assert load(tiny_folder).to(dtype=torch.bfloat16).compute.dtype_name == "bfloat16"
    model = load(tiny_folder)
    assert model.to("cpu") is model
    with pytest.raises(ArgumentError, match="float32 or bfloat16"):
        model.half()
    for options in ({"dtype": torch.float16}, {"device": "cpu", "dtype": torch.half}):
        with pytest.raises(ArgumentError, match="float32 or bfloat16"):
            model.to(**options)


def test_a_cache_folder_is_looked_into(tiny_folder: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--some--model" / "snapshots" / ("0" * 40)
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(tiny_folder)
    (tmp_path / "models--some--model" / "refs").mkdir()
    (tmp_path / "models--some--model" / "refs" / "main").write_text("0" * 40)
    found = SentenceTransformer("some/model", cache_folder=str(tmp_path), device="cpu")
    assert found.base.folder == snapshot
    with pytest.raises(ModelNotFoundError, match="some/model"):
        resolve("some/model", cache_folder=tmp_path / "other", local_files_only=True)


# ── stages ────────────────────────────────────────────────────────────────────────────────────


def test_stages_by_number(tiny: SentenceTransformer, theirs: Any) -> None:
    assert len(tiny) == len(theirs) == 3
    assert bool(tiny)
    assert [type(stage).__name__ for stage in tiny] == [type(s).__name__ for s in theirs]
    first = tiny[0]
    assert first.max_seq_length == theirs[0].max_seq_length == tiny.get_max_seq_length() == 48
    assert first.get_word_embedding_dimension() == 32
    assert first.auto_model.config.hidden_size == theirs[0].auto_model.config.hidden_size
    assert first.auto_model.config.to_dict()["model_type"] == "bert"
    assert first.tokenizer is tiny.tokenizer is tiny.processor
    assert tiny[1].pooling_mode_mean_tokens
    assert not tiny[1].pooling_mode_cls_token
    assert tiny[1].pooling_mode == theirs[1].pooling_mode == tiny[1].get_pooling_mode_str()
    assert tiny[1].get_sentence_embedding_dimension() == 32
    assert tiny._last_module() is tiny[-1] is tiny[2]
    count = sum(weights.numel() for weights in first.auto_model.parameters())
    pooler = 32 * 32 + 32  # which nothing computes with
    assert count == sum(w.numel() for w in theirs[0].auto_model.parameters()) - pooler
    with pytest.raises(IndexError):
        tiny[9]
    with pytest.raises(AttributeError):
        tiny[1].absent  # noqa: B018


def test_what_is_set_on_a_stage_holds_for_the_model(tiny_folder: Path) -> None:
    model = load(tiny_folder)
    model._first_module().max_seq_length = 12
    assert model.max_seq_length == 12
    with pytest.raises(ArgumentError, match="max_seq_length is 1000"):
        model[0].max_seq_length = 1000
    for layer in model[0].auto_model.encoder.layer[:1]:
        for weights in layer.parameters():
            weights.requires_grad = False
    trained = {n for n, weights in model.named_parameters() if weights.requires_grad}
    assert trained
    assert any("encoder.layer.1." in name for name in trained)
    assert not any("layer.0." in name for name in trained)
    model(model.tokenize(TEXTS))["sentence_embedding"].sum().backward()


def test_token_ids_by_hand(tiny: SentenceTransformer, theirs: Any) -> None:
    ours, other = tiny.tokenize(TEXTS), theirs.tokenize(TEXTS)
    for name in ("input_ids", "attention_mask", "token_type_ids"):
        assert torch.equal(ours[name], other[name])
    moved = util.batch_to_device(ours, torch.device("cpu"))
    found, expected = tiny(moved), theirs(other)
    close(found["sentence_embedding"], expected["sentence_embedding"])
    there = other["attention_mask"].bool()
    close(found["token_embeddings"][there], expected["token_embeddings"][there])
    hidden = tiny[0].auto_model(**tiny.tokenizer(TEXTS, padding=True, return_tensors="pt"))
    close(hidden.last_hidden_state[there], expected["token_embeddings"][there])
    assert hidden[0] is hidden.last_hidden_state
    close(tiny[0](tiny[0].tokenize(TEXTS))["token_embeddings"][there], hidden[0][there])
    prompted = tiny(tiny.preprocess(TEXTS, prompt="find "))["sentence_embedding"]
    close(prompted, tiny.encode(TEXTS, prompt="find "))


def test_examples_in_batches(tiny: SentenceTransformer) -> None:
    from sentune import InputExample

    examples = [InputExample(texts=[text, text.upper()], label=0.5) for text in TEXTS]
    features, labels = tiny.smart_batching_collate(examples)
    assert labels.tolist() == [0.5] * 3
    assert [batch["input_ids"].shape[0] for batch in features] == [3, 3]


# ── encode and its neighbours ─────────────────────────────────────────────────────────────────


def test_the_older_name_of_the_texts(tiny: SentenceTransformer) -> None:
    expected = tiny.encode(TEXTS)
    np.testing.assert_array_equal(tiny.encode(sentences=TEXTS), expected)
    np.testing.assert_array_equal(
        tiny.encode(TEXTS, None, None, 2, False, "sentence_embedding", "float32", True), expected
    )
    assert tiny.encode(sentences="find").shape == (32,)
    asked = tiny.encode_query(sentences=TEXTS)
    np.testing.assert_array_equal(asked, tiny.encode(TEXTS, prompt_name="query"))
    np.testing.assert_array_equal(tiny.encode_query(TEXTS, "query", None, 2), asked)
    with pytest.raises(ArgumentError, match="both inputs and sentences are given"):
        tiny.encode(TEXTS, sentences=TEXTS)


def test_dimensions_within_a_block(tiny: SentenceTransformer) -> None:
    with tiny.truncate_sentence_embeddings(8):
        assert tiny.encode(TEXTS).shape == (3, 8)
        assert tiny.get_sentence_embedding_dimension() == 8
    assert tiny.encode(TEXTS).shape == (3, 32)


def test_an_evaluator_is_called_with_its_folder(tiny: SentenceTransformer, tmp_path: Path) -> None:
    found = tiny.evaluate(lambda *given: given, str(tmp_path / "new"))
    assert found == (tiny, str(tmp_path / "new"))
    assert (tmp_path / "new").is_dir()


def test_a_pool_under_its_older_method(tiny: SentenceTransformer) -> None:
    pool = tiny.start_multi_process_pool(["cpu"])
    try:
        found = tiny.encode_multi_process(TEXTS, pool, normalize_embeddings=True)
    finally:
        tiny.stop_multi_process_pool(pool)
    close(found, tiny.encode(TEXTS, normalize_embeddings=True))


# ── models of stages ──────────────────────────────────────────────────────────────────────────


def _built(library: Any, folder: Path, kind: str) -> list[Any]:
    """Stages made with the reference's ``models`` or with ours, from the same lines."""
    torch.manual_seed(7)
    if kind == "limit and mean":
        words = library.Transformer(str(folder), max_seq_length=16)
        return [words, library.Pooling(words.get_word_embedding_dimension())]
    words = library.Transformer(str(folder))
    if kind == "flags":
        pooling = library.Pooling(
            words.get_word_embedding_dimension(),
            pooling_mode_mean_tokens=False,
            pooling_mode_cls_token=True,
            pooling_mode_max_tokens=False,
        )
        return [words, pooling, library.Normalize()]
    if kind == "two modes":
        return [words, library.Pooling(32, ("max", "mean")), library.Dropout(0.5)]
    dense = library.Dense(in_features=32, out_features=5, activation_function=nn.Tanh())
    return [words, library.Pooling(32, "mean"), library.LayerNorm(32), dense, library.Normalize()]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of names that are older than the reference
@pytest.mark.parametrize("kind", ["limit and mean", "flags", "two modes", "dense"])
def test_models_of_the_same_stages(kind: str, tiny_folder: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer as Reference
    from sentence_transformers import models as reference

    texts = [*TEXTS, "the words of a file and " * 20]
    ours = SentenceTransformer(
        modules=_built(models, tiny_folder, kind), device="cpu", compute_dtype="float32"
    )
    other = Reference(modules=_built(reference, tiny_folder, kind), device="cpu")
    assert ours.max_seq_length == other.max_seq_length
    assert ours.get_sentence_embedding_dimension() == other.get_embedding_dimension()
    assert ours.similarity_fn_name == other.similarity_fn_name
    assert ours.prompts == other.prompts
    close(ours.encode(texts), other.encode(texts))
    ours.save(str(tmp_path / "saved"))
    close(Reference(str(tmp_path / "saved"), device="cpu").encode(texts), ours.encode(texts))
    close(load(tmp_path / "saved").encode(texts), ours.encode(texts), 0)


def test_lower_case_is_what_the_stage_is_told(make_architecture: Any) -> None:
    folder = make_architecture("roberta")
    texts = ["The Words", "the words"]
    for lower in (False, True):
        words = models.Transformer(str(folder), do_lower_case=lower)
        pooling = models.Pooling(words.get_word_embedding_dimension())
        vectors = SentenceTransformer(modules=[words, pooling], device="cpu").encode(texts)
        assert np.allclose(vectors[0], vectors[1], atol=1e-6) is lower


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        (lambda words: [], "modules are none"),
        (lambda words: [words], "modules are Transformer"),
        (lambda words: [models.Pooling(32), words], "modules are Pooling, Transformer"),
        (lambda words: [words, models.Pooling(31)], "a Pooling for vectors of 31 components"),
        (lambda words: [words, models.Pooling(32), nn.Linear(32, 3)], "a Linear among the modules"),
        (lambda words: [words, models.Pooling(32), models.Dense(31, 3)], "a Dense for vectors"),
    ],
)
def test_stages_that_do_not_fit_are_refused(stages: Any, said: str, tiny_folder: Path) -> None:
    with pytest.raises(ArgumentError, match=said):
        SentenceTransformer(modules=stages(models.Transformer(tiny_folder)), device="cpu")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pooling_mode": "median"}, "pooling modes ['median']"),
        ({"pooling_mode_median": True}, "pooling modes ['mean', 'pooling_mode_median']"),
        ({"embedding_dimension": 0}, "embedding_dimension is 0"),
    ],
)
def test_poolings_that_cannot_be(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        models.Pooling(**{"embedding_dimension": 32, **options})
    assert said in str(caught.value)


# ── folders and cards ─────────────────────────────────────────────────────────────────────────


def test_saving_takes_the_arguments_of_the_reference(tiny_folder: Path, tmp_path: Path) -> None:
    model = load(tiny_folder)
    model.save(str(tmp_path / "a"), "my/name", True, ["stsb"], True)
    card = (tmp_path / "a" / "README.md").read_text()
    assert "# my/name" in card
    assert 'datasets: ["stsb"]' in card
    model.save_pretrained(tmp_path / "b", create_model_card=False)
    assert not (tmp_path / "b" / "README.md").exists()
    close(load(tmp_path / "b").encode(TEXTS), model.encode(TEXTS), 0)
    close(SentenceTransformer.load(tmp_path / "b").encode(TEXTS), model.encode(TEXTS), 0.05)
    with pytest.raises(ArgumentError, match="safe_serialization is False"):
        model.save(tmp_path / "c", safe_serialization=False)
    assert not (tmp_path / "c").exists()


def test_a_folder_of_this_process_is_saved_to_again(tiny_folder: Path, tmp_path: Path) -> None:
    model = load(tiny_folder)
    for length in (20, 30):
        model.max_seq_length = length
        model.save(tmp_path / "best")
    assert load(tmp_path / "best").max_seq_length == 30
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="other"):
        model.save(tmp_path / "other")


def test_a_card_says_what_the_caller_said(tiny_folder: Path, tmp_path: Path) -> None:
    import yaml

    said = SentenceTransformerModelCardData(
        language="en",
        license="apache-2.0",
        model_name="Words: a model",
        tags=["mine: #1"],
        train_datasets=[{"name": "My pairs", "id": "me/pairs"}],
    )
    load(tiny_folder, model_card_data=said).save_pretrained(tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    block = yaml.safe_load(card.split("---")[1])
    assert block["language"] == ["en"]
    assert block["license"] == "apache-2.0"
    assert block["datasets"] == ["me/pairs"]
    assert "mine: #1" in block["tags"]
    assert "# Words: a model" in card
    assert "My pairs" in card
    with pytest.raises(ArgumentError, match="a data set is 'pairs'"):
        SentenceTransformerModelCardData(train_datasets=["pairs"])  # type: ignore[list-item]


# ── util ──────────────────────────────────────────────────────────────────────────────────────


def test_small_functions_of_util(tiny_folder: Path, tmp_path: Path) -> None:
    from sentence_transformers import util as reference

    vectors = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    assert torch.equal(util.normalize_embeddings(vectors), reference.normalize_embeddings(vectors))
    for kept in (None, 2, 9):
        some: list[Any] = [vectors, vectors.numpy(), vectors[0]]
        for given in some:
            found = util.truncate_embeddings(given, kept)
            close(found, reference.truncate_embeddings(given, kept), 0)
    batch = {"input_ids": vectors, "text": "a"}
    assert util.batch_to_device(batch, torch.device("cpu")) is batch
    assert util.is_sentence_transformer_model(str(tiny_folder))
    assert not util.is_sentence_transformer_model(str(tmp_path))
    assert util.get_device_name() == reference.get_device_name()
    assert util.pytorch_cos_sim is util.cos_sim
    with pytest.raises(ArgumentError, match="http_get"):
        util.http_get("https://example.org/a.csv", "a.csv")


def test_messages_of_a_log_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.Logger("script")
    log.addHandler(LoggingHandler())
    log.warning("read %d rows", 3)
    assert capsys.readouterr().out == "read 3 rows\n"


def test_the_folder_keeps_no_trace_of_arguments(tiny_folder: Path, tmp_path: Path) -> None:
    model = load(tiny_folder, processor_kwargs={"model_max_length": 20, "padding_side": "left"})
    model.save_pretrained(tmp_path / "out")
    settings = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())
    assert settings["model_max_length"] == load(tmp_path / "out").max_seq_length == 20
