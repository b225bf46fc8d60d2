#!/usr/bin/env bash
# llama-index-core 0.14.25, aget_text_embedding_batch() of a model that has the methods that
# BaseEmbedding demands, as one that computes in the process.
# Expected: the event loop goes on meanwhile, since the default hands the computing to a thread, as
# the defaults of readers and node postprocessors in the same package do; and with num_workers=4 four
# batches are computed at once.
# Seen: the texts are computed in the loop's own thread, one after the other, whatever num_workers is.
# The loop stands still meanwhile (it goes on once at most here), so a server answers nobody.
# Output: "texts: the loop's thread, the loop stood still" (and the same with num_workers=4)
#         "postprocessor: another thread, the loop went on"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check llama-index-core==0.14.25
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import asyncio
import threading
import time

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.postprocessor.types import BaseNodePostprocessor


def compute():
    """A fifth of a second of work that lets other threads run, as torch's does."""
    begun = turns
    time.sleep(0.2)
    seen.append((threading.current_thread() is threading.main_thread(), begun, turns))


class Local(BaseEmbedding):
    def _get_query_embedding(self, query):
        return [0.0]

    async def _aget_query_embedding(self, query):
        return [0.0]

    def _get_text_embedding(self, text):
        compute()
        return [1.0]


class Reranker(BaseNodePostprocessor):
    def _postprocess_nodes(self, nodes, query_bundle=None):
        compute()
        return nodes


async def others():
    global turns
    while True:
        await asyncio.sleep(0.01)
        turns += 1


async def run(name, work):
    """Whether the computing was in the loop's thread, and how often the loop went on until its end."""
    seen.clear()
    await work
    inside = {where for where, _, _ in seen}
    meanwhile = seen[-1][2] - seen[0][1]
    thread = "the loop's" if inside == {True} else "another"
    print(f"{name}: {thread} thread, the loop", "stood still" if meanwhile <= 1 else "went on")
    assert len(inside) == 1
    return inside.pop(), meanwhile


async def main():
    running = asyncio.create_task(others())
    await asyncio.sleep(0.1)
    plain, four = Local(embed_batch_size=1), Local(embed_batch_size=1, num_workers=4)
    found = [
        await run("texts", plain.aget_text_embedding_batch(["a", "b", "c", "d"])),
        await run("texts, num_workers=4", four.aget_text_embedding_batch(["a", "b", "c", "d"])),
        await run("postprocessor", Reranker().apostprocess_nodes([])),
    ]
    running.cancel()
    assert [inside for inside, _ in found] == [True, True, False]
    assert found[0][1] <= 1 and found[1][1] <= 1
    assert found[2][1] > 1


turns, seen = 0, []
asyncio.run(main())
PYTHON
