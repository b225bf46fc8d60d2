#!/usr/bin/env bash
# sentence-transformers 6.2.0 (transformers 5.23.0), a RoBERTa folder that has no model_max_length.
# Expected: the default length limit is what the model can take: max_position_embeddings - 2, since
# RoBERTa's positions begin after the padding index.
# Seen: it is max_position_embeddings, for SentenceTransformer and CrossEncoder alike. Short texts
# work; the first text of more than max_position_embeddings - 2 tokens ends in a RuntimeError about
# an index. CrossEncoder(max_length=N) takes any N above the positions as well, and fails as late.
# Output: "SentenceTransformer: limit 34, 32 tokens (32,), 33 tokens RuntimeError", the same for
#         CrossEncoder, and "CrossEncoder, max_length 64: limit 64, ..."
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
from transformers import (
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaModel,
    RobertaTokenizerFast,
)

from sentence_transformers import CrossEncoder, SentenceTransformer

words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "a", "Ġ", "Ġa"]
tokenizer = RobertaTokenizerFast(vocab=dict(zip(words, range(8))), merges=[("Ġ", "a")])
config = RobertaConfig(
    vocab_size=8,
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=34,
    num_labels=1,
)
for name, kind in (("embed", RobertaModel), ("rerank", RobertaForSequenceClassification)):
    kind(config).save_pretrained(name)
    tokenizer.save_pretrained(name)


def embed(model, tokens):
    return model.encode(" a" * (tokens - 2)).shape


def rerank(model, tokens):
    return model.predict([(" a" * (tokens - 5), " a")]).shape


def seen(run, model, tokens):
    try:
        return str(run(model, tokens))
    except RuntimeError as error:
        return f"RuntimeError: {error}"


longer = CrossEncoder("rerank", device="cpu", max_length=64)
models = {
    "SentenceTransformer": (embed, SentenceTransformer("embed", device="cpu"), 34),
    "CrossEncoder": (rerank, CrossEncoder("rerank", device="cpu"), 34),
    "CrossEncoder, max_length 64": (rerank, longer, 64),
}
for name, (run, model, limit) in models.items():
    fits, fails = (seen(run, model, tokens) for tokens in (32, 33))
    print(f"{name}: limit {model.max_seq_length}, 32 tokens {fits}, 33 tokens {fails}")
    assert model.max_seq_length == limit
    assert not fits.startswith("RuntimeError")
    assert fails.startswith("RuntimeError: index 34 is out of bounds")
PYTHON
