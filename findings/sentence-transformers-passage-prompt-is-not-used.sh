#!/usr/bin/env bash
# sentence-transformers 6.2.0 (transformers 5.23.0), SentenceTransformer(…, prompts={"query": …,
# "passage": …}), which is the example of its documentation, and encode_document, which is documented
# to use the first of the prompts "document", "passage" and "corpus" that there is.
# Expected: the prompt "passage" before every document.
# Seen: no prompt. The model adds an empty prompt "document" of its own, which is the first one. No
# warning says so. With the name "document", or with prompt_name="passage", the prompt is used.
# Output: "prompts: document, passage, query", "passage: without the prompt", "document: with it",
# "prompt_name: with it"
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
from transformers import BertConfig, BertModel, BertTokenizerFast

from sentence_transformers import SentenceTransformer

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "pumps", "leak", "passage", ":"]
size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
BertTokenizerFast(vocab=dict(zip(words, range(len(words))))).save_pretrained("model")
BertModel(BertConfig(vocab_size=len(words), **size)).save_pretrained("model")


def made(name):
    return SentenceTransformer("model", device="cpu", prompts={"query": ": ", name: "passage: "})


def seen(vector):
    return "with it" if np.allclose(vector, wanted, atol=1e-5) else "without the prompt"


model = made("passage")
text = "pumps leak"
wanted, plain = model.encode("passage: pumps leak"), model.encode(text)
assert not np.allclose(wanted, plain, atol=1e-3)
found = {
    "prompts": ", ".join(sorted(model.prompts)),
    "passage": seen(model.encode_document(text)),
    "document": seen(made("document").encode_document(text)),
    "prompt_name": seen(model.encode_document(text, prompt_name="passage")),
}
for name, result in found.items():
    print(f"{name}: {result}")
assert np.allclose(model.encode_document(text), plain, atol=1e-5)
assert list(found.values()) == [
    "document, passage, query", "without the prompt", "with it", "with it"
]
PYTHON
