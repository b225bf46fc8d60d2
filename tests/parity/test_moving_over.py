"""The page for people who move over: its code runs, and each claim of it is tried."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sentune
from sentune.encoding.sentence_transformer import SentenceTransformer

PAGE = Path(__file__).parents[2] / "docs" / "from-sentence-transformers.md"
TEXTS = ["the words of a text", "find the file"]


def blocks(heading: str) -> list[str]:
    """The code under a heading."""
    (section,) = re.findall(rf"## {heading}\n(.*?)(?=\n## |\Z)", PAGE.read_text("utf-8"), re.DOTALL)
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


class BaseEmbedder:
    """As in BERTopic and KeyBERT."""

    def __init__(self, embedding_model: Any = None, word_embedding_model: Any = None) -> None:
        self.embedding_model = embedding_model
        self.word_embedding_model = word_embedding_model

    def embed_documents(self, documents: list[str], verbose: bool = False) -> Any:
        return self.embed(documents, verbose)  # type: ignore[attr-defined]


class BERTopic:
    """Chooses a backend as the package does: an embedder, a text, else its own default."""

    def __init__(self, embedding_model: Any) -> None:
        if isinstance(embedding_model, BaseEmbedder):
            self.backend: Any = embedding_model
        elif isinstance(embedding_model, str) or "sentence_transformers" in str(
            type(embedding_model)
        ):
            self.backend = ("loads", embedding_model)
        else:
            self.backend = "its own default"


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (
        ("bertopic", {"BERTopic": BERTopic}),
        ("bertopic.backend", {"BaseEmbedder": BaseEmbedder}),
    ):
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)


def test_topic_models_use_the_model(
    packages: None, tiny: SentenceTransformer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentence_transformers import SentenceTransformer as Reference

    monkeypatch.chdir(tmp_path)
    assert BERTopic(tiny).backend == "its own default"  # what the page warns of
    by_folder, by_embedder, *_ = blocks("BERTopic and KeyBERT")
    names: dict[str, Any] = {"model": tiny}
    exec(by_folder, names)
    assert names["topics"].backend == ("loads", "my-model")
    loaded = Reference("my-model", device="cpu").encode(TEXTS)
    np.testing.assert_allclose(loaded, tiny.encode(TEXTS), atol=1e-5)
    exec(by_embedder, names)
    found = names["topics"].backend.embed_documents(np.array(TEXTS), verbose=False)
    np.testing.assert_array_equal(found, tiny.encode(TEXTS))


def test_a_benchmark_names_the_model(tiny_folder: Path) -> None:
    # mteb's wrapper takes the name from here, and keeps results under it.
    packaged = SentenceTransformer("all-MiniLM-L6-v2").model_card_data
    assert packaged.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert packaged.base_model_revision is None
    own = SentenceTransformer(tiny_folder).model_card_data
    assert (own.base_model, own.model_name, own.given) == (None, None, False)
    assert not packaged.given


def test_a_trainer_of_the_reference_trains_the_model(tiny_folder: Path) -> None:
    """As SetFit's does: it passes a task with every text, and calls the losses of the reference."""
    from sentence_transformers.base.data_collator import BaseDataCollator
    from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss

    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    rows = [{"sentence_1": a, "sentence_2": b, "label": 1.0} for a, b in (TEXTS, TEXTS[::-1])]
    batch = BaseDataCollator(preprocess_fn=model.preprocess)(rows)
    columns = [
        {name.removeprefix(f"{column}_"): batch[name] for name in batch if name.startswith(column)}
        for column in ("sentence_1", "sentence_2")
    ]
    loss = CosineSimilarityLoss(model)(columns, batch["label"])
    loss.backward()
    a, b = model.encode(TEXTS), model.encode(TEXTS[::-1])
    expected = np.mean((1 - (a * b).sum(1)) ** 2)
    np.testing.assert_allclose(loss.item(), expected, atol=1e-5)
    assert all(each.grad is not None for each in model.encoder.layers.parameters())


def test_the_first_example(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("Where names are")
    exec(code, {})
    assert capsys.readouterr().out == "(2, 384)\n"


def test_every_module_of_the_table_is_there() -> None:
    page = PAGE.read_text("utf-8")
    (row,) = re.findall(r"\| (`sentence_transformers\.losses`.*?) \|", page)
    for name in re.findall(r"`[\w.]*?\.?(\w+)`", row):
        assert hasattr(sentune, name), name
    (row,) = re.findall(r"\| (`util\.cos_sim`.*?) \|", page)
    for name in re.findall(r"`(?:util\.)?(\w+)`", row):
        assert hasattr(sentune.util, name), name
    (row,) = re.findall(r"\| (`models\.Transformer`.*?) \|", page)
    for name in re.findall(r"`(?:models\.)?(\w+)`", row):
        assert hasattr(sentune.models, name), name
