"""``sentune classify`` as a person meets it, on docstrings of the standard library."""

from __future__ import annotations

import csv
import json
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from sentune.data import python_docs

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    library = Path(sysconfig.get_paths()["stdlib"])
    return [
        {"text": text, "label": label}
        for label in ("email", "logging", "xml")
        for text in list(python_docs(library / label).pairs.questions.values())[:20]
    ]


@pytest.fixture(scope="module")
def trained(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.tasks.classifier_folder import save_classifier
    from sentune.tasks.classifier_training import train_classifier

    texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
    classifier = train_classifier(SentenceTransformer(), texts, labels)
    path = tmp_path_factory.mktemp("classify") / "classifier"
    save_classifier(classifier, path)
    return path


def test_train_then_predict(run: Any, jsonl: Any, rows: Rows, tmp_path: Path) -> None:
    file = jsonl("rows.jsonl", rows)
    outcome = run("classify", "train", file, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert "60 texts, 3 labels, cross-validated in 5 folds" in outcome.out
    for part in ("classifier", "TF-IDF", "commonest label", "95% interval", "note: "):
        assert part in outcome.out
    assert "none of 60 texts is longer than 256 tokens" in outcome.err
    outcome = run("classify", "predict", tmp_path / "out", "-", stdin="Parse an XML document.\n")
    assert outcome.code == 0, outcome.err
    assert "  xml  Parse an XML document." in outcome.out


def test_train_prints_one_json_value(run: Any, jsonl: Any, rows: Rows, tmp_path: Path) -> None:
    file = jsonl("rows.jsonl", rows)
    outcome = run(
        "classify", "train", file, "--out", tmp_path / "out", "--method", "centroid", "--json"
    )
    report = json.loads(outcome.out)
    assert report["method"] == "centroid"
    assert report["labels"] == {"email": 20, "logging": 20, "xml": 20}
    assert report["truncation"]["texts"] == 60


def test_few_shot_keeps_its_encoder(
    run: Any, jsonl: Any, rows: Rows, tiny_folder: Path, tmp_path: Path
) -> None:
    file, out = jsonl("rows.jsonl", rows[::5]), tmp_path / "out"
    outcome = run("classify", "train", file, "--out", out, "--model", tiny_folder, "--few-shot")
    assert outcome.code == 0, outcome.err
    assert "without tuning the model" in outcome.out
    assert "not calibrated: 12 texts are too few" in outcome.out
    assert (out / "encoder" / "model.safetensors").is_file()
    assert run("classify", "predict", out, stdin="Parse an XML document.\n").code == 0


def test_predict_writes_rows(run: Any, trained: Path, rows: Rows, tmp_path: Path) -> None:
    texts = ["=Parse an XML document", "Send a mail, with attachments"]
    stdin = "\n".join(texts)
    assert run("classify", "predict", trained, "--out", tmp_path / "a.csv", stdin=stdin).code == 0
    assert run("classify", "predict", trained, "--out", tmp_path / "a.jsonl", stdin=stdin).code == 0
    lines = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    assert [list(row) for row in found] == [["text", "label", "probability"]] * 2
    assert [(row["text"], row["label"]) for row in found] == [
        (texts[0], "xml"),
        (texts[1], "email"),
    ]
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as stream:
        cells = list(csv.DictReader(stream))
    assert cells[0]["text"] == "'=Parse an XML document"
    assert float(cells[1]["probability"]) == found[1]["probability"]
    whole = json.loads(run("classify", "predict", trained, "--json", stdin=stdin).out)
    for row, brief in zip(whole, found, strict=True):
        assert {name: row[name] for name in brief} == brief
        assert row["probability"] == max(row["probabilities"].values())
        assert list(row["probabilities"]) == ["email", "logging", "xml"]


def test_truncation_is_told(run: Any, trained: Path) -> None:
    outcome = run("classify", "predict", trained, stdin="word " * 300)
    assert "1 of 1 texts are longer than 256 tokens; 46 tokens were left out" in outcome.err
    assert len(outcome.out) < 120


def test_zero_shot(run: Any) -> None:
    arguments = ("classify", "zero-shot", "--labels", "sport, politics,cooking")
    stdin = "Bake the bread for forty minutes.\nShe scored twice in the final.\n"
    lines = run(*arguments, stdin=stdin).out.splitlines()
    assert [line.split()[1] for line in lines] == ["cooking", "sport"]
    found = json.loads(run(*arguments, "--json", stdin=stdin).out)
    assert [row["label"] for row in found] == ["cooking", "sport"]
    assert list(found[0]["similarities"]) == ["sport", "politics", "cooking"]
    assert found[0]["similarity"] == found[0]["similarities"]["cooking"]


def test_evaluate(run: Any, trained: Path, jsonl: Any, rows: Rows) -> None:
    file = jsonl("test.jsonl", [*rows[::4], {"text": "Draw a circle.", "label": "turtle"}])
    outcome = run("classify", "evaluate", trained, file)
    assert outcome.code == 0, outcome.err
    assert "1 of 16 rows has a label that the classifier does not know" in outcome.out
    assert "turtle (1)" in outcome.out
    found = json.loads(run("classify", "evaluate", trained, file, "--json").out)
    assert found["unknown"] == {"turtle": 1}
    assert len(found["confusion"]) == 4
    assert sum(map(sum, found["confusion"])) == found["rows"] == 16
    assert found["accuracy"]["low"] < found["accuracy"]["value"]


def test_bad_files_are_one_line(refused: Any, jsonl: Any, tmp_path: Path, no_model: None) -> None:
    out = tmp_path / "out"
    empty = jsonl("empty.jsonl", [])
    for arguments, part in [
        (("train", tmp_path / "missing.jsonl", "--out", out), "missing.jsonl"),
        (("train", empty, "--out", out), "empty.jsonl"),
        (("train", jsonl("a.jsonl", [{"text": "a"}]), "--out", out), "label"),
        (("train", jsonl("b.jsonl", [{"text": "a", "label": None}]), "--out", out), "label"),
        (("train", jsonl("c.jsonl", [{"text": None, "label": "b"}]), "--out", out), "text"),
        (("train", empty, "--out", tmp_path), "not empty"),
        (("predict", out, empty), "empty.jsonl"),
        (("predict", out, empty, "--out", tmp_path / "rows.xlsx"), ".jsonl"),
        (("zero-shot", empty, "--labels", "sport"), "sport"),
        (("zero-shot", empty, "--labels", "sport,"), "without a name"),
        (("zero-shot", empty, "--labels", "a,a"), "two different"),
        (("evaluate", out, empty), "empty.jsonl"),
    ]:
        refused(("classify", *arguments), part)
    assert not out.exists()


def test_too_few_examples_are_one_line(
    refused: Any, jsonl: Any, tmp_path: Path, no_model: None
) -> None:
    out = tmp_path / "out"
    rows = [{"text": "a", "label": "x"}, {"text": "b", "label": "x"}, {"text": "c", "label": "y"}]
    lonely, single = jsonl("lonely.jsonl", rows), jsonl("single.jsonl", rows[:2])
    refused(("classify", "train", lonely, "--out", out, "--method", "tree"), "tree")
    outcomes = [(lonely, "'y'"), (single, "1 label")]
    for file, part in outcomes:
        refused(("classify", "train", file, "--out", out), part)
    assert not out.exists()


def test_models_that_do_not_work_are_one_line(
    run: Any, refused: Any, broken_folder: Path, jsonl: Any, rows: Rows, tmp_path: Path
) -> None:
    file, out = jsonl("rows.jsonl", rows), tmp_path / "out"
    refused(("classify", "predict", tmp_path / "none", file), "none")
    refused(("classify", "evaluate", tmp_path / "none", file), "none")
    outcome = run("classify", "train", file, "--out", out, "--model", broken_folder)
    assert outcome.code == 2
    assert "not finite" in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err
    assert not out.exists()
