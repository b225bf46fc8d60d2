#!/usr/bin/env bash
# semantic-text-splitter 0.33.1 with an overlap smaller than a sentence.
# Expected: neighbouring chunks share about `overlap` characters.
# Seen: only whole sentences are repeated. Sentences of 86 characters and an overlap of 50 give
# chunks that share nothing, without a word about it.
# Output: "overlap 50: 0 of 9 neighbours share text", "overlap 100: 18 of 18 neighbours share text"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check semantic-text-splitter==0.33.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from semantic_text_splitter import TextSplitter

text = " ".join(
    f"This sentence number {number:02d} has some words in it, and it ends with a full stop here."
    for number in range(20)
)
seen = []
for overlap in (50, 100):
    chunks = TextSplitter(200, overlap=overlap).chunks(text)
    pairs = list(zip(chunks, chunks[1:]))
    shared = sum(after[:40] in before for before, after in pairs)
    print(f"overlap {overlap}: {shared} of {len(pairs)} neighbours share text")
    seen.append((shared, len(pairs)))
assert seen == [(0, 9), (18, 18)]
PYTHON
