"""Two real documents, and questions that other people asked about them.

The questions only measure. Nothing of them or of the documents is kept here: where the checkout
does not have them beside it, these tests are left out.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.long import LONG

from sentune import SentenceTransformer
from sentune.data import Pairs, read_pairs
from sentune.evaluation import RetrievalTask, evaluate_systems
from sentune.evaluation.retrieval import question_metrics
from sentune.ranking.late_interaction import LateChoice
from sentune.ranking.rank import rank
from sentune.tuning import RunFile, RunFolder, Tuned, TuneSettings, read_split, tune
from sentune.tuning.documents import DocumentFiles, DocumentRun, prepare_documents

GOVERNANCE = Path(__file__).parents[3] / "shared" / "data" / "governance"
DOCUMENTS = ("NIST.AI.600-1.pdf", "blueprint-ai-bill-of-rights-pages.jsonl")
ASKED = [
    [f"governance{n}-{part}.json" for part in ("train", "valid")] for n in (180, 600)
]  # those of one row have their own passages

pytestmark = pytest.mark.skipif(not GOVERNANCE.is_dir(), reason="no documents beside this folder")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DocumentFiles:
    documents = tuple(str(GOVERNANCE / name) for name in DOCUMENTS)
    run = DocumentRun(documents, "all-MiniLM-L6-v2", seed=42)
    told: list[str] = []
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    files = prepare_documents(run, folder, told.append)
    assert told[0].startswith("read 3")
    assert "from 2 files (137 pages)" in told[0]
    assert told[1].startswith("doubtful in 1 file")
    assert told[2].startswith("made ")
    return files


def _asked(names: list[str]) -> RetrievalTask:
    """The questions of some files, each once, over the passages of all of them."""
    parts = [read_pairs(GOVERNANCE / name) for name in names]
    questions: dict[str, str] = {}
    passages: dict[str, str] = {}
    relevant: dict[str, tuple[str, ...]] = {}
    for number, part in enumerate(parts):
        passages |= {f"{number}:{key}": text for key, text in part.passages.items()}
        for key, answers in part.relevant.items():
            if part.questions[key] not in questions.values():
                questions[f"{number}:{key}"] = part.questions[key]
                relevant[f"{number}:{key}"] = tuple(f"{number}:{each}" for each in answers)
    return RetrievalTask.from_pairs(Pairs(questions, passages, relevant))


def test_what_is_trained_on_comes_from_the_documents_alone(made: DocumentFiles) -> None:
    asked = {
        question
        for names in ASKED
        for name in names
        for question in read_pairs(GOVERNANCE / name).questions.values()
    }
    rows = [json.loads(line) for line in made.train.read_text("utf-8").splitlines()]
    assert len(rows) > 150
    assert all(row["made"] is True and row["question"] not in asked for row in rows)
    split = read_split(made.train, made.valid, None, 42, corpus=made.corpus)
    assert split.caution is not None
    assert 30 <= len(split.valid.passages) <= 60
    assert len(split.valid.passages) <= len(split.valid.questions) <= 3 * len(split.valid.passages)
    trained = set(split.train.passages.values())
    assert all(
        question not in text for question in split.valid.questions.values() for text in trained
    )


def test_a_model_of_documents_finds_what_people_asked(
    made: DocumentFiles, tiny_folder: Path, tmp_path: Path
) -> None:
    """The bars hold for the whole training; the ordinary run takes a sample and a tiny model."""
    train, valid, corpus = (
        path if LONG else _sample(path, tmp_path) for path in (made.train, made.valid, made.corpus)
    )
    settings = TuneSettings(recipe="documents")
    if not LONG:
        settings = TuneSettings(str(tiny_folder), "documents", {"max_steps": 2})
    split = read_split(train, valid, None, 42, corpus=corpus)
    tuned = tune(split, tmp_path / "tuned", settings, run_file=RunFile(settings))
    assert tuned.summary["facts"]["made_questions"]
    if not LONG:
        return
    base, alone = (_alone(each) for each in (SentenceTransformer(), tuned.model))
    assert alone >= 0.77
    assert _final(tuned) >= 0.885
    assert (alone > base) == (tuned.verdict.outcome != "no better")


def _sample(path: Path, folder: Path) -> Path:
    found = folder / path.name
    found.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:20]), "utf-8")
    return found


def _alone(model: SentenceTransformer) -> float:
    """Mean nDCG@10 over all questions, those of each row of ASKED among their own passages."""
    found = []
    for names in ASKED:
        task = _asked(names)
        scores = model.encode_query(task.questions) @ model.encode_document(task.passages).T
        found += question_metrics(rank(scores), task.relevant)["ndcg@10"].tolist()
    return float(np.mean(found))


def _final(tuned: Tuned) -> float:
    saved = tuned.summary
    late = LateChoice.saved(saved)
    values, weights = [], []
    for names in ASKED:
        task = _asked(names)
        report = evaluate_systems(
            task, model=tuned.model, fusion_weight=saved["fusion_weight"], late=late or LateChoice()
        )
        system = "fusion" if late is None else "late"
        values.append(report.systems[system]["ndcg@10"].value)
        weights.append(len(task.questions))
    return float(np.average(values, weights=weights))
