#!/usr/bin/env bash
# sentence-transformers 6.2.0 (transformers 5.23.0), encode(output_value=None,
# normalize_embeddings=True).
# Expected: every "sentence_embedding" has length 1, as with the default output_value, or an error
# that the two do not go together.
# Seen: the vectors are as the model made them, and nothing is said. truncate_dim, which comes before
# the same step, is done.
# Output: "sentence_embedding: 1.0 1.0", "None: not 1, 16 of 32 dimensions", "log: 0 lines"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
failed() { cat "$folder/log" >&2; exit 1; }
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu
"${pip[@]}" sentence-transformers==6.2.0 transformers==5.23.0
cd "$folder"
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON' || failed
import logging
import warnings

import numpy as np
from transformers import BertConfig, BertModel, BertTokenizerFast

from sentence_transformers import SentenceTransformer

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
BertTokenizerFast(vocab=dict(zip(words, range(len(words))))).save_pretrained("tiny")
size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
BertModel(BertConfig(vocab_size=len(words), **size)).save_pretrained("tiny")
model = SentenceTransformer("tiny", device="cpu")
options = {"normalize_embeddings": True, "truncate_dim": 16}


class Lines(logging.Handler):
    def emit(self, record):
        lines.append(record.getMessage())


lines = []
logging.getLogger("sentence_transformers").addHandler(Lines(logging.WARNING))
plain = np.linalg.norm(model.encode(["a b", "b"], **options), axis=1)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    items = model.encode(["a b", "b"], output_value=None, **options)
vectors = np.stack([item["sentence_embedding"].numpy() for item in items])
lengths = np.linalg.norm(vectors, axis=1)
print("sentence_embedding:", *(round(float(length), 3) for length in plain))
print("None:", "1" if np.allclose(lengths, 1) else "not 1,", f"{vectors.shape[1]} of 32 dimensions")
print(f"log: {len(lines) + len(warned)} lines")
assert np.allclose(plain, 1)
assert (np.abs(lengths - 1) > 0.1).all()
assert vectors.shape == (2, 16)
assert not lines and not warned
PYTHON
