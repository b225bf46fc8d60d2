from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sentune.data.pairs import Pairs
from sentune.evaluation.forgetting import General
from sentune.evaluation.report import remarks
from sentune.evaluation.significance import Difference, Interval
from sentune.model_folder.resolve import BaseModel
from sentune.report.card import CardFacts, model_card
from sentune.report.card.result import _in_searches
from sentune.training.arguments import SentenceTransformerTrainingArguments

Make = Callable[..., CardFacts]

SECTIONS = """\
# my-model
## Result
## Model Details
### Model Description
### Model Sources
### Full Model Architecture
## Usage
### Direct Usage (sentune)
### Direct Usage (Sentence Transformers)
## Evaluation
### How this was measured
## Training Details
### Training Dataset
#### Unnamed Dataset
### Training Hyperparameters
#### Non-Default Hyperparameters
#### All Hyperparameters
### Training Logs
### Training Run
### Framework Versions
## Citation
### BibTeX
#### Sentence Transformers
#### MultipleNegativesRankingLoss"""


@pytest.fixture(scope="module")
def card(plain_facts: CardFacts) -> str:
    return model_card(plain_facts)


def _body(card: str) -> str:
    return card.split("---\n", 2)[2]


def _structure(card: str) -> list[str]:
    """Everything about a card but its texts: blocks, nesting and tags, by a Markdown parser."""
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(_body(card)):
        inside = {child.tag + child.type for child in token.children or []}
        # Line breaks of a text become <br>, and a text may be cut into several pieces.
        inside -= {"text", "html_inline"}
        found.append(f"{token.level} {token.tag} {token.type} {token.info} {sorted(inside)}")
    return found


def test_the_sections_are_those_of_the_reference_card(card: str) -> None:
    tokens = MarkdownIt("commonmark").parse(_body(card))
    headings = [
        f"{'#' * int(token.tag[1])} {tokens[place + 1].content}"
        for place, token in enumerate(tokens)
        if token.type == "heading_open"
    ]
    assert headings == SECTIONS.splitlines()


@pytest.mark.parametrize(
    "fact",
    [
        "- **Model Type:** Sentence Transformer\n",
        "- **Base model:** [sentence-transformers/all-MiniLM-L6-v2]"
        "(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2)\n",
        "- **Maximum Sequence Length:** 256 tokens\n",
        "- **Output Dimensionality:** 384 dimensions\n",
        "- **Similarity Function:** Cosine Similarity\n",
        "- **Training Dataset:** 4 question–passage pairs\n",
        "  (0): Transformer({'max_seq_length': 256, 'do_lower_case': False}) with "
        "Transformer model: BertModel\n",
        "'pooling_mode_mean_tokens': True",
        "  (2): Normalize()\n",
        "pip install -U sentence-transformers\n",
        "* Size: 4 training samples\n",
        "* Columns: `anchor` and `positive`\n",
        "* Loss: `MultipleNegativesRankingLoss` with these parameters:\n",
        '      "scale": 20.0,\n      "similarity_fct": "cos_sim"\n',
        "- `per_device_train_batch_size`: 20\n",
        "- `multi_dataset_batch_sampler`: proportional\n",
        "- `warmup_steps`: 0\n",
        "@inproceedings{reimers-2019-sentence-bert,\n",
        '    booktitle = "Proceedings of the 2019 Conference on Empirical Methods in Natural '
        'Language Processing",\n',
        "@misc{henderson2017efficient,\n",
    ],
)
def test_a_fact_of_the_reference_card_is_stated(card: str, fact: str) -> None:
    assert fact in card


def test_changed_settings_stand_alone_and_among_all(card: str) -> None:
    changed = card.split("#### Non-Default Hyperparameters\n\n")[1].split("\n\n")[0]
    assert changed.splitlines() == [
        "- `per_device_train_batch_size`: 20",
        "- `num_train_epochs`: 10",
        "- `learning_rate`: 2e-05",
        "- `per_device_eval_batch_size`: 20",
    ]
    everything = card.split("<details><summary>Click to expand</summary>\n\n")[1]
    assert set(changed.splitlines()) < set(everything.split("\n\n</details>")[0].splitlines())


def test_a_setting_is_shown_as_text(make_facts: Make) -> None:
    arguments = SentenceTransformerTrainingArguments(
        output_dir="unused", optim_args="</details>\n\n# *x*"
    )
    text = model_card(make_facts(arguments=arguments))
    assert text.count("- `optim_args`: &lt;/details&gt; &#35; &#42;x&#42;\n") == 2


def test_what_ran_is_stated(card: str, make_facts: Make) -> None:
    assert (
        "- Steps: 1,234\n"
        "- Time: 35.0 seconds, for the training alone\n"
        "- Number format and device: float32 on cpu (asked for); weights float32\n"
        "- Dropout: 0.1 of the hidden states and 0.1 of the attention, as the base model has it\n"
    ) in card
    arguments = SentenceTransformerTrainingArguments(output_dir="unused", dropout=0.0)
    text = model_card(make_facts(arguments=arguments, seconds=3725.4))
    assert "- Dropout: 0 throughout\n" in text
    assert "- Time: 1 h 2 min 5 s," in text
    assert "- Time: 2 min 0 s," in model_card(make_facts(seconds=119.7))


def test_versions_are_those_installed(card: str) -> None:
    lines = card.split("### Framework Versions\n\n")[1].split("\n\n")[0].splitlines()
    assert lines == [
        f"- Python: {platform.python_version()}",
        f"- sentune: {version('sentune')}",
        f"- Transformers: {version('transformers')}",
        f"- PyTorch: {version('torch')}",
        f"- Accelerate: {version('accelerate')}",
        f"- Datasets: {version('datasets')}",
        f"- Tokenizers: {version('tokenizers')}",
    ]


def test_a_package_that_is_missing_is_not_listed(
    make_facts: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sentune.report.card.versions._PACKAGES", {"Nothing": "no-such-package-anywhere"}
    )
    text = model_card(make_facts())
    assert "Nothing: " not in text
    assert "- **Made with:** sentune\n" in text


def test_the_log_is_a_table_and_a_long_one_is_folded(card: str, make_facts: Make) -> None:
    assert (
        "| Epoch | Step | Training Loss |\n| :--- | :--- | :--- |\n"
        "| 0.5000 | 10 | 1.2346 |\n| 1.0000 | 20 | 0.9877 |\n"
    ) in card
    assert card.count("<details>") == 1
    long = [(step / 10, step, 1.0) for step in range(30)]
    assert model_card(make_facts(loss_log=long)).count("<details>") == 2
    assert "Training Logs" not in model_card(make_facts(loss_log=[]))


def test_the_card_begins_with_what_the_model_is_worth(
    card: str, make_facts: Make, discarded: dict[str, Any]
) -> None:
    section = card.split("## Result\n")[1].split("## Model Details")[0]
    assert _body(card).index("## Result") < 800
    assert (
        "**Tuning helped. Right passage first: 28 of 40 questions in place of 20. nDCG@10 changed "
        "by +0.200 (95% interval +0.150 to +0.250, p = 0.0123, 35 independent groups of "
        "questions).**"
    ) in section
    assert "such a difference in about 1 of 100 tries." in section
    assert (
        "| base model | 20 |\n| tuned model | 28 |\n| BM25 | 24 |\n"
        "| tuned model with BM25, used in searches | 32 |\n"
    ) in section
    assert "rank by the model and by words (BM25) together, with the weights 0.6 and 0.4" in section
    same = Interval(0.9, 0.8, 1.0)
    general = General(318, base=same, model=same, change=Interval(0.0, -0.01, 0.01))
    result = make_facts().result
    assert result is not None
    of_general = make_facts(result=replace(result, general=general))
    assert "On general English sentences, no change is shown (+0.000 in the " in model_card(
        of_general
    )
    for term in ("BM25", "nDCG@10", "95% interval", "p", "Independent groups"):
        assert f"- **{term}**" in section
    worse = model_card(make_facts(**discarded)).split("## Result\n")[1]
    assert "| base model | 28 |\n| tuned model | 20 |\n" in worse
    assert "| base model with BM25, used in searches | 34 |\n" in worse
    assert "| base's fusion | **0.850** (0.750 to 1.000) |" in worse
    assert "it made the model worse, so the base model is kept. Right passage first: 20" in worse


def test_a_late_stage_that_is_shown_to_find_more_is_what_searches_use(make_facts: Make) -> None:
    result = make_facts().result
    assert result is not None
    more = {**result.differences, "late_minus_fusion": Difference(0.05, 0.02, 0.08, 0.01)}
    for weight in (0.0, 0.5, 1.0):
        found = replace(result, weight=weight, late_weight=0.4, late_depth=50, differences=more)
        assert _in_searches(found) == "tuned model with BM25 and late stage"
        assert found.search_late_weight == 0.4


def test_the_card_says_why_searches_use_both(card: str, make_facts: Make) -> None:
    told = "On these questions the model alone is ahead of both, but that may be chance."
    assert told not in card
    result = make_facts().result
    assert result is not None
    behind = {**result.differences, "fusion_minus_model": Difference(-0.01, -0.04, 0.02, 0.5)}
    unsure = replace(result, differences=behind)
    assert told in model_card(make_facts(result=unsure))
    assert told not in model_card(make_facts(result=replace(unsure, weight=0.0)))


def test_the_steps_follow_from_the_recipe_and_its_counts(card: str, make_facts: Make) -> None:
    assert (
        "- Recipe: `plain`, on 4 pairs and 3 sentences of passages as questions, 7 of both an "
        "epoch, in batches of up to 20\n"
        "  - 2 passages of more than 256 tokens became 5 pieces\n- Steps: 1,234\n"
    ) in card
    alone = model_card(make_facts(sentences=0, prepared=[]))
    assert "- Recipe: `plain`, on 4 pairs, in batches of up to 20\n- Steps" in alone
    assert "- Recipe" not in model_card(make_facts(recipe=""))


def test_the_evaluation_has_figures_remarks_and_method(card: str, plain_facts: CardFacts) -> None:
    section = card.split("## Evaluation\n")[1].split("## Training Details")[0]
    report = plain_facts.report
    assert report is not None
    assert all(f"- {remark}" in section for remark in remarks(report))
    for system, name in {"base": "base", "model": "tuned", "bm25": "BM25"}.items():
        interval = report.systems[system]["ndcg@10"]
        expected = rf"{name} \| {interval.value:.3f} \({interval.low:.3f} to {interval.high:.3f}\)"
        assert re.search(expected, section)
    assert "Measured on the 40 questions of held_out.json.\n" in section
    assert "10,000 bootstrap" in section


def test_without_an_evaluation_the_card_says_so(make_facts: Make) -> None:
    text = model_card(make_facts(report=None, result=None))
    assert "Nothing was measured: whether tuning helped is not known." in text
    assert "How this was measured" not in text
    assert "## Result" not in text
    alone = model_card(make_facts(result=None))
    assert "Tuning helped" not in alone
    assert "| tuned |" in alone


def test_a_base_model_that_was_kept_says_so_first(
    card: str, make_facts: Make, discarded: dict[str, Any]
) -> None:
    text = model_card(make_facts(**discarded))
    first = _body(text).strip().splitlines()[2]
    assert first.startswith("> **This folder holds the unchanged base model**")
    assert "the folder holds nothing of its result" in text
    assert "(the tuning on them was discarded)" in text
    assert "tuned on 4" not in text
    assert "did not help" not in card
    assert "discarded" not in card
    assert "tuned on 4 question–passage pairs" in card


def test_a_local_base_model_is_named_without_its_path(
    make_facts: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    facts = make_facts()
    folder = tmp_path / "secret_home" / "my_base"
    monkeypatch.setattr(facts.model, "base", BaseModel(str(folder), folder, "local folder"))
    text = model_card(facts)
    assert "- **Base model:** my_base (a local folder)\n" in text
    assert "secret_home" not in text
    assert "base_model:" not in text


def test_a_base_model_that_was_tuned_has_its_descent(
    make_facts: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, kept, second = (tmp_path / "secret_home" / name for name in ("first", "kept", "second"))
    for folder, base in ((first, "owner/name"), (kept, "../first"), (second, "../kept")):
        folder.mkdir(parents=True)
        (folder / "run.yaml").write_text(f"base: {base}\n")
        (folder / "evaluation.json").write_text('{"kept": "tuned"}')
    (kept / "evaluation.json").write_text('{"kept": "base"}')
    facts = make_facts()
    monkeypatch.setattr(facts.model, "base", BaseModel(str(second), second, "local folder"))
    line = "second (a local folder), which was tuned from kept, which was tuned from owner/name\n"
    text = model_card(facts)
    assert f"- **Base model:** {line}" in text
    assert "secret_home" not in text
    for broken in ("", "[]", "base: 3", "base: [", "other: .."):
        (second / "run.yaml").write_text(broken)
        assert "- **Base model:** second (a local folder)" in model_card(facts)


def test_a_hub_revision_is_stated(make_facts: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = make_facts()
    base = replace(facts.model.base, revision="abc123")
    monkeypatch.setattr(facts.model, "base", base)
    assert "all-MiniLM-L6-v2), revision abc123\n" in model_card(facts)


def test_other_similarities_and_dimensions_are_stated(
    make_facts: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = make_facts()
    monkeypatch.setattr(facts.model, "similarity_fn_name", "dot")
    monkeypatch.setattr(facts.model, "truncate_dim", 64)
    text = model_card(facts)
    assert "- **Similarity Function:** Dot Product\n" in text
    assert "- **Output Dimensionality:** 64 dimensions\n" in text
    assert "# (3, 64)\n" in text


def test_no_path_and_no_secret_is_stated(card: str, plain_facts: CardFacts) -> None:
    assert plain_facts.arguments.output_dir is not None
    for hidden in (
        plain_facts.arguments.output_dir,
        "hidden_place",
        "hf_very_secret",
        "secret run",
    ):
        assert hidden not in card
    assert str(Path.home()) not in card
    assert str(plain_facts.model.base.folder) not in card


def test_a_private_card_has_no_word_of_the_data(card: str, make_facts: Make) -> None:
    pairs = make_facts().training
    texts = " ".join([*pairs.questions.values(), *pairs.passages.values()])
    words = set(re.findall(r"\w{4,}", texts))
    text = model_card(make_facts(private=True))
    assert "Flansch" in words & set(re.findall(r"\w+", card))
    assert not words & set(re.findall(r"\w+", text))
    assert "mean: " in text
    assert "* Size: 4 training samples" in text


def test_a_private_card_depends_on_nothing_but_counts(make_facts: Make) -> None:
    def reversed_words(texts: Mapping[str, str]) -> dict[str, str]:
        return {key: " ".join(reversed(text.split())) for key, text in texts.items()}

    pairs = make_facts().training
    other = replace(
        pairs, questions=reversed_words(pairs.questions), passages=reversed_words(pairs.passages)
    )
    first, second = (model_card(make_facts(training=data, private=True)) for data in (pairs, other))
    assert first == second
    assert model_card(make_facts(training=other)) != model_card(make_facts())


def test_the_same_facts_give_the_same_card(card: str, plain_facts: CardFacts) -> None:
    assert model_card(plain_facts) == card
    assert card.endswith("}\n```\n")
    assert not card.endswith("\n\n")


FRAGMENTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        [
            "```",
            "\n```\n",
            "\n\n# x\n\n",
            "|",
            "\n| a | b |\n|---|---|\n",
            "---",
            "</details>",
            "<b>",
            *[
                "\n---\n",
                "* x",
                "\n    code",
                "[a](b)",
                "[a]: /b",
                "&#124;",
                "\\",
                "`",
                "$$",
                "*",
                "_",
            ],
        ]
    ),
)
TEXTS = st.lists(FRAGMENTS, min_size=1, max_size=5).map("".join)


@settings(
    max_examples=30,
    deadline=None,
)
@given(texts=st.lists(TEXTS, min_size=3, max_size=3, unique=True), name=TEXTS)
def test_no_text_changes_the_structure_of_the_card(
    plain_facts: CardFacts, texts: list[str], name: str
) -> None:
    def card_of(question: str, answer: str, other: str, title: str) -> str:
        pairs = Pairs(
            questions={"q": question, "r": question + "?"},
            passages={"a": answer, "b": other},
            relevant={"q": ("a",), "r": ("b",)},
        )
        facts = replace(plain_facts, training=pairs, name=f"n {title}", evaluated_on=f"n {title}")
        return model_card(facts)

    hostile = card_of(texts[0], texts[1], texts[2], name)
    hostile.encode()
    assert _structure(hostile) == _structure(card_of("a", "b", "c", "d"))


def test_importing_the_card_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys, sentune.report.card; "
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
