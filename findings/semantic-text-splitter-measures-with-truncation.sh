#!/usr/bin/env bash
# semantic-text-splitter 0.33.1 with a tokenizer that has truncation on.
# Expected: chunks of at most the capacity, counted in all tokens of a chunk.
# Seen: a chunk is measured after truncation, so no chunk is ever too long. With truncation at 16 and
# a capacity of 32, a text of 400 words is one chunk. Tokenizer files of sentence-embedding models
# carry a truncation (that of all-MiniLM-L6-v2 says 128), so switch it off first.
# Also: the capacity does not count the special tokens. Chunks reach 34 tokens for a capacity of 32.
# Output: "truncation None: 13 chunks, the longest has 34 tokens"
#         "truncation 16: 1 chunks, the longest has 402 tokens"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check semantic-text-splitter==0.33.1 tokenizers==0.23.3
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from semantic_text_splitter import TextSplitter
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = [f"w{number}" for number in range(40)]


def tokenizer(limit):
    vocabulary = {word: number for number, word in enumerate(["[UNK]", "[CLS]", "[SEP]", *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    if limit:
        made.enable_truncation(limit)
    return made


text = " ".join(WORDS[number % 40] for number in range(400))
seen = []
for limit in (None, 16):
    chunks = TextSplitter.from_huggingface_tokenizer(tokenizer(limit), 32).chunks(text)
    longest = max(len(tokenizer(None).encode(chunk).ids) for chunk in chunks)
    print(f"truncation {limit}: {len(chunks)} chunks, the longest has {longest} tokens")
    seen.append((len(chunks), longest))
assert seen == [(13, 34), (1, 402)]
PYTHON
