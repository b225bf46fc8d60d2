"""The JSON files beside ``tokenizer.json``: every key is used, known not to matter, or told.

``sentence_bert_config.json`` and its older names hold the length limit. Its ``tokenizer_args`` (or
``processor_kwargs``) go before what ``tokenizer_config.json`` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentune.errors import ArgumentError, UnsupportedModelError
from sentune.model_folder.added_tokens import NAMED_TOKENS
from sentune.model_folder.json_files import read_object, unexpected
from sentune.model_folder.notes import tell
from sentune.network.config import EncoderConfig, report_unknown

__all__ = ["LIMITS", "SETTINGS", "SPECIAL", "TokenizerChanges", "TokenizerSettings"]

SETTINGS, SPECIAL = "tokenizer_config.json", "special_tokens_map.json"
LIMITS = "sentence_bert_config.json"
_LIMIT_FILES = (
    LIMITS,
    *(
        f"sentence_{name}_config.json"
        for name in ("roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
    ),
)

# ── keys ──────────────────────────────────────────────────────────────────────────────────────

_MORE = ("additional_special_tokens", "extra_special_tokens", "model_specific_special_tokens")
_USED = {
    *NAMED_TOKENS,
    *_MORE,
    "add_prefix_space",
    "added_tokens_decoder",
    "do_lower_case",
    "keep_accents",
    "max_len",
    "model_max_length",
    "split_special_tokens",
    "strip_accents",
    "tokenize_chinese_chars",
    "tokenizer_class",
    "truncation_side",
}
# They change no token ids: sizes of batches, padding, decoding, places of files, code that is
# never run, and options that no version uses where there is a fast tokenizer.
_WITHOUT_EFFECT = {
    "_commit_hash",
    "add_bos_token",
    "add_eos_token",
    "auto_map",
    "backend",
    "chat_control_tokens",
    "chat_template",
    "clean_text",
    "clean_up_tokenization_spaces",
    "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output",
    "device_map",
    "do_basic_tokenize",
    "errors",
    "files_loaded",
    "from_slow",
    "full_tokenizer_file",
    "init_inputs",
    "is_local",
    "legacy",
    "local_files_only",
    "max_length",
    "merges_file",
    "model_input_names",
    "name_or_path",
    "never_split",
    "pad_to_multiple_of",
    "pad_token_type_id",
    "padding",
    "padding_side",
    "processor_class",
    "remove_space",
    "response_schema",
    "response_template",
    "revision",
    "sp_model_kwargs",
    "special_tokens_map_file",
    "stride",
    "tokenizer_file",
    "tokenizer_type",
    "transformers_version",
    "trim_offsets",
    "truncation",
    "truncation_strategy",
    "trust_remote_code",
    "use_fast",
    "verbose",
    "vocab_file",
    "wordpieces_prefix",
}
_OF_LIMITS = {
    "max_seq_length",
    "do_lower_case",
    "tokenizer_args",
    "processor_kwargs",
    # What goes in and out of the transformer; the number format is an argument of the model here.
    "architecture",
    "backend",
    "cache_dir",
    "modality_config",
    "model_args",
    "model_kwargs",
    "module_output_name",
    "transformer_task",
    "unpad_inputs",
}
# Each is without effect when empty, and changes vectors otherwise.
_REFUSED = (
    "tokenizer_name_or_path",
    "query_length",
    "document_length",
    "query_expansion",
    "config_args",
    "config_kwargs",
    "processing_kwargs",
)
_OF_THE_MODEL = {
    "attn_implementation",
    "device_map",
    "dtype",
    "low_cpu_mem_usage",
    "torch_dtype",
    "trust_remote_code",
    "use_safetensors",
    "revision",
    "token",
    "local_files_only",
    "cache_dir",
}


@dataclass(frozen=True, slots=True)
class TokenizerChanges:
    """What a caller changes of the files.

    Attributes:
        arguments: values that go before those of ``tokenizer_config.json``.
        do_lower_case: when not None, the file of the length limit is not read, and this is used.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    do_lower_case: bool | None = None


@dataclass(frozen=True, slots=True)
class TokenizerSettings:
    """What the files beside ``tokenizer.json`` say of a tokenizer.

    Attributes:
        values: ``tokenizer_config.json``, with what ``sentence_bert_config.json`` changes of it.
        max_seq_length: the length limit, special tokens included.
        do_lower_case: whether texts are lowered before the tokenizer.
        class_named: the class of the tokenizer, if a file names one.
        limit_source: the file and the key of the length limit, and the value there.
        sources: the file of each key of ``values`` that is not ``tokenizer_config.json``.
    """

    values: dict[str, Any]
    max_seq_length: int
    do_lower_case: bool
    class_named: str | None
    limit_source: tuple[Path, str, Any]
    sources: dict[str, Path]

    @classmethod
    def read(
        cls,
        folder: Path,
        config: EncoderConfig,
        changes: TokenizerChanges | None = None,
        *,
        own_limits: bool = True,
        task: str = "feature-extraction",
    ) -> TokenizerSettings:
        """Read them, and log what is not used or is capped.

        Raises:
            ArgumentError: a change of a setting that no tokenizer has.
            ModelError: a file cannot be read, or a value is out of its range.
            UnsupportedModelError: an option that changes vectors and is not computed.
        """
        path = folder / SETTINGS
        values = read_object(path)
        limits_path = next((p for p in (folder / f for f in _LIMIT_FILES) if p.is_file()), None)
        if limits_path and not own_limits:
            tell(f"{limits_path} is not used, because there is no modules.json")
            limits_path = None
        limits = read_object(limits_path) if limits_path else {}
        _report(folder, values)
        arguments: dict[str, Any] = {}
        if limits_path:
            _check_limits(limits, limits_path, task)
            arguments = _arguments(limits, limits_path)
        sources = dict.fromkeys(arguments, limits_path or path)
        if changes is not None:
            changed = _of_caller(changes.arguments)
            arguments |= changed
            sources |= dict.fromkeys(changed, Path("processor_kwargs"))
            if changes.do_lower_case is not None:
                limits, limits_path = {"do_lower_case": changes.do_lower_case}, None
        values |= arguments
        source = _limit(values, path, limits, limits_path, sources, config)
        lower = limits.get("do_lower_case")
        if lower is not None and not isinstance(lower, bool):
            raise unexpected(limits_path or path, "do_lower_case", lower, "true, false or null")
        named = values.get("tokenizer_class")
        if named is None:
            named = read_object(folder / "config.json").get("tokenizer_class")
        if named is not None and not isinstance(named, str):
            raise unexpected(path, "tokenizer_class", named, "the name of a class")
        return cls(values, _capped(*source, config), bool(lower), named, source, sources)


def _report(folder: Path, values: Mapping[str, Any]) -> None:
    custom = {name for name, value in values.items() if name.endswith(("_token", "_token_id"))}
    report_unknown(folder / SETTINGS, values, _USED | _WITHOUT_EFFECT | custom)
    special = read_object(folder / SPECIAL)
    custom = {name for name in special if name.endswith("_token")}
    report_unknown(folder / SPECIAL, special, {*NAMED_TOKENS, *_MORE} | custom)


def _check_limits(limits: Mapping[str, Any], path: Path, wanted: str) -> None:
    for name in _REFUSED:
        if limits.get(name):
            raise UnsupportedModelError(
                f"{path} sets {name} to {limits[name]!r}",
                expected="a transformer without this option",
                fix="choose another model, or remove the option if the model does not need it",
            )
    task = limits.get("transformer_task")
    if task not in (None, wanted):
        raise UnsupportedModelError(
            f"{path} sets transformer_task to {task!r}",
            expected=wanted,
            fix="load a model that makes vectors with SentenceTransformer, and one that scores "
            "pairs with CrossEncoder",
        )
    report_unknown(path, limits, {*_OF_LIMITS, *_REFUSED})
    for name in ("model_args", "model_kwargs"):
        if limits.get(name):
            report_unknown(path, _object(limits, name, path), _OF_THE_MODEL)


def _arguments(limits: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What the file passes to the tokenizer."""
    found: dict[str, Any] = {}
    for name in ("tokenizer_args", "processor_kwargs"):
        given = _object(limits, name, path)
        report_unknown(path, given, _USED | _WITHOUT_EFFECT | _OF_THE_MODEL)
        found |= {key: value for key, value in given.items() if key in _USED}
    return found


def _of_caller(arguments: Mapping[str, Any]) -> dict[str, Any]:
    known = _USED | _WITHOUT_EFFECT
    for name in arguments:
        if name not in known:
            raise ArgumentError(
                f"processor_kwargs has {name}",
                expected="a setting of tokenizers, such as model_max_length",
                fix="leave it out",
            )
    return {name: value for name, value in arguments.items() if name in _USED}


def _object(limits: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    value = limits.get(name) or {}
    if not isinstance(value, dict):
        raise unexpected(path, name, value, "a JSON object")
    return value


# ── the length limit ──────────────────────────────────────────────────────────────────────────

_NO_LIMIT = 10**9  # transformers writes 1e30 where a tokenizer has none


def _limit(
    values: Mapping[str, Any],
    path: Path,
    limits: Mapping[str, Any],
    limits_path: Path | None,
    sources: Mapping[str, Path],
    config: EncoderConfig,
) -> tuple[Path, str, Any]:
    """The file and the key of the limit, and its value."""
    if values.get("model_max_length") is not None and "model_max_length" in sources:
        return sources["model_max_length"], "model_max_length", values["model_max_length"]
    if limits_path and limits.get("max_seq_length") is not None:
        return limits_path, "max_seq_length", limits["max_seq_length"]
    for name in ("model_max_length", "max_len"):
        if values.get(name) is not None:
            return path, name, values[name]
    return path, "model_max_length", config.longest_text


def _capped(path: Path, name: str, length: Any, config: EncoderConfig) -> int:
    whole = type(length) is int or (type(length) is float and name != "max_seq_length")
    if not whole or not length >= 1:
        raise unexpected(path, name, length, "a whole number of tokens of at least 1")
    longest = config.longest_text
    endless = name != "max_seq_length" and length >= _NO_LIMIT
    if length > longest and not endless:
        tell(
            f"{path}, {name} is {length}: texts are cut at {longest} tokens, because the model has "
            "no more positions"
        )
    return int(min(length, longest))
