"""Folders of other versions and other hands: more files, other spellings, parts in odd order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tests.parity.folders.change import (
    CONFIG,
    LIMITS,
    MODULES,
    POOLING,
    SENTENCE,
    SETTINGS,
    TOKENIZER,
    Apply,
    Change,
    both,
    drop,
    named,
    put,
    remove,
)
from tests.parity.folders.layout import dense, modules

_ST5 = {"sentence_transformers": "5.1.0", "transformers": "4.57.0", "pytorch": "2.8.0"}
_PROMPTS = {"query": "query: ", "document": "passage: "}


def _types(rename: Callable[[str], str]) -> Apply:
    """The list of modules with other names of their classes."""

    def _apply(folder: Path) -> None:
        path = folder / MODULES
        entries = json.loads(path.read_text(encoding="utf-8"))
        for entry in entries:
            entry["type"] = rename(entry["type"].rsplit(".", 1)[-1])
        path.write_text(json.dumps(entries), encoding="utf-8")

    return _apply


def _order(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Apply:
    def _apply(folder: Path) -> None:
        path = folder / MODULES
        path.write_text(json.dumps(change(json.loads(path.read_text()))), encoding="utf-8")

    return _apply


def _file(name: str, content: str = "{}") -> Apply:
    def _apply(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    return _apply


def _rename(old: str, new: str) -> Apply:
    def _apply(folder: Path) -> None:
        shutil.move(folder / old, folder / new)

    return _apply


def _bom(name: str) -> Apply:
    def _apply(folder: Path) -> None:
        path = folder / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    return _apply


def _two_weights(folder: Path) -> None:
    """Whole weights beside the index of shards that are not there."""
    index = {
        "metadata": {},
        "weight_map": {"embeddings.word_embeddings.weight": "model-1.safetensors"},
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def _missing_shard(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    index = {
        "metadata": {},
        "weight_map": dict.fromkeys(weights, "model-00001-of-00002.safetensors"),
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    (folder / "model.safetensors").unlink()


def _dense_with(**values: Any) -> Apply:
    def _apply(folder: Path) -> None:
        path = folder / "2_Dense" / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values), encoding="utf-8")

    return _apply


def _dense_without(*names: str) -> Apply:
    def _apply(folder: Path) -> None:
        path = folder / "2_Dense" / "config.json"
        found = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in found.items() if k not in names}))

    return _apply


def _resize(rows: int) -> Apply:
    """More rows of embeddings than config.json says (or fewer)."""

    def _apply(folder: Path) -> None:
        path = folder / "model.safetensors"
        weights = load_file(path)
        name = next(n for n in weights if n.endswith("word_embeddings.weight"))
        old = weights[name]
        weights[name] = (
            torch.cat([old, torch.zeros(rows, old.shape[1])]) if rows > 0 else old[:rows].clone()
        )
        save_file(weights, path, {"format": "pt"})

    return _apply


def _half(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    name = next(n for n in weights if n.endswith("word_embeddings.weight"))
    weights[name] = weights[name].half()
    save_file(weights, path, {"format": "pt"})


def _no_format(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file(load_file(path), path)


_V2 = {
    "__version__": {"sentence_transformers": "2.0.0", "transformers": "4.6.1", "pytorch": "1.8.1"}
}
_DENSE = both(modules("Transformer", "Pooling", "Dense"), dense(2, "activation.Tanh", bias=False))
_T = "torch.nn.modules."
_V6 = "sentence_transformers.sentence_transformer.modules"
_ODD: list[tuple[str, Apply]] = [
    ("version 2", both(remove(SENTENCE), put(SENTENCE, **_V2))),
    (
        "version 5",
        put(
            SENTENCE,
            __version__=_ST5,
            model_type="SentenceTransformer",
            prompts=_PROMPTS,
            default_prompt_name=None,
            similarity_fn_name="cosine",
        ),
    ),
    (
        "prompts of version 5, default",
        put(SENTENCE, __version__=_ST5, prompts=_PROMPTS, default_prompt_name="document"),
    ),
    (
        "default prompt that is not there",
        put(SENTENCE, prompts=_PROMPTS, default_prompt_name="passage"),
    ),
    ("prompts a list", put(SENTENCE, prompts=["query: "])),
    ("model_type of a cross-encoder", put(SENTENCE, model_type="CrossEncoder")),
    ("model_type of a sparse encoder", put(SENTENCE, model_type="SparseEncoder")),
    ("types of version 5", _types(lambda k: f"sentence_transformers.models.{k}.{k}")),
    (
        "types of version 6",
        _types(
            lambda k: {
                "Transformer": "sentence_transformers.base.modules.transformer.Transformer",
                "Pooling": f"{_V6}.pooling.Pooling",
                "Normalize": f"{_V6}.normalize.Normalize",
            }[k]
        ),
    ),
    ("bare types", _types(lambda k: k)),
    ("types of own", _types(lambda k: f"sentune.models.{k}")),
    ("modules back to front", _order(lambda es: es[::-1])),
    ("idx out of order", _order(lambda es: [{**e, "idx": 9 - i} for i, e in enumerate(es)])),
    ("names of words", _order(lambda es: [{**e, "name": f"m{i}"} for i, e in enumerate(es)])),
    ("kwargs of a module", _order(lambda es: [{**e, "kwargs": ["task"]} for e in es])),
    ("Normalize before Pooling", _order(lambda es: [es[0], es[2], es[1]])),
    ("modules empty", _file(MODULES, "[]")),
    (
        "pooling folder with a slash",
        _order(lambda es: [{**e, "path": e["path"] + "/" if e["path"] else ""} for e in es]),
    ),
    (
        "pooling in another folder",
        both(
            _rename("1_Pooling", "pool"),
            _order(
                lambda es: [
                    {**e, "path": "pool" if "Pooling" in e["type"] else e["path"]} for e in es
                ]
            ),
        ),
    ),
    ("normalize's folder missing", lambda f: shutil.rmtree(f / "2_Normalize", ignore_errors=True)),
    ("BOM in modules.json", _bom(MODULES)),
    ("BOM in config.json", _bom(CONFIG)),
    ("BOM in tokenizer_config.json", _bom(SETTINGS)),
    ("BOM in the pooling's", _bom(POOLING)),
    (
        "pooling mode as a list",
        both(drop(POOLING, "pooling_mode_mean_tokens"), put(POOLING, pooling_mode=["cls", "mean"])),
    ),
    (
        "pooling mode mean_sqrt",
        both(
            drop(POOLING, "pooling_mode_mean_tokens"),
            put(POOLING, pooling_mode="mean_sqrt_len_tokens"),
        ),
    ),
    (
        "pooling mode in capitals",
        both(drop(POOLING, "pooling_mode_mean_tokens"), put(POOLING, pooling_mode="CLS")),
    ),
    ("pooling mode beside flags", put(POOLING, pooling_mode="cls")),
    (
        "pooling mode unknown",
        both(drop(POOLING, "pooling_mode_mean_tokens"), put(POOLING, pooling_mode="attention")),
    ),
    ("pooling dimension wrong", put(POOLING, word_embedding_dimension=64)),
    ("include_prompt null", put(POOLING, include_prompt=None)),
    (
        "include_prompt false, no default",
        both(put(POOLING, include_prompt=False), put(SENTENCE, prompts=_PROMPTS)),
    ),
    ("Dense, bias off", _DENSE),
    ("Dense, no bias key", both(_DENSE, _dense_without("bias"))),
    ("Dense, no activation", both(_DENSE, _dense_without("activation_function"))),
    ("Dense, activation null", both(_DENSE, _dense_with(activation_function=None))),
    ("Dense, wrong width", both(_DENSE, _dense_with(out_features=25))),
    (
        "Dense, module_input_name of tokens",
        both(
            _DENSE,
            _dense_with(
                module_input_name="token_embeddings", module_output_name="token_embeddings"
            ),
        ),
    ),
    ("Dense, output elsewhere", both(_DENSE, _dense_with(module_output_name="other"))),
    (
        "Dense, LeakyReLU",
        both(_DENSE, _dense_with(activation_function=_T + "activation.LeakyReLU")),
    ),
    ("Dense, PReLU", both(_DENSE, _dense_with(activation_function=_T + "activation.PReLU"))),
    ("Dense, foreign activation", both(_DENSE, _dense_with(activation_function="own.code.Act"))),
    ("Dense, short name", both(_DENSE, _dense_with(activation_function="torch.nn.Tanh"))),
    ("Dense, unknown key", both(_DENSE, _dense_with(init_weight=None))),
    (
        "Dense before Pooling",
        both(
            modules("Transformer", "Dense", "Pooling"),
            dense(1, "activation.Tanh", bias=True, width=32),
            _rename("1_Pooling", "2_Pooling_old"),
            _file(
                "2_Pooling/config.json",
                json.dumps({"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}),
            ),
        ),
    ),
    (
        "Normalize, Dense",
        both(
            modules("Transformer", "Pooling", "Normalize", "Dense"),
            dense(3, "linear.Identity", bias=False),
        ),
    ),
    ("old name of the limits", _rename(LIMITS, "sentence_roberta_config.json")),
    (
        "limits of a BERT and of a RoBERTa",
        _file("sentence_roberta_config.json", '{"max_seq_length": 12}'),
    ),
    ("max_seq_length a text", put(LIMITS, max_seq_length="20")),
    ("max_seq_length a float", put(LIMITS, max_seq_length=20.0)),
    ("max_seq_length 0", put(LIMITS, max_seq_length=0)),
    ("max_seq_length above positions", put(LIMITS, max_seq_length=100000)),
    ("model_max_length below the limit", put(SETTINGS, model_max_length=12)),
    ("model_args", put(LIMITS, model_args={"attn_implementation": "eager"})),
    ("model_args dtype", put(LIMITS, model_args={"torch_dtype": "float16"})),
    ("config_args", put(LIMITS, config_args={"hidden_act": "relu"})),
    ("config_kwargs", put(LIMITS, config_kwargs={"hidden_act": "relu"})),
    ("model_kwargs", put(LIMITS, model_kwargs={"attn_implementation": "sdpa"})),
    (
        "limits of version 6",
        put(
            LIMITS,
            transformer_task="feature-extraction",
            modality_config={
                "text": {"method": "forward", "method_output_name": "last_hidden_state"}
            },
            module_output_name="token_embeddings",
        ),
    ),
    ("limits, masked language model", put(LIMITS, transformer_task="fill-mask")),
    ("unpad_inputs", put(LIMITS, unpad_inputs=True)),
    (
        "extra files",
        both(
            _file("train_script.py", "raise SystemExit"),
            _file("data_config.json", "[]"),
            _file("openvino/openvino_model.xml", "<x/>"),
            _file("onnx/model.onnx", "x"),
            _file("pytorch_model.bin", "x"),
            _file("tf_model.h5", "x"),
            _file("training_args.bin", "x"),
            _file("model.safetensors.bak", "x"),
            _file("._config.json", "x"),
            _file(".DS_Store", "x"),
        ),
    ),
    ("pickle alone", _rename("model.safetensors", "pytorch_model.bin")),
    ("weights of another name", _rename("model.safetensors", "adapter.safetensors")),
    ("index beside whole weights", _two_weights),
    ("a shard missing", _missing_shard),
    ("weights without format", _no_format),
    ("weights of two dtypes", _half),
    ("more rows of embeddings", _resize(3)),
    ("fewer rows of embeddings", _resize(-3)),
    ("auto_map", put(CONFIG, auto_map={"AutoModel": "modeling.Own"})),
    ("auto_map of the tokenizer", put(SETTINGS, auto_map={"AutoTokenizer": ["own.Tok", None]})),
    ("architectures of a head", put(CONFIG, architectures=["BertForSequenceClassification"])),
    ("no architectures", drop(CONFIG, "architectures")),
    ("hidden_dropout null", put(CONFIG, hidden_dropout_prob=None)),
    ("torch_dtype and dtype", put(CONFIG, torch_dtype="float16", dtype="float32")),
    ("dtype auto", put(CONFIG, dtype="auto")),
    (
        "quantization_config",
        put(CONFIG, quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True}),
    ),
    ("pruned_heads", put(CONFIG, pruned_heads={"0": [0]})),
    ("chunk size", put(CONFIG, chunk_size_feed_forward=4)),
    ("fewer layers than weights", put(CONFIG, num_hidden_layers=1)),
    ("more layers than weights", put(CONFIG, num_hidden_layers=5)),
    ("tie_word_embeddings", put(CONFIG, tie_word_embeddings=False)),
    ("output_hidden_states", put(CONFIG, output_hidden_states=True)),
    ("config no model_type", drop(CONFIG, "model_type")),
    ("pad_token_id other", put(CONFIG, pad_token_id=3)),
    ("extra_special_tokens list", put(SETTINGS, extra_special_tokens=["zqx"])),
    ("extra_special_tokens object", put(SETTINGS, extra_special_tokens={"x_token": "zqx"})),
    ("extra_special_tokens empty", put(SETTINGS, extra_special_tokens={})),
    ("additional_special_tokens in settings", put(SETTINGS, additional_special_tokens=["zqx"])),
    ("clean_up", put(SETTINGS, clean_up_tokenization_spaces=True)),
    (
        "max_length and stride",
        put(
            SETTINGS,
            max_length=8,
            stride=2,
            truncation_strategy="longest_first",
            pad_to_multiple_of=8,
        ),
    ),
    ("add_bos_token false", put(SETTINGS, add_bos_token=False, add_eos_token=False)),
    ("add_special_tokens false", put(SETTINGS, add_special_tokens=False)),
    ("chat_template", put(SETTINGS, chat_template="{{ messages }}")),
    ("use_fast false", put(SETTINGS, use_fast=False)),
    ("never_split", put(SETTINGS, never_split=["words"])),
    ("legacy", put(SETTINGS, legacy=False, from_slow=True)),
    ("backend", put(SETTINGS, backend="tokenizers", is_local=False)),
    (
        "cls_token an object",
        put(
            SETTINGS,
            cls_token={
                "__type": "AddedToken",
                "content": "[MASK]",
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "single_word": False,
            },
        ),
    ),
    ("cls_token another", put(SETTINGS, cls_token="[MASK]")),
    ("tokenizer.json cut off", _file(TOKENIZER, '{"version": "1.0"')),
]

ODD: list[Change] = named("odd", _ODD, ("bert", "mpnet"))
