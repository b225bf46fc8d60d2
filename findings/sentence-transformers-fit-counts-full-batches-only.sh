#!/usr/bin/env bash
# sentence-transformers 6.2.0 (transformers 5.23.0), model.fit() with a last batch that is not full.
# Expected: the learning rate falls to 0 at the last step, as the default schedule, WarmupLinear,
# does with full batches (warmup_steps is 0 here).
# Seen: the schedule counts the full batches of an epoch only, while the last one is trained on too.
# With 15 rows and a batch size of 8, the second half of the run has learning rate 0. With fewer rows
# than the batch size every step has it: the run reports a loss, and the model is as it was before.
# Output: "16 rows: 8 steps, 0 at rate 0, the model changed"
#         "15 rows: 8 steps, 4 at rate 0, the model changed"
#         "6 rows: 4 steps, 4 at rate 0, the model did not change"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
failed() { cat "$folder/log" >&2; exit 1; }
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu
"${pip[@]}" sentence-transformers==6.2.0 transformers==5.23.0 datasets==5.2.0 accelerate==1.15.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON' || failed
import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import BertConfig, BertModel, BertTokenizerFast

from sentence_transformers import InputExample, SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefgh"]
BertTokenizerFast(vocab=dict(zip(words, range(len(words))))).save_pretrained("tiny")
size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
BertModel(BertConfig(vocab_size=len(words), **size)).save_pretrained("tiny")
rates = []


class Recorded(torch.optim.AdamW):
    def step(self, *given, **named):
        rates.append(self.param_groups[0]["lr"])
        return super().step(*given, **named)


seen = {}
for rows in (16, 15, 6):
    rates.clear()
    model = SentenceTransformer("tiny", device="cpu")
    before = model.encode("a b")
    letters = [words[5 + row % 8] for row in range(rows)]
    pairs = [InputExample(texts=[f"{letter} a", f"{letter} b"], label=0.5) for letter in letters]
    model.fit(
        [(DataLoader(pairs, batch_size=8, shuffle=True), CosineSimilarityLoss(model))],
        epochs=4,
        warmup_steps=0,
        optimizer_class=Recorded,
        optimizer_params={"lr": 1e-3},
        show_progress_bar=False,
    )
    changed = not np.array_equal(model.encode("a b"), before)
    seen[rows] = (len(rates), rates.count(0), changed)
    print(
        f"{rows} rows: {len(rates)} steps, {rates.count(0)} at rate 0, the model",
        "changed" if changed else "did not change",
    )
assert seen == {16: (8, 0, True), 15: (8, 4, True), 6: (4, 4, False)}
PYTHON
