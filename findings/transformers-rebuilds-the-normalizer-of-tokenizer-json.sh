#!/usr/bin/env bash
# transformers 5.23.0 (tokenizers 0.23.3), a BertTokenizer folder with a complete tokenizer.json.
# Expected: tokenizer.json is the whole tokenizer, as it is for the tokenizers library.
# Seen: for BertTokenizer its normalizer is replaced by one that is made from tokenizer_config.json,
# with the class's default (lower case) where that file is silent. A cased tokenizer.json is
# lower-cased; with the class PreTrainedTokenizerFast it is not. Whoever reads tokenizer.json alone
# gets other token ids, and so other vectors, from the same folder.
# Output: "BertTokenizer ['paris']", "PreTrainedTokenizerFast ['Paris']", "tokenizers ['Paris']"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.23.0 tokenizers==0.23.3
cd "$folder"
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import json
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer

folder = Path("cased")
folder.mkdir()
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "paris", "Paris"]
vocabulary = {word: number for number, word in enumerate(words)}
made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
made.normalizer = normalizers.BertNormalizer(lowercase=False)
made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
made.save(str(folder / "tokenizer.json"))

seen = {}
for name in ("BertTokenizer", "PreTrainedTokenizerFast"):
    settings = {"tokenizer_class": name, "unk_token": "[UNK]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    seen[name] = AutoTokenizer.from_pretrained(str(folder)).tokenize("Paris")
seen["tokenizers"] = Tokenizer.from_file(str(folder / "tokenizer.json")).encode("Paris").tokens
for name, tokens in seen.items():
    print(name, tokens)
assert seen == {
    "BertTokenizer": ["paris"],
    "PreTrainedTokenizerFast": ["Paris"],
    "tokenizers": ["Paris"],
}
PYTHON
