from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.report.card import CardFacts, model_card
from sentune.report.card.usage import usage_blocks

HOSTILE = Pairs(
    questions={"q": "Was ist ```python\n```?\n\n```"},
    passages={"a": "'''\"\"\" \\ \\n {x} ``` ````", "b": "\n```\n# Kein Titel\n"},
    relevant={"q": ("a",)},
)


def _snippets(card: str) -> list[str]:
    """The Python blocks of a card, in order, as a Markdown parser finds them."""
    tokens = MarkdownIt("commonmark").parse(card)
    return [token.content for token in tokens if token.type == "fence" and token.info == "python"]


@pytest.fixture(scope="module")
def folder(model: SentenceTransformer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model"
    model.save_pretrained(path)
    return path


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("pairs", [None, HOSTILE], ids=["plain", "hostile"])
def test_the_snippet_runs_as_it_stands(
    make_facts: Callable[..., CardFacts],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    private: bool,
    pairs: Pairs | None,
) -> None:
    facts = make_facts(name=str(folder), private=private)
    facts = make_facts(name=str(folder), private=private, training=pairs or facts.training)
    code, first_line = _snippets("\n\n".join(usage_blocks(facts)))[:2]
    names: dict[str, Any] = {}
    exec(code, names)
    assert capsys.readouterr().out == "(3, 384)\n(3, 3)\n"
    assert "# (3, 384)" in code
    assert first_line == "from sentence_transformers import SentenceTransformer\n"
    if not private:
        texts = (*facts.training.questions.values(), *facts.training.passages.values())
        assert all(sentence in texts for sentence in names["sentences"])


def test_the_snippet_runs_on_the_reference_library(
    make_facts: Callable[..., CardFacts], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sentence_transformers")
    code, first_line = _snippets(model_card(make_facts(name=str(folder))))[:2]
    capsys.readouterr()
    exec(first_line + code.split("\n", 1)[1], {})
    assert capsys.readouterr().out == "(3, 384)\n(3, 3)\n"


def test_the_snippet_names_the_folder_and_keeps_to_the_shared_interface(
    plain_facts: CardFacts,
) -> None:
    code = _snippets(model_card(plain_facts))[0]
    assert code.startswith("from sentune import SentenceTransformer\n")
    assert "model = SentenceTransformer('my-model')" in code
    assert set(re.findall(r"model\.(\w+)", code)) == {"encode", "similarity"}


def test_any_name_is_a_literal(make_facts: Callable[..., CardFacts]) -> None:
    code = _snippets(model_card(make_facts(name="it's \\ 'mine'\n```")))[0]
    literal = re.search(r"SentenceTransformer\((.*)\)", code)
    assert literal is not None
    assert ast.literal_eval(literal[1]) == "it's \\ 'mine'\n```"


def test_private_examples_are_about_something_else(make_facts: Callable[..., CardFacts]) -> None:
    code = _snippets(model_card(make_facts(private=True)))[0]
    assert "kettle" in code
    assert "Flansch" not in code


@pytest.mark.parametrize(
    ("weight", "ranking"),
    [
        (0.6, "by the model and by words (BM25) together, with the weights 0.6 and 0.4"),
        (1, "by the model alone"),
        (0.0, "by words (BM25) alone"),
    ],
)
def test_search_is_shown_when_its_weight_is_known(
    make_facts: Callable[..., CardFacts],
    monkeypatch: pytest.MonkeyPatch,
    weight: float,
    ranking: str,
) -> None:
    facts = make_facts()
    assert "### Search" not in model_card(facts)
    monkeypatch.setattr(facts.model, "extras", {"fusion_weight": weight})
    card = model_card(facts)
    assert ranking in card
    assert "this folder has the weights" in card
    compile(_snippets(card)[2], "card", "exec")


def test_the_search_snippet_runs_after_the_first(
    make_facts: Callable[..., CardFacts],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    facts = make_facts(name=str(folder))
    monkeypatch.setattr(facts.model, "extras", {"fusion_weight": 0.6})
    first, _, search = _snippets(model_card(facts))
    names: dict[str, Any] = {}
    exec(first, names)
    names["model"].extras["fusion_weight"] = 0.6
    capsys.readouterr()
    exec(search, names)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["1", "first"], ["2", "second"]]
