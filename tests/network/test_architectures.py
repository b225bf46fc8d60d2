"""The tables: every weight has its name, and what an architecture cannot be is refused."""

from __future__ import annotations

import json
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from tests.long import LONG
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, ModelError, SentuneError, UnsupportedModelError
from sentune.model_folder.weights import export_weights
from sentune.network.architectures import ARCHITECTURES
from sentune.network.pack import pack

Weights = dict[str, Tensor]
MakeFolder = Callable[..., Path]
EditJson = Callable[[Path, Callable[[Any], Any]], None]
EditWeights = Callable[[Path, Callable[[Weights], Weights]], None]
Refusal = Callable[..., str]


def load(folder: Path, **options: Any) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32", **options)


@pytest.fixture
def copied(architecture_folder: Path, tmp_path: Path) -> Path:
    """A copy of the architecture's folder, to be changed."""
    return Path(shutil.copytree(architecture_folder, tmp_path / "copy"))


@pytest.fixture
def copy_of(make_architecture: MakeFolder, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a small folder of one architecture, to be changed."""
    return lambda name: Path(shutil.copytree(make_architecture(name), tmp_path / name / "copy"))


# ── weights ───────────────────────────────────────────────────────────────────────────────────


def transformers_class(model_type: str, suffix: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import transformers

        return getattr(transformers, ARCHITECTURES[model_type].model_class[:-5] + suffix)


def test_names_are_those_of_transformers(architecture_folder: Path) -> None:
    encoder = load(architecture_folder).encoder
    expected = load_file(architecture_folder / "model.safetensors")
    exported = export_weights(encoder)
    assert exported.keys() == expected.keys()
    for name, weight in exported.items():
        assert torch.equal(weight, expected[name]), name
    computed = {name for name in exported if not name.startswith("pooler.")}
    assert sum(p.numel() for p in encoder.parameters()) == sum(
        exported[n].numel() for n in computed
    )


def test_the_head_of_a_language_model_is_left_out(
    architecture: str, architecture_folder: Path, copied: Path, real_texts: list[str]
) -> None:
    with_head = transformers_class(architecture, "ForMaskedLM").from_pretrained(copied)
    with_head.save_pretrained(copied)
    names = list(load_file(copied / "model.safetensors"))
    prefix = ARCHITECTURES[architecture].prefix
    assert sum(name.startswith(prefix) for name in names) > 10
    assert [name for name in names if name.startswith(ARCHITECTURES[architecture].heads)]
    model = load(copied)
    expected = load(architecture_folder).encode(real_texts[:20])
    np.testing.assert_array_equal(model.encode(real_texts[:20]), expected)
    assert not any("pooler" in name for name in model.encoder.unused)


def test_a_weight_too_few_or_too_many(
    architecture: str,
    copied: Path,
    edit_weights: EditWeights,
    refusal: Refusal,
    caplog: pytest.LogCaptureFixture,
) -> None:
    encoder = load(copied).encoder
    names, number = export_weights(encoder), encoder.config.distinct_layers - 1
    of_last = re.compile(rf"(layer\w*)\.{number}\.(?=.*weight)")
    last = next(name for name in reversed(list(names)) if of_last.search(name))
    edit_weights(copied, lambda weights: {n: w for n, w in weights.items() if n != last})
    assert f"has no weights for {last}" in refusal(copied, ModelError)
    more = of_last.sub(rf"\1.{number + 1}.", last, count=1)
    edit_weights(copied, lambda weights: {**weights, last: names[last], more: names[last].clone()})
    caplog.clear()
    model = load(copied)
    assert [record.args for record in caplog.records if record.levelname == "WARNING"] == [
        (str(copied / "model.safetensors"), more)
    ]
    assert export_weights(model.encoder).keys() == names.keys()


def test_a_missing_pooler_is_not_missed(copy_of: Any, edit_weights: EditWeights) -> None:
    folder = copy_of("mpnet")
    expected = load(folder).encode(["a text"])
    edit_weights(folder, lambda ws: {n: w for n, w in ws.items() if "pooler" not in n})
    np.testing.assert_array_equal(load(folder).encode(["a text"]), expected)


# ── config.json ───────────────────────────────────────────────────────────────────────────────

WRONG: dict[str, dict[str, list[Any]]] = {
    "roberta": {
        "pad_token_id": [None, "1", -1, True, 1.0, 65, 10**9],
        "max_position_embeddings": [2, 0, "66"],
        "type_vocab_size": [0, None],
        "layer_norm_eps": ["1e-5"],
    },
    "mpnet": {"max_position_embeddings": [1, 2], "layer_norm_eps": [None], "hidden_size": [30]},
    "distilbert": {
        "dim": [30, None, "32"],
        "n_heads": [5],
        "n_layers": [0, 10**6],
        "hidden_dim": [-1],
        "dropout": [1.5],
        "attention_dropout": ["0.1"],
    },
    "electra": {"embedding_size": [0, "16", None], "hidden_size": [30]},
    "albert": {
        "embedding_size": [0, None],
        "num_hidden_layers": [0, 1001],
        "num_hidden_groups": [0, 4, "1"],
        "hidden_dropout_prob": [1],
    },
    "nomic_bert": {
        "n_embd": [64, "32"],
        "n_head": [2],
        "n_layer": [2],
        "layer_norm_epsilon": [1e-5],
        "n_positions": [0],
        "rope_parameters": [3, {"rope_theta": 0}, {"rope_type": "linear"}],
        "rotary_emb_base": [0, "1000", 500.0],
        "activation_function": ["geglu"],
    },
    "gte": {
        "num_attention_heads": [32],
        "rope_parameters": [
            {"rope_theta": -1},
            {"rope_type": "linear", "factor": 0},
            {"type": "ntk", "factor": None},
        ],
        "rope_scaling": ["ntk", {"type": "ntk", "factor": "8"}],
        "type_vocab_size": [-1],
    },
    "modernbert": {
        "num_attention_heads": [32],  # heads of one number, of which no two can be turned
        "local_attention": [0, "128", None],
        "layer_types": ["full_attention", [], ["full_attention"] * 2, {}],
        "rope_parameters": [3, {"full_attention": 3}, {"full_attention": {"rope_theta": 0}}],
        "norm_eps": [-1, None],
        "norm_bias": ["no", None],
        "attention_bias": [0],
        "mlp_bias": ["false"],
        "embedding_dropout": [1],
    },
}
OTHERS: dict[str, dict[str, list[Any]]] = {
    "roberta": {
        "position_embedding_type": ["relative_key", "relative_key_query", 3],
        "is_decoder": [True],
        "hidden_act": ["tanh", ["gelu"], None],
    },
    "camembert": {"position_embedding_type": ["relative_key"]},
    "mpnet": {"relative_attention_num_buckets": [16, 64, "32", []], "hidden_act": ["mish"]},
    "distilbert": {"activation": ["tanh"]},
    "electra": {"position_embedding_type": ["relative_key"], "is_decoder": [True]},
    "albert": {"inner_group_num": [2, 0, "1"], "hidden_act": ["tanh"]},
    "nomic_bert": {
        "head_dim": [4],
        "hidden_act": ["swiglu"],
        "activation_function": ["glu", "gelu"],
        "prenorm": [True],
        "causal": [True],
        "num_experts": [8],
        "moe_every_n_layers": [2],
        "qkv_proj_bias": [True],
        "mlp_fc1_bias": [True],
        "rotary_emb_fraction": [0.5, 0.0],
        "rotary_emb_interleaved": [True],
        "rope_parameters": [{"rope_type": "dynamic", "factor": 2.0}],
    },
    "gte": {
        "head_dim": [4],
        "pack_qkv": [False],
        "layer_norm_type": ["rms_norm"],
        "logn_attention_scale": [True],
        "position_embedding_type": ["absolute"],
        "rope_parameters": [
            {"rope_type": "yarn", "factor": 2.0},
            {"rope_type": ["ntk"]},
            {"rope_type": "default", "partial_rotary_factor": 0.5},
            {"rope_type": "default", "beta_fast": 32},
        ],
        "rope_scaling": [{"type": "ntk", "factor": 8.0, "mixed_b": 0.6}],
    },
    "modernbert": {
        "layer_types": [["full_attention", "sliding_attention", "chunked_attention"], [3, {}, []]],
        "rope_parameters": [{"full_attention": {"rope_type": "yarn", "rope_theta": 1e4}}],
        "rope_scaling": [{"rope_type": "linear", "factor": 2.0}],
        "hidden_activation": ["tanh"],
    },
}


@pytest.mark.parametrize(
    ("kind", "name", "key", "value"),
    [
        (kind, name, key, value)
        for kind, table in ((ModelError, WRONG), (UnsupportedModelError, OTHERS))
        for name, keys in table.items()
        for key, values in keys.items()
        for value in values
    ],
)
def test_values_that_are_refused(
    kind: type[SentuneError],
    name: str,
    key: str,
    value: Any,
    copy_of: Any,
    edit_json: EditJson,
    refusal: Refusal,
) -> None:
    folder = copy_of(name)
    edit_json(folder / "config.json", lambda content: {**content, key: value})
    message = refusal(folder, kind)
    assert str(folder) in message
    assert key in message or "hidden_size" in message or "has no weights for" in message


def test_architectures_that_are_refused_are_told_those_that_are_not(
    copy_of: Any, edit_json: EditJson, refusal: Refusal
) -> None:
    folder = copy_of("roberta")
    edit_json(folder / "config.json", lambda content: {**content, "model_type": "t5"})
    message = refusal(folder, UnsupportedModelError)
    assert "'t5'" in message
    assert ", ".join(ARCHITECTURES) in message
    page = Path(__file__).parents[2] / "docs" / "models.md"
    assert "docs/models.md" in message
    assert all(f"`{name}`" in page.read_text(encoding="utf-8") for name in ARCHITECTURES)


def test_the_older_names_of_modernbert(copy_of: Any, edit_json: EditJson) -> None:
    folder = copy_of("modernbert")
    expected = load(folder).encode(["a text that is longer than the window of eight tokens"] * 2)

    def rename(content: dict[str, Any]) -> dict[str, Any]:
        del content["layer_types"], content["rope_parameters"]
        theirs = {"global_rope_theta": 160000.0, "local_rope_theta": 10000.0}
        return {**content, **theirs, "global_attn_every_n_layers": 3}

    edit_json(folder / "config.json", rename)
    same = load(folder).encode(["a text that is longer than the window of eight tokens"] * 2)
    np.testing.assert_array_equal(same, expected)
    for name, value in (
        ("global_rope_theta", 100.0),
        ("local_rope_theta", 100),
        ("global_attn_every_n_layers", 2),
        ("local_attention", 4),
    ):
        edit_json(folder / "config.json", lambda c, n=name, v=value: {**c, n: v})  # type: ignore[misc]
        other = load(folder).encode(["a text that is longer than the window of eight tokens"] * 2)
        assert np.abs(other - same).max() > 1e-3, name
        same = other


@pytest.mark.parametrize("value", [0, -1.0, "10000", None, float("inf"), float("nan"), True])
def test_an_older_theta_that_makes_no_sense(
    value: Any, copy_of: Any, edit_json: EditJson, refusal: Refusal
) -> None:
    folder = copy_of("modernbert")
    edit_json(
        folder / "config.json",
        lambda content: {**content, "rope_parameters": None, "local_rope_theta": value},
    )
    assert "local_rope_theta" in refusal(folder, ModelError)


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.sampled_from(["full_attention", "sliding_attention", 3, None]), max_size=4)
    | st.dictionaries(
        st.sampled_from(["full_attention", "rope_theta", "factor", "rope_type"]),
        st.integers() | st.none() | st.sampled_from(["ntk", "linear"]),
    )
)


@pytest.mark.parametrize(
    "name",
    ["roberta", "mpnet", "distilbert", "modernbert", "electra", "albert", "nomic_bert", "gte"],
)
@settings(
    max_examples=40 if LONG else 15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_any_value_loads_or_is_refused(
    name: str, data: st.DataObject, make_architecture: MakeFolder
) -> None:
    path = make_architecture(name) / "config.json"
    original = path.read_text(encoding="utf-8")
    content = json.loads(original)
    optional = ["is_decoder", "layer_types", "global_attn_every_n_layers", "local_rope_theta"]
    optional += ["rope_scaling", "n_embd", "activation_function", "rotary_emb_base"]
    key = data.draw(st.sampled_from(sorted({*content, *optional})))
    said = ""
    try:
        path.write_text(json.dumps({**content, key: data.draw(ANYTHING)}), encoding="utf-8")
        load(path.parent).encode(["some text", ""])
    except SentuneError as error:
        said = str(error)
    finally:
        path.write_text(original, encoding="utf-8")
    assert "\n" not in said


# ── the length limit ──────────────────────────────────────────────────────────────────────────


def list_modules(folder: Path) -> None:
    """Without this file sentence-transformers reads no limit of its own."""
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds.items())
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


@pytest.mark.parametrize(
    ("asked", "expected"), [(None, 64), (10**30, 64), (64, 64), (66, 64), (65, 64), (10, 10)]
)
@pytest.mark.parametrize("name", ["roberta", "mpnet"])
def test_rows_of_the_position_table_that_no_text_uses(
    name: str, asked: int | None, expected: int, copy_of: Any
) -> None:
    folder = copy_of(name)
    list_modules(folder)
    if asked is not None and asked <= 66:
        limits = json.dumps({"max_seq_length": asked, "do_lower_case": False})
        (folder / "sentence_roberta_config.json").write_text(limits)
    else:
        settings = json.loads((folder / "tokenizer_config.json").read_text())
        settings["model_max_length"] = asked
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    model = load(folder)
    assert model.max_seq_length == expected
    assert model.encode(["word " * 100]).shape == (1, 32)
    with pytest.raises(ArgumentError, match="from 1 to 64"):
        model.max_seq_length = 65


def test_a_limit_beyond_the_position_table(copy_of: Any, caplog: pytest.LogCaptureFixture) -> None:
    folder = copy_of("roberta")
    list_modules(folder)
    limits = json.dumps({"max_seq_length": 67, "do_lower_case": False})
    (folder / "sentence_bert_config.json").write_text(limits)
    assert load(folder).max_seq_length == 64
    assert "max_seq_length is 67: texts are cut at 64 tokens" in caplog.text


# ── folders that are written ──────────────────────────────────────────────────────────────────


def saved_json(folder: Path, to: Path) -> dict[str, Any]:
    load(folder).save_pretrained(to)
    return {path.name: json.loads(path.read_text()) for path in to.glob("*.json")}


def test_what_is_written_of_the_tokenizer(
    architecture: str, copied: Path, tmp_path: Path, real_texts: list[str]
) -> None:
    (copied / "tokenizer_config.json").unlink()
    saved = saved_json(copied, tmp_path / "saved")
    config = saved["tokenizer_config.json"]
    word_pieces = architecture in ("mpnet", "distilbert", "electra", "nomic_bert")
    assert (tmp_path / "saved" / "vocab.txt").exists() == word_pieces
    # That of the architecture, unless it would make another tokenizer of the file.
    generic = architecture in ("bert", "modernbert")
    assert (config["tokenizer_class"] == "PreTrainedTokenizerFast") == generic
    if generic:
        assert config["model_input_names"] == ["input_ids", "attention_mask"]
    brackets = architecture in ("distilbert", "modernbert", "electra", "nomic_bert")
    assert config["pad_token"] == ("[PAD]" if brackets else "<pad>")
    assert config["unk_token"] == ("[UNK]" if brackets or word_pieces else "<unk>")
    assert saved["special_tokens_map.json"].items() <= config.items()
    merges = saved["tokenizer.json"]["model"].get("merges", [])
    assert {type(merge) for merge in merges} <= {str}
    assert bool(merges) == (architecture in ("roberta", "modernbert"))
    again, ours = load(tmp_path / "saved"), load(copied)
    assert again.tokenizer(real_texts)[0] == ours.tokenizer(real_texts)[0]


def test_names_of_version_5_are_written_as_before(copy_of: Any, tmp_path: Path) -> None:
    saved = saved_json(copy_of("camembert"), tmp_path / "a")
    config = saved["tokenizer_config.json"]
    assert config["additional_special_tokens"][0] == "<s>NOTUSED"
    assert "extra_special_tokens" not in config
    assert config["tokenizer_class"] == "CamembertTokenizer"
    saved = saved_json(copy_of("modernbert"), tmp_path / "b")
    assert saved["tokenizer_config.json"]["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert saved["config.json"]["global_rope_theta"] == 160000.0
    assert saved["config.json"]["local_rope_theta"] == 10000.0
    assert saved["config.json"]["global_attn_every_n_layers"] == 3


FULL, LOCAL = "full_attention", "sliding_attention"


@pytest.mark.parametrize(
    ("kinds", "every"),
    [
        ([FULL, LOCAL, FULL], 2),
        ([FULL, FULL, FULL], 1),
        ([FULL, LOCAL, LOCAL], 3),
        ([LOCAL, FULL, LOCAL], None),
        ([LOCAL, LOCAL, LOCAL], None),
        ([FULL, FULL, LOCAL], None),
    ],
)
def test_which_layers_older_versions_have_words_for(
    kinds: list[str], every: int | None, make_architecture: MakeFolder, tmp_path: Path
) -> None:
    folder = make_architecture("modernbert", layer_types=kinds)
    config = saved_json(folder, tmp_path / "saved")["config.json"]
    assert config.get("global_attn_every_n_layers") == every
    assert config["layer_types"] == kinds


def test_merges_with_spaces_stay_pairs(copy_of: Any, tmp_path: Path) -> None:
    folder = copy_of("roberta")
    content = json.loads((folder / "tokenizer.json").read_text())
    content["pre_tokenizer"] = None
    vocabulary = content["model"]["vocab"]
    vocabulary.pop(next(token for token, number in vocabulary.items() if number == 599))
    content["model"]["vocab"] = {**vocabulary, "a b": 599, " b": 600, " ": 601}
    content["model"]["merges"] = [[" ", "b"], ["a", " b"]]
    (folder / "tokenizer.json").write_text(json.dumps(content))
    saved = saved_json(folder, tmp_path / "saved")
    assert saved["tokenizer.json"]["model"]["merges"] == [[" ", "b"], ["a", " b"]]
    assert load(tmp_path / "saved").tokenizer(["a b"]) == load(folder).tokenizer(["a b"])


def test_the_repr_names_the_class(architecture_folder: Path) -> None:
    (name,) = json.loads((architecture_folder / "config.json").read_text())["architectures"]
    assert f"with Transformer model: {name}\n" in repr(load(architecture_folder))


# ── batches ───────────────────────────────────────────────────────────────────────────────────


def test_a_vector_does_not_depend_on_its_batch(
    architecture_folder: Path, real_texts: list[str]
) -> None:
    model = load(architecture_folder)
    texts = real_texts[100:140]
    together = model.encode(texts)
    alone = np.stack([model.encode(text) for text in texts])
    np.testing.assert_allclose(together, alone, rtol=0, atol=2e-6 * np.abs(alone).max())
    ids, _ = model.tokenizer(texts)
    with torch.no_grad():
        before = model(pack(ids))
        ids[0] = [*ids[0][:1], *reversed(ids[0][1:-1]), *ids[0][-1:]]
        after = model(pack(ids))
    assert torch.equal(before[1:], after[1:])
    assert not torch.equal(before[0], after[0])


@pytest.mark.parametrize("name", ["mpnet", "modernbert"])
def test_bfloat16_gives_nearly_the_same_vectors(
    name: str, make_architecture: MakeFolder, real_texts: list[str]
) -> None:
    folder = make_architecture(name)
    exact = load(folder).encode(real_texts[100:140], normalize_embeddings=True)
    half = SentenceTransformer(folder, device="cpu", compute_dtype="bfloat16")
    found = half.encode(real_texts[100:140], normalize_embeddings=True)
    assert (exact * found).sum(axis=1).min() > 0.999
    assert not np.array_equal(exact, found)
