#!/usr/bin/env bash
# sentence-transformers 6.2.0 (transformers 5.23.0), a folder whose model.safetensors has the names
# of the model's own state_dict(), "0.model.…", as Accelerator.save_model (accelerate 1.15.0) and
# other tools write them that save a whole model.
# Expected: the weights are found, or an error that not one of them was.
# Seen: the folder loads with random weights, others each time, and encode() gives vectors. All there
# is to see is a table on stderr, in which every weight is MISSING; the exit code is 0. For one
# prefix, the architecture's own ("bert."), the weights are found.
# Output: "saved '': True", "saved 'bert.': True", "saved '0.model.': False"
#         (whether two loads of the folder give one vector), "load reports: 2"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
failed() { cat "$folder/log" >&2; exit 1; }
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu
"${pip[@]}" sentence-transformers==6.2.0 transformers==5.23.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON' || failed
import numpy as np
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, BertTokenizerFast

from sentence_transformers import SentenceTransformer

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
BertTokenizerFast(vocab=dict(zip(words, range(len(words))))).save_pretrained("tiny")
size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
BertModel(BertConfig(vocab_size=len(words), **size)).save_pretrained("tiny")
model = SentenceTransformer("tiny", device="cpu")
weights = model.state_dict()
expected = model.encode("a b")

seen = {}
for prefix in ("", "bert.", "0.model."):
    named = {name.replace("0.model.", prefix): weight for name, weight in weights.items()}
    save_file(named, "tiny/model.safetensors", metadata={"format": "pt"})
    loaded = [SentenceTransformer("tiny", device="cpu").encode("a b") for _ in range(2)]
    seen[prefix] = np.array_equal(*loaded)
    assert seen[prefix] == np.array_equal(loaded[0], expected)
    print(f"saved {prefix!r}: {seen[prefix]}")
assert set(weights) == set(named)
assert seen == {"": True, "bert.": True, "0.model.": False}
PYTHON
reports=$(grep -c "LOAD REPORT" "$folder/log")
echo "load reports: $reports"
test "$reports" = 2
