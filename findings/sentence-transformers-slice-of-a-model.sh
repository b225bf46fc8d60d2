#!/usr/bin/env bash
# sentence-transformers 6.2.0 (transformers 5.23.0), model[:1] and model[0:2]. A model is a
# torch.nn.Sequential of its modules, and model[0], len(model) and a loop over it work.
# Expected: the first modules, as torch.nn.Sequential gives them.
# Seen: "TypeError: stat: path should be string, bytes, os.PathLike or integer, not OrderedDict":
# Sequential makes a slice with the class of the model, whose first argument is a name or a path. The
# same for CrossEncoder.
# Output: "torch: 2 modules", "model[:2]: TypeError", "CrossEncoder[:1]: TypeError", "list: 2 modules"
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
import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

from sentence_transformers import CrossEncoder, SentenceTransformer

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
config = BertConfig(vocab_size=len(words), num_labels=1, **size)
for path, kind in (("embed", BertModel), ("rerank", BertForSequenceClassification)):
    BertTokenizerFast(vocab=dict(zip(words, range(len(words))))).save_pretrained(path)
    kind(config).save_pretrained(path)


def seen(model, end):
    try:
        return f"{len(model[:end])} modules"
    except TypeError as error:
        assert "path should be string" in str(error)
        return "TypeError"


model = SentenceTransformer("embed", device="cpu")
rerank = CrossEncoder("rerank", device="cpu")
assert isinstance(model, torch.nn.Sequential)
assert len(model) == 2
assert len(rerank) >= 1
found = {
    "torch": seen(torch.nn.Sequential(*model), 2),
    "model[:2]": seen(model, 2),
    "CrossEncoder[:1]": seen(rerank, 1),
    "list": seen(list(model), 2),
}
for name, result in found.items():
    print(f"{name}: {result}")
assert list(found.values()) == ["2 modules", "TypeError", "TypeError", "2 modules"]
PYTHON
