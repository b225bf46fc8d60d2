"""The report that every run leaves, from the command line to the file."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from sentune.data import Pairs
from sentune.data.digests import pairs_digest
from sentune.errors import ArgumentError
from sentune.evaluation.curve_points import model_ndcg
from sentune.report.page import PICTURES
from sentune.tuning import RunFile, RunFolder, TuneSettings, read_split, tune
from sentune.tuning import curve as curve_module
from sentune.tuning.reporting import weights_hash
from sentune.tuning.run import steps as run_module

WORDS = "files threads dates sockets locks paths bytes sets queues heaps trees maps rows keys"
ROWS = [
    (f"how does one use {word} in chapter {number}", f"{word}: chapter {number} tells of {word}")
    for number, word in enumerate(WORDS.split())
]
TRAINING = {"num_train_epochs": 1, "per_device_train_batch_size": 4}

Run = Callable[..., Any]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    lines = ["question,answer", *(f"{question},{answer}" for question, answer in ROWS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def tuned(tmp_path: Path, pairs: Path, tiny_folder: Path) -> Run:
    """Tune the small model on the pairs, into the folder ``out``."""

    def _tuned(resume: bool = False, **changes: Any) -> Any:
        settings = TuneSettings(base=str(tiny_folder), training=TRAINING, **changes)
        split = read_split(pairs, None, None, 42)
        run = RunFile(settings, data=str(pairs))
        return tune(split, tmp_path / "out", settings, resume=resume, run_file=run)

    return _tuned


def words(text: str) -> str:
    """A page without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL))


def test_a_run_leaves_a_report_and_two_pictures(tuned: Run, tmp_path: Path, pairs: Path) -> None:
    done = tuned()
    page = (tmp_path / "out/report.html").read_text("utf-8")
    shown = words(page)
    assert done.verdict.text in shown
    for system, found in done.summary["systems"].items():
        assert f"{found['ndcg@10']['value']:.3f}" in shown, system
    assert f"SHA-256 {sha256(pairs.read_bytes()).hexdigest()}" in shown
    weights = sha256((tmp_path / "out/model.safetensors").read_bytes()).hexdigest()
    assert f"weights in the folder SHA-256 {weights}" in shown
    assert "sentune tune --config out/run.yaml --out out-2" in shown
    assert str(tmp_path) not in page
    assert "general" in done.summary["facts"]
    card = (tmp_path / "out/README.md").read_text("utf-8")
    for name in PICTURES:
        assert f"]({name})" in card
        ElementTree.fromstring((tmp_path / "out" / name).read_text("utf-8"))
    assert "[report.html](report.html)" in card
    asked = read_split(pairs, None, None, 42).valid.questions.values()
    assert sum(question in shown for question in asked) >= 1
    # The files beside the model are no trouble for the reference.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer

        other = SentenceTransformer(str(tmp_path / "out"), device="cpu")
    texts = ["how does one use files", "trees"]
    np.testing.assert_allclose(done.model.encode(texts), other.encode(texts), atol=2e-2)


def test_a_private_run_leaves_no_text_of_the_data(tuned: Run, tmp_path: Path) -> None:
    tuned(private_card=True)
    for name in ("report.html", "README.md", *PICTURES):
        shown = words((tmp_path / "out" / name).read_text("utf-8")).lower()
        for row in ROWS:
            for text in row:
                found = re.findall(r"\w+", text)
                assert not re.search(r"\W+".join(found[:8]), shown), (name, text)


def test_a_run_that_ends_before_its_report_can_be_continued(
    tuned: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(run_module, "report_page", stop)
        with pytest.raises(KeyboardInterrupt):
            tuned()
    folder = RunFolder(tmp_path / "out")
    assert not folder.finished
    assert folder.resumable
    assert sorted(path.name for path in folder.path.iterdir()) == ["checkpoints"]
    tuned(resume=True)
    assert folder.finished
    assert (folder.path / "report.html").is_file()
    assert not folder.unfinished


def test_a_curve_is_measured_and_not_repeated(
    tuned: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[int] = []
    repeated: list[int] = []
    measure = model_ndcg

    def count(*given: Any) -> Any:
        if len(measured) == 2:
            raise KeyboardInterrupt
        measured.append(1)
        return measure(*given)

    def again(*given: Any) -> Any:
        repeated.append(1)
        return measure(*given)

    with monkeypatch.context() as patched:
        patched.setattr(curve_module, "model_ndcg", count)
        with pytest.raises(KeyboardInterrupt):
            tuned(curve=True)
    monkeypatch.setattr(curve_module, "model_ndcg", again)
    kept = tmp_path / "out/checkpoints/curve-25.json"
    kept.write_text(kept.read_text("utf-8").replace('"of": "', '"of": "x'), "utf-8")
    done = tuned(curve=True, resume=True)
    assert repeated == [1, 1]  # the part that was not measured, and the one of other texts
    found = done.summary["facts"]["curve"]
    assert [point["share"] for point in found["points"]] == [0, 0.25, 0.5, 0.75, 1]
    assert [point["pairs"] for point in found["points"]] == [0, 3, 6, 8, 11]
    systems = done.summary["systems"]
    for point, system in ((found["points"][0], "base"), (found["points"][-1], "model")):
        assert point["ndcg"]["value"] == systems[system]["ndcg@10"]["value"]
    page = (tmp_path / "out/report.html").read_text("utf-8")
    assert "nDCG@10 by the part of the pairs tuned on" in page
    assert "curve: true" in (tmp_path / "out/run.yaml").read_text("utf-8")
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"report.html", "README.md"}
    assert not (tmp_path / "out/checkpoints").exists()


def test_a_curve_needs_pairs(tmp_path: Path, tiny_folder: Path) -> None:
    few = tmp_path / "few.jsonl"
    rows = ({"anchor": asked, "positive": found} for asked, found in ROWS[:6])
    few.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    settings = TuneSettings(base=str(tiny_folder), training=TRAINING, curve=True)
    with pytest.raises(ArgumentError, match="5 questions to train on: expected at least 8"):
        tune(read_split(few, None, None, 1), tmp_path / "out", settings)


def test_a_digest_is_that_of_the_texts() -> None:
    plain = Pairs({"q": "a"}, {"p": "b", "o": "c"}, {"q": ("p",)})
    renamed = Pairs({"1": "a"}, {"2": "b", "3": "c"}, {"1": ("2",)}, source="other.csv")
    assert pairs_digest(plain) == pairs_digest(renamed)
    others = [
        Pairs({"q": "a"}, {"p": "b", "o": "cd"}, {"q": ("p",)}),
        Pairs({"q": "a"}, {"p": "b", "o": "c"}, {"q": ("o",)}),
        Pairs({"q": "ab"}, {"p": "", "o": "c"}, {"q": ("p",)}),
    ]
    assert len({pairs_digest(each) for each in (plain, *others)}) == 4


def test_weights_in_several_files_have_one_hash(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"1")
    assert weights_hash(tmp_path) == sha256(b"1").hexdigest()
    (tmp_path / "b.safetensors").write_bytes(b"2")
    several = weights_hash(tmp_path)
    (tmp_path / "b.safetensors").write_bytes(b"3")
    assert weights_hash(tmp_path) != several
