"""The checker of names: what it finds in code, and what it takes for missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench import names

CODE = """
from sentence_transformers import SentenceTransformer, losses as L, util
from sentence_transformers.SentenceTransformer import SentenceTransformer as Older
import sentence_transformers

model = SentenceTransformer("a", backend="torch", nonsense=1)
model.encode(["a"], sentences=None, absent=2)
model.max_seq_length = 3
L.TripletLoss(model, triplet_margin=2)
util.absent()
sentence_transformers.util.cos_sim(1, 2)
model.push_to_hub("a/b")
print(model[0].auto_model)

class Holder:
    def __init__(self):
        self.model = Older("b")

    def run(self):
        return self.model.gone()
"""


def test_what_code_uses_and_what_is_missing() -> None:
    used = names.names_in(CODE)
    assert {
        "SentenceTransformer(backend=)",
        "SentenceTransformer.encode(sentences=)",
        "SentenceTransformer.max_seq_length",
        "losses.TripletLoss(triplet_margin=)",
        "util.cos_sim",
    } <= used
    assert {name for name in used if not names.is_there(name)} == {
        "SentenceTransformer(nonsense=)",
        "SentenceTransformer.encode(absent=)",
        "SentenceTransformer.SentenceTransformer.gone",
        "util.absent",
    }
    assert names.names_in("def broken(:") == set()


def test_counts_are_of_repositories(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, name in (("one", "absent"), ("two", "absent"), ("three", "cos_sim")):
        (tmp_path / folder / "deep").mkdir(parents=True)
        code = f"from sentence_transformers import util\nutil.{name}(1)\n"
        (tmp_path / folder / "deep" / "a.py").write_text(code)
    cell = {
        "cell_type": "code",
        "source": ["!pip install x\n", "from sentence_transformers import util"],
    }
    (tmp_path / "three" / "b.ipynb").write_text(json.dumps({"cells": [cell]}))
    monkeypatch.setattr("sys.argv", ["names", str(tmp_path)])
    monkeypatch.setattr("logging.disable", lambda *_: None)
    names.main()
    assert capsys.readouterr().out.splitlines() == [
        "missing     2  util.absent",
        "1 of 3 repositories lack nothing",
    ]
