#!/usr/bin/env bash
# mteb 2.26.24 with sentence-transformers 6.2.0: two models that were loaded from folders, such as a
# model and the one tuned from it, evaluated one after the other with the default cache.
# Expected: two evaluations.
# Seen: a model from a folder has no name in mteb, so results of all of them lie under
# "no_model_name__available". The second model is not computed at all: evaluate() returns the scores
# of the first one as its own, in the same process and in every later one. With cache=None they differ.
# Output: "folder one: -1.0", "folder two: -1.0 with the cache, 1.0 without", "1 file of results"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu
"${pip[@]}" mteb==2.26.24 sentence-transformers==6.2.0 transformers==5.23.0
cd "$folder"
export MTEB_CACHE="$folder/cache" HF_HUB_OFFLINE=1
"$folder/venv/bin/python" -W ignore - 2>log <<'PYTHON' || { cat log >&2; exit 1; }
from pathlib import Path

import mteb
import torch
from datasets import Dataset, DatasetDict
from mteb.abstasks.sts import AbsTaskSTS
from mteb.abstasks.task_metadata import TaskMetadata
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel, BertTokenizerFast


class Own(AbsTaskSTS):
    metadata = TaskMetadata(
        name="Own",
        description="pairs of words",
        type="STS",
        dataset={"path": "own/pairs", "revision": "1"},
        eval_langs=["eng-Latn"],
        main_score="cosine_spearman",
    )
    min_score, max_score = 0, 1

    def load_data(self, **_):
        rows = {"sentence1": ["a", "a", "b"], "sentence2": ["b", "c", "c"], "score": [0.0, 0.5, 1.0]}
        self.dataset, self.data_loaded = DatasetDict(test=Dataset.from_dict(rows)), True


def score(path, **options):
    model = SentenceTransformer(path, device="cpu")
    return mteb.evaluate(model, Own(), show_progress_bar=False, **options).task_results[0].get_score()


words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"]
size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
found = {}
for seed in range(200):  # two models that order the pairs in opposite ways
    torch.manual_seed(seed)
    path = f"model-{seed}"
    BertTokenizerFast(vocab=dict(zip(words, range(len(words))))).save_pretrained(path)
    BertModel(BertConfig(vocab_size=len(words), **size)).save_pretrained(path)
    found.setdefault(score(path, cache=None), path)
    if {-1.0, 1.0} <= found.keys():
        break
one, two = found[-1.0], found[1.0]
assert not list(Path("cache").rglob("Own.json"))
first, second, alone = score(one), score(two), score(two, cache=None)
files = len(list(Path("cache").rglob("Own.json")))
print(f"folder one: {first}")
print(f"folder two: {second} with the cache, {alone} without")
print(f"{files} file of results")
assert (first, second, alone, files) == (-1.0, -1.0, 1.0, 1)
PYTHON
