"""What the files of a tokenizer say is used, and every version reads a saved folder alike."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers

from sentune.encoding.few.few_texts import encode_few
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ModelError, UnsupportedModelError
from sentune.model_folder.resolve import resolve
from sentune.tokens.truncation import count_truncation

MakeFolder = Callable[..., Path]
EditJson = Callable[[Path, Callable[[Any], Any]], None]
Refusal = Callable[..., str]

SETTINGS, SPECIAL, LIMITS = (
    "tokenizer_config.json",
    "special_tokens_map.json",
    "sentence_bert_config.json",
)
TEXTS = ["The LIST of Paris", "naïve 東京 list", "[MASK] a zqx [PAD]", "the " * 60 + "end", ""]


def load(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32")


def their_ids(folder: Path, texts: list[str], length: int) -> list[list[int]]:
    """Token ids by transformers, as the reference's version 6 has them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(str(folder))
        return [list(tokenizer(t, truncation=True, max_length=length).input_ids) for t in texts]


@pytest.fixture
def roomy(make_folder: MakeFolder, vocabulary: list[str], tmp_path: Path) -> Path:
    """A small folder with embeddings for five more tokens."""
    return make_folder(tmp_path / "roomy", vocab_size=len(vocabulary) + 5)


@pytest.mark.parametrize("named", ["BertTokenizer", "BertTokenizerFast", None])
@pytest.mark.parametrize("key", ["do_lower_case", "tokenize_chinese_chars", "strip_accents"])
@pytest.mark.parametrize("value", [True, False])
def test_the_class_overrules_tokenizer_json(
    key: str, value: bool, named: str | None, folder: Path, edit_json: EditJson
) -> None:
    def change(content: dict[str, Any]) -> dict[str, Any]:
        kept = {name: v for name, v in content.items() if name != "tokenizer_class"}
        return {**kept, key: value, **({"tokenizer_class": named} if named else {})}

    edit_json(folder / SETTINGS, change)
    assert load(folder).tokenizer(TEXTS)[0] == their_ids(folder, TEXTS, 48)


def test_the_class_has_its_defaults(folder: Path, edit_json: EditJson) -> None:
    edit_json(folder / SETTINGS, lambda c: c.pop("do_lower_case") and c)
    edit_json(folder / "tokenizer.json", lambda c: c["normalizer"].update(lowercase=False))
    lower, upper = load(folder).tokenizer(["the", "THE"])[0]
    assert lower == upper


def test_the_generic_class_takes_tokenizer_json(folder: Path, edit_json: EditJson) -> None:
    generic = {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False}
    edit_json(folder / SETTINGS, lambda c: {**c, **generic})
    lower, upper = load(folder).tokenizer(["the", "THE"])[0]
    assert lower == upper


def test_the_last_tokens_are_kept(folder: Path, edit_json: EditJson) -> None:
    edit_json(folder / SETTINGS, lambda c: {**c, "truncation_side": "left"})
    model = load(folder)
    text = "a " * 60 + "list of words"
    (ids,), cut = model.tokenizer([text])
    whole = model.tokenizer.whole([text])[0]
    assert ids == [whole[0], *whole[-47:]] == their_ids(folder, [text], 48)[0]
    assert cut.tokens_left_out == len(whole) - 48
    assert cut.describe(48).endswith("tokens left out at the beginning")
    with count_truncation() as counted:
        vector = model.encode(text)
    assert (counted.truncated, counted.side) == (1, "left")
    few = encode_few(resolve(folder), [text], bfloat16=False)
    assert few is not None
    np.testing.assert_allclose(few.vectors[0], vector, atol=1e-6)
    assert few.truncation == cut
    model.save_pretrained(folder.parent / "saved")
    assert load(folder.parent / "saved").tokenizer([text])[0] == [ids]
    assert their_ids(folder.parent / "saved", [text], 48) == [ids]


def test_windows_of_a_model_that_cuts_the_beginning(
    folder: Path, tiny: SentenceTransformer, edit_json: EditJson
) -> None:
    edit_json(folder / SETTINGS, lambda c: {**c, "truncation_side": "left"})
    model = load(folder)
    for text in ("the list of words " * 30, "short"):
        found = model.encode(text, long_text="chunk", prompt="find ")
        np.testing.assert_array_equal(found, tiny.encode(text, long_text="chunk", prompt="find "))
    assert model.tokenizer.pieces("a list " * 30, 20) == tiny.tokenizer.pieces("a list " * 30, 20)
    assert model.tokenizer.prompt_length("find ") == tiny.tokenizer.prompt_length("find ")


def test_special_tokens_that_are_split(folder: Path, edit_json: EditJson) -> None:
    edit_json(folder / SETTINGS, lambda c: {**c, "split_special_tokens": True})
    model = load(folder)
    ids = model.tokenizer(TEXTS)[0]
    assert ids == their_ids(folder, TEXTS, 48)
    assert len(ids[2]) > 10
    model.save_pretrained(folder.parent / "saved")
    assert load(folder.parent / "saved").tokenizer(TEXTS)[0] == ids


PLACES: dict[str, tuple[str, dict[str, Any]]] = {
    "special map": (SPECIAL, {"additional_special_tokens": ["zqx"]}),
    "objects": (SPECIAL, {"additional_special_tokens": [{"content": "zqx", "lstrip": True}]}),
    "added_tokens.json": ("added_tokens.json", {"zqx": 900}),
    "decoder": (SETTINGS, {"added_tokens_decoder": {"900": {"content": "zqx"}}}),
    "additional": (SETTINGS, {"additional_special_tokens": ["zqx"]}),
    "extra": (SETTINGS, {"extra_special_tokens": {"own_token": "zqx"}}),
}


@pytest.mark.parametrize("alone", [False, True], ids=["tokenizer.json", "vocab.txt"])
@pytest.mark.parametrize(("file", "values"), PLACES.values(), ids=PLACES)
def test_added_tokens_are_found_and_kept(
    file: str, values: dict[str, Any], alone: bool, roomy: Path, vocabulary: list[str]
) -> None:
    path = roomy / file
    present = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**present, **values}))
    if alone:
        (roomy / "tokenizer.json").unlink()
    model = load(roomy)
    (ids,) = model.tokenizer(["a zqx list"])[0]
    assert ids[2] == len(vocabulary)
    model.save_pretrained(roomy.parent / "saved")
    assert load(roomy.parent / "saved").tokenizer(["a zqx list"])[0] == [ids]
    assert their_ids(roomy.parent / "saved", ["a zqx list"], 48) == [ids]


def test_special_tokens_with_other_names(folder: Path, edit_json: EditJson) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / SPECIAL).unlink()
    lines = (folder / "vocab.txt").read_text().splitlines()
    own = ["<p>", "<u>", "<c>", "<e>", "<m>"]
    (folder / "vocab.txt").write_text("\n".join([*own, *lines[5:]]) + "\n")
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    edit_json(folder / SETTINGS, lambda c: {**c, **dict(zip(names, own, strict=True))})
    model = load(folder)
    (ids,) = model.tokenizer(["a <m> ☃"])[0]
    assert (ids[0], ids[-3:]) == (2, [4, 1, 3])
    assert model.tokenizer(TEXTS)[0] == their_ids(folder, TEXTS, 48)
    model.save_pretrained(folder.parent / "saved")
    assert their_ids(folder.parent / "saved", TEXTS, 48) == model.tokenizer(TEXTS)[0]


def test_a_vocabulary_of_another_class(folder: Path, edit_json: EditJson, refusal: Refusal) -> None:
    (folder / "tokenizer.json").unlink()
    edit_json(folder / SETTINGS, lambda c: {**c, "tokenizer_class": "BertJapaneseTokenizer"})
    message = refusal(folder, ModelError)
    assert "has vocab.txt, but no tokenizer.json" in message
    assert "BertJapaneseTokenizer" in message


def test_a_missing_special_token_is_named(folder: Path, refusal: Refusal) -> None:
    (folder / "tokenizer.json").unlink()
    words = (folder / "vocab.txt").read_text()
    (folder / "vocab.txt").write_text(words.replace("[SEP]", "zqx"))
    message = refusal(folder, ModelError)
    assert "has no token '[SEP]', the sep_token of BertTokenizer" in message


def test_what_the_class_cannot_rebuild_is_saved_for_the_generic_class(
    make_architecture: MakeFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """RoBERTa with the tokenizer of XLM-RoBERTa: version 6 makes nonsense of the class's name."""
    folder = Path(shutil.copytree(make_architecture("xlm-roberta"), tmp_path / "folder"))
    settings = json.loads((folder / SETTINGS).read_text())
    settings["tokenizer_class"] = "RobertaTokenizer"
    (folder / SETTINGS).write_text(json.dumps(settings))
    model = load(folder)
    assert "version 6 makes another tokenizer of it, because its class RobertaTokenizer" in (
        caplog.text
    )
    ids = model.tokenizer(TEXTS)[0]
    own = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    own.no_truncation()
    assert ids[:3] == [own.encode(text).ids for text in TEXTS[:3]]
    model.save_pretrained(tmp_path / "saved")
    saved = json.loads((tmp_path / "saved" / SETTINGS).read_text())
    assert saved["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert their_ids(tmp_path / "saved", TEXTS, model.max_seq_length) == ids


def test_an_ordinary_folder_keeps_its_class_and_logs_nothing(
    base_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load(base_folder).save_pretrained(tmp_path / "saved")
    load(tmp_path / "saved")
    saved = json.loads((tmp_path / "saved" / SETTINGS).read_text())
    assert saved["tokenizer_class"] == "BertTokenizer"
    assert not caplog.records


# ── lower case beside the tokenizer ───────────────────────────────────────────────────────────


def test_do_lower_case_goes_into_the_saved_tokenizer(
    folder: Path, tiny: SentenceTransformer, edit_json: EditJson
) -> None:
    edit_json(folder / SETTINGS, lambda c: {**c, "do_lower_case": False})
    edit_json(folder / LIMITS, lambda c: {**c, "do_lower_case": True})
    model = load(folder)
    assert model.tokenizer(["THE List"]) == tiny.tokenizer(["the list"])
    model.save_pretrained(folder.parent / "saved")
    alone = tokenizers.Tokenizer.from_file(str(folder.parent / "saved" / "tokenizer.json"))
    assert [alone.encode("THE List").ids] == model.tokenizer(["THE List"])[0]
    assert their_ids(folder.parent / "saved", TEXTS, 48) == model.tokenizer(TEXTS)[0]
    assert load(folder.parent / "saved").tokenizer(TEXTS) == model.tokenizer(TEXTS)


def test_do_lower_case_null_is_false(folder: Path, edit_json: EditJson) -> None:
    edit_json(folder / LIMITS, lambda c: {**c, "do_lower_case": None})
    assert load(folder).tokenizer.do_lower_case is False


# ── limits ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("length", [65, 512, 10**9])
def test_a_limit_above_the_positions_is_capped_and_told(
    length: int, folder: Path, edit_json: EditJson, caplog: pytest.LogCaptureFixture
) -> None:
    edit_json(folder / LIMITS, lambda c: {**c, "max_seq_length": length})
    assert load(folder).max_seq_length == 64
    load(folder)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"max_seq_length is {length}: texts are cut at 64 tokens" in record.getMessage()


def test_no_limit_in_the_tokenizer_is_no_news(
    folder: Path, edit_json: EditJson, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / LIMITS).unlink()
    edit_json(folder / SETTINGS, lambda c: {**c, "model_max_length": 10**30})
    assert load(folder).max_seq_length == 64
    assert not caplog.records


def test_a_token_without_an_embedding(
    folder: Path, edit_json: EditJson, caplog: pytest.LogCaptureFixture, vocabulary: list[str]
) -> None:
    edit_json(folder / SETTINGS, lambda c: {**c, "additional_special_tokens": ["zqx"]})
    model = load(folder)
    assert "a text with one of them is refused: zqx" in caplog.text
    assert model.encode("a list").shape == (32,)
    with pytest.raises(ModelError, match="text 1 has the token 'zqx' with the id") as caught:
        model.encode(["a list", "a zqx list"])
    assert str(len(vocabulary)) in caught.value.given
    with pytest.raises(ModelError):
        encode_few(resolve(folder), ["a zqx list"], bfloat16=False)


# ── keys ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("file", [SETTINGS, SPECIAL, LIMITS])
def test_an_unknown_key_is_told_once(
    file: str, folder: Path, edit_json: EditJson, caplog: pytest.LogCaptureFixture
) -> None:
    edit_json(folder / file, lambda c: {**c, "stops_at": 3})
    load(folder)
    load(folder)
    (record,) = caplog.records
    assert str(folder / file) in record.getMessage()
    assert "stops_at" in record.getMessage()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tokenizer_name_or_path", "other/model"),
        ("query_length", 32),
        ("config_args", {"hidden_act": "relu"}),
        ("transformer_task", "fill-mask"),
    ],
)
def test_options_that_change_vectors_are_refused(
    key: str, value: Any, folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    edit_json(folder / LIMITS, lambda c: {**c, key: value})
    message = refusal(folder, UnsupportedModelError)
    assert f"sets {key} to" in message


def test_arguments_for_the_tokenizer_are_used(folder: Path, edit_json: EditJson) -> None:
    given = {"truncation_side": "left", "model_max_length": 20, "do_lower_case": False}
    edit_json(folder / LIMITS, lambda c: {**c, "tokenizer_args": given})
    model = load(folder)
    assert (model.max_seq_length, model.tokenizer.truncation_side) == (20, "left")
    lower, upper = model.tokenizer(["the", "THE"])[0]
    assert lower != upper
