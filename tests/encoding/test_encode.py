"""What people pass to ``encode``, and what they get back."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.tokens.truncation import count_truncation


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ArgumentError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert all([caught.value.given, caught.value.expected, caught.value.fix])
    return message


# ── inputs ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("inputs", "place"),
    [
        (None, "the input is None"),
        (3, "the input is int"),
        (2.5, "the input is float"),
        (b"text", "the input is bytes"),
        ({"a": "text"}, "the input is dict"),
        (np.array("text"), "the input is ndarray"),
        (np.array([["a"], ["b"]]), "the input is ndarray"),
        (["a", None], "inputs[1] is None"),
        (["a", "b", 3], "inputs[2] is int"),
        ([float("nan"), "a"], "inputs[0] is float"),
        ([["a", "b"]], "inputs[0] is list"),
        ([("a", "b")], "inputs[0] is tuple"),
        ([b"a"], "inputs[0] is bytes"),
        (bytearray(b"ab"), "inputs[0] is int"),
        (np.array([1.0, 2.0]), "inputs[0] is float64"),
        (["fine", "\ud800"], "inputs[1] is not valid Unicode text"),
        ("half an emoji \ud83d", "the input is not valid Unicode text"),
    ],
    ids=str,
)
def test_what_is_no_text_is_refused_by_position(
    inputs: Any, place: str, tiny: SentenceTransformer
) -> None:
    assert place in refused(lambda: tiny.encode(inputs))


@pytest.mark.parametrize(
    "wrap",
    [
        list,
        tuple,
        iter,
        np.array,
        lambda texts: np.array(texts, dtype=object),
        lambda texts: (text for text in texts),
        lambda texts: dict.fromkeys(texts).keys(),
    ],
)
def test_every_iterable_of_texts(
    wrap: Callable[[list[str]], Any], tiny: SentenceTransformer
) -> None:
    texts = ["the first", "a second, longer text", "third"]
    expected = np.stack([tiny.encode(text) for text in texts])
    vectors = tiny.encode(wrap(texts))
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-6)


def test_an_error_of_the_callers_generator_is_its_own(tiny: SentenceTransformer) -> None:
    def texts() -> Iterator[str]:
        yield "one"
        raise KeyError("theirs")

    with pytest.raises(KeyError, match="theirs"):
        tiny.encode(texts())


class Counted(str):
    """A text that knows how many of its kind are held."""

    held = most = 0

    def __new__(cls, text: str) -> Counted:
        Counted.held += 1
        Counted.most = max(Counted.most, Counted.held)
        return super().__new__(cls, text)

    def __del__(self) -> None:
        Counted.held -= 1


@pytest.mark.parametrize("output_value", ["sentence_embedding", "token_embeddings"])
def test_texts_of_an_iterator_are_not_held(
    output_value: Any, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentune.encoding.chunks._CHUNK", 10)
    Counted.most = 0
    texts = (Counted(f"text {number}") for number in range(95))
    found = tiny.encode(texts, output_value=output_value)
    assert len(found) == 95
    assert Counted.held == 0
    # A chunk that is being encoded, and the first text of the next.
    assert Counted.most <= 2 * 10


def test_long_texts_of_an_iterator_are_not_held(
    tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentune.encoding.chunks._CHUNK_CHARACTERS", 100)
    Counted.most = 0
    assert tiny.encode(Counted("word " * 15) for _ in range(40)).shape == (40, 32)
    assert Counted.most <= 2 * 2


def test_an_iterator_gives_the_vectors_of_a_list(
    tiny: SentenceTransformer, real_texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentune.encoding.chunks._CHUNK", 16)
    texts = real_texts[:100]
    options: tuple[dict[str, Any], ...] = (
        *({}, {"precision": "uint8"}, {"precision": "binary"}),
        *({"convert_to_tensor": True}, {"truncate_dim": 8}),
    )
    for each in options:
        ours, theirs = tiny.encode(iter(texts), **each), tiny.encode(texts, **each)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
        assert tiny.encode(iter(()), **each).shape == tiny.encode([], **each).shape


def test_lists_are_checked_before_anything_is_computed(
    tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentune.encoding.chunks._CHUNK", 2)
    monkeypatch.setattr(tiny.encoder, "forward", None)
    texts: list[Any] = ["a", "b", "c", None]
    for wrap in (list, tuple, np.array):
        given: Any = wrap(texts)
        assert "inputs[3] is None" in refused(partial(tiny.encode, given))


def test_shapes(model: SentenceTransformer) -> None:
    assert model.encode([]).shape == (0, 384)
    assert model.encode([]).dtype == np.float32
    assert model.encode("a text").shape == (384,)
    assert model.encode(["a text"]).shape == (1, 384)
    tensor: Any = model.encode([], convert_to_tensor=True)
    assert tensor.shape == (0, 384)
    assert model.encode([], convert_to_numpy=False) == []
    assert model.encode([], output_value="token_embeddings") == []
    assert model.encode([], normalize_embeddings=True, truncate_dim=5).shape == (0, 5)
    assert model.get_embedding_dimension() == 384


def test_odd_texts_have_unit_vectors(model: SentenceTransformer) -> None:
    odd = ["", " ", "\n\t\r", "\0", "a\0b", "🙂" * 300, "\u202e\u200b", "ﷺ", "e\u0301", "\x7f\x85"]
    vectors = model.encode([*odd, "an ordinary text"])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=0, atol=1e-6)
    np.testing.assert_allclose(vectors[0], vectors[1], rtol=0, atol=1e-6)


def test_a_text_of_100_000_characters(model: SentenceTransformer) -> None:
    long = "embedding " * 10_000
    with count_truncation() as truncation:
        vector = model.encode(long)
        cut = model.encode(long[: 10 * 300])
    np.testing.assert_allclose(vector, cut, rtol=0, atol=1e-6)
    assert truncation.tokens_left_out == (30_000 - 254) + (900 - 254)  # em ##bed ##ding
    (one,) = model.encode(["x" * 100_000])
    assert np.isfinite(one).all()


# ── options ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"batch_size": "8"}, "batch_size is '8'"),
        ({"prompt_name": "absent"}, "prompt_name is 'absent'"),
        ({"prompt_name": ["query"]}, "prompt_name is ['query']"),
        ({"prompt": 5}, "prompt is int"),
        ({"prompt": "\udcff"}, "prompt is not valid Unicode text"),
        ({"precision": "float16"}, "precision is 'float16'"),
        ({"output_value": "tokens"}, "output_value is 'tokens'"),
        ({"truncate_dim": 0}, "truncate_dim is 0"),
        ({"truncate_dim": -1}, "truncate_dim is -1"),
        ({"device": "bogus"}, "device 'bogus'"),
        ({"device": "meta"}, "device 'meta'"),
    ],
    ids=str,
)
def test_options_are_checked_before_anything_is_computed(
    options: dict[str, Any],
    said: str,
    tiny: SentenceTransformer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def compute(*_: Any) -> None:
        raise AssertionError("computed before the check")

    monkeypatch.setattr(tiny.encoder, "forward", compute)
    assert said in refused(lambda: tiny.encode(["a text"], **options))


def test_unknown_prompts_are_listed(tiny: SentenceTransformer) -> None:
    assert "one of the model's prompts (query, document)" in refused(
        lambda: tiny.encode("a", prompt_name="passage")
    )


def test_result_types(tiny: SentenceTransformer) -> None:
    texts = ["one", "two words"]
    array = tiny.encode(texts)
    tensor = tiny.encode(texts, convert_to_tensor=True)
    both = tiny.encode(texts, convert_to_tensor=True, convert_to_numpy=True)
    rows = tiny.encode(texts, convert_to_numpy=False)
    assert isinstance(array, np.ndarray)
    assert isinstance(tensor, torch.Tensor)
    assert isinstance(both, torch.Tensor)
    assert isinstance(rows, list)
    assert [row.shape for row in rows] == [(32,), (32,)]
    for other in (tensor.numpy(), both.numpy(), torch.stack(rows).numpy()):
        np.testing.assert_array_equal(array, other)
    single = tiny.encode("one", convert_to_numpy=False)
    assert isinstance(single, torch.Tensor)
    assert single.shape == (32,)


def test_truncation_comes_before_normalization(tiny: SentenceTransformer) -> None:
    texts = ["one", "two words"]
    whole = tiny.encode(texts)
    cut = tiny.encode(texts, truncate_dim=8)
    np.testing.assert_array_equal(cut, whole[:, :8])
    assert (np.linalg.norm(cut, axis=1) < 0.99).all()
    unit = tiny.encode(texts, truncate_dim=8, normalize_embeddings=True)
    np.testing.assert_allclose(unit, F.normalize(torch.from_numpy(cut), dim=1), atol=1e-6)
    assert tiny.encode(texts, truncate_dim=1000).shape == (2, 32)


def test_the_models_own_truncation_can_be_overridden(tiny_folder: Path) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32", truncate_dim=8)
    assert model.encode("a").shape == (8,)
    assert model.encode("a", truncate_dim=16).shape == (16,)
    assert model.get_embedding_dimension() == 8


def test_token_embeddings(tiny: SentenceTransformer) -> None:
    tokens = tiny.encode(["one", "", "the words"], output_value="token_embeddings")
    ids, _ = tiny.tokenizer(["one", "", "the words"])
    assert [t.shape for t in tokens] == [(len(text), 32) for text in ids]
    single: Any = tiny.encode("the words", output_value="token_embeddings")
    torch.testing.assert_close(single, tokens[2], rtol=0, atol=1e-6)
    mean = F.normalize(single.mean(dim=0), dim=0).numpy()
    np.testing.assert_allclose(mean, tiny.encode("the words"), rtol=0, atol=1e-6)


def test_prompts(tiny_folder: Path) -> None:
    model = SentenceTransformer(
        tiny_folder,
        device="cpu",
        compute_dtype="float32",
        prompts={"passage": "in the text ", "corpus": "other "},
        default_prompt_name="query",
    )

    def plain(text: str) -> Any:
        return model.encode(text, prompt="")

    np.testing.assert_array_equal(model.encode("a word"), plain("find a word"))
    np.testing.assert_array_equal(model.encode_query("a word"), plain("find a word"))
    np.testing.assert_array_equal(
        model.encode("a word", prompt_name="corpus"), plain("other a word")
    )
    np.testing.assert_array_equal(
        model.encode("a word", prompt_name="query", prompt="get "), plain("get a word")
    )
    np.testing.assert_array_equal(model.encode_document("a word"), plain("in the text a word"))
    np.testing.assert_array_equal(
        model.encode_document("a word", prompt="get "), plain("get a word")
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"default_prompt_name": "absent"}, "prompt_name is 'absent'"),
        ({"prompts": {"query": 3}, "default_prompt_name": "query"}, "prompts['query'] is int"),
        ({"similarity_fn_name": "jaccard"}, "similarity_fn_name is 'jaccard'"),
        ({"truncate_dim": 0}, "truncate_dim is 0"),
        ({"compute_dtype": "float16"}, "compute_dtype is 'float16'"),
        ({"device": "nowhere"}, "device 'nowhere'"),
    ],
)
def test_options_of_the_model(options: dict[str, Any], said: str, tiny_folder: Path) -> None:
    assert said in refused(lambda: SentenceTransformer(tiny_folder, **options))


def test_numbers_of_numpy_are_plain_numbers(tiny: SentenceTransformer, tiny_folder: Path) -> None:
    three: Any = np.int64(3)
    settings = tiny.encode_settings(batch_size=three, truncate_dim=three)
    assert json.dumps([settings.batch_size, settings.truncate_dim]) == "[3, 3]"
    model = SentenceTransformer(tiny_folder, truncate_dim=three)
    model.max_seq_length = three
    assert json.dumps([model.truncate_dim, model.max_seq_length]) == "[3, 3]"


@pytest.mark.parametrize("length", [0, -1, 2, 65, "48", 48.0, None, True])
def test_length_limits_that_cannot_be(length: Any, tiny: SentenceTransformer) -> None:
    def assign() -> None:
        tiny.max_seq_length = length

    assert f"max_seq_length is {length!r}" in refused(assign)
    assert tiny.max_seq_length == 48
    assert len(tiny.tokenizer(["the " * 99])[0][0]) == 48


def test_the_length_limit_can_be_changed(tiny_folder: Path, tmp_path: Path) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    text = "the " * 60
    before = model.encode(text)
    model.max_seq_length = 64
    assert len(model.tokenizer([text])[0][0]) == 62
    after = model.encode(text)
    assert np.abs(after - before).max() > 1e-3
    model.save_pretrained(tmp_path / "saved")
    again = SentenceTransformer(tmp_path / "saved", device="cpu", compute_dtype="float32")
    assert again.max_seq_length == 64
    np.testing.assert_array_equal(again.encode(text), after)


def test_the_progress_bar_is_drawn_when_asked(
    tiny: SentenceTransformer, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.encode(["one", "two"], show_progress_bar=True)
    shown = capsys.readouterr()
    assert "encoding" in shown.err
    assert "2/2" in shown.err
    assert shown.out == ""
    tiny.encode(["one", "two"])
    tiny.encode(["one", "two"], show_progress_bar=False)
    assert capsys.readouterr() == ("", "")


def test_the_progress_bar_shows_the_rate(
    tiny: SentenceTransformer, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.encode((f"text {number}" for number in range(20)), batch_size=2, show_progress_bar=True)
    shown = capsys.readouterr().err
    assert "20/?" in shown
    assert "texts/s" in shown


def test_the_progress_bar_follows_the_logger(
    tiny: SentenceTransformer, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "sentune"):
        tiny.encode(["one"])
    assert "encoding" in capsys.readouterr().err


def test_encoding_on_a_named_device_leaves_the_model_trainable(tiny_folder: Path) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    model.encode("a", device="cpu")
    model.encode("a", device=torch.device("cpu"))
    assert not any(parameter.is_inference() for parameter in model.parameters())


# ── threads ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("compute_dtype", ["float32", "bfloat16"])
def test_sixteen_threads_share_a_model(
    compute_dtype: str, tiny_folder: Path, real_texts: list[str], one_thread: None
) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype=compute_dtype)
    shares = [real_texts[i : i + 12] for i in range(0, 16 * 12, 12)]
    alone = [model.encode(share) for share in shares]
    fresh = SentenceTransformer(tiny_folder, device="cpu", compute_dtype=compute_dtype)

    def work(number: int) -> Any:
        with count_truncation() as truncation:
            vectors = [fresh.encode(shares[number]) for _ in range(3)]
        return vectors, truncation.texts

    with ThreadPoolExecutor(16) as pool:
        for expected, (vectors, counted) in zip(alone, pool.map(work, range(16)), strict=True):
            assert counted == 36
            for each in vectors:
                np.testing.assert_array_equal(each, expected)


def test_the_length_limit_may_change_while_threads_encode(
    tiny_folder: Path, real_texts: list[str]
) -> None:
    """The cause of "Already borrowed" elsewhere."""
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    texts = real_texts[:30]

    def work(number: int) -> tuple[int, ...]:
        if number % 3 == 0:
            model.max_seq_length = 20 + number
        shape: tuple[int, ...] = model.encode(texts).shape
        return shape

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(24))) == {(30, 32)}


def test_threads_may_encode_with_a_model_in_training_mode(
    tiny_folder: Path, real_texts: list[str], one_thread: None
) -> None:
    """None of them switches dropout on while another is at work."""
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    shares = [real_texts[start : start + 1 + start % 7] for start in range(60)]
    expected = [model.encode(share) for share in shares]
    model.train()
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(model.encode, shares))
    for vectors, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(vectors, theirs)
    assert model.training
    assert model.encoder.layers[0].training


def test_sixteen_threads_share_the_base_model(
    model: SentenceTransformer, real_texts: list[str], one_thread: None
) -> None:
    """Each with its own options: elsewhere they would change the tokenizer under each other."""
    options: tuple[dict[str, Any], ...] = (
        *({}, {"prompt": "query: "}, {"long_text": "chunk"}, {"truncate_dim": 100}),
        *({"precision": "binary"}, {"batch_size": 1}, {"normalize_embeddings": True}),
        {"output_value": "token_embeddings"},
    )
    short = [text for text in real_texts if len(text) < 200]
    jobs = [
        (short[4 * n : 4 * n + 4] + ["word " * 270] * (n == 5), options[n % len(options)])
        for n in range(16)
    ]

    def work(job: tuple[list[str], dict[str, Any]]) -> Any:
        texts, chosen = job
        return [np.asarray(rows) for rows in model.encode(texts, **chosen)]

    expected = [work(job) for job in jobs]
    with ThreadPoolExecutor(16) as pool:
        for found, theirs in zip(pool.map(work, jobs), expected, strict=True):
            for ours, other in zip(found, theirs, strict=True):
                np.testing.assert_array_equal(ours, other)


# ── number formats ────────────────────────────────────────────────────────────────────────────


def test_bfloat16_is_close_and_weights_stay_float32(
    model: SentenceTransformer, real_texts: list[str]
) -> None:
    half = SentenceTransformer(device="cpu", compute_dtype="bfloat16")
    texts = [text for text in real_texts if len(text) < 200][:20]
    ours, exact = half.encode(texts), model.encode(texts)
    assert ours.dtype == np.float32
    assert {p.dtype for p in half.parameters()} == {torch.float32}
    cosines = (ours * exact).sum(axis=1)
    assert cosines.min() > 0.999
    assert not np.array_equal(ours, exact)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, rtol=0, atol=1e-6)
    tokens = half.encode(texts[:2], output_value="token_embeddings")
    assert {t.dtype for t in tokens} == {torch.float32}


def test_the_repr_is_the_architecture_of_the_card(model: SentenceTransformer) -> None:
    pooling = (
        "{'word_embedding_dimension': 384, 'pooling_mode_cls_token': False, "
        "'pooling_mode_mean_tokens': True, 'pooling_mode_max_tokens': False, "
        "'pooling_mode_mean_sqrt_len_tokens': False, 'pooling_mode_weightedmean_tokens': False, "
        "'pooling_mode_lasttoken': False, 'include_prompt': True}"
    )
    lines = [
        "SentenceTransformer(",
        "  (0): Transformer({'max_seq_length': 256, 'do_lower_case': False}) "
        "with Transformer model: BertModel",
        f"  (1): Pooling({pooling})",
        "  (2): Normalize()",
        ")",
    ]
    assert [line.rstrip() for line in repr(model).splitlines()] == lines


def test_truncate_dim_is_checked_where_it_is_set(tiny_folder: Path) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    model.truncate_dim = np.int64(8)  # type: ignore[assignment]
    assert type(model.truncate_dim) is int
    assert model.encode("a text").shape == (8,)
    for wrong in (True, 0, 8.0):
        with pytest.raises(ArgumentError, match=r"^truncate_dim is "):
            model.truncate_dim = wrong  # type: ignore[assignment]
    assert model.truncate_dim == 8
