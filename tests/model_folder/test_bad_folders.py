"""A damaged, foreign or hostile folder is refused in one line that names the file."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ModelError, SentuneError, UnsupportedModelError

EditJson = Callable[[Path, Callable[[Any], Any]], None]
Weights = dict[str, Tensor]
EditWeights = Callable[[Path, Callable[[Weights], Weights]], None]
Refusal = Callable[..., str]

QUERY = "encoder.layer.1.attention.self.query.weight"


def test_a_folder_that_holds_no_model(tmp_path: Path, refusal: Refusal) -> None:
    message = refusal(tmp_path, ModelError)
    assert str(tmp_path / "config.json") in message
    assert "Name the folder of a model" in message


JSON_FILES = (
    "config.json",
    "modules.json",
    "1_Pooling/config.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
    "tokenizer.json",
)
BROKEN = {
    "empty": b"",
    "torn": b'{"hidden_size": 3',
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "binary": b"\x00\x01\x02",
    "deep": b"[" * 100_000,
    "another type": b"3",
    "null": b"null",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("name", JSON_FILES)
def test_broken_json(name: str, content: bytes, folder: Path, refusal: Refusal) -> None:
    (folder / name).write_bytes(content)
    assert str(folder / name) in refusal(folder, ModelError)


@pytest.mark.parametrize("name", ["config.json", "1_Pooling/config.json", "model.safetensors"])
def test_required_files(name: str, folder: Path, refusal: Refusal) -> None:
    (folder / name).unlink()
    message = refusal(folder, ModelError)
    assert str((folder / name).parent) in message
    assert Path(name).name in message


def test_no_tokenizer(folder: Path, refusal: Refusal) -> None:
    (folder / "vocab.txt").unlink()
    (folder / "tokenizer.json").unlink()
    assert "tokenizer.json or vocab.txt" in refusal(folder, ModelError)


def test_a_vocabulary_without_special_tokens(folder: Path, refusal: Refusal) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("only\nwords\n", encoding="utf-8")
    assert str(folder / "vocab.txt") in refusal(folder, ModelError)


@pytest.mark.parametrize("vocabulary_left", [{}, {"[CLS]": 2, "[SEP]": 3}])
def test_a_tokenizer_without_a_token_for_unknown_words(
    vocabulary_left: dict[str, int], folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    def change(content: dict[str, Any]) -> None:
        content["model"]["vocab"] = vocabulary_left
        content["added_tokens"] = []

    edit_json(folder / "tokenizer.json", change)
    assert str(folder / "tokenizer.json") in refusal(folder, ModelError)


def test_a_tokenizer_of_another_model(
    folder: Path, refusal: Refusal, base_folder: Path, vocabulary: list[str]
) -> None:
    shutil.copy(base_folder / "tokenizer.json", folder / "tokenizer.json")
    message = refusal(folder, ModelError)
    assert "ids up to 30521" in message
    assert f"vocab_size {len(vocabulary)}" in message


# ── weights ───────────────────────────────────────────────────────────────────────────────────


def drop(weights: Weights) -> Weights:
    return {name: w for name, w in weights.items() if name != QUERY}


def drop_all(weights: Weights) -> Weights:
    return {"something.else": torch.zeros(2)}


def reshape(weights: Weights) -> Weights:
    return {**weights, QUERY: weights[QUERY][:16].clone()}


def transpose(weights: Weights) -> Weights:
    name = "encoder.layer.0.intermediate.dense.weight"
    return {**weights, name: weights[name].T.contiguous()}


def poison(value: float) -> Callable[[Weights], Weights]:
    def change(weights: Weights) -> Weights:
        weights[QUERY][3, 4] = value
        return weights

    change.__name__ = f"poison {value}"
    return change


def quantize(weights: Weights) -> Weights:
    return {**weights, QUERY: (weights[QUERY] * 50).to(torch.int8)}


def eight_bits(weights: Weights) -> Weights:
    return {**weights, QUERY: weights[QUERY].to(torch.float8_e4m3fn)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop, f"has no weights for {QUERY}"),
        (drop_all, "has no weights for 2 layers"),
        (reshape, f"{QUERY} (16, 32)"),
        (transpose, "encoder.layer.0.intermediate.dense.weight (32, 64)"),
        (poison(float("nan")), QUERY),
        (poison(float("inf")), QUERY),
        (quantize, f"another number format, {QUERY} (int8)"),
        (eight_bits, f"{QUERY} (float8_e4m3fn)"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_weights_that_do_not_fit(
    change: Callable[[Weights], Weights],
    said: str,
    folder: Path,
    edit_weights: EditWeights,
    refusal: Refusal,
) -> None:
    edit_weights(folder, change)
    message = refusal(folder, ModelError)
    assert said in message
    assert str(folder / "model.safetensors") in message


def test_long_lists_of_weights_are_cut(
    folder: Path, edit_weights: EditWeights, refusal: Refusal
) -> None:
    edit_weights(folder, lambda ws: {n: w for n, w in ws.items() if "layer.1" not in n})
    assert "and 13 more" in refusal(folder, ModelError)


@pytest.mark.parametrize("kept", [0, 4, 100, 5000, -1, -1000])
def test_torn_weights(kept: int, folder: Path, refusal: Refusal) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    message = refusal(folder, ModelError)
    assert str(path) in message
    assert "Copy the file again" in message


def test_weights_with_a_name_twice(
    folder: Path, edit_weights: EditWeights, refusal: Refusal
) -> None:
    edit_weights(folder, lambda ws: {**ws, f"bert.{QUERY}": ws[QUERY] + 1})
    assert QUERY in refusal(folder, ModelError)


class Exploit:
    """A pickle that writes a file when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.mark, "pwned"))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_pickle_is_never_read(name: str, folder: Path, refusal: Refusal) -> None:
    mark = folder.parent / "mark"
    payload = pickle.dumps(Exploit(mark))
    pickle.loads(payload)
    assert mark.exists(), "the exploit must work, or its silence means nothing"
    mark.unlink()

    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(payload)
    for other in ("training_args.bin", "optimizer.pt", "scheduler.pt"):
        (folder / other).write_bytes(payload)
    message = refusal(folder, ModelError)
    assert name in message
    assert "model.safetensors" in message
    if name == "pytorch_model.bin":
        assert "pickle, which can run code" in message
        assert "weights_only=True" in message
    assert not mark.exists()


# ── architecture and modules ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "deberta", "architectures": ["DebertaModel"]}, "'deberta'"),
        ({"model_type": None, "architectures": ["MPNetModel"]}, "MPNetModel"),
        ({"model_type": None, "architectures": {"a": 1}}, "{'a': 1}"),
        ({"model_type": ["bert"]}, "['bert']"),
        ({"is_decoder": True}, "architecture"),
        ({"position_embedding_type": "relative_key"}, "'relative_key'"),
        ({"hidden_act": "tanh"}, "'tanh'"),
        ({"hidden_act": ["gelu"]}, "['gelu']"),
    ],
)
def test_other_architectures_are_named(
    change: dict[str, Any], said: str, folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    edit_json(folder / "config.json", lambda config: {**config, **change})
    message = refusal(folder, UnsupportedModelError)
    assert said in message
    assert str(folder / "config.json") in message


def module(kind: str, path: str = "2_More") -> dict[str, Any]:
    return {"idx": 2, "name": "2", "path": path, "type": kind}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: [*m[:2], module("sentence_transformers.models.CNN")], "Pooling, CNN"),
        (lambda m: [*m, module("sentence_transformers.models.Pooling")], "Normalize, Pooling"),
        (lambda m: [m[0], module("sentence_transformers.models.Dense"), m[1]], "Dense, Pooling"),
        (lambda m: m[:1], "lists the modules Transformer"),
        (lambda m: [m[1], m[0]], "Pooling, Transformer"),
        (lambda m: [], "none"),
        (lambda m: [module("custom_st.Transformer", ""), *m[1:]], "'custom_st.Transformer'"),
        (lambda m: [module("os.system", ""), *m[1:]], "'os.system'"),
    ],
)
def test_other_modules_are_named(
    change: Callable[[Any], Any], said: str, folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    edit_json(folder / "modules.json", change)
    message = refusal(folder, UnsupportedModelError)
    assert said in message
    assert str(folder / "modules.json") in message


def test_code_in_a_model_folder_is_not_run(
    folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    mark = folder.parent / "mark"
    code = f"from pathlib import Path\nPath({str(mark)!r}).write_text('pwned')\nTransformer = 1\n"
    for name in ("custom_st.py", "sentence_transformers.py", "__init__.py"):
        (folder / name).write_text(code, encoding="utf-8")
    edit_json(folder / "modules.json", lambda m: [module("custom_st.Transformer", ""), *m[1:]])
    edit_json(
        folder / "config.json",
        lambda config: {**config, "auto_map": {"AutoModel": "custom_st.Transformer"}},
    )
    refusal(folder, UnsupportedModelError)
    assert not mark.exists()


@pytest.mark.parametrize("path", ["../..", "/etc", "1_Pooling/../../elsewhere", "a\0b"])
@pytest.mark.parametrize("place", [0, 1])
def test_paths_that_leave_the_folder(
    path: str, place: int, folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    def change(modules: list[dict[str, Any]]) -> None:
        modules[place]["path"] = path

    edit_json(folder / "modules.json", change)
    assert str(folder / "modules.json") in refusal(folder, ModelError)


def test_a_link_that_leaves_the_folder(folder: Path, refusal: Refusal) -> None:
    shutil.move(folder / "1_Pooling", folder.parent / "outside")
    (folder / "1_Pooling").symlink_to(folder.parent / "outside")
    assert "points outside" in refusal(folder, ModelError)


def test_a_link_to_itself(folder: Path, refusal: Refusal) -> None:
    shutil.rmtree(folder / "1_Pooling")
    (folder / "1_Pooling").symlink_to("1_Pooling")
    refusal(folder, ModelError)


# ── values ────────────────────────────────────────────────────────────────────────────────────

CONFIG = "config.json"
SENTENCE = "config_sentence_transformers.json"
LIMIT = "sentence_bert_config.json"
TOKENIZER = "tokenizer_config.json"
POOLING = "1_Pooling/config.json"


NONSENSE: dict[tuple[str, str], list[Any]] = {
    (CONFIG, "num_attention_heads"): [5],  # does not divide 32
    (CONFIG, "hidden_size"): ["32", 0, -32, 32.0, None, True, [], 10**30],
    (CONFIG, "num_hidden_layers"): ["two", 0, 10**6, 10**30],
    (CONFIG, "vocab_size"): ["many", 10**8],
    (CONFIG, "max_position_embeddings"): ["512"],
    (CONFIG, "intermediate_size"): [{"a": 1}],
    (CONFIG, "type_vocab_size"): ["2", 0, None],
    (CONFIG, "layer_norm_eps"): ["1e-12", -1.0, None, float("nan")],
    (CONFIG, "hidden_dropout_prob"): ["0.1", 1.5, 1, -0.1],
    (CONFIG, "attention_probs_dropout_prob"): ["0.1"],
    (LIMIT, "max_seq_length"): [0, -1, 2, "256", 48.5, [], True],
    (LIMIT, "do_lower_case"): ["yes", 0],
    (LIMIT, "tokenizer_args"): [["left"]],
    (TOKENIZER, "do_lower_case"): [None, "true", 1],
    (TOKENIZER, "tokenize_chinese_chars"): [None, "true"],
    (TOKENIZER, "strip_accents"): ["true", 0],
    (TOKENIZER, "truncation_side"): ["Left", 1, []],
    (TOKENIZER, "split_special_tokens"): ["yes"],
    (TOKENIZER, "tokenizer_class"): [3, ["BertTokenizer"]],
    (TOKENIZER, "mask_token"): [3, ["[MASK]"], {}, {"content": "[MASK]", "lstrip": "yes"}],
    (TOKENIZER, "additional_special_tokens"): ["[A]", [3], 3, [""]],
    (TOKENIZER, "added_tokens_decoder"): [["[A]"], {"a": {"content": "b"}}, {"3": "[A]"}],
    (SENTENCE, "prompts"): ["query", ["a"], 3, {"query": 3}, {"q": "\ud800"}],
    (SENTENCE, "default_prompt_name"): ["absent", 3, ["query"], {}],
    (SENTENCE, "similarity_fn_name"): ["jaccard", 3, ["cosine"], {}, ""],
    (SENTENCE, "truncate_dim"): ["128", 0, -1, 1.5, [], True],
    (SENTENCE, "sentune"): [["own"]],
    (POOLING, "include_prompt"): ["false"],
    (POOLING, "pooling_mode_mean_tokens"): ["true"],
}


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [(*place, value) for place, values in NONSENSE.items() for value in values],
)
def test_values_that_make_no_sense(
    name: str, key: str, value: Any, folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    edit_json(folder / name, lambda content: {**content, key: value})
    message = refusal(folder, ModelError)
    assert key in message or "hidden_size" in message or "weights" in message


@pytest.mark.parametrize("value", [0, -5, 2, "512", float("nan"), [], {}])
def test_a_length_in_the_tokenizer_that_makes_no_sense(
    value: Any, folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    (folder / LIMIT).unlink()
    edit_json(folder / TOKENIZER, lambda content: {**content, "model_max_length": value})
    message = refusal(folder, ModelError)
    assert "model_max_length" in message
    assert str(folder / TOKENIZER) in message


@pytest.mark.parametrize("value", ["median", 3, None, [], ["mean", "median"], [["mean"]], {}])
def test_pooling_that_is_not_known(
    value: Any, folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    edit_json(folder / POOLING, lambda content: {"pooling_mode": value})
    assert str(folder / POOLING) in refusal(folder, UnsupportedModelError)


def test_pooling_with_every_flag_off(folder: Path, edit_json: EditJson, refusal: Refusal) -> None:
    edit_json(folder / POOLING, lambda content: {"pooling_mode_mean_tokens": False})
    refusal(folder, UnsupportedModelError)


# ── anything at all ───────────────────────────────────────────────────────────────────────────

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "0", "mean", "[CLS]", "../..", "bert", "x" * 5000]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)


def _places(value: Any) -> list[list[Any]]:
    """The path of every value inside a JSON value, long vocabularies apart."""
    places: list[list[Any]] = [[]]
    if isinstance(value, dict):
        for key in list(value)[:40]:
            places += [[key, *rest] for rest in _places(value[key])]
    elif isinstance(value, list):
        for index in range(min(len(value), 5)):
            places += [[index, *rest] for rest in _places(value[index])]
    return places


def _replaced(value: Any, place: list[Any], new: Any) -> Any:
    if not place:
        return new
    changed = value.copy()
    changed[place[0]] = _replaced(value[place[0]], place[1:], new)
    return changed


@pytest.mark.parametrize("name", JSON_FILES)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_value_in_any_place_loads_or_is_refused(
    name: str, data: st.DataObject, folder: Path
) -> None:
    path = folder / name
    original = path.read_bytes()
    content = json.loads(original)
    place = data.draw(st.sampled_from(_places(content)))
    changed = _replaced(content, place, data.draw(anything))
    try:
        path.write_text(json.dumps(changed), encoding="utf-8")
        _load_and_encode(folder)
    finally:
        path.write_bytes(original)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2500), st.binary(min_size=1, max_size=8))
def test_any_bytes_in_the_weights_load_or_are_refused(
    folder: Path, start: int, damage: bytes
) -> None:
    path = folder / "model.safetensors"
    original = path.read_bytes()
    try:
        path.write_bytes(original[:start] + damage + original[start + len(damage) :])
        _load_and_encode(folder)
    finally:
        path.write_bytes(original)


def _load_and_encode(folder: Path) -> None:
    said = ""
    try:
        model = SentenceTransformer(folder, device="cpu", compute_dtype="float32")
        model.encode(["some text", ""], prompt_name=next(iter(model.prompts), None))
    except SentuneError as error:
        said = str(error)
    assert "\n" not in said


_NO_WEIGHTS = ("0.5", None, True, 1.5, -0.1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("fusion_weight", "late_weight") for value in _NO_WEIGHTS),
        *(("late_depth", value) for value in ("20", None, True, 2.0, 0)),
    ],
)
def test_a_weight_or_depth_that_is_none_is_refused(
    make_folder: Callable[..., Path], name: str, value: object
) -> None:
    folder = make_folder()
    settings = {"sentune": {name: value}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match=name):
        SentenceTransformer(folder)


@pytest.mark.parametrize(("kind", "fix"), [("CrossEncoder", "with CrossEncoder"), ("Other", "")])
def test_the_folder_of_another_kind_of_model(
    kind: str, fix: str, folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    settings_file = folder / "config_sentence_transformers.json"
    edit_json(settings_file, lambda values: {**values, "model_type": kind})
    message = refusal(folder, UnsupportedModelError)
    assert f"says that this is a {kind}" in message
    assert fix in message
