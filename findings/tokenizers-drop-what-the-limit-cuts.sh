#!/usr/bin/env bash
# tokenizers 0.23.1 and 0.23.2, encode() with enable_truncation().
# Expected: encoding.overflowing holds all tokens beyond the limit, as in 0.23.3.
# Seen: it is empty, or holds only a few of them, so cut tokens cannot be counted.
# Output: "0.23.2: 4 []"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tokenizers==0.23.2
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import tokenizers

tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "[UNK]": 1}, "[UNK]"))
tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
tokenizer.enable_truncation(4)
found = tokenizer.encode("a " * 20)
cut = [len(piece.ids) for piece in found.overflowing]
print(f"{tokenizers.__version__}: {len(found.ids)} {cut}")
assert len(found.ids) == 4
assert cut == []
PYTHON
