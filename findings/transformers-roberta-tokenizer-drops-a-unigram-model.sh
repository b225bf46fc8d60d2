#!/usr/bin/env bash
# transformers 5.23.0 (tokenizers 0.23.3), a folder with a complete tokenizer.json of the kind
# Unigram, whose tokenizer_config.json names the class RobertaTokenizer.
# Expected: the segmentation of tokenizer.json, or an error that the class does not suit it.
# Seen: the class takes the vocabulary alone and makes BPE without merges of it. Every text falls into
# single letters, which are in the vocabulary, so that no token is unknown and nothing is said. With
# the class PreTrainedTokenizerFast the same file is read as it is.
# Output: "RobertaTokenizer BPE ['s', 'e', 'a', 'r', 'c', 'h', 'e', 'd']",
#         "PreTrainedTokenizerFast Unigram ['▁search', 'ed']"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.23.0 tokenizers==0.23.3
cd "$folder"
"$folder/venv/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON'
import json
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer

folder = Path("unigram")
folder.mkdir()
special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
pieces = [(piece, 0.0) for piece in special] + [("▁search", -3.0), ("ed", -3.0), ("▁", -4.0)]
pieces += [(letter, -8.0) for letter in "abcdefghijklmnopqrstuvwxyz"]
made = Tokenizer(models.Unigram(pieces, unk_id=3))
made.pre_tokenizer = pre_tokenizers.Metaspace()
made.save(str(folder / "tokenizer.json"))

seen = {}
for name in ("RobertaTokenizer", "PreTrainedTokenizerFast"):
    settings = {"tokenizer_class": name, "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    loaded = AutoTokenizer.from_pretrained(str(folder))
    seen[name] = (type(loaded.backend_tokenizer.model).__name__, loaded.tokenize("searched"))
    print(name, *seen[name])
whole = Tokenizer.from_file(str(folder / "tokenizer.json")).encode("searched").tokens
assert whole == ["▁search", "ed"]
assert seen == {
    "RobertaTokenizer": ("BPE", list("searched")),
    "PreTrainedTokenizerFast": ("Unigram", whole),
}
PYTHON
! grep -i "roberta\|unigram" "$folder/log"
