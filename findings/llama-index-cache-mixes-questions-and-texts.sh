#!/usr/bin/env bash
# llama-index-core 0.14.25, BaseEmbedding(embeddings_cache=...), with a model that encodes questions
# and passages in two ways (as those with a "query: " and a "passage: " prompt do).
# Expected: the cache knows what was encoded: for a text that is both a question and a passage, each
# method gives the vector that it gives without a cache; and two models do not share vectors.
# Seen: the key is the text alone. get_query_embedding() gives the vector of the passage if that was
# encoded before, and get_text_embedding() that of the question; a second model with the same cache
# gets the vectors of the first one, of whatever length. Nothing is said.
# Output: "without a cache: question [1.0], passage [2.0]"
#         "with one: passage [2.0], question [2.0], of another model [2.0] in place of [20.0]"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check llama-index-core==0.14.25
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.storage.kvstore import SimpleKVStore


class Prompted(BaseEmbedding):
    scale: float = 1.0

    def _get_query_embedding(self, query):
        return [self.scale]

    async def _aget_query_embedding(self, query):
        return [self.scale]

    def _get_text_embedding(self, text):
        return [2 * self.scale]


plain = Prompted(model_name="one")
expected = plain.get_query_embedding("tax"), plain.get_text_embedding("tax")
print(f"without a cache: question {expected[0]}, passage {expected[1]}")
cache = SimpleKVStore()
one = Prompted(model_name="one", embeddings_cache=cache)
two = Prompted(model_name="two", scale=10.0, embeddings_cache=cache)
seen = one.get_text_embedding("tax"), one.get_query_embedding("tax"), two.get_text_embedding("tax")
right = Prompted(scale=10.0).get_text_embedding("tax")
print(f"with one: passage {seen[0]}, question {seen[1]}, of another model {seen[2]} in place of {right}")
assert expected == ([1.0], [2.0])
assert seen == ([2.0], [2.0], [2.0])
assert right == [20.0]
PYTHON
